"""MATLAB files of version 4 to 7, read by scipy after a check of their structure."""

import math
import zlib
from pathlib import Path
from typing import Any

from ._files import MOST_PACKED, SMALL, check_unpacked, named

_ARRAY, _PACKED, _SPARSE = 14, 15, 5
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""Sizes of the numbers in MATLAB's files, by type."""


def mat_content(path: Path) -> dict[str, Any]:
    """Return the variables of a MATLAB file of version 4 to 7."""
    from scipy import io  # its import takes longer than reading most files

    with named(path, "MATLAB file"):
        data = path.read_bytes()
        if data.startswith(b"MATLAB 5"):
            order = "little" if data[126:128] == b"IM" else "big"
            unpacked, most = 0, max(SMALL, MOST_PACKED * len(data))
            for kind, start, stop in _mat_elements(data, 128, len(data), order, {_ARRAY, _PACKED}):
                if kind == _PACKED:
                    unpack = zlib.decompressobj()
                    inner = unpack.decompress(data[start:stop], most - unpacked + 1)
                    unpacked += len(inner)
                    check_unpacked(path, unpacked, len(data))
                    if not unpack.eof:
                        raise ValueError(f"the variable packed at byte {start} is not whole")
                    _mat_elements(inner, 0, len(inner), order, {_ARRAY})
        content = io.loadmat(path, appendmat=False)
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _mat_elements(data: bytes, start: int, stop: int, order: Any, allowed: set[int]) -> list[tuple[int, int, int]]:
    """Return type and position of each element of a MATLAB file; scipy trusts them, and a wrong one can crash it."""
    found = []
    while start < stop:
        kind, size = (int.from_bytes(data[start + i : start + i + 4], order) for i in (0, 4))
        body, following = start + 8, start + 8 + size + (0 if kind == _PACKED else -size % 8)
        if kind >> 16:  # up to four bytes within the tag
            kind, size, body, following = kind & 0xFFFF, kind >> 16, start + 4, start + 8
        if kind not in allowed or body + size > stop:
            raise ValueError(f"element of type {kind} and {size} bytes at byte {start}")
        if kind == _ARRAY and size:
            parts = _mat_elements(data, body, body + size, order, {*_BYTES, _ARRAY})
            if [kind for kind, _, _ in parts[:3]] != [6, 5, 1] or parts[0][2] - parts[0][1] != 8:
                raise ValueError(f"array at byte {start} has no size and name")
            flags = int.from_bytes(data[parts[0][1] : parts[0][1] + 4], order)
            _check_mat_size(data[parts[1][1] : parts[1][2]], flags & 255, parts[3:], order, start)
            of_numbers, complex_parts = flags & 255 in range(4, 16), flags >> 11 & 1
            wanted = (6 if flags & 255 == _SPARSE else 4) + complex_parts
            kinds = [part for part, _, _ in parts]
            if flags & 255 not in range(1, 18) or (of_numbers and (len(kinds) != wanted or _ARRAY in kinds)):
                raise ValueError(f"array of class {flags & 255} with {len(kinds)} parts at byte {start}")
            if complex_parts and not of_numbers:
                raise ValueError(f"array of class {flags & 255} with imaginary numbers at byte {start}")
        found.append((kind, body, body + size))
        start = following
    return found


def _check_mat_size(sizes: bytes, kind: int, parts: list[tuple[int, int, int]], order: Any, at: int) -> None:
    """Reject an array of texts, numbers or cells with fewer elements than its size requires."""
    count = math.prod(int.from_bytes(sizes[i : i + 4], order, signed=True) for i in range(0, len(sizes), 4))
    bytes_of = parts[0][2] - parts[0][1] if parts else 0
    there = bytes_of // _BYTES.get(parts[0][0], 1) if parts else 0
    if kind == 1:
        there = len(parts)
    if len(sizes) < 8 or count < 0 or (kind in {1, 4, *range(6, 16)} and count > there):
        raise ValueError(f"array at byte {at} should contain {count} elements; found {there}")
