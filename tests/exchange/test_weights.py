"""Weights as plain arrays: the simulator that goes with them, and networks made of published ones."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from eicon import exchange
from eicon.exchange import simulate
from eicon.models import Connectivity, RateRNN
from eicon.models.cells import ACTIVATIONS
from eicon.models.results import Activity

N = 10


def make(activation="relu", **options):
    """Dale network with everything; float64 where that is on."""
    rng = np.random.default_rng(1)
    if activation == "power_law":
        activation = {"name": "power_law", "exponent": 1.5, "gain": 0.4}
    defaults = {
        "tau": np.linspace(40.0, 120.0, N),
        "bias": True,
        "readout_bias": True,
        "x0": rng.normal(size=N),
        "free_input": True,
        "free_readout": True,
    }
    net = RateRNN.dale(3, N, 2, activation=activation, seed=1, **(defaults | options))
    for variable in (net.b_rec, net.b_out):
        if variable is not None:
            variable.value = rng.normal(size=variable.shape).astype(variable.dtype)
    return net


def inputs(dtype=np.float32):
    return np.random.default_rng(2).normal(size=(20, 4, 3)).astype(dtype)


def assert_close(found, wanted, tolerance):
    """Outputs, rates and currents of a simulator, or of another network, against those of a network."""
    found, wanted = ((a.outputs, a.rates, a.currents) if isinstance(a, Activity) else a for a in (found, wanted))
    for a, b in zip(found, wanted, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.abs(b).max() > 0.1
        assert np.abs(np.asarray(a) - np.asarray(b)).max() <= tolerance * np.abs(b).max()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_simulator_follows_the_network(activation):
    net = make(activation)
    assert_close(simulate.simulate(exchange.to_numpy(net), inputs()), net.predict(inputs()), 2e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_simulator_in_double_precision(activation, x64):
    net = make(activation)
    found = simulate.simulate(exchange.to_numpy(net), inputs(float))
    assert found[1].dtype == np.float64
    assert_close(found, net.predict(inputs(float)), 1e-12)


@pytest.mark.parametrize("options", [{}, {"bias": False, "readout_bias": False}, {"tau": 20.0}, {"e_ratio": 0.5}])
def test_folder_round_trip(options, tmp_path):
    net = make(**options, sigma_rec=0.2, sigma_in=0.1, units={"area": np.array(["V1"] * 4 + ["näh"] * 6)})
    exchange.write_numpy(tmp_path / "w", net)
    back = exchange.read_numpy(tmp_path / "w")
    assert_close(back.predict(inputs(), noise=False), net.predict(inputs(), noise=False), 1e-6)
    for name in ("W_rec", "W_in", "W_out", "x0"):
        np.testing.assert_array_equal(np.asarray(getattr(back, name)), np.asarray(getattr(net, name)), err_msg=name)
    assert (back.sigma_rec, back.sigma_in, back.dt) == (0.2, 0.1, 20.0)
    assert back.tau.tolist() == net.tau.tolist()
    assert {name: labels.tolist() for name, labels in back.units.items()} == {
        name: labels.tolist() for name, labels in net.units.items()
    }
    assert not back.recurrent.connectivity.mask.diagonal().any()  # no autapses before, none after
    assert {p.name for p in (tmp_path / "w").iterdir()} == {"weights.npz", "simulate.py"}


def test_noise_covariance_and_exponent_survive(tmp_path):
    covariance = 0.5 * np.eye(N) + 0.5
    net = make("power_law", noise_covariance=covariance, sigma_rec=0.1)
    exchange.write_numpy(tmp_path / "w", net)
    back = exchange.read_numpy(tmp_path / "w")
    np.testing.assert_array_equal(back.noise_covariance, covariance)
    assert back.activation.to_dict() == {"name": "power_law", "exponent": 1.5, "gain": 0.4}


def test_written_simulator_needs_numpy_alone(tmp_path):
    net = make("softplus")
    exchange.write_numpy(tmp_path / "w", net)
    np.save(tmp_path / "inputs.npy", inputs())
    code = (
        "import sys, numpy as np, simulate\n"
        "z, r, x = simulate.simulate(simulate.load(), np.load('../inputs.npy'))\n"
        "np.savez('../found.npz', z=z, r=r, x=x)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'eicon', 'jax', 'scipy', 'brainpy', 'torch'}))\n"
    )
    where = {"capture_output": True, "text": True, "check": True, "cwd": tmp_path / "w"}
    assert subprocess.run([sys.executable, "-c", code], **where).stdout.strip() == "[]"
    with np.load(tmp_path / "found.npz") as found:
        assert_close([found[name] for name in "zrx"], net.predict(inputs()), 2e-6)


def test_written_files_hold_no_pickle(tmp_path):
    exchange.write_torch(tmp_path / "w", make(), overwrite=False)
    with np.load(tmp_path / "w" / "weights.npz", allow_pickle=False) as archive:
        assert {archive[name].dtype.kind for name in archive.files} <= set("fiuU")
    assert {p.name for p in (tmp_path / "w").iterdir()} == {"weights.npz", "simulate_torch.py"}


@pytest.mark.parametrize("write", [exchange.write_numpy, exchange.write_torch])
def test_a_folder_is_replaced_only_if_asked(write, tmp_path):
    write(tmp_path / "w", make())
    before = (tmp_path / "w" / "weights.npz").read_bytes()
    with pytest.raises(FileExistsError, match="w already exists; nothing was written"):
        write(tmp_path / "w", make("tanh"))
    assert (tmp_path / "w" / "weights.npz").read_bytes() == before
    write(tmp_path / "w", make("tanh"), overwrite=True)
    assert exchange.read_numpy(tmp_path / "w").activation.name == "tanh"


def test_folders_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights at .*weights.npz; a folder of eicon.exchange.write_numpy"):
        exchange.read_numpy(tmp_path)
    (tmp_path / "weights.npz").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(ValueError, match="weights.npz is damaged, or not a valid npz archive"):
        exchange.read_numpy(tmp_path)
    np.savez(tmp_path / "weights.npz", W_rec=np.eye(2))
    with pytest.raises(ValueError, match="weights.npz is incomplete: it has no W_in, W_out, b_rec"):
        exchange.read_numpy(tmp_path)


# Published weights

rng = np.random.default_rng(3)
W = rng.normal(size=(N, N)) / 3
W_IN, W_OUT, B = rng.normal(size=(3, N)), rng.normal(size=(N, 2)), rng.normal(size=N)


def by_hand(w_rec, w_in, w_out, b_rec, u):
    """Elman network with the sums written out, weights [pre, post]; tanh, no leak, rates 0 at first."""
    r, outputs = np.zeros(N), []
    for step in u:
        received = [
            b_rec[j] + sum(r[i] * w_rec[i, j] for i in range(N)) + sum(step[k] * w_in[k, j] for k in range(3))
            for j in range(N)
        ]
        r = np.tanh(received)
        outputs.append([sum(r[i] * w_out[i, m] for i in range(N)) for m in range(2)])
    return np.array(outputs)


@pytest.mark.parametrize("orientation", ["pre, post", "post, pre"])
def test_orientation_is_what_it_says(orientation, x64):
    given = [W, W_IN, W_OUT] if orientation == "pre, post" else [W.T, W_IN.T, W_OUT.T]
    net = exchange.from_numpy(*given, orientation=orientation, b_rec=B, activation="tanh", tau=20.0)
    u = inputs(float)[:, :1]
    np.testing.assert_allclose(net.predict(u).outputs[:, 0], by_hand(W, W_IN, W_OUT, B, u[:, 0]), rtol=0, atol=1e-12)


def test_signs_and_absent_connections_are_kept():
    signed = np.abs(W) * np.where(np.arange(N) < 7, 1, -1)[:, None] * (rng.random((N, N)) < 0.5)
    net = exchange.from_numpy(signed, W_IN, W_OUT, orientation="pre, post", sign="rows", keep_zeros=True)
    assert net.is_excitatory.tolist() == [True] * 7 + [False] * 3
    assert net.recurrent.connectivity.exists.tolist() == (signed != 0).tolist()
    free = exchange.from_numpy(signed, W_IN, W_OUT, orientation="pre, post")
    assert not free.is_excitatory.any()
    assert free.recurrent.connectivity.exists.all()
    given = exchange.from_numpy(signed, W_IN, W_OUT, orientation="pre, post", sign=[1] * 7 + [-1] * 3)
    assert given.is_excitatory.tolist() == net.is_excitatory.tolist()
    for made in (net, free, given):
        np.testing.assert_array_equal(np.asarray(made.W_rec), signed.astype(np.float32))


def test_a_matrix_that_is_turned_over_is_noticed():
    signed = np.abs(W) * np.where(np.arange(N) < 7, 1, -1)[:, None]
    text = (
        r"7 of 10 sources have weights of both signs|10 of 10 sources have weights of both signs. All columns have one"
    )
    with pytest.raises(ValueError, match=text):
        exchange.from_numpy(signed.T, W_IN, W_OUT, orientation="pre, post", sign="rows")
    with pytest.raises(ValueError, match="weights contradict the sign of their row"):
        exchange.from_numpy(signed.T, W_IN, W_OUT, orientation="pre, post", sign=[1] * 7 + [-1] * 3)
    with pytest.raises(
        ValueError, match=r"\(N, N\), \(n_in, N\), \(N, n_out\); got .*They fit the orientation 'post, pre'"
    ):
        exchange.from_numpy(W.T, W_IN.T, W_OUT.T, orientation="pre, post")
    with pytest.raises(
        ValueError, match=r"\(N, N\), \(N, n_in\), \(n_out, N\); got .*They fit the orientation 'pre, post'"
    ):
        exchange.from_numpy(W, W_IN, W_OUT, orientation="post, pre")
    with pytest.raises(ValueError, match=r"W_out \(9, 2\)\.$"):
        exchange.from_numpy(W, W_IN, W_OUT[1:], orientation="pre, post")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sign": "columns"}, "sign must be 0, 1 or -1, one of them per unit, or 'rows'; got 'columns'"),
        ({"b_rec": np.ones(3)}, r"b_rec must be finite and of shape \(10,\); got \(3,\)"),
        ({"b_out": [np.nan, 0.0]}, "b_out must be finite"),
        ({"W_rec": np.full((N, N), np.nan)}, "weights must be finite"),
        ({"W_in": np.ones(N)}, r"weights must be matrices; got W_rec \(10, 10\), W_in \(10,\)"),
        ({"activation": "swish"}, "unknown activation 'swish'"),
    ],
)
def test_published_weights_that_cannot_be_a_network(options, text):
    with pytest.raises(ValueError, match=text):
        exchange.from_numpy(**({"W_rec": W, "W_in": W_IN, "W_out": W_OUT, "orientation": "pre, post"} | options))


def test_orientation_must_be_known():
    from eicon.exchange._weights import _check_orientation

    with pytest.raises(ValueError, match=r"orientation must be 'pre, post' .* or 'post, pre' \(W @ r\); got 'rows'"):
        _check_orientation("rows")
    with pytest.raises(TypeError, match="orientation"):
        exchange.from_numpy(W, W_IN, W_OUT)


# PyTorch

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")


@needs_torch
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_module_follows_the_network(activation):
    import torch

    net = make(activation)
    with torch.no_grad():
        found = [part.numpy() for part in exchange.to_torch(net)(torch.tensor(inputs()))]
    assert_close(found, net.predict(inputs()), 2e-6)


@needs_torch
def test_written_module_runs_by_itself(tmp_path):
    net = make("tanh")
    exchange.write_torch(tmp_path / "w", net)
    np.save(tmp_path / "inputs.npy", inputs())
    code = (
        "import torch, numpy as np, simulate_torch\n"
        "parts = simulate_torch.load()(torch.tensor(np.load('../inputs.npy')))\n"
        "np.savez('../found.npz', **{n: p.detach().numpy() for n, p in zip('zrx', parts)})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path / "w")
    with np.load(tmp_path / "found.npz") as found:
        assert_close([found[name] for name in "zrx"], net.predict(inputs()), 2e-6)


@needs_torch
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_torch_rnn_is_the_network(activation, precision):
    import torch

    with jax.enable_x64(precision is np.float64):
        net = make(activation, tau=20.0)
        wanted = net.predict(inputs(precision))
        parts = exchange.torch_rnn(net)
        start = parts.h0.expand(1, 4, N).contiguous()
        with torch.no_grad():
            rates = parts.rnn(torch.tensor(inputs(precision)), start)[0]
            outputs = parts.readout(rates).numpy()
        tolerance = 2e-6 if precision is np.float32 else 1e-12
        assert_close([outputs, rates.numpy()], wanted[:2], tolerance)
        back = exchange.from_torch_rnn(parts.rnn, parts.readout, x0=net.x0.value)
        assert_close(back.predict(inputs(precision)), wanted, tolerance)


@needs_torch
def test_fresh_torch_network_comes_over():
    import torch

    torch.manual_seed(0)
    rnn, readout = torch.nn.RNN(3, N, nonlinearity="relu"), torch.nn.Linear(N, 2, bias=False)
    with torch.no_grad():
        rates = rnn(torch.tensor(inputs()))[0]
        wanted = readout(rates).numpy()
    net = exchange.from_torch_rnn(rnn, readout, dt=10.0)
    assert (net.dt, net.tau[0], net.b_out) == (10.0, 10.0, None)
    assert_close(net.predict(inputs())[:2], [wanted, rates.numpy()], 2e-6)
    with pytest.raises(ValueError, match="of one layer and one direction can be converted; got RNN of 2 layers, in "):
        exchange.from_torch_rnn(torch.nn.RNN(3, N, num_layers=2, bidirectional=True), readout)
    with pytest.raises(ValueError, match="got LSTM of 1 layers"):
        exchange.from_torch_rnn(torch.nn.LSTM(3, N), readout)


@pytest.mark.parametrize(("activation", "tau"), [("tanh", 100.0), ("softplus", 20.0)])
def test_networks_that_torch_rnn_is_not(activation, tau):
    text = rf"with tau == dt; got tau {tau:g} to {tau:g} ms, dt 20 ms and {activation}. Use eicon.exchange.to_torch"
    with pytest.raises(ValueError, match=text):
        exchange.torch_rnn(make(activation, tau=tau))


def test_torch_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="this needs torch, which is not installed"):
        exchange.to_torch(make())
    with pytest.raises(ImportError, match="this needs torch, which is not installed"):
        exchange.torch_rnn(make(tau=20.0))


def test_fixed_weights_come_over_too():
    """Entries that do not learn are weights like the others for anybody else."""
    fixed = Connectivity(np.zeros(N, int), np.zeros((N, N), bool), W)
    net = RateRNN(fixed, Connectivity.dense(3, N), Connectivity.dense(N, 2), activation="tanh")
    np.testing.assert_array_equal(exchange.to_numpy(net)["W_rec"], W.astype(np.float32))
    assert Path(simulate.__file__).name == "simulate.py"
