"""Circuits of known wiring: read the right way round, fitted in windows, and drawn."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import io, stats

from eicon.reproduce._parts import read_results
from eicon.reproduce.beiran2025 import _known, _wiring, reproduce
from eicon.reproduce.beiran2025._circuits import (
    CIRCUITS,
    LARVA,
    ZEBRAFISH,
    larva,
    read_circuits,
    signed_circuit,
    with_leading,
    zebrafish,
)
from eicon.reproduce.beiran2025._draw_known import draw_known
from eicon.reproduce.beiran2025._draw_wiring import BEFORE, CONNECTOME, REWIRED, draw_wiring, error_curves
from eicon.reproduce.beiran2025._known import FollowWindows, blank_network, recorded_currents, recovered, true_network
from eicon.reproduce.beiran2025._tables import circuit_claims, circuit_page, known_table, wiring_table
from eicon.reproduce.beiran2025._units import permuted_within

REAL = Path(__file__).parents[3] / "shared" / "recordings"
TRANSMITTERS = ["exc", "inh", "unknown", "inh", "exc", "unknown", "exc", "inh", "exc", "inh"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Small files of the same form: 10 premotor and 4 motor neurons, and 12 of a zebrafish."""
    h5py = pytest.importorskip("h5py")
    folder, rng = tmp_path_factory.mktemp("circuits"), np.random.default_rng(0)
    inner = rng.random((10, 10)) * (rng.random((10, 10)) < 0.5)
    outer = rng.random((4, 10)) * (rng.random((4, 10)) < 0.7)
    inner[3, 7], inner[7, 3], outer[2, 5] = 0.25, 0.0, 0.125
    with h5py.File(folder / "larva_premotor.h5", "w") as file:
        file["Jpp"], file["Jpm"], file["mnorder"] = inner, outer, np.array([[1, 2, 1, -1], [2, 1, 2, 1]])
        file["p"] = [f"P{i}_a1" for i in range(10)]
        file["m"] = ["M0_a1", "M1_a1", "M0_a2", "M1_a2"]
        file["nt"] = TRANSMITTERS
    counts = rng.integers(1, 9, (12, 12)).astype(np.uint8) * (rng.random((12, 12)) < 0.6)
    counts[:, 9:], counts[2, 4], counts[4, 2] = 0, 7, 0
    kind = np.array(["_Int_"] * 6 + ["_DOs_"] * 3 + ["ABD_m"] * 3)
    inputs = 2 * counts.sum(axis=1)
    inputs[2] = 70
    for name, value in (("ConnMatrix", counts), ("cellIDType", kind), ("totalInputs", inputs[None])):
        io.savemat(folder / f"zebrafish_{name}.mat", {f"{name}_of_the_paper": value})
    read_circuits(folder, folder)
    return folder


def test_rows_of_the_files_are_targets(made):
    worm, fish = larva(made), zebrafish(made)
    assert worm.weights[7, 3] == 0.25
    assert worm.weights[3, 7] == 0
    assert worm.weights[5, 12] == 0.125
    assert not worm.weights[10:].any()
    assert worm.sign.tolist() == [1, -1, 0, -1, 1, 0, 1, -1, 1, -1] + [1] * 4
    assert worm.labels["forward"][10:] == ("1", "2", "1", "")
    assert worm.labels["segment"][-1] == "a2"
    assert fish.weights[4, 2] == 0.1
    assert fish.weights[2, 4] == 0
    assert fish.sign.tolist() == [1] * 6 + [-1] * 3 + [1] * 3


def test_unknown_signs_are_drawn_as_often_as_known_ones(made):
    circuit = signed_circuit(LARVA, made, 0)
    known = larva(made).sign
    assert (circuit.sign != 0).all()
    assert (circuit.sign == known)[known != 0].all()
    assert (circuit.sign[:10] > 0).sum() == 5  # half of the known ones excite
    assert set(circuit.labels["type"]) == {"premotor E", "premotor I", "motor"}
    assert signed_circuit(LARVA, made, 0).digest == circuit.digest
    assert len({signed_circuit(LARVA, made, seed).digest for seed in range(8)}) == 2


def test_files_that_are_missing_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"larva_premotor.h5 is missing: the wiring diagrams are other"):
        read_circuits(tmp_path, tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="other laboratories' data, not part of eicon")
def test_counts_are_those_of_the_papers():
    pytest.importorskip("h5py")
    worm, fish = larva(REAL), zebrafish(REAL)
    region = np.array(worm.labels["region"])
    inner = (region[worm.source] == "premotor") & (region[worm.target] == "premotor")
    assert (worm.n, (region == "motor").sum(), worm.n_connections, inner.sum()) == (230, 52, 4222, 2390)
    assert (fish.n, fish.n_connections) == (609, 10665)
    kind = np.array(fish.labels["type"])
    assert set(kind[fish.source]) == {"_Axl_", "_DOs_", "_Int_"}  # abducens and spinal projection neurons send nothing
    assert fish.weights.sum(axis=0).max() <= 1


