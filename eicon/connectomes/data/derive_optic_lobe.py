"""Derive the table of the optic lobe from the package that contains its source.

Run ``python -m eicon.connectomes.data.derive_optic_lobe --flyvis PATH`` with the folder of flyvis 1.2.0 (its wheel,
unpacked). It writes ``optic_lobe.npz`` and the digest of the connectome that is tiled from it, which belongs in the
table `EMBEDDED` of ``eicon/connectomes/_catalogue.py`` and in LICENCES.md.

Where a pair of types has a known number of synapses at three or more offsets, the published model treats all other
offsets within their convex hull as gaps in the data. The table lists the gaps as well, and marks them.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..._files import save_arrays
from .._optic_lobe import EXTENT, KIND, TABLE, VERSION, optic_lobe

FILE = "connectome/fib25-fib19_v2.2.json"


def gaps(offsets: np.ndarray) -> np.ndarray:
    """Return offsets (k, 2) within the convex hull of the known ones (n, 2), without the known ones."""
    try:
        corners = offsets[ConvexHull(offsets).vertices]
    except (QhullError, ValueError):  # fewer than three, or all on one line
        return np.zeros((0, 2), int)
    low, high = offsets.min(axis=0), offsets.max(axis=0) + 1
    box = np.mgrid[low[0] : high[0], low[1] : high[1]].reshape(2, -1).T
    return box[_within(box, corners) & ~(box[:, None] == offsets[None]).all(axis=2).any(axis=1)]


def _within(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return which points lie in a polygon of counter-clockwise corners: a ray to the right leaves it once, not twice.

    Points on the border count, except on a side along the lowest v, as in the published model.
    """
    (x0, y0), (x1, y1) = corners.T[:, None], np.roll(corners, -1, axis=0).T[:, None]
    x, y = points.T[:, :, None]
    up = y1 >= y
    turn = (x1 - x) * (y0 - y1) - (y1 - y) * (x0 - x1)  # of the side, seen from the point
    return ((((y0 >= y) != up) & ((turn <= 0) == up)).sum(axis=1) % 2).astype(bool)


def derive(spec: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays of the table, and its texts; see `eicon.connectomes._optic_lobe`."""
    types = [node["name"] for node in spec["nodes"]]
    role = {name: role for role in ("input", "output") for name in spec[f"{role}_units"]}
    strides = []
    for node in spec["nodes"]:
        kind, stride = node["pattern"]
        if kind != "stride":
            raise ValueError(f"the columns of a type must be given by a stride; {node['name']} has {kind!r}.")
        strides.append(stride)
    pair, offset, count, known = [], [], [], []
    for number, edge in enumerate(spec["edges"]):
        there = np.array([uv for uv, _ in edge["offsets"]])
        filled = gaps(there)
        pair += [number] * (len(there) + len(filled))
        offset += [*there, *filled]
        count += [n for _, n in edge["offsets"]] + [1.0] * len(filled)
        known += [True] * len(there) + [False] * len(filled)
    arrays: dict[str, np.ndarray] = {
        "stride": np.array(strides, np.int8),
        "source": np.array([types.index(edge["src"]) for edge in spec["edges"]], np.int8),
        "target": np.array([types.index(edge["tar"]) for edge in spec["edges"]], np.int8),
        "sign": np.array([edge["alpha"] for edge in spec["edges"]], np.int8),
        "pair": np.array(pair, np.int16),
        "offset": np.array(offset, np.int8),
        "synapses": np.array(count, np.float64),
        "known": np.array(known),
    }
    return arrays, {"types": types, "roles": [role.get(name, "intermediate") for name in types]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file next to this script, or to the folder given."""
    parser = argparse.ArgumentParser(description="Derive the optic lobe bundled with eicon.")
    parser.add_argument("--flyvis", type=Path, required=True, help="folder of flyvis 1.2.0")
    parser.add_argument("--out", type=Path, default=TABLE.parent)
    options = parser.parse_args(arguments)
    arrays, texts = derive(json.loads((options.flyvis / FILE).read_text("utf-8")))
    path = options.out / TABLE.name
    save_arrays(path, arrays, kind=KIND, version=VERSION, header=texts)
    lobe = optic_lobe(EXTENT, table=path)
    sys.stdout.write(f"{lobe.name} {lobe.digest}\n{lobe!r}\n{lobe.provenance}\n")


if __name__ == "__main__":
    main()
