"""Dependence of units on a graded stimulus, and its stability over time."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike
from scipy import special, stats

from ._arrays import (
    ALSO_TRIALS,
    LAST,
    SILENT,
    Rates,
    Window,
    as_alpha,
    as_mask,
    as_rates,
    as_vector,
    as_window,
    by_name,
    levels_of,
    numbers,
    rates_of,
    require_finite,
    silent_below,
    steps_of,
    whole_array,
)
from ._permutation import Correction, corrected
from ._regress import as_design, fewest_trials, regress

_MOSTLY_ONE_WAY = 0.5


class Tuning(NamedTuple):
    """Dependence of each unit on a stimulus; L levels.

    Attributes
    ----------
    levels : (L,) float
        Distinct stimuli, ascending, in the unit of the input.
    n : (L,) int
        Number of trials at each level.
    curve, sem : (L, N) float
        Mean rate in the window, and its standard error (NaN for fewer than two trials).
    slope, intercept : (N,) float
        Least-squares line through single trials, ``rate = slope * stimulus + intercept``.
    r_squared : (N,) float
        Fraction of the variance over trials that the line explains; NaN for silent units.
    rho : (N,) float
        Spearman's rank correlation of rate and stimulus over trials, -1 to 1: falling or rising. NaN for silent units.
    p_value : (N,) float
        Two-sided probability, from ``t = rho sqrt((B - 2) / (1 - rho^2))`` with B - 2 degrees of freedom; corrected for
        the number of units only if requested.
    one_way : (N,) float
        ``|curve[L-1] - curve[0]| / sum_l |curve[l+1] - curve[l]|``: 1 if the curve only rises or only falls, 0 if it
        returns to its start. NaN for silent units.
    monotone : (N,) bool
        ``p_value < alpha`` and ``one_way > 0.5``.
    fraction_monotone : float
        Fraction of monotone units among those that are not silent; NaN if all are silent.
    p_any : (N,) float
        Probability of means this different if a unit did not depend on the stimulus at all: F test of a one-way
        analysis of variance, corrected as `p_value`. 1 for units that do not vary; NaN for fewer trials than levels
        + 1.
    """

    levels: Float[np.ndarray, "L"]
    n: Int[np.ndarray, "L"]
    curve: Float[np.ndarray, "L N"]
    sem: Float[np.ndarray, "L N"]
    slope: Float[np.ndarray, "N"]
    intercept: Float[np.ndarray, "N"]
    r_squared: Float[np.ndarray, "N"]
    rho: Float[np.ndarray, "N"]
    p_value: Float[np.ndarray, "N"]
    one_way: Float[np.ndarray, "N"]
    monotone: Bool[np.ndarray, "N"]
    fraction_monotone: float
    p_any: Float[np.ndarray, "N"]


class TunedFractions(NamedTuple):
    """Fractions of units tuned at each of T steps.

    Attributes
    ----------
    rising, falling : (T,) float
        Fraction of all units whose rate rises, or falls, significantly with the stimulus over trials.
    """

    rising: Float[np.ndarray, "T"]
    falling: Float[np.ndarray, "T"]


class TuningCorrelation(NamedTuple):
    """Tuning of all units at each of S steps, and its correlation between steps.

    Attributes
    ----------
    slope : (S, N) float
        Regression coefficient of each unit's rate on the stimulus, a line with constant over trials; NaN at steps with
        too few trials.
    correlation : (S, S) float
        Pearson correlation over units of ``slope`` at two steps: 1 if units keep their tuning, -1 if all reverse it.
        NaN where slopes are NaN or equal for all units.
    steps : (S,) int
        The steps.
    """

    slope: Float[np.ndarray, "S N"]
    correlation: Float[np.ndarray, "S S"]
    steps: Int[np.ndarray, "S"]


def tuning(
    rates: Rates,
    stimulus: ArrayLike,
    *,
    window: Window = None,
    alpha: float = 0.05,
    correction: Correction | None = None,
) -> Tuning:
    """Measure how each unit's rate rises or falls with a stimulus.

    Parameters
    ----------
    rates : (B, N) or (T, B, N) array
        Rate of each trial, or rates of all steps, which are averaged over the window.
    stimulus : (B,) array
        Graded stimulus of each trial, such as a frequency. Values that differ by less than a millionth of their range
        are one level.
    window : None, slice, (start, stop) or (T, B) bool array
        The steps (not ms) averaged over, for (T, B, N).
    alpha : float
        Level of the test for a monotone dependence.
    correction : {"holm", "fdr"}, optional
        Correction over units: Holm's, for the probability of any false alarm, or Benjamini & Hochberg's, for the
        fraction of false ones among those found. Without, 5 % of units that do not depend on the stimulus have
        p < 0.05.

    Returns
    -------
    Tuning

    Raises
    ------
    ValueError
        If shapes do not match, there are fewer than four trials or two stimuli, the window is empty in a trial, or a
        used value is not finite.

    Notes
    -----
    The tests assume independent trials; trials within one slow drift, or copies of each other, are not independent.

    Monotone tuning in parametric working memory: Romo, Brody, Hernandez & Lemus (1999), Nature 399:470.

    Examples
    --------
    >>> rates = np.array([[1.0, 5.0], [2.0, 1.0], [2.0, 1.0], [3.0, 5.0]])
    >>> result = tuning(rates, [10.0, 20.0, 20.0, 30.0])
    >>> result.slope.tolist(), result.rho.tolist(), result.monotone.tolist()
    ([0.1, 0.0], [1.0, 0.0], [True, False])
    """
    values, alpha = _one_per_trial(rates, window), as_alpha(alpha)
    n_trials = len(values)
    x = as_vector("stimulus", stimulus, n_trials)
    require_finite("stimulus", x)
    require_finite("rates", values)
    levels, index = levels_of(x)
    x, n = levels[index], np.bincount(index)
    if n_trials < 4 or levels.size < 2:
        raise ValueError(
            f"`stimulus` must have at least 2 levels and 4 trials; got {levels.size} and {n_trials}. "
            "There may be one condition only."
        )
    silent = values.std(axis=0) <= silent_below(np.abs(values).max(axis=0))
    groups = [values[index == place] for place in range(levels.size)]
    curve = np.stack([group.mean(axis=0) for group in groups])
    unknown = np.full(values.shape[1], np.nan)
    sem = np.stack([g.std(axis=0, ddof=1) / np.sqrt(len(g)) if len(g) > 1 else unknown for g in groups])
    centred, deviation = x - x.mean(), values - values.mean(axis=0)
    slope = centred @ deviation / (centred @ centred)
    explained = _divide(slope**2 * (centred @ centred), np.sum(deviation**2, axis=0), silent)
    rho = _correlations(stats.rankdata(x)[:, None], stats.rankdata(values, axis=0), silent)
    p_value = corrected(_p_value(rho, n_trials - 2), correction)
    one_way = _divide(np.abs(curve[-1] - curve[0]), np.abs(np.diff(curve, axis=0)).sum(axis=0), silent)
    monotone = (p_value < alpha) & (one_way > _MOSTLY_ONE_WAY)
    fraction = float(monotone[~silent].mean()) if not silent.all() else np.nan
    intercept = values.mean(axis=0) - slope * x.mean()
    p_any = corrected(np.where(silent, np.where(n_trials > levels.size, 1.0, np.nan), _p_any(groups)), correction)
    return Tuning(levels, n, curve, sem, slope, intercept, explained, rho, p_value, one_way, monotone, fraction, p_any)


def tuned_fractions(rates: Rates, stimulus: ArrayLike, *, alpha: float = 0.05) -> TunedFractions:
    """Count the units that rise and those that fall with a stimulus, at each step.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major, aligned to the event of interest (see `align`).
    stimulus : (B,) array
        Graded stimulus of each trial.
    alpha : float
        Level of the two-sided test of Pearson's correlation of rate and stimulus over trials; not corrected for the
        number of units and steps: among units that do not depend on the stimulus, alpha / 2 rise and alpha / 2 fall.

    Returns
    -------
    TunedFractions

    Raises
    ------
    ValueError
        If shapes do not match, there are fewer than three trials, the stimulus does not vary, or a value is not finite.

    Notes
    -----
    After fig. 5 of Song, Yang & Wang (2016), PLoS Comput Biol 12:e1004792.

    Examples
    --------
    >>> f = np.array([10.0, 14.0, 18.0, 22.0])
    >>> result = tuned_fractions(np.stack([np.stack([f, -f, f**2, 0 * f], axis=1)] * 2), f)
    >>> result.rising.tolist(), result.falling.tolist()
    ([0.5, 0.5], [0.25, 0.25])
    """
    values, alpha = as_rates(rates), as_alpha(alpha)
    x = as_vector("stimulus", stimulus, values.shape[1])
    require_finite("stimulus", x)
    require_finite("rates", values)
    if len(x) < 3 or levels_of(x)[0].size < 2:
        raise ValueError(f"`stimulus` must vary over at least 3 trials; got {levels_of(x)[0].size} levels in {len(x)}.")
    counted = np.array([_rising_and_falling(step, x, alpha) for step in values])
    return TunedFractions(counted[:, 0], counted[:, 1])


def tuning_correlation(
    rates: Rates,
    stimulus: ArrayLike,
    *,
    others: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    steps: ArrayLike | None = None,
    min_fraction: float | int = 0.5,
) -> TuningCorrelation:
    """Compare the tuning of the whole population between all pairs of times.

    Parameters
    ----------
    rates : (T, B, N) array
        Firing rates, time-major, aligned to the event of interest (see `align`).
    stimulus : (B,) array
        Graded stimulus of each trial.
    others : (B,) or (B, K) array, optional
        Further variables in the regression, such as the second of two stimuli.
    mask : (T, B) array of bool or 0/1, optional
        Steps that are used; padded steps are False and may be NaN.
    steps : (S,) array of int, optional
        Steps to compare, such as every tenth; None takes all.
    min_fraction : float
        Steps with a smaller fraction of all trials give NaN.

    Returns
    -------
    TuningCorrelation

    Raises
    ------
    ValueError
        If shapes do not match, variables are constant or dependent, a step does not exist, or a used value is not
        finite.

    Notes
    -----
    Barak, Tsodyks & Romo (2010), J Neurosci 30:9424; used by Song, Yang & Wang (2016), PLoS Comput Biol 12:e1004792.

    Examples
    --------
    >>> f = np.array([10.0, 14.0, 18.0, 22.0])
    >>> gain = np.array([[1.0, -1.0, 0.5], [2.0, -2.0, 1.0], [-1.0, 1.0, -0.5]])
    >>> result = tuning_correlation(gain[:, None] * f[:, None], f)
    >>> result.correlation.round(3).tolist()
    [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    values = as_rates(rates)
    n_steps, n_trials = values.shape[:2]
    variables = {"stimulus": stimulus}
    if others is not None:
        columns = numbers("others", others)
        if columns.ndim not in (1, 2) or len(columns) != n_trials:
            raise ValueError(
                f"`others` must be (B,) or (B, K) with B = {n_trials} trials; got shape {columns.shape}. "
                "Variables are columns."
            )
        variables |= {f"others {k}": column for k, column in enumerate(columns.reshape(n_trials, -1).T)}
    chosen = np.arange(n_steps) if steps is None else whole_array("steps", steps)
    if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer) or not np.isin(chosen, np.arange(n_steps)).all():
        raise ValueError(f"`steps` must be integers in 0..{n_steps - 1}; got {np.asarray(steps).tolist()!s:.60}.")
    included = as_mask("mask", steps_of(rates, mask), (n_steps, n_trials))[chosen]
    values = values[chosen]
    require_finite("rates", values[included])
    design = as_design(variables, n_trials)
    slope = regress(values, design, included, fewest_trials(n_trials, len(variables), min_fraction))[:, 0]
    flat = np.array([np.ptp(row) <= SILENT * np.abs(row).max() for row in slope])
    correlation = np.full((chosen.size, chosen.size), np.nan)
    usable = np.flatnonzero(np.isfinite(slope).all(axis=1) & ~flat)
    if usable.size:
        centred = slope[usable] - slope[usable].mean(axis=1, keepdims=True)
        unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        correlation[np.ix_(usable, usable)] = np.clip(unit @ unit.T, -1.0, 1.0)
    return TuningCorrelation(slope, correlation, chosen.astype(np.int64))


