"""Network of Lappalainen et al. (2024): the fly's optic lobe with the published trainable parameters."""

from typing import Any

import numpy as np

from .._key import as_generator
from ..connectomes import Connectome
from ._edges import Edges
from ._rate_rnn import RateRNN
from ._weights import Weights
from ._wiring import wiring_of

MOTION = ("T4a", "T4b", "T4c", "T4d", "T5a", "T5b", "T5c", "T5d")
"""Types whose cells are read out."""


def optic_lobe_network(
    lobe: Connectome, *, readout: Weights | None = None, tau: float = 50.0, seed: int | float = 0, **options: Any
) -> RateRNN:
    r"""Make the untrained network of Lappalainen et al. (2024) on a connectome of `eicon.connectomes.optic_lobe`.

    .. math::

        \tau_t \dot V_i = -V_i + V^{rest}_t + \sum_j \sigma_{t't} \alpha_{t't} N_{ij} \max(V_j, 0) + e_i

    for cells :math:`i` of type :math:`t`, their number :math:`N_{ij}` of synapses with a cell of type :math:`t'`, and
    the luminance :math:`e_i` of the column, which R1 to R8 receive. Trained parameters are one time constant and one
    resting potential per type (``"tau"``, ``"bias"``), one strength :math:`\alpha \ge 0` per pair of types
    (``"recurrent"``), in total 734 numbers, and the readout. Initial values are as published: 50 ms, normal with mean
    0.5 and standard deviation 0.05, and 0.01 divided by the mean number of synapses of the pair.

    Parameters
    ----------
    lobe : Connectome
        Connectome of `optic_lobe`, or a subset with its labels.
    readout : Weights, optional
        (N, n_out). By default each column has two outputs, which are sums over its T4 and T5 cells with one trained
        weight per type and output; these are the outputs of `eicon.tasks.HexMotion`.
    tau : float
        Initial time constant in ms.
    seed : int
        Fixes resting potentials (of the published distribution, though not the published draw) and readout weights.
    **options
        Options of `RateRNN`, e.g. ``dt`` and ``train``.

    Returns
    -------
    RateRNN
        Network with one input per column in the order of the label ``column``; units have the labels of the connectome,
        with ``type`` renamed ``cell_type``. Trials start at the initial resting potentials.

    Raises
    ------
    ValueError
        If the connectome has no labels ``type``, ``role`` and ``column``.

    References
    ----------
    Lappalainen et al. (2024), Nature 634: 1132-1140.

    Examples
    --------
    >>> from eicon.connectomes import optic_lobe
    >>> net = optic_lobe_network(optic_lobe(2))
    >>> net.n_in, net.n_rec, net.n_out
    (19, 1203, 38)
    >>> {name: variable.size for name, variable in net.trainable_variables().items()}
    {'raw_rec': 604, 'raw_out': 16, 'tau': 65, 'b_rec': 65}
    """
    missing = [name for name in ("type", "role", "column") if name not in lobe.labels]
    if missing:
        raise ValueError(f"a connectome of optic_lobe has the labels type, role and column; this one lacks {missing}.")
    wiring = wiring_of(lobe, None)
    types, kind = np.unique(wiring.labels["cell_type"], return_inverse=True)
    column = wiring.labels["column"].astype(int)
    n_columns = int(column.max()) + 1

    pair = kind[wiring.source] * len(types) + kind[wiring.target]
    _, pair, pairs_of = np.unique(pair, return_inverse=True, return_counts=True)
    strength = 0.01 * pairs_of / np.bincount(pair, wiring.weight)
    recurrent = wiring.edges(
        wiring.signs * strength[pair] * wiring.weight, scale=wiring.weight, group=pair, trainable=True
    )
    sees = np.flatnonzero(wiring.labels["role"] == "input")
    light = Edges.of(column[sees], sees, (n_columns, wiring.n), weights=1.0, trainable=False)
    if readout is None:
        cell = np.repeat(np.flatnonzero(np.isin(wiring.labels["cell_type"], MOTION)), 2)
        axis = np.tile([0, 1], len(cell) // 2)
        group = 2 * kind[cell] + axis
        readout = Edges.of(cell, 2 * column[cell] + axis, (wiring.n, 2 * n_columns), group=group, seed=seed)
    rest = as_generator(seed, "seed").normal(0.5, 0.05, len(types))
    given = {
        "activation": "relu",
        "parameters": {"tau": tau, "bias": rest, "x0": rest[kind]},
        "share": {"tau": "cell_type", "bias": "cell_type"},
        "train": ("recurrent", "readout", "tau", "bias"),
        "units": dict(wiring.labels),
        "seed": seed,
    }
    return RateRNN(recurrent, light, readout, **{**given, **options})
