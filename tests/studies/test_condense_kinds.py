"""Networks of every kind whose units are copies of each other: condensed to one of each, they do the same."""

import numpy as np
import pytest

from eicon.models import Adapting, Connectivity, Edges, Leaky, LowRank, Plastic, RateRNN, load, verify
from eicon.recordings import Recording
from eicon.studies import condense_network, profile
from eicon.studies._profile import RESPECTS
from eicon.tasks import PerceptualDecision
from eicon.training import Trainer

pytestmark = pytest.mark.battery

RNG = np.random.default_rng(0)
GROUPS, COPIES = 5, 3
N = GROUPS * COPIES
OWNER = np.tile(np.arange(GROUPS), COPIES)
CELLS = np.array(list("ABBCC"))[OWNER]
SIGN = np.array([1, 1, 1, -1, -1])[OWNER]
STRENGTH = np.abs(RNG.normal(size=(GROUPS, GROUPS))) / COPIES
STRENGTH[0, 3:] = 0.0
"""A does not project to C."""
SIGNED = STRENGTH * np.array([0.5, 0.5, 0.5, -1, -1])[:, None]
IN, OUT = RNG.normal(size=(2, GROUPS)), np.abs(RNG.normal(size=(GROUPS, 2)))
INPUTS = np.abs(np.cumsum(RNG.normal(size=(40, 30, 2)), axis=0)).astype(np.float32) * 0.3
WEIGHTS = {"recurrent": SIGNED[np.ix_(OWNER, OWNER)], "input": IN[:, OWNER], "readout": OUT[OWNER]}
SHAPES = [Connectivity.dense(*shape) for shape in ((N, N), (2, N), (N, 2))]
TAU = np.linspace(40.0, 120.0, GROUPS)[OWNER]


def dense(**options):
    return RateRNN(*SHAPES, weights=WEIGHTS, sigma_rec=0.05, units={"cell_type": CELLS}, **options)


REST = {name: values for name, values in WEIGHTS.items() if name != "recurrent"}


def edges():
    pre, post = np.nonzero(WEIGHTS["recurrent"])
    made = Edges.of(pre, post, (N, N), weights=WEIGHTS["recurrent"][pre, post], sign=SIGN[pre])
    return RateRNN(made, *SHAPES[1:], weights=REST, activation="relu", tau=TAU, units={"cell_type": CELLS})


def low_rank():
    made = LowRank.of(RNG.normal(size=(GROUPS, 2))[OWNER] / N, RNG.normal(size=(2, GROUPS))[:, OWNER])
    return RateRNN(made, *SHAPES[1:], weights=REST, activation="tanh", units={"cell_type": CELLS})


def connectome():
    sizes, signs = np.abs(WEIGHTS["recurrent"]), SIGN
    made = Connectivity.from_connectome(sizes, sign=signs)
    made = made.frozen(WEIGHTS["recurrent"])
    return RateRNN(made, *SHAPES[1:], weights=REST, activation="softplus", units={"cell_type": CELLS}, train=["tau"])


SHARED = {"tau": {"A": 40.0, "B": 60.0, "C": 90.0}, "share": {"tau": "cell_type"}, "train": ["tau"]}
NETS = {
    "leaky": lambda: dense(activation="relu", tau=TAU),
    "gains": lambda: dense(cell=Leaky("relu", gain=True, slope=True), parameters={"gain": TAU / 80}),
    "adapting": lambda: dense(cell=Adapting(Leaky("relu")), parameters={"beta": TAU / 100, "tau_a": 5 * TAU}),
    "plastic": lambda: dense(cell=Plastic(Leaky("relu"), hz=20.0), parameters={"U": TAU / 200}),
    "shared": lambda: dense(activation="relu", **SHARED),
    "edges": edges,
    "low rank": low_rank,
    "connectome": connectome,
}


@pytest.fixture(scope="module", params=NETS)
def net(request):
    return NETS[request.param]()


@pytest.mark.parametrize("method", ["subset", "merge", "cluster"])
@pytest.mark.parametrize("within", [None, "cell_type"])
def test_one_of_each_does_what_all_copies_did(net, method, within, tmp_path):
    small, found = condense_network(net, INPUTS, GROUPS, noise=0.0, method=method, within=within)
    np.testing.assert_array_equal(np.sort(OWNER[found.kept]), np.arange(GROUPS))
    assert found.measured_error < 1e-4
    assert verify(small).ok
    assert small.cell == net.cell
    for one, kept in zip(small.units["represents"], found.kept, strict=True):
        np.testing.assert_array_equal(np.array(one.split(", "), int), np.flatnonzero(OWNER[kept] == OWNER))
    for name in net.network.parameters.keys() - {"b_rec", "b_out"}:
        whole, part = (np.broadcast_to(n.parameter(name), (n.n_rec,)) for n in (net, small))
        np.testing.assert_allclose(part, whole[found.kept], rtol=1e-5, err_msg=name)
    small.save(tmp_path / "small.npz")
    again = load(tmp_path / "small.npz")
    np.testing.assert_array_equal(again.W_rec, small.W_rec)
    np.testing.assert_array_equal(again.units["represents"], small.units["represents"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*NETS, "fitted"])
