"""Zips in the layout of The Virtual Brain: weights, and the names and positions of regions, as text."""

import bz2
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from .._files import MOST_PACKED, SMALL, check_unpacked, named
from ._formats import Matrix
from ._tables import is_number


def tvb_matrix(path: Path, variable: str | None = None) -> Matrix:
    """Read weights, names and positions (mm) of regions from a zip in TVB's layout."""
    texts = _zipped(path, ("weights.txt", "centres.txt", "centers.txt", "tract_lengths.txt"))
    centres = next((texts[name] for name in ("centres.txt", "centers.txt") if name in texts), None)
    if "weights.txt" not in texts or centres is None:
        lacking = "centres.txt" if "weights.txt" in texts else "weights.txt"
        raise ValueError(f"{path} is not a TVB connectivity: it contains no file {lacking!r}.")
    names, positions = [], []
    for line in centres.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip('" ') for cell in (line.split("\t") if "\t" in line else line.split())]
        while len(cells) > 4 and not is_number(cells[-1]):
            cells.pop()
        if len(cells) < 3 or not all(map(is_number, cells[-3:])):
            raise ValueError(f"{path}, centres: expected a name and three numbers; got {line!r}.")
        positions.append([float(cell) for cell in cells[-3:]])
        names.append(" ".join(cells[:-3]))
    lengths = "lengths of tracts are not read" if "tract_lengths.txt" in texts else ""
    return Matrix(
        matrix_of_text(texts["weights.txt"], path), names if any(names) else None, np.array(positions), lengths
    )


def _zipped(path: Path, wanted: Sequence[str]) -> dict[str, str]:
    """Read text files in a zip, by name without folders and without the extension of a compressed file."""
    texts: dict[str, str] = {}
    packed = path.stat().st_size
    with named(path, "zip file"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = PurePosixPath(member.filename).name
            if name.removesuffix(".bz2") not in wanted:
                continue
            check_unpacked(path, member.file_size, packed)
            data = archive.read(member)
            if name.endswith(".bz2"):
                unpack = bz2.BZ2Decompressor()
                data = unpack.decompress(data, max(SMALL, MOST_PACKED * packed) + 1)
                check_unpacked(path, len(data), packed)
                if not unpack.eof:
                    raise ValueError(f"{name} is incomplete")
            text = data.decode("utf-8-sig")
            if texts.setdefault(name.removesuffix(".bz2"), text) != text:
                raise ValueError(f"it contains several different files {name}; keep one")
    return texts


def matrix_of_text(text: str, path: Path) -> np.ndarray:
    """Parse a matrix of numbers separated by white space."""
    try:
        return np.loadtxt(text.splitlines(), dtype=np.float64, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path} contains no matrix of numbers ({error}).") from error
