"""The optic lobe of the fly: cell types in every column of the eye, and the columns that they project to."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .._files import load_arrays, named
from .._hexagon import columns
from .._numbers import whole
from ._connectome import Connectome

logger = logging.getLogger(__name__)

KIND, VERSION = "optic lobe", 1
TABLE = Path(__file__).parent / "data" / "optic_lobe.npz"
EXTENT = 15
"""Extent of the published model; larger eyes tiled from the same table are an extrapolation."""
CITATION = (
    "Lappalainen et al. 2024, Nature 634:1132; data: Rivera-Alba et al. 2011, Curr Biol 21:2000; Takemura et al. 2015, "
    "PNAS 112:13711; Takemura et al. 2017, eLife 6:e24394; Shinomiya et al. 2019, eLife 8:e40025"
)
LICENCE = "MIT (flyvis)"
SPECIES = "Drosophila melanogaster"


def optic_lobe(extent: int | float = EXTENT, *, fill: float = 1.0, table: str | Path = TABLE) -> Connectome:
    """Build the optic lobe of the fly, from the retina to T4 and T5, tiled as by Lappalainen et al. (2024).

    65 cell types lie on a hexagonal grid of columns, most types in all columns, and a cell of one type contacts
    cells of another type in the same relative columns everywhere. Weights are mean synapse counts per relative
    column. The published model has an extent of 15: 45,669 neurons and 1,513,231 connections.

    Parameters
    ----------
    extent : int
        Number of columns from the middle to the border, >= 0; in total there are 3 extent (extent + 1) + 1.
    fill : float
        Number of synapses assumed in gaps of the data, which are columns within the convex hull of those that a type
        is known to contact; 0 omits these connections.
    table : path, optional
        Table of another version, as ``data/derive_optic_lobe.py`` writes it.

    Returns
    -------
    Connectome
        Neurons are named ``T4a/u/v``. Labels: ``type``; ``role`` (input, output or intermediate, as published);
        ``u`` and ``v``, the oblique coordinates of the column; and ``column``, its number in the order of u, then v.
        Signs are those of connections: R8, C2, C3 and Am excite some types and inhibit others.

    Raises
    ------
    ValueError
        If ``extent`` or ``fill`` is negative.

    Notes
    -----
    Beyond an extent of 15 the table has not been compared with data; the provenance and a logged warning state this.

    Examples
    --------
    >>> lobe = optic_lobe(2)
    >>> lobe.n, lobe.n_connections
    (1203, 28904)
    >>> lobe.names[0], lobe.labels["type"][0], lobe.labels["role"][0]
    ('R1/-2/0', 'R1', 'input')
    """
    extent = whole(extent, "extent")
    if extent < 0 or not 0 <= fill < np.inf:
        raise ValueError(f"extent and fill must be >= 0; got extent {extent} and fill {fill:g}.")
    arrays, texts = load_arrays(table, kind=KIND, version=VERSION)
    with named(table, "table of the optic lobe"):
        return _tiled(arrays, texts, extent, fill)


def _tiled(arrays: Mapping[str, np.ndarray], texts: Mapping[str, Any], extent: int, fill: float) -> Connectome:
    """Tile a table on a grid of columns."""
    u, v = columns(extent).T
    there = ((u % arrays["stride"][:, :1] == 0) & (v % arrays["stride"][:, 1:] == 0)).astype(bool)  # (types, columns)
    kind, column = np.nonzero(there)
    names = [f"{texts['types'][k]}/{u[c]}/{v[c]}" for k, c in zip(kind, column, strict=True)]

    reach = int(np.abs(arrays["offset"]).max())
    neuron = np.full((len(there), 2 * (extent + reach) + 1, 2 * (extent + reach) + 1), -1, np.int32)
    middle = extent + reach
    neuron[kind, u[column] + middle, v[column] + middle] = np.arange(len(kind))

    used = arrays["known"] | (fill > 0)
    pair, (du, dv) = arrays["pair"][used], arrays["offset"][used].T.astype(int)[:, :, None]
    source = neuron[arrays["source"][pair][:, None], u + middle, v + middle]  # (offsets, columns)
    target = neuron[arrays["target"][pair][:, None], u + du + middle, v + dv + middle]
    both = (source >= 0) & (target >= 0)
    offset = np.nonzero(both)[0]
    synapses = np.where(arrays["known"], arrays["synapses"], fill)[used]

    excites, inhibits = (np.isin(np.arange(len(there)), arrays["source"][arrays["sign"] == s]) for s in (1, -1))
    beyond = f"; an extrapolation: the published model has an extent of {EXTENT}" if extent > EXTENT else ""
    if beyond:
        logger.warning("optic_lobe(extent=%d) is an extrapolation: the published model has %d.", extent, EXTENT)
    gaps = f"{int((~arrays['known']).sum())} gaps in the table " + (f"filled with {fill:g}" if fill else "left out")
    return Connectome.of_edges(
        source[both],
        target[both],
        synapses[offset],
        names,
        edge_sign=arrays["sign"][pair][offset],
        sign=(excites.astype(np.int8) - inhibits)[kind],
        labels={
            "type": np.array(texts["types"])[kind].tolist(),
            "role": np.array(texts["roles"])[kind].tolist(),
            **{name: values[column].astype(str).tolist() for name, values in (("u", u), ("v", v))},
            "column": column.astype(str).tolist(),
        },
        name="optic_lobe",
        species=SPECIES,
        citation=CITATION,
        licence=LICENCE,
        provenance=f"flyvis 1.2.0, connectome/fib25-fib19_v2.2.json: rows = source, as in the file; "
        f"tiled to extent {extent}, {gaps}{beyond}",
    )
