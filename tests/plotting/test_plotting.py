import inspect
import subprocess
import sys

import jax.numpy as jnp
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex, to_rgb, to_rgba

from eicon import analysis, plotting
from eicon.plotting._files import save_png
from eicon.plotting._overview import plot_overview
from eicon.plotting._style import coherence_cmap, weight_cmap
from eicon.plotting._sweep import run_milestones

RNG = np.random.default_rng(0)
N, N_E = 12, 9
EXCITATORY = RNG.permutation(np.arange(N) < N_E)
CHOICE = np.arange(40) % 2
RATES = RNG.random((15, 40, N)) + 0.5 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
COHERENCE = np.where(CHOICE == 0, 1, -1) * RNG.choice([-3.2, 3.2, 6.4, 25.6], 40)
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
    "multisensory": lambda ax: plotting.behaviour.plot_multisensory(SENSES, boundary=12.5, ax=ax),
    "psth": lambda ax: plotting.coding.plot_psth(PSTH, 3, ax=ax),
    "psth_heatmap": lambda ax: plotting.coding.plot_psth_heatmap(PSTH, excitatory=EXCITATORY, ax=ax),
    "dprime_by_epoch": lambda ax: plotting.coding.plot_dprime_by_epoch(EPOCHS, excitatory=EXCITATORY, ax=ax),
    "tuning": lambda ax: plotting.coding.plot_tuning(TUNING, units=[0, 4], quantity="coherence", unit="%", ax=ax),
    "tuning_correlation": lambda ax: plotting.coding.plot_tuning_correlation(
        TUNING_CORRELATION, TIME, epochs={"delay": (0.0, 160.0)}, since="f1", ax=ax
    ),
    "spectrum": lambda ax: plotting.plot_spectrum(analysis.spectrum(WEIGHTS), ax=ax),
    "unit_space": lambda ax: plotting.plot_unit_space(
        WEIGHTS, kept=[0, 3, 7], groups=np.arange(N) % 3, excitatory=EXCITATORY, ax=ax
    ),
    "error_curves": lambda ax: plotting.plot_error_curves(
        [9, 6, 3], {f"method {i}": RNG.random((4, 3)) for i in range(5)}, retrained=["method 2"], ax=ax
    ),
    "lyapunov": lambda ax: plotting.plot_lyapunov(LYAPUNOV, ax=ax),
    "dimensionality": lambda ax: plotting.coding.plot_dimensionality(
        analysis.coding.dimensionality(RATES, conditions=CHOICE, n_splits=2), ax=ax
    ),
    "decoding": lambda ax: plotting.coding.plot_decoding(DECODING, 20.0, start=-40.0, since="go", ax=ax),
    "generalisation": lambda ax: plotting.coding.plot_generalisation(
        DECODING, 20.0, start=-40.0, since="go", events=[0.0], ax=ax
    ),
    "timescales": lambda ax: plotting.coding.plot_timescales(
        analysis.coding.timescales(RATES.cumsum(axis=0), 20.0), excitatory=EXCITATORY, ax=ax
    ),
    "fixed_points": lambda ax: plotting.plot_fixed_points(FIXED, axes=np.eye(2), trajectories=RATES[:, :3, :2], ax=ax),
    "phase_plane": lambda ax: plotting.plot_phase_plane(
        FLOW, trajectories=RATES[:, :3, :2], fixed_points=[[0, 0], [1, 1]], stable=[False, True], ax=ax
    ),
    "dynamical_similarity": lambda ax: plotting.similarity.plot_dynamical_similarity(
        SIMILARITY, names=("teacher", "student"), ax=ax
    ),
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
    "loss_curves": lambda: plotting.plot_loss_curves(SWEEPS)[0],
    "loss_boxes": lambda: plotting.plot_loss_boxes(SWEEPS),
    "respiration": lambda: plotting.circuits.plot_respiration(TIME, RATES[:, 0, :4], phases=np.arange(15) // 5),
    "connectome": lambda: plotting.plot_connectome(np.abs(WEIGHTS), NAMES, np.where(EXCITATORY, 1, -1), title="all"),
}


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    (found,) = [candidate for candidate in ax.lines if candidate.get_label() == label]
    return found


