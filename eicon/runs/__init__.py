"""Runs and sweeps from recipes: training, analysis, condensation, and run directories."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
