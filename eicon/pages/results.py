"""Return types of `eicon.pages`."""

from ._explore import Explorer as Explorer
