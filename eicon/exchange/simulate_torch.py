"""Run or train the rate network of weights.npz, in the folder of this file, in PyTorch, without noise.

    tau dx/dt = -x + r W_rec + u W_in + b_rec,   r = f(x),   z = r W_out + b_out

Weights are W[pre, post]: the row is the source. Time is in ms. Training does not preserve signs or absent
connections.
"""

# mypy: disable-error-code=import-not-found

from pathlib import Path

import numpy as np
import torch

PARAMETERS = ("W_in", "W_rec", "W_out", "b_rec", "b_out", "x0")


class RateRNN(torch.nn.Module):
    """Leaky rate network; inputs (T, B, n_in) to outputs (T, B, n_out), rates and currents (T, B, N)."""

    def __init__(self, weights):
        super().__init__()
        for name in PARAMETERS:
            setattr(self, name, torch.nn.Parameter(torch.tensor(np.asarray(weights[name]))))
        alpha = np.asarray(weights["dt"] / weights["tau"], np.asarray(weights["W_rec"]).dtype)
        self.register_buffer("alpha", torch.tensor(alpha))
        self.activation = str(weights["activation"])
        self.exponent, self.gain = float(weights["exponent"]), float(weights["gain"])

    def f(self, x):
        """Convert currents to rates."""
        if self.activation == "power_law":
            return self.gain * torch.relu(x) ** self.exponent
        if self.activation == "rectified_tanh":
            return torch.tanh(torch.relu(x))
        if self.activation == "softplus":
            return torch.logaddexp(x, torch.zeros_like(x))
        return {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[self.activation](x)

    def forward(self, inputs):
        """Simulate the network in Euler steps."""
        x = self.x0.expand(inputs.shape[1], -1)
        states = []
        for u in inputs:
            received = self.f(x) @ self.W_rec + u @ self.W_in + self.b_rec
            x = (1 - self.alpha) * x + self.alpha * received
            states.append(x)
        currents = torch.stack(states)
        rates = self.f(currents)
        return rates @ self.W_out + self.b_out, rates, currents


def load(folder=None):
    """Load a network from the weights in a folder, by default that of this file."""
    with np.load(Path(folder or Path(__file__).parent) / "weights.npz", allow_pickle=False) as archive:
        return RateRNN(dict(archive))
