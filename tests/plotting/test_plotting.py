"""Every figure of the room: house style, sizes, settings, inputs left alone."""

import inspect

import jax.numpy as jnp
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

from eicon import analysis, plotting
from eicon.plotting._overview import plot_overview
from eicon.plotting._style import weight_cmap
from eicon.studies.results import PerturbationEffect

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
CHOICE = np.arange(40) % 2
COHERENCE = np.where(CHOICE == 0, 1, -1) * RNG.choice([-3.2, 3.2, 6.4, 25.6], 40)
NOISE = RNG.normal(size=(15, 40, N))
for step in range(1, 15):
    NOISE[step] = 0.75 * NOISE[step - 1] + 0.66 * NOISE[step]
RISE = 1 - np.exp(-np.arange(15) / 5)
RATES = np.maximum(
    0.5 + 0.5 * RISE[:, None, None] * np.tanh(COHERENCE / 15)[:, None] * RNG.normal(size=N)
    + 0.2 * np.sin(np.arange(15)[:, None] / 4 + np.arange(N))[:, None] + 0.08 * NOISE, 0.0
)  # fmt: skip
WEIGHTS = np.abs(RNG.normal(size=(N, N))) * np.where(EXCITATORY, 0.1, -0.3)[:, None]
SELECTIVITY = analysis.selectivity(RATES, CHOICE, excitatory=EXCITATORY)
PSYCHOMETRIC = analysis.psychometric(COHERENCE, CHOICE)
AVERAGE = analysis.condition_average(analysis.pca(RATES).trajectories, COHERENCE)
TIME = np.arange(15) * 20.0 - 40.0
RAMP = analysis.ramp_index(np.where(np.arange(N) < 2, 0.5, RATES), 0, 15)  # two silent units
INTERVAL = np.repeat([600.0, 900.0, 1200.0], 10)
PRODUCED = np.where(np.arange(30) == 4, np.nan, INTERVAL * RNG.normal(1.0, 0.1, 30))
TIMING = analysis.scalar_variability(PRODUCED, INTERVAL)
STRENGTH, CORRECT = np.tile([1.0, 4.0, 16.0], 20), RNG.random(60) < np.tile([0.6, 0.8, 1.0], 20)
REACTION_TIME = np.where(np.arange(60) == 7, np.nan, 300.0 + 400.0 / STRENGTH + 20.0 * RNG.normal(size=60))
DURATION = RNG.uniform(90.0, 900.0, 60)
SENSES = analysis.behaviour.multisensory_ratio(
    np.tile(np.repeat([9.0, 12.0, 15.0], 20), 3),
    np.repeat([0, 1, 2], 60),
    np.tile([0, 1, 1, 1, 1] * 4 + [0, 1] * 10 + [0, 0, 0, 0, 1] * 4, 3),
    rng=0,
    n_resamples=10,
)
PSTH = analysis.coding.psth(RATES, COHERENCE, np.arange(40) % 3 + 2, 20.0, window=(-40.0, 200.0))
EPOCHS = analysis.coding.dprime_by_epoch(RATES, CHOICE, {"stimulus": [0, 8], "decision": [8, 15]})
TUNING = analysis.coding.tuning(RATES, COHERENCE, window=(2, 9))
TUNING_CORRELATION = analysis.coding.tuning_correlation(RATES, COHERENCE)
AXES = analysis.coding.regression_axes(RATES, {"choice": CHOICE, "coherence": COHERENCE})
DECODING = analysis.decode(RATES, CHOICE, rng=0, decoder="ridge", n_permutations=2)
FLOW = analysis.phase_plane(lambda s: np.tanh(s @ [[2.0, 1.0], [-1.0, 2.0]]) - s, [0, 0], np.eye(2), (-2, 2, -2, 2))
FIXED = analysis.fixed_points(lambda s: s + 0.1 * (2 * jnp.tanh(s) - s), RNG.normal(size=(8, 2)), dt=10.0, tau=100.0)
LYAPUNOV = analysis.results.Lyapunov(
    np.array([0.002, 0.0, -0.01]),
    np.array([1e-4, 1e-4, np.nan]),
    np.array([[0.002, 0.0, -0.01]]) * (1 + 1 / np.arange(1, 41))[:, None],
    np.arange(1, 41) * 20.0,
    np.nan,
    2.2,
    np.zeros(12),
    "autonomous",
)
SIMILARITY = analysis.results.DynamicalSimilarity(
    0.4, "angular", 2, np.array([0.9 + 0.1j, 0.9 - 0.1j]), np.array([0.7 + 0.6j, 0.7 - 0.6j])
)
ERRORS = {f"method {i}": np.random.default_rng(i).random((4, 3)) for i in range(5)}
SIMILARITIES = {
    name: analysis.results.Similarity(value, RNG.normal(0.1, 0.05, 99), 0.9, 40, p, 0.19, value + 0.1, "trials")
    for name, value, p in (("CKA", 0.7, 0.01), ("RSA", 0.15, 0.3))
}
ALIKE = np.array([[1.0, 0.7, 0.1], [0.7, 1.0, 0.2], [0.1, 0.2, 1.0]])
OFF = np.where(np.eye(3, dtype=bool), np.nan, 1.0)
MATRIX = analysis.results.SimilarityMatrix(
    ("data", "network", "untrained"), "cka", ALIKE, 0.1 * OFF, 0.15 * OFF, np.where(ALIKE > 0.5, 0.01, 0.4) * OFF,
    0.9 * OFF, np.full((3, 3), 40), "trials",
)  # fmt: skip
GROUP = np.array([0, 1, 0, 1, 1, 0])
TOGETHER = np.where(np.eye(6, dtype=bool), 1.0, 0.3 + 0.4 * (GROUP[:, None] == GROUP))
OTHER = TOGETHER[::-1, ::-1]
LIKENESSES = {name: TOGETHER**k for k, name in enumerate(("activity", "outputs", "answers", "fixed points"), start=1)}
LIKENESSES |= {"eigenvalues": np.where(TOGETHER == 1, 1.0, np.nan), "perturbations": TOGETHER, "generalisation": OTHER}
CURRENTS = analysis.fits.population_currents(WEIGHTS, RATES, np.repeat(["M1", "PMC", "S1"], 4))
FALLING = np.outer([0.9, 1.0, 1.2], [1.0, 0.3, 0.1, 0.05])
CURVATURES = {m: 10.0 ** (-np.arange(30) / (1 + m)) for m in (1, 4, 10)}
ONE_AXES = {
    "activity": lambda ax: plotting.plot_activity(RATES[:, 0], EXCITATORY, 20.0, ax=ax),
    "selectivity": lambda ax: plotting.plot_selectivity(SELECTIVITY, ax=ax),
    "connectivity": lambda ax: plotting.plot_connectivity(WEIGHTS, SELECTIVITY.order, EXCITATORY, ax=ax),
    "psychometric": lambda ax: plotting.plot_psychometric(PSYCHOMETRIC, ax=ax),
    "pc_trajectories": lambda ax: plotting.plot_pc_trajectories(AVERAGE.average, AVERAGE.levels, ax=ax),
    "outputs": lambda ax: plotting.similarity.plot_outputs(
        AVERAGE.average[:, :, 0], AVERAGE.levels, TIME, targets=AVERAGE.average[:, :, 1], since="set", ax=ax
    ),
    "variance_explained": lambda ax: plotting.similarity.plot_variance_explained(
        [analysis.pca(RATES).explained_ratio] * 2, ["teacher", "condensed"], ax=ax
    ),
    "ramp_index": lambda ax: plotting.similarity.plot_ramp_index(RAMP, EXCITATORY, ax=ax),
    "produced_times": lambda ax: plotting.similarity.plot_produced_times(PRODUCED, INTERVAL, TIMING, ax=ax),
    "weibull": lambda ax: plotting.behaviour.plot_weibull(analysis.behaviour.weibull(STRENGTH, CORRECT), ax=ax),
    "chronometric": lambda ax: plotting.behaviour.plot_chronometric(
        analysis.behaviour.chronometric(STRENGTH, REACTION_TIME, CORRECT), ax=ax
    ),
    "accuracy_by_duration": lambda ax: plotting.behaviour.plot_accuracy_by_duration(
        analysis.behaviour.accuracy_by_duration(DURATION, STRENGTH, CORRECT, [80.0, 200.0, 400.0, 900.0]), ax=ax
    ),
    "accuracy_by_condition": lambda ax: plotting.behaviour.plot_accuracy_by_condition(
        analysis.behaviour.accuracy_by_condition(CORRECT, STRENGTH), chance=0.5, quantity="coherence", unit="%", ax=ax
    ),
    "times": lambda ax: plotting.behaviour.plot_times(REACTION_TIME, STRENGTH, quantity="coherence", unit="%", ax=ax),
    "multisensory": lambda ax: plotting.behaviour.plot_multisensory(SENSES, boundary=12.5, ax=ax),
    "psth": lambda ax: plotting.coding.plot_psth(PSTH, 3, ax=ax),
    "psth_heatmap": lambda ax: plotting.coding.plot_psth_heatmap(PSTH, excitatory=EXCITATORY, ax=ax),
    "dprime_by_epoch": lambda ax: plotting.coding.plot_dprime_by_epoch(EPOCHS, excitatory=EXCITATORY, ax=ax),
    "tuning": lambda ax: plotting.coding.plot_tuning(TUNING, units=[0, 4], quantity="coherence", unit="%", ax=ax),
    "tuning_map": lambda ax: plotting.coding.plot_tuning_map(TUNING, quantity="coherence", unit="%", ax=ax),
    "tuned_by_epoch": lambda ax: plotting.coding.plot_tuned_by_epoch(
        {"f1": {"f1": 0.9, "delay": 0.6}, "f2": {"f1": 0.0, "delay": 0.1}}, ax=ax
    ),
    "tuning_correlation": lambda ax: plotting.coding.plot_tuning_correlation(
        TUNING_CORRELATION, TIME, epochs={"delay": (0.0, 160.0)}, since="f1", ax=ax
    ),
    "spectrum": lambda ax: plotting.plot_spectrum(analysis.spectrum(WEIGHTS), ax=ax),
    "unit_space": lambda ax: plotting.plot_unit_space(
        WEIGHTS, kept=[0, 3, 7], groups=np.arange(N) % 3, excitatory=EXCITATORY, ax=ax
    ),
    "error_curves": lambda ax: plotting.plot_error_curves([9, 6, 3], ERRORS, retrained=["method 2"], ax=ax),
    "lyapunov": lambda ax: plotting.plot_lyapunov(LYAPUNOV, ax=ax),
    "dimensionality": lambda ax: plotting.coding.plot_dimensionality(
        analysis.coding.dimensionality(RATES, conditions=CHOICE, n_splits=2), ax=ax
    ),
    "decoding": lambda ax: plotting.coding.plot_decoding(DECODING, 20.0, start=-40.0, since="go", ax=ax),
    "generalisation": lambda ax: plotting.coding.plot_generalisation(
        DECODING, 20.0, start=-40.0, since="go", events=[0.0], ax=ax
    ),
    "timescales": lambda ax: plotting.coding.plot_timescales(
        analysis.coding.timescales(0.5 + NOISE, 20.0), excitatory=EXCITATORY, ax=ax
    ),
    "fixed_points": lambda ax: plotting.plot_fixed_points(FIXED, axes=np.eye(2), trajectories=RATES[:, :3, :2], ax=ax),
    "phase_plane": lambda ax: plotting.plot_phase_plane(
        FLOW, trajectories=RATES[:, :3, :2], fixed_points=[[0, 0], [1, 1]], stable=[False, True], ax=ax
    ),
    "dynamical_similarity": lambda ax: plotting.similarity.plot_dynamical_similarity(
        SIMILARITY, names=("teacher", "student"), ax=ax
    ),
    "similarities": lambda ax: plotting.similarity.plot_similarities(SIMILARITIES, ax=ax),
    "unrecorded": lambda ax: plotting.fits.plot_unrecorded(
        [1, 4, 10, 40],
        {"connectome": FALLING, "null": FALLING**0.2},
        recorded={"connectome": FALLING / 20},
        label="error / variance",
        level=1.0,
        ax=ax,
    ),
    "recovery": lambda ax: plotting.fits.plot_recovery(
        np.arange(N) + RNG.normal(size=N), np.arange(N), by=np.where(EXCITATORY, "E", "I"), ax=ax
    ),
    "stiffness": lambda ax: plotting.fits.plot_stiffness(CURVATURES, ax=ax),
    "fixed_directions": lambda ax: plotting.fits.plot_fixed_directions(
        [1, 4, 10, 40], {"connectome": 20 - 20 * FALLING / 2, "null": 10 - 10 * FALLING / 2}, n_parameters=24, ax=ax
    ),
    "current_shares": lambda ax: plotting.fits.plot_current_shares(CURRENTS, ax=ax),
    "currents": lambda ax: plotting.fits.plot_currents(CURRENTS, "M1", 20.0, since="go", ax=ax),
    "membrane": lambda ax: plotting.circuits.plot_membrane(TIME + 50.0, TIME - 60.0, TIME == 0.0, ax=ax),
    "two_neurons": lambda ax: plotting.circuits.plot_two_neurons(RATES[:, 0, :2], eigenvectors=np.eye(2), ax=ax),
    "ring": lambda ax: plotting.circuits.plot_ring(TIME, RATES[:, 0], angle=TIME / 90.0, center=TIME / 100.0, ax=ax),
}
GRID = {"learning_rate": [1e-4, 1e-6], "activation": ["relu", "tanh"], "pattern_length": [3, 5, 10]}
NAMES = [f"region {i}" for i in range(N)]


