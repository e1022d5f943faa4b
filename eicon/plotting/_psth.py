"""Rates around an event: one unit in all conditions, and all units in one."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from eicon.analysis._psth import PSTH, sort_by_peak

from ._connectivity import sorted_units, type_blocks
from ._parts import category_looks, level_bar, level_colours, missing_shade, with_unit
from ._style import axes_or_new, coherence_cmap, house_style, neutral, reference

MOST_BANDS = 4
"""Most conditions whose errors are drawn as bands."""


@house_style
def plot_psth(
    psth: PSTH,
    unit: int,
    *,
    label: str = "condition",
    level_unit: str = "",
    since: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the mean rate of one unit in each condition, with its standard error.

    With more than four conditions, bands would hide each other; the largest standard error is then written instead.

    Parameters
    ----------
    psth : PSTH
        Result of `eicon.analysis.coding.psth`.
    unit : int
        Index of the unit.
    label, level_unit : str
        Name and unit of the conditions, for the colour bar. Conditions that are not numbers have a legend
        instead; a single one has neither.
    since : str
        Event at time 0, for the axis label.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such unit.
    """
    n_units = psth.average.shape[2]
    if not -n_units <= unit < n_units:
        raise ValueError(f"`unit` must be one of 0..{n_units - 1}; got {unit}.")
    ax = axes_or_new(ax)
    numbers = bool(np.issubdtype(psth.levels.dtype, np.number))
    bar = with_unit(label, level_unit)
    colours = level_colours(psth.levels, bar)
    looks = [{"color": one} for one in colours] if numbers else category_looks(psth.levels.size)
    ax.axvline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    bands = psth.levels.size <= MOST_BANDS
    for row, look in enumerate(looks):
        mean, error = psth.average[row, :, unit], np.nan_to_num(psth.sem[row, :, unit])
        if bands:
            ax.fill_between(psth.time, mean - error, mean + error, color=look["color"], alpha=0.25, linewidth=0)
        ax.plot(psth.time, mean, **look, label=None if numbers else str(psth.levels[row]))
    errors = psth.sem[:, :, unit]
    if not bands and np.isfinite(errors).any():
        note = f"s.e.m. \N{LESS-THAN OR EQUAL TO} {np.nanmax(errors):.2g}"
        ax.text(0.98, 0.98, note, transform=ax.transAxes, ha="right", va="top", color=neutral())
    ax.set_xlim(psth.time[0], psth.time[-1])
    ax.set_xlabel(f"time since {since} (ms)" if since else "time from the event (ms)")
    ax.set_ylabel("firing rate (a.u.)")
    if psth.levels.size > 1 and numbers:
        level_bar(ax, psth.levels, colours, bar)
    elif psth.levels.size > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, handlelength=1.2, columnspacing=1.2)
    return ax


@house_style
def plot_psth_heatmap(
    psth: PSTH,
    *,
    condition: int | None = None,
    order: ArrayLike | None = None,
    excitatory: ArrayLike | None = None,
    since: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the rates of all units, a row each, as fractions of the unit's range.

    Parameters
    ----------
    psth : PSTH
        Result of `eicon.analysis.coding.psth`.
    condition : int, optional
        Row of `psth.levels`; None averages over conditions.
    order : (N,) array of int, optional
        Units from top to bottom, such as `Selectivity.order`; None sorts by the time of the peak.
    excitatory : (N,) bool array, optional
        True for E units, which `order` must then put first. Adds a boundary line and E/I labels.
    since : str
        Event at time 0, for the axis label.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no such condition, `order` is not a permutation, or `excitatory` does not match it.
    """
    n_conditions, _, n_units = psth.average.shape
    if condition is not None and not -n_conditions <= condition < n_conditions:
        raise ValueError(f"`condition` must be one of 0..{n_conditions - 1}; got {condition}.")
    rates = psth.average if condition is None else psth.average[[condition]]
    known = np.isfinite(rates)
    count = known.sum(axis=0)
    course = np.where(known, rates, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan)
    given = sort_by_peak(course, excitatory=excitatory) if order is None else order
    sorting, n_excitatory = sorted_units(given, excitatory, n_units)
    low, high = np.nanmin(course, axis=0), np.nanmax(course, axis=0)
    shown = (course - low) / np.where(high > low, high - low, 1.0)
    ax = axes_or_new(ax, figsize=(4.0, 3.5))
    half = (psth.time[1] - psth.time[0]) / 2 if psth.time.size > 1 else 0.5
    missing_shade(ax)
    image = ax.imshow(
        shown.T[sorting],
        cmap=coherence_cmap(),
        vmin=0.0,
        vmax=1.0,
        aspect="auto",
        interpolation="nearest",
        extent=(psth.time[0] - half, psth.time[-1] + half, n_units - 0.5, -0.5),
    )
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)))
    bar.set_label("rate (fraction of range)")
    if psth.time[0] < 0.0 < psth.time[-1]:
        ax.axvline(0.0, color="white", linestyle=":", linewidth=1.2)
    ax.spines[:].set_visible(True)
    ax.set_xlabel(f"time since {since} (ms)" if since else "time from the event (ms)")
    ax.set_ylabel("unit")
    if n_excitatory is not None:
        blocks = type_blocks(n_excitatory, n_units)
        if len(blocks) == 2:
            ax.axhline(blocks[0][2] - 0.5, color="white", linewidth=1.2)
        ax.set_yticks([(start + stop - 1) / 2 for _, start, stop, _ in blocks], [name for name, *_ in blocks])
        ax.tick_params(axis="y", length=0)
        for text, (_, _, _, colour) in zip(ax.get_yticklabels(), blocks, strict=True):
            text.set(color=colour, fontweight="bold")
    return ax
