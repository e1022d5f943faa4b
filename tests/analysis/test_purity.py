"""Known mistake 30: an analysis must change nothing, and its inputs may come from numpy or from jax."""

import inspect
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from eicon import analysis

RNG = np.random.default_rng(0)
RATES = RNG.random((6, 10, 4)).astype(np.float32)
CHOICE = np.array([0, 1] * 5, dtype=np.int32)
COHERENCE = np.array([5.0, -5.0] * 4 + [-5.0, 5.0], dtype=np.float32)
WEIGHTS = RNG.normal(size=(4, 4)).astype(np.float32)
MASK = RNG.random((6, 10)) < 0.9
MASK[0] = True
TYPES = np.array([True, True, True, False])
OTHER = RNG.random((6, 10, 4)).astype(np.float32)
UNITS = np.array([2, 0, 3, 1], dtype=np.int32)
START = np.array([0, 1] * 5, dtype=np.int32)
SIGN = np.where(TYPES, 1, -1).astype(np.int32)
SENT = SIGN[:, None] * np.abs(WEIGHTS)
READOUT = np.abs(WEIGHTS[:, :2]) * TYPES[:, None]
STRENGTH = np.array([1, 2, 4, 8, 1, 2, 4, 8, 4, 8], np.float32)
CORRECT = np.array([0, 1, 1, 1, 1, 0, 0, 1, 1, 1], dtype=np.int32)
TIMES = np.where(np.arange(10) == 2, np.nan, 500 / np.sqrt(STRENGTH)).astype(np.float32)
DURATION = np.linspace(10, 80, 10, dtype=np.float32)
EARLY, LATE = np.array([0, 2], np.int32), np.stack([START + 2, START + 5], axis=1)
STOP = np.where(COHERENCE > 0, 4, 6).astype(np.int32)


def dsa_or_its_checks(a, b):
    """Without the library, which is an extra, what comes before it."""
    try:
        return analysis.similarity.dsa_distance(a, b, rank=2, score="wasserstein")
    except ImportError:
        return ()