def test_every_plot_is_in_the_table():
    files = [plotting, *(value for name in dir(plotting) if inspect.ismodule(value := getattr(plotting, name)))]
    plots = {name for file in files for name in dir(file) if name.startswith("plot_")} | {"plot_overview"}
    assert plots == {f"plot_{name}" for name in (*ONE_AXES, *FIGURES)}


def test_overview_holds_the_three_plots_and_is_saved_as_png(tmp_path):
    components = analysis.pca(RATES)
    before = dict(mpl.rcParams)
    figure = plot_overview(PSYCHOMETRIC, WEIGHTS, SELECTIVITY, components, AVERAGE, dt=20.0)
    assert dict(mpl.rcParams) == before
    labels = [ax.get_xlabel() for ax in figure.axes[:3]]
    assert labels[0] == "signed coherence (%)"
    assert labels[1] == "to (postsynaptic)"
    assert labels[2].startswith("PC 1")
    image = figure.axes[1].images[0].get_array()
    np.testing.assert_array_equal(image, WEIGHTS[np.ix_(SELECTIVITY.order, SELECTIVITY.order)])
    with (tmp_path / "overview.png").open("wb") as stream:
        save_png(figure, stream)
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


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


def test_import_chooses_no_backend_and_no_settings():
    code = (
        # copy() leaves an unresolved backend alone, dict() would resolve it
        "import matplotlib as mpl; before = mpl.rcParams.copy(); import sys, eicon.plotting; "
        "print('matplotlib.pyplot' in sys.modules, mpl.rcParams.copy() == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_loss_alone_is_one_panel_with_its_running_mean():
    loss = np.array([4.0, 2.0, 3.0, 1.0, 2.0])
    figure = plotting.plot_loss(loss, smooth=3)
    (ax,) = figure.axes
    raw, mean = ax.lines
    np.testing.assert_array_equal(raw.get_ydata(), loss)
    np.testing.assert_allclose(mean.get_ydata(), [3.0, 3.0, 2.0, 2.0, 1.5])
    assert raw.get_xdata().tolist() == [1, 2, 3, 4, 5]
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("training step", "loss")
    assert plotting.plot_loss(loss, log=False).axes[0].get_yscale() == "linear"


def test_loss_with_gaps_keeps_the_mean_of_what_is_there():
    mean = plotting.plot_loss([1.0, np.nan, 3.0, np.nan, np.nan, np.nan], smooth=3).axes[0].lines[1]
    np.testing.assert_allclose(mean.get_ydata(), [1.0, 2.0, 3.0, 3.0, np.nan, np.nan])


def test_accuracy_and_validation_share_the_second_panel():
    figure = plotting.plot_loss(
        np.ones(10), accuracy=np.linspace(0.5, 1, 10), validation=([5, 10], [0.7, 0.9]), chance=0.5
    )
    loss, accuracy = figure.axes
    assert accuracy.get_ylabel() == "accuracy"
    assert loss.get_xlabel() == ""
    assert line(accuracy, "validation").get_xydata().tolist() == [[5, 0.7], [10, 0.9]]
    assert line(accuracy, "chance").get_ydata() == [0.5, 0.5]
    assert legend_texts(accuracy) == ["chance", "training", "validation"]


def test_activity_is_blue_and_red_in_ms_with_named_epochs():
    ax = plotting.plot_activity(RATES[:, 0], EXCITATORY, 20.0, epochs={"stimulus": (100.0, 250.0)})
    e, i = ax.collections
    assert to_hex(e.get_color()[0]).upper() == plotting.E_COLOR
    assert to_hex(i.get_color()[0]).upper() == plotting.I_COLOR
    for collection, members in ((e, EXCITATORY), (i, ~EXCITATORY)):
        drawn = np.stack([segment[:, 1] for segment in collection.get_segments()], axis=1)
        np.testing.assert_array_equal(drawn, RATES[:, 0, members])
    np.testing.assert_array_equal(e.get_segments()[0][:, 0], np.arange(15) * 20.0)
    assert ax.get_xlabel() == "time (ms)"
    assert legend_texts(ax) == ["excitatory (9)", "inhibitory (3)"]
    (shade,) = ax.patches
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (100.0, 250.0)
    (name,) = ax.texts
    assert name.get_text() == "stimulus"
    assert name.xy[0] == 175.0


def test_e_colour_is_blue_and_i_colour_is_red():
    (r_e, _, b_e), (r_i, _, b_i) = to_rgb(plotting.E_COLOR), to_rgb(plotting.I_COLOR)
    assert b_e > r_e + 0.5
    assert r_i > b_i + 0.5


def test_selectivity_histogram_counts_every_finite_unit_once():
    ax = plotting.plot_selectivity(SELECTIVITY, bins=8)
    e, i = ax.containers
    assert sum(bar.get_height() for bar in e) == 9
    assert sum(bar.get_height() for bar in i) == 3
    assert e[0].get_facecolor() == to_rgba(plotting.E_COLOR)
    assert i[0].get_facecolor() == to_rgba(plotting.I_COLOR)
    assert "d'" in ax.get_xlabel()
    assert ax.get_legend().get_title().get_text() == ""


def test_selectivity_histogram_reports_infinite_units_and_takes_untyped_ones():
    odd = SELECTIVITY._replace(d_prime=np.array([np.inf, -np.inf, *np.linspace(-1, 1, N - 2)]), excitatory=None)
    ax = plotting.plot_selectivity(odd)
    assert sum(bar.get_height() for bar in ax.patches) == N - 2
    assert ax.get_legend().get_title().get_text() == "2 with infinite d' not shown"


def test_connectivity_shows_the_sorted_matrix_with_rows_as_sources():
    order = SELECTIVITY.order
    ax = plotting.plot_connectivity(WEIGHTS, order, EXCITATORY)
    (image,) = ax.images
    shown = np.asarray(image.get_array())
    for row in range(N):
        for column in range(N):
            assert shown[row, column] == WEIGHTS[order[row], order[column]]
    assert ax.get_ylabel() == "from (presynaptic)"
    assert ax.get_xlabel() == "to (postsynaptic)"
    assert ax.yaxis_inverted()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["E", "I"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["E", "I"]
    assert ax.get_yticks().tolist() == [4.0, 10.0]
    boundaries = sorted((tuple(one.get_xdata()), tuple(one.get_ydata())) for one in ax.lines)
    assert boundaries == [((0, 1), (8.5, 8.5)), ((8.5, 8.5), (0, 1))]
    # an E row is drawn blue, an I row red
    assert np.all(shown[:9] > 0)
    assert np.all(shown[9:] < 0)
    strong = image.cmap(image.norm(np.array([-0.5, 0.5]) * image.norm.vmax))
    assert strong[0, 0] > strong[0, 2]
    assert strong[1, 2] > strong[1, 0]


def test_connectivity_scale_is_symmetric_and_robust():
    weights = np.full((20, 20), 0.1)
    weights[0, 1], weights[:, 5] = 50.0, 0.0
    image = plotting.plot_connectivity(weights).images[0]
    assert image.get_clim() == pytest.approx((-0.1, 0.1))
    assert image.colorbar.extend == "both"
    assert image.colorbar.ax.get_ylabel() == "effective weight"
    full = plotting.plot_connectivity(weights, percentile=100).images[0]
    assert full.get_clim() == (-50.0, 50.0)
    assert full.colorbar.extend == "neither"
    assert plotting.plot_connectivity(np.zeros((3, 3))).images[0].get_clim() == (-1.0, 1.0)


def test_connectivity_without_order_puts_e_first_and_keeps_the_rest():
    ax = plotting.plot_connectivity(WEIGHTS, excitatory=EXCITATORY)
    order = [*np.flatnonzero(EXCITATORY), *np.flatnonzero(~EXCITATORY)]
    np.testing.assert_array_equal(ax.images[0].get_array(), WEIGHTS[order][:, order])


def test_psychometric_line_passes_through_the_predicted_values():
    ax = plotting.plot_psychometric(PSYCHOMETRIC)
    fit = max(ax.lines, key=lambda one: len(one.get_xdata()))
    x, y = fit.get_data()
    np.testing.assert_allclose(y, PSYCHOMETRIC.predict(x))
    assert x[0] < PSYCHOMETRIC.levels[0]
    assert x[-1] > PSYCHOMETRIC.levels[-1]
    points, _, (bars,) = ax.containers[0]
    np.testing.assert_allclose(points.get_xydata(), np.stack([PSYCHOMETRIC.levels, PSYCHOMETRIC.p], axis=1))
    np.testing.assert_allclose([bar[:, 1] for bar in bars.get_segments()], PSYCHOMETRIC.ci, atol=1e-12)
    assert ax.get_xlabel() == "signed coherence (%)"
    assert ax.get_ylabel() == "fraction of choice 0"
    assert f"{PSYCHOMETRIC.width:.2g} %" in ax.texts[0].get_text()


def test_psychometric_says_when_the_width_is_not_determined():
    step = analysis.psychometric([-1.0, -1.0, 1.0, 1.0], [1, 1, 0, 0])
    assert "not determined" in plotting.plot_psychometric(step).texts[0].get_text()
    labelled = plotting.plot_psychometric(step, label="teacher", unit="fraction")
    assert legend_texts(labelled) == ["teacher"]
    assert labelled.get_xlabel() == "signed coherence (fraction)"


def test_pc_trajectories_go_by_level_with_start_and_end():
    paths, levels = AVERAGE.average, AVERAGE.levels
    shuffled = RNG.permutation(len(levels))
    ax = plotting.plot_pc_trajectories(
        paths[shuffled], levels[shuffled], explained_ratio=[0.52, 0.21, 0.1], dt=20.0, dot_every=100.0
    )
    curves = [one for one in ax.lines if len(one.get_xdata()) == 15]
    for rank, curve in enumerate(curves):  # drawn from the lowest to the highest level
        np.testing.assert_array_equal(curve.get_xydata(), paths[rank, :, :2])
        colour = coherence_cmap()(rank / (len(levels) - 1))
        assert to_hex(curve.get_color()) == to_hex(colour)
    assert len(curves) == len(levels)
    ends = {tuple(one.get_xydata()[0]) for one in ax.lines if one.get_marker() == "s"}
    starts = {tuple(one.get_xydata()[0]) for one in ax.lines if one.get_marker() == "o" and len(one.get_xdata()) == 1}
    assert ends == {tuple(path[-1, :2]) for path in paths}
    assert starts == {tuple(path[0, :2]) for path in paths}
    dots = [one for one in ax.lines if one.get_marker() == "o" and len(one.get_xdata()) == 2]
    np.testing.assert_array_equal(dots[0].get_xydata(), paths[0, [5, 10], :2])
    assert ax.get_xlabel() == "PC 1 (52 % of variance)"
    assert ax.get_ylabel() == "PC 2 (21 % of variance)"
    assert legend_texts(ax) == ["start", "end", "every 100 ms"]
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "signed coherence (%)"
    labels = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in bar.get_yticklabels()]
    assert [float(label) for label in labels] == levels.tolist()


def test_pc_trajectories_end_where_the_data_end():
    paths = np.arange(12.0).reshape(1, 6, 2)
    paths[0, 4:] = np.nan
    ax = plotting.plot_pc_trajectories(paths, [0.0])
    assert [one.get_xydata()[0].tolist() for one in ax.lines if one.get_marker() == "s"] == [[6.0, 7.0]]
    assert ax.get_xlabel() == "PC 1"


def test_spectrum_shows_circle_outliers_and_unit_circle():
    spectrum = analysis.spectrum(RNG.normal(size=(60, 60)) / 12.0 + 0.05)
    ax = plotting.plot_spectrum(spectrum)
    far = line(ax, "outliers").get_xydata()
    np.testing.assert_allclose(far[:, 0] + 1j * far[:, 1], spectrum.eigenvalues[spectrum.outliers])
    assert len(line(ax, "eigenvalues").get_xdata()) == 60 - spectrum.outliers.size < 60
    circles = {circle.get_label(): circle for circle in ax.patches}
    assert circles["random matrix"].radius == pytest.approx(spectrum.random_radius)
    assert circles["unit circle"].radius == 1.0
    assert ax.get_aspect() == 1.0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Re λ", "Im λ")


def test_spectrum_of_a_flow_has_the_imaginary_axis_and_units():
    ax = plotting.plot_spectrum(analysis.spectra.jacobian_spectrum(WEIGHTS, 1.0, 100.0, excitatory=EXCITATORY))
    assert line(ax, "stability boundary").get_xdata() == [0.0, 0.0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Re λ (1/ms)", "Im λ (1/ms)")
    assert ax.patches[0].center == pytest.approx((-0.01, 0.0))
    distinct = analysis.spectra.jacobian_spectrum(WEIGHTS, 1.0, np.linspace(10.0, 100.0, N))
    assert list(plotting.plot_spectrum(distinct).patches) == []


def test_spectrum_of_a_step_is_seen_from_near():
    ax = plotting.plot_spectrum(analysis.spectra.jacobian_spectrum(WEIGHTS * 0.2, 1.0, 100.0, dt=5.0))
    assert "unit circle" in legend_texts(ax)
    assert np.ptp(ax.get_xlim()) < 0.5
    assert ax.get_xlim()[0] < 1.0 < ax.get_xlim()[1]


def test_loss_curves_are_means_within_the_range_of_the_runs():
    (figure,) = plotting.plot_loss_curves(SWEEPS, ylabel="MSE")
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert len(panels) == 12
    assert panels[1].get_title() == "learning rate 0.0001, activation relu\npattern length 5"
    chosen = SWEEPS["random"].sel(learning_rate=1e-4, activation="relu", pattern_length=5)["validation_loss"]
    np.testing.assert_allclose(line(panels[1], "random, validation").get_ydata(), chosen.mean("repeat"))
    assert line(panels[1], "random, train").get_linestyle() == "--"
    for band, part in zip(panels[1].collections, ("validation", "train"), strict=False):
        runs = SWEEPS["bio"].sel(learning_rate=1e-4, activation="relu", pattern_length=5)[f"{part}_loss"].values
        edge = band.get_paths()[0].vertices[:, 1]
        assert runs.min() - 1e-12 <= edge.min() < edge.max() <= runs.max() + 1e-12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "bio",
        "random",
        "validation",
        "training",
        "no memory",
    ]
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("epoch", "MSE")
    assert panels[0].get_yscale() == "log"
    (accuracy,) = plotting.plot_loss_curves(SWEEPS, quantity="accuracy")
    assert accuracy.axes[0].get_yscale() == "linear"
    assert "no memory" not in [text.get_text() for text in accuracy.legends[0].get_texts()]


def test_many_combinations_go_on_further_pages_and_one_needs_no_grid():
    pages = plotting.plot_loss_curves(
        {"all": sweep_data({"learning_rate": np.linspace(0.1, 1, 25).tolist()}, epochs=3)}
    )
    assert [sum(ax.get_visible() for ax in page.axes) for page in pages] == [24, 1]
    (alone,) = plotting.plot_loss_curves({"all": sweep_data({})})
    assert alone.axes[0].get_title() == "all runs"


def test_missing_runs_are_left_out_of_curves_and_boxes():
    gaps = sweep_data({"learning_rate": [0.1, 0.2]})
    gaps["validation_loss"][0] = np.nan
    gaps["validation_loss"][1, 2] = np.nan
    (figure,) = plotting.plot_loss_curves({"all": gaps})
    assert "all, validation" not in [one.get_label() for one in figure.axes[0].lines]
    boxes = plotting.plot_loss_boxes({"all": gaps})
    dots = [one for one in boxes.axes[0].lines if one.get_marker() == "."]
    assert [len(one.get_xdata()) for one in dots] == [2]
    plotting.plot_loss_boxes({"all": gaps * np.nan})


def test_loss_boxes_show_every_run_and_the_milestones():
    figure = plotting.plot_loss_boxes(SWEEPS, ylabel="MSE")
    labels = ["smallest validation MSE", "epoch of the smallest", "epoch of 99 % of the fall"]
    assert [ax.get_ylabel() for ax in figure.axes] == [*labels, "best validation accuracy"]
    found = run_milestones(SWEEPS["bio"])
    for ax, name in zip(figure.axes, ("min_loss", "min_epoch", "fall_epoch", "best_accuracy"), strict=True):
        first = next(one for one in ax.lines if one.get_marker() == ".")
        np.testing.assert_array_equal(first.get_ydata(), found[name])
        assert [text.get_text() for text in ax.get_xticklabels()] == ["bio", "random"]
    long = plotting.plot_loss_boxes({f"a long label {i}": SWEEPS["bio"] for i in range(3)})
    assert {text.get_rotation() for text in long.axes[0].get_xticklabels()} == {30.0}


def test_sweeps_never_have_the_colours_of_e_and_i():
    from eicon.plotting._sweep import COLORS

    assert not {plotting.E_COLOR.lower(), plotting.I_COLOR.lower()} & {color.lower() for color in COLORS}


def test_connectome_has_its_matrix_names_degrees_and_signed_weights():
    weights, signs = np.abs(WEIGHTS), np.where(EXCITATORY, 1, -1)
    figure = plotting.plot_connectome(weights, NAMES, signs, title="mine")
    matrix, degrees, sizes = figure.axes[:3]
    np.testing.assert_array_equal(matrix.images[0].get_array(), weights)
    assert (matrix.get_ylabel(), matrix.get_xlabel()) == ("from (source)", "to (target)")
    assert [text.get_text() for text in matrix.get_yticklabels()] == NAMES
    assert legend_texts(degrees) == ["targets (out)", "sources (in)"]
    assert legend_texts(sizes) == ["excitatory", "inhibitory"]
    assert sizes.containers[0][0].get_facecolor() == to_rgba(plotting.E_COLOR)
    assert sizes.containers[1][0].get_facecolor() == to_rgba(plotting.I_COLOR)
    assert sum(bar.get_height() for group in sizes.containers for bar in group) == N * N
    assert sizes.get_xscale() == "log"
    binary = plotting.plot_connectome(np.eye(3), ["a"] * 100)
    assert binary.axes[2].get_xscale() == "linear"
    assert binary.axes[2].get_legend() is None


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


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.plot_loss(np.ones((2, 2))),
            r"`loss` must be a non-empty vector.*got shape \(2, 2\)",
        ),
        (lambda: plotting.plot_loss(np.ones(3), smooth=0), r"`smooth` must be >= 1 step; got 0"),
        (lambda: plotting.plot_loss(np.ones(3), accuracy=np.ones(2)), r"`accuracy`.*3 as `loss`; got 2"),
        (lambda: plotting.plot_loss(np.ones(3), validation=([1], [1, 2])), r"`validation`.*got 1 and 2"),
        (lambda: plotting.plot_activity(RATES, EXCITATORY, 20.0), r"`rates` must be \(T, N\), one trial"),
        (
            lambda: plotting.plot_activity(RATES[:, 0], EXCITATORY, 0.0),
            r"`dt` must be positive \(ms\); got 0",
        ),
        (
            lambda: plotting.plot_activity(RATES[:, 0], np.ones(N), 20.0),
            r"`excitatory` must be bools.*float64",
        ),
        (lambda: plotting.plot_connectivity(np.ones((2, 3))), r"`W` must be square.*got shape \(2, 3\)"),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, percentile=0),
            r"`percentile` must be in \(0, 100\]; got 0",
        ),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, np.zeros(N, int)),
            r"`order` must be a permutation of 0..11",
        ),
        (
            lambda: plotting.plot_connectivity(WEIGHTS, SELECTIVITY.order[::-1], EXCITATORY),
            r"`order` must put all E units before all I units; got them interleaved",
        ),
        (lambda: plotting.plot_connectivity(WEIGHTS, None, [True]), r"`excitatory` must be bools.*\(12,\)"),
        (
            lambda: plotting.plot_pc_trajectories(np.ones((3, 4, 2)), [1.0, 2.0]),
            r"`trajectories` must be \(C, T, k >= 2\) and `levels` \(C,\); got \(3, 4, 2\) and \(2,\)",
        ),
        (
            lambda: plotting.plot_pc_trajectories(np.ones((1, 4, 2)), [1.0], dt=20.0, dot_every=5.0),
            r"`dot_every` must be .*got",
        ),
        (lambda: plotting.plot_loss_curves(SWEEPS, quantity="speed"), r"must be 'loss' or 'accuracy'; got 'speed'"),
        (lambda: plotting.plot_loss_curves({}), r"there are no results to draw"),
        (lambda: plotting.plot_loss_boxes({}), r"there are no results to draw"),
        (
            lambda: plotting.plot_loss_boxes({"a": SWEEPS["bio"], "b": sweep_data({"learning_rate": [1.0]})}),
            r"the sweeps 'a' and 'b' have different grids: .*; draw sweeps over the same combinations together",
        ),
        (lambda: plotting.plot_connectome(np.ones((2, 3))), r"weights must be square.*got shape \(2, 3\)"),
        (lambda: plotting.plot_connectome(np.zeros((2, 2))), r"weights holds no connection"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
