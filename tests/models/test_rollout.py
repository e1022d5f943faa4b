"""The hand-written gradient against automatic differentiation, finite differences and a fine ODE solution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from eicon.models import Activation, Connectivity, Leaky, RateRNN
from eicon.models._rollout import scan_trajectory, trajectory
from eicon.models._weights import Matrix
from eicon.models.cells import ACTIVATIONS

N, T, B, DT = 7, 5, 3, 20.0
ARGUMENTS = ("tau", "x0", "weights", "initial", "drive")
VARIANTS = [Activation(name) for name in ACTIVATIONS] + [Activation("power_law", (("exponent", 1.5), ("gain", 0.5)))]


def problem():
    """Arguments of a leaky cell's rollout, and cotangents of its currents and rates."""
    rng = np.random.default_rng(0)
    shapes = {"weights": (N, N), "initial": (B, N), "drive": (T, B, N)}
    primals = {name: jnp.asarray(rng.normal(size=shape)) for name, shape in shapes.items()}
    primals["tau"] = jnp.asarray(DT / (1 - rng.uniform(0.2, 0.95, N)))
    primals["x0"] = jnp.asarray(rng.normal(size=N))
    primals["weights"] = primals["weights"] / 3
    cotangents = tuple(jnp.asarray(rng.normal(size=(T, B, N))) for _ in range(2))
    return tuple(primals[name] for name in ARGUMENTS), cotangents


def run(roll, f, tau, x0, weights, initial, drive):
    """Currents and rates of trials that begin ``initial`` away from ``x0``."""
    p = {"tau": tau[None], "x0": x0[None]}
    states, rates = roll(Leaky(f), DT, p, Matrix(weights), {"x": jnp.broadcast_to(x0, (B, N)) + initial}, drive)
    return states["x"], rates


def loss(roll, f, cotangents, *primals):
    """Of currents and rates."""
    currents, rates = run(roll, f, *primals)
    return jnp.sum(currents * cotangents[0]) + jnp.sum(rates**2 * cotangents[1])


def gradients(roll, f, primals, cotangents):
    return jax.jit(jax.grad(lambda *p: loss(roll, f, cotangents, *p), argnums=tuple(range(5))))(*primals)


@pytest.mark.parametrize("f", VARIANTS, ids=lambda f: f.name + str(dict(f.parameters) or ""))
def test_gradient_equals_automatic_differentiation(f, x64):
    primals, cotangents = problem()
    ours = gradients(trajectory, f, primals, cotangents)
    plain = gradients(scan_trajectory, f, primals, cotangents)
    for name, a, b in zip(ARGUMENTS, ours, plain, strict=True):
        assert a.dtype == jnp.float64
        scale = float(jnp.abs(b).max())
        assert scale > 1e-3, name
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * scale, err_msg=name)


@pytest.mark.parametrize("n_steps", [1, 2])
def test_shortest_trials(n_steps, x64):
    """With one step, the recurrent weights act on the initial rates alone, and no loop runs."""
    f = Activation("tanh")
    (*most, drive), cotangents = problem()
    primals = (*most, drive[:n_steps])
    cotangents = tuple(c[:n_steps] for c in cotangents)
    runs = (jax.jit(lambda *p, roll=roll: run(roll, f, *p))(*primals) for roll in (trajectory, scan_trajectory))
    for ours, plain in zip(*runs, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-13)
        assert ours.shape == (n_steps, B, N)
    ours = gradients(trajectory, f, primals, cotangents)
    plain = gradients(scan_trajectory, f, primals, cotangents)
    for name, a, b in zip(ARGUMENTS, ours, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=name)


def test_no_steps_are_refused(make_net, inputs):
    with pytest.raises(ValueError, match=r"inputs must have shape \(T, B, n_in\) = \(T, B, 3\); got \(0, 4, 3\)"):
        make_net().predict(inputs[:0])
    assert make_net().predict(inputs[:1], noise=False).outputs.shape == (1, 4, 2)