CALLS = {
    "selectivity": (
        lambda r, c, m, e: analysis.selectivity(r, c, window=m, excitatory=e),
        (RATES, CHOICE, MASK, TYPES),
    ),
    "choice_clustering": (
        lambda w, d, e: analysis.choice_clustering(w, d, e, threshold=0.1),
        (WEIGHTS, np.array([1.0, 2.0, -1.0, -2.0], np.float32), TYPES),
    ),
    "signed_clustering": (
        lambda w, d: analysis.coding.signed_clustering(w, d, rng=0, n_permutations=4),
        (WEIGHTS, np.array([1.0, 2.0, -1.0, -2.0], np.float32)),
    ),
    "trend": (analysis.behaviour.trend, (STRENGTH, TIMES)),
    "paired_difference": (analysis.behaviour.paired_difference, (STRENGTH, TIMES)),
    "oscillation": (lambda r: analysis.coding.oscillation(r, 60.0, 20.0), (RATES[:, :, 0].copy(),)),
    "pca": (lambda r, m: analysis.pca(r, mask=m), (RATES, MASK)),
    "condition_average": (analysis.condition_average, (RATES, COHERENCE, MASK)),
    "psychometric": (lambda c, k: analysis.psychometric(c, k, lapse=True), (COHERENCE, CHOICE)),
    "weibull": (lambda c, k: analysis.behaviour.weibull(c, k, lapse=True), (STRENGTH, CORRECT)),
    "bootstrap": (
        lambda c, k: analysis.behaviour.bootstrap(
            analysis.psychometric, c, k, parameters=("bias",), rng=0, n_resamples=4
        ),
        (COHERENCE, CHOICE),
    ),
    "chronometric": (analysis.behaviour.chronometric, (STRENGTH, TIMES, CORRECT)),
    "accuracy_by_condition": (analysis.behaviour.accuracy_by_condition, (CORRECT, STRENGTH)),
    "accuracy_by_duration": (
        analysis.behaviour.accuracy_by_duration,
        (DURATION, STRENGTH, CORRECT, np.array([5, 30, 90], np.float32)),
    ),
    "threshold_crossing": (
        lambda z, s, m: analysis.behaviour.threshold_crossing(z, 0.8, s, 20.0, inside=m, interpolate=True),
        (RATES, START, MASK),
    ),
    "multisensory_ratio": (
        lambda r, m, c: analysis.behaviour.multisensory_ratio(r, m, c, rng=0, n_resamples=4),
        (np.tile(COHERENCE, 6), np.repeat(np.arange(3, dtype=np.int32), 20), np.tile(CHOICE, 6)),
    ),
    "align": (lambda r, e, m: analysis.coding.align(r, e, 20.0, window=(-40, 40), inside=m), (RATES, START, MASK)),
    "psth": (
        lambda r, c, e, m: analysis.coding.psth(r, c, e, 20.0, window=(-40, 40), inside=m),
        (RATES, COHERENCE, START, MASK),
    ),
    "sort_by_peak": (lambda a, e: analysis.coding.sort_by_peak(a, excitatory=e), (RATES.swapaxes(0, 1).copy(), TYPES)),
    "dprime_by_epoch": (
        lambda r, c, a, b, e: analysis.coding.dprime_by_epoch(r, c, {"early": a, "late": b}, excitatory=e),
        (RATES, CHOICE, EARLY, LATE, TYPES),
    ),
    "regression_axes": (
        lambda r, c, d, m: analysis.coding.regression_axes(r, {"choice": c, "coherence": d}, mask=m, n_pcs=3),
        (RATES, CHOICE, COHERENCE, MASK),
    ),
    "axis_separation": (
        lambda r, c, d, m: analysis.coding.axis_separation(
            analysis.coding.regression_axes(r, {"choice": c, "coherence": d}), r, {"choice": c, "coherence": d}, mask=m
        ),
        (RATES, CHOICE, COHERENCE, MASK),
    ),
    "tuning": (lambda r, s: analysis.coding.tuning(r, s, window=(1, 4)), (RATES, COHERENCE)),
    "tuned_fractions": (analysis.coding.tuned_fractions, (RATES, COHERENCE)),
    "tuning_correlation": (
        lambda r, s, o, m: analysis.coding.tuning_correlation(r, s, others=o, mask=m),
        (RATES, COHERENCE, CHOICE, MASK),
    ),
    "spectrum": (lambda w, e: analysis.spectrum(w, excitatory=e), (WEIGHTS, TYPES)),
    "milestones": (analysis.behaviour.milestones, (RATES[:, :, 0].T.copy(),)),
    "jacobian": (analysis.spectra.jacobian, (WEIGHTS, RATES[0, 0], np.full(4, 100.0, np.float32))),
    "cca": (lambda a, b, m: analysis.similarity.cca(a, b, n_components=2, mask=m), (RATES, OTHER, MASK)),
    "rsa": (lambda a, b, m: analysis.similarity.rsa(a, b, mask=m), (RATES, OTHER, MASK)),
    "compare_many": (
        lambda a, b, m: analysis.similarity.compare_many({"a": a, "b": b}, mask=m),
        (RATES, OTHER, MASK),
    ),
    "unit_fit": (
        lambda a, b, m, c: analysis.fits.unit_fit(a, b, mask=m, conditions=c, variance_of=b),
        (RATES, OTHER, MASK, CHOICE),
    ),
    "recovery": (lambda a, b, t: analysis.fits.recovery(a, b, by=t, where=b > 0), (RATES[0], OTHER[0], OTHER[1] > 0.5)),
    "effective_connectivity": (analysis.fits.effective_connectivity, (WEIGHTS, RATES[0, 0], RATES[0, 1])),
    "next_units": (lambda w, g: analysis.fits.next_units(w, 3, gains=g, n_modes=2), (WEIGHTS / 2, RATES[0, 0])),
    "population_currents": (
        lambda w, r, c, m: analysis.fits.population_currents(w, r, c, mask=m),
        (WEIGHTS, RATES, START[:4].copy(), MASK),
    ),
    "error_consistency": (
        lambda a, b, s: analysis.behaviour.error_consistency(a, b, strata=s, again=(b, a), n_permutations=4),
        (CORRECT, CHOICE, COHERENCE),
    ),
    "effect_similarity": (
        lambda a, b, e, s: analysis.similarity.effect_similarity(a, b, errors_a=e, errors_b=e, strata=s),
        (RATES[0], OTHER[0], OTHER[1], CHOICE),
    ),
    "match_points": (
        lambda a, b, n, m, x, y: analysis.similarity.match_points((x, n), (y, n), a, b, mask=m, n_permutations=4),
        (RATES, OTHER, CHOICE, MASK, RATES[1].copy(), OTHER[1].copy()),
    ),
    "linear_cka": (lambda a, b, m: analysis.similarity.linear_cka(a, b, mask=m), (RATES, OTHER, MASK)),
    "nrmse": (lambda a, b, m: analysis.similarity.nrmse(a, b, mask=m), (RATES, OTHER, MASK)),
    "procrustes_distance": (
        lambda a, b, m: analysis.similarity.procrustes_distance(a, b, mask=m),
        (RATES, OTHER, MASK),
    ),
    "aligned_nrmse": (lambda a, b, m: analysis.similarity.aligned_nrmse(a, b, 2, mask=m), (RATES, OTHER, MASK)),
    "subspace_angles": (
        lambda a, b, m, u: analysis.similarity.subspace_angles(a, b, 2, mask=m, units=u),
        (RATES, OTHER, MASK, UNITS),
    ),
    "compare": (
        lambda a, b, w, v, m, u: analysis.compare(a, b, a[:, :, :2], b[:, :, :2], w, v, mask=m, units=u),
        (RATES, OTHER, WEIGHTS, WEIGHTS.T.copy(), MASK, UNITS),
    ),
    "condense": (
        lambda r, w, o, m, s: analysis.condense(r, w, o, 3, mask=m, sign=s),
        (RATES, SENT, READOUT, MASK, SIGN),
    ),
    "ramp_index": (lambda r, s, e, c: analysis.ramp_index(r, s, e, conditions=c), (RATES, START, STOP, COHERENCE)),
    "temporal_scaling": (analysis.temporal_scaling, (RATES, START, STOP, COHERENCE)),
    "scalar_variability": (analysis.scalar_variability, (RATES[0, :, 0].copy(), np.abs(RATES[1, :, 0]).round(1) + 1)),
    "jacobian_spectrum": (analysis.spectra.jacobian_spectrum, (WEIGHTS, RATES[0, 0], np.full(4, 100.0, np.float32))),
    "fixed_points": (
        lambda x, w: analysis.fixed_points(lambda s: 0.8 * s + 0.2 * jnp.tanh(s) @ w, x, dt=20.0, tau=100.0),
        (RATES[0], WEIGHTS),
    ),
    "manifold": (analysis.manifold, (RATES[0],)),
    "lyapunov": (
        lambda x, w, u: analysis.lyapunov(lambda s, u: jnp.tanh(s @ w) + 0.5 * s + u, x, dt=20.0, n_steps=4, inputs=u),
        (RATES[0, 0].copy(), WEIGHTS, RATES[:, 1].copy()),
    ),
    "trajectory_spectra": (
        lambda w, g, tau, e: analysis.spectra.trajectory_spectra(w, g, tau, excitatory=e),
        (WEIGHTS, RATES[:, 0].copy(), np.full(4, 100.0, np.float32), TYPES),
    ),
    "training_spectra": (
        lambda w, s, e: analysis.spectra.training_spectra(w, s, excitatory=e),
        (np.stack([WEIGHTS, 2 * WEIGHTS]), np.array([0, 50], np.int32), TYPES),
    ),
    "dimensionality": (
        lambda r, c, m: analysis.coding.dimensionality(r, conditions=c, mask=m, n_splits=2, max_points=30),
        (RATES, COHERENCE, MASK),
    ),
    "decode": (lambda r, c: analysis.decode(r, c, rng=0, folds=2, n_permutations=2), (RATES, CHOICE)),
    "timescales": (lambda r: analysis.coding.timescales(r, 20.0), (RATES,)),
    "phase_plane": (
        lambda o, a, w: analysis.phase_plane(lambda s: s @ np.asarray(w), o, a, (-1, 1, -1, 1), n=4),
        (np.zeros(2, np.float32), np.eye(2, dtype=np.float32), WEIGHTS[:2, :2].copy()),
    ),
    "dsa_distance": (dsa_or_its_checks, (RATES, OTHER)),
}


