"""Resampling of recordings."""

from dataclasses import replace
from typing import Any

import numpy as np

from .._numbers import real
from ._cut import check_size
from ._recording import EXACT, Recording, spans_of


def resampled(recording: Recording, dt: float | int) -> Recording:
    """Change the step of a recording, for example to that of a network.

    Steps at least twice as long as the recording's get the mean of the observed values, or the sum of counts.
    Shorter steps get values interpolated linearly between the middles of the recording's steps, and each trial's first
    and last value outside these; values next to a NaN are NaN. Inputs are always averaged over each new step. Only
    complete steps are part of a trial; an incomplete last one is omitted. The processing is noted in ``source``.

    Parameters
    ----------
    recording : Recording
    dt : float
        New step in ms.

    Returns
    -------
    Recording

    Raises
    ------
    ValueError
        If the step is not > 0 or longer than the recording, or, for counts, not a whole multiple of the old one.

    Examples
    --------
    >>> recording = Recording(np.arange(6.0).reshape(6, 1, 1), dt=10.0)
    >>> resampled(recording, 20.0).activity[:, 0, 0]
    array([0.5, 2.5, 4.5])
    """
    new, old = real(dt, "dt"), recording.dt
    if not 0 < new <= recording.n_steps * old * (1 + EXACT):
        raise ValueError(f"dt must be > 0 and at most the recording's {recording.n_steps * old:g} ms; got {new:g}.")
    if abs(new - old) < EXACT * old:
        return recording
    ratio = new / old
    n = int(np.floor(recording.n_steps / ratio + EXACT))
    check_size(n, recording.n_trials, recording.n_units)
    fold = round(ratio)
    counts = recording.observed == "counts"
    if counts and (fold < 2 or abs(ratio - fold) > EXACT * fold):
        raise ValueError(
            f"counts are summed, so a new step must be a whole multiple of {old:g} ms; got {new:g} ms. Read the "
            f"spike times again with bin={new:g}."
        )
    if counts:  # a new step needs all old ones
        activity = recording.activity[: n * fold].reshape(n, fold, *recording.activity.shape[1:]).sum(axis=1)
        how = "summed"
    elif ratio > 2 - EXACT:
        seen = recording.is_observed
        part = _averaged(seen.astype(np.float64), n, ratio)
        sums = _averaged(np.where(seen, recording.activity, 0.0), n, ratio)
        activity, how = np.where(part > EXACT, sums / np.maximum(part, EXACT), np.nan), "averaged"
    else:
        activity, how = _between(recording, n, ratio), "linear between steps"
    source = f"{recording.source}; " if recording.source else ""
    return replace(
        recording,
        activity=activity,
        dt=new,
        inputs=_averaged(recording.inputs, n, ratio),
        mask=_averaged(recording.mask.astype(np.float64), n, ratio) > 1 - EXACT,
        source=f"{source}resampled from {old:g} to {new:g} ms ({how})",
    )


def _between(recording: Recording, n: int, ratio: float) -> np.ndarray:
    """Interpolate linearly between the middles of a trial's old steps, at the middles of new steps."""
    first, after = spans_of(recording.mask)
    at = np.clip((np.arange(n)[:, None] + 0.5) * ratio - 0.5, first, after - 1)
    low = np.floor(at + EXACT).astype(int)
    part = np.where(np.abs(at - low) < EXACT, 0.0, at - low)[:, :, None]
    trial = np.arange(recording.n_trials)
    higher = recording.activity[np.minimum(low + 1, after - 1), trial]
    return (1 - part) * recording.activity[low, trial] + part * np.where(part > 0, higher, 0.0)


def _averaged(values: Any, n: int, ratio: float) -> np.ndarray:
    """Average values that are constant in each old step over each new step."""
    area = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    edge = np.minimum(np.arange(n + 1) * ratio, len(values))
    low = np.minimum(np.floor(edge + EXACT).astype(int), len(values))
    part = np.clip(edge - low, 0.0, None).reshape(-1, *[1] * (values.ndim - 1))
    at = area[low] + part * values[np.minimum(low, len(values) - 1)]
    return np.diff(at, axis=0) / ratio
