"""Mistake 30: an analysis changes the model: its state differs, or its weights are no longer trainable."""

import contextlib
import inspect

import jax
import numpy as np
import pytest

from eicon import analysis
from eicon.models import RateRNN, save, verify

INPUTS = np.random.default_rng(0).uniform(size=(8, 10, 2)).astype(np.float32)
CHOICE = np.array([0, 1] * 5)
COHERENCE = np.array([4.0, -4.0] * 5)
STRENGTH = np.array([1.0, 2.0, 4.0, 8.0, 4.0] * 2)
OUTPUTS = np.random.default_rng(1).uniform(size=(8, 10, 2))
START, STOP = np.zeros(10, int), np.array([5, 8] * 5)


@pytest.fixture
def net():
    net = RateRNN.dale(2, 10, 2, sigma_rec=0.1, bias=True, readout_bias=False)
    net.reset_state(10)
    net.update(INPUTS[0])
    return net


@pytest.fixture(scope="module")
def rates():
    return np.asarray(RateRNN.dale(2, 10, 2).predict(INPUTS).rates)


def snapshot(net: RateRNN) -> dict[str, tuple[str, bytes]]:
    """Return the kind (trained or not) and the bits of every variable."""
    return {name: (type(v).__name__, np.asarray(v.value).tobytes()) for name, v in net.vars().items()}


def check(analyse, net: RateRNN) -> None:
    before = snapshot(net)
    assert len(before) >= 7
    analyse(net)
    assert snapshot(net) == before
    assert len(net.trainable_variables()) == 4


def dsa_or_its_checks(a, b):
    """Run DSA, or only its checks without the library, which is an extra."""
    with contextlib.suppress(ImportError):
        analysis.similarity.dsa_distance(a, b, rank=2, score="wasserstein")


