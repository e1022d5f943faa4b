"""Coherence of motion or colour, and its two scales."""

import warnings
from typing import Any, Literal

import jax
import numpy as np

from ._base import check_levels

CoherenceScale = Literal["dots", "song2016"]
UNITS = {"dots": "% of dots", "song2016": "%, Song et al."}


def settle_coherence(task: Any, factor: float) -> None:
    """Check and set ``coherence`` and ``coherence_scale`` of a new task.

    ``factor`` comes from the equation of Song et al.: the ratio of the coherence in per cent of dots to that on their
    scale.
    """
    default, scale = type(task).coherence, task.coherence_scale
    if scale not in (None, *UNITS):
        raise ValueError(f"coherence_scale must be 'dots' (per cent of dots) or 'song2016'; got {scale!r}.")
    coherence = tuple(float(c) for c in np.atleast_1d(task.coherence))
    if scale == "song2016":
        coherence = tuple(c / factor for c in coherence) if coherence == default else coherence
        hint = " on the scale 'song2016'; use coherence_scale 'dots' for per cent of dots"
        check_levels("coherence", coherence, 0.0, 100 / factor, hint)
    else:
        check_levels("coherence", coherence, 0.0, 100.0)
        if scale is None and coherence != default and max(coherence) <= 100 / factor:
            _warn(max(coherence), factor)
    object.__setattr__(task, "coherence", coherence)
    object.__setattr__(task, "coherence_scale", scale or "dots")


def unit_of(scale: CoherenceScale | None) -> str:
    """Return the unit of coherence on a scale, for axes."""
    return UNITS["song2016" if scale == "song2016" else "dots"]


def excess(coherence: jax.Array, scale: CoherenceScale | None, factor: float) -> jax.Array:
    """Return the excess fraction of dots for one choice, whose input is ``(1 + excess) / 2``; same shape."""
    # Convert via their scale, and in this order even when compiled: the default levels then give the same bits on
    # either scale, and those of 0.1.0.
    published = coherence if scale == "song2016" else jax.lax.optimization_barrier(coherence / factor)
    return factor * published / 100


def _warn(coherence: float, factor: float) -> None:
    now, before = coherence / 100, factor * coherence / 100
    warnings.warn(
        f"coherence is in per cent of dots: at {coherence:g}, the evidence for the two choices is (1 +- {now:g}) / 2. "
        f"It was (1 +- {before:g}) / 2 in eicon 0.1.0, on the scale of Song et al. (2016). Pass "
        "coherence_scale='dots' to keep the new meaning, or coherence_scale='song2016' for the old one; either "
        "silences this warning.",
        FutureWarning,
        stacklevel=5,
    )
