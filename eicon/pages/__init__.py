"""Pages for people: the report of a run, the comparison of two, and the explorer."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
