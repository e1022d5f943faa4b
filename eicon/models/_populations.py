"""Named populations of units, and projections between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from .._numbers import whole

SIGNS = {"E": 1, "I": -1, "": 0}
"""Sign of the outgoing weights for each type of unit; "" is free."""


@dataclass(frozen=True)
class Population:
    """Units of one type in one area. Input channels and outputs are populations too.

    Parameters
    ----------
    name : str
        Name for use in projections, e.g. ``"motor E"``.
    n : int
        Number of units, at least 1.
    type : {"E", "I", ""}
        Excitatory, inhibitory, or of either sign.
    area : str
        Label of the area.
    """

    name: str
    n: int = 1
    type: str = ""
    area: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a population needs a name; got an empty one.")
        object.__setattr__(self, "n", whole(self.n, f"n of population {self.name!r}"))
        if self.n < 1:
            raise ValueError(f"population {self.name!r} must have at least 1 unit; got {self.n}.")
        if self.type not in SIGNS:
            raise ValueError(f"population {self.name!r} has unknown type {self.type!r}; allowed: E, I or nothing.")


@dataclass(frozen=True)
class Projection:
    """Connections from some populations to others.

    Parameters
    ----------
    source, target : str
        Names of populations; ``*`` matches any characters, as in ``"sensory *"``.
    density : float
        Fraction of the pairs of units that are connected, in (0, 1]. Pairs are drawn at random; their number between
        every two populations is exact, to the nearest whole number.
    weight : float, optional
        Constant magnitude of all these weights, > 0; the sign is that of the source. For a source of free sign, the
        weight itself.
    """

    source: str = "*"
    target: str = "*"
    density: float = 1.0
    weight: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.density <= 1:
            raise ValueError(f"density of {self} must be in (0, 1]; got {self.density}.")
        if self.weight is not None and not (np.isfinite(self.weight) and self.weight != 0):
            raise ValueError(f"a constant weight must be finite and not 0; got {self.weight} in {self}.")

    def __str__(self) -> str:
        return f"{self.source!r} -> {self.target!r}"


class Wiring(NamedTuple):
    """Entries of a matrix between populations.

    Attributes
    ----------
    sign : (n_pre,) sign of each source
    mask : (n_pre, n_post) trainable entries
    fixed : (n_pre, n_post) constant entries
    """

    sign: np.ndarray
    mask: np.ndarray
    fixed: np.ndarray


def labels(populations: Sequence[Population]) -> dict[str, np.ndarray]:
    """Return the population and area of each unit."""
    sizes = [population.n for population in populations]
    return {
        "population": np.repeat([population.name for population in populations], sizes),
        "area": np.repeat([population.area for population in populations], sizes),
    }


def wire(
    sources: Sequence[Population],
    targets: Sequence[Population],
    projections: Sequence[Projection],
    *,
    autapses: bool,
    rng: np.random.Generator,
) -> Wiring:
    """Draw the connections of some projections.

    Raises
    ------
    ValueError
        If two populations have the same name, a projection matches none, two projections connect the same
        populations, or a constant weight has the wrong sign.
    """
    if not (sources and targets):
        raise ValueError("at least one source population and one target population are needed.")
    same = list(sources) == list(targets)
    places = [_places(sources), _places(targets)]
    sign = np.concatenate([np.full(population.n, SIGNS[population.type]) for population in sources])
    shape = (len(sign), sum(population.n for population in targets))
    mask, fixed = np.zeros(shape, bool), np.zeros(shape)
    taken: dict[tuple[str, str], Projection] = {}
    for projection in projections:
        for source in _matching(projection.source, sources, projection):
            for target in _matching(projection.target, targets, projection):
                pair = (source.name, target.name)
                if pair in taken:
                    raise ValueError(
                        f"{source.name!r} -> {target.name!r} is connected twice, by {taken[pair]} and by {projection}."
                    )
                taken[pair] = projection
                block = np.ix_(places[0][source.name], places[1][target.name])
                possible = np.ones((source.n, target.n), bool)
                if same and source == target and not autapses:
                    np.fill_diagonal(possible, False)
                chosen = _draw(possible, projection.density, rng)
                if projection.weight is None:
                    mask[block] = chosen
                else:
                    fixed[block] = chosen * projection.weight * (SIGNS[source.type] or 1)
    if not taken:
        raise ValueError("at least one projection is needed; got none.")
    if (sign[:, None] * fixed < 0).any():
        raise ValueError("a constant weight is a magnitude, and must be > 0 if the source is E or I; got one < 0.")
    return Wiring(sign, mask, fixed)


def _places(populations: Sequence[Population]) -> dict[str, np.ndarray]:
    edges = np.cumsum([0, *(population.n for population in populations)])
    places = {p.name: np.arange(edges[i], edges[i + 1]) for i, p in enumerate(populations)}
    if len(places) < len(populations):
        names = [population.name for population in populations]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"duplicate population name {double!r}; names must be unique.")
    return places


def _matching(pattern: str, populations: Sequence[Population], projection: Projection) -> list[Population]:
    found = [population for population in populations if fnmatchcase(population.name, pattern)]
    if not found:
        names = ", ".join(repr(population.name) for population in populations)
        raise ValueError(f"no population matches {pattern!r} of {projection}; populations are {names}.")
    return found


def _draw(possible: np.ndarray, density: float, rng: np.random.Generator) -> np.ndarray:
    pairs = np.flatnonzero(possible)
    chosen = np.zeros(possible.size, bool)
    chosen[rng.choice(pairs, round(density * len(pairs)), replace=False)] = True
    return chosen.reshape(possible.shape)
