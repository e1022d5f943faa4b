import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Leaky, RateRNN
from eicon.recordings import Recording
from eicon.studies import _stiffness
from eicon.studies.fits import fixed_directions, stiffness

T, B, N = 12, 4, 8
RNG = np.random.default_rng(0)
TRAIN = ["gain", "bias", "tau", "recurrent"]


@pytest.fixture(scope="module")
def net():
    """Gains, biases, time constants that differ, and weights without autapses."""
    cell = Leaky("softplus", gain=True)
    numbers = {
        "gain": RNG.uniform(0.5, 1.5, N),
        "bias": RNG.normal(0, 0.3, N),
        "tau": RNG.uniform(60, 140, N),
    }
    made = {"dt": 20.0, "cell": cell, "parameters": numbers, "train": TRAIN, "bias": True, "seed": 2}
    return RateRNN.dale(2, N, 1, **made)


@pytest.fixture(scope="module")
def recording(net):
    inputs = RNG.uniform(0, 1, (T, B, 2))
    rates = np.asarray(net.predict(inputs, noise=False).rates, np.float64)
    rates[5:, 1, 3] = np.nan
    mask = np.arange(T)[:, None] < np.array([12, 9, 12, 6])
    units = [7, 0, 3, 4]
    return Recording(rates[..., units] + 0.01, dt=20.0, units=units, inputs=inputs, mask=mask)


@pytest.fixture(scope="module")
def jacobian(net, recording):
    """Derivative (values, P) of what was observed by the trained values that exist, in float64, in forward mode."""
    seen = recording.is_observed
    units = [int(name) for name in recording.units]
    with jax.enable_x64(True):
        network = net.network.astype(jnp.float64)
        values = {name: network.values()[name] for name in sorted(net.trainable_variables())}
        inputs = jnp.asarray(recording.inputs)

        def observed(changed):
            rates = network.replaced(changed).run(inputs, forward_mode=True).rates
            return rates[..., np.array(units)][seen]

        parts = jax.jacfwd(observed)(values)
        exists = np.asarray(net.network.recurrent.mask)
        columns = []
        for name, part in parts.items():
            flat = np.asarray(part).reshape(seen.sum(), -1)
            columns.append(flat[:, exists.ravel()] if name == "raw_rec" else flat)
        numbers = {name: np.asarray(v).ravel() for name, v in values.items()}
    numbers["raw_rec"] = numbers["raw_rec"][exists.ravel()]
    return np.concatenate(columns, axis=1), numbers


@pytest.mark.parametrize("relative", [False, True])
def test_against_the_jacobian_by_forward_differentiation(net, recording, jacobian, relative):
    J, numbers = jacobian
    scale = np.concatenate([np.full(v.size, v.std() if relative else 1.0) for v in numbers.values()])
    G = 2 / recording.is_observed.sum() * (J * scale).T @ (J * scale)
    found = stiffness(net, recording, relative=relative)
    np.testing.assert_allclose(found.scale, scale)
    np.testing.assert_allclose(found.values, np.maximum(np.linalg.eigvalsh(G)[::-1], 0), atol=1e-12 * found.values[0])
    np.testing.assert_allclose(found.vectors @ G @ found.vectors.T, np.diag(found.values), atol=1e-12 * found.values[0])
    assert found.n_observed == len(J)
    assert found.n_fixed == np.count_nonzero(found.values > 1e-3 * found.values[0]) > 3
    assert {name: int(np.sum(found.names == name)) for name in numbers} == {k: v.size for k, v in numbers.items()}
    np.testing.assert_allclose(sum(found.parts().values()), 1.0)
    exists = np.flatnonzero(np.asarray(net.network.recurrent.mask))
    assert found.places[found.names == "raw_rec"].tolist() == exists.tolist()


def test_few_leading_directions_are_those_of_the_whole_matrix(net, recording):
    whole = stiffness(net, recording)
    leading = stiffness(net, recording, n=6)  # by another method
    assert len(whole.values) == whole.vectors.shape[1] > _stiffness.PER_DIRECTION * 6
    np.testing.assert_allclose(leading.values, whole.values[:6], rtol=1e-6)
    np.testing.assert_allclose(np.abs(np.sum(leading.vectors * whole.vectors[:6], axis=1)), 1.0, atol=1e-5)
    assert (leading.names == whole.names).all()


def test_fewer_units_fix_fewer_directions(net, recording):
    one = stiffness(net, recording.of_units(["7"]))
    assert one.n_observed < recording.is_observed.sum()
    assert one.n_fixed > 0
    # A direction that leaves the loss alone does so in the network, too.
    sloppy = whole_step(net, one, one.vectors[-1], 1e-3)
    stiff = whole_step(net, one, one.vectors[0], 1e-3)
    before = np.asarray(net.predict(recording.inputs, noise=False).rates)[..., 7]
    moved = [np.abs(np.asarray(other.predict(recording.inputs, noise=False).rates)[..., 7] - before).max() for other in
             (sloppy, stiff)]  # fmt: skip
    assert moved[0] < 0.01 * moved[1]


def whole_step(net, found, direction, length):
    """The network after a step along a direction."""
    values = {name: np.array(value, np.float64) for name, value in net.parameters().items()}
    for name in np.unique(found.names):
        here = found.names == name
        values[name].reshape(-1)[found.places[here]] += length * direction[here] * found.scale[here]
    changed = net.network.replaced({name: jnp.asarray(v, jnp.float32) for name, v in values.items()})
    return RateRNN.of_parts(net.parts()._replace(network=changed))


def test_count_of_fixed_directions():
    assert fixed_directions([1.0, 0.5, 2e-3, 1e-4]) == 3
    assert fixed_directions([1.0, 0.5, 2e-3, 1e-4], 0.6) == 1
    assert fixed_directions([0.0, 0.0]) == 0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda net, data: stiffness(net, data, n=500), r"`n` must be in 1\.\.\d+, the trained values; got 500"),
        (lambda net, data: stiffness(net, data.of_units(["7"]), fraction=1.5), r"`fraction` must be in \(0, 1\)"),
        (lambda net, data: fixed_directions([[1.0]]), r"`values` must be finite curvatures \(K,\)"),
        (lambda net, data: stiffness(net.with_settings(dt=10.0), data), "must have the same dt; got 10 and 20 ms"),
    ],
)
def test_refused(net, recording, call, text):
    with pytest.raises(ValueError, match=text):
        call(net, recording)


def test_a_network_without_trained_values_is_refused(recording):
    with pytest.raises(ValueError, match="this network has no trained values"):
        stiffness(RateRNN.dale(2, N, 1, train=[], dt=20.0), recording)
