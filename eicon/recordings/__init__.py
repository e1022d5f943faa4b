"""Activity that was measured, or simulated elsewhere: read, aligned, cut, and laid beside a network's units."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
