"""Training of networks: trainer, losses, penalties and checkpoints."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": "History",
        "_checkpoint": "read_history",
        "_losses": "LOSSES Loss",
        "_penalties": "Regularizer",
    },
    gone={
        "EpochTrainer": "use Trainer(net, task, trials=Fixed(train, validation, batch_size))",
        "EpochHistory": "all trainings have a History; Fixed.by_epoch gives curves over epochs",
        "HessianFreeHistory": "all trainings have a History",
    },
)
