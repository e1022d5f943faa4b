"""Formats, told by their content, and the matrices in binary ones; nothing in a file is ever run."""

import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._tables import Table, arrow_columns, columns_table, frame_table, head_of, package, text_table, unpacker

MAGIC: dict[bytes, str] = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"%%MatrixMarket": "mtx",
    b"MATLAB 5.0 MAT-file": "mat",
    b"MATLAB 7.3 MAT-file": "hdf5",
    b"\x89HDF\r\n": "hdf5",
    b"ARROW1": "feather",
    b"PAR1\x15": "parquet",
}
OBJECTS = [
    ("data frame", ("columns", "index", "notna")),
    ("graph", ("nodes", "edges", "is_directed")),
    ("array", ("tocoo",)),
    ("array", ("__array__",)),
    ("array", ("index", "count")),
]
"""Objects by what they have, of which nothing is imported; nested lists are arrays."""
REFUSED: dict[bytes, str] = {
    rb"\xd0\xcf\x11\xe0": "an Excel workbook: save its sheet as CSV",
    rb"RDX[23]\n|X\n\0": "an R object or workspace: write the matrix with write.csv",
    rb"\x80[\2-\5]": "a pickle, which runs whatever its author put into it: save an npz or CSV",
    rb"%PDF": "a PDF: get the table that it prints",
    rb"FEA1": "a Feather file of the first version: write it anew",
    rb"[{[]": "JSON or a printed array: write the matrix or the connections as CSV",
    rb'graph\s*\[|Creator "|\*[Vv]ertices|\*[Nn]etwork': "GML or Pajek: write the graph as GraphML",
    rb"SQLite format": "a database: write the table of connections as CSV",
    rb"(?i:<!doctype html|<html|<table)": "a web page: download the file that it shows or links to",
    rb"version https://git-lfs": "a pointer of Git LFS: fetch the file that it stands for, by git lfs pull",
    rb".{257}ustar|\x28\xb5\x2f\xfd|7z\xbc\xaf": "an archive: unpack it first",
    rb"# (Created by|name:)(?s:.)*# type: sparse matrix": "Octave's text of a sparse matrix: save it with -v7",
}
"""Formats that are not read, by a regular expression of how they begin."""
_ARRAY, _PACKED, _SPARSE = 14, 15, 5
_NUMBERS = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}
NAMES = re.compile(
    r"names?|labels?|ids?|regions?|rois?|neurons?|nodes?|(region|roi|node|neuron)_?(names|labels|ids)", re.I
)


class Matrix(NamedTuple):
    """A matrix as it stands in a file, rows and columns unturned."""

    weights: Any
    names: Sequence[str] | None = None
    coordinates: np.ndarray | None = None
    note: str = ""


