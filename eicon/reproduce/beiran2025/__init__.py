"""Networks of Beiran & Litwin-Kumar (2025), Nature Neuroscience: prediction of unrecorded neurons."""

from ..._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(__name__, __file__)