@pytest.mark.skipif(not REAL.is_dir(), reason="other laboratories' data, not part of eicon")
@pytest.mark.parametrize("name", [LARVA, ZEBRAFISH])
def test_null_students_keep_types_signs_and_degrees_by_type(name, tmp_path):
    pytest.importorskip("h5py")
    read_circuits(REAL, tmp_path)
    real = signed_circuit(name, tmp_path, 0)
    null, kind = real.rewired("types", seed=0), np.array(real.labels["type"])
    assert (null.labels, null.names) == (real.labels, real.names)
    np.testing.assert_array_equal(null.sign, real.sign)
    there, drawn = real.weights > 0, null.weights > 0
    assert 0.1 < (there & drawn).sum() / there.sum() < 0.4
    for one in np.unique(kind):
        of = kind == one
        assert len(set(real.sign[of].tolist())) == 1
        np.testing.assert_array_equal(drawn[:, of].sum(axis=1), there[:, of].sum(axis=1))
        np.testing.assert_array_equal(drawn[of].sum(axis=0), there[of].sum(axis=0))
        np.testing.assert_array_equal(np.sort(null.weights[:, of], axis=1), np.sort(real.weights[:, of], axis=1))


def test_bursts_follow_the_order_of_the_wiring_diagram(made):
    circuit = signed_circuit(LARVA, made, 0)
    recording = _wiring.movements(circuit, 4, np.random.default_rng(0))
    assert recording.conditions["behaviour"].tolist() == ["forward", "backward"] * 2
    assert np.isnan(recording.activity[:, :, :10]).all()
    assert np.isnan(recording.activity[:, 0, 13]).all()
    peak = np.nanargmax(np.nan_to_num(recording.activity), axis=0) * recording.dt / 1000
    late = peak[0, 10:13] - peak[0, 12]  # a2 leads forwards, and group 2 follows group 1
    assert np.allclose(
        late, [_wiring.BETWEEN_SEGMENTS, _wiring.BETWEEN_SEGMENTS + _wiring.BETWEEN_GROUPS, 0], atol=0.011
    )
    assert peak[1, 12] - peak[1, 10] == pytest.approx(_wiring.BETWEEN_SEGMENTS, abs=0.011)
    assert (recording.inputs[:, 0, 1] == 0).all()
    assert (recording.inputs[:, 1, 0] == 0).all()


def test_values_are_permuted_within_kinds():
    kind = np.array(["a", "b"] * 10)
    values = np.arange(20.0)
    found = permuted_within(values, kind, np.random.default_rng(0))
    assert (found != values).any()
    for one in "ab":
        assert sorted(found[kind == one]) == sorted(values[kind == one])


def test_the_leading_eigenvalue_is_that_of_gains_times_weights():
    rng = np.random.default_rng(0)
    weights, gain = rng.standard_normal((6, 6)), rng.uniform(0.5, 2, 6)
    scaled = with_leading(weights, 0.9, gain)
    assert np.linalg.eigvals(np.diag(gain) @ scaled).real.max() == pytest.approx(0.9)


@pytest.fixture(scope="module")
def truth(made):
    teacher = true_network(LARVA, 0, made, 0.0)
    return teacher, recorded_currents(teacher, LARVA, 0, 0.0)


@pytest.mark.parametrize("length", [1, 20, 200])
def test_a_teacher_fits_its_own_windows(made, truth, length):
    teacher, recording = truth
    blank = blank_network(LARVA, 0, made)
    follow = FollowWindows(recording, length)
    losses = [float(follow(net.network, None, None)) for net in (teacher, blank)]
    assert losses[0] < 1e-8
    assert losses[1] > 1e-3


def test_windows_of_one_step_are_a_regression_of_the_next_step(made, truth):
    _, recording = truth
    blank = blank_network(LARVA, 0, made)
    before = np.concatenate([np.zeros((1, *recording.activity.shape[1:])), recording.activity[:-1]])
    rates = np.log1p(np.exp(before))  # gains are 1
    received = rates @ np.asarray(blank.W_rec, float) + recording.inputs @ np.asarray(blank.W_in, float)
    missed = before + 10.0 / 100.0 * (received - before) - recording.activity
    expected = ((missed**2).mean(axis=(0, 1)) / ((recording.activity - before) ** 2).mean(axis=(0, 1))).mean()
    found = FollowWindows(recording, 1)(blank.network, None, None)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_windows_that_do_not_fit_are_refused(truth):
    with pytest.raises(ValueError, match="must divide the 200 steps of a trial; got windows of 30"):
        FollowWindows(truth[1], 30)