def kind_of(source: Any) -> str:
    """Kind of an object, or format of a file by its content: of `MAGIC`, of a zip, "eicon", "graph", else "text"."""
    if not isinstance(source, str | os.PathLike):
        for kind, marks in OBJECTS:
            if all(hasattr(source, mark) for mark in marks):
                return kind
        raise TypeError(
            "a connectome is read from a path, an array, a scipy.sparse matrix, a data frame of pandas or a graph of "
            f"networkx; got {type(source).__name__}."
        )
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}.")
    head = head_of(path)
    refused = next((what for begin, what in REFUSED.items() if re.match(begin, head.lstrip(), re.S)), None)
    if refused:
        raise ValueError(f"{path} is {refused}.")
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "text")
    if kind == "text" and path.suffix.lower() == ".mat" and b"\0" in head[:20]:  # version 4, which has no mark
        kind = "mat"
    if kind != "text" and unpacker(path) is not open:
        raise ValueError(f"{path} is a file of kind {kind} that was packed once more: unpack it first.")
    if kind == "zip":
        with damaged(path, "zip archive"):
            members = zipfile.ZipFile(path).namelist()
        if "header.json.npy" in members:
            return "eicon"
        if any(member.endswith(".npy") for member in members):
            return "npz"
        if any(re.search(r"(^|/)weights\.txt", member) for member in members):
            return "tvb"
        what = "save the sheet of an Excel workbook as CSV" if "[Content_Types].xml" in members else "unpack it first"
        raise ValueError(f"{path} is a zip archive without arrays or a TVB connectivity (weights.txt): {what}.")
    return "graph" if kind == "text" and re.match(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*<", head) else kind


@contextmanager
def damaged(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Name the file, whatever a library says about its damage."""
    try:
        yield
    except Exception as error:
        if str(error).startswith(str(path)):  # it is named already
            raise
        raise ValueError(f"{path} is damaged, or no {what} that eicon reads ({error}).") from error


def open_table(source: Any, delimiter: str | None = None, encoding: str | None = None, *, index: bool = False) -> Table:
    """Table of a text, Feather or Parquet file, or a data frame, whose index can be the first column."""
    if (kind := kind_of(source)) == "data frame":
        return frame_table(source, index)
    path = Path(source)
    if kind in ("feather", "parquet"):
        return columns_table(path.name, arrow_columns(path, kind))
    if kind == "eicon":
        raise ValueError(f"{path} was written by eicon: read_npz and load read it.")
    if kind != "text":
        raise ValueError(f"{path} is no table ({kind}); tables are read from text, Feather, Parquet or a data frame.")
    return text_table(path, delimiter, encoding)


def is_sparse(value: Any) -> bool:
    """Whether an array is one of scipy.sparse."""
    return hasattr(value, "tocoo")


def array_matrix(value: Any, variable: str | None) -> Matrix:
    """Matrix of an array, which may be sparse, or of nested lists."""
    if np.ma.isMaskedArray(value):
        value = np.ma.filled(value.astype(float), np.nan)
    return Matrix(_bounded(value) if is_sparse(value) else np.asarray(value))


def _bounded(matrix: Any) -> Any:
    """Sparse matrix in rows, once its indices are known to be inside of it: scipy trusts what a file says."""
    from scipy import sparse as sp

    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)
    return sp.csr_array(matrix.tocsr())


def npy_matrix(path: Path, variable: str | None) -> Matrix:
    """Array of an npy file, whose size is checked before memory is taken."""
    with damaged(path, "npy file without Python objects"):
        return Matrix(np.array(np.load(path, mmap_mode="r", allow_pickle=False)))


def npz_matrix(path: Path, variable: str | None) -> Matrix:
    """Sparse matrix of scipy, or the square array of an archive of numpy."""
    from scipy import sparse as sp

    with damaged(path, "npz archive"), np.load(path, allow_pickle=False) as archive:
        if {"format", "shape", "data"} <= set(archive.files):
            return Matrix(_bounded(sp.load_npz(path)))
        return _chosen(path, {name: _unpickled(archive, name) for name in archive.files}, variable)


def mat_matrix(path: Path, variable: str | None) -> Matrix:
    """Matrix of a MATLAB file of version 4 to 7."""
    from scipy import io  # which takes longer to import than most files to read

    with damaged(path, "MATLAB file"):
        data = path.read_bytes()
        if data.startswith(b"MATLAB 5"):
            order = "little" if data[126:128] == b"IM" else "big"
            _mat_elements(data, 128, len(data), order, {_ARRAY, _PACKED})
        content = io.loadmat(path, appendmat=False)
    return _chosen(path, {name: value for name, value in content.items() if not name.startswith("__")}, variable)


def _mat_elements(data: bytes, start: int, stop: int, order: Any, allowed: set[int]) -> list[tuple[int, int]]:
    """Type and place of each element of a MATLAB file; scipy trusts them, and a wrong one ends the process."""
    found = []
    while start < stop:
        kind, size = (int.from_bytes(data[start + i : start + i + 4], order) for i in (0, 4))
        body, following = start + 8, start + 8 + size + (0 if kind == _PACKED else -size % 8)
        if kind >> 16:  # up to four bytes within the tag
            kind, size, body, following = kind & 0xFFFF, kind >> 16, start + 4, start + 8
        if kind not in allowed or body + size > stop:
            raise ValueError(f"element of type {kind} and {size} bytes at byte {start}")
        if kind == _ARRAY and size:
            parts = _mat_elements(data, body, body + size, order, _NUMBERS | {_ARRAY})
            flags = int.from_bytes(data[parts[0][1] : parts[0][1] + 4], order)
            of_numbers, complex_parts = flags & 255 in range(4, 16), flags >> 11 & 1
            wanted = (6 if flags & 255 == _SPARSE else 4) + complex_parts
            kinds = [part for part, _ in parts]
            if flags & 255 not in range(1, 18) or (of_numbers and (len(kinds) != wanted or _ARRAY in kinds)):
                raise ValueError(f"array of class {flags & 255} with {len(kinds)} parts at byte {start}")
            if complex_parts and not of_numbers:
                raise ValueError(f"array of class {flags & 255} with imaginary numbers at byte {start}")
        found.append((kind, body))
        start = following
    return found


def mtx_matrix(path: Path, variable: str | None) -> Matrix:
    """Matrix of a text of Matrix Market."""
    from scipy import io

    with damaged(path, "Matrix Market file"):
        found = io.mmread(path)
        return Matrix(_bounded(found) if is_sparse(found) else found)


def hdf5_matrix(path: Path, variable: str | None) -> Matrix:
    """Matrix of a MATLAB file of version 7.3, which stores columns first, or of another HDF5 file, which does not."""
    from scipy import sparse as sp

    how = "pip install 'eicon[exchange]', or save with '-v7' in MATLAB"
    h5py = package("h5py", f"{path} is an HDF5 file (MATLAB's version 7.3): {how}.")
    turned, content = head_of(path).startswith(b"MATLAB"), {}

    def visit(name: str, node: Any) -> None:
        if name.startswith("#refs#") or "MATLAB_sparse" in getattr(node.parent, "attrs", {}):
            return
        if "MATLAB_sparse" in node.attrs:
            parts = (node[key][()] if key in node else np.zeros(0) for key in ("data", "ir", "jc"))
            data, rows, starts = (part if i == 0 else part.astype(np.int64) for i, part in enumerate(parts))
            content[name] = sp.csc_array((data, rows, starts), (int(node.attrs["MATLAB_sparse"]), len(starts) - 1))
        elif isinstance(node, h5py.Dataset) and node.ndim:
            content[name] = node
            if node.dtype.kind in "SO" and not node.attrs.get("MATLAB_empty", 0):
                cells, of = node[()].ravel(), h5py.check_ref_dtype(node.dtype)
                content[name] = np.array([_decoded(c) if of is None else _decoded(file[c][()]) for c in cells])

    with damaged(path, "HDF5 file"), h5py.File(path, "r") as file:
        file.visititems(visit)
        found = _chosen(path, content, variable)
        if isinstance(found.weights, h5py.Dataset):
            found = found._replace(weights=found.weights[()].T if turned else found.weights[()])
    return found


def _chosen(path: Path, content: Mapping[str, Any], variable: str | None) -> Matrix:
    """The matrix asked for, or the only one; and the only list of names that fits."""
    arrays = {name: value for name, value in content.items() if _is_matrix(value)}
    matrices = {name: value for name, value in arrays.items() if len({*np.shape(value)}) == 1 == np.ndim(value) - 1}
    matrices = matrices or arrays  # which are refused with a word on their shape
    name = next(iter(matrices), "") if variable is None else variable
    if (variable is None and len(matrices) != 1) or name not in content or content[name] is None:
        there = ", ".join(
            f"{key} ({'Python objects, never loaded' if value is None else ' x '.join(map(str, np.shape(value)))})"
            for key, value in content.items()
        )
        wanted = f"{len(matrices) or 'no'} square matrices of numbers" if variable is None else f"no array {variable!r}"
        ask = f"; say which one, as in variable={name!r}" if matrices and variable is None else ""
        raise ValueError(f"{path} holds {wanted}; in it are {there or 'none'}{ask}.")
    weights = content[name]
    lists = {key: _texts(value) for key, value in content.items() if NAMES.fullmatch(key.rpartition("/")[2])}
    fitting = {key: texts for key, texts in lists.items() if len({*texts}) == len(texts) == np.shape(weights)[0]}
    best = min(fitting, key=lambda key: ("name" not in key.lower(), "label" not in key.lower()), default=None)
    found, note = (None, name) if best is None else (fitting[best], f"{name}, names from {best}")
    if is_sparse(weights):
        with damaged(path, "sparse matrix"):
            weights = _bounded(weights)
    return Matrix(weights, found, note=note)


def _is_matrix(value: Any) -> bool:
    shape = np.shape(value)
    return len(shape) in (2, 3) and min(shape) > 1 and getattr(value, "dtype", np.dtype(object)).kind in "biufc"


def _texts(value: Any) -> list[str]:
    """Texts of an array of texts or numbers, or of a cell array of texts; none of another array."""
    cells = [np.asarray(x).ravel() for x in np.asarray(value).ravel()]
    if all(cell.size == 1 and cell.dtype.kind in "USiuf" for cell in cells):
        return [_decoded(cell.tolist()[0]).strip() for cell in cells]
    return []


def _unpickled(archive: Any, name: str) -> Any:
    """Array of an archive, None if it holds Python objects."""
    try:
        return archive[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            return None
        raise


def _decoded(text: Any) -> str:
    if isinstance(text, np.ndarray):  # MATLAB's letters
        return "".join(map(chr, text.ravel()))
    return text.decode() if isinstance(text, bytes) else str(text)


MATRICES: dict[str, Callable[[Any, str | None], Matrix]] = {
    "array": array_matrix,
    "npy": npy_matrix,
    "npz": npz_matrix,
    "mat": mat_matrix,
    "mtx": mtx_matrix,
    "hdf5": hdf5_matrix,
}
