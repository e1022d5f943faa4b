"""Catalogue of connectomes: those available, how to get the others, and one function to load each."""

import inspect
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from .._hints import meant
from ._bio2art import FILES, FOLDER_VARIABLE, connectome_folder, full_name, package_folder, read_bio2art
from ._bio2art import HOW_TO_GET as BIO2ART_HOW_TO_GET
from ._bio2art import LICENCE as BIO2ART_LICENCE
from ._cect import CECT_FILES, WANG, read_cect
from ._cect import HOW_TO_GET as CECT_HOW_TO_GET
from ._connectome import Connectome
from ._optic_lobe import CITATION as OPTIC_LOBE
from ._optic_lobe import LICENCE as OPTIC_LOBE_LICENCE
from ._optic_lobe import SPECIES as FLY
from ._optic_lobe import optic_lobe
from ._orientation import Rows
from ._packages import BARNSTEDT, EICHLER, TVB_FILES, read_tvb
from ._packages import HOW_TO_GET_TVB as TVB_HOW_TO_GET
from ._readers import is_edge_list, kind_of, read_edges, read_matrix, read_npz

DATA = Path(__file__).parent / "data"
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,7}$")
ALIASES = {"larva": "larva_right"}
_AS_ROWS: dict[str, str] = {
    "source": "rows = source",
    "target": "rows = target, transposed on reading",
    "symmetric": "symmetric",
}


class Entry(NamedTuple):
    """One connectome of the catalogue."""

    name: str
    """Name to pass to `load`."""
    species: str
    n: int
    """Number of neurons or regions."""
    orientation: str
    """Orientation of the file; loaded connectomes always have rows = source."""
    source: str
    """Paper to cite."""
    licence: str
    where: str
    """"bundled with eicon", the path of the file, or "" if it is not on this computer."""
    how_to_get: str
    """Instructions for getting the file; "" for bundled connectomes."""


class Embedded(NamedTuple):
    """A connectome bundled with eicon, stored in the folder ``data`` or tiled from a table there."""

    species: str
    n: int
    source: str
    licence: str
    digest: str
    """`Connectome.digest` of the content."""


EMBEDDED = {
    "celegans": Embedded(
        "Caenorhabditis elegans", 302, f"Cook et al. 2019, Nature 571:63; transmitters: {WANG}", "MIT (cect)",
        "4abd152b76aeb9b558ed79a42ec346c7c6a42d22b33efd274e5eafe4d3ed0d24",
    ),
    "larva_left": Embedded(
        "Drosophila melanogaster larva", 209, f"{EICHLER}; transmitter of Kenyon cells: {BARNSTEDT}",
        "MIT (graspologic)", "5e6f24d0fbbf6276565f6c5c34e20795730021dba9ea564f493150ca65c5694a",
    ),
    "larva_right": Embedded(
        "Drosophila melanogaster larva", 213, f"{EICHLER}; transmitter of Kenyon cells: {BARNSTEDT}",
        "MIT (graspologic)", "3cbdfec98e15f278287754af9e3d4f29c378b1c1dbb88a32eef30ce20155f9e1",
    ),
    "optic_lobe": Embedded(
        FLY, 45_669, OPTIC_LOBE, OPTIC_LOBE_LICENCE, "24b99f850e27808c61707b1a64d8e240a02c55e021562d37c750da13af63efbb"
    ),
}  # fmt: skip


def available(folder: str | os.PathLike[str] | None = None) -> list[Entry]:
    """List all connectomes that eicon knows, whether or not they are on this computer.

    Parameters
    ----------
    folder : path, optional
        Folder of bio2art files, see `read_bio2art`.

    Returns
    -------
    list of Entry

    Examples
    --------
    >>> [entry.name for entry in available() if entry.where == "bundled with eicon"]
    ['celegans', 'larva_left', 'larva_right', 'optic_lobe']
    """
    bundled = [
        Entry(name, e.species, e.n, _AS_ROWS["source"], e.source, e.licence, "bundled with eicon", "")
        for name, e in EMBEDDED.items()
    ]
    place, tvb, cect = connectome_folder(folder), package_folder("tvb_data"), package_folder("cect")
    return [
        *bundled,
        *(
            Entry(
                *(name, file.species, file.n, _AS_ROWS[file.rows], file.citation, BIO2ART_LICENCE),
                *(_found(place, f"C_{name}.npy"), BIO2ART_HOW_TO_GET),
            )
            for name, file in FILES.items()
        ),
        *(
            Entry(
                *(name, "Caenorhabditis elegans", file.n, _AS_ROWS["source"], file.citation, "MIT (cect)"),
                *(_found(cect, f"cache/{name}.json"), CECT_HOW_TO_GET),
            )
            for name, file in CECT_FILES.items()
        ),
        *(
            Entry(
                *(f"tvb_{number}", known.species, known.n, _AS_ROWS[known.rows], known.citation, "GPL-3 (tvb-data)"),
                *(_found(tvb, f"connectivity/connectivity_{number}.zip"), TVB_HOW_TO_GET),
            )
            for number, known in TVB_FILES.items()
        ),
    ]