def sweep_data(grid, scale=1.0, repeats=3, epochs=20):
    """Like `eicon.runs.sweep_results`: losses that fall from 0.3 towards 0."""
    shape = (*(len(values) for values in grid.values()), repeats)
    rng, time = np.random.default_rng(1), np.arange(1, epochs + 1)
    loss = 0.3 * np.exp(-time * rng.uniform(0.1, 0.3, (*shape, 1)) * scale)
    curves = {"validation_loss": loss, "train_loss": 0.9 * loss, "validation_accuracy": 1 - loss}
    curves["train_accuracy"] = curves["validation_accuracy"]
    return xr.Dataset(
        {name: ((*grid, "repeat", "epoch"), values) for name, values in curves.items()}
        | {"null_loss": ((*grid, "repeat"), np.full(shape, 1 / 12))},
        coords={**grid, "repeat": np.arange(repeats), "epoch": time},
    )


def with_flags(data):
    """As of a sweep that is finished."""
    done = np.ones(data["null_loss"].shape, bool)
    dims = data["null_loss"].dims
    return data.assign(finished=(dims, done), diverged=(dims, ~done))


def effect(name, dose, correct):
    """Like those of `eicon.studies.perturbation_effects`; what is not correct has no answer."""
    interval = (max(0.0, correct - 0.1), min(1.0, correct + 0.1))
    rest = tuple(1 - end for end in interval[::-1])
    return PerturbationEffect(
        name, dose, 80, correct, interval, 0.0, (0.0, 0.04), 1 - correct, rest, 1 - correct, rest, correct, interval,
        correct, 0.0, 5.0, 1.0,
    )  # fmt: skip


