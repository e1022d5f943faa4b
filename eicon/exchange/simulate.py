"""Run the rate network of weights.npz, in the folder of this file, without noise; only numpy is needed.

    tau dx/dt = -x + r W_rec + u W_in + b_rec,   r = f(x),   z = r W_out + b_out

Weights are W[pre, post]: the row is the source. Time is in ms.
"""

from pathlib import Path

import numpy as np

ACTIVATIONS = {
    "relu": lambda x, w: np.maximum(x, 0),
    "tanh": lambda x, w: np.tanh(x),
    "softplus": lambda x, w: np.logaddexp(x, 0),
    "sigmoid": lambda x, w: np.exp(-np.logaddexp(-x, 0)),
    "rectified_tanh": lambda x, w: np.tanh(np.maximum(x, 0)),
    "power_law": lambda x, w: w["gain"] * np.maximum(x, 0) ** w["exponent"],
}


def load(folder=None):
    """Load weights and constants by name, by default from the folder of this file."""
    with np.load(Path(folder or Path(__file__).parent) / "weights.npz", allow_pickle=False) as archive:
        return dict(archive)


def simulate(weights, inputs):
    """Return outputs (T, B, n_out), rates and currents (T, B, N) for inputs (T, B, n_in), in Euler steps."""
    f = ACTIVATIONS[str(weights["activation"])]
    alpha = (weights["dt"] / weights["tau"]).astype(weights["W_rec"].dtype)
    x = np.tile(weights["x0"], (inputs.shape[1], 1))
    states = []
    for u in inputs:
        received = f(x, weights) @ weights["W_rec"] + u @ weights["W_in"] + weights["b_rec"]
        x = (1 - alpha) * x + alpha * received
        states.append(x)
    currents = np.array(states)
    rates = f(currents, weights)
    return rates @ weights["W_out"] + weights["b_out"], rates, currents
