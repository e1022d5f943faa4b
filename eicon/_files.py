"""Atomic writing of files, and checked reading of text, JSON and arrays.

Arrays with a JSON header are stored in one npz, without pickle; the header lists every array with its checksum.
"""

import contextlib
import csv
import functools
import io
import json
import math
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ._lock import refuse_lost
from ._version import __date__, __version__

HEADER = "header.json"
ADDED = ("format", "eicon", "eicon_date", "arrays")
"""Keys of the header that `load_arrays` does not return."""
LARGEST_JSON = 2**24
"""Largest JSON file in bytes; the names and labels of a connectome may be larger."""
DEEPEST_JSON = 50
"""Largest depth of nested lists and objects."""
SLACK = 130
"""Bytes around a member of an archive, besides its name and content; an npy file has 128 of its own."""
SMALL, MOST_PACKED = 2**25, 100
"""Unpacked size in bytes that is always accepted, and the largest ratio to the packed size above it."""


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file next to ``path`` that replaces it only once it is completely on disk.

    Raises
    ------
    DirectoryLostError
        If this process has locked an enclosing directory, and that directory was removed.
    """
    target = Path(path)
    refuse_lost(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise type(error)(
            error.errno, error.strerror, str(target)
        ) from error  # names the target, not the temporary file
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as stream:
        stream.write(text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a JSON-compatible value atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def csv_text(value: Any) -> Any:
    """Return a table cell that no spreadsheet takes for a formula; numbers stay unchanged.

    Examples
    --------
    >>> csv_text("=cmd|' /C calc'!A0"), csv_text("V1"), csv_text("-0.5"), csv_text(-0.5)
    ("'=cmd|' /C calc'!A0", 'V1', '-0.5', -0.5)
    """
    if not isinstance(value, str) or value[:1] not in {*"=+-@\t\r\n"}:
        return value
    with contextlib.suppress(ValueError):
        float(value)
        return value
    return f"'{value}"


def csv_table(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV, in which no text is a formula."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(csv_text, row) for row in rows)
    return text.getvalue()


@contextlib.contextmanager
def named(path: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Turn any error caused by the content of a file into a ValueError of one line that names the file.

    Libraries raise many types of errors for damaged files. An error that already names the file is not changed.

    Parameters
    ----------
    path : path
    what : str
        What the file should be, as in "run record".
    """
    try:
        yield
    except ImportError:
        raise  # a missing package is not an error of the file
    except Exception as error:
        said = " ".join(str(error).split()).removesuffix(".")[:500] or type(error).__name__
        if isinstance(error, ValueError | OSError) and Path(path).name in said:
            raise
        if isinstance(error, KeyError):
            raise ValueError(f"{path} is incomplete: it lacks {said}.") from error
        raise ValueError(f"{path} is damaged, or not a valid {what} ({said}).") from error


def check_unpacked(path: str | os.PathLike[str], unpacked: int, packed: int) -> None:
    """Reject content that would take much more memory than its file.

    Raises
    ------
    ValueError
        If it is large and more than 100 times as large as the file.
    """
    if unpacked > max(SMALL, MOST_PACKED * packed):
        raise ValueError(
            f"{path} would unpack from {packed} to {unpacked} bytes or more; the limit is {MOST_PACKED} times the size "
            f"of the file, or {SMALL} bytes. If the file is genuine, unpack it yourself."
        )


def read_text(path: str | os.PathLike[str], what: str, *, largest: int = LARGEST_JSON) -> str:
    """Read the text of a file in UTF-8.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is too large, or not encoded as UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {what} at {path}.")
    if (size := path.stat().st_size) > largest:
        raise ValueError(f"{path} has {size} bytes, which is too large for a {what}: up to {largest} are read.")
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; expected a {what} in UTF-8."
        ) from error


def read_json(path: str | os.PathLike[str], what: str, *, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """Read the JSON object of a file.

    Parameters
    ----------
    path : path
    what : str
        What the file should be, as in "run record".
    largest : int
        Largest number of bytes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is too large, damaged, not JSON, nested too deeply, or not an object.
    """
    text = read_text(path, what, largest=largest)
    if not text.strip():
        raise ValueError(f"{path} is empty; expected a {what} in JSON.")
    try:
        value = _parsed_json(text)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: expected a {what} in JSON ({error}).") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged: expected a {what}, an object in JSON; got {repr(value)[:60]}.")
    return value


def _parsed_json(text: str) -> Any:
    """Parse JSON, and check that it is not nested too deeply."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    inner = [value]
    for _ in range(DEEPEST_JSON + 1):
        inner = [v for o in inner if isinstance(o, dict | list) for v in (o.values() if isinstance(o, dict) else o)]
        if not inner:
            return value
    raise ValueError(f"it is nested more than {DEEPEST_JSON} levels deep")