EFFECTS = [effect("none", 0.0, 0.9), *(effect("silence E", dose, 0.9 - 0.9 * dose) for dose in (0.0, 0.25, 0.5, 1.0))]
PAIRED = with_flags(sweep_data({"null": ["none", "rewire", "permute"], "learning_rate": [1e-4, 1e-6]}))
FEW = {"learning_rate": [1e-4, 1e-6], "activation": ["relu", "tanh"]}
SWEEPS = {"bio": sweep_data(GRID), "random": sweep_data(GRID, 0.5)}
FIGURES = {
    "loss": lambda: plotting.plot_loss(np.linspace(2, 1, 20), accuracy=np.linspace(0, 1, 20)),
    "overview": lambda: plot_overview(PSYCHOMETRIC, WEIGHTS, SELECTIVITY, analysis.pca(RATES), AVERAGE, dt=20.0),
    "pair": lambda: plotting.similarity.plot_pair(
        [[ONE_AXES["spectrum"]] * 2, [ONE_AXES["ramp_index"]] * 2], ["a", "b"]
    ),
    "ramps": lambda: plotting.plot_ramps(
        RATES[:, :4, :2], RATES[:, :4, 2], RATES[:, :4, 3], [*INTERVAL[::10], 1500.0], 20.0, set_step=[1, 2, 3, 4]
    ),
    "outputs_grid": lambda: plotting.plot_outputs_grid(
        {f"{n} merged": RATES[:, :3, n] for n in range(5)}, RATES[:, :3, 9], INTERVAL[::10], 20.0
    ),
    "units": lambda: plotting.plot_units(RATES[:, :3], INTERVAL[::10], 20.0, range(7), excitatory=EXCITATORY),
    "unit_traces": lambda: plotting.fits.plot_unit_traces(
        RATES + 0.1 * NOISE, RATES, 20.0, [0, 1, 5, 7], recorded=np.arange(N) < 4, names=NAMES
    ),
    "state_space": lambda: plotting.coding.plot_state_space(
        {"a": (AXES.trajectories, AXES.values[:, 1]), "b": (AXES.trajectories[:3], AXES.values[:3, 1])},
        names=AXES.names,
        dt=20.0,
    ),
    "eye_paths": lambda: plotting.behaviour.plot_eye_paths(
        RATES[:, :6, :2], [0, 1, 2, 3, 4, 4], targets=RATES[:, :6, 2:4].round()
    ),
    "trajectory_spectra": lambda: plotting.spectra.plot_trajectory_spectra(
        analysis.spectra.trajectory_spectra(WEIGHTS, RATES[:, 0] / 2, 100.0, dt=20.0), TIME, since="stimulus"
    ),
    "modes": lambda: plotting.plot_modes(FIXED, 0),
    "training_spectra": lambda: plotting.spectra.plot_training_spectra(
        analysis.spectra.training_spectra(WEIGHTS * np.array([0.5, 1.0, 2.0])[:, None, None], [0, 500, 1000])
    ),
    "choices": lambda: plotting.behaviour.plot_choices(with_flags(sweep_data(FEW))),
    "interactions": lambda: plotting.behaviour.plot_interactions(with_flags(sweep_data(FEW))),
    "loss_curves": lambda: plotting.plot_loss_curves({"bio": sweep_data(FEW), "random": sweep_data(FEW, 0.5)})[0],
    "loss_boxes": lambda: plotting.plot_loss_boxes(SWEEPS),
    "profiles": lambda: plotting.similarity.plot_profiles(LIKENESSES, [f"seed={i}" for i in range(6)]),
    "similarity_matrix": lambda: plotting.similarity.plot_similarity_matrix(MATRIX).figure,
    "perturbations": lambda: plotting.behaviour.plot_perturbations(EFFECTS, dose="fraction silenced"),
    "paired_differences": lambda: plotting.behaviour.plot_paired_differences({"sweep": PAIRED}),
    "respiration": lambda: plotting.circuits.plot_respiration(TIME, RATES[:, 0, :4], phases=np.arange(15) // 5),
    "wiring": lambda: plotting.plot_wiring(WEIGHTS, EXCITATORY, W_in=WEIGHTS[:2], preferred=np.arange(N) % 2).figure,
    "connectome": lambda: plotting.plot_connectome(np.abs(WEIGHTS), NAMES, np.where(EXCITATORY, 1, -1), title="all"),
}


def test_every_plot_is_in_the_table():
    files = [plotting, *(value for name in dir(plotting) if inspect.ismodule(value := getattr(plotting, name)))]
    plots = {name for file in files for name in dir(file) if name.startswith("plot_")} | {"plot_overview"}
    assert plots == {f"plot_{name}" for name in (*ONE_AXES, *FIGURES)}


@pytest.mark.parametrize("name", ONE_AXES)
def test_draws_into_the_axes_given_and_changes_no_settings(name):
    before = dict(mpl.rcParams)
    figure, ax = plt.subplots()
    assert ONE_AXES[name](ax) is ax
    assert plt.get_fignums() == [figure.number]
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ONE_AXES)
def test_makes_a_figure_600_pixels_wide_with_labels_and_nothing_cut_off(name):
    before = dict(mpl.rcParams)
    figure = ONE_AXES[name](None).figure
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before
    assert figure.get_size_inches()[0] * figure.dpi == pytest.approx(600)
    ax = figure.axes[0]
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert ax.xaxis.label.get_fontsize() == 10.0
    assert {tick.get_fontsize() for tick in ax.get_xticklabels()} == {9.0}
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= -0.01
    assert box.y0 >= -0.01
    assert box.x1 <= page[0] + 0.01
    assert box.y1 <= page[1] + 0.01


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_several_axes_change_no_settings_and_cut_nothing_off(name):
    before = dict(mpl.rcParams)
    figure = FIGURES[name]()
    figure.canvas.draw()
    assert dict(mpl.rcParams) == before
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= page[0] + 0.01
    assert box.y1 <= page[1] + 0.01
    for ax in figure.axes:
        ax.apply_aspect()


