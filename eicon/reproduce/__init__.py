"""Reproductions of the networks and figures of papers, one package each."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