def test_numbers_of_a_teacher_are_its_own(made, truth):
    found = recovered(truth[0], truth[0])
    assert all(found[name] == pytest.approx(1) for name in ("product", "weights", "gain", "tau", "bias"))
    start = recovered(blank_network(LARVA, 0, made), truth[0])
    assert start["tau"] < 0.1
    assert start["product"] < 0.9


def test_measurement_noise_is_relative_to_each_unit(truth):
    teacher, clean = truth
    noisy = recorded_currents(teacher, LARVA, 0, 0.2).activity
    ratio = (noisy - clean.activity).std(axis=(0, 1)) / clean.activity.std(axis=(0, 1))
    assert np.allclose(ratio, 0.2, rtol=0.05)


def fit_line(circuit, m, null, seed, error):
    settings = {"circuit": circuit, "recorded": m, "null": null, "seed": seed, "steps": 2}
    groups = {f"{which}_held_out": {"error": error} for which in ("recorded", "unrecorded")}
    before = {name: {"error": 4 * error} for name in groups}
    by_step = {"0": before, "2": groups | {"gain_r2": 0.5}}
    return {"name": f"{circuit}{m}{null}{seed}", "settings": settings, "measures": {"by_step": by_step}}


def known_line(window, noise, seed, r2, circuit=LARVA):
    settings = {
        "circuit": circuit,
        "process": noise[0],
        "measurement": noise[1],
        "window": window,
        "seed": seed,
        "steps": 2,
    }
    found = dict.fromkeys(("product", "weights", "gain", "tau", "bias", "product_slope", "tau_slope"), r2)
    return {"name": f"{window}{noise}{seed}", "settings": settings, "measures": {"by_step": {"2": found}}}


def test_curves_and_figure_of_real_wiring():
    lines = [fit_line(LARVA, m, False, seed, 1 / m + seed) for m in (1, 4) for seed in (0, 1)]
    lines += [fit_line(LARVA, 4, True, 0, 3.0), {"settings": {"seed": 0}, "measures": {}}]
    numbers, curves = error_curves(lines, LARVA, "unrecorded")
    assert numbers.tolist() == [1, 4]
    assert curves[CONNECTOME].tolist() == [[1.0, 0.25], [2.0, 1.25]]
    np.testing.assert_array_equal(curves[BEFORE], 4 * curves[CONNECTOME])
    assert np.isnan(curves[REWIRED][0, 0])
    assert curves[REWIRED][0, 1] == 3
    figure = draw_wiring(lines)["real_wiring"]
    assert len(figure.axes) == 1
    texts = [entry.get_text() for entry in figure.legends[0].get_texts()]
    assert texts == [CONNECTOME, REWIRED, BEFORE, "unrecorded neurons", "recorded neurons"]
    assert draw_wiring([]) == {}
    plt.close(figure)


def test_table_of_real_wiring():
    """Errors are geometric means with intervals of their logarithms."""
    errors = [0.02, 0.03, 0.04]
    lines = [fit_line(LARVA, 20, False, seed, error) for seed, error in enumerate(errors)]
    lines += [fit_line(LARVA, 4, False, 0, 0.5), fit_line(LARVA, 20, True, 0, 2.0)]
    logs = np.log(errors)
    low, high = np.exp(stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs)))
    mean = np.exp(logs.mean())
    rows = wiring_table(lines).splitlines()
    assert rows[3] == (
        f"| larva | connectome | 20 | {4 * mean:.3g} [{4 * low:.3g}, {4 * high:.3g}] | {mean:.3g} [{low:.3g}, "
        f"{high:.3g}] | {mean:.3g} [{low:.3g}, {high:.3g}] | not measured | 0.5 [0.5, 0.5] | 3 |"
    )
    assert [row.split("|")[3].strip() for row in rows[2:]] == ["4", "20", "20"]
    assert circuit_page(lines).count("###") == 2


@pytest.mark.parametrize(
    ("rewired", "seeds", "status"),
    [(2.0, 3, "holds"), (0.01, 3, "fails"), (2.0, 1, "undecided"), (2.0, 0, "undecided")],
)
def test_status_of_made_up_wiring(rewired, seeds, status):
    """The largest M of each circuit decides, and all of them are needed."""
    lines = [
        fit_line(name, m, null, seed, error * (1 + 0.05 * seed))
        for name, m in ((LARVA, 80), (ZEBRAFISH, 32))
        for null, error, n in ((False, 0.03, 3), (True, rewired, seeds))
        for seed in range(n)
    ]
    (claim,) = circuit_claims([*lines, fit_line(LARVA, 4, False, 0, 5.0)])
    assert claim.status == status
    assert claim.conditions[1].what == "larva, rewired within types, M = 80"
    assert claim.conditions[1].interval.n == seeds


