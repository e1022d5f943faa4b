"""Export to PyTorch and import from PyTorch."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .._optional import optional
from ..models import RateRNN
from ._weights import from_numpy, to_numpy

NONLINEARITIES = ("tanh", "relu")
"""Activations of ``torch.nn.RNN``."""


class TorchRNN(NamedTuple):
    """PyTorch modules that are exactly equivalent to a network: ``outputs = readout(rnn(inputs, h0)[0])``.

    Attributes
    ----------
    rnn : torch.nn.RNN, inputs (T, B, n_in) to rates (T, B, N)
    readout : torch.nn.Linear, rates to outputs (T, B, n_out)
    h0 : torch.Tensor (1, N), rates before the first step; ``h0.expand(1, B, N)`` for ``rnn``
    """

    rnn: Any
    readout: Any
    h0: Any


def to_torch(net: RateRNN) -> Any:
    """Convert a network with any time constants and activation to a ``torch.nn.Module``.

    Inputs (T, B, n_in) give outputs (T, B, n_out), rates and currents (T, B, N), without noise. The parameters are
    effective weights; training does not preserve Dale's law. The source is that of `write_torch`.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    """
    optional("torch", command="pip install torch")
    from . import simulate_torch

    return simulate_torch.RateRNN(to_numpy(net))


def torch_rnn(net: RateRNN) -> TorchRNN:
    """Convert a network to an exactly equivalent ``torch.nn.RNN``: no leak (``tau == dt``), and tanh or relu.

    Raises
    ------
    ValueError
        If the network obeys a different equation; `to_torch` accepts any network.
    ImportError
        If PyTorch is not installed.
    """
    plain = to_numpy(net)
    if not (net.tau == net.dt).all() or net.activation.name not in NONLINEARITIES:
        raise ValueError(
            "torch.nn.RNN has no leak, and supports only tanh and relu: it needs a network with tau == dt; got tau "
            f"{net.tau.min():g} to {net.tau.max():g} ms, dt {net.dt:g} ms and {net.activation.name}. "
            "Use eicon.exchange.to_torch, which accepts any network."
        )
    torch = optional("torch", command="pip install torch")
    tensors = {name: torch.tensor(value) for name, value in plain.items() if name[:2] in ("W_", "b_")}
    dtype = tensors["W_rec"].dtype
    rnn = torch.nn.RNN(net.n_in, net.n_rec, nonlinearity=net.activation.name, dtype=dtype)
    readout = torch.nn.Linear(net.n_rec, net.n_out, dtype=dtype)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(tensors["W_in"].T)
        rnn.weight_hh_l0.copy_(tensors["W_rec"].T)
        rnn.bias_ih_l0.copy_(tensors["b_rec"])
        rnn.bias_hh_l0.zero_()
        readout.weight.copy_(tensors["W_out"].T)
        readout.bias.copy_(tensors["b_out"])
    start = np.asarray(net.network.rate(net.network.initial()))
    return TorchRNN(rnn, readout, torch.tensor(start)[None])


def from_torch_rnn(rnn: Any, readout: Any, *, dt: float = 20.0, x0: ArrayLike = 0.0, **options: Any) -> RateRNN:
    """Convert a ``torch.nn.RNN`` and its linear readout to a network; ``tau`` is ``dt``, that is, without a leak.

    Parameters
    ----------
    rnn : torch.nn.RNN
        One layer, one direction.
    readout : torch.nn.Linear
    dt : float
        Step in ms, which PyTorch does not define.
    x0 : float or array (N,)
        Current before the first step; 0 is PyTorch's own ``h0``.
    **options
        Options of `from_numpy` (``sign``, ``keep_zeros``, ``units``, ...).

    Raises
    ------
    ValueError
        If there are several layers or directions, or the modules do not fit.
    """
    if rnn.num_layers != 1 or rnn.bidirectional or getattr(rnn, "proj_size", 0) or rnn.mode[:3] != "RNN":
        raise ValueError(
            f"only a torch.nn.RNN of one layer and one direction can be converted; got {type(rnn).__name__} of "
            f"{rnn.num_layers} layers{', in both directions' if rnn.bidirectional else ''}."
        )
    parts = {name: tensor.detach().cpu().numpy() for name, tensor in rnn.named_parameters()}
    biased = "bias_ih_l0" in parts
    return from_numpy(
        parts["weight_hh_l0"],
        parts["weight_ih_l0"],
        readout.weight.detach().cpu().numpy(),
        orientation="post, pre",
        b_rec=parts["bias_ih_l0"] + parts["bias_hh_l0"] if biased else None,
        b_out=None if readout.bias is None else readout.bias.detach().cpu().numpy(),
        activation=rnn.nonlinearity,
        tau=dt,
        dt=dt,
        x0=x0,
        **options,
    )
