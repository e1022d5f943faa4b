"""Figure 6: multisensory integration compared with the optimal combination, and selectivity of units."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...analysis._psychometric import psychometric_or_none
from ...plotting._files import Drawing
from ...plotting._multisensory import SENSE_COLORS
from ...runs._run import Run
from ._draw_panels import INK, REFERENCE, SHADE, UNIT_LABEL, draw, handle, nothing, panels, title
from ._signatures import FigureResult, Signature, networks, signature, span
from ._trials import FigureTrials, attempt, by_model, measure_all, run_trials

RATES = (9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0)
"""Test rates around the boundary; networks are trained on more rates."""
SENSES = dict(zip(("visual", "auditory", "both"), SENSE_COLORS, strict=True))
BAND = (0.75, 1.33)
"""Ratio of measured and predicted information that still counts as optimal."""
MORE, RESAMPLES = 20, 300
"""Factor on the number of trials of psychometric curves, and number of resampled data sets."""
SELECTIVE = 0.5
"""Smallest modulus of d' of a selective unit."""
KINDS = ("choice", "modality", "both")


class Units(NamedTuple):
    """Selectivity of units in single-modality trials; positive: for high rates, for the visual modality.

    Attributes
    ----------
    choice, modality : (N,) d' during the stimulus; 0 where it is not finite
    """

    choice: np.ndarray
    modality: np.ndarray

    def counts(self) -> dict[str, int]:
        """Return units selective for the choice alone, the modality alone, and both."""
        choice, modality = np.abs(self.choice) >= SELECTIVE, np.abs(self.modality) >= SELECTIVE
        kinds = (choice & ~modality, modality & ~choice, choice & modality)
        return {name: int(kind.sum()) for name, kind in zip(KINDS, kinds, strict=True)}

    def examples(self) -> dict[str, int]:
        """Return the most selective unit of each kind."""
        choice, modality = np.abs(self.choice), np.abs(self.modality)
        scores = (choice - 2 * modality, modality - 2 * choice, np.minimum(choice, modality))
        return {name: int(np.argmax(score)) for name, score in zip(KINDS, scores, strict=True)}


