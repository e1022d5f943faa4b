"""Connectome folders in the format of bio2art: matrix, names and neuron densities in separate files."""

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .._files import named, read_npy
from ._connectome import Connectome
from ._names import read_names
from ._orientation import Rows, oriented

FOLDER_VARIABLE = "EICON_CONNECTOMES"
LICENCE = "bio2art: MIT; data: see the cited paper"
HOW_TO_GET = (
    "get the connectomes folder of bio2art (https://github.com/AlGoulas/bio2art; MIT, not on the package index) "
    f"and pass it as `folder`, or name it in the environment variable {FOLDER_VARIABLE}"
)


class Bio2artFile(NamedTuple):
    """Facts about one data set of bio2art that its files do not contain."""

    alias: str
    species: str
    n: int
    rows: Rows
    fractions: bool
    """Weights are fractions of labelled neurons: the inputs of one target sum to at most 1."""
    citation: str


FILES = {
    "Macaque_Normalized": Bio2artFile(
        "macaque", "macaque", 29, "source", True, "Markov et al. 2014, Cereb. Cortex 24:17"
    ),
    "Marmoset_Normalized": Bio2artFile(
        "marmoset", "marmoset", 55, "source", True, "Majka et al. 2016, J. Comp. Neurol. 524:2161"
    ),
    "Mouse_Gamanut_Normalized": Bio2artFile(
        "mouse_gamanut", "mouse", 19, "target", True, "Gamanut et al. 2018, Neuron 97:698"
    ),
    "Mouse_Ypma_Oh": Bio2artFile(
        "mouse_oh", "mouse", 56, "source", False,
        "Rubinov et al. 2015, PNAS 112:10032; Oh et al. 2014, Nature 508:207",
    ),
    "Drosophila": Bio2artFile(
        "drosophila", "fruit fly", 49, "source", False, "Chiang et al. 2011, Curr. Biol. 21:1"
    ),
    "Human_Betzel_Normalized": Bio2artFile(
        "human", "human", 57, "symmetric", False, "Betzel & Bassett 2018, PNAS 115:E4880"
    ),
}  # fmt: skip
"""No file states its orientation: it follows from the sums (fractions of labelled neurons sum to at most 1 over the
sources of one target) and from anatomy (V1 projects strongly to LM, and to V2)."""


def package_folder(package: str) -> Path | None:
    """Find the folder of an installed package without importing it."""
    with contextlib.suppress(ValueError, ImportError):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
    return None


def connectome_folder(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder of bio2art files: the one given, else the environment variable's, else bio2art's own."""
    named = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    package = package_folder("bio2art")
    places = [] if package is None else [package / "connectomes", package.parent / "connectomes"]
    return next((place for place in places if place.is_dir()), None)


def full_name(net_name: str) -> str:
    """Return the name used in the file names, given that name or a short one ("macaque"), in upper or lower case."""
    shortened = net_name.lower()
    matches = {name for name, file in FILES.items() if shortened in (name.lower(), file.alias)}
    if shortened == "mouse":
        raise ValueError("there are two mouse connectomes: say 'mouse_gamanut' or 'mouse_oh'.")
    return matches.pop() if matches else net_name


def read_bio2art(
    net_name: str, folder: str | os.PathLike[str] | None = None, *, rows: Rows | None = None
) -> Connectome:
    """Read a connectome from a folder of bio2art: ``C_<name>.npy``, ``Names_<name>.lst`` and ``ND_<name>.npy``.

    The files do not state whether rows are sources or targets, and both occur. The orientation of the data sets
    bundled with bio2art is known to eicon (only ``Mouse_Gamanut_Normalized`` has rows = target, and is transposed);
    that of any other must be given. Densities are in neurons per mm³. Without a file of names, units are numbered
    from 1.

    Parameters
    ----------
    net_name : str
        Such as ``Marmoset_Normalized``, or ``marmoset`` for short.
    folder : path, optional
        Default: the environment variable ``EICON_CONNECTOMES``, else the folder of the installed bio2art.
    rows : {"source", "target", "symmetric"}, optional
        Meaning of a row, for files that are not bundled with bio2art.

    Raises
    ------
    FileNotFoundError
        If there is no folder, or no such file in it.
    ValueError
        If the orientation is not known, contradicts the one given, or does not fit the numbers; or the files
        do not agree.
    """
    name = full_name(net_name)
    place = connectome_folder(folder)
    if place is None:
        raise FileNotFoundError(f"found no folder of connectomes to read {name} from: {HOW_TO_GET}.")
    path = place / f"C_{name}.npy"
    if not path.is_file():
        found = sorted(p.stem.removeprefix("C_") for p in place.glob("C_*.npy"))
        raise FileNotFoundError(
            f"no file C_{name}.npy in {place}; it contains {', '.join(found) or 'no C_*.npy files'}. "
            f"For the data sets of bio2art, {HOW_TO_GET}."
        )
    known = FILES.get(name)
    of_rows = _rows(name, known, rows)
    names, densities = (place / f"Names_{name}.lst", place / f"Names_{name}.txt"), place / f"ND_{name}.npy"
    listed = next((p for p in names if p.is_file()), None)
    with named(path, "connectome of bio2art"):
        weights, provenance = oriented(read_npy(path), of_rows, f"bio2art {path.name}")
        if known is not None:
            check_known(path, weights, known)
        return Connectome(
            weights,
            tuple(str(i + 1) for i in range(len(weights))) if listed is None else read_names(listed),
            name=name,
            species="" if known is None else known.species,
            densities=read_npy(densities) if densities.is_file() else None,
            citation="" if known is None else known.citation,
            licence="" if known is None else LICENCE,
            provenance=provenance,
        )


def _rows(name: str, known: Bio2artFile | None, rows: Rows | None) -> Rows:
    if known is not None:
        if rows not in (None, known.rows):
            raise ValueError(f"the rows of {name} are {known.rows!r} in bio2art; got rows={rows!r}. Leave `rows` out.")
        return known.rows
    if rows is None:
        raise ValueError(
            f"are the rows of C_{name}.npy sources or targets? The file is not one of the data sets bundled "
            f"with bio2art ({', '.join(FILES)}), so pass rows='source' or rows='target'."
        )
    return rows


def check_known(path: Path, weights: np.ndarray, known: Bio2artFile) -> None:
    """Check that weights ``[source, target]`` are those of a data set of bio2art.

    Raises
    ------
    ValueError
        If their number or their sums differ.
    """
    inputs = weights.sum(axis=0).max()
    if len(weights) != known.n or (known.fractions and inputs > 1 + 1e-6):
        raise ValueError(
            f"{path} is not the file bundled with bio2art, so its orientation is unknown: expected "
            f"{known.n} regions{' whose inputs sum to at most 1' if known.fractions else ''}, got {len(weights)} "
            f"with inputs up to {inputs:.3g}. Rename the file, and pass `rows`."
        )
