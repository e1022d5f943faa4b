"""Networks and figures of Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792."""

from ..._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
