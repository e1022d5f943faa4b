"""All that makes a network, as one value: what files hold, and what copies are built from."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from ._equation import Parameters, RateEquation

RAW = {"recurrent": "raw_rec", "input": "raw_in", "readout": "raw_out"}
"""Name of the raw weights of each connectivity."""


class Parts(NamedTuple):
    """A network without the state of its trials and of its noise.

    Attributes
    ----------
    equation : RateEquation
    values : mapping of str to array
        Parameters by name, as of `RateRNN.parameters`.
    trainable : frozenset of str
        Names of those that learn.
    units : mapping of str to array (N,)
        Labels of the units, with or without their type.
    """

    equation: RateEquation
    values: Mapping[str, ArrayLike]
    trainable: frozenset[str]
    units: Mapping[str, np.ndarray]

    def effective(self) -> dict[str, jax.Array]:
        """Effective weights of each connectivity."""
        return effective_weights(self.equation, self.values)


def effective_weights(equation: RateEquation, values: Mapping[str, ArrayLike] | Parameters) -> dict[str, jax.Array]:
    """Effective weights of each connectivity by its name, ``[pre, post]``."""
    return {role: getattr(equation, role).effective(values[name]) for role, name in RAW.items()}