def analyses(rates):
    """List all analyses of `eicon.analysis`, for the results of a network without copies."""
    return {
        "selectivity": lambda net: analysis.selectivity(rates, CHOICE, excitatory=net.is_excitatory),
        "pca": lambda net: analysis.pca(rates),
        "choice_clustering": lambda net: analysis.choice_clustering(
            net.W_rec, np.linspace(-2, 2, net.n_rec), net.is_excitatory
        ),
        "condition_average": lambda net: analysis.condition_average(rates, COHERENCE),
        "psychometric": lambda net: analysis.psychometric(COHERENCE, CHOICE),
        "weibull": lambda net: analysis.behaviour.weibull(STRENGTH, CHOICE),
        "bootstrap": lambda net: analysis.behaviour.bootstrap(
            analysis.psychometric, COHERENCE, CHOICE, parameters=("bias",), rng=0, n_resamples=2
        ),
        "accuracy_by_condition": lambda net: analysis.behaviour.accuracy_by_condition(CHOICE, COHERENCE),
        "chronometric": lambda net: analysis.behaviour.chronometric(STRENGTH, 500.0 / STRENGTH, CHOICE),
        "accuracy_by_duration": lambda net: analysis.behaviour.accuracy_by_duration(
            STRENGTH, STRENGTH, CHOICE, [0.5, 2, 9]
        ),
        "error_consistency": lambda net: analysis.behaviour.error_consistency(CHOICE, CHOICE[::-1]),
        "effect_similarity": lambda net: analysis.similarity.effect_similarity(STRENGTH, STRENGTH[::-1]),
        "match_points": lambda net: analysis.similarity.match_points(
            (np.asarray(net.W_rec)[:3], np.array([0, 1, 0])),
            (np.asarray(net.W_rec)[:2], np.array([0, 1])),
            net.predict(INPUTS, noise=False).currents,
            net.predict(INPUTS, noise=False).currents,
        ),
        "threshold_crossing": lambda net: analysis.behaviour.threshold_crossing(OUTPUTS, 0.9, START, 20.0),
        "multisensory_ratio": lambda net: analysis.behaviour.multisensory_ratio(
            np.tile(COHERENCE, 3), np.repeat([0, 1, 2], 10), np.tile(CHOICE, 3), rng=0, n_resamples=2
        ),
        "align": lambda net: analysis.coding.align(rates, START, 20.0, window=(0, 60)),
        "psth": lambda net: analysis.coding.psth(rates, COHERENCE, START, 20.0, window=(0, 60)),
        "sort_by_peak": lambda net: analysis.coding.sort_by_peak(rates, excitatory=net.is_excitatory),
        "dprime_by_epoch": lambda net: analysis.coding.dprime_by_epoch(rates, CHOICE, {"early": [0, 4]}),
        "regression_axes": lambda net: analysis.coding.regression_axes(rates, {"stimulus": STRENGTH}, n_pcs=2),
        "axis_separation": lambda net: analysis.coding.axis_separation(
            analysis.coding.regression_axes(rates, {"stimulus": STRENGTH}), rates, {"stimulus": STRENGTH}
        ),
        "tuning": lambda net: analysis.coding.tuning(rates, STRENGTH),
        "tuned_fractions": lambda net: analysis.coding.tuned_fractions(rates, STRENGTH),
        "signed_clustering": lambda net: analysis.coding.signed_clustering(
            net.W_rec, np.repeat([1.0, -1.0], 5), rng=0, n_permutations=9
        ),
        "oscillation": lambda net: analysis.coding.oscillation(rates[:, :, 0], 4.0 * net.dt, net.dt),
        "trend": lambda net: analysis.behaviour.trend(rates[:, 0, 0], rates[:, 0, 1]),
        "tuning_correlation": lambda net: analysis.coding.tuning_correlation(rates, STRENGTH, steps=[2, 6]),
        "milestones": lambda net: analysis.behaviour.milestones(np.asarray(net.rates)),
        "spectrum": lambda net: analysis.spectrum(net.W_rec, excitatory=net.is_excitatory),
        "jacobian": lambda net: analysis.spectra.jacobian(net.W_rec, net.rates[0], net.tau),
        "jacobian_spectrum": lambda net: analysis.spectra.jacobian_spectrum(net.W_rec, net.rates[0], net.tau),
        "nrmse": lambda net: analysis.similarity.nrmse(rates, net.predict(INPUTS, noise=False).rates),
        "linear_cka": lambda net: analysis.similarity.linear_cka(rates, net.predict(INPUTS, noise=False).rates),
        "procrustes_distance": lambda net: analysis.similarity.procrustes_distance(rates, rates),
        "subspace_angles": lambda net: analysis.similarity.subspace_angles(
            rates, net.predict(INPUTS, noise=False).rates, 2
        ),
        "aligned_nrmse": lambda net: analysis.similarity.aligned_nrmse(rates, rates, 2),
        "cca": lambda net: analysis.similarity.cca(rates, rates, 2),
        "rsa": lambda net: analysis.similarity.rsa(rates, rates),
        "compare_many": lambda net: analysis.similarity.compare_many({"a": rates, "b": rates}),
        "compare": lambda net: analysis.compare(rates, rates, OUTPUTS, OUTPUTS, net.W_rec, net.W_rec),
        "condense": lambda net: net.condensed(
            analysis.condense(rates, net.W_rec, net.W_out, 6, sign=net.recurrent.connectivity.sign)
        ),
        "ramp_index": lambda net: analysis.ramp_index(rates, START, STOP),
        "temporal_scaling": lambda net: analysis.temporal_scaling(rates, START, STOP, COHERENCE),
        "scalar_variability": lambda net: analysis.scalar_variability(np.arange(1.0, 11.0), np.repeat([3.0, 7.0], 5)),
        "fixed_points": lambda net: analysis.fixed_points(net.held([0.5, 1.0]), net.x.value, dt=net.dt, tau=100.0),
        "paired_difference": lambda net: analysis.behaviour.paired_difference(np.arange(5.0), np.ones(5)),
        "manifold": lambda net: analysis.manifold(net.x.value),
        "lyapunov": lambda net: analysis.lyapunov(
            net.held(),
            net.x[0],
            dt=net.dt,
            n_steps=4,
        ),
        "trajectory_spectra": lambda net: analysis.spectra.trajectory_spectra(net.W_rec, rates[:, 0], net.tau),
        "training_spectra": lambda net: analysis.spectra.training_spectra(net.W_rec[None], [0]),
        "dimensionality": lambda net: analysis.coding.dimensionality(rates, n_splits=1),
        "decode": lambda net: analysis.decode(rates, CHOICE, rng=0, folds=2, decoder="ridge"),
        "timescales": lambda net: analysis.coding.timescales(rates, net.dt),
        "phase_plane": lambda net: analysis.phase_plane(
            lambda states: net.held()(states) - states,
            net.x[0],
            np.eye(10)[:2],
            (-1, 1, -1, 1),
            n=3,
        ),
        "unit_fit": lambda net: analysis.fits.unit_fit(net.predict(INPUTS, noise=False), rates),
        "recovery": lambda net: analysis.fits.recovery(net.W_rec, net.W_rec),
        "effective_connectivity": lambda net: analysis.fits.effective_connectivity(net.W_rec),
        "population_currents": lambda net: analysis.fits.population_currents(net.W_rec, rates, net.units["type"]),
        "next_units": lambda net: analysis.fits.next_units(0.5 * np.asarray(net.W_rec), 3),
        "dsa_distance": lambda net: dsa_or_its_checks(rates, net.predict(INPUTS, noise=False).rates),
    }


def test_every_analysis(net, rates):
    functions = analyses(rates)
    files = [analysis, *(value for name in dir(analysis) if inspect.ismodule(value := getattr(analysis, name)))]
    assert set(functions) == {n for file in files for n in dir(file) if inspect.isfunction(getattr(file, n))}
    for analyse in functions.values():
        check(analyse, net)


@pytest.mark.parametrize(
    "use",
    [
        verify,
        lambda net: net.predict(INPUTS, key=jax.random.key(0)),
        lambda net: net.predict(INPUTS, noise=False, forward_mode=True),
        lambda net: net.with_settings(dt=10.0).predict(INPUTS, noise=False),
        lambda net: (net.W_rec, net.W_in, net.W_out, net.rates, net.variables(), net.parameters()),
    ],
    ids=["verify", "predict", "forward mode", "with_settings", "properties"],
)
def test_verify_and_everything_that_only_looks(use, net):
    check(use, net)


def test_saving(net, tmp_path):
    check(lambda net: save(net, tmp_path / "net.npz"), net)


def moves_the_state(net: RateRNN) -> None:
    for u in INPUTS:
        net.update(u)


def freezes_the_weights(net: RateRNN) -> None:
    import brainpy.math as bm

    for name, variable in net.trainable_variables().items():
        object.__setattr__(net, name, bm.Variable(variable.value))  # plain setattr would only copy the value


@pytest.mark.parametrize("wrong", [moves_the_state, freezes_the_weights])
def test_the_wrong_versions_fail(wrong, net):
    with pytest.raises(AssertionError):
        check(wrong, net)
