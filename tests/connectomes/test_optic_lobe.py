"""The optic lobe of the fly: its table, its tiling, and the network of Lappalainen et al. (2024) on it."""

import collections
import json
import logging
import time

import jax
import numpy as np
import pytest
from scipy import sparse as sp

import eicon
from eicon._files import load_arrays
from eicon._hexagon import columns, positions
from eicon.connectomes import load, optic_lobe
from eicon.connectomes._optic_lobe import KIND, TABLE, VERSION
from eicon.connectomes.data.derive_optic_lobe import FILE, gaps, main
from eicon.models import optic_lobe_network
from eicon.tasks import HexMotion

pytestmark = pytest.mark.battery

PHOTORECEPTORS = [f"R{i}" for i in range(1, 9)]


@pytest.fixture(scope="module")
def small():
    return optic_lobe(2)


@pytest.fixture(scope="module")
def table():
    return load_arrays(TABLE, kind=KIND, version=VERSION)


def test_the_published_model_is_of_exactly_this_size():
    begin = time.perf_counter()
    lobe = load("optic_lobe")
    assert time.perf_counter() - begin < 5
    assert (lobe.n, lobe.n_connections) == (45_669, 1_513_231)
    kinds = np.array(lobe.labels["type"])
    assert len({*zip(kinds[lobe.source].tolist(), kinds[lobe.target].tolist(), strict=True)}) == 604
    assert collections.Counter(lobe.labels["type"])["Lawf1"] == 123
    assert "extrapolation" not in lobe.provenance
    assert TABLE.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("extent", "fill", "n", "connections"),
    [
        (0, 1, 65, 480),
        (1, 1, 443, 8_174),
        (2, 1, 1_203, 28_904),
        (4, 1, 3_865, 110_794),
        (8, 1, 13_741, 434_112),
        (15, 0, 45_669, 1_357_269),
    ],
)
def test_sizes_are_those_of_the_published_program(extent, fill, n, connections):
    lobe = optic_lobe(extent, fill=fill)
    assert (lobe.n, lobe.n_connections) == (n, connections)


def test_larger_eyes_say_that_they_are_an_extrapolation(caplog):
    with caplog.at_level(logging.WARNING, "eicon"):
        lobe = optic_lobe(16)
    assert "optic_lobe(extent=16) is an extrapolation: the published model has 15" in caplog.text
    assert lobe.provenance.endswith("an extrapolation: the published model has an extent of 15")


@pytest.mark.parametrize(("options", "text"), [({"extent": -1}, "extent -1"), ({"fill": -1}, "fill -1")])
def test_what_is_negative_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        optic_lobe(**options)


def test_every_connection_follows_from_the_table(small, table):
    """One offset of one cell after the other, by the names of the neurons."""
    arrays, texts = table
    number = {name: i for i, name in enumerate(small.names)}
    wanted = {}
    rows = zip(*(arrays[name] for name in ("pair", "offset", "synapses", "known")), strict=True)
    for pair, (du, dv), synapses, known in rows:
        source, target, sign = (arrays[k][pair] for k in ("source", "target", "sign"))
        for u, v in columns(2):
            ends = f"{texts['types'][source]}/{u}/{v}", f"{texts['types'][target]}/{u + du}/{v + dv}"
            if ends[0] in number and ends[1] in number:
                wanted[number[ends[0]], number[ends[1]]] = (synapses if known else 1.0, sign)
    found = zip(small.source.tolist(), small.target.tolist(), strict=True)
    assert dict(zip(found, zip(small.weight, small.signs, strict=True), strict=True)) == wanted


def test_labels_say_type_role_and_column(small):
    kinds, roles = np.array(small.labels["type"]), np.array(small.labels["role"])
    assert len(set(kinds)) == 65
    assert sorted(set(kinds[roles == "input"])) == PHOTORECEPTORS
    assert {"T4a", "T5d"} <= set(kinds[roles == "output"])
    u, v, column = (np.array(small.labels[name]).astype(int) for name in ("u", "v", "column"))
    np.testing.assert_array_equal(columns(2)[column], np.stack([u, v], axis=1))
    assert small.names == tuple(f"{t}/{a}/{b}" for t, a, b in zip(kinds, u, v, strict=True))
    assert ((u % 3 == 0) & (v % 2 == 0))[kinds == "Lawf2"].all()


def test_four_types_have_both_signs(small):
    kinds = np.array(small.labels["type"])
    both = {t for t in set(kinds) if len(set(small.signs[kinds[small.source] == t])) == 2}
    assert both == {"R8", "C2", "C3", "Am"}
    assert not small.sign[np.isin(kinds, list(both))].any()
    assert (small.sign[np.isin(kinds, ["Mi1", "Tm3"])] == 1).all()
    assert (small.sign[np.isin(kinds, ["Mi4", "CT1(M10)"])] == -1).all()
    assert not np.isin(0, small.signs)


