"""A connectome: who connects to whom, how strongly, and what is known of each unit."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from .._files import save_arrays
from ._orientation import TURNED

KIND, VERSION = "connectome", 1


@dataclass(frozen=True, eq=False, repr=False)
class Connectome:
    """Weighted directed network ``weights[source, target]``; the row is the source, whatever the file's habit.

    Weights are magnitudes. What a unit does to its targets is in ``sign``, where it is known.

    Parameters
    ----------
    weights : array, shape (n, n)
        Finite and >= 0; 0 means no connection. The diagonal holds connections of a unit onto itself.
    names : tuple of str
        One per unit, all different.
    name : str
        Identifier of the data set.
    species : str
    sign : array, shape (n,)
        +1 excitatory, -1 inhibitory, 0 unknown (all 0 when left out).
    labels : mapping of str to tuple of str
        Properties of the units, such as ``class`` or ``transmitter``; "" where unknown.
    coordinates : array, shape (n, 3), optional
        Positions in mm; NaN where unknown.
    densities : array, shape (n,), optional
        Neurons per region or per volume, whichever the source gives; NaN where unknown.
    citation, licence : str
        The paper to cite, and the terms of the data.
    provenance : str
        The file, its orientation, and whether it was turned to make rows the sources.

    Raises
    ------
    ValueError
        If sizes do not agree, names repeat, or a value is not allowed.

    Examples
    --------
    >>> pair = Connectome(np.array([[0.0, 2.0], [0.0, 0.0]]), ("V1", "LM"), name="pair", species="mouse")
    >>> pair
    Connectome('pair', mouse, 2 units, 1 connections, density 0.5, signs: 0 E, 0 I, 2 unknown)
    >>> float(pair.weights[pair.names.index("V1"), pair.names.index("LM")])
    2.0
    """

    weights: np.ndarray
    names: tuple[str, ...]
    name: str = ""
    species: str = ""
    sign: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int8))
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coordinates: np.ndarray | None = None
    densities: np.ndarray | None = None
    citation: str = ""
    licence: str = ""
    provenance: str = ""

    def __post_init__(self) -> None:
        _check_weights(np.asarray(self.weights))
        _check_units(self)
        sign = np.asarray(self.sign) if np.size(self.sign) else np.zeros(self.n, np.int8)
        values = (
            ("weights", self.weights, np.float64),
            ("sign", sign, np.int8),
            ("coordinates", self.coordinates, np.float64),
            ("densities", self.densities, np.float64),
        )
        for name, value, dtype in values:
            if value is None:
                continue
            array = np.array(value, dtype=dtype, order="C")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "labels", {key: tuple(column) for key, column in self.labels.items()})

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.names)

    @property
    def n_connections(self) -> int:
        """Number of connections, those of a unit onto itself included."""
        return int(np.count_nonzero(self.weights))

    @property
    def density(self) -> float:
        """Fraction of the pairs of different units that are connected."""
        pairs = self.n * (self.n - 1)
        return (self.n_connections - int(np.count_nonzero(np.diag(self.weights)))) / pairs if pairs else 0.0

    @property
    def digest(self) -> str:
        """SHA-256 of weights, names, signs, labels, coordinates and densities: equal for equal content."""
        parts = [json.dumps([self.names, sorted(self.labels.items())]).encode(), self.sign.tobytes()]
        parts += [b"" if a is None else a.astype("<f8").tobytes() for a in self._numbers]
        return hashlib.sha256(b"|".join(parts)).hexdigest()

    @property
    def _numbers(self) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        return self.weights, self.coordinates, self.densities

    @property
    def turned(self) -> bool:
        """Whether the file had rows = targets, and was turned on reading."""
        return TURNED in self.provenance

    def reversed(self) -> "Connectome":
        """Same units with every connection turned round; a unit keeps its own sign."""
        note = "every connection turned round by Connectome.reversed()"
        return replace(self, weights=self.weights.T, provenance=f"{self.provenance}; {note}".lstrip("; "))

    def subset(self, keep: ArrayLike) -> "Connectome":
        """Part of the units, and the connections among them.

        Parameters
        ----------
        keep : array
            One bool per unit, or indices; the result has the order of the indices.

        Examples
        --------
        >>> ring = Connectome(np.roll(np.eye(4), 1, axis=1), ("a", "b", "c", "d"))
        >>> ring.subset([3, 0]).names, ring.subset([3, 0]).n_connections
        (('d', 'a'), 1)
        """
        chosen = _indices(np.asarray(keep), self.n)
        return replace(
            self,
            weights=self.weights[np.ix_(chosen, chosen)],
            names=tuple(self.names[i] for i in chosen),
            sign=self.sign[chosen],
            labels={key: tuple(column[i] for i in chosen) for key, column in self.labels.items()},
            coordinates=None if self.coordinates is None else self.coordinates[chosen],
            densities=None if self.densities is None else self.densities[chosen],
            provenance=f"{self.provenance}; {len(chosen)} of {self.n} units kept".lstrip("; "),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an npz file without pickle, as a list of connections; `read_npz` reads it back."""
        source, target = np.nonzero(self.weights)
        index = np.min_scalar_type(self.n)
        arrays = {
            "source": source.astype(index),
            "target": target.astype(index),
            "weight": _compact(self.weights[source, target]),
            "sign": self.sign,
        }
        arrays |= {k: v for k, v in (("coordinates", self.coordinates), ("densities", self.densities)) if v is not None}
        texts = ("names", "name", "species", "labels", "citation", "licence", "provenance")
        save_arrays(path, arrays, kind=KIND, version=VERSION, header={key: getattr(self, key) for key in texts})

    def __repr__(self) -> str:
        signs = [int((self.sign == s).sum()) for s in (1, -1, 0)]
        return (
            f"Connectome({self.name!r}, {self.species or 'species not given'}, {self.n} units, "
            f"{self.n_connections} connections, density {self.density:.3g}, "
            f"signs: {signs[0]} E, {signs[1]} I, {signs[2]} unknown)"
        )


