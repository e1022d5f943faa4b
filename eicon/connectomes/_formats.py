"""File formats, recognised by content, and readers of binary matrices; no code in a file is ever run."""

import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._files import check_unpacked, named, read_npy, read_npz
from .._hdf5 import check_heaps
from .._matlab import mat_content
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
"""Objects recognised by their attributes, without importing their packages; nested lists are arrays."""
REFUSED: dict[bytes, str] = {
    rb"\xd0\xcf\x11\xe0": "an Excel workbook: save its sheet as CSV",
    rb"RDX[23]\n|X\n\0": "an R object or workspace: write the matrix with write.csv",
    rb"\x80[\2-\5]": "a pickle, which runs any code its author put into it: save an npz or CSV",
    rb"%PDF": "a PDF: get the table that it prints",
    rb"FEA1": "a Feather file of version 1: save it as version 2",
    rb"[{[]": "JSON or a printed array: write the matrix or the connections as CSV",
    rb'graph\s*\[|Creator "|\*[Vv]ertices|\*[Nn]etwork': "GML or Pajek: write the graph as GraphML",
    rb"SQLite format": "a database: write the table of connections as CSV",
    rb"(?i:<!doctype html|<html|<table)": "a web page: download the file that it shows or links to",
    rb"version https://git-lfs": "a Git LFS pointer: fetch the file itself with git lfs pull",
    rb".{257}ustar|\x28\xb5\x2f\xfd|7z\xbc\xaf": "an archive: unpack it first",
    rb"# (Created by|name:)(?s:.)*# type: sparse matrix": "Octave's text of a sparse matrix: save it with -v7",
}
"""Unsupported formats, by a regular expression of their first bytes."""
MOST_UNITS = 2**24
"""Largest number of rows of a sparse matrix; each takes memory even without entries."""
NAMES = re.compile(
    r"names?|labels?|ids?|regions?|rois?|neurons?|nodes?|(region|roi|node|neuron)_?(names|labels|ids)", re.I
)


class Matrix(NamedTuple):
    """A matrix with the orientation of its file."""

    weights: Any
    names: Sequence[str] | None = None
    coordinates: np.ndarray | None = None
    note: str = ""


def kind_of(source: Any) -> str:
    """Return the kind of an object, or of a file: one of `MAGIC`, of a zip, "eicon", "graph", else "text"."""
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
        raise ValueError(f"{path} is a file of kind {kind} that was compressed again: unpack it first.")
    if kind == "zip":
        with named(path, "zip archive"):
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


def open_table(source: Any, delimiter: str | None = None, encoding: str | None = None, *, index: bool = False) -> Table:
    """Open a text, Feather or Parquet file, or a data frame, as a table; an index can be the first column."""
    if (kind := kind_of(source)) == "data frame":
        return frame_table(source, index)
    path = Path(source)
    if kind in ("feather", "parquet"):
        return columns_table(path.name, arrow_columns(path, kind))
    if kind == "eicon":
        raise ValueError(f"{path} was written by eicon: read it with read_npz or load.")
    if kind != "text":
        raise ValueError(f"{path} is not a table ({kind}); tables are read from text, Feather, Parquet or data frames.")
    return text_table(path, delimiter, encoding)


def is_sparse(value: Any) -> bool:
    """Return whether an array belongs to scipy.sparse."""
    return hasattr(value, "tocoo")


def array_matrix(value: Any, variable: str | None) -> Matrix:
    """Make a matrix from an array, which may be sparse, or from nested lists."""
    if np.ma.isMaskedArray(value):
        value = np.ma.filled(value.astype(float), np.nan)
    return Matrix(_bounded(value) if is_sparse(value) else np.asarray(value))


