from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eicon.models import Connectivity, RateRNN

N_IN, N, N_OUT, T, B = 3, 10, 2, 8, 4


def numpy_activation(name: str, x: np.ndarray) -> np.ndarray:
    formulas = {
        "relu": lambda: np.where(x > 0, x, 0.0),
        "tanh": lambda: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1),
        "softplus": lambda: np.log(1 + np.exp(x)),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "rectified_tanh": lambda: np.where(x > 0, np.tanh(x), 0.0),
        "power_law": lambda: np.where(x > 0, x, 0.0) ** 2,
    }
    return formulas[name]()


def numpy_effective(connectivity: Connectivity, raw: np.ndarray) -> np.ndarray:
    """Entry by entry, in words of the docstring."""
    weights = np.zeros(connectivity.shape)
    for i, j in np.ndindex(*connectivity.shape):
        value = raw[i, j]
        if connectivity.sign[i] != 0:
            positive = {"abs": abs(value), "relu": max(value, 0.0), "softplus": np.log1p(np.exp(value))}
            value = connectivity.sign[i] * positive[connectivity.positive]
        weights[i, j] = value if connectivity.mask[i, j] else connectivity.fixed[i, j]
    return weights


def numpy_run(net: RateRNN, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs, rates and currents of the printed equation without noise, unit by unit, in float64."""
    raw = {name: np.asarray(value, np.float64) for name, value in net.parameters().items()}
    w_rec = numpy_effective(net.recurrent.connectivity, raw["raw_rec"])
    w_in = numpy_effective(net.input.connectivity, raw["raw_in"])
    w_out = numpy_effective(net.readout.connectivity, raw["raw_out"])
    b_rec, b_out = raw.get("b_rec", np.zeros(net.n_rec)), raw.get("b_out", np.zeros(net.n_out))
    n_steps, n_trials = inputs.shape[:2]
    x = np.tile(raw["x0"], (n_trials, 1))
    outputs, rates, currents = [], [], []
    for t in range(n_steps):
        r = numpy_activation(net.activation.name, x)
        following = np.empty_like(x)
        for b, j in np.ndindex(*x.shape):
            alpha = net.dt / net.tau[j]
            recurrence = sum(r[b, i] * w_rec[i, j] for i in range(net.n_rec))
            received = sum(inputs[t, b, k] * w_in[k, j] for k in range(net.n_in))
            following[b, j] = (1 - alpha) * x[b, j] + alpha * (recurrence + received + b_rec[j])
        x = following
        currents.append(x)
        rates.append(numpy_activation(net.activation.name, x))
        outputs.append(rates[-1] @ w_out + b_out)
    return np.array(outputs), np.array(rates), np.array(currents)


@pytest.fixture(scope="session")
def reference() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return numpy_run


@pytest.fixture(scope="session")
def reference_effective() -> Callable[..., np.ndarray]:
    return numpy_effective


@pytest.fixture(scope="session")
def reference_activation() -> Callable[..., np.ndarray]:
    return numpy_activation


@pytest.fixture(scope="session")
def inputs() -> np.ndarray:
    """Inputs of four trials of eight steps, read-only."""
    values = np.random.default_rng(0).normal(size=(T, B, N_IN)).astype(np.float32)
    values.flags.writeable = False
    return values


@pytest.fixture(scope="session")
def make_net() -> Callable[..., RateRNN]:
    """Dale network with everything: biases that are not zero, a time constant per unit, a trained x0."""

    def make(**options: Any) -> RateRNN:
        rng = np.random.default_rng(1)
        defaults: dict[str, Any] = {
            "tau": np.linspace(40.0, 120.0, N),
            "dt": 20.0,
            "bias": True,
            "readout_bias": True,
            "x0": rng.normal(size=N),
            "train_x0": True,
            "free_input": True,
            "units": {"region": np.array(["V1"] * 4 + ["PFC"] * 6)},
        }
        net = RateRNN.dale(N_IN, N, N_OUT, **(defaults | options))
        for name in ("b_rec", "b_out"):
            variable = getattr(net, name)
            if variable is not None:
                variable.value = rng.normal(size=variable.shape).astype(variable.dtype)
        return net

    return make


@pytest.fixture(scope="session")
def uncoupled() -> Callable[..., RateRNN]:
    """Units that receive only their noise: ten of them, one input each of weight 1."""

    def make(**options: Any) -> RateRNN:
        nothing = Connectivity(np.zeros(N, int), np.zeros((N, N), bool), np.zeros((N, N)))
        one_each = Connectivity(np.zeros(N, int), np.zeros((N, N), bool), np.eye(N))
        return RateRNN(nothing, one_each, Connectivity.dense(N, 1), x0=0.0, **options)

    return make
