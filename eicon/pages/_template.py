"""Self-contained pages, rendered from templates with embedded pictures."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .._version import __date__, __version__


def filled(template: str, *, package: str = "eicon.pages", **values: Any) -> str:
    """Render a template of a package, with escaped values, none missing; `eicon` is its version and date."""
    environment = Environment(loader=PackageLoader(package, "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(values, eicon=f"eicon {__version__} ({__date__})")


def picture(path: Path) -> str:
    """Return a picture in base64, for ``data:image/png;base64,``."""
    return base64.b64encode(path.read_bytes()).decode()