def save_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    *,
    kind: str,
    version: int,
    header: Mapping[str, Any],
) -> None:
    """Write named arrays and a JSON header to one npz file, atomically.

    The header lists type, shape and checksum of every array (the CRC-32 of its member of the archive), and has its own
    checksum, so that `load_arrays` detects anything missing, changed or added.

    Parameters
    ----------
    path : path
    arrays : mapping of str to array
        No object arrays.
    kind : str
        Kind of content; `load_arrays` rejects any other.
    version : int
        Format version; `load_arrays` rejects newer ones.
    header : mapping
        JSON-compatible, without the keys that are added: format, version, eicon and eicon_date (version and release
        date of eicon), arrays and checksum.
    """
    listed: dict[str, list[Any]] = {}
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, value in arrays.items():
            array = np.asanyarray(value)
            listed[name] = [array.dtype.str, list(array.shape), _written(archive, name, array)]
        identity = {"format": f"eicon.{kind}", "version": version, "eicon": __version__, "eicon_date": __date__}
        text = json.dumps({**identity, **header, "arrays": listed})
        text = f'{{"checksum": {zlib.crc32(text.encode())}, {text[1:]}'
        _written(archive, HEADER, np.frombuffer(text.encode(), np.uint8))


def _written(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> int:
    """Add a member to an archive and return its CRC-32."""
    member = zipfile.ZipInfo(f"{name}.npy")  # with a fixed date: equal content gives equal files
    with archive.open(member, "w", force_zip64=True) as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)
    return member.CRC


