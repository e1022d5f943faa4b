"""Circuits of known wiring: read the right way round, fitted in windows, and drawn."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import io

from eicon.reproduce.beiran2025 import _known, _wiring
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
from eicon.reproduce.beiran2025._draw_known import draw_known, table
from eicon.reproduce.beiran2025._draw_wiring import CONNECTOME, REWIRED, draw_wiring, error_curves
from eicon.reproduce.beiran2025._known import FollowWindows, blank_network, recorded_currents, recovered, true_network

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
    found = _wiring.permuted(values, kind, np.random.default_rng(0))
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
    return {"name": f"{circuit}{m}{null}{seed}", "settings": settings, "measures": {"by_step": {"2": groups}}}


def known_line(window, noise, seed, r2):
    settings = {
        "circuit": LARVA,
        "process": noise[0],
        "measurement": noise[1],
        "window": window,
        "seed": seed,
        "steps": 2,
    }
    found = dict.fromkeys(("product", "weights", "gain", "tau", "bias"), r2)
    return {"name": f"{window}{noise}{seed}", "settings": settings, "measures": {"by_step": {"2": found}}}


def test_curves_and_figure_of_real_wiring():
    lines = [fit_line(LARVA, m, False, seed, 1 / m + seed) for m in (1, 4) for seed in (0, 1)]
    lines += [fit_line(LARVA, 4, True, 0, 3.0), {"settings": {"seed": 0}, "measures": {}}]
    numbers, curves = error_curves(lines, LARVA, "unrecorded")
    assert numbers.tolist() == [1, 4]
    assert curves[CONNECTOME].tolist() == [[1.0, 0.25], [2.0, 1.25]]
    assert np.isnan(curves[REWIRED][0, 0])
    assert curves[REWIRED][0, 1] == 3
    figure = draw_wiring(lines)["real_wiring"]
    assert len(figure.axes) == 1
    assert draw_wiring([]) == {}
    plt.close(figure)


def test_table_and_figure_of_known_structure():
    lines = [known_line(1, _known.NOISE[0], seed, 0.5 + 0.1 * seed) for seed in (0, 1)]
    lines.append(known_line(200, _known.NOISE[-1], 0, -2.0))
    text = table(lines).splitlines()
    assert len(text) == 4
    assert "| larva | 0, 0 | 1 | 0.550 (0.500 to 0.600) |" in text[2]
    assert "| larva | 0.05, 0.2 | 200 | -2.000 |" in text[3]
    figure = draw_known(lines)["known_structure"]
    assert len(figure.axes) == 3
    assert draw_known([]) == {}
    plt.close(figure)


@pytest.mark.battery
def test_both_studies_run_and_are_done_once(made, tmp_path, monkeypatch):
    monkeypatch.setitem(_known.TRIALS, LARVA, 2)
    monkeypatch.setitem(CIRCUITS, ZEBRAFISH, CIRCUITS[ZEBRAFISH]._replace(steps=40, trials=2))
    results = tmp_path / "results.jsonl"
    options = {"quick": True, "workers": 0, "progress": False}
    lines = _wiring.study_wiring(made, results, tmp_path / "parts", **options)
    assert [line["name"] for line in lines] == [
        "larva-teacher0",
        "larva-M4-seed0",
        "larva-null-M20-seed0",
        "zebrafish-M2-seed0",
        "zebrafish-null-M8-seed0",
    ]
    steps = lines[1]["measures"]["by_step"]
    assert steps["50"]["recorded_held_out"]["error"] < steps["0"]["recorded_held_out"]["error"]
    known = _known.study_known(made, results, tmp_path / "parts", **options)
    assert len(known) == 4
    assert all(np.isfinite(line["measures"]["by_step"]["50"]["product"]) for line in known)
    before = results.read_bytes()
    assert _wiring.study_wiring(made, results, tmp_path / "parts", **options) == lines
    assert results.read_bytes() == before
