"""Coherence of motion or colour, and the two scales on which it is given."""

import warnings
from typing import Any, Literal

import jax
import numpy as np

from ._base import check_levels

CoherenceScale = Literal["dots", "song2016"]
UNITS = {"dots": "% of dots", "song2016": "%, Song et al."}


def settle_coherence(task: Any, factor: float) -> None:
    """Check ``coherence`` and ``coherence_scale`` of a task that is being made, and set both.

    ``factor`` is that of Song et al.'s equation: the coherence in per cent of dots over that on their scale.
    """
    default, scale = type(task).coherence, task.coherence_scale
    if scale not in (None, *UNITS):
        raise ValueError(f"coherence_scale must be 'dots' (per cent of dots) or 'song2016'; got {scale!r}.")
    coherence = tuple(float(c) for c in np.atleast_1d(task.coherence))
    if scale == "song2016":
        coherence = tuple(c / factor for c in coherence) if coherence == default else coherence
        hint = " on the scale 'song2016'; per cent of dots have coherence_scale 'dots'"
        check_levels("coherence", coherence, 0.0, 100 / factor, hint)
    else:
        check_levels("coherence", coherence, 0.0, 100.0)
        if scale is None and coherence != default and max(coherence) <= 100 / factor:
            _warn(max(coherence), factor)
    object.__setattr__(task, "coherence", coherence)
    object.__setattr__(task, "coherence_scale", scale or "dots")


def unit_of(scale: CoherenceScale | None) -> str:
    """Unit of coherence on a scale, for axes."""
    return UNITS["song2016" if scale == "song2016" else "dots"]


def excess(coherence: jax.Array, scale: CoherenceScale | None, factor: float) -> jax.Array:
    """Fraction of dots by which one choice is favoured, whose input is ``(1 + excess) / 2``; same shape."""
    # By way of their scale, and in this order even where it is compiled, so that the default levels give the same bits
    # on either scale, and those of 0.1.0.
    published = coherence if scale == "song2016" else jax.lax.optimization_barrier(coherence / factor)
    return factor * published / 100


def _warn(coherence: float, factor: float) -> None:
    now, before = coherence / 100, factor * coherence / 100
    warnings.warn(
        f"coherence is in per cent of dots: a coherence of {coherence:g} gives the inputs (1 +- {now:g}) / 2, and gave "
        f"(1 +- {before:g}) / 2 in eicon 0.1.0, on the scale of Song et al. (2016). Pass coherence_scale='dots' for "
        "the former or coherence_scale='song2016' for the latter; either also silences this warning.",
        FutureWarning,
        stacklevel=5,
    )
