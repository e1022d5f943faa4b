"""One recipe in, one run directory out: training runs, their analysis and condensation, and sweeps."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
