"""Functions of a network and a task, or of two networks, which neither read nor write files."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
