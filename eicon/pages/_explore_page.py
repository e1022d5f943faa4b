"""HTML page in one file, with numbers, program and style, which loads nothing from the internet."""

import base64
import gzip
import hashlib
import json
from importlib import resources
from typing import Any

import numpy as np

from ._explore_data import Contents
from ._template import filled

SCRIPTS = (
    "data",
    "state",
    "draw",
    "values",
    "matrix",
    "rates",
    "space",
    "behaviour",
    "levels",
    "units",
    "role",
    "silencing",
    "conditions",
    "keys",
    "main",
)
"""Scripts, in their order in the page."""


def render(contents: Contents, **about: Any) -> str:
    """Make the page.

    Parameters
    ----------
    contents : Contents
    **about
        Texts of the page: title, lead, accuracy, certificate, notes; all are escaped.

    Returns
    -------
    str
        HTML. Its arrays are gzipped, in base64; the element ``facts`` contains their offsets.
    """
    blob, places = packed(contents.arrays)
    files = resources.files("eicon.pages") / "explorer"
    program = "\n".join((files / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    program = f'(() => {{\n"use strict";\n{program}\n}})();\n'
    look = (files / "style.css").read_text(encoding="utf-8")
    return filled(
        "explorer/page.html.jinja",
        policy=f"default-src 'none'; img-src data:; script-src {_hash(program)}; style-src {_hash(look)}",
        program=program,
        look=look,
        facts=as_script_data({**contents.facts, "arrays": places}),
        blob=blob,
        **about,
    )


def packed(arrays: dict[str, np.ndarray]) -> tuple[str, list[dict[str, Any]]]:
    """Return concatenated arrays in gzipped base64, and name, type, shape and offset of each."""
    places, parts, offset = [], [], 0
    for name, values in arrays.items():
        array = np.ascontiguousarray(values)
        data = array.astype(array.dtype.newbyteorder("<")).tobytes()
        data += b"\0" * (-len(data) % 8)  # typed arrays of a browser start at a multiple of their width
        places.append({"name": name, "type": array.dtype.name, "shape": list(array.shape), "offset": offset})
        parts.append(data)
        offset += len(data)
    return base64.b64encode(gzip.compress(b"".join(parts), 6, mtime=0)).decode(), places


def as_script_data(value: Any) -> str:
    r"""Return JSON that is safe between script tags, whatever names it contains.

    Examples
    --------
    >>> as_script_data({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _hash(text: str) -> str:
    """Return the name of an inline script or style in a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
