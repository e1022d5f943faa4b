"""Connectomes in other packages' files, found and read without importing those packages."""

import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from .._files import named, read_text
from ._bio2art import package_folder
from ._connectome import Connectome
from ._orientation import Rows, oriented
from ._readers import read_matrix
from ._tvb import matrix_of_text, tvb_matrix

HOW_TO_GET_TVB = "pip install tvb-data (GPL-3; it is read where it is installed, never copied)"
EICHLER = "Eichler et al. 2017, Nature 548:175"
BARNSTEDT = "Barnstedt et al. 2016, Neuron 89:1237"


class TvbFile(NamedTuple):
    """Facts about one zip file of tvb-data that the file does not contain."""

    species: str
    n: int
    rows: Rows
    citation: str
    note: str = ""


_COCOMAC = "CoCoMac: Stephan et al. 2001, Phil. Trans. R. Soc. B 356:1159; Kötter 2004, Neuroinformatics 2:127"
TVB_FILES = {
    "66": TvbFile("human", 66, "symmetric", "Hagmann et al. 2008, PLoS Biol. 6:e159"),
    "68": TvbFile("human", 68, "symmetric", "Sanz Leon et al. 2013, Front. Neuroinform. 7:10 (tvb-data)"),
    "76": TvbFile("macaque, on a human surface", 76, "target", _COCOMAC),
    "96": TvbFile("macaque", 96, "source", _COCOMAC, "names and coordinates of its cortical regions are doubtful"),
    "192": TvbFile("macaque, on a human surface", 192, "target", _COCOMAC),
}
"""Orientation: in 76 and 192 the amygdala projects to V1, and in 192 the lateral geniculate to V1, only if rows are
targets; in 96 the cortex projects to the striatum only if rows are sources. Names of 96: unlike in 76, the weights
do not depend on the distance of regions (rank correlation -0.01 in one hemisphere, -0.13 in 76)."""


def read_graspologic(
    folder: str | os.PathLike[str] | None = None, *, side: Literal["left", "right"] = "right"
) -> Connectome:
    """Read the mushroom body of a Drosophila larva (Eichler et al. 2017) from the installed graspologic or a folder.

    Rows are sources: projection neurons have outputs to Kenyon cells and no input from them. Label ``class``
    is K (Kenyon cell), P (projection neuron), I (input neuron) or O (output neuron); the files contain no names of
    neurons, which are numbered within their class. Kenyon cells are cholinergic (shown in the adult,
    Barnstedt et al. 2016) and get sign +1; all other classes mix transmitters, and get 0 (unknown).

    Parameters
    ----------
    folder : path, optional
        Folder of the four CSV files, or of the package; default the installed package.
    side : {"left", "right"}
        Hemisphere.
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right'; got {side!r}.")
    package = installed("graspologic", folder, "pip install --no-deps graspologic")
    places = (package, package / "datasets" / "drosophila")
    path = _existing([place / f"{side}_adjacency.csv" for place in places])
    what, labels = "matrix of graspologic", path.with_name(f"{side}_cell_labels.csv")
    weights, provenance = oriented(matrix_of_text(read_text(path, what), path), "source", f"graspologic {path.name}")
    classes = tuple(read_text(labels, "list of graspologic's labels").split())
    kenyon = np.array([c == "K" for c in classes])
    if len(classes) != len(weights):
        raise ValueError(f"{labels} has {len(classes)} labels for the {len(weights)} neurons of {path.name}.")
    return Connectome(
        weights,
        tuple(f"{c}{classes[: i + 1].count(c)}" for i, c in enumerate(classes)),
        name=f"larva_{side}",
        species="Drosophila melanogaster larva",
        sign=kenyon.astype(np.int8),
        labels={"class": classes, "transmitter": tuple("Acetylcholine" if k else "" for k in kenyon)},
        citation=f"{EICHLER}; transmitter of Kenyon cells: {BARNSTEDT}",
        licence="MIT (graspologic)",
        provenance=provenance,
    )


def read_tvb(
    dataset: str | int | os.PathLike[str] = "96",
    folder: str | os.PathLike[str] | None = None,
    *,
    rows: Rows | None = None,
) -> Connectome:
    """Read a connectome of the optional package tvb-data (GPL-3), which is never copied, or a zip of your own.

    Data sets 76 and 192 have rows = target and are transposed; 96 has rows = source; 66 and 68 are symmetric.
    Weights of 76, 96 and 192 are mostly CoCoMac grades from 0 to 3, not numbers of fibres. The cortical names
    and coordinates of 96 do not seem to match its weights (V1 connects to M1 and to nearly everything
    else, and weights do not fall with distance): use it as a network, not as a map, or use 76.

    Parameters
    ----------
    dataset : {"66", "68", "76", "96", "192"} or path
        Number of regions; or your own zip in the same layout, with ``weights.txt`` and ``centres.txt``.
    folder : path, optional
        Folder of the zip files, or of the package; default the installed package.
    rows : {"source", "target", "symmetric"}
        Meaning of a row, in your own zip. TVB's simulator treats rows as targets.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or is not the one of tvb-data, for which orientation and paper are known.
    """
    if str(dataset).endswith(".zip"):
        if rows is None:
            raise ValueError(
                f"are the rows of weights.txt in {dataset} sources or targets? TVB treats rows as targets: "
                "pass rows='target', or the meaning in your file."
            )
        return read_matrix(dataset, rows=rows)
    known = TVB_FILES.get(str(dataset))
    if known is None:
        raise ValueError(f"tvb-data has no connectivity {str(dataset)!r}; it has {', '.join(TVB_FILES)} (regions).")
    package = installed("tvb_data", folder, HOW_TO_GET_TVB)
    file = f"connectivity_{dataset}.zip"
    path = _existing([package / file, package / "connectivity" / file])
    found = tvb_matrix(path)
    if len(found.weights) != known.n:
        raise ValueError(
            f"{path} is not the file of tvb-data, so its orientation and paper are unknown: expected {known.n} "
            f"regions, got {len(found.weights)}. Read it by its path, and pass `rows`."
        )
    if rows not in (None, known.rows):
        raise ValueError(f"the rows of connectivity {dataset} are {known.rows!r}; got rows={rows!r}. Leave `rows` out.")
    with named(path, "connectivity of tvb-data"):
        weights, provenance = oriented(found.weights, known.rows, f"tvb-data {path.name}", tolerance=1e-3)
        return Connectome(
            weights,
            found.names or (),
            name=f"tvb_{dataset}",
            species=known.species,
            coordinates=found.coordinates,
            citation=known.citation,
            licence="GPL-3 (tvb-data)",
            provenance=f"{provenance}; {known.note}".rstrip("; "),
        )


def installed(package: str, folder: str | os.PathLike[str] | None, how_to_get: str) -> Path:
    """Return the folder, else that of the installed package; if there is none, the error explains how to get it."""
    place = Path(folder) if folder is not None else package_folder(package)
    if place is None:
        raise FileNotFoundError(
            f"the package {package} is not installed: {how_to_get}, or pass the folder of its files as `folder`."
        )
    return place


def _existing(candidates: list[Path]) -> Path:
    for path in candidates:
        if path.is_file():
            return path
    raise FileNotFoundError(f"no such file: {' or '.join(map(str, candidates))}.")
