"""Connectomes of C. elegans in the files of the package cect, read without importing it."""

import csv
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._files import named, read_json
from ._connectome import Connectome
from ._orientation import oriented
from ._packages import installed

HOW_TO_GET = "pip install --no-deps cect (eicon reads only its data files)"
LARGEST = 2**27
"""Largest size of a data set, in bytes; those of the package have up to 3 MB."""
WANG = "Wang et al. 2024, eLife 13:RP95402"

_CONNECTIONS = {"chemical": "Generic_CS", "gap junctions": "Generic_GJ"}
_NEURON = re.compile(r"[A-Z][A-Z0-9]*")
_NO_NEURON = re.compile(r"M[DV][LR]\d+|MVULVA|MANAL|BWM\w*|GLR\w*")
_FAST = {"Acetylcholine": 1, "Glutamate": 1, "GABA": -1}


class CectFile(NamedTuple):
    """Facts about one data set of cect that its file does not contain."""

    n: int
    """Number of neurons."""
    citation: str


_WITVLIET = "Witvliet et al. 2021, Nature 596:257"
CECT_FILES = {
    "Cook2019HermReader": CectFile(302, "Cook et al. 2019, Nature 571:63"),
    "Cook2019MaleReader": CectFile(381, "Cook et al. 2019, Nature 571:63"),
    "VarshneyDataReader": CectFile(280, "Varshney et al. 2011, PLoS Comput. Biol. 7:e1001066"),
    "White_whole": CectFile(300, "White et al. 1986, Phil. Trans. R. Soc. B 314:1"),
    **{
        f"WitvlietDataReader{i}": CectFile(n, f"{_WITVLIET} (animal {i} of 8, by age)")
        for i, n in enumerate((161, 162, 162, 168, 174, 175, 181, 180), start=1)
    },
}
"""Data sets with rows = source: each correlates with Cook's by 0.67 to 0.77, and with its transpose by 0.17 at most.
Other data sets of the package are read in the same way, with `citation` left empty."""


def is_neuron(cell: str) -> bool:
    """Return whether a cell of C. elegans is a neuron, judged by its name.

    Names of neurons consist of capitals and digits. So do those of body wall muscles (such as MDL01) and GLR cells,
    which are recognised by their names; names of other cells contain lower-case letters.

    Examples
    --------
    >>> [cell for cell in ("AVAL", "DD1", "MDL01", "GLRDL", "pm3VL", "CANR") if is_neuron(cell)]
    ['AVAL', 'DD1', 'CANR']
    """
    return bool(_NEURON.fullmatch(cell)) and not _NO_NEURON.fullmatch(cell)


def transmitter_sign(transmitters: set[str]) -> int:
    """Return the usual sign of a neuron's fast transmitters: +1, -1, or 0 where it has none, or both kinds.

    Acetylcholine and glutamate count as +1 and GABA as -1. The receptor determines the effect: glutamate also
    opens chloride channels (AWC inhibits AIY), acetylcholine has inhibitory receptors, and GABA has excitatory
    ones (EXP-1). Treat the sign of a neuron as a default, not as a measurement.

    Examples
    --------
    >>> transmitter_sign({"Glutamate", "Serotonin"}), transmitter_sign({"GABA"}), transmitter_sign({"Dopamine"})
    (1, -1, 0)
    """
    signs = {_FAST[t] for t in transmitters if t in _FAST}
    return signs.pop() if len(signs) == 1 else 0