def load_arrays(
    path: str | os.PathLike[str], *, kind: str, version: int, largest_header: int = LARGEST_JSON
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a file of `save_arrays`; the header contains its format version.

    Files of eicon 0.1.0, whose header lists no arrays, are read without these checks.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated or damaged, is not an eicon file of this kind, has a newer format version, or does not
        contain exactly the arrays that its header lists.
    """
    path = Path(path)
    if not path.is_file():
        inside = path / f"{kind}.npz"
        more = f" It is a directory: read {inside}." if inside.is_file() else ""
        raise FileNotFoundError(f"no eicon {kind} file at {path}.{more}")
    with named(path, f"eicon {kind}"):
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise ValueError(
                f"{path} is not an eicon {kind} file, or it is truncated: it is not an npz archive ({error})."
            ) from error
        with archive:
            members = _members(path, archive)
            header = _header(path, archive, members.pop(HEADER, None), largest_header)
            if (found := header["format"]) != f"eicon.{kind}":
                raise ValueError(f"{path} contains {found!r:.80}, not an eicon {kind}.")
            if header["version"] > version:
                raise ValueError(
                    f"{path} has version {header['version']} of the eicon {kind} format; this eicon reads versions up "
                    f"to {version}. Update eicon to read it."
                )
            listed = header.get("arrays")
            checked = isinstance(listed, dict) or "checksum" in header
            if checked and header.pop("checksum") != zlib.crc32(json.dumps(header).encode()):
                raise ValueError(f"{path} is damaged: the checksum of its header is wrong.")
            _check_listed(path, listed, members)
            arrays = {name: _array(archive.read(member)) for name, member in members.items()}
            if isinstance(listed, dict):
                for name, array in arrays.items():
                    if [array.dtype.str, list(array.shape)] != listed[name][:2]:
                        raise ValueError(f"{path} is damaged: {name!r} is not the array that its header lists.")
    return arrays, {key: value for key, value in header.items() if key not in ADDED}


def read_npz(path: str | os.PathLike[str], *, objects: bool = False) -> dict[str, Any]:
    """Read the arrays of any npz file, none of them pickled.

    Parameters
    ----------
    path : path
    objects : bool
        Return None for arrays of Python objects instead of rejecting the file.

    Raises
    ------
    ValueError
        If the file is damaged, or an array contains Python objects.
    """
    found = {}
    with named(path, "npz archive"), zipfile.ZipFile(path) as archive:
        for name, member in _members(path, archive).items():
            if member.filename.endswith(".npy"):
                data = archive.read(member)
                is_object = objects and _described(data[: _end_of_description(data)]).dtype.hasobject
                found[name] = None if is_object else _array(data)
    return found


def read_npy(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the array of an npy file, checking its size before memory is allocated.

    Raises
    ------
    ValueError
        If the file is damaged, or contains Python objects, which are never loaded.
    """
    with named(path, "npy file"):
        return _array(Path(path).read_bytes())


def _members(path: Path | str | os.PathLike[str], archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of an archive by name, checking that each occurs once and unpacks to a sensible size."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in members:
            raise ValueError(f"{path} is damaged: it contains {name!r} twice.")
        members[name] = member
    if _has_gap(archive):
        raise ValueError(f"{path} is damaged: it contains an array that its table of contents does not list.")
    check_unpacked(path, sum(member.file_size for member in members.values()), os.path.getsize(path))
    return members


def _header(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo | None, largest: int) -> dict[str, Any]:
    """Read and check the header."""
    if member is not None and member.file_size > largest:
        raise ValueError(f"{path} is damaged: its header has {member.file_size} bytes; the limit is {largest}.")
    try:
        if member is None:
            raise ValueError("no header.json")
        header = _parsed_json(bytes(_array(archive.read(member))).decode())
        if not isinstance(header, dict) or not isinstance(header["format"], str):
            raise ValueError("no format")
        if isinstance(header["version"], bool) or not isinstance(header["version"], int):
            raise ValueError(f"version {header['version']!r:.80}")
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} was not written by eicon: it has no eicon header ({error}).") from error
    return header


def _check_listed(path: Path, listed: Any, members: Mapping[str, zipfile.ZipInfo]) -> None:
    """Reject an archive with missing, different or additional arrays, compared with its header."""
    if listed is None:  # a file of version 0.1.0
        return
    if missing := [repr(name) for name in listed if name not in members]:
        raise ValueError(f"{path} is incomplete: it lacks {', '.join(missing)}, which its header lists.")
    if surplus := [repr(name) for name in members if name not in listed]:
        raise ValueError(f"{path} is damaged: it contains {', '.join(surplus)}, which its header does not list.")
    if isinstance(listed, dict):
        other = [repr(name) for name, (_, _, checksum) in listed.items() if checksum != members[name].CRC]
        if other:
            raise ValueError(f"{path} is damaged: the checksum of {', '.join(other)} differs from that in its header.")


def _has_gap(archive: zipfile.ZipFile) -> bool:
    """Return whether an archive has space for an array that it does not list."""
    members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    begins = [*(member.header_offset for member in members), archive.start_dir]
    ends = [0, *(m.header_offset + len(m.filename.encode()) + m.compress_size for m in members)]
    return any(begin - end > SLACK for begin, end in zip(begins, ends, strict=True))


def _array(data: bytes) -> np.ndarray:
    """Return the array in the bytes of an npy file, whose number must match its shape and type."""
    shape, fortran, dtype, start = _described(data[: _end_of_description(data)])
    if dtype.hasobject:
        raise ValueError("it contains Python objects, which are never loaded")
    wanted, there = math.prod(shape) * dtype.itemsize, len(data) - start
    if wanted != there:
        raise ValueError(f"an array of shape {shape} and type {dtype} takes {wanted} bytes; there are {there}")
    if dtype.kind == "U" and there and dtype.itemsize:
        letters = np.frombuffer(data, np.dtype(np.uint32).newbyteorder(dtype.byteorder), offset=start)
        if letters.max() > sys.maxunicode or ((letters >= 0xD800) & (letters < 0xE000)).any():
            raise ValueError("it contains invalid characters")
    return np.ndarray(shape, dtype, data, start, order="F" if fortran else "C").copy("K")


def _end_of_description(data: bytes) -> int:
    wide = data[6:7] > b"\1"  # from version 2 on, the size takes four bytes
    return (12 if wide else 10) + int.from_bytes(data[8 : 12 if wide else 10], "little")


class _Description(NamedTuple):
    """Description of the array in an npy file, and the offset of its data."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int


@functools.lru_cache(1024)
def _described(head: bytes) -> _Description:
    """Parse the description of an array; equal ones are cached, for thousands of small files."""
    stream = io.BytesIO(head)
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version} of npy is not supported")
    shape, fortran, dtype = read(stream)
    if min(shape, default=0) < 0:
        raise ValueError(f"shape {shape}")
    return _Description(shape, fortran, dtype, stream.tell())


def without_nan(value: Any) -> Any:
    """Replace NaN and infinite numbers by None and arrays by lists in a nested value, for JSON."""
    if isinstance(value, np.ndarray | np.generic):
        return without_nan(value.tolist())
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
