"""A connectome: connections, their weights, and what is known about each unit."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, Int8, Int32
from numpy.typing import ArrayLike

from .._files import save_arrays
from .._key import as_generator
from ._orientation import TURNED
from ._signs import assign_signs

KIND, VERSION = "connectome", 2
"""Version 2 has signs of connections; without them a file is of version 1."""
LARGEST_HEADER = 2**28
"""Maximum size of names, labels and other texts in a file, in bytes."""
MOST_DENSE = 20_000
"""Largest number of units for which a dense matrix is made."""

Labels = Mapping[str, tuple[str, ...]]


class Connectome:
    """Weighted directed network, stored as a list of connections; rows are sources, whatever the file's orientation.

    Weights are magnitudes; ``sign`` tells excitatory units from inhibitory ones, where this is known. All methods
    preserve names, labels, signs, coordinates and provenance. A connectome is immutable.

    Parameters
    ----------
    weights : array or scipy.sparse array, shape (n, n)
        ``weights[source, target]``, finite and >= 0; 0 means no connection. The diagonal contains connections of a
        unit onto itself. `of_edges` takes a list of connections.
    names : sequence of str
        One name per unit, all different.
    name : str
        Identifier of the data set.
    species : str
    sign : array, shape (n,), optional
        +1 excitatory, -1 inhibitory, 0 unknown (all 0 when left out).
    labels : mapping of str to sequence of str, optional
        Properties of the units, such as ``region``, ``type`` or ``transmitter``; "" where unknown.
    coordinates : array, shape (n, 3), optional
        Positions in mm; NaN where unknown.
    densities : array, shape (n,), optional
        Neurons per region or per volume, depending on the source; NaN where unknown.
    citation, licence : str
        The paper to cite, and the terms of use of the data.
    provenance : str
        The file, its orientation, whether it was transposed to make rows the sources, and later changes.
    edge_sign : array, shape (M,), optional
        Sign of each connection, row by row, where some units have connections of both signs: +1, -1 or 0 (that of
        its source). It must not contradict the known sign of a unit.

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

    names: tuple[str, ...]
    name: str
    species: str
    sign: Int8[np.ndarray, "n"]
    edge_sign: Int8[np.ndarray, "M"] | None
    labels: Labels
    coordinates: Float64[np.ndarray, "n 3"] | None
    densities: Float64[np.ndarray, "n"] | None
    citation: str
    licence: str
    provenance: str
    adjacency: Any
    """Weights, (n, n), as a `scipy.sparse.csr_array` in rows of sources."""

    def __init__(
        self,
        weights: Any,
        names: Sequence[str],
        name: str = "",
        species: str = "",
        sign: ArrayLike | None = None,
        labels: Mapping[str, Sequence[str] | np.ndarray] | None = None,
        coordinates: ArrayLike | None = None,
        densities: ArrayLike | None = None,
        citation: str = "",
        licence: str = "",
        provenance: str = "",
        edge_sign: ArrayLike | None = None,
    ) -> None:
        adjacency = _adjacency(weights)
        n, m = adjacency.shape[0], adjacency.nnz
        labels = {} if labels is None else labels
        _check_names(names, n)
        _check_labels(labels, n)
        values = {
            "sign": _numbers("sign", np.zeros(n, np.int8) if sign is None else sign, (n,)),
            "edge_sign": _numbers("edge_sign", edge_sign, (m,)),
            "coordinates": _numbers("coordinates", coordinates, (n, 3)),
            "densities": _numbers("densities", densities, (n,)),
        }
        if values["densities"] is not None and (values["densities"] < 0).any():
            raise ValueError("densities must be >= 0, or NaN where unknown; got a negative one.")
        if values["edge_sign"] is not None:
            values["edge_sign"] = _settled(values["edge_sign"], values["sign"], _sources(adjacency))
        texts = {"name": name, "species": species, "citation": citation, "licence": licence, "provenance": provenance}
        self.__dict__.update(
            values,
            **texts,
            names=tuple(names),
            labels={key: tuple(column) for key, column in labels.items()},
            adjacency=adjacency,
        )

    @classmethod
    def of_edges(
        cls,
        source: ArrayLike,
        target: ArrayLike,
        weight: ArrayLike,
        names: Sequence[str],
        *,
        edge_sign: ArrayLike | None = None,
        **about: Any,
    ) -> "Connectome":
        """Make a connectome from a list of connections, in any order.

        Parameters
        ----------
        source, target : array of int, shape (M,)
            Indices of units, from 0; no pair may occur twice.
        weight : number or array, shape (M,)
            Finite and >= 0; connections of weight 0 are left out.
        names : sequence of str
        edge_sign : array, shape (M,), optional
            Sign of each connection, in the order of the list.
        **about
            Other parameters of the class.

        Raises
        ------
        ValueError
            If a unit does not exist, a pair is listed twice, or the class rejects a value.

        Examples
        --------
        >>> Connectome.of_edges([2, 0], [0, 1], [1.5, 2.0], ["a", "b", "c"]).weights.tolist()
        [[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.5, 0.0, 0.0]]
        """
        from scipy import sparse as sp

        n, pre, post = len(names), np.asarray(source), np.asarray(target)
        if pre.ndim != 1 or pre.shape != post.shape:
            raise ValueError(f"source and target must be two lists of equal length; got {pre.shape} and {post.shape}.")
        for role, units in (("source", pre), ("target", post)):
            if units.size and (units.dtype.kind not in "iu" or units.min() < 0 or units.max() >= n):
                raise ValueError(
                    f"{role} must be whole numbers in 0..{n - 1}, one for each of {n} names; "
                    f"got {units.dtype} from {units.min()} to {units.max()}."
                )
        values = np.broadcast_to(np.asarray(weight, np.float64), pre.shape)
        order = np.lexsort((post, pre))
        pre, post, values = pre[order], post[order], values[order]
        again = np.flatnonzero((np.diff(pre) == 0) & (np.diff(post) == 0))
        if again.size:
            first = int(again[0])
            raise ValueError(
                f"{again.size} connections are listed twice, the first {names[pre[first]]} -> {names[post[first]]}; "
                "add their weights up, or leave one out."
            )
        signs = None if edge_sign is None else np.broadcast_to(np.asarray(edge_sign), order.shape)[order]
        there = values != 0
        starts = np.concatenate([[0], np.cumsum(np.bincount(pre[there].astype(np.int64), minlength=n))])
        matrix = sp.csr_array((values[there], post[there].astype(np.int32), starts), shape=(n, n))
        return cls(matrix, names, edge_sign=None if signs is None else signs[there], **about)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Connectome cannot be changed in place; make a new one with a different {name}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Connectome cannot be changed in place.")

    def _with(self, note: str = "", **changes: Any) -> "Connectome":
        """Return a copy with the given changes; the note is added to the provenance."""
        fields = {key: value for key, value in self.__dict__.items() if key != "adjacency"}
        fields["provenance"] = f"{self.provenance}; {note}".strip("; ")
        return Connectome(**{"weights": self.adjacency, **fields, **changes})

    def _with_edges(
        self, source: np.ndarray, target: np.ndarray, weight: np.ndarray, edge_sign: np.ndarray | None, note: str
    ) -> "Connectome":
        """Return a connectome of the same units with different connections."""
        about = {key: value for key, value in self.__dict__.items() if key not in ("adjacency", "edge_sign", "names")}
        about["provenance"] = f"{self.provenance}; {note}".strip("; ")
        return Connectome.of_edges(source, target, weight, self.names, edge_sign=edge_sign, **about)

    @property
    def n(self) -> int:
        """Number of units."""
        return len(self.names)

    @property
    def source(self) -> Int32[np.ndarray, "M"]:
        """Source of each connection, ascending."""
        return _sources(self.adjacency)

    @property
    def target(self) -> Int32[np.ndarray, "M"]:
        """Target of each connection."""
        return self.adjacency.indices

    @property
    def weight(self) -> Float64[np.ndarray, "M"]:
        """Weight of each connection, > 0."""
        return self.adjacency.data

    @property
    def signs(self) -> Int8[np.ndarray, "M"]:
        """Sign of each connection: its own, or that of its source; 0 unknown."""
        return self.sign[self.source] if self.edge_sign is None else self.edge_sign

    @property
    def weights(self) -> Float64[np.ndarray, "n n"]:
        """Dense copy ``weights[source, target]``, of up to 20,000 units."""
        if self.n > MOST_DENSE:
            raise ValueError(
                f"a dense matrix of {self.n} units takes {8e-9 * self.n**2:.0f} GB; "
                "use source, target and weight of the connections, or the sparse adjacency."
            )
        dense = self.adjacency.toarray()
        dense.flags.writeable = False
        return dense

    @property
    def n_connections(self) -> int:
        """Number of connections, including those of a unit onto itself."""
        return int(self.adjacency.nnz)

    @property
    def density(self) -> float:
        """Fraction of the pairs of different units that are connected."""
        pairs = self.n * (self.n - 1)
        return int((self.source != self.target).sum()) / pairs if pairs else 0.0

    @property
    def reciprocity(self) -> float:
        """Fraction of the connections between different units that are reciprocated; NaN if there are none."""
        n, forth = self.n, self.source != self.target
        there = self.source[forth].astype(np.int64) * n + self.target[forth]
        back = self.target[forth].astype(np.int64) * n + self.source[forth]
        return float(np.isin(back, there).mean()) if there.size else float("nan")

    @property
    def digest(self) -> str:
        """SHA-256 of connections, names, signs, labels, coordinates and densities: equal for equal content."""
        content = hashlib.sha256(json.dumps([self.names, sorted(self.labels.items())]).encode())
        for array in (self.source, self.target, self.weight, self.signs, self.sign, self.coordinates, self.densities):
            kind = None if array is None else "<f8" if array.dtype.kind == "f" else "<i4"
            content.update(b"|" if array is None else b"|" + array.astype(kind).tobytes())
        return content.hexdigest()

    @property
    def turned(self) -> bool:
        """True if the file had rows = targets, and was transposed on reading."""
        return TURNED in self.provenance

    def reversed(self) -> "Connectome":
        """Reverse every connection; units keep their signs, as do connections of units of unknown sign."""
        note = "every connection turned round by Connectome.reversed()"
        own = None if self.edge_sign is None else np.where(self.sign[self.target] == 0, self.edge_sign, 0)
        return self._with_edges(self.target, self.source, self.weight, own, note)

    def subset(self, keep: ArrayLike | Mapping[str, str | Sequence[str]]) -> "Connectome":
        """Keep part of the units, and the connections among them.

        Parameters
        ----------
        keep : array, sequence of str or mapping
            One bool per unit; indices or names (the result has their order); or labels: ``{"region": ["V1", "V2"]}``.

        Examples
        --------
        >>> ring = Connectome(np.roll(np.eye(4), 1, axis=1), ("a", "b", "c", "d"), labels={"half": tuple("llrr")})
        >>> ring.subset([3, 0]).names, ring.subset(["d", "a"]).n_connections, ring.subset({"half": "l"}).names
        (('d', 'a'), 1, ('a', 'b'))
        """
        chosen = self._labelled(keep) if isinstance(keep, Mapping) else _indices(np.asarray(keep), self.names)
        place = np.full(self.n, -1, np.int64)
        place[chosen] = np.arange(len(chosen))
        pre, post = place[self.source], place[self.target]
        inside = (pre >= 0) & (post >= 0)
        part = {name: getattr(self, name) for name in ("sign", "coordinates", "densities")}
        return Connectome.of_edges(
            pre[inside],
            post[inside],
            self.weight[inside],
            tuple(self.names[i] for i in chosen),
            edge_sign=None if self.edge_sign is None else self.edge_sign[inside],
            labels={key: tuple(column[i] for i in chosen) for key, column in self.labels.items()},
            **{name: None if value is None else value[chosen] for name, value in part.items()},
            **{name: getattr(self, name) for name in ("name", "species", "citation", "licence")},
            provenance=f"{self.provenance}; {len(chosen)} of {self.n} units kept".lstrip("; "),
        )

    def joined(self, units: Any) -> "Connectome":
        """Add the contents of a table of units, each looked up by its name.

        Parameters
        ----------
        units : Units
            From `read_units`. Labels of the same name are replaced, as are coordinates and signs if the table has them.

        Raises
        ------
        ValueError
            If units are not in the table.
        """
        found = units.of(self.names)
        found["labels"] = {**self.labels, **found.get("labels", {})}
        return self._with(f"{', '.join(found['labels'])} joined by name", **found)

    def symmetrised(self, combine: Literal["max", "mean", "sum"] | None = None) -> "Connectome":
        """Make every connection bidirectional.

        Parameters
        ----------
        combine : {"max", "mean", "sum"}, optional
            Weight of a pair with two different weights, one for each direction; by default such pairs are rejected,
            because a triangle of a symmetric matrix has none. A missing direction counts as 0 in a mean.

        Raises
        ------
        ValueError
            Without ``combine``, if two directions have different weights.

        Examples
        --------
        >>> triangle = Connectome([[0, 2, 1], [0, 0, 3], [0, 0, 0]], ("a", "b", "c"))
        >>> triangle.symmetrised().weights.tolist()
        [[0.0, 2.0, 1.0], [2.0, 0.0, 3.0], [1.0, 3.0, 0.0]]
        """
        if combine not in (None, "max", "mean", "sum"):
            raise ValueError(f"combine must be 'max', 'mean' or 'sum'; got {combine!r}.")
        if self.edge_sign is not None:
            raise ValueError("connections with signs of their own cannot be made bidirectional.")
        from scipy import sparse as sp

        there, back = self.adjacency, self.adjacency.T.tocsr()
        larger = there.maximum(back)
        if combine is None:
            differ = int(((there > 0).multiply(back > 0).multiply(there != back)).nnz) // 2
            if differ:
                raise ValueError(
                    f"{differ} pairs are connected with two different weights; pass combine='max', 'mean' or 'sum'."
                )
        diagonal = sp.diags_array(there.diagonal())
        made = {"mean": (there + back) / 2, "sum": there + back - diagonal}.get(combine or "max", larger)
        return self._with(f"made symmetric ({combine or 'one direction was missing'})", weights=made)

    def thresholded(self, *, at_least: float | None = None, density: float | None = None) -> "Connectome":
        """Keep the strong connections.

        Parameters
        ----------
        at_least : float, optional
            Smallest weight to keep, > 0.
        density : float, optional
            Fraction of the pairs of different units that stay connected, in (0, 1); connections of a unit onto itself
            are kept. Among equal weights, those of earlier rows are kept first.

        Raises
        ------
        ValueError
            Unless exactly one of the two is given, with an allowed value.

        Examples
        --------
        >>> Connectome([[0, 2, 1], [0, 0, 3], [0, 0, 0]], ("a", "b", "c")).thresholded(at_least=2).n_connections
        2
        """
        if (at_least is None) == (density is None):
            raise ValueError("give either at_least, the smallest weight, or density, the fraction of pairs to keep.")
        if density is not None:
            if not 0 < density < 1:
                raise ValueError(
                    f"density must be in (0, 1), the fraction of pairs that stay connected; got {density}."
                )
            others = np.flatnonzero(self.source != self.target)
            dropped = np.argsort(-self.weight[others], kind="stable")[round(density * self.n * (self.n - 1)) :]
            keep = np.ones(self.n_connections, bool)
            keep[others[dropped]] = False
        else:
            if not (at_least is not None and at_least > 0):
                raise ValueError(f"at_least must be > 0, the smallest weight to keep; got {at_least}.")
            keep = self.weight >= at_least
        note = f"{int(keep.sum())} of {self.n_connections} connections kept ({at_least=}, {density=})"
        own = None if self.edge_sign is None else self.edge_sign[keep]
        return self._with_edges(self.source[keep], self.target[keep], self.weight[keep], own, note)

    def without_autapses(self) -> "Connectome":
        """Remove the connections of units onto themselves."""
        keep = self.source != self.target
        own = None if self.edge_sign is None else self.edge_sign[keep]
        note = f"{int((~keep).sum())} connections of units onto themselves left out"
        return self._with_edges(self.source[keep], self.target[keep], self.weight[keep], own, note)

    def expanded(self, neurons: ArrayLike, *, seed: int | float | np.random.Generator, **options: Any) -> "Connectome":
        """Expand regions to neurons, ``V1/1``, ``V1/2`` and so on; see `expand`.

        Signs, labels and coordinates are those of the region, whose name becomes the label ``region``.

        Parameters
        ----------
        neurons : int or (n,) int array
            Neurons in each region; from densities: `neurons_per_region`.
        seed : int or numpy.random.Generator
        **options
            Other options of `expand`.

        Examples
        --------
        >>> areas = Connectome([[0, 2], [1, 0]], ("V1", "LM"), sign=[1, 0])
        >>> areas.expanded([1, 2], seed=0).names, areas.expanded(2, seed=0).sign.tolist()
        (('V1/1', 'LM/1', 'LM/2'), [1, 1, 0, 0])
        """
        if self.edge_sign is not None or "region" in self.labels:
            raise ValueError(
                f"{self.name or 'this connectome'} is already a connectome of neurons"
                f"{' (it has regions as labels)' if 'region' in self.labels else ', with signs of their own'}."
            )
        from ._expand import expand

        made = expand(self.weights, neurons, seed=seed, sparse=True, **options)
        region = made.region
        number = np.arange(len(region)) - np.searchsorted(region, region) + 1
        about = {name: getattr(self, name) for name in ("name", "species", "citation", "licence")}
        return Connectome(
            made.weights,
            tuple(f"{self.names[r]}/{i}" for r, i in zip(region, number, strict=True)),
            sign=self.sign[region],
            labels={key: tuple(column[r] for r in region) for key, column in self._with_names("region").items()},
            coordinates=None if self.coordinates is None else self.coordinates[region],
            provenance=f"{self.provenance}; {self.n} regions expanded to {len(region)} neurons".lstrip("; "),
            **about,
        )

    def signed(
        self,
        e_ratio: ArrayLike | None = None,
        *,
        seed: int | float | np.random.Generator | None = None,
        by: Mapping[str, Mapping[str, int]] | None = None,
    ) -> "Connectome":
        """Fill in unknown signs, from transmitters or types, or at random.

        Parameters
        ----------
        e_ratio : float, optional
            Fraction of excitatory units, in [0, 1], within each ``region`` if there is such a label, else overall;
            units whose sign is known are included.
        seed : int or numpy.random.Generator, optional
            Required with ``e_ratio``.
        by : mapping, optional
            Signs by the values of a label: ``{"transmitter": {"ACH": 1, "GABA": -1, "GLUT": -1}}``. Units with other
            labels stay unknown.

        Raises
        ------
        ValueError
            If neither or both are given, a label is unknown, or a label contradicts a known sign.

        Examples
        --------
        >>> ring = Connectome(np.roll(np.eye(5), 1, axis=1), tuple("abcde"), labels={"transmitter": ["ACH"] + 4 * [""]})
        >>> ring.signed(0.8, seed=0).sign.sum(), ring.signed(by={"transmitter": {"ACH": 1}}).sign.tolist()
        (np.int64(3), [1, 0, 0, 0, 0])
        """
        if (e_ratio is None) == (by is None):
            raise ValueError("give either e_ratio, to draw the unknown signs, or by, with the signs of a label.")
        if by is not None:
            return self._signed_by(by)
        if e_ratio is None or seed is None:
            raise ValueError("e_ratio draws signs at random, which needs a seed, e.g. seed=0.")
        order = {region: i for i, region in enumerate(dict.fromkeys(self.labels.get("region", ("",))))}
        regions = np.array([order[region] for region in self.labels.get("region", ("",) * self.n)])
        sign = assign_signs(regions, e_ratio, seed=as_generator(seed, "seed"), known=self._known())
        note = f"{int((self._known() == 0).sum())} signs drawn (e_ratio {e_ratio!r})"
        return self._with(note, sign=np.where(self._both(), 0, sign))

    def _signed_by(self, by: Mapping[str, Mapping[str, int]]) -> "Connectome":
        sign = self.sign.copy()
        for label, table in by.items():
            column = self._column(label)
            given = np.array([table.get(value, 0) for value in column])
            wrong = np.flatnonzero((given * sign < 0) | ~np.isin(given, (-1, 0, 1)))
            if wrong.size:
                i = int(wrong[0])
                raise ValueError(
                    f"{label} {column[i]!r} is given the sign {given[i]}, but {self.names[i]} has {sign[i]}; "
                    "signs are 1, -1 or 0."
                )
            unused = sorted(set(table) - set(column))
            if unused:
                found = ", ".join(sorted(set(column) - {""})[:10])
                raise ValueError(f"no unit has {label} {', '.join(map(repr, unused))}; there are {found}.")
            sign = np.where(self._both(), sign, np.where(sign == 0, given, sign))
        known = int((sign != 0).sum() - (self.sign != 0).sum())
        return self._with(f"{known} signs by {', '.join(by)}", sign=sign)

    def rewired(self, null: str = "rewire", *, seed: int | float | np.random.Generator, **options: Any) -> "Connectome":
        """Draw a null model: the same units, with only some properties of their wiring preserved.

        Parameters
        ----------
        null : str
            A name in `eicon.connectomes.nulls.NULLS`, whose page lists the properties that each preserves.
        seed : int or numpy.random.Generator
        **options
            Options of that null model.

        Examples
        --------
        >>> ring = Connectome(np.roll(np.eye(6), 1, axis=1), tuple("abcdef"))
        >>> ring.rewired(seed=1).adjacency.sum(axis=0).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
        """
        from ._nulls import rewired

        return rewired(self, null, seed=seed, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an npz file without pickle, as a list of connections; `read_npz` reads the file."""
        index = np.min_scalar_type(self.n)
        optional = {name: getattr(self, name) for name in ("coordinates", "densities", "edge_sign")}
        arrays = {
            "source": self.source.astype(index),
            "target": self.target.astype(index),
            "weight": _compact(self.weight),
            "sign": self.sign,
            **{name: value for name, value in optional.items() if value is not None},
        }
        texts = ("names", "name", "species", "citation", "licence", "provenance")
        header = {key: getattr(self, key) for key in (*texts, "labels")}
        save_arrays(path, arrays, kind=KIND, version=VERSION if "edge_sign" in arrays else 1, header=header)

    def __repr__(self) -> str:
        return (
            f"Connectome({self.name!r}, {self.species or 'species not given'}, {self.n} units, "
            f"{self.n_connections} connections, density {self.density:.3g}, signs: {self._counted_signs()})"
        )

    def __str__(self) -> str:
        lines = [f"{self.name or 'Connectome'}{f', {self.species}' if self.species else ''}: {self.n:,} units"]
        degrees = [np.bincount(ends, minlength=self.n) for ends in (self.source, self.target)]
        facts = {
            "connections": f"{self.n_connections:,} (density {self.density:.3g}, {self.reciprocity:.0%} reciprocated)",
            "weights": _spread(self.weight, ".3g"),
            "outputs": f"{_spread(degrees[0], '.0f')} per unit",
            "inputs": f"{_spread(degrees[1], '.0f')} per unit",
            "signs": self._counted_signs(),
            **{label: _counted(column) for label, column in self.labels.items()},
        }
        if self.coordinates is not None:
            known = int(np.isfinite(self.coordinates).all(axis=1).sum())
            facts["coordinates"] = f"of {'all' if known == self.n else known} units, in mm"
        facts |= {"cite": self.citation, "licence": self.licence, "from": self.provenance}
        width = max(map(len, facts))
        return "\n".join(lines + [f"  {key:<{width}}  {text}" for key, text in facts.items() if text])

    def _labelled(self, wanted: Mapping[str, str | Sequence[str]]) -> np.ndarray:
        """Return the indices of the units with these labels."""
        chosen = np.ones(self.n, bool)
        for label, values in wanted.items():
            column, asked = self._column(label), {values} if isinstance(values, str) else set(values)
            unknown = sorted(asked - set(column))
            if unknown:
                found = ", ".join(sorted(set(column))[:10])
                raise ValueError(f"no unit has {label} {', '.join(map(repr, unknown))}; there are {found}.")
            chosen &= np.array([value in asked for value in column])
        if not chosen.any():
            raise ValueError(f"no unit has all of {dict(wanted)}.")
        return np.flatnonzero(chosen)

    def _column(self, label: str) -> tuple[str, ...]:
        if label not in self.labels:
            raise ValueError(f"the units have no label {label!r}; they have {', '.join(self.labels) or 'none'}.")
        return self.labels[label]

    def _with_names(self, label: str) -> dict[str, tuple[str, ...]]:
        return {label: self.names, **self.labels}

    def _both(self) -> np.ndarray:
        """Return which units have connections of both signs, (n,) bool."""
        signs, source = self.signs, self.source
        return np.logical_and(*(np.bincount(source[signs == s], minlength=self.n) > 0 for s in (1, -1)))

    def _known(self) -> np.ndarray:
        """Return the sign of each unit, else that of its connections; 0 where these have both signs, or none."""
        known = self.sign.copy()
        for s in (1, -1):
            sends = np.bincount(self.source[self.signs == s], minlength=self.n) > 0
            known[(known == 0) & sends & ~self._both()] = s
        return known

    def _counted_signs(self) -> str:
        known, both = self._known(), int(self._both().sum())
        counts = [int((known == s).sum()) for s in (1, -1)]
        rest = self.n - sum(counts) - both
        return f"{counts[0]} E, {counts[1]} I, {f'{both} with both, ' if both else ''}{rest} unknown"


def _sources(adjacency: Any) -> np.ndarray:
    return np.repeat(np.arange(adjacency.shape[0], dtype=np.int32), np.diff(adjacency.indptr))


def _settled(edge_sign: np.ndarray, sign: np.ndarray | Any, source: np.ndarray) -> np.ndarray:
    """Return the signs of connections, filled in from their sources; reject those that contradict their source."""
    own = sign[source]
    if (edge_sign * own < 0).any():
        i = int(source[np.flatnonzero(edge_sign * own < 0)[0]])
        raise ValueError(
            f"unit {i} has the sign {sign[i]}, but some of its connections have the opposite sign; give the unit 0."
        )
    return _frozen(np.where(edge_sign == 0, own, edge_sign))


def _spread(values: np.ndarray, form: str) -> str:
    if not values.size:
        return ""
    return f"{format(values.min(), form)} to {format(values.max(), form)}, median {format(np.median(values), form)}"


def _counted(column: tuple[str, ...]) -> str:
    values, counts = np.unique(column, return_counts=True)
    first = np.argsort(-counts, kind="stable")[:8]
    most = ", ".join(f"{values[i] or '(unknown)'} {counts[i]:,}" for i in first)
    return f"{len(values)} different: {most}{', ...' if len(values) > len(first) else ''}"


def _compact(values: np.ndarray) -> np.ndarray:
    """Convert values to the smallest type that represents them exactly."""
    whole = values.size > 0 and values.max() < 2**32 and (values == np.floor(values)).all()
    with np.errstate(over="ignore"):
        small = values.astype(np.min_scalar_type(int(values.max())) if whole else np.float32)
    return small if np.array_equal(small.astype(np.float64), values) else values


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _adjacency(weights: Any) -> Any:
    """Check weights and return them as a new sparse matrix without entries of 0."""
    from scipy import sparse as sp  # imported here to keep listing connectomes fast

    given: Any = weights if sp.issparse(weights) else np.asarray(weights)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not given.shape[0]:
        raise ValueError(
            f"weights must be a square matrix [source, target] of at least one unit; got shape {given.shape}. "
            "A common cause is a row or column of names, or the matrix of one hemisphere against both."
        )
    if not (np.issubdtype(given.dtype, np.number) or given.dtype == bool) or np.iscomplexobj(given):
        raise ValueError(f"weights must be real numbers; got an array of {given.dtype}.")
    matrix = sp.csr_array(given, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    for wrong, rule in ((~np.isfinite(matrix.data), "finite"), (matrix.data < 0, ">= 0")):
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            row, column = int(_sources(matrix)[first]), int(matrix.indices[first])
            hint = (
                "Give 0 where a connection is absent or was not measured."
                if rule == "finite"
                else "Weights are magnitudes; the sign of a unit's outputs goes into `sign`."
            )
            raise ValueError(
                f"weights must be {rule}; got {int(wrong.sum())} that are not, the first of them {matrix.data[first]} "
                f"at [{row}, {column}]. {hint}"
            )
    matrix.eliminate_zeros()
    matrix.indices, matrix.indptr = (a.astype(np.int32, copy=False) for a in (matrix.indices, matrix.indptr))
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.flags.writeable = False
    return matrix


def _check_names(names: Sequence[str], n: int) -> None:
    if len(names) != n:
        raise ValueError(f"a connectome of {n} units needs {n} names; got {len(names)}.")
    if len(set(names)) != n:
        values, counts = np.unique(names, return_counts=True)
        repeated = [str(value) for value in values[counts > 1]]
        raise ValueError(f"names must all be different; got {', '.join(map(repr, repeated[:5]))} more than once.")


def _check_labels(labels: Mapping[str, Sequence[str] | np.ndarray], n: int) -> None:
    for key, column in labels.items():
        if len(column) != n:
            raise ValueError(f"label {key!r} needs one text for each of the {n} units; got {len(column)}.")


def _numbers(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Check an array and return a read-only copy."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.shape != shape:
        of = f"{shape[0]} {'connections' if name == 'edge_sign' else 'units'}"
        raise ValueError(f"{name} of a connectome of {of} must have shape {shape}; got {array.shape}.")
    if name in ("coordinates", "densities"):
        return _frozen(np.array(array, np.float64, order="C"))
    if not np.isin(array, (-1, 0, 1)).all():
        found = sorted({float(s) for s in array})
        raise ValueError(f"signs must be 1 (excitatory), -1 (inhibitory) or 0 (unknown); got {found}.")
    return _frozen(np.array(array, np.int8))


def _indices(keep: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    n = len(names)
    if keep.dtype.kind == "U" and keep.ndim == 1:
        place = {name: i for i, name in enumerate(names)}
        unknown = [name for name in keep.tolist() if name not in place]
        if unknown:
            raise ValueError(f"there are no units {', '.join(map(repr, unknown[:5]))}; the first are {names[:5]}.")
        keep = np.array([place[name] for name in keep.tolist()])
    if keep.dtype == bool:
        if keep.shape != (n,):
            raise ValueError(f"a mask of units must have shape ({n},), one bool per unit; got {keep.shape}.")
        keep = np.flatnonzero(keep)
    if keep.ndim != 1 or not keep.size or not np.issubdtype(keep.dtype, np.integer):
        raise ValueError(
            f"subset needs one bool per unit, or a list of indices, and must keep at least one unit; got {keep!r}."
        )
    if keep.min() < 0 or keep.max() >= n or len(np.unique(keep)) < len(keep):
        raise ValueError(
            f"indices of units must be different and from 0 to {n - 1}; "
            f"got {len(keep)} from {keep.min()} to {keep.max()}, {len(np.unique(keep))} of them different."
        )
    return keep
