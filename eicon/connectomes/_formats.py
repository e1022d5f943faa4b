"""Formats, told by their content, and the matrices in binary ones; nothing in a file is ever run."""

import importlib
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._tables import Table, arrow_columns, columns_table, frame_table, head_of, text_table

MAGIC: dict[bytes, str] = {
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
    b"MATLAB 5.0 MAT-file": "mat",
    b"MATLAB 7.3 MAT-file": "hdf5",
    b"\x89HDF\r\n": "hdf5",
    b"ARROW1": "feather",
    b"PAR1\x15": "parquet",
}
REFUSED: dict[bytes, str] = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save its sheet as CSV",
    **dict.fromkeys((b"RDX2\n", b"RDX3\n"), "an R workspace: write the matrix with write.csv"),
    b"X\n\x00": "an R object: write the matrix with write.csv",
    **{
        bytes([0x80, i]): "a pickle, which runs whatever its author put into it: save an npz or CSV"
        for i in (2, 3, 4, 5)
    },
    b"%PDF": "a PDF: get the table that it prints",
    b"FEA1": "a Feather file of the first version: write it anew",
    **dict.fromkeys((b"{", b"["), "JSON: write the connections as CSV or GraphML"),
    **dict.fromkeys((b"graph [", b'Creator "', b"*Vertices", b"*vertices"), "GML or Pajek: write the graph as GraphML"),
    b"SQLite format": "a database: write the table of connections as CSV",
}
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


def kind_of(path: Path) -> str:
    """Format of a file, by its content: one of `MAGIC`, "eicon", "npz" or "tvb" of a zip, "graph", else "text"."""
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}.")
    head = head_of(path)
    refused = next((what for magic, what in REFUSED.items() if head.lstrip().startswith(magic)), None)
    if refused:
        raise ValueError(f"{path} is {refused}.")
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "text")
    if kind == "zip":
        with damaged(path, "zip archive"):
            members = zipfile.ZipFile(path).namelist()
        if "header.json.npy" in members:
            return "eicon"
        if any(member.endswith(".npy") for member in members):
            return "npz"
        if any(re.search(r"(^|/)weights\.txt", member) for member in members):
            return "tvb"
        excel = ": save the sheet of an Excel workbook as CSV" if "[Content_Types].xml" in members else ""
        raise ValueError(f"{path} is a zip archive without arrays or a TVB connectivity (weights.txt){excel}.")
    if kind == "text" and re.match(rb"(\xef\xbb\xbf)?\s*<", head):
        return "graph"
    return "mat" if kind == "text" and path.suffix.lower() == ".mat" else kind


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
    if is_frame(source):
        return frame_table(source, index)
    path = Path(source)
    kind = kind_of(path)
    if kind in ("feather", "parquet"):
        return columns_table(path.name, arrow_columns(path, kind))
    if kind == "eicon":
        raise ValueError(f"{path} was written by eicon: read_npz and load read it.")
    if kind != "text":
        raise ValueError(f"{path} is no table ({kind}); tables are read from text, Feather, Parquet or a data frame.")
    return text_table(path, delimiter, encoding)


def is_frame(value: Any) -> bool:
    """Whether an object is a data frame, of which nothing is imported."""
    return all(hasattr(value, name) for name in ("columns", "index", "notna"))


def is_array(value: Any) -> bool:
    """Whether an object is an array, a sparse matrix, or nested lists."""
    return is_sparse(value) or isinstance(value, np.ndarray | list | tuple)


def is_sparse(value: Any) -> bool:
    """Whether an array is one of scipy.sparse."""
    return hasattr(value, "tocoo")


def array_matrix(value: Any, variable: str | None) -> Matrix:
    """Matrix of an array, which may be sparse, or of nested lists."""
    return Matrix(_bounded(value) if is_sparse(value) else np.asarray(value))


def _bounded(matrix: Any) -> Any:
    """Sparse matrix in rows, once its indices are known to be inside of it: scipy trusts what a file says."""
    if hasattr(matrix, "check_format"):
        matrix.check_format(full_check=True)
    return sp.csr_array(matrix.tocsr())


