"""Rate networks as values and as BrainPy dynamical systems."""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "initial": """
            recurrent_weights with_radius spectral_radius DISTRIBUTIONS uniform_weights SCHEMES remap
            REMAPS
        """,
        "results": "Certificate MatrixReport Activity",
        "cells": "ACTIVATIONS",
        "_perturbation": "Perturbation",
    },
)
