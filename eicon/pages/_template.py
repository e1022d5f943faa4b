"""Pages of one file: templates that are filled in, with pictures in them."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def filled(template: str, *, package: str = "eicon.pages", **values: Any) -> str:
    """Fill in a template of a package; values are escaped, and all that it names must be given."""
    environment = Environment(loader=PackageLoader(package, "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(values)


def picture(path: Path) -> str:
    """Return a picture in base64, to stand behind ``data:image/png;base64,``."""
    return base64.b64encode(path.read_bytes()).decode()
