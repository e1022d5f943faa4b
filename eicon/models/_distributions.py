"""Distributions of magnitudes of initial weights: positive random numbers of mean 1."""

from collections.abc import Callable

import numpy as np

GAMMA_SHAPE = 2.0
LOG_SD = 1.0

DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "gamma": lambda rng, shape: rng.gamma(GAMMA_SHAPE, 1 / GAMMA_SHAPE, size=shape),
    "lognormal": lambda rng, shape: rng.lognormal(-(LOG_SD**2) / 2, LOG_SD, size=shape),
    "normal": lambda rng, shape: np.abs(rng.normal(scale=np.sqrt(np.pi / 2), size=shape)),
    "uniform": lambda rng, shape: rng.uniform(0.0, 2.0, size=shape),
}
"""Distributions by name: gamma of shape 2 (Song et al. 2016), lognormal with standard deviation 1 of the logarithm, the
absolute value of a normal number, and uniform from 0."""


def draw_sizes(distribution: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw magnitudes of weights, > 0 and of mean 1.

    Raises
    ------
    ValueError
        If the distribution is unknown.
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"unknown distribution of weights {distribution!r}; allowed: {', '.join(DISTRIBUTIONS)}.")
    return DISTRIBUTIONS[distribution](rng, shape)
