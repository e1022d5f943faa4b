"""What users hold that is not quite what is wanted: one table, function x kind.

Each public function of `eicon.analysis` has a row with valid arguments and the role of each; each kind says which roles
it alters, and how, and whether the altered call has the same result or is refused in one line that names the argument.
A function without a row fails.
"""

import inspect
import itertools
import re
import warnings
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from eicon import analysis
from eicon.analysis import behaviour, coding, fits, similarity, spectra
from eicon.models import RateRNN

T, B, N = 8, 24, 5
RNG = np.random.default_rng(0)
SIDE = np.tile([0, 1], B // 2)
LEVEL = np.tile([0.1, 0.2, 0.3, 0.4], B // 4)
RATES = RNG.normal(size=(T, B, N)) + SIDE[:, None] * np.linspace(0.5, 1.5, N) + LEVEL[:, None]
CHOICE = np.where(np.arange(B) == 5, -1, SIDE)
MASK = np.ones((T, B), bool)
WEIGHTS = RNG.normal(size=(N, N)) / 3
EXCITATORY = np.arange(N) < 3
OUTPUTS = np.cumsum(np.abs(RNG.normal(size=(T, B, 2))), axis=0)
CORRECT = RNG.random(B) < 0.5 + LEVEL
TIMES = RNG.uniform(300, 900, B)
MANY = 160  # trials of fits
STRENGTH = np.tile([-0.4, -0.2, 0.1, 0.2, 0.4], MANY // 5)
ANSWER = np.where(RNG.random(MANY) < 1 / (1 + np.exp(-6 * STRENGTH)), 0, 1)
SENSE = np.repeat([0, 1], MANY // 2)


def decay(x):
    return 0.9 * x


def flow(x):
    return -x / 20.0


class Row(NamedTuple):
    """Valid arguments of a function, and the role of those that kinds alter."""

    function: Any
    arguments: dict[str, Any]
    roles: dict[str, str]


ROLES = {
    "rates": "rates",
    "values": "rates",
    "a": "rates",
    "b": "rates",
    "rates_a": "rates",
    "rates_b": "rates",
    "reference": "rates",
    "predicted": "rates",
    "observed": "rates",
    "other": "rates",
    "outputs": "series",
    "states_a": "series",
    "states_b": "series",
    "conditions": "labels",
    "labels": "labels",
    "strata": "labels",
    "condition": "labels",
    "choice": "choice",
    "mask": "mask",
    "inside": "mask",
    "excitatory": "types",
    "matrix": "matrix",
    "weights": "matrix",
    "dt": "number",
    "n_components": "count",
    "n_permutations": "count",
    "n_resamples": "count",
    "n_splits": "count",
    "n_steps": "count",
    "n_phases": "count",
    "n_modes": "count",
    "folds": "count",
    "size": "count",
    "n": "count",
}
VECTORS = ("gain tau gains score stimulus strength coherence correct reaction_time duration produced interval x y loss "
           "d_prime positions candidates x0 origin axes average event start stop readout matrices steps rate modality "
           "first second fitted true slope correct_a correct_b effects_a effects_b errors_a errors_b")  # fmt: skip
ROLES |= dict.fromkeys(VECTORS.split(), "vector")


def row(function, others=(), /, **arguments):
    """A row; `others` are arguments that are not here what their names say elsewhere."""
    return Row(function, arguments, {name: ROLES[name] for name in arguments if name in ROLES and name not in others})


def called(function, arguments):
    return function(*arguments.get("positional", ()), **{k: v for k, v in arguments.items() if k != "positional"})


AXES = coding.regression_axes(RATES, {"side": SIDE, "level": LEVEL})
EVENT = np.where(np.arange(B) == 3, -1, 2)
ROWS = [
    row(analysis.choice_clustering, weights=np.abs(WEIGHTS), d_prime=np.array([2.0, -2, 1, -1, 2]),
        excitatory=EXCITATORY, n_permutations=9, rng=0),
    row(analysis.compare, rates_a=RATES, rates_b=RATES[..., :3], mask=MASK, n_components=2, n_permutations=9),
    row(analysis.condense, rates=RATES, weights=WEIGHTS, readout=np.ones((N, 1)), size=3, mask=MASK),
    row(analysis.condition_average, values=RATES, conditions=LEVEL, mask=MASK),
    row(analysis.decode, rates=RATES, labels=LEVEL, rng=0, folds=3),
    row(analysis.fixed_points, step=decay, candidates=RATES[0], dt=1.0, tau=10.0, n_modes=2),
    row(analysis.lyapunov, step=decay, x0=RATES[0, 0], dt=1.0, n_steps=40),
    row(analysis.manifold, positions=RATES[0]),
    row(analysis.pca, rates=RATES, mask=MASK, n_components=3),
    row(analysis.phase_plane, flow=flow, origin=np.zeros(2), axes=np.eye(2), extent=(-1, 1, -1, 1), n=5),
    row(analysis.psychometric, ("n",), coherence=STRENGTH, choice=ANSWER),
    row(analysis.ramp_index, rates=RATES, start=np.zeros(B, int), stop=np.full(B, T), conditions=LEVEL),
    row(analysis.scalar_variability, produced=TIMES, interval=LEVEL * 1000),
    row(analysis.selectivity, rates=RATES, choice=CHOICE, excitatory=EXCITATORY),
    row(analysis.spectrum, matrix=WEIGHTS, excitatory=EXCITATORY),
    row(analysis.temporal_scaling, rates=RATES, start=np.zeros(B, int), stop=np.where(SIDE, 4, T), conditions=SIDE,
        n_phases=5),
    row(behaviour.accuracy_by_condition, score=CORRECT.astype(float), condition=LEVEL),
    row(behaviour.accuracy_by_duration, duration=TIMES, strength=LEVEL, correct=CORRECT, edges=[300.0, 600.0, 900.0]),
    row(behaviour.bootstrap, positional=(analysis.psychometric, STRENGTH, ANSWER), parameters=("bias",), rng=0,
        n_resamples=5),
    row(behaviour.chronometric, strength=np.tile(LEVEL, 4), reaction_time=np.tile(TIMES, 4),
        correct=np.tile(CORRECT, 4)),
    row(behaviour.error_consistency, correct_a=CORRECT, correct_b=~CORRECT | (LEVEL > 0.3), strata=LEVEL,
        n_permutations=9),
    row(behaviour.milestones, loss=np.array([1.0, 0.5, 0.1, 0.2])),
    row(behaviour.multisensory_ratio, rate=np.tile(STRENGTH, 3), modality=np.repeat([0, 1, 2], MANY),
        choice=np.tile(ANSWER, 3), rng=0, n_resamples=5),
    row(behaviour.paired_difference, first=TIMES, second=TIMES[::-1]),
    row(behaviour.threshold_crossing, outputs=OUTPUTS, threshold=2.0, start=np.zeros(B, int), dt=20.0, inside=MASK),
    row(behaviour.trend, x=np.arange(8.0), y=np.arange(8.0) + RNG.normal(size=8)),
    row(behaviour.weibull, ("n",), strength=np.tile(LEVEL, 8), correct=np.tile(CORRECT, 8)),
    row(coding.align, values=RATES, event=EVENT, dt=20.0, window=(-40, 60), inside=MASK),
    row(coding.axis_separation, ("axes",), axes=AXES, rates=RATES, regressors={"side": SIDE, "level": LEVEL},
        mask=MASK),
    row(coding.dimensionality, rates=RATES, conditions=LEVEL, mask=MASK, n_splits=2),
    row(coding.dprime_by_epoch, rates=RATES, choice=CHOICE, epochs={"all": np.tile([0, T], (B, 1))},
        excitatory=EXCITATORY),
    row(coding.oscillation, outputs=np.sin(np.arange(60) / 2)[:, None] + np.zeros(3), expected=120.0, dt=10.0),
    row(coding.psth, rates=RATES, conditions=LEVEL, event=EVENT, dt=20.0, window=(-40, 60), inside=MASK),
    row(coding.regression_axes, rates=RATES, regressors={"side": SIDE, "level": LEVEL}, conditions=LEVEL, mask=MASK),
    row(coding.signed_clustering, weights=WEIGHTS, d_prime=np.array([2.0, -2, 1, -1, 2]), rng=0, n_permutations=19),
    row(coding.sort_by_peak, average=RATES[:, 0], excitatory=EXCITATORY),
    row(coding.timescales, rates=RATES, dt=20.0),
    row(coding.tuned_fractions, rates=RATES, stimulus=LEVEL),
    row(coding.tuning, rates=RATES, stimulus=LEVEL),
    row(coding.tuning_correlation, rates=RATES, stimulus=LEVEL, mask=MASK),
    row(fits.effective_connectivity, weights=WEIGHTS, gain=np.linspace(0.5, 1.5, N), slope=np.linspace(2.0, 1.0, N)),
    row(fits.next_units, weights=WEIGHTS, n=3, n_modes=2, gains=np.linspace(0.5, 1.0, N)),
    row(fits.population_currents, weights=WEIGHTS, rates=RATES, labels=np.array([0.1, 0.3, 0.1, 0.3, 0.2]), mask=MASK),
    row(fits.recovery, fitted=TIMES + 20.0, true=TIMES),
    row(fits.unit_fit, predicted=RATES + 0.1, observed=RATES, mask=MASK, conditions=LEVEL),
    row(similarity.aligned_nrmse, reference=RATES, other=RATES + 0.1, n_components=2, mask=MASK),
    row(similarity.cca, a=RATES, b=RATES[..., :3], n_components=2, mask=MASK),
    row(similarity.compare_many, ("rates",), rates={"one": RATES, "two": RATES[..., :3]}, mask=MASK),
    row(similarity.dsa_distance, a=RATES, b=RATES[..., ::-1] + 0.1, iterations=20),
    row(similarity.effect_similarity, effects_a=TIMES, effects_b=TIMES + 99 * SIDE, errors_a=TIMES, errors_b=TIMES,
        strata=LEVEL, n_permutations=9),
    row(similarity.linear_cka, a=RATES, b=RATES[..., :3], mask=MASK),
    row(similarity.match_points, points_a=(RATES[0], np.arange(B)), points_b=(RATES[1], np.arange(B)), states_a=RATES,
        states_b=RATES + 0.1, mask=MASK, n_components=2, n_permutations=9),
    row(similarity.nrmse, reference=RATES, other=RATES + 0.1, mask=MASK),
    row(similarity.procrustes_distance, a=RATES, b=RATES[..., :3], mask=MASK),
    row(similarity.rsa, a=RATES, b=RATES[..., :3], mask=MASK),
    row(similarity.subspace_angles, a=RATES, b=RATES + 0.1 * RATES[::-1], n_components=2, mask=MASK),
    row(spectra.jacobian, matrix=WEIGHTS, gain=np.ones(N), tau=np.full(N, 50.0), dt=10.0),
    row(spectra.jacobian_spectrum, matrix=WEIGHTS, gain=np.ones(N), tau=np.full(N, 50.0), dt=10.0,
        excitatory=EXCITATORY),
    row(spectra.training_spectra, matrices=np.stack([WEIGHTS, 2 * WEIGHTS]), steps=np.array([0, 10])),
    row(spectra.trajectory_spectra, matrix=WEIGHTS, gains=np.ones((T, N)), tau=50.0, dt=10.0),
]  # fmt: skip
ARRAYS = ("rates", "series", "labels", "choice", "mask", "types", "matrix", "vector")


def named(values, transposed=True):
    result = xr.DataArray(values, dims=("time", "trial", "unit"), coords={"time": 20.0 * np.arange(len(values))})
    return result.transpose("unit", "trial", "time") if transposed else result


def nearly_equal(labels):
    """Differences like that of .3 and .1 + .2, and those of float32."""
    return np.where(np.arange(labels.size) % 2, labels, np.float32(labels).astype(float))


class Kind(NamedTuple):
    roles: tuple[str, ...]
    alter: Any
    refused: bool


KINDS = {
    "masked": Kind(ARRAYS, lambda x: np.ma.array(x, mask=np.arange(np.size(x)).reshape(np.shape(x)) == 0), True),
    "complex": Kind(ARRAYS, lambda x: np.asarray(x) * (1 + 1j), True),
    "objects": Kind(ARRAYS, lambda x: np.full(np.shape(x), object()), True),
    "None": Kind(ARRAYS, lambda x: None, True),
    "empty": Kind(ARRAYS, lambda x: np.asarray(x)[..., :0], True),
    "activity for one array": Kind(("vector", "matrix", "labels"), lambda x: Pair(x, x), True),
    "types as words": Kind(("types",), lambda x: np.where(x, "exc", "inh"), True),
    "types with free units": Kind(("types",), lambda x: np.where(x, 1, 0), True),
    "types as letters": Kind(("types",), lambda x: np.where(x, "E", "I"), False),
    "types as signs": Kind(("types",), lambda x: np.where(x, 1, -1), False),
    "half a step": Kind(("count",), lambda x: x + 0.5, True),
    "text": Kind(("count", "number", "rates", "matrix"), lambda x: "much", True),
    "choices of -1 and 1": Kind(("choice",), lambda x: np.where(x == 0, -1, 1), True),
    "choices that count from 1": Kind(("choice",), lambda x: np.where(x >= 0, x + 1, x), True),
    "DataArray": Kind(("rates",), named, False),
    "activity": Kind(("rates",), lambda x: SimpleNamespace(rates=x), False),
    "named activity": Kind(("rates",), lambda x: xr.Dataset({"rates": named(x)}), False),
    "JAX": Kind(("rates", "matrix"), lambda x: jnp.asarray(x), False),
    "choice NaN": Kind(("choice",), lambda x: np.where(x < 0, np.nan, x), False),
    "choice NA": Kind(("choice",), lambda x: pd.Series(x, dtype="Int64").mask(x < 0), False),
    "choice None": Kind(("choice",), lambda x: [None if one < 0 else int(one) for one in x], False),
    "series of pandas": Kind(("labels", "choice"), lambda x: pd.Series(x), False),
    "nearly equal": Kind(("labels",), nearly_equal, False),
    "nearly equal strengths": Kind(("vector",), nearly_equal, False),
    "whole float": Kind(("count",), float, False),
}  # fmt: skip
LEVELS = ("interval", "coherence", "strength")  # vectors whose distinct values are levels


class Pair(NamedTuple):
    outputs: Any
    rates: Any


def cases(wanted):
    for one, (kind, (roles, _, refused)) in itertools.product(ROWS, KINDS.items()):
        for name, role in one.roles.items():
            fits = role in roles and (kind != "nearly equal strengths" or name in LEVELS)
            if kind == "None":  # stands for the default where there is one
                fits &= inspect.signature(one.function).parameters[name].default is inspect.Parameter.empty
            if kind == "complex" and one.function is analysis.spectrum:
                fits &= role != "matrix"
            if kind == "empty" and np.ndim(one.arguments[name]) == 0:
                fits = False
            if fits and refused == wanted:
                yield pytest.param(one, name, kind, id=f"{one.function.__name__}-{name}-{kind}")


@pytest.fixture(scope="module")
def plain():
    """Results of the rows as they are."""
    return {}


def result_of(one, plain):
    if one.function not in plain:
        plain[one.function] = called(one.function, one.arguments)
    return plain[one.function]


def same(first, second):
    if isinstance(first, tuple | list):
        assert len(first) == len(second)
        for a, b in zip(first, second, strict=True):
            same(a, b)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for name in first:
            same(first[name], second[name])
    elif isinstance(first, np.ndarray | xr.DataArray) and np.asarray(first).dtype.kind in "biufc":
        np.testing.assert_allclose(np.asarray(first), np.asarray(second), rtol=1e-4, atol=1e-5)
    elif isinstance(first, float):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-5)
    elif isinstance(first, int | str | np.integer | np.bool_ | None):
        assert first == second


def check_one_line(text, *names):
    assert "\n" not in text
    assert any(re.search(rf"\b{name}\b", text) for name in names), f"does not name {names}: {text}"
    assert text.rstrip().endswith((".", "?", ")")), text


@pytest.mark.unchecked
@pytest.mark.parametrize(("one", "name", "kind"), list(cases(wanted=True)))
def test_refused_in_one_line(one, name, kind):
    with pytest.raises((TypeError, ValueError)) as caught:
        called(one.function, {**one.arguments, name: KINDS[kind].alter(one.arguments[name])})
    # of two lengths that differ, either may be named
    names = [*inspect.signature(one.function).parameters] if kind == "empty" else [name]
    names += ["a", "b"] if one.function is analysis.compare else []
    check_one_line(str(caught.value), *names)


@pytest.mark.parametrize(("one", "name", "kind"), list(cases(wanted=False)))
def test_taken_for_what_it_means(one, name, kind, plain):
    if one.function is similarity.dsa_distance:
        pytest.importorskip("DSA")
    altered = {**one.arguments, name: KINDS[kind].alter(one.arguments[name])}
    same(result_of(one, plain), called(one.function, altered))


def test_every_public_function_has_a_row():
    rooms = (analysis, behaviour, coding, fits, similarity, spectra)
    public = {f for room in rooms for f in vars_of(room) if inspect.isfunction(f)}
    assert {one.function for one in ROWS} == public


def vars_of(room):
    return [getattr(room, name) for name in dir(room) if not name.startswith("_")]


def with_trials():
    return [one for one in ROWS if "rates" in one.roles.values() and one.function is not analysis.condense]


@pytest.mark.parametrize("one", with_trials(), ids=lambda one: one.function.__name__)
def test_axes_in_the_wrong_order_are_found_where_something_contradicts_them(one):
    """(B, T, N) in place of (T, B, N): labels, masks, choices or events have B entries."""
    others = {name for name, role in one.roles.items() if role in ("labels", "choice", "mask")}
    others |= one.arguments.keys() & {"stimulus", "regressors", "event"}
    swapped = {name: np.swapaxes(one.arguments[name], 0, 1) for name, role in one.roles.items() if role == "rates"}
    if not others or one.function is similarity.dsa_distance:
        pytest.skip("nothing contradicts them")
    with pytest.raises(ValueError, match=rf"\b{B}\b.*\b{T}\b|\b{T}\b.*\b{B}\b") as caught:
        one.function(**{**one.arguments, **swapped})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("one", with_trials(), ids=lambda one: one.function.__name__)
def test_one_trial_and_constant_units_are_taken_or_refused_in_one_line(one):
    if one.function is similarity.dsa_distance:
        pytest.importorskip("DSA")
    cut = {"rates": np.s_[:, :1], "labels": np.s_[:1], "choice": np.s_[:1], "mask": np.s_[:, :1]}
    single = {name: one.arguments[name][cut[role]] for name, role in one.roles.items() if role in cut}
    single |= {name: one.arguments[name][:1] for name in one.arguments.keys() & {"stimulus", "event", "start", "stop"}}
    if "regressors" in one.arguments:
        single["regressors"] = {name: values[:1] for name, values in one.arguments["regressors"].items()}
    if "epochs" in one.arguments:
        single["epochs"] = {name: span[:1] for name, span in one.arguments["epochs"].items()}
    flat = {}
    for name, role in one.roles.items():
        if role == "rates":
            flat[name] = one.arguments[name].copy()
            flat[name][..., 0] = 3.0
    for altered in (single, flat):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                one.function(**{**one.arguments, **altered})
            except (TypeError, ValueError) as error:
                refusal = str(error)
            else:
                continue
        check_one_line(refusal, *inspect.signature(one.function).parameters, "epochs", "condition")


@pytest.mark.unchecked
@pytest.mark.parametrize("window", [slice(1, 7), slice(1.0, 7.0), (1, 7), (1.0, 7.0), (np.int64(1), np.float32(7))])
@pytest.mark.parametrize(
    "call",
    [
        lambda window: analysis.selectivity(RATES, CHOICE, window=window).d_prime,
        lambda window: coding.tuning(RATES, LEVEL, window=window).p_value,
        lambda window: coding.timescales(RATES, 20.0, window=window).autocorrelation,
    ],
)
def test_windows_take_whole_floats(call, window):
    np.testing.assert_array_equal(call(window), call(slice(1, 7)))
    with pytest.raises(TypeError, match=r"`window` must be a whole number; got 1\.5"):
        call(slice(1.5, 7))


@pytest.mark.parametrize(
    "call",
    [
        lambda: analysis.fixed_points(decay, RATES[0], dt=20.0, tau=0.1),
        lambda: spectra.jacobian(WEIGHTS, 1.0, 0.1, dt=20.0),
        lambda: spectra.jacobian_spectrum(WEIGHTS, 1.0, 0.1, dt=20.0),
        lambda: spectra.trajectory_spectra(WEIGHTS, np.ones((2, N)), 0.1, dt=20.0),
        lambda: coding.psth(RATES, LEVEL, 2, 0.02, window=(-200, 200)),
        lambda: coding.align(RATES, 2, 0.02, window=(-200, 200)),
    ],
)
def test_seconds_are_found_out_where_two_times_contradict_each_other(call):
    with pytest.raises(ValueError, match=r"(in|Is tau in|Is `dt` in) seconds\?"):
        call()


def test_complex_matrices_have_the_spectrum_of_numpy():
    matrix = WEIGHTS + 0.5j * WEIGHTS[::-1]
    found = analysis.spectrum(matrix).eigenvalues
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(np.linalg.eigvals(matrix)))


def test_what_eicon_returns_fits_what_it_takes():
    net = RateRNN.dale(2, 8, 1, sigma_rec=0.1, seed=0)
    activity = net.predict(np.ones((6, 12, 2), np.float32), key=0)
    conditions = np.tile([0, 1, 2], 4)
    average = analysis.condition_average(activity, conditions)
    np.testing.assert_allclose(analysis.pca(average).mean, average.average.mean(axis=(0, 1)))
    assert analysis.pca(activity).trajectories.shape == (6, 12, 8)
    assert similarity.procrustes_distance(average, average).value == pytest.approx(0.0, abs=1e-6)
    assert similarity.linear_cka(activity, activity).value == pytest.approx(1.0, abs=1e-6)
    aligned = coding.align(activity, np.arange(12) % 4 - 1, 20.0, window=(0, 60))
    kept = conditions[aligned.trials]
    again = analysis.condition_average(aligned, kept)
    np.testing.assert_allclose(again.average, analysis.condition_average(aligned.values, kept, aligned.inside).average)
    assert coding.regression_axes(aligned, {"x": kept * 1.0}).names == ("x",)
    np.testing.assert_allclose(analysis.spectrum(net).eigenvalues, analysis.spectrum(net.W_rec).eigenvalues)
    points = analysis.fixed_points(net.held([1.0, 1.0]), activity.currents[-1], dt=net.dt, tau=net.tau)
    assert points.tau == 100.0


@pytest.mark.unchecked
def test_what_could_mean_several_things_is_refused_by_name():
    net = RateRNN.dale(2, 8, 1, seed=0)
    activity = net.predict(np.ones((6, 3, 2), np.float32))
    for call, text in (
        (lambda: analysis.pca(net), r"`rates` must be an array; got a network. Pass .* net.predict\(trial\)"),
        (lambda: analysis.spectrum(net.input), r"`matrix` must be square .* got shape \(2, 8\)"),
        (lambda: analysis.spectrum(activity), r"got Activity. Pass one of its arrays \(outputs, rates, states\)"),
        (lambda: analysis.fixed_points(net, activity.currents[0], dt=20.0, tau=100.0), r"RateRNN.* net.held\(inputs\)"),
        (lambda: analysis.fixed_points(net.held(), activity, dt=20.0, tau=100.0), "`candidates` .* got Activity"),
        (lambda: analysis.lyapunov(net, np.zeros(8), dt=20.0, n_steps=20), r"`step` must be .* net.held\(inputs\)"),
        (lambda: analysis.phase_plane(net, np.zeros(2), np.eye(2), (0, 1, 0, 1)), r"`flow` must be .* got RateRNN"),
    ):
        with pytest.raises((TypeError, ValueError), match=text) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_dimensions_come_out_where_they_went_in():
    rates = named(RATES).assign_coords(side=("trial", SIDE), area=("unit", list("aabbb")))
    average = analysis.condition_average(rates, rates.side).average
    assert average.dims == ("condition", "time", "unit")
    assert average.condition.values.tolist() == [0, 1]
    assert average.area.values.tolist() == list("aabbb")
    found = analysis.pca(average, n_components=2)
    assert found.trajectories.dims == ("time", "condition", "component")
    assert found.trajectories.condition.values.tolist() == [0, 1]
    assert found.project(rates).dims == ("trial", "time", "component")
    np.testing.assert_allclose(found.project(rates).transpose("time", "trial", ...), found.project(RATES))
    cut = coding.align(rates, EVENT, 20.0, window=(-20, 60)).values
    assert cut.dims == ("time", "trial", "unit")
    assert cut.time.values.tolist() == [-20.0, 0.0, 20.0, 40.0, 60.0]
    assert cut.side.values.tolist() == np.delete(SIDE, 3).tolist()
    around = coding.psth(rates, rates.side, EVENT, 20.0, window=(-20, 60))
    assert around.average.sel(condition=1, time=20.0).dims == ("unit",)
    axes = coding.regression_axes(rates, {"side": SIDE, "level": LEVEL})
    assert axes.trajectories.dims == ("condition", "time", "axis")
    assert axes.project(rates).sel(axis="side").dims == ("trial", "time")
    with pytest.raises(
        ValueError, match=r"got unit, time, without trial. To keep a single trial .* use isel\(trial=\[0\]\)"
    ):
        analysis.pca(rates.isel(trial=0))
    with pytest.raises(ValueError, match="must have the dimensions time, trial, unit; got neuron, trial, time"):
        analysis.pca(rates.rename(unit="neuron"))


def test_regressors_are_taken_from_a_data_frame():
    frame = pd.DataFrame({"side": SIDE, "level": LEVEL})
    wanted = coding.regression_axes(RATES, {"side": SIDE, "level": LEVEL})
    same(coding.regression_axes(RATES, frame), wanted)
    shown = coding.axis_separation(wanted, RATES, frame)
    same(shown, coding.axis_separation(wanted, RATES, {"side": SIDE, "level": LEVEL}))


@pytest.mark.unchecked
def test_other_regressors_are_refused_in_one_line():
    for wrong, text in (
        ([SIDE, LEVEL], "must be a mapping of names .* got list"),
        ("side", "must be a mapping of names .* got str"),
        ({"side": pd.Series([None, *SIDE[1:]], dtype="Int64")}, r"regressors\['side'\]` must be finite"),
        ({"side": list("ab") * (B // 2)}, r"regressors\['side'\]` must contain numbers"),
    ):
        with pytest.raises((TypeError, ValueError), match=text):
            coding.regression_axes(RATES, wrong)


def test_regressors_that_are_nearly_equal_make_one_condition():
    level = np.where(LEVEL == 0.3, np.where(SIDE, 0.3, 0.1 + 0.2), LEVEL)
    assert coding.regression_axes(RATES, {"level": level}).levels.size == 4


LEAVING_OUT = {
    "choice": -1,
    "correct": np.nan,
    "score": np.nan,
    "produced": np.nan,
    "event": -1,
    "x": np.nan,
    "first": np.nan,
}
"""What leaves a trial out, by argument."""


def leaving_out():
    for one in ROWS:
        for name in sorted(LEAVING_OUT.keys() & one.arguments.keys()):
            yield pytest.param(one, name, id=f"{one.function.__name__}-{name}")


@pytest.mark.parametrize(("one", "name"), list(leaving_out()))
def test_results_say_how_many_trials_were_left_out(one, name):
    given = np.array(one.arguments[name], float if LEAVING_OUT[name] != -1 else int)
    before = one.function(**one.arguments).n_left_out
    out = np.flatnonzero(given != LEAVING_OUT[name])[:3]
    given[out] = LEAVING_OUT[name]
    assert one.function(**{**one.arguments, name: given}).n_left_out == before + 3


def test_trials_without_a_crossing_are_counted():
    assert behaviour.threshold_crossing(OUTPUTS, 1e6, 0, 20.0).n_left_out == B


def test_levels():
    from eicon.analysis._arrays import levels_of

    levels, index = levels_of([0.3, 0.1 + 0.2, 0.0, np.float32(0.7), 0.7, np.nan])
    assert levels.tolist() == [0.0, 0.3, 0.7]
    assert index.tolist() == [1, 1, 0, 2, 2, -1]
    assert levels_of(np.array([1e-9, 2e-9, 3e-9]))[0].size == 3  # the range counts, not the size
    fine = np.linspace(0.0, 1.0, 3_000_001)[::150][:20_000]
    assert levels_of(fine)[0].size == 20_000
    chain = np.arange(1000) * 4e-7  # each nearly equal to the next one, and yet not all one
    assert levels_of([*chain, 1.0])[0].size == 1 + 334
    assert levels_of(["b", "a", "b"])[1].tolist() == [1, 0, 1]
    assert levels_of([2.0, np.inf, -np.inf])[0].tolist() == [-np.inf, 2.0, np.inf]


def test_levels_of_whole_numbers_and_small_types():
    from eicon.analysis._arrays import levels_of

    assert levels_of([20231101.0, 20231102.0, np.nan])[0].tolist() == [20231101.0, 20231102.0]  # dates
    assert levels_of([0.0, 1.0, 1e7])[0].size == 3
    assert levels_of(np.float16([-60000, 60000]))[0].size == 2
    assert np.signbit(levels_of([-0.0, 1.0])[0]).tolist() == [False, False]


@pytest.mark.parametrize("kind", [np.uint8, np.float16, bool, object, jnp.bfloat16])
def test_types_of_labels_and_choices(kind):
    given = jnp.asarray(SIDE, kind) if kind is jnp.bfloat16 else SIDE.astype(kind)
    same(analysis.selectivity(RATES, given).d_prime, analysis.selectivity(RATES, SIDE).d_prime)
    same(analysis.condition_average(RATES, given).average, analysis.condition_average(RATES, SIDE).average)
    same(analysis.pca(RATES, mask=np.broadcast_to(np.asarray(given), (T, B))).mean, RATES[:, SIDE == 1].mean((0, 1)))


def test_types_of_units_as_objects_and_text_of_any_length():
    wanted = analysis.spectrum(WEIGHTS, excitatory=EXCITATORY).random_radius
    assert analysis.spectrum(WEIGHTS, excitatory=EXCITATORY.astype(object)).random_radius == wanted
    text = np.where(SIDE, "left", "right").astype(np.dtypes.StringDType())
    assert analysis.condition_average(RATES, text).levels.tolist() == ["left", "right"]


@pytest.mark.unchecked
@pytest.mark.parametrize("values", [np.zeros((2, 3, 4), "V4"), xr.Dataset({"a": (("time", "unit"), [[1.0]])})])
def test_what_numpy_cannot_read_is_refused_by_name(values):
    with pytest.raises(TypeError, match="`average` must") as caught:
        coding.sort_by_peak(values)
    check_one_line(str(caught.value), "average")


def test_one_choice_and_missing_answers_are_no_choices_of_minus_one():
    rate, answer = np.tile([-1.0, 1.0], 10), np.where(np.arange(20) < 4, np.nan, 1.0)
    assert analysis.psychometric(rate, answer).n_left_out == 4


OPTIONS = [
    ("alpha", lambda value: coding.tuning(RATES, LEVEL, alpha=value), (5, 0, np.nan)),
    ("alpha", lambda value: coding.tuned_fractions(RATES, LEVEL, alpha=value), (5, 0, np.nan)),
    ("alpha", behaviour.trend([1.0, 2, 3], [1.0, 2, 3]).rises, (5, 0, np.nan)),
    ("alpha", behaviour.trend([1.0, 2, 3], [3.0, 2, 1]).falls, (5, 0, np.nan)),
    (
        "threshold",
        lambda value: analysis.choice_clustering(WEIGHTS, WEIGHTS[0], EXCITATORY, threshold=value),
        (-1, np.nan),
    ),
    ("threshold", lambda value: coding.signed_clustering(WEIGHTS, WEIGHTS[0], rng=0, threshold=value), (-1, np.nan)),
    ("outlier_factor", lambda value: analysis.spectrum(WEIGHTS, outlier_factor=value), (0.5, np.nan)),
    ("smallest", lambda value: coding.oscillation(np.ones((60, 1)), 120.0, 10.0, smallest=value), (np.nan,)),
    ("gap", lambda value: analysis.manifold(RATES[0], gap=value), (0, 1, np.nan)),
    ("min_fraction", lambda value: coding.tuning_correlation(RATES, LEVEL, min_fraction=value), (-1, 2, np.nan)),
    ("max_lag", lambda value: coding.timescales(RATES, 20.0, max_lag=value), (0, np.nan, np.inf)),
    ("fraction", analysis.pca(RATES).n_for, (0, 90, np.nan)),
    ("lapse", lambda value: analysis.psychometric(STRENGTH, ANSWER, lapse=value), (0.02, 1, np.nan)),
    ("lapse", lambda value: behaviour.weibull(np.abs(STRENGTH), ANSWER, lapse=value), (0.02, 1, np.nan)),
    ("debiased", lambda value: similarity.linear_cka(RATES, RATES, debiased=value), (0.5, 1)),
    (
        "interpolate",
        lambda value: behaviour.threshold_crossing(OUTPUTS, 2.0, 0, 20.0, interpolate=value),
        (0.5, 1),
    ),
]


@pytest.mark.unchecked
@pytest.mark.parametrize(("name", "call", "wrong"), OPTIONS)
def test_options_out_of_range_or_of_another_type_are_refused_by_name(name, call, wrong):
    for value in (*wrong, "much"):
        with pytest.raises((TypeError, ValueError)) as caught:
            call(value)
        check_one_line(str(caught.value), name)


def test_units_without_a_preference_are_on_no_side():
    d_prime, weights = np.array([1.0, 1, -1, -1, 0]), np.abs(WEIGHTS)
    found = analysis.choice_clustering(weights, d_prime, np.ones(5, bool), threshold=0.0)
    assert found.n_selective == (4, 0)
    same(found, analysis.choice_clustering(weights, d_prime, np.ones(5, bool), threshold=0.5))


def test_what_is_constant_but_for_rounding_does_not_vary():
    groups = np.repeat([0, 1, 2], [3, 7, 14])
    silent = np.full((3, B, 4), 0.1)
    average = analysis.condition_average(silent, groups)
    with pytest.raises(ValueError, match="`rates` must vary"):
        analysis.pca(average)
    for call in (similarity.linear_cka, similarity.nrmse):
        with pytest.raises(ValueError, match=r"`(a|reference)` must vary"):
            call(average, average)
    assert coding.tuning(silent, groups.astype(float)).p_any.tolist() == [1.0] * 4
    stimulus = np.where(SIDE, 0.3, 0.1 + 0.2)
    for call in (
        lambda: coding.tuned_fractions(RATES, stimulus),
        lambda: coding.tuning_correlation(RATES, stimulus),
        lambda: coding.regression_axes(RATES, {"stimulus": stimulus}),
    ):
        with pytest.raises(ValueError, match=r"stimulus'?\]?` must vary"):
            call()


def test_ranks_of_what_is_nearly_equal_are_tied():
    x, y = [0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2, 0.5, 0.6], [1.0, 2, 3, 4, 5, 6]
    same(behaviour.trend(x, y), behaviour.trend(np.round(x, 3), y))
    assert behaviour.trend(10.0 ** np.arange(-10, 4), np.arange(14)).rho == pytest.approx(1.0)
    assert (
        behaviour.trend([-1.0, 0.3 - 0.2 - 0.1, 0.0, 1.0], [1, 3, 2, 4]).rho
        == behaviour.trend([-1, 0, 0, 1], [1, 3, 2, 4]).rho
    )


@pytest.mark.parametrize("window", [slice(0, 160), slice(10, 20), slice(160, None)])
@pytest.mark.parametrize(
    "call",
    [
        lambda window: analysis.selectivity(RATES, CHOICE, window=window),
        lambda window: coding.tuning(RATES, LEVEL, window=window),
        lambda window: coding.timescales(RATES, 20.0, window=window),
    ],
)
def test_windows_that_go_beyond_the_trial_are_not_cut_in_silence(call, window):
    with pytest.raises(ValueError, match=r"`window` must .*It counts steps, not ms"):
        call(window)


def test_names_of_dimensions_and_of_units_are_used():
    average = xr.DataArray(RATES[:, :3], dims=("time", "condition", "unit"))
    assert coding.sort_by_peak(average).tolist() == coding.sort_by_peak(RATES[:, :3].swapaxes(0, 1)).tolist()
    assert coding.sort_by_peak(average[:, 0].T).tolist() == coding.sort_by_peak(RATES[:, 0]).tolist()
    gains = RATES[:, 0] ** 2
    named_gains = xr.DataArray(gains.T, dims=("unit", "time"))
    same(spectra.trajectory_spectra(WEIGHTS, named_gains, 50.0), spectra.trajectory_spectra(WEIGHTS, gains, 50.0))
    wanted = spectra.jacobian(WEIGHTS, 1.0, 50.0)
    same(spectra.jacobian(xr.DataArray(WEIGHTS.T, dims=("post", "pre")), 1.0, 50.0), wanted)
    units = list("abcde")
    table = pd.DataFrame(WEIGHTS, index=units, columns=units)
    same(spectra.jacobian(table[list("badec")], 1.0, 50.0), wanted)
    d_prime = np.array([2.0, -2, 1, -1, 2])
    clustered = [analysis.choice_clustering(w, d_prime, EXCITATORY) for w in (table[list("badec")], WEIGHTS)]
    same(*clustered)


def test_outputs_of_an_activity_are_meant_where_outputs_are_wanted():
    activity = Pair(OUTPUTS, RATES)
    same(behaviour.threshold_crossing(activity, 2.0, 0, 20.0), behaviour.threshold_crossing(OUTPUTS, 2.0, 0, 20.0))
    found = analysis.compare(activity, activity, activity, Pair(2 * OUTPUTS, RATES), n_permutations=0)
    assert found.output_nrmse.value == pytest.approx(similarity.nrmse(OUTPUTS, 2 * OUTPUTS))
    with pytest.raises(ValueError, match="`outputs_b` must be given too"):
        analysis.compare(RATES, RATES, OUTPUTS, n_permutations=0)


@pytest.mark.unchecked
def test_epochs_and_steps_pass_the_same_door():
    wanted = coding.dprime_by_epoch(RATES, CHOICE, {"early": (0, 3)})
    same(coding.dprime_by_epoch(RATES, CHOICE, {"early": (0.0, 3.0)}), wanted)
    with pytest.raises(TypeError, match=r"`epochs\['early'\]` must not be a masked array"):
        coding.dprime_by_epoch(RATES, CHOICE, {"early": np.ma.array([0, 3], mask=[0, 1])})
    with pytest.raises(ValueError, match="`epochs` must be a mapping"):
        coding.dprime_by_epoch(RATES, CHOICE, [(0, 3)])
    found = coding.tuning_correlation(RATES, LEVEL, steps=[0.0, 2.0])
    same(found, coding.tuning_correlation(RATES, LEVEL, steps=[0, 2]))


def test_aligned_trials_bring_their_own_mask():
    aligned = coding.align(RATES, np.tile([1, 2], B // 2), 20.0, window=(-40, 60))
    found = coding.tuning_correlation(aligned, LEVEL)
    same(found, coding.tuning_correlation(aligned.values, LEVEL, mask=aligned.inside))
    axes = coding.regression_axes(aligned, {"level": LEVEL})
    assert np.isfinite(coding.axis_separation(axes, aligned, {"level": LEVEL}).unique).all()
    again = coding.psth(aligned, SIDE, 2, 20.0, window=(-40, 60))
    same(again.average, coding.psth(aligned.values, SIDE, 2, 20.0, window=(-40, 60), inside=aligned.inside).average)


@pytest.mark.filterwarnings("error")
def test_a_unit_with_huge_rates_makes_no_copies_of_trials():
    noise = np.random.default_rng(0).normal(size=(1, B, 3))
    analysis.decode(np.concatenate([noise, np.full((1, B, 1), 1e9)], axis=2), SIDE, rng=0)


def test_counts_without_a_number_of_trials_are_left_out():
    found = analysis.psychometric([-1.0, 0.0, 1.0], [2, 5, 8], n=[10, np.nan, 10])
    assert found.levels.tolist() == [-1.0, 1.0]