def _bounded(matrix: Any) -> Any:
    """Convert a sparse matrix to rows after checking its indices, which scipy would trust."""
    from scipy import sparse as sp

    if max(matrix.shape) > MOST_UNITS:
        raise ValueError(f"a matrix of shape {matrix.shape}; up to {MOST_UNITS} units are read")
    if matrix.dtype.kind not in "biufc":
        raise ValueError(f"a matrix of {matrix.dtype}; numbers are read")
    if matrix.format not in ("csr", "csc"):
        return sp.csr_array(matrix.tocsr())
    n, below = matrix.shape if matrix.format == "csr" else matrix.shape[::-1]
    starts, inner = (np.asarray(part).astype(np.int64) for part in (matrix.indptr, matrix.indices))
    steps = np.diff(starts)
    if (
        starts.shape != (n + 1,)
        or starts[0] != 0
        or (steps < 0).any()
        or starts[-1] > min(len(inner), len(matrix.data))
    ):
        raise ValueError("the row offsets of the sparse matrix are damaged")
    inner, data = inner[: starts[-1]], np.array(matrix.data[: starts[-1]], matrix.dtype.newbyteorder("="))
    if inner.size and not 0 <= inner.min() <= inner.max() < below:
        raise ValueError(f"indices of the sparse matrix are outside 0..{below - 1}")
    outer = np.repeat(np.arange(n), steps)
    pairs = (outer, inner) if matrix.format == "csr" else (inner, outer)
    return sp.csr_array(sp.coo_array((data, pairs), shape=matrix.shape))


def npy_matrix(path: Path, variable: str | None) -> Matrix:
    """Read the array of an npy file."""
    return Matrix(read_npy(path))


def npz_matrix(path: Path, variable: str | None) -> Matrix:
    """Read a sparse matrix of scipy, or the square array of an archive of numpy."""
    from scipy import sparse as sp

    arrays = read_npz(path, objects=True)
    with named(path, "npz archive"):
        if {"format", "shape", "data"} <= arrays.keys():
            return Matrix(_bounded(sp.load_npz(path)))
        return _chosen(path, arrays, variable)


def mat_matrix(path: Path, variable: str | None) -> Matrix:
    """Read the matrix of a MATLAB file of version 4 to 7."""
    return _chosen(path, mat_content(path), variable)


def mtx_matrix(path: Path, variable: str | None) -> Matrix:
    """Read the matrix of a Matrix Market text; scipy's reader crashes the process where lines are missing."""
    from scipy import sparse as sp

    with named(path, "Matrix Market file"), path.open(encoding="utf-8") as stream:
        kind, field, symmetry = stream.readline().lower().split()[2:5]
        if field not in ("real", "integer", "double", "pattern") or symmetry not in ("general", "symmetric"):
            raise ValueError(f"its numbers are {field} and {symmetry}; real ones, general or symmetric, are read")
        lines = (line for line in stream if line.strip() and not line.startswith("%"))
        size = [int(number) for number in next(lines, "").split()]
        if len(size) != {"coordinate": 3, "array": 2}.get(kind) or not 0 < min(size[:2]) <= max(size[:2]) <= MOST_UNITS:
            raise ValueError(f"its size is {size} and {kind}")
        if kind == "array":
            return Matrix(_dense_mtx(np.loadtxt(lines, ndmin=1), size[0], size[1], symmetry))
        body = np.loadtxt(lines, ndmin=2) if size[2] else np.zeros((0, 3))
        if body.shape != (size[2], 2 if field == "pattern" else 3):
            raise ValueError(f"expected {size[2]} lines of 3 numbers; got {len(body)} lines of {body.shape[1]}")
        pre, post = (body[:, i].astype(np.int64) - 1 for i in (0, 1))
        weight = np.ones(len(body)) if field == "pattern" else body[:, 2]
        if symmetry == "symmetric":
            both = pre != post
            pre, post = np.append(pre, post[both]), np.append(post, pre[both])
            weight = np.append(weight, weight[both])
        return Matrix(_bounded(sp.coo_array((weight, (pre, post)), shape=size[:2])))


def _dense_mtx(numbers: np.ndarray, rows: int, columns: int, symmetry: str) -> np.ndarray:
    """Build a matrix from its columns; those of a symmetric one list only the diagonal and the entries below."""
    wanted = rows * columns if symmetry == "general" else rows * (rows + 1) // 2
    if numbers.shape != (wanted,) or (symmetry != "general" and rows != columns):
        raise ValueError(f"there are {numbers.size} numbers; a {symmetry} matrix of {rows} x {columns} has {wanted}")
    if symmetry == "general":
        return numbers.reshape(columns, rows).T
    full = np.zeros((rows, rows))
    full[np.triu_indices(rows)] = numbers
    return full + np.triu(full, 1).T