def test_one_of_each_does_it_the_same_way(kind):
    """Profile of a network and its condensation, perturbed by cell type; its copies have units of every type."""
    net, size = (NETS[kind](), GROUPS) if kind in NETS else (fitted()[0], N - 1)
    small = condense_network(net, INPUTS, size, noise=0.0).net
    found = profile(net, small, PerceptualDecision(), label="cell_type", repeats=4, candidates=32, n_permutations=19)
    alike = {respect: found.likeness(respect) for respect in RESPECTS}
    for respect in ("activity", "outputs", "eigenvalues", "perturbations"):
        assert alike[respect] > 0.97, (respect, alike)
    assert found.fixed_points.value == 1.0, "of the one fixed point of each"
    assert {cell for name in found.effects for cell in "ABC" if f" {cell}" in name} == set("ABC")


@pytest.mark.parametrize("method", ["subset", "merge", "cluster"])
def test_labels_stay_apart(method):
    """Fewer units than there are kinds of activity, so that others would represent them if they might."""
    net = dense(activation="relu", tau=TAU)
    found = condense_network(net, INPUTS, 3, noise=0.0, method=method, within="cell_type")[1]
    np.testing.assert_array_equal(np.sort(CELLS[found.kept]), list("ABC"))
    speaks = found.groups >= 0
    np.testing.assert_array_equal(CELLS[found.kept][found.groups[speaks]], CELLS[speaks])
    a, c = (np.flatnonzero(CELLS[found.kept] == cell)[0] for cell in "AC")
    assert found.recurrent[a, c] == 0.0
    assert not found.connected[a, c]
    assert found.connected.sum() == 8
    small = net.condensed(found)
    assert not small.recurrent.connectivity.mask[a, c], "training makes no such connection"


def test_without_labels_any_unit_speaks_for_any_other():
    net = dense(activation="relu", tau=TAU)
    found = condense_network(net, INPUTS, 3, noise=0.0)[1]
    assert found.connected.all()
    assert (CELLS[found.kept][found.groups] != CELLS).any()


@pytest.mark.parametrize("name", ["leaky", "plastic", "connectome"])
def test_rates_of_all_units_are_rebuilt(name):
    """As is asked of a network that was fitted to a recording."""
    net = NETS[name]()
    small, found = condense_network(net, INPUTS, GROUPS, noise=0.0, readout="rates")
    assert found.measured_error < 1e-4
    assert (small.n_rec, small.n_out) == (GROUPS, N)
    rates, rebuilt = net.predict(INPUTS, noise=False).rates, small.predict(INPUTS, noise=False).outputs
    np.testing.assert_allclose(rebuilt, rates, atol=1e-4 * np.max(rates))
    assert verify(small).ok


def fitted():
    """Network whose gains were fitted to 6 units of another one, and the rates of all units of this."""
    teacher = dense(cell=Leaky("relu", gain=True), parameters={"gain": TAU / 80})
    rates = np.asarray(teacher.predict(INPUTS, noise=False).rates)
    recording = Recording(rates[:, :, :6], dt=teacher.dt, units=list(map(str, range(6))), inputs=INPUTS)
    net = dense(cell=Leaky("relu", gain=True), train=["gain"])
    Trainer(net, recording, learning_rate=0.02).fit(150, progress=False)
    return net, rates


def test_a_fitted_network_predicts_the_same_when_it_is_condensed():
    """Recorded units and others, with fewer units than there are copies to leave out."""
    net, rates = fitted()
    small, found = condense_network(net, INPUTS, 8, noise=0.0, readout="rates")
    before, again = net.predict(INPUTS, noise=False).rates, small.predict(INPUTS, noise=False).outputs
    assert found.measured_error < 0.02
    errors = [float(np.mean((made[:, :, :6] - rates[:, :, :6]) ** 2)) for made in (before, again)]
    assert errors[1] < errors[0] + 1e-3 * rates.var()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"readout": "units"}, "unknown readout 'units'; allowed: outputs, rates"),
        ({"within": "area"}, "units have no label 'area'; they have type, cell_type"),
        ({"within": CELLS[:-1]}, "`within` must contain one label for each of the N = 15 units"),
        ({"within": "cell_type", "size": 2}, "`size` must be at least 3, one unit of each label; got 2"),
        ({"within": "cell_type", "method": "random"}, "no unit represents another; leave out `within`"),
    ],
)
def test_what_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        condense_network(dense(activation="relu"), INPUTS, **{"size": 4, **options})
