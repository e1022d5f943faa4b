"""Labels, coordinates and signs of units from a table, joined by id and never by position."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._columns import identifiers, unnamed
from ._formats import open_table
from ._tables import NotANumberError, checked_ids, numbers, of_width

MM = {"mm": 1.0, "um": 1e-3, "nm": 1e-6, "m": 1e3, "µm": 1e-3, "μm": 1e-3}
_WRITTEN = {1: ("1", "+1", "1.0", "+", "e", "exc", "excitatory"), -1: ("-1", "-1.0", "-", "i", "inh", "inhibitory")}
USUAL_SIGNS = {"": 0, "0": 0, "0.0": 0} | {text: sign for sign, texts in _WRITTEN.items() for text in texts}


class Units(NamedTuple):
    """Labels, coordinates and signs of units, see `read_units`."""

    names: tuple[str, ...]
    """Ids, all different, in the order of the table."""
    labels: dict[str, tuple[str, ...]]
    coordinates: np.ndarray | None
    """(n, 3), mm."""
    sign: np.ndarray | None
    """(n,): 1, -1, or 0 unknown."""
    partial: bool

    def of(self, names: Sequence[str]) -> dict[str, Any]:
        """Return labels, coordinates and signs of the units with these names, in their order."""
        place = {name: i for i, name in enumerate(self.names)}
        if (absent := [name for name in names if name not in place]) and not self.partial:
            raise ValueError(
                f"the table of units lacks {len(absent)} of {len(names)}: {some(absent)}; its ids are of the form "
                f"{some(self.names[:3])}. Pass id= if a different column has them, or partial=True to leave them empty."
            )
        if (further := place.keys() - set(names)) and not self.partial:
            warnings.warn(
                f"the table of units has {len(further)} that are not in the connectome and are left out: "
                f"{some(sorted(further))}; neurons=units.names keeps them, partial=True confirms the omission.",
                UserWarning,
                stacklevel=3,
            )
        chosen = np.array([place.get(name, -1) for name in names])
        given: dict[str, Any] = {
            "labels": {key: tuple(column[i] if i >= 0 else "" for i in chosen) for key, column in self.labels.items()}
        }
        if self.coordinates is not None:
            given["coordinates"] = np.where((chosen >= 0)[:, None], self.coordinates[chosen], np.nan)
        if self.sign is not None:
            given["sign"] = np.where(chosen >= 0, self.sign[chosen], 0).astype(np.int8)
        return given


def read_units(
    source: Any,
    *,
    id: str | None = None,
    coordinates: str | Sequence[str] | None = None,
    unit: str | None = None,
    sign: str | None = None,
    signs: Mapping[str, int] | None = None,
    partial: bool = False,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> Units:
    r"""Read a table of neurons or regions, one per line in any order: cell types, transmitters, coordinates.

    Pass the result to `read_edges` or `read_matrix` as ``units``; they look up every unit by its id.

    Parameters
    ----------
    source : path or pandas.DataFrame
        CSV or TSV with a header, compressed or not; Feather or Parquet.
    id : str, optional
        Column of the ids. Default: the one with a usual name (``root_id``, ``bodyId``, ``skid``, ``id``, ``name`` ...).
    coordinates : str or three str, optional
        Columns of x, y and z, or one with all three, such as ``"[353428 188908 213120]"``.
    unit : {"nm", "um", "mm"}
        Unit of the coordinates. Multiply voxels by their size first.
    sign : str, optional
        Column of signs or transmitters.
    signs : mapping of str to {1, -1, 0}, optional
        Meaning of each value: ``{"ACH": 1, "GABA": -1, "GLUT": -1}``. Not needed for 1 and -1, or E and I.
    partial : bool
        Whether units may be only in the table, or only in the connectome, with labels "".
    delimiter, encoding : str, optional
        As in `read_matrix`.

    Raises
    ------
    ValueError
        If ids are repeated, empty or damaged, or several columns may contain them.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "neurons.csv")
    >>> _ = path.write_text("root_id,cell_type,x,y,z\n12,Mi1,4000,0,0\n7,Tm3,8000,0,0\n")
    >>> units = read_units(path, coordinates=["x", "y", "z"], unit="nm")
    >>> units.of(["7", "12"])["labels"]
    {'cell_type': ('Tm3', 'Mi1')}
    >>> units.coordinates[0].tolist()
    [0.004, 0.0, 0.0]
    >>> folder.cleanup()
    """
    table = open_table(source, delimiter, encoding)
    header = table.header or [cell for row in table.sample()[:1] for cell in row]
    blocks = of_width(table, len(header), "the header has", skip=table.header is None)
    rows = [row for _, block in blocks for row in block]
    if not rows:
        raise ValueError(f"{table.origin} contains no table of units with a header.")
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    if len(columns) < len(header):
        raise ValueError(f"{table.origin} has two columns of the same name; its header is {some(header, 20)}.")
    if id is None:
        found = identifiers(header)
        if len(found) != 1:
            raise ValueError(f"{table.origin}: which column contains the ids? Pass id=, one of {some(header, 20)}.")
        id = header[found[0]]
    placed = [coordinates] if isinstance(coordinates, str) else list(coordinates or ())
    if lacking := [name for name in (id, *placed, sign or id) if name not in columns]:
        raise ValueError(f"{table.origin} has no column {lacking[0]!r}; it has {some(header, 20)}.")
    if "" in columns[id]:
        raise ValueError(f"{table.origin}: row {columns[id].index('') + 1} has no id in column {id!r}.")
    names = checked_ids(columns[id], table.origin)
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(
            f"{table.origin}: ids occur more than once in column {id!r}: {some(doubled)}; keep one line each."
        )
    return Units(
        tuple(names),
        {key: tuple(values) for key, values in columns.items() if key not in (id, *placed) and not unnamed(key)},
        None if coordinates is None else _coordinates(table.origin, columns, coordinates, unit),
        None if sign is None else signs_of(columns[sign], signs, f"{table.origin}, column {sign}"),
        partial,
    )


def signs_of(values: Sequence[str], signs: Mapping[str, int] | None, origin: str) -> np.ndarray:
    """Return the sign of each value: 1, -1, or 0 if unknown or missing."""
    meaning = {"": 0} | {str(key): int(sign) for key, sign in signs.items()} if signs else USUAL_SIGNS
    if not set(meaning.values()) <= {1, -1, 0}:
        raise ValueError(f"signs must be 1 (excitatory), -1 (inhibitory) or 0 (unknown); got {dict(signs or {})}.")
    found = {value: value if signs else value.lower() for value in set(values)}
    unknown = sorted(value for value, key in found.items() if key not in meaning)
    if unknown:
        raise ValueError(
            f"{origin}: are {some(unknown)} excitatory or inhibitory? Pass "
            f"signs={{{unknown[0]!r}: 1, ...}}, with 1, -1 or 0 (unknown) for each."
        )
    return np.array([meaning[found[value]] for value in values], np.int8)


def _coordinates(
    origin: str, columns: Mapping[str, list[str]], names: str | Sequence[str], unit: str | None
) -> np.ndarray:
    if unit not in MM:
        raise ValueError(
            f"{origin}: unit of the coordinates must be one of {some(list(MM))}; got {unit!r}. Multiply voxels by "
            "their size first."
        )
    if isinstance(names, str):
        cells = [cell.strip("[]() ").replace(",", " ").split() for cell in columns[names]]
        wrong = next((i for i, cell in enumerate(cells) if len(cell) not in (0, 3)), None)
        if wrong is not None:
            raise ValueError(f"{origin}: row {wrong + 1} has {len(cells[wrong])} numbers in {names!r}, not x, y and z.")
        parts = [[cell[i] if cell else "" for cell in cells] for i in range(3)]
    else:
        parts = [columns[name] for name in names]
        if len(parts) != 3:
            raise ValueError(f"{origin}: coordinates need three columns, of x, y and z; got {len(parts)}.")
    try:
        return np.stack([numbers(part) for part in parts], axis=1) * MM[unit]
    except NotANumberError as error:
        raise ValueError(f"{origin}: row {error.place + 1} of the coordinates: {error}.") from None


def some(names: Sequence[str], count: int = 5) -> str:
    """List the first few of many names."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(map(repr, names[:count])) + more