def hdf5_matrix(path: Path, variable: str | None) -> Matrix:
    """Read the matrix of a MATLAB file of version 7.3, which stores columns first, or of any other HDF5 file."""
    from scipy import sparse as sp

    how = "pip install -e '.[exchange]', or save with '-v7' in MATLAB"

    check_heaps(path)
    h5py = package("h5py", f"{path} is an HDF5 file (MATLAB's version 7.3): {how}.")
    turned, content = head_of(path).startswith(b"MATLAB"), {}

    def read(node: Any) -> Any:
        check_unpacked(path, node.size * node.dtype.itemsize, path.stat().st_size)  # data never written are 0
        return node[()]

    def visit(name: str, node: Any) -> None:
        if name.startswith("#refs#") or "MATLAB_sparse" in getattr(node.parent, "attrs", {}):
            return
        if "MATLAB_sparse" in node.attrs:
            parts = (read(node[key]) if key in node else np.zeros(0) for key in ("data", "ir", "jc"))
            data, rows, starts = (part if i == 0 else part.astype(np.int64) for i, part in enumerate(parts))
            content[name] = sp.csc_array((data, rows, starts), (int(node.attrs["MATLAB_sparse"]), len(starts) - 1))
        elif isinstance(node, h5py.Dataset) and node.ndim:
            content[name] = node
            if node.dtype.kind in "SO" and not node.attrs.get("MATLAB_empty", 0):
                cells, of = read(node).ravel(), h5py.check_ref_dtype(node.dtype)
                content[name] = np.array([_decoded(c) if of is None else _decoded(file[c][()]) for c in cells])

    with named(path, "HDF5 file"), h5py.File(path, "r") as file:
        file.visititems(visit)
        found = _chosen(path, content, variable)
        if isinstance(found.weights, h5py.Dataset):
            weights = read(found.weights)
            found = found._replace(weights=weights.T if turned else weights)
    return found


def _chosen(path: Path, content: Mapping[str, Any], variable: str | None) -> Matrix:
    """Return the matrix requested, or the only one, and the only list of names that fits."""
    arrays = {name: value for name, value in content.items() if _is_matrix(value)}
    matrices = {name: value for name, value in arrays.items() if len({*np.shape(value)}) == 1 == np.ndim(value) - 1}
    matrices = matrices or arrays  # these are refused with a message on their shape
    name = next(iter(matrices), "") if variable is None else variable
    if (variable is None and len(matrices) != 1) or name not in content or content[name] is None:
        there = ", ".join(
            f"{key} ({'Python objects, never loaded' if value is None else ' x '.join(map(str, np.shape(value)))})"
            for key, value in content.items()
        )
        wanted = f"{len(matrices) or 'no'} square matrices of numbers" if variable is None else f"no array {variable!r}"
        ask = f"; name one, as in variable={name!r}" if matrices and variable is None else ""
        raise ValueError(f"{path} contains {wanted}; its arrays are {there or 'none'}{ask}.")
    weights = content[name]
    lists = {key: _texts(value) for key, value in content.items() if NAMES.fullmatch(key.rpartition("/")[2])}
    fitting = {key: texts for key, texts in lists.items() if len({*texts}) == len(texts) == np.shape(weights)[0]}
    best = min(fitting, key=lambda key: ("name" not in key.lower(), "label" not in key.lower()), default=None)
    found, note = (None, name) if best is None else (fitting[best], f"{name}, names from {best}")
    if is_sparse(weights):
        with named(path, "sparse matrix"):
            weights = _bounded(weights)
    return Matrix(weights, found, note=note)


def _is_matrix(value: Any) -> bool:
    shape = np.shape(value)
    return len(shape) in (2, 3) and min(shape) > 1 and getattr(value, "dtype", np.dtype(object)).kind in "biufc"


def _texts(value: Any) -> list[str]:
    """Return the texts of an array of texts or numbers, or of a cell array of texts; [] for any other array."""
    cells = [np.asarray(x).ravel() for x in np.asarray(value).ravel()]
    if all(cell.size == 1 and cell.dtype.kind in "USiuf" for cell in cells):
        return [_decoded(cell.tolist()[0]).strip() for cell in cells]
    return []


def _decoded(text: Any) -> str:
    if isinstance(text, np.ndarray):  # character codes of MATLAB
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
