"""Comparison of a network with a recording in the recorded trials."""

from typing import NamedTuple

import numpy as np

from .. import analysis
from ..models import RateRNN
from ..recordings import Recording, resampled
from ..training._recorded import predicted
from ._fit import condition_labels


class RecordingComparison(NamedTuple):
    """A network (a) and a recording (b) in the same trials.

    Attributes
    ----------
    found : Comparison
        Result of `eicon.analysis.compare`.
    n_units : tuple of int
        Units of the network, and recorded units.
    n_trials : int
    notes : list of str
        Notes for the reader.
    """

    found: analysis.results.Comparison
    n_units: tuple[int, int]
    n_trials: int
    notes: list[str]


def compare_recording(
    net: RateRNN, recording: Recording, *, n_permutations: int | float = 99, seed: int | float = 0
) -> RecordingComparison:
    """Compare the activity of a network with a recording, in the trials and with the inputs of the recording.

    All units of the network are compared with all recorded ones, whatever their names. Trials of the same conditions
    are averaged, and give a ceiling; only steps at which all recorded units were observed count.

    Parameters
    ----------
    net : RateRNN
    recording : Recording
        Recording, resampled to the step of the network if the steps differ.
    n_permutations : int
        Number of permutations for the nulls; 0 for none.
    seed : int
        Seed of the permutations.

    Returns
    -------
    RecordingComparison

    Raises
    ------
    ValueError
        If network and recording differ in inputs, there is no step at which all units were observed, or one
        of the two is silent.
    """
    notes = [f"Source of the recording: {recording.source}."] if recording.source else []
    if recording.dt != net.dt:
        notes.append(f"The recording was resampled from {recording.dt:g} to {net.dt:g} ms, the step of the network.")
        recording = resampled(recording, net.dt)
    seen = recording.is_observed
    kept = seen.any(axis=(0, 1))
    if not kept.all():
        notes.append(f"Units left out because they were never observed: {int((~kept).sum())} of {kept.size}.")
    counted = recording.mask & seen[:, :, kept].all(axis=2)
    inside = counted.any(axis=0)
    if not inside.any():
        raise ValueError("there is no step at which all recorded units were observed; select units with of_units(...).")
    if not inside.all():
        notes.append(f"Trials left out because no step has all units: {int((~inside).sum())} of {inside.size}.")
    recording, mask = recording.of_trials(inside), counted[:, inside]
    labels = condition_labels(recording)
    if labels is None or np.unique(labels).size == labels.size:
        labels = None
        notes.append("No conditions are repeated, so there is no ceiling.")
    activity = predicted(net, recording)
    found = analysis.compare(
        activity,
        np.where(mask[:, :, None], recording.activity[:, :, kept], 0.0),
        mask=mask,
        conditions=labels,
        n_permutations=n_permutations,
        rng=seed,
    )
    return RecordingComparison(found, (activity.shape[2], int(kept.sum())), recording.n_trials, notes)
