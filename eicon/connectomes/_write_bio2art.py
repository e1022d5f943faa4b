"""Writer of connectome folders in the format of bio2art, without pickle."""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

import numpy as np

from .._files import atomic_file
from ._bio2art import FILES, check_known, full_name
from ._connectome import Connectome
from ._orientation import Rows


def write_bio2art(
    folder: str | os.PathLike[str],
    connectome: Connectome,
    *,
    name: str | None = None,
    rows: Rows | None = None,
    overwrite: bool = False,
) -> None:
    """Write a connectome in the layout of bio2art: ``C_<name>.npy``, ``Names_<name>.lst`` and ``ND_<name>.npy``.

    bio2art and `read_bio2art` both read the folder. Names are written as the list of texts that bio2art unpickles,
    assembled by hand from the four instructions needed. Densities are written if known. The format does not
    include the orientation, which is written to ``Rows_<name>.txt``, nor signs, labels, coordinates, species
    and citation, which are lost; `Connectome.save` keeps everything.

    Parameters
    ----------
    folder : path
        Created if it does not exist; other files in it are kept.
    connectome : Connectome
    name : str, optional
        Name of the data set, by default ``connectome.name``.
    rows : {"source", "target", "symmetric"}, optional
        Meaning of a row of the file; by default the source, and for the data sets bundled with bio2art their
        orientation there.
    overwrite : bool
        Whether to replace existing files.

    Raises
    ------
    FileExistsError
        If one of the files exists and ``overwrite`` is False; nothing is written.
    ValueError
        If the name is not a valid file name, or belongs to a data set of bio2art that differs in orientation or
        content; nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> from eicon.connectomes import read_bio2art
    >>> pair = Connectome(np.array([[0.0, 2.0], [0.0, 0.0]]), ("V1", "LM"), name="pair")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bio2art(folder, pair)
    ...     read_bio2art("pair", folder, rows="source").digest == pair.digest
    True
    """
    name = full_name(connectome.name if name is None else name)
    if not name or name != Path(name).name or name.startswith("."):
        raise ValueError(f"name must be a valid file name, such as 'Mouse_V1'; got {name!r}.")
    known = FILES.get(name)
    rows = _rows(name, connectome, rows)
    if known is not None:
        check_known(Path(folder) / f"C_{name}.npy", connectome.weights, known)
    contents: dict[str, np.ndarray | bytes] = {
        f"C_{name}.npy": np.ascontiguousarray(connectome.weights.T if rows == "target" else connectome.weights),
        f"Names_{name}.lst": listed(connectome.names),
        f"Rows_{name}.txt": _about(rows).encode(),
    }
    if connectome.densities is not None:
        contents[f"ND_{name}.npy"] = connectome.densities
    place = Path(folder)
    there = sorted(file.name for file in (place / part for part in (*contents, f"ND_{name}.npy")) if file.exists())
    if there and not overwrite:
        raise FileExistsError(
            f"{place} already contains {', '.join(there)}; nothing was written. Pass another name, or overwrite=True."
        )
    for part, content in contents.items():
        with atomic_file(place / part) as stream:
            if isinstance(content, bytes):
                stream.write(content)
            else:
                np.save(stream, content, allow_pickle=False)
    if connectome.densities is None:
        (place / f"ND_{name}.npy").unlink(missing_ok=True)


def listed(names: Sequence[str]) -> bytes:
    """Encode a list of texts in protocol 2 of pickle: start, a list, its texts in UTF-8, append, end."""
    texts = (name.encode() for name in names)
    return b"\x80\x02](" + b"".join(b"X" + struct.pack("<I", len(text)) + text for text in texts) + b"e."


def _rows(name: str, connectome: Connectome, rows: str | None) -> Rows:
    known = FILES.get(name)
    if known is not None and rows not in (None, known.rows):
        raise ValueError(f"the rows of {name} are {known.rows!r} in bio2art; got rows={rows!r}. Leave `rows` out.")
    chosen = known.rows if known is not None else (rows or "source")
    if chosen not in get_args(Rows):
        raise ValueError(f"rows must be 'source', 'target' or 'symmetric'; got {rows!r}.")
    if chosen == "symmetric" and known is None and not np.array_equal(connectome.weights, connectome.weights.T):
        raise ValueError("rows='symmetric' needs a symmetric connectome; pass 'source' or 'target'.")
    return cast("Rows", chosen)


def _about(rows: Rows) -> str:
    words = {
        "source": "rows are sources: C[i, j] is the connection from i to j",
        "target": "rows are targets: C[i, j] is the connection from j to i",
        "symmetric": "the matrix is symmetric, and contains no directions",
    }
    return f"{words[rows]}\nread it with: eicon.connectomes.read_bio2art(name, folder, rows={rows!r})\n"
