"""Recordings: activity that was measured, or simulated elsewhere, and is read, aligned, cut and matched to units."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