def _one_per_trial(rates: Rates, window: Window) -> Float[np.ndarray, "B N"]:
    """Return the rates of trials, averaged over the window if they have steps."""
    given = rates_of(rates)
    if np.ndim(given) == 2 and np.size(given):
        if window is not None:
            raise ValueError("`window` needs rates (T, B, N); got (B, N), which has no steps.")
        return numbers("rates", by_name("rates", given, (ALSO_TRIALS, LAST)))
    values = as_rates(given)
    selected = as_window(window, (values.shape[0], values.shape[1]))
    count = selected.sum(axis=0)
    if not count.all():
        raise ValueError(
            f"`window` must select a step in every trial; got none in {np.count_nonzero(count == 0)} trials. "
            "Leave these trials out."
        )
    return np.where(selected[..., None], values, 0.0).sum(axis=0) / count[:, None]


def _p_any(groups: list[Float[np.ndarray, "_ N"]]) -> Float[np.ndarray, "N"]:
    """Upper tail of the F of a one-way analysis of variance; groups of trials by level."""
    n_trials = sum(map(len, groups))
    between_free, within_free = len(groups) - 1, n_trials - len(groups)
    grand = np.concatenate(groups).mean(axis=0)
    if within_free < 1:
        return np.full(grand.shape, np.nan)
    between = sum(len(group) * (group.mean(axis=0) - grand) ** 2 for group in groups)
    within = np.sum([np.sum((group - group.mean(axis=0)) ** 2, axis=0) for group in groups], axis=0)
    f = np.where(between > 0, np.inf, 0.0)
    np.divide(between / between_free, within / within_free, out=f, where=within > 0)
    return np.asarray(special.fdtrc(between_free, within_free, f))