def read_cect(
    reader: str = "Cook2019HermReader",
    folder: str | os.PathLike[str] | None = None,
    *,
    connections: str = "chemical",
    neurons_only: bool = True,
) -> Connectome:
    """Read a connectome of C. elegans from the JSON files of the package cect; rows are sources.

    Labels are ``class`` (sensory, interneuron, motor, polymodal, muscle, other) and ``transmitter`` (all that
    Wang et al. 2024 found, joined by "+"; only for neurons that connect to others), where the package contains
    the files. Signs follow from the transmitters of chemical synapses, see `transmitter_sign`.

    Parameters
    ----------
    reader : str
        File in the package's folder ``cache``, without its extension; or the path of a JSON file.
    folder : path, optional
        Folder of the package, or its subfolder ``cache``; default the installed package.
    connections : str
        "chemical", "gap junctions", or another kind of connection named in the file.
    neurons_only : bool
        Leave out muscles, glia and other cells (by `is_neuron`).
    """
    path = _json_path(reader, folder)
    cells, kinds = _content(path)
    kind = _CONNECTIONS.get(connections, connections)
    if kind not in kinds:
        raise ValueError(f"{path.name} contains no {connections} connections ({kind!r}); it has {', '.join(kinds)}.")
    with named(path, "connectome of cect"):
        matrix = np.array(kinds[kind], dtype=np.float64)
        rows = "symmetric" if kind == "Generic_GJ" else "source"
        weights, provenance = oriented(matrix, rows, f"cect {path.name} {kind}")
        transmitters = _transmitters(path)
        classes = _classes(path)
        labels = {"class": tuple(classes.get(cell, "") for cell in cells)} if classes else {}
        if transmitters:
            labels["transmitter"] = tuple("+".join(sorted(transmitters.get(cell, ()))) for cell in cells)
        signed = kind == "Generic_CS"
        known = CECT_FILES.get(path.stem)
        if known is not None and sum(map(is_neuron, cells)) != known.n:
            known = None  # a file that shares only the name
        whole = Connectome(
            weights,
            tuple(cells),
            name=path.stem,
            species="Caenorhabditis elegans",
            sign=np.array([transmitter_sign(transmitters.get(c, set())) if signed else 0 for c in cells]),
            labels=labels,
            citation="; ".join(
                ([known.citation] if known else []) + ([f"transmitters: {WANG}"] if transmitters else [])
            ),
            licence="MIT (cect)",
            provenance=provenance,
        )
    return whole.subset([i for i, cell in enumerate(cells) if is_neuron(cell)]) if neurons_only else whole


def _json_path(reader: str, folder: str | os.PathLike[str] | None) -> Path:
    if reader.endswith(".json"):
        path, places = Path(reader), []
    else:
        package = installed("cect", folder, HOW_TO_GET)
        places = [package / "cache", package]
        path = next((p for p in (place / f"{reader}.json" for place in places) if p.is_file()), package)
    if not path.is_file():
        found = sorted(p.stem for place in places for p in place.glob("*.json"))
        raise FileNotFoundError(f"no data set {reader!r} of cect at {path}; there are {', '.join(found) or 'none'}.")
    return path


def _content(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Read the cells, and a matrix for each kind of connection."""
    content = read_json(path, "connectome of cect", largest=LARGEST)
    with named(path, "connectome of cect"):
        nodes = content["nodes"]
        if not isinstance(nodes, list) or not all(isinstance(cell, str) for cell in nodes):
            raise ValueError(f"nodes must be a list of names; got {nodes!r:.80}")
        return nodes, dict(content["connections"])


def _transmitters(path: Path) -> dict[str, set[str]]:
    """Read the transmitters of each cell that releases any, from the file next to the connectome's."""
    atlas = path.with_name(f"Wang2024{'Male' if 'Male' in path.stem else 'Herm'}Reader.json")
    if not atlas.is_file():
        return {}
    cells, kinds = _content(atlas)
    found: dict[str, set[str]] = {}
    for transmitter, matrix in kinds.items():
        with named(atlas, "connectome of cect"):
            for i in np.flatnonzero(np.array(matrix).any(axis=1)):
                found.setdefault(cells[i], set()).add(transmitter)
    return found


def _classes(path: Path) -> dict[str, str]:
    """Read the class of each cell from the package's table of cells."""
    table = path.parent.parent / "data" / "all_cell_info.csv"
    if not table.is_file():
        return {}
    with named(table, "table of cells"), table.open(newline="", encoding="utf-8") as stream:
        return {row["Cell name"]: _class(row["Cell name"], row["Type"]) for row in csv.DictReader(stream)}


def _class(cell: str, kind: str) -> str:
    """Return the class of a cell given its type in the package's table; the part after ";" repeats an older source."""
    kind = kind.split(";")[0].lower()
    if not is_neuron(cell):
        return "muscle" if "muscle" in kind else "other"
    words = {"interneuron": "interneuron", "linker": "interneuron", "motor": "motor", "polymodal": "polymodal"}
    words |= {"canal": "other"}
    return next((name for word, name in words.items() if word in kind), "sensory")
