"""Delayed match to sample: is the second direction the same as the first? (Miyashita & Chang 1988)."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ._delayed_match import MATCH, NON_MATCH, DelayedMatchTask
from ._ring import ring_directions


@dataclass(frozen=True)
class DelayedMatchToSample(DelayedMatchTask):
    r"""Memory of a direction, to be compared with a second direction.

    *Fixation* (fixation input alone), *sample* (a direction), *delay* (fixation input alone), *test* (the same
    or a different direction), *decision* (the fixation input goes off, and the output for match or that for
    non-match goes up). The fixation input is :math:`u_0 + 1` until the decision. A direction :math:`\theta` is coded
    by tuned inputs :math:`u_0 + \exp(\kappa (\cos(\theta - \phi_i) - 1))` with equally spaced preferred directions
    :math:`\phi_i`; all inputs are :math:`u_0` otherwise. Outputs are scored during fixation (both low) and decision.

    Half of the conditions are matches: each combines a sample, one of the other directions (``foil``), and the choice
    of the sample or the foil as test. Thus all samples, all tests and all pairs of different directions are equally
    frequent, and each sample is followed by itself as often as by all others together.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives trials in which nothing is shown, not even the fixation input, and both outputs must
        stay low throughout; with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    n_directions : int
        Number of directions, equally spaced from 0 degrees, at least 2.
    n_channels : int
        Number of tuned inputs, at least 3.
    concentration : float
        Sharpness :math:`\kappa` of the tuning; 2.5 halves the response at 44 degrees from the preferred direction.
    fixation, stimulus, decision : float
        Durations in ms; sample and test last ``stimulus`` each.
    delay : float, Uniform or TruncatedExponential
        Time between sample and test in ms.

    Raises
    ------
    ValueError
        If there are too few directions or channels, the concentration is not positive and finite, or an epoch is
        shorter than half a step.

    References
    ----------
    Miyashita & Chang (1988), Nature 331: 68-70; with directions: Freedman & Assad (2006), Nature 443: 85-88.

    Examples
    --------
    >>> import jax
    >>> task = DelayedMatchToSample(n_directions=4)
    >>> task.n_conditions
    24
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.epochs["test"][0].tolist()
    ((120, 24, 17), [80, 105])
    >>> [trial.conditions[name][-1].tolist() for name in ("sample", "test", "choice")]
    [270.0, 180.0, 1]
    """

    sorts: ClassVar[tuple[str, ...]] = ("sample", "choice")

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return directions ``sample``, ``test`` and ``foil`` in degrees, and the right ``choice`` (0 for a match)."""
        pairs = np.array(list(itertools.permutations(ring_directions(self.n_directions), 2)))
        sample, foil = np.concatenate([pairs, pairs]).T
        choice = np.repeat(np.array([MATCH, NON_MATCH], np.int32), len(pairs))
        return {"sample": sample, "test": np.where(choice == MATCH, sample, foil), "foil": foil, "choice": choice}