def noisy_lines(one_step, rollout, spread=0.01):
    """Lines of three seeds, whose R2 with measurement noise of 0.1 and 0.2 is less by so much."""
    quiet = (0.05, 0.0)
    return [
        known_line(window, noise, seed, 0.95 - (0.0 if noise == quiet else lost) + spread * seed * noise[1], circuit)
        for circuit in CIRCUITS
        for window, lost in ((1, one_step), (200, rollout))
        for noise in (quiet, (0.05, 0.1), (0.05, 0.2))
        for seed in range(3)
    ]


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        ((0.3, 0.0), ["holds", "holds"]),
        ((0.3, 0.3), ["fails", "holds"]),
        ((0.0, 0.0), ["holds", "fails"]),
        ((0.05, 0.05), ["undecided", "undecided"]),
    ],
)
def test_status_of_made_up_measurement_noise(lost, status):
    found = circuit_claims(noisy_lines(*lost))
    assert [claim.status for claim in found] == status
    assert found[0].text == "Fits of whole rollouts are not biased by noisy regressors."
    values = -0.01 * np.arange(3) * 0.2
    low, high = stats.t.interval(0.95, 2, lost[1] + values.mean(), stats.sem(values))
    condition = found[0].conditions[1]
    assert condition.what == "larva, R² of gain \N{MULTIPLICATION SIGN} weight lost to noise of 0.2"
    assert condition.interval[1:3] == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
    one = [line for line in noisy_lines(*lost) if line["settings"]["seed"] == 1]
    assert [claim.status for claim in circuit_claims(one)] == ["undecided"] * 2
    larva_alone = [line for line in noisy_lines(0.3, 0.0) if line["settings"]["circuit"] == LARVA]
    assert [claim.status for claim in circuit_claims(larva_alone)] == ["undecided"] * 2


def test_table_and_figure_of_known_structure():
    lines = [known_line(1, _known.NOISE[0], seed, 0.5 + 0.1 * seed) for seed in (0, 1)]
    lines.append(known_line(200, _known.NOISE[-1], 0, -2.0))
    rows = known_table(lines).splitlines()
    assert len(rows) == 4
    low, high = stats.t.interval(0.95, 1, 0.55, stats.sem([0.5, 0.6]))
    assert rows[2].startswith(f"| larva | 0, 0 | one step | 0.55 [{low:.3g}, {high:.3g}] |")
    assert rows[3].startswith("| larva | 0.05, 0.2 | whole rollout | -2 (one seed) |")
    assert {row.count("|") for row in rows} == {12}
    figure = draw_known(lines)["known_structure"]
    assert len(figure.axes) == 4
    bars = figure.axes[0].containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(bars[0][:, 1], [low, high])
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["one step", "whole rollout"]
    assert draw_known([]) == {}
    assert circuit_page([]) == ""
    plt.close(figure)


@pytest.mark.battery
def test_both_studies_run_and_are_done_once(made, tmp_path, monkeypatch):
    monkeypatch.setitem(_known.TRIALS, LARVA, 2)
    monkeypatch.setitem(_wiring.RECORDED_OF_NULLS, LARVA, (1, 4))
    monkeypatch.setitem(CIRCUITS, ZEBRAFISH, CIRCUITS[ZEBRAFISH]._replace(steps=40, trials=2))
    options = {"data": made, "quick": True, "workers": 0, "progress": False}
    found = reproduce(tmp_path, [5, 6], **options)
    assert len(found) == 7
    lines = read_results(tmp_path / "results.jsonl")
    named = {line["name"]: line["measures"] for line in lines}
    assert [name for name in named if name.endswith("seed0") or name.endswith("teacher0")][:5] == [
        "larva-teacher0",
        "larva-M4-seed0",
        "larva-null-M4-seed0",
        "zebrafish-M8-seed0",
        "zebrafish-null-M8-seed0",
    ]
    steps = named["larva-M4-seed0"]["by_step"]
    assert steps["50"]["recorded_held_out"]["error"] < steps["0"]["recorded_held_out"]["error"]
    known = [measures for name, measures in named.items() if name.startswith("known")]
    assert len(known) == 8
    assert all(np.isfinite(measures["by_step"]["50"]["product"]) for measures in known)
    assert (tmp_path / "known_structure.md").read_text(encoding="utf-8") == circuit_page(lines)
    assert {path.stem for path in (tmp_path / "figures").glob("*.png")} == {"real_wiring", "known_structure"}
    before = (tmp_path / "results.jsonl").read_bytes()
    assert [claim.status for claim in reproduce(tmp_path, [5], **options)] == [claim.status for claim in found]
    assert (tmp_path / "results.jsonl").read_bytes() == before