def _compact(values: np.ndarray) -> np.ndarray:
    """Same values in the smallest type that holds them exactly."""
    whole = values.size > 0 and values.max() < 2**32 and (values == np.floor(values)).all()
    with np.errstate(over="ignore"):
        small = values.astype(np.min_scalar_type(int(values.max())) if whole else np.float32)
    return small if np.array_equal(small.astype(np.float64), values) else values


def _check_weights(weights: np.ndarray) -> None:
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or not weights.size:
        raise ValueError(
            f"weights must be a square matrix [source, target] of at least one unit; got shape {weights.shape}. "
            "A row or column of names, or the matrix of one hemisphere against both, is a usual cause."
        )
    if not (np.issubdtype(weights.dtype, np.number) or weights.dtype == bool) or np.iscomplexobj(weights):
        raise ValueError(f"weights must be real numbers; got an array of {weights.dtype}.")
    for wrong, rule in ((~np.isfinite(weights), "finite"), (weights < 0, ">= 0")):
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            hint = (
                "Give 0 where a connection is absent or was not measured."
                if rule == "finite"
                else "Weights are magnitudes; the sign of a unit's outputs goes into `sign`."
            )
            raise ValueError(
                f"weights must be {rule}; got {int(wrong.sum())} that are not, the first is {weights[row, column]} "
                f"at [{row}, {column}]. {hint}"
            )


def _check_units(connectome: Connectome) -> None:
    n = len(connectome.weights)
    if len(connectome.names) != n:
        raise ValueError(f"a connectome of {n} units needs {n} names; got {len(connectome.names)}.")
    if len(set(connectome.names)) != n:
        repeated = sorted({x for x in connectome.names if connectome.names.count(x) > 1})
        raise ValueError(f"names must all be different; got {', '.join(map(repr, repeated[:5]))} more than once.")
    for name, shape in (("sign", (n,)), ("coordinates", (n, 3)), ("densities", (n,))):
        value = getattr(connectome, name)
        if value is not None and np.shape(value) != shape and not (name == "sign" and np.size(value) == 0):
            raise ValueError(f"{name} of a connectome of {n} units must have shape {shape}; got {np.shape(value)}.")
    if not np.isin(connectome.sign, (-1, 0, 1)).all():
        found = sorted({float(s) for s in connectome.sign})
        raise ValueError(f"signs must be 1 (excitatory), -1 (inhibitory) or 0 (unknown); got {found}.")
    if connectome.densities is not None and (np.asarray(connectome.densities) < 0).any():
        raise ValueError("densities must be >= 0, or NaN where unknown; got a negative one.")
    for key, column in connectome.labels.items():
        if isinstance(column, str) or len(column) != n:
            raise ValueError(f"label {key!r} needs one text for each of the {n} units; got {len(column)}.")


def _indices(keep: np.ndarray, n: int) -> np.ndarray:
    if keep.dtype == bool:
        if keep.shape != (n,):
            raise ValueError(f"a mask of units must have shape ({n},), one bool per unit; got {keep.shape}.")
        keep = np.flatnonzero(keep)
    if keep.ndim != 1 or not keep.size or not np.issubdtype(keep.dtype, np.integer):
        raise ValueError(
            f"subset needs one bool per unit, or a list of indices, that keep at least one unit; got {keep!r}."
        )
    if keep.min() < 0 or keep.max() >= n or len(np.unique(keep)) < len(keep):
        raise ValueError(
            f"indices of units must be different and from 0 to {n - 1}; "
            f"got {len(keep)} from {keep.min()} to {keep.max()}, {len(np.unique(keep))} of them different."
        )
    return keep
