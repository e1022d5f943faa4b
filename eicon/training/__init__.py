"""How networks learn: trainer, losses, penalties and checkpoints."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": "History EpochHistory HessianFreeHistory",
        "_checkpoint": "read_history",
        "_losses": "LOSSES Loss",
        "_regularizers": "Regularizer",
    },
)
