"""What the functions of `eicon.pages` return."""

from ._explore import Explorer as Explorer
