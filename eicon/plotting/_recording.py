"""Overview of a recording: all units, some of them in single trials, and the trials."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..analysis._psth import PSTH, sort_by_peak
from ._parts import category_looks, level_colours, time_label, with_unit
from ._psth import plot_psth_heatmap
from ._style import font_size, house_style, line_color, neutral, panel_letters, reference, small_ticks

MOST_LEVELS = 6
"""Most levels of a condition that has colours."""
MOST_TRIALS = 40
"""Most single trials drawn for a unit."""
SHARES = (0.25, 0.5, 0.75)
"""Positions of the separately drawn units in the order of peaks."""


class _Groups(NamedTuple):
    """Condition that has colours, with the appearance of its levels, and the level of each trial."""

    name: str
    levels: list[str]
    looks: list[dict[str, Any]]
    of_trial: np.ndarray


@house_style
def plot_recording(recording: Any, *, by: str | None = None, unit: str = "", since: str = "") -> Figure:
    """Draw an overview of a recording: means of all units, single trials of up to three of them, and lengths of trials.

    The three units have their peaks at a quarter, half and three quarters of the order in the matrix. Thin lines are
    single trials, at most 40; thick lines are means over the trials of a condition, where at least half were observed.

    Parameters
    ----------
    recording : Recording
        Recording from `eicon.recordings`.
    by : str, optional
        Condition that has colours; by default the first one with 2 to 6 levels.
    unit : str
        Unit of the activity, for labels.
    since : str
        Event at time 0, for the axis label.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no such condition, or it has more than 6 levels.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    groups = _groups(recording, by)
    n_seen = int(np.isfinite(recording.activity).any(axis=(0, 1)).sum())
    shares = SHARES if n_seen >= len(SHARES) else np.linspace(0.0, 1.0, max(n_seen, 1)).tolist()
    names = [f"unit {i}" for i in range(len(shares))]
    mosaic: Any = [["all", name, "trials"] for name in names]
    figure, axes = plt.subplot_mosaic(mosaic, figsize=(10.5, 4.2), width_ratios=[1.1, 1.3, 0.9])
    figure.set_layout_engine("constrained", w_pad=0.1)  # room for the label of the colour bar
    for ax in axes.values():
        small_ticks(ax)
    counts = recording.observed == "counts"
    quantity = "spikes per step" if counts else recording.observed
    order = _draw_all(axes["all"], recording, quantity, since)
    for name, share in zip(names, shares, strict=True):
        index = int(order[round(share * (len(order) - 1))])
        _draw_unit(axes[name], recording, index, groups)
        axes[name].set_title(f"unit {recording.units[index]}", loc="left", fontsize=font_size())
        axes[name].tick_params(labelbottom=name == names[-1])
    axes[names[len(names) // 2]].set_ylabel(quantity if counts else with_unit(quantity, unit or "a.u."))
    for name in (names[-1], "trials"):
        axes[name].set_xlabel(time_label(since))
    _draw_trials(axes["trials"], recording, groups)
    if len(groups.levels) > 1:
        handles = [Line2D([], [], **look, label=level) for level, look in zip(groups.levels, groups.looks, strict=True)]
        figure.legend(handles=handles, title=groups.name, loc="outside right upper", handlelength=1.6)
    panel_letters([axes["all"], axes[names[0]], axes["trials"]])
    return figure


def _groups(recording: Any, by: str | None) -> _Groups:
    levels = {name: np.unique(values) for name, values in recording.conditions.items()}
    if by is None:
        by = next((name for name, found in levels.items() if 2 <= len(found) <= MOST_LEVELS), None)
    elif len(levels.get(by, ())) not in range(1, MOST_LEVELS + 1):
        counts = ", ".join(f"{name} ({len(found)} levels)" for name, found in levels.items()) or "none"
        raise ValueError(f"`by` must be a condition of 1 to {MOST_LEVELS} levels; got {by!r}. There are: {counts}.")
    if by is None:
        return _Groups("", ["all trials"], [{"color": line_color()}], np.zeros(recording.n_trials, int))
    found, of_trial = np.unique(recording.conditions[by], return_inverse=True)
    if found.dtype.kind in "iuf":
        looks: list[dict[str, Any]] = [{"color": tuple(colour)} for colour in level_colours(found, by)]
        return _Groups(by, [f"{level:g}" for level in found], looks, of_trial)
    return _Groups(by, [str(level) for level in found], category_looks(len(found)), of_trial)


def _mean(activity: np.ndarray) -> np.ndarray:
    """Return the mean over the trials (T, M) observed at each step, NaN where there is none."""
    seen = np.isfinite(activity)
    n = seen.sum(axis=1)
    return np.where(n > 0, np.where(seen, activity, 0.0).sum(axis=1) / np.maximum(n, 1), np.nan)


def _draw_all(ax: Axes, recording: Any, quantity: str, since: str) -> np.ndarray:
    """Draw the mean of each unit that was observed, and return these units in the order of their peaks."""
    kept = np.flatnonzero(np.isfinite(recording.activity).any(axis=(0, 1)))
    mean = _mean(recording.activity[:, :, kept])
    order = sort_by_peak(mean)
    number = np.ones((1, len(mean)), int)
    course = PSTH(mean[None], np.full_like(mean[None], np.nan), number, recording.time, np.zeros(1), 0)
    plot_psth_heatmap(course, order=order, since=since, ax=ax)
    ax.set_xlabel(time_label(since))
    ax.set_ylabel("unit, by the time of its peak")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.child_axes[0].set_ylabel(f"{quantity} (fraction of range)")
    return kept[order]


def _draw_unit(ax: Axes, recording: Any, unit: int, groups: _Groups) -> None:
    time, activity = recording.time, recording.activity[:, :, unit]
    if time[0] < 0 < time[-1]:
        ax.axvline(0.0, color=reference(), linestyle=":", linewidth=1.0)
    step = -(-recording.n_trials // MOST_TRIALS)
    for trial in range(0, recording.n_trials, step):
        colour = groups.looks[groups.of_trial[trial]]["color"] if len(groups.levels) > 1 else neutral()
        ax.plot(time, activity[:, trial], color=colour, linewidth=0.4, alpha=0.35)
    for level, look in enumerate(groups.looks):
        trials = activity[:, groups.of_trial == level]
        # Where trials end one by one, the mean would jump with every ending trial.
        enough = 2 * np.isfinite(trials).sum(axis=1) >= np.isfinite(trials).any(axis=0).sum()
        mean = np.where(enough, _mean(trials[:, :, None])[:, 0], np.nan)
        ax.plot(time, mean, **look, label=groups.levels[level])
    if len(time) > 1:
        ax.set_xlim(time[0], time[-1])


def _draw_trials(ax: Axes, recording: Any, groups: _Groups) -> None:
    """Draw a bar for each trial, from its first step to the end of its last one."""
    mask, dt = recording.mask, recording.dt
    inside = mask.any(axis=0)
    first, last = np.argmax(mask, axis=0), len(mask) - np.argmax(mask[::-1], axis=0)
    left, length = recording.start + first * dt, np.where(inside, (last - first) * dt, 0.0)
    for level, look in enumerate(groups.looks):
        trials = np.flatnonzero(groups.of_trial == level)
        colour = look["color"] if len(groups.levels) > 1 else neutral()
        ax.barh(trials, length[trials], left=left[trials], height=0.8, color=colour, label=groups.levels[level])
    ax.set_xlim(recording.start, recording.start + len(mask) * dt)
    ax.set_ylim(recording.n_trials - 0.5, -0.5)
    ax.set_ylabel("trial")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title("lengths of trials", loc="left", fontsize=font_size())
