"""Figure 3: the same task under different constraints, and the resulting connectivity."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ... import analysis, plotting
from ...analysis._psychometric import psychometric_or_none
from ...plotting._files import Drawing
from ...runs._run import Run
from ._draw_panels import COHERENCE_LABEL, INK, choices_panel, draw, panels, title
from ._signatures import FOLLOWS, SIGNIFICANT, FigureResult, Signature, largest_p, networks, signature, span
from ._trials import FigureTrials, attempt, by_model, measure_all, run_trials

KINDS = {"rdm_nodale": "without Dale's law", "rdm_dense": "Dale's law, all to all", "rdm_fixed": "structured"}
SELECTIVE = 0.5
"""Smallest modulus of d' of a selective unit."""
OWN_SIDE = 0.9
"""Smallest fraction of the units of a structured network that prefer the choice of their group."""


class Wired(NamedTuple):
    """Choices and connectivity of a network; None without choices.

    Attributes
    ----------
    curve : psychometric
    accuracy : fraction correct
    tuned : selectivity for the network's choice during the stimulus
    ratio : mean excitatory weight within a preference divided by that across (NaN without Dale's law)
    inhibition : the same of weights from inhibitory to excitatory units
    difference : (mean weight within - mean weight across) / standard deviation, among excitatory units, or all of them
        without Dale's law
    p : probability of so large a difference if preferences are exchanged among these units
    """

    curve: analysis.results.Psychometric | None
    accuracy: float
    tuned: analysis.results.Selectivity | None
    ratio: float
    inhibition: float
    difference: float
    p: float


