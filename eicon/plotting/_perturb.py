"""Behaviour under perturbations, as a dose curve or side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ._style import font_size, house_style, line_color, panel_letters, reference, small_ticks

CHOICES = {"correct": "#228833", "wrong": "#AA3377"}
"""Colours without the blue and red that mean E and I elsewhere; everything else has the foreground colour."""
MARKS = {"correct": "o", "wrong": "s", "no_answer": "^", "accuracy": "o"}
MOST_COLUMNS = 3


@house_style
def plot_perturbations(effects: Sequence[Any], *, dose: str = "dose") -> Figure:
    """Draw the behaviour under perturbations over their doses, a panel for each, or side by side if there is one dose.

    Parameters
    ----------
    effects : sequence of PerturbationEffect
        Result of `eicon.studies.perturbation_effects`, without perturbation first. Fractions of trials that are
        correct, wrong and without an answer are drawn with their 95 % intervals, or the score for tasks without a
        choice; the behaviour without perturbation is dotted.
    dose : str
        Name of the dose, with its unit.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no effects of a perturbation.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    if len(effects) < 2:
        raise ValueError("there is no effect of a perturbation to draw; pass the result of perturbation_effects.")
    before, names = effects[0], list(dict.fromkeys(effect.name for effect in effects[1:]))
    groups = {name: [effect for effect in effects[1:] if effect.name == name] for name in names}
    curves = max(map(len, groups.values())) > 1
    if not curves:
        groups = {"": list(effects)}
    columns = min(len(groups), MOST_COLUMNS)
    rows = -(-len(groups) // columns)
    size = (0.9 + 2.7 * columns if curves else max(3.4, 1.4 + 0.75 * len(effects)), 0.8 + 2.1 * rows)
    figure, grid = plt.subplots(rows, columns, squeeze=False, sharex=curves, sharey=True, figsize=size)
    panels = list(grid.flat)
    fractions = ["correct", "wrong", "no_answer"] if np.isfinite(before.no_answer) else ["accuracy"]
    for ax, (name, group) in zip(panels, groups.items(), strict=False):
        x = np.array([effect.dose for effect in group]) if curves else np.arange(len(group))
        shift = 0.0 if curves else 0.14
        for i, which in enumerate(fractions):
            y = np.array([getattr(effect, which) for effect in group])
            ends = np.array([getattr(effect, f"{which}_ci") for effect in group])
            look: dict[str, Any] = {"color": _colour(which), "marker": MARKS[which], "markersize": 4, "capsize": 2}
            look["linestyle"] = "-" if curves else "none"
            bars = np.clip([y - ends[:, 0], ends[:, 1] - y], 0.0, None)
            place = x + shift * (i - (len(fractions) - 1) / 2)
            ax.errorbar(place, y, yerr=bars, elinewidth=1.0, label=_words(which), **look)
            if curves:
                ax.axhline(getattr(before, which), color=_colour(which), linestyle=":", linewidth=0.8, zorder=0)
        _dress(ax, dose if curves else "", name, group, curves)
    for ax in panels[len(groups) :]:
        ax.set_visible(False)
    for ax in grid[:, 0]:
        ax.set_ylabel("fraction of trials" if len(fractions) > 1 else "score")
    handles, labels = panels[0].get_legend_handles_labels()
    if len(fractions) > 1:
        figure.legend(handles, labels, loc="outside upper center", ncols=3, columnspacing=1.0, handletextpad=0.4)
    panel_letters(panels[: len(groups)])
    return figure


def _dress(ax: Any, dose: str, name: str, group: list[Any], curves: bool) -> None:
    ax.set_ylim(-0.04, 1.04)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    ax.axhline(0.0, color=reference(), linewidth=0.5, zorder=0)
    small_ticks(ax)
    if curves:
        ax.set_xlabel(dose)
        ax.set_title(name, fontsize=font_size())
        return
    ax.set_xticks(range(len(group)), [effect.name for effect in group], rotation=25, ha="right", rotation_mode="anchor")
    ax.set_xlim(-0.5, len(group) - 0.5)


def _colour(which: str) -> str:
    return CHOICES.get(which) or line_color()


def _words(which: str) -> str:
    return which.replace("_", " ")
