"""The certificate finds every kind of violation, and says how many."""

import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, ConstraintError, RateRNN, verify
from eicon.models.weights import Dense


def partly_fixed(**options):
    """Dale network in which two entries are fixed and some are missing."""
    dale = Connectivity.dale(10)
    mask = dale.mask.copy()
    mask[0, 1:5] = False
    fixed = np.zeros((10, 10))
    fixed[0, 1], fixed[9, 0] = 0.25, -0.5
    mask[9, 0] = False
    recurrent = Connectivity(dale.sign, mask, fixed)
    return RateRNN(recurrent, Connectivity.dense(2, 10, sign=1), Connectivity.excitatory_only(dale.sign, 2), **options)


FRESH = {
    "dale": lambda: RateRNN.dale(2, 10, 2),
    "relu": lambda: RateRNN.dale(2, 10, 2, positive="relu"),
    "softplus": lambda: RateRNN.dale(2, 10, 2, positive="softplus"),
    "free": lambda: RateRNN(Connectivity.dense(10, 10), Connectivity.dense(2, 10), Connectivity.dense(10, 2)),
    "partly fixed": partly_fixed,
    "autapses": lambda: RateRNN.dale(2, 10, 2, autapses=True, free_input=True, free_readout=True),
}


def tamper(monkeypatch, change):
    """Let the effective recurrent weights be wrong, as a faulty constraint would make them."""
    effective = Dense.effective

    def broken(self):
        weights = effective(self)
        return jnp.asarray(change(np.array(weights))) if self.shape == (10, 10) else weights

    monkeypatch.setattr(Dense, "effective", broken)
    monkeypatch.setattr(Dense, "matrix", broken)


def setting(*entries):
    def change(weights):
        for i, j, value in entries:
            weights[i, j] = value
        return weights

    return change


@pytest.mark.parametrize("name", FRESH)
def test_a_fresh_network_passes(name):
    certificate = verify(FRESH[name]())
    assert certificate.ok
    assert certificate.problems() == []
    assert certificate.raise_if_violated() is certificate


@pytest.mark.unchecked
def test_a_path_is_refused():
    with pytest.raises(TypeError, match=r"`net` must be a RateRNN; got 'net.npz'. Read a saved one with eicon.load"):
        verify("net.npz")
    with pytest.raises(TypeError, match=r"`net` must be a RateRNN; got Network. Pass the RateRNN that it belongs to"):
        verify(RateRNN.dale(1, 5, 1).network)


def test_facts_are_counted():
    certificate = verify(partly_fixed(spectral_radius=1.2))
    assert certificate.spectral_radius == pytest.approx(1.2, rel=1e-5)
    assert (certificate.n_excitatory, certificate.n_inhibitory, certificate.n_free) == (8, 2, 0)
    recurrent = certificate.matrices["recurrent"]
    assert recurrent.shape == (10, 10)
    assert recurrent.density == pytest.approx((90 - 3) / 100)
    assert recurrent.autapses == 0
    assert certificate.matrices["readout"].density == pytest.approx(0.8)
    assert verify(FRESH["autapses"]()).matrices["recurrent"].autapses == 10
    assert verify(FRESH["free"]()).n_free == 10


@pytest.mark.parametrize(
    ("change", "field", "count", "text"),
    [
        (setting((1, 2, -0.1), (9, 3, 0.1)), "wrong_sign", 2, "2 weights contradict the sign of their row"),
        (setting((0, 3, 0.1)), "outside_mask", 1, "1 weights where no connection exists"),
        (setting((4, 4, 0.1)), "outside_mask", 1, "recurrent: 1 weights where no connection"),
        (setting((0, 1, 0.26)), "changed_fixed", 1, "1 fixed weights have changed"),
        (setting((9, 0, 0.0)), "changed_fixed", 1, "1 fixed weights have changed"),
        (setting((1, 2, np.nan), (1, 3, np.inf)), "not_finite", 2, "2 weights are NaN or infinite"),
        (np.transpose, "wrong_sign", 2 * 8 * 2, "32 weights contradict the sign"),
    ],
)
def test_a_broken_constraint_is_reported(change, field, count, text, monkeypatch):
    net = partly_fixed()
    tamper(monkeypatch, change)
    certificate = verify(net)
    assert not certificate.ok
    assert getattr(certificate.matrices["recurrent"], field) == count
    assert any(text in line for line in certificate.problems())
    with pytest.raises(ConstraintError, match=f"the network violates its constraints: .*{text}"):
        certificate.raise_if_violated()


@pytest.mark.parametrize("role", ["input", "recurrent", "readout"])
def test_nan_in_raw_weights_is_reported_for_its_matrix(role):
    net = partly_fixed()
    variable = {"input": net.raw_in, "recurrent": net.raw_rec, "readout": net.raw_out}[role]
    variable.value = variable.value.at[1, 0].set(jnp.nan)
    certificate = verify(net)
    assert certificate.problems() == [f"{role}: 1 weights are NaN or infinite"]
    assert np.isnan(certificate.spectral_radius) == (role == "recurrent")


@pytest.mark.parametrize("name", ["b_rec", "b_out", "x0"])
def test_nan_in_other_parameters_is_reported(name):
    net = partly_fixed(bias=True, readout_bias=True)
    variable = getattr(net, name)
    variable.value = variable.value.at[0].set(jnp.inf)
    certificate = verify(net)
    assert not certificate.ok
    assert certificate.wrong_parameters == (name,)
    assert not certificate.finite_parameters
    assert certificate.problems() == [f"{name}: NaN, infinite, or out of range"]


def test_form_for_json_holds_the_verdict():
    import json

    form = json.loads(json.dumps(verify(partly_fixed()).to_dict()))
    assert form["ok"] is True
    assert form["matrices"]["recurrent"]["shape"] == [10, 10]


def test_any_raw_weights_at_all_obey():
    """By construction: no raw weights can break a constraint."""
    net = partly_fixed()
    rng = np.random.default_rng(0)
    for variable in net.variables().values():
        variable.value = jnp.asarray(100 * rng.normal(size=variable.shape), variable.dtype)
    assert verify(net).ok


def test_save_refuses_a_broken_network_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    net = partly_fixed()
    net.save(path)
    before = path.read_bytes()
    tamper(monkeypatch, setting((1, 2, -0.1)))
    with pytest.raises(ConstraintError, match="1 weights contradict the sign"):
        net.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_save_refuses_nan(tmp_path):
    net = partly_fixed()
    net.x0.value = net.x0.value * jnp.nan
    with pytest.raises(ConstraintError, match="x0: NaN, infinite, or out of range"):
        net.save(tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())