@pytest.mark.parametrize(
    ("cell", "first", "last", "degrees"),
    [(f"T4{x}", "Mi9", "Mi4", d) for x, d in zip("abcd", (180, 0, 90, 270), strict=True)]
    + [(f"T5{x}", "Tm9", "CT1(Lo1)", d) for x, d in zip("abcd", (180, 0, 90, 270), strict=True)],
)
def test_inputs_of_t4_and_t5_lie_along_their_known_preferred_directions(cell, first, last, degrees):
    """What an edge in the preferred direction passes first and last (Takemura et al. 2017, Shinomiya et al. 2019)."""
    lobe = optic_lobe(7)
    kinds = np.array(lobe.labels["type"])
    places = positions(columns(7)[np.array(lobe.labels["column"]).astype(int)])
    middle = lobe.names.index(f"{cell}/0/0")

    def centre(of):
        inputs = (lobe.target == middle) & (kinds[lobe.source] == of)
        return np.average(places[lobe.source[inputs]], axis=0, weights=lobe.weight[inputs])

    x, y = centre(last) - centre(first)
    away = (np.rad2deg(np.arctan2(y, x)) - degrees + 180) % 360 - 180
    assert abs(away) < 30


# the script


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ([[-1, -1], [-1, 1], [1, -1], [1, 1]], [[-1, 0], [0, 0], [0, 1], [1, 0]]),  # of the border all but the lowest v
        ([[0, 0], [3, 0], [0, 3], [1, 1]], [[0, 1], [0, 2], [1, 2], [2, 1]]),
        ([[0, 1], [0, -1]], []),
        ([[0, 1], [0, -1], [0, 3]], []),  # on a line
    ],
)
def test_gaps_lie_between_known_columns(known, wanted):
    assert gaps(np.array(known)).tolist() == wanted


def test_the_script_that_derives_the_table(tmp_path, capsys):
    spec = {
        "nodes": [{"name": "a", "pattern": ["stride", [1, 1]]}, {"name": "b", "pattern": ["stride", [2, 1]]}],
        "edges": [
            {"src": "a", "tar": "b", "alpha": -1, "offsets": [[[0, 0], 2.5]]},
            {"src": "b", "tar": "a", "alpha": 1, "offsets": [[[u, v], 3] for u in (-1, 1) for v in (-1, 1)]},
        ],
        "input_units": ["a"],
        "output_units": ["b"],
    }
    path = tmp_path / "flyvis" / FILE
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(spec))
    main(["--flyvis", str(tmp_path / "flyvis"), "--out", str(tmp_path)])
    lobe = optic_lobe(1, table=tmp_path / TABLE.name)
    assert lobe.names == ("a/-1/0", "a/-1/1", "a/0/-1", "a/0/0", "a/0/1", "a/1/-1", "a/1/0", "b/0/-1", "b/0/0", "b/0/1")
    assert lobe.labels["role"] == ("input",) * 7 + ("output",) * 3
    weights = {(lobe.names[i], lobe.names[j]): w for i, j, w in zip(lobe.source, lobe.target, lobe.weight, strict=True)}
    assert weights["a/0/1", "b/0/1"] == 2.5
    assert weights["b/0/0", "a/1/-1"] == 3
    assert weights["b/0/0", "a/0/0"] == 1  # a gap
    assert ("b/0/0", "a/-1/-1") not in weights  # outside of the hexagon
    assert lobe.sign.tolist() == [-1] * 7 + [1] * 3
    assert "optic_lobe " in capsys.readouterr().out


# the network


def test_734_numbers_and_the_readout_are_trained():
    net = optic_lobe_network(optic_lobe(2), seed=3)
    sizes = {name: variable.size for name, variable in net.trainable_variables().items()}
    assert sizes == {"raw_rec": 604, "tau": 65, "b_rec": 65, "raw_out": 16}
    assert (net.n_in, net.n_rec, net.n_out) == (19, 1203, 38)
    assert (net.parameter("tau") == 50).all()
    rest, kinds = net.parameter("b_rec"), net.units["cell_type"]
    assert rest.shape == (1203,)
    assert all(len(set(rest[kinds == t])) == 1 for t in set(kinds))
    assert (abs(rest.mean() - 0.5), rest.std()) == (pytest.approx(0, abs=0.03), pytest.approx(0.05, abs=0.02))
    np.testing.assert_allclose(net.parameter("x0"), rest)


def test_strengths_start_at_a_hundredth_over_the_mean_count(small):
    net = optic_lobe_network(small)
    kinds, weights = np.array(small.labels["type"]), np.asarray(net.recurrent.effective())
    pre, post = np.asarray(net.recurrent.layout.pre), np.asarray(net.recurrent.layout.post)
    dense = small.weights
    for source, target, sign in (("R1", "L1", -1), ("Mi1", "T4a", 1), ("Tm9", "T5b", 1), ("C3", "L2", 1)):
        here = (kinds[pre] == source) & (kinds[post] == target)
        counts = dense[pre[here], post[here]]
        assert here.any()
        sign = small.signs[(kinds[small.source] == source) & (kinds[small.target] == target)][0]
        np.testing.assert_allclose(weights[here], sign * 0.01 * counts / counts.mean(), rtol=1e-5)


