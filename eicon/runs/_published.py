"""Networks of bio_rnn_mem, for ``compat = "bio_rnn_mem"``, including its bugs."""

from typing import Literal

import jax.numpy as jnp
import numpy as np

from ..connectomes import expand
from ..models import Connectivity, RateRNN
from ..models._anatomy import remap

BIAS_FACTORS = {"b_rec": 2.0}
"""Factor by which the recurrent bias changes more per step than each of the two biases that it sums."""


def published_neurons(regions: np.ndarray, neurons: np.ndarray, partition: str, seed: int) -> np.ndarray:
    """Return the neurons of bio2art, as called by bio_rnn_mem; shape (N, N), rows as in the file."""
    how: Literal["equal", "stick-breaking"] = "stick-breaking" if partition == "random" else "equal"
    return np.asarray(expand(regions, neurons, partition=how, intrinsic_of="incoming", seed=seed).weights)


def published_network(
    anatomy: np.ndarray,
    n_in: int,
    n_out: int,
    *,
    activation: str,
    init: str,
    remapped: bool,
    freeze: bool,
    dt: float,
    rng: np.random.Generator,
) -> RateRNN:
    r"""Make the Elman network of bio_rnn_mem.

    ``anatomy[source, target]`` is used as :math:`W_{hh}[target, source]`, which reverses every connection. ``init``:
    "default" draws within :math:`1 / \sqrt{N}`; all other values mean he for relu (bound :math:`\sqrt{6 / rows}`, the
    fan-out) and xavier for tanh, with the unmasked sizes. Remapping sorts signed values.

    The published network has two biases, :math:`b_{ih}` and :math:`b_{hh}`. Only their sum matters, which is the bias
    here; because both have the same gradient, the sum changes twice as much as either (`BIAS_FACTORS`).
    """
    n = len(anatomy)
    if init not in ("default", "balanced"):
        init = "he" if activation == "relu" else "xavier"

    def draw(rows: int, columns: int) -> np.ndarray:
        bound = {
            "default": 1 / np.sqrt(n),
            "balanced": 1 / np.sqrt(n),
            "he": np.sqrt(6 / rows),
            "xavier": np.sqrt(6 / (rows + columns)),
        }[init]
        return rng.uniform(-bound, bound, (rows, columns))

    w_hh = remap(draw(n, n) * (anatomy > 0), anatomy, "signed" if remapped else "off")
    w_ih, w_out = draw(n, n_in), draw(n_out, n)
    b_ih, b_hh = (rng.uniform(-1, 1, n) / np.sqrt(n) for _ in range(2))
    b_out = rng.uniform(-1, 1, n_out) / np.sqrt(n)
    recurrent = Connectivity.from_connectome(anatomy.T)
    if freeze:
        recurrent = recurrent.frozen(w_hh.T)
    net = RateRNN(
        recurrent,
        Connectivity.dense(n_in, n),
        Connectivity.dense(n, n_out),
        activation=activation,
        tau=dt,
        dt=dt,
        bias=True,
        readout_bias=True,
        x0=0.0,
        weights={"recurrent": w_hh.T, "input": w_ih.T, "readout": w_out.T},
    )
    for name, value in (("b_rec", b_ih + b_hh), ("b_out", b_out)):
        variable = net.variables()[name]
        variable.value = jnp.asarray(value, variable.dtype)
    return net
