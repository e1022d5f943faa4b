"""Checks of HDF5 files before the HDF5 library opens them."""

import mmap
import os

LARGEST = 2**28
"""Largest file in bytes that is searched; searching more would take as long as reading."""


def check_heaps(path: str | os.PathLike[str]) -> None:
    """Reject a file with damaged heaps of text and references, which HDF5 would search forever.

    HDF5 steps through the objects of a global heap by their sizes, and never leaves a damaged one of size 0.

    Raises
    ------
    ValueError
        Names the position.
    """
    if not 0 < os.path.getsize(path) <= LARGEST:
        return
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(b"GCOL\1\0\0\0")
        while at >= 0:
            place, end = at + 16, min(at + _number(data, at + 8, 8), len(data))
            while place + 16 <= end:
                size = _number(data, place + 8, 8)
                step = (size if not _number(data, place, 2) else 16 + (size + 7) // 8 * 8) % 2**64
                if not step:
                    raise ValueError(f"{path} is damaged: the object at byte {place} of a heap of HDF5 has no size.")
                place += step
            at = data.find(b"GCOL\1\0\0\0", at + 8)


def _number(data: mmap.mmap, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
