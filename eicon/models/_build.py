"""The way to put a network together in 0.1.0; it goes in 0.3.0."""

from collections.abc import Mapping
from typing import Any

import brainpy.math as bm
import numpy as np
from numpy.typing import ArrayLike

from ._equation import RateEquation
from ._parts import Parts
from ._rate_rnn import RateRNN


def build(
    equation: RateEquation,
    constants: Mapping[str, Any],
    units: Mapping[str, np.ndarray],
    values: Mapping[str, ArrayLike],
    trainable: set[str],
    mode: bm.Mode | None = None,
) -> RateRNN:
    """Network with exactly these parameter values, bit for bit; see `RateRNN.of_parts`."""
    return RateRNN.of_parts(Parts(equation, values, frozenset(trainable), units), mode=mode, **constants)