def leaves(result):
    """Arrays and numbers in a result, those in results within it included."""
    if isinstance(result, tuple):
        return [leaf for part in result for leaf in leaves(part)]
    return [] if result is None else [np.asarray(result)]


def test_every_public_function_is_called_here():
    files = [analysis, *(value for name in dir(analysis) if inspect.ismodule(value := getattr(analysis, name)))]
    functions = {name for file in files for name in dir(file) if inspect.isfunction(getattr(file, name))}
    assert functions == set(CALLS)


@cache
def called(name):
    """Arguments of a call afterwards, and its results."""
    function, arguments = CALLS[name]
    mine = [argument.copy() for argument in arguments]
    return mine, leaves(function(*mine))


@pytest.mark.parametrize("name", CALLS)
def test_inputs_stay_bit_identical_and_unaliased(name):
    _, arguments = CALLS[name]
    mine, result = called(name)
    for argument, original in zip(mine, arguments, strict=True):
        assert argument.tobytes() == original.tobytes()
        assert not any(np.shares_memory(argument, value) for value in result)


@pytest.mark.parametrize("name", CALLS)
def test_jax_arrays_give_the_numbers_of_numpy_arrays(name):
    function, arguments = CALLS[name]
    from_numpy, from_jax = called(name)[1], leaves(function(*map(jnp.asarray, arguments)))
    assert len(from_numpy) == len(from_jax)
    for first, second in zip(from_numpy, from_jax, strict=True):
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(first, second)


def test_read_only_inputs_are_accepted():
    for name, (function, arguments) in CALLS.items():
        frozen = [argument.copy() for argument in arguments]
        for argument in frozen:
            argument.flags.writeable = False
        for first, second in zip(leaves(function(*frozen)), called(name)[1], strict=True):
            np.testing.assert_array_equal(first, second)