def test_style_is_restored_after_an_error():
    before = dict(mpl.rcParams)
    with plotting.style():
        assert mpl.rcParams["figure.constrained_layout.use"] is True
    with pytest.raises(ValueError, match="`W` must be square"), plotting.style():
        plotting.plot_connectivity(np.ones((2, 3)))
    assert dict(mpl.rcParams) == before


def test_weight_map_is_red_white_blue_and_symmetric():
    cmap = weight_cmap()
    low, middle, high = (np.array(to_rgb(cmap(x))) for x in (0.25, 0.5, 0.75))
    assert low[0] > low[2] + 0.4
    assert high[2] > high[0] + 0.4
    np.testing.assert_allclose(middle, 1.0, atol=0.02)


def test_e_colour_is_blue_and_i_colour_is_red():
    (r_e, _, b_e), (r_i, _, b_i) = to_rgb(plotting.E_COLOR), to_rgb(plotting.I_COLOR)
    assert b_e > r_e + 0.5
    assert r_i > b_i + 0.5


def test_plots_do_not_write_into_their_inputs():
    arrays = [
        WEIGHTS.copy(),
        SELECTIVITY.order.copy(),
        EXCITATORY.copy(),
        RATES[:, 0].copy(),
        AVERAGE.average.copy(),
    ]
    before = [array.tobytes() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    plotting.plot_connectivity(*arrays[:3])
    plotting.plot_activity(arrays[3], arrays[2], 20.0)
    plotting.plot_pc_trajectories(arrays[4], AVERAGE.levels)
    plotting.plot_loss(arrays[3][:, 0])
    assert [array.tobytes() for array in arrays] == before
