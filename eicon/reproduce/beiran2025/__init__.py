"""The students of Beiran & Litwin-Kumar (2025), Nature Neuroscience: what is predicted of neurons nobody recorded."""

from ..._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
