"""HTML pages: report of a run, comparison of runs, and explorer."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