def test_the_equation_is_that_of_an_independent_simulation(small):
    """tau dV/dt = -V + V_rest + sum of sign x strength x synapses x max(V, 0) + luminance, in float64."""
    dt, steps = 20.0, 40
    kinds = np.array(small.labels["type"])
    rng = np.random.default_rng(1)
    tau = dict(zip(sorted(set(kinds)), rng.uniform(30, 200, 65), strict=True))
    rest = dict(zip(sorted(set(kinds)), rng.normal(0.5, 0.2, 65), strict=True))
    net = optic_lobe_network(
        small,
        dt=dt,
        parameters={"tau": tau, "bias": rest, "x0": np.array([rest[t] for t in kinds])},
    )
    light = rng.random((steps, 3, 19))
    activity = net.predict(light)

    pair = {}
    for i, j, n in zip(small.source, small.target, small.weight, strict=True):
        pair.setdefault((kinds[i], kinds[j]), []).append(n)
    strength = {ends: 0.01 / np.mean(counts) for ends, counts in pair.items()}
    values = [
        s * strength[kinds[i], kinds[j]] * n
        for i, j, n, s in zip(small.source, small.target, small.weight, small.signs, strict=True)
    ]
    weights = sp.csr_array((values, (small.target, small.source)), shape=(small.n, small.n))
    seen = np.zeros((steps, 3, small.n))
    place = {tuple(uv): c for c, uv in enumerate(columns(2).tolist())}
    for i, name in enumerate(small.names):
        kind, u, v = name.split("/")
        if kind in PHOTORECEPTORS:
            seen[:, :, i] = light[:, :, place[int(u), int(v)]]
    time_constant, resting = (np.array([by[t] for t in kinds]) for by in (tau, rest))
    voltage, wanted = np.tile(resting, (3, 1)), []
    for step in range(steps):
        received = (weights @ np.maximum(voltage, 0).T).T + seen[step] + resting
        voltage = voltage + dt / time_constant * (received - voltage)
        wanted.append(voltage)
    wanted = np.array(wanted)
    assert wanted.std(axis=0).max() > 0.05
    np.testing.assert_allclose(activity.currents, wanted, atol=1e-5)
    assert (wanted < 0).any()  # else the rectification is not tested

    out = np.zeros((small.n, 38))
    for i, j, w in zip(*(np.asarray(a) for a in (*net.readout.layout[:2], net.readout.effective())), strict=True):
        assert kinds[i][:2] in ("T4", "T5")
        assert small.labels["column"][i] == str(j // 2)
        out[i, j] = w
    np.testing.assert_allclose(activity.outputs, np.maximum(wanted, 0) @ out, atol=1e-4)


def test_it_trains_through_time_and_its_types_stay_types(small, tmp_path):
    net, task = optic_lobe_network(small), HexMotion(extent=2)
    before = {name: np.asarray(variable.value) for name, variable in net.trainable_variables().items()}
    history = eicon.Trainer(net, task, learning_rate=3e-3, batch_size=4, validation_repeats=1).fit(12, progress=False)
    assert np.mean(history["loss"][-3:]) < 0.8 * np.mean(history["loss"][:3])
    after = {name: np.asarray(variable.value) for name, variable in net.trainable_variables().items()}
    assert {name: values.size for name, values in after.items()} == {
        "raw_rec": 604,
        "tau": 65,
        "b_rec": 65,
        "raw_out": 16,
    }
    assert all((after[name] != before[name]).mean() > 0.9 for name in before)
    kinds, rest, tau = net.units["cell_type"], net.parameter("b_rec"), net.parameter("tau")
    assert len(set(rest)) == 65
    assert all(len(set(values[kinds == t])) == 1 for values in (rest, tau) for t in ("T4a", "Mi1"))
    assert eicon.verify(net).ok

    net.save(tmp_path / "lobe.npz")
    again = eicon.load(tmp_path / "lobe.npz")
    inputs = task.sample(jax.random.key(0), 2).inputs
    np.testing.assert_array_equal(again.predict(inputs).outputs, net.predict(inputs).outputs)


def test_parts_of_the_lobe_and_null_models_make_networks(small):
    kept = small.subset({"type": [*PHOTORECEPTORS, "L1", "L2", "L3", "Mi1", "Mi9", "Mi4", "Tm3", "T4a"]})
    net = optic_lobe_network(kept)
    assert (net.n_in, net.n_out) == (19, 38)
    assert net.readout.raw.size == 2
    null = optic_lobe_network(small.rewired("rewire", seed=1))
    assert null.recurrent.raw.size > 604
    assert null.readout.raw.size == 16
    with pytest.raises(ValueError, match=r"has the labels type, role and column; this one lacks \['type', 'role', 'co"):
        optic_lobe_network(load("celegans"))