def multisensory_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks at rates around the boundary."""
    models = by_model(runs, "multisensory")
    _, ratios = measure_all(models, lambda run, _: _run_around_boundary(run, MORE * repeats, keep_rates=False), _ratio)
    example, units = measure_all(models, lambda run, _: _run_around_boundary(run, repeats, stream=1), _units)
    caption = (
        "Fraction of high choices against the rate in each modality, of one network; information of both modalities "
        "over that predicted from each alone, with bootstrap 95 % intervals, of all networks (grey band: counts as the "
        "best combination); selectivity of its units for choice and modality; and the mean activity of three of them "
        "in correct trials of a single modality (grey: stimulus)."
    )
    drawing = _draw(example, ratios, units[0])
    signatures = [_enhanced(ratios), _optimal(ratios), _mixed(units)]
    return FigureResult(signatures, {"multisensory": drawing}, {"multisensory": caption})


def _run_around_boundary(run: Run, repeats: int, *, stream: int = 0, keep_rates: bool = True) -> FigureTrials:
    task = replace(run.recipe.make_task(), rates=RATES)  # type: ignore[call-arg]
    return run_trials(run, repeats, task=task, stream=stream, keep_rates=keep_rates)


def _ratio(trials: FigureTrials) -> analysis.results.MultisensoryRatio | None:
    """Return the information in the three curves; None if the choices do not determine them."""
    rate, modality, choice = trials.condition("rate"), trials.condition("modality"), trials.choice
    curves = [psychometric_or_none(rate[modality == m], choice[modality == m]) for m in range(3)]
    if not all(curve is not None and curve.converged for curve in curves):
        return None
    return analysis.behaviour.multisensory_ratio(rate, modality, choice, rng=trials.seed, n_resamples=RESAMPLES)


def _units(trials: FigureTrials) -> Units | None:
    rated = trials.rated
    modality, window = rated.condition("modality"), rated.during("stimulus")
    alone = rated.correct & (modality < 2)
    labels = {"choice": np.where(alone, rated.choice, -1), "modality": np.where(alone, modality, -1)}
    tuned = [attempt(analysis.selectivity, rated.rates, label, window=window) for label in labels.values()]
    if tuned[0] is None or tuned[1] is None:
        return None
    return Units(*(np.where(np.isfinite(t.d_prime), t.d_prime, 0.0) for t in tuned if t is not None))


def _enhanced(ratios: list[analysis.results.MultisensoryRatio | None]) -> Signature:
    sigma = [np.full(3, np.nan) if ratio is None else ratio.sigma for ratio in ratios]
    texts = [f"{name} {span([s[i] for s in sigma])}" for i, name in enumerate(SENSES)]
    return signature(
        "Both modalities together are judged more precisely than either alone.",
        f"Width of the psychometric curve in events/s: {', '.join(texts)} ({networks(len(ratios))}).",
        [bool(s[2] < min(s[0], s[1])) for s in sigma],
        **{f"width_{name}": [s[i] for s in sigma] for i, name in enumerate(SENSES)},
        width_predicted=[None if ratio is None else ratio.predicted for ratio in ratios],
    )


def _optimal(ratios: list[analysis.results.MultisensoryRatio | None]) -> Signature:
    values = [np.nan if ratio is None else ratio.ratio for ratio in ratios]
    intervals = [[np.nan, np.nan] if ratio is None else ratio.ratio_ci.tolist() for ratio in ratios]
    within = [low <= 1 <= high for low, high in intervals]
    listed = "; ".join(
        f"{span([v])} [{low:.2f}, {high:.2f}]" if np.isfinite(low) else span([v])
        for v, (low, high) in zip(values, intervals, strict=True)
    )
    return signature(
        "The modalities are combined almost optimally: 1/s_v^2 + 1/s_a^2 is near 1/s_va^2.",
        f"Measured over predicted information with 95 % interval: {listed}; the interval includes 1 in {sum(within)} "
        f"of {networks(len(values))} (holds: ratio from {BAND[0]:g} to {BAND[1]:g}).",
        [BAND[0] <= value <= BAND[1] for value in values],
        ratio=values,
        interval=intervals,
        includes_1=within,
    )


def _mixed(units: list[Units | None]) -> Signature:
    counts = [dict.fromkeys(KINDS, 0) if found is None else found.counts() for found in units]
    texts = [f"{span([count[kind] for count in counts], '{:.0f}')} for {kind}" for kind in KINDS]
    return signature(
        "Units are selective for the choice, for the modality, or for both.",
        f"Units with |d'| of {SELECTIVE:g} or more: {', '.join(texts)} ({networks(len(units))}; holds: some of each).",
        [all(count.values()) for count in counts],
        counts=counts,
    )


def _draw(
    trials: FigureTrials, ratios: list[analysis.results.MultisensoryRatio | None], units: Units | None
) -> Drawing:
    with plotting.style():
        figure, axes = panels(2, 3, (9.6, 5.8))
        draw(axes[0, 0], _curves, trials, ratios[0])
        title(axes[0, 0], "choices")
        _ratios(ratios, axes[0, 1])
        draw(axes[0, 2], _scatter, units)
        title(axes[0, 2], "selectivity of units (d')")
        rated = trials.rated
        for i, (ax, kind) in enumerate(zip(axes[1], KINDS, strict=True)):
            name = draw(ax, _unit, rated, units, kind)
            title(ax, kind if name is None else f"{name}: {kind}")
            if i:
                ax.set_ylabel("")
        handles = [
            handle(f"{sense}, {word}", SENSES[sense], linestyle=dash)
            for sense in ("visual", "auditory")
            for word, dash in (("high", "-"), ("low", "--"))
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _curves(trials: FigureTrials, ratio: analysis.results.MultisensoryRatio | None, ax: Axes) -> None:
    if ratio is None:
        raise ValueError("no choices to fit a curve to")
    boundary = trials.task.boundary  # type: ignore[attr-defined]
    plotting.behaviour.plot_multisensory(ratio, names=tuple(SENSES), boundary=boundary, ax=ax)
    for text in ax.texts:
        text.remove()
    handles = [handle(name, colour) for name, colour in SENSES.items()]
    ax.legend(handles=handles, loc="lower right", fontsize=8, handlelength=1.2)
    ax.set_ylabel("fraction of high choices")


def _ratios(ratios: list[analysis.results.MultisensoryRatio | None], ax: Axes) -> None:
    known = [(i, ratio) for i, ratio in enumerate(ratios) if ratio is not None]
    if not known:
        nothing(ax, "no curves to compare")
        return
    ax.axhspan(*BAND, color=SHADE, linewidth=0, zorder=0)
    ax.axhline(1.0, color=REFERENCE, linestyle=":", linewidth=1.0)
    for i, ratio in known:
        low, high = np.nan_to_num(ratio.ratio_ci, nan=ratio.ratio)
        error = np.clip([[ratio.ratio - low], [high - ratio.ratio]], 0.0, None)
        ax.errorbar(i, ratio.ratio, yerr=error, fmt="o", color=INK, capsize=3, markerfacecolor="white" if i else INK)
    ax.set_xticks(range(len(ratios)))
    ax.set_xlim(-0.6, len(ratios) - 0.4)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("network")
    ax.set_ylabel("measured / predicted")
    title(ax, "information of both modalities")


def _scatter(units: Units | None, ax: Axes) -> None:
    if units is None:
        raise ValueError("no correct trials of each kind")
    for line in (ax.axhline, ax.axvline):
        line(0.0, color=REFERENCE, linestyle=":", linewidth=1.0)
    ax.plot(units.modality, units.choice, "o", color="#777777", markersize=3, alpha=0.7)
    for name, unit in units.examples().items():
        ax.plot(units.modality[unit], units.choice[unit], "o", color=INK, markersize=5)
        ax.annotate(
            name, (units.modality[unit], units.choice[unit]), xytext=(5, 3), textcoords="offset points", fontsize=8
        )
    ax.margins(0.14)
    ax.set_xlabel("for modality (> 0: visual)")
    ax.set_ylabel("for choice (> 0: high)")


def _unit(trials: FigureTrials, units: Units | None, kind: str, ax: Axes) -> str:
    if units is None:
        raise ValueError("no correct trials of each kind")
    unit = units.examples()[kind]
    onset, stop = np.asarray(trials.trial.epochs["stimulus"])[0] * trials.task.dt
    time = np.arange(1, len(trials.rates) + 1) * trials.task.dt - onset
    ax.axvspan(0, stop - onset, color=SHADE, linewidth=0, zorder=0)
    for m, sense in enumerate(("visual", "auditory")):
        for choice, dash in ((0, "-"), (1, "--")):
            chosen = trials.correct & (trials.condition("modality") == m) & (trials.choice == choice)
            if chosen.any():
                ax.plot(time, trials.rates[:, chosen, unit].mean(axis=1), color=SENSES[sense], linestyle=dash)
    ax.set_xlim(time[0], time[-1])
    ax.set_ylim(bottom=0)
    ax.set_xlabel("time from stimulus onset (ms)")
    ax.set_ylabel(UNIT_LABEL)
    return f"unit {unit}"
