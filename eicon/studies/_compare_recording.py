"""A network beside a recording, in the trials that were recorded: how alike the two populations are."""

from typing import NamedTuple

import numpy as np

from .. import analysis
from ..models import RateRNN
from ..recordings import Recording, resampled
from ..training._recorded import check_recording, fit_to


class RecordingComparison(NamedTuple):
    """A network (a) and a recording (b) in the same trials.

    Attributes
    ----------
    found : Comparison
        As of `eicon.analysis.compare`.
    n_units : tuple of int
        Units of the network, and units that were recorded.
    n_trials : int
    notes : list of str
        What the reader has to know.
    """

    found: analysis.results.Comparison
    n_units: tuple[int, int]
    n_trials: int
    notes: list[str]


def compare_recording(
    net: RateRNN, recording: Recording, *, n_permutations: int | float = 99, seed: int | float = 0
) -> RecordingComparison:
    """Compare the activity of a network with a recording, in the trials and with the inputs of the recording.

    All units of the network are compared with all that were recorded, whatever their names are. Trials of the same
    conditions are averaged, and give a ceiling; steps count at which all recorded units were observed.

    Parameters
    ----------
    net : RateRNN
    recording : Recording
        Resampled to the step of the network if it has another one.
    n_permutations : int
        For the nulls; 0 for none.
    seed : int
        Of the permutations.

    Returns
    -------
    RecordingComparison

    Raises
    ------
    ValueError
        If the network has other inputs than the recording, there is no step at which all units were observed, or one
        of the two is silent.
    """
    notes = [f"Source of the recording: {recording.source}."] if recording.source else []
    if recording.dt != net.dt:
        notes.append(f"The recording was resampled from {recording.dt:g} to {net.dt:g} ms, the step of the network.")
        recording = resampled(recording, net.dt)
    seen = recording.is_observed
    kept = seen.any(axis=(0, 1))
    if not kept.all():
        notes.append(f"{int((~kept).sum())} units that were never observed are left out.")
    mask = recording.mask & seen[:, :, kept].all(axis=2)
    inside = mask.any(axis=0)
    if not inside.any():
        raise ValueError("there is no step at which all recorded units were observed; choose units by of_units(...).")
    if not inside.all():
        notes.append(f"{int((~inside).sum())} trials without a step at which all units were observed are left out.")
    labels = _conditions(recording)
    check_recording(net, recording)
    observed = fit_to(recording, net.n_rec)
    activity = np.asarray(observed.scored(net.predict(recording.inputs, noise=False)), np.float64)
    found = analysis.compare(
        activity[:, inside],
        np.where(mask[:, :, None], recording.activity[:, :, kept], 0.0)[:, inside],
        mask=mask[:, inside],
        conditions=None if labels is None else labels[inside],
        n_permutations=n_permutations,
        rng=seed,
    )
    if labels is None:
        notes.append("No conditions are repeated, so that there is no ceiling.")
    return RecordingComparison(found, (activity.shape[2], int(kept.sum())), int(inside.sum()), notes)


def _conditions(recording: Recording) -> np.ndarray | None:
    """Number of each trial's combination of conditions, if one of them is repeated."""
    if not recording.conditions:
        return None
    codes = [np.unique(values, return_inverse=True)[1] for values in recording.conditions.values()]
    _, labels, counts = np.unique(np.stack(codes), axis=1, return_inverse=True, return_counts=True)
    return labels.ravel() if counts.max() > 1 else None