def npy_matrix(path: Path, variable: str | None) -> Matrix:
    """Array of an npy file, whose size is checked before memory is taken."""
    with damaged(path, "npy file without Python objects"):
        return Matrix(np.array(np.load(path, mmap_mode="r", allow_pickle=False)))


def npz_matrix(path: Path, variable: str | None) -> Matrix:
    """Sparse matrix of scipy, or the square array of an archive of numpy."""
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


def hdf5_matrix(path: Path, variable: str | None) -> Matrix:
    """Matrix of a MATLAB file of version 7.3, which stores columns first, or of another HDF5 file, which does not."""
    try:
        h5py = importlib.import_module("h5py")
    except ImportError:
        raise ImportError(
            f"{path} is an HDF5 file (MATLAB's version 7.3): pip install 'eicon[exchange]', or save with '-v7' in "
            "MATLAB."
        ) from None
    turned = head_of(path).startswith(b"MATLAB")

    def sparse(group: Any) -> Any:
        from scipy import sparse as sp

        starts = group["jc"][()].astype(np.int64)
        rows, data = (group[key][()] if key in group else np.zeros(0) for key in ("ir", "data"))
        return sp.csc_array((data, rows.astype(np.int64), starts), (int(group.attrs["MATLAB_sparse"]), len(starts) - 1))

    def texts(node: Any) -> np.ndarray:
        references = h5py.check_ref_dtype(node.dtype) is not None
        cells = node[()].ravel()
        return np.array(["".join(map(chr, file[c][()].ravel())) if references else _decoded(c) for c in cells])

    content: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        if name.startswith("#refs#") or "MATLAB_sparse" in getattr(node.parent, "attrs", {}):
            return
        if "MATLAB_sparse" in node.attrs:
            content[name] = sparse(node)
        elif isinstance(node, h5py.Dataset) and node.ndim:
            of_text = node.dtype.kind in "SO" and not node.attrs.get("MATLAB_empty", 0)
            content[name] = texts(node) if of_text else node

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
    lists = {key: _texts(value) for key, value in content.items() if key != name and np.ndim(value)}
    fitting = {key: texts for key, texts in lists.items() if texts and len(texts) == weights.shape[0]}
    named = {key: texts for key, texts in fitting.items() if NAMES.fullmatch(key.rpartition("/")[2])}
    found = next(iter(named.values())) if len(named) == 1 else None
    note = f"{name}{'' if found is None else ', names from ' + next(iter(named))}"
    if is_sparse(weights):
        with damaged(path, "sparse matrix"):
            weights = _bounded(weights)
    return Matrix(weights, found, note=note)


def _is_matrix(value: Any) -> bool:
    shape = np.shape(value)
    return len(shape) in (2, 3) and min(shape) > 1 and getattr(value, "dtype", np.dtype(object)).kind in "biuf"


def _texts(value: Any) -> list[str] | None:
    """Texts of an array of texts or whole numbers, or of a cell array of texts."""
    array = np.asarray(value)
    if array.dtype.kind in "USiu":
        return [_decoded(x).strip() for x in array.ravel().tolist()]
    if array.dtype == object:
        texts = [np.asarray(x).ravel() for x in array.ravel()]
        if all(t.size == 1 and t.dtype.kind in "USiu" for t in texts):
            return [str(t[0]).strip() for t in texts]
    return None


def _unpickled(archive: Any, name: str) -> Any:
    """Array of an archive, None if it holds Python objects."""
    try:
        return archive[name]
    except ValueError as error:
        if "pickle" in str(error).lower() or "object" in str(error).lower():
            return None
        raise


def _decoded(text: Any) -> str:
    return text.decode() if isinstance(text, bytes) else str(text)


MATRICES: dict[str, Callable[[Any, str | None], Matrix]] = {
    "array": array_matrix,
    "npy": npy_matrix,
    "npz": npz_matrix,
    "mat": mat_matrix,
    "hdf5": hdf5_matrix,
}
