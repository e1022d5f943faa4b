"""Connectomes: readers that make rows the sources, bundled data, and a catalogue of both."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": "Entry Expansion",
        "nulls": "permute rewire rewire_strength rewire_distance shuffle_weights NULLS",
    },
)