def _rising_and_falling(
    rates: Float[np.ndarray, "B N"], stimulus: Float[np.ndarray, "B"], alpha: float
) -> tuple[float, float]:
    """Fractions of units that rise and fall significantly, by Pearson's correlation."""
    x, y = stimulus - stimulus.mean(), rates - rates.mean(axis=0)
    size = np.sqrt((x @ x) * np.sum(y**2, axis=0))
    r = np.clip(np.divide(x @ y, size, out=np.zeros(size.shape), where=size > 0), -1.0, 1.0)
    freedom = len(x) - 2
    t = r * np.sqrt(freedom / np.maximum(1 - r**2, 1e-12))
    significant = 2 * special.stdtr(freedom, -np.abs(t)) < alpha
    return float(np.mean(significant & (r > 0))), float(np.mean(significant & (r < 0)))


def _divide(top: Float[np.ndarray, "N"], bottom: Float[np.ndarray, "N"], silent: Bool[np.ndarray, "N"]) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=~silent & (bottom > 0.0))


def _correlations(
    x: Float[np.ndarray, "B 1"], y: Float[np.ndarray, "B N"], silent: Bool[np.ndarray, "N"]
) -> Float[np.ndarray, "N"]:
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    size = np.sqrt(np.sum(x**2) * np.sum(y**2, axis=0))
    return np.clip(_divide(np.sum(x * y, axis=0), size, silent), -1.0, 1.0)


def _p_value(rho: Float[np.ndarray, "N"], freedom: int) -> Float[np.ndarray, "N"]:
    rest = 1.0 - rho**2
    t = np.where(np.isnan(rho), np.nan, np.inf)
    np.divide(np.abs(rho) * np.sqrt(freedom), np.sqrt(rest), out=t, where=rest > 0.0)
    return 2.0 * stats.t.sf(t, freedom)