def load(
    name: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    *,
    rows: Rows | None = None,
    **options: Any,
) -> Connectome:
    """Load a connectome by its name in the catalogue; rows are sources, whatever the orientation of the file.

    Parameters
    ----------
    name : str or path
        A name that `available` lists; a short one (celegans, larva, macaque, marmoset, mouse_gamanut,
        mouse_oh, drosophila, human); ``X`` for a file ``C_X.npy`` of the folder; or the path of a file, including
        its extension: one that `Connectome.save` wrote, or one in any format of `read_matrix` and `read_edges`.
    folder : path, optional
        Folder of bio2art files. Default: the environment variable ``EICON_CONNECTOMES``, else the folder of
        the installed bio2art.
    rows : {"source", "target", "symmetric"}, optional
        Meaning of a row, in a file that is not in the catalogue.
    **options
        Options of `read_matrix` or `read_edges`, for your own file.

    Raises
    ------
    FileNotFoundError
        If the connectome is in the catalogue, but not on this computer.
    ValueError
        If there is no connectome of that name.

    Examples
    --------
    >>> worm = load("celegans")
    >>> worm
    Connectome('celegans', Caenorhabditis elegans, 302 units, 3709 connections, density 0.0404, \
signs: 237 E, 31 I, 34 unknown)
    >>> float(worm.weights[worm.names.index("ASHL"), worm.names.index("AVAL")])
    15.0
    """
    if isinstance(name, os.PathLike) or "/" in name or os.sep in name or _ENDING.search(name):
        return _read_file(Path(name), rows, options)
    if options:
        raise ValueError(f"{', '.join(options)}: these options apply only to your own files, given by their path.")
    wanted = ALIASES.get(name.lower(), name)
    wanted = next((known for known in _elsewhere() if known.lower() == wanted.lower()), wanted)
    if wanted == "optic_lobe":
        return optic_lobe()
    if wanted in EMBEDDED:
        return read_npz(DATA / f"{wanted}.npz")
    if wanted in CECT_FILES:
        return read_cect(wanted)
    if wanted.startswith("tvb_") and wanted.removeprefix("tvb_") in TVB_FILES:
        return read_tvb(wanted.removeprefix("tvb_"))
    place, full = connectome_folder(folder), full_name(wanted)
    if full in FILES or _found(place, f"C_{full}.npy"):
        return read_bio2art(full, folder, rows=rows)
    hint = meant(name, [*_elsewhere(), *FILES, *(file.alias for file in FILES.values())])
    raise ValueError(
        f"no connectome {name!r}.{hint} Bundled with eicon: "
        f"{', '.join(EMBEDDED)}; `eicon connectomes list` names others and how to get them. The folder given by "
        f"`folder` or {FOLDER_VARIABLE} can add more, as C_<name>.npy"
        f"{'' if place is None else f'; {place} has no such file'}."
    )


def _read_file(path: Path, rows: Rows | None, options: dict[str, Any]) -> Connectome:
    """Read a user's own file: as a matrix if `rows` is given, as a list of connections if it looks like one."""
    if kind_of(path) == "eicon":
        return read_npz(path)
    matrix = not is_edge_list(path, **{key: options[key] for key in ("delimiter", "encoding") if key in options})
    if matrix and rows is None:
        raise ValueError(
            f"are the rows of {path} sources or targets? Pass rows='source', rows='target' or rows='symmetric'. If "
            "the file is a list of connections, its first line must name the columns: source, target, weight."
        )
    if not matrix and rows not in (None, "source"):
        raise ValueError(f"{path} is a list of connections, which has no rows: leave `rows` out.")
    reader: Any = read_matrix if matrix else read_edges
    unknown = options.keys() - inspect.signature(reader).parameters.keys()
    if unknown:
        raise ValueError(f"{path} is read with {reader.__name__}, which has no option {', '.join(sorted(unknown))}.")
    return reader(path, **({"rows": rows} if matrix else {}), **options)


def _elsewhere() -> list[str]:
    """List the names that do not belong to bio2art."""
    return [*EMBEDDED, *CECT_FILES, *(f"tvb_{number}" for number in TVB_FILES)]


def _found(place: Path | None, file: str) -> str:
    return str(place / file) if place is not None and (place / file).is_file() else ""
