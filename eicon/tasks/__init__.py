"""Tasks, one per file, sampled on the device."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": "NeurogymTask BrainPyDatasetsTask",
        "_table": "make describe",
    },
)