def constraints_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks of the three kinds."""
    examples: dict[str, FigureTrials] = {}
    found: dict[str, list[Wired]] = {}
    for kind in KINDS:
        example, found[kind] = measure_all(by_model(runs, kind), lambda run, _: run_trials(run, repeats), _measure)
        examples[kind] = example
    caption = (
        "Choices, and recurrent weights of a network of each kind (rows: presynaptic). Units are sorted by their "
        "selectivity d' during the stimulus, excitatory before inhibitory ones, from those that prefer choice 1 to "
        f"those that prefer choice 0; squares hold the weights within a preference (|d'| of {SELECTIVE:g} or more, "
        "excitatory units where there are). Grey: the other networks."
    )
    signatures = [
        _behaviour(found),
        _dense(found["rdm_dense"]),
        _nodale(found["rdm_nodale"]),
        _structured(runs["rdm_fixed"], found["rdm_fixed"]),
    ]
    return FigureResult(signatures, {"constraints": _draw(examples, found)}, {"constraints": caption})


def _measure(trials: FigureTrials) -> Wired:
    curve = psychometric_or_none(trials.condition("coherence"), trials.choice)
    accuracy = float(trials.correct.mean())
    rated = trials.rated
    tuned = attempt(
        analysis.selectivity, rated.rates, rated.choice, window=rated.during("stimulus"), excitatory=rated.types
    )
    if tuned is None:
        return Wired(curve, accuracy, None, np.nan, np.nan, np.nan, np.nan)
    weights = np.asarray(trials.net.W_rec, np.float64)
    clustering = analysis.choice_clustering(weights, tuned.d_prime, trials.net.is_excitatory, threshold=SELECTIVE)
    units = np.arange(len(weights)) if rated.types is None else np.flatnonzero(rated.types)
    signed = analysis.coding.signed_clustering(
        weights[np.ix_(units, units)], tuned.d_prime[units], threshold=SELECTIVE, rng=trials.seed
    )
    return Wired(curve, accuracy, tuned, clustering.excitatory, clustering.inhibitory, *signed)


def _behaviour(found: dict[str, list[Wired]]) -> Signature:
    every = [wired for of_kind in found.values() for wired in of_kind]
    texts = [
        f"{span([100 * w.accuracy for w in of_kind], '{:.0f}')} % correct {KINDS[kind]}"
        for kind, of_kind in found.items()
    ]
    return signature(
        "The task is learned under all three kinds of constraints.",
        f"{', '.join(texts)} ({networks(len(every))}; holds: {FOLLOWS}).",
        [w.curve is not None and w.curve.follows_evidence for w in every],
        accuracy={kind: [w.accuracy for w in of_kind] for kind, of_kind in found.items()},
        width_percent={
            kind: [w.curve.width if w.curve is not None and w.curve.converged else None for w in of_kind]
            for kind, of_kind in found.items()
        },
    )


def _dense(found: list[Wired]) -> Signature:
    return signature(
        "Under Dale's law, excitatory units that prefer the same choice come to excite each other more.",
        f"Excitatory weights within a preference are {span([w.ratio for w in found])} times those across it, "
        f"{largest_p([w.p for w in found])} by permutation, in {networks(len(found))}; inhibitory weights onto "
        f"excitatory units {span([w.inhibition for w in found])} times.",
        [w.ratio > 1 and w.p < SIGNIFICANT for w in found],
        within_over_across=[w.ratio for w in found],
        p_value=[w.p for w in found],
        inhibitory_within_over_across=[w.inhibition for w in found],
        difference_in_sd=[w.difference for w in found],
    )


def _nodale(found: list[Wired]) -> Signature:
    return signature(
        "Without Dale's law, weights between units of the same preference come to be more positive.",
        f"The mean signed weight within a preference exceeds that across by {span([w.difference for w in found])} "
        f"standard deviations, {largest_p([w.p for w in found])} by permutation, in {networks(len(found))}.",
        [w.difference > 0 and w.p < SIGNIFICANT for w in found],
        difference_in_sd=[w.difference for w in found],
        p_value=[w.p for w in found],
    )


def _structured(runs: list[Run], found: list[Wired]) -> Signature:
    across, own = [], []
    for run, wired in zip(runs, found, strict=True):
        net = run.load_network()
        group, excitatory = net.units["area"], net.is_excitatory
        pairs = (group[:, None] != group) & excitatory[:, None] & excitatory
        across.append(int(np.count_nonzero(np.asarray(net.W_rec)[pairs])))
        own.append(np.nan if wired.tuned is None else _own_side(wired.tuned.d_prime[excitatory], group[excitatory]))
    return signature(
        "Two excitatory groups that share only inhibition decide as well; each prefers the choice that it feeds.",
        f"{max(across)} excitatory weights across groups (none by construction); "
        f"{span([100 * share for share in own], '{:.0f}')} % of the selective excitatory units prefer the choice of "
        f"their group, {span([100 * w.accuracy for w in found], '{:.0f}')} % of choices are right (holds: "
        f"{100 * OWN_SIDE:g} % or more, and {FOLLOWS}).",
        [
            count == 0 and share >= OWN_SIDE and w.curve is not None and w.curve.follows_evidence
            for count, share, w in zip(across, own, found, strict=True)
        ],
        excitatory_weights_across=across,
        own_side=own,
        within_over_across_inhibitory=[w.inhibition for w in found],
    )


def _own_side(d_prime: np.ndarray, group: np.ndarray) -> float:
    selective = np.abs(d_prime) >= SELECTIVE
    return float(np.mean((d_prime > 0)[selective] == (group == "0")[selective])) if selective.any() else np.nan


def _draw(examples: dict[str, FigureTrials], found: dict[str, list[Wired]]) -> Drawing:
    with plotting.style():
        figure, axes = panels(2, 3, (9.8, 5.6), height_ratios=[0.9, 1.0])
        for column, (kind, name) in enumerate(KINDS.items()):
            choices_panel([wired.curve for wired in found[kind]], axes[0, column], xlabel=COHERENCE_LABEL)
            title(axes[0, column], name)
            draw(axes[1, column], _matrix, examples[kind], found[kind][0])
    return figure


def _matrix(trials: FigureTrials, wired: Wired, ax: Axes) -> None:
    if wired.tuned is None:
        raise ValueError("no choices to sort the units by")
    plotting.plot_connectivity(np.asarray(trials.net.W_rec), wired.tuned.order, trials.types, ax=ax)
    units = np.ones(trials.net.n_rec, bool) if trials.types is None else trials.types
    d_prime = wired.tuned.d_prime[units]
    low, high = int((d_prime <= -SELECTIVE).sum()), int((d_prime >= SELECTIVE).sum())
    for start, size in ((0, low), (d_prime.size - high, high)):
        ax.add_patch(Rectangle((start - 0.5, start - 0.5), size, size, fill=False, color=INK, linewidth=1.0))
    if trials.types is None:
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel("to (sorted by d')")
        ax.set_ylabel("from (sorted by d')")