def test_gradient_equals_finite_differences(x64):
    f = Activation("softplus")
    primals, cotangents = problem()
    ours = gradients(trajectory, f, primals, cotangents)
    value = jax.jit(lambda *p: loss(scan_trajectory, f, cotangents, *p))
    rng = np.random.default_rng(1)
    h = 1e-5
    for i, name in enumerate(ARGUMENTS):
        direction = rng.normal(size=primals[i].shape)
        ahead, behind = (
            value(*(p + sign * h * direction if j == i else p for j, p in enumerate(primals))) for sign in (1, -1)
        )
        assert float(jnp.sum(ours[i] * direction)) == pytest.approx(float(ahead - behind) / (2 * h), rel=1e-7), name


def test_values_are_those_of_the_plain_scan():
    primals, _ = problem()
    ours, plain = (run(roll, Activation("tanh"), *primals) for roll in (trajectory, scan_trajectory))
    for a, b in zip(ours, plain, strict=True):
        # Two programs: on some processors a product of one is added up in another order than that of the other.
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.battery
def test_forward_mode_agrees_with_reverse_mode(make_net, inputs):
    """<c, J v> by `jax.jvp` of the plain scan equals <J^T c, v> by `jax.vjp` of the fast one."""
    net = make_net(activation="tanh")
    parameters = net.parameters()
    keys = jax.random.split(jax.random.key(0), len(parameters) + 1)
    tangents = {n: jax.random.normal(k, v.shape) for k, (n, v) in zip(keys, parameters.items(), strict=False)}
    stimulus = jnp.asarray(inputs)

    def outputs(parameters, forward_mode):
        return net.network.replaced(parameters).run(stimulus, forward_mode=forward_mode).outputs

    @jax.jit
    def forward(parameters, tangents):
        return jax.jvp(lambda p: outputs(p, True), (parameters,), (tangents,))

    @jax.jit
    def reverse(parameters, cotangent):
        fast, pullback = jax.vjp(lambda p: outputs(p, False), parameters)
        return fast, *pullback(cotangent)

    value, product = forward(parameters, tangents)
    cotangent = jax.random.normal(keys[-1], product.shape)
    fast, transposed = reverse(parameters, cotangent)
    np.testing.assert_allclose(value, fast, atol=1e-6)
    expected = sum(float(jnp.sum(transposed[name] * tangents[name])) for name in parameters)
    assert float(jnp.sum(cotangent * product)) == pytest.approx(expected, rel=1e-4)


def test_the_fast_path_refuses_forward_mode():
    (*most, drive), _ = problem()
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(lambda d: run(trajectory, Activation("tanh"), *most, d)[1], (drive,), (drive,))


def test_error_falls_with_the_first_power_of_dt(x64):
    rng = np.random.default_rng(2)
    n, duration = 5, 100.0
    tau = np.linspace(40.0, 100.0, n)
    w, w_in, b, u = rng.normal(size=(n, n)), rng.normal(size=(2, n)), rng.normal(size=n), np.array([0.5, -1.0])
    x0 = rng.normal(size=n)
    exact = solve_ivp(
        lambda _, x: (-x + np.tanh(x) @ w + u @ w_in + b) / tau, (0, duration), x0, rtol=1e-10, atol=1e-12
    ).y[:, -1]
    net = RateRNN(
        Connectivity.dense(n, n), Connectivity.dense(2, n), Connectivity.dense(n, 1),
        weights={"recurrent": w, "input": w_in}, activation="tanh", tau=tau, dt=5.0, bias=True, x0=x0,
    )  # fmt: skip
    net.b_rec.value = jnp.asarray(b)
    steps = np.array([2.0, 1.0, 0.5])
    errors = []
    for dt in steps:
        finer = net.with_settings(dt=float(dt))
        inputs = np.tile(u, (round(duration / dt), 1, 1))
        errors.append(np.abs(np.asarray(finer.predict(inputs).currents)[-1, 0] - exact).max())
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert errors[-1] < 0.02
    assert slope == pytest.approx(1.0, abs=0.1)
