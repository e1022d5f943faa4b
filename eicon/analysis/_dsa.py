"""Dynamical similarity: comparison of the dynamics of two networks, whatever their coordinates."""

import importlib
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from .._numbers import whole
from ._arrays import Rates, as_rates, require_finite

Score = Literal["angular", "euclidean", "wasserstein"]
SCORES = ("angular", "euclidean", "wasserstein")
_VARIANCE = 0.99
_FEWEST_TRIALS = 4


class DynamicalSimilarity(NamedTuple):
    """Dissimilarity of the dynamics of two systems, each described by a linear map of r delay coordinates.

    Attributes
    ----------
    distance : float
        0 for the same dynamics in other coordinates. In radians, 0 to pi, for "angular"; a norm or a transport cost for
        the other scores, without a fixed maximum.
    score : {"angular", "euclidean", "wasserstein"}
        Type of distance.
    rank : int
        Dimension r of the linear maps.
    eigenvalues_a, eigenvalues_b : (r,) complex
        Eigenvalues of the linear maps, per step, by descending modulus.
    null : (P,) float
        Distances of a from surrogates of b in which each unit is shifted in time separately: units with the same
        dynamics as before, but unrelated to one another.
    p : float
        ``(1 + permutations at most as distant) / (1 + P)``; NaN without permutations.
    ceiling : float
        Distance between the halves of the trials of one system, mean of both: what noise leaves between equal systems.
        It may exceed `distance`, since halves determine the dynamics less well than the whole. NaN with fewer than
        four trials, or without permutations.
    n : int
        Number of trials, of the system that has fewer.
    """

    distance: float
    score: Score
    rank: int
    eigenvalues_a: Complex[np.ndarray, "r"]
    eigenvalues_b: Complex[np.ndarray, "r"]
    null: Float[np.ndarray, "P"] = np.zeros(0)
    p: float = float("nan")
    ceiling: float = float("nan")
    n: int = 0

    @property
    def value(self) -> float:
        """The distance, named as in every `Similarity`."""
        return self.distance

    @property
    def chance(self) -> float:
        """Mean of the null; NaN without permutations."""
        return float(self.null.mean()) if self.null.size else float("nan")


def dsa_distance(
    a: Rates,
    b: Rates,
    *,
    n_delays: int | float = 1,
    delay_steps: int | float = 1,
    rank: int | float | None = None,
    score: Score = "angular",
    iterations: int | float = 1500,
    learning_rate: float | int = 5e-3,
    seed: int | float = 0,
    n_permutations: int | float = 0,
) -> DynamicalSimilarity:
    """Compare the dynamics of two systems by their trajectories (dynamical similarity analysis).

    Needs the package ``dsa-metric`` (MIT licence), which installs PyTorch: ``pip install -e ".[dsa]"``.

    Parameters
    ----------
    a, b : (T, B, N) arrays
        Trajectories of the two systems in equal steps of time; numbers of steps, trials and units may differ.
    n_delays : int
        Number of delay coordinates: steps whose states are joined into one.
    delay_steps : int
        Steps between the delay coordinates.
    rank : int, optional
        Dimensions r of the linear maps. None takes the number of principal directions that explain 99 % of the power of
        the delay coordinates, of the system that needs more.
    score : {"angular", "euclidean", "wasserstein"}
        The first two rotate one map onto the other, both scaled to unit norm, by an orthogonal matrix found by gradient
        descent; the third compares the eigenvalues only, by optimal transport, and is exact and fast.
    iterations : int
        Number of iterations of gradient descent.
    learning_rate : float
        Learning rate of gradient descent.
    seed : int
        Seed for the start of gradient descent and for the permutations.
    n_permutations : int
        Number of permutations for null and ceiling; each takes as long as the distance itself, seconds to minutes for
        "angular".

    Returns
    -------
    DynamicalSimilarity

    Raises
    ------
    ImportError
        If ``dsa-metric`` is not installed.
    ValueError
        If shapes do not match, values are not finite, or an option is out of range.

    Notes
    -----
    Ostrow, Eisen, Kozachkov & Fiete (2023), Adv Neural Inf Process Syst 36, with the authors' code. The linear maps are
    fitted in whitened principal coordinates of all delays, in float32. Trajectories must explore the dynamics:
    directions that decayed before the first step, or that no trial visits, are not compared. Gradient descent may end
    above the smallest distance; the better of two runs is used.

    Examples
    --------
    >>> dsa_distance([[[0.0]]], [[[0.0]]], n_delays=0)
    Traceback (most recent call last):
    ValueError: `n_delays`, `delay_steps` and `iterations` must be >= 1; got 0, 1 and 1500.
    """
    first, second = as_rates(a, "a"), as_rates(b, "b")
    require_finite("a", first)
    require_finite("b", second)
    n_delays, delay_steps = whole(n_delays, "`n_delays`"), whole(delay_steps, "`delay_steps`")
    iterations, seed = whole(iterations, "`iterations`"), whole(seed, "`seed`")
    n = whole(n_permutations, "`n_permutations`")
    if n < 0:
        raise ValueError(f"`n_permutations` must be >= 0; got {n}.")
    if min(n_delays, delay_steps, iterations) < 1:
        raise ValueError(
            f"`n_delays`, `delay_steps` and `iterations` must be >= 1; got {n_delays}, {delay_steps} and {iterations}."
        )
    if score not in SCORES:
        raise ValueError(f"`score` must be one of {', '.join(SCORES)}; got {score!r}.")
    spectra = [_powers(values, n_delays, delay_steps) for values in (first, second)]
    largest = min(powers.size for powers in spectra)
    needed = [int(np.argmax(np.cumsum(powers) >= _VARIANCE * powers.sum() - 1e-12)) + 1 for powers in spectra]
    dimensions = min(max(needed), largest) if rank is None else whole(rank, "`rank`")
    if not 1 <= dimensions <= largest:
        raise ValueError(
            f"`rank` must be in 1..{largest}, the delay coordinates of the smaller system; got {rank}. "
            "More delays allow a higher rank."
        )
    options = {"n_delays": n_delays, "delay_interval": delay_steps, "rank": dimensions}
    library, scoring = _library(), {"score_method": score, "iters": iterations, "lr": learning_rate}

    def apart(one: np.ndarray, other: np.ndarray) -> float:
        return _compare(library, one, other, options, scoring, seed)[0]

    distance, maps = _compare(library, first, second, options, scoring, seed)
    rng = np.random.default_rng(seed)
    null = np.array([apart(first, _turned(second, rng)) for _ in range(n)])
    ceiling, n_trials = float("nan"), min(first.shape[1], second.shape[1])
    if n and n_trials >= _FEWEST_TRIALS:
        halves = [np.array_split(one[:, rng.permutation(one.shape[1])], 2, axis=1) for one in (first, second)]
        ceiling = float(np.mean([apart(*pair) for pair in halves]))
    return DynamicalSimilarity(
        distance,
        score,
        dimensions,
        _sorted(np.linalg.eigvals(maps[0])),
        _sorted(np.linalg.eigvals(maps[1])),
        null=null,
        p=(1 + np.count_nonzero(null <= distance)) / (1 + n) if n else float("nan"),
        ceiling=ceiling,
        n=n_trials,
    )


def _turned(values: Float[np.ndarray, "T B N"], rng: np.random.Generator) -> Float[np.ndarray, "T B N"]:
    """Shift every unit of every trial circularly in time by a random number of steps."""
    by = rng.integers(len(values), size=values.shape[1:])
    step = (np.arange(len(values))[:, None, None] + by) % len(values)
    return np.take_along_axis(values, step, axis=0)


def _library() -> Any:
    try:
        return importlib.import_module("DSA")
    except ImportError as error:
        raise ImportError(
            'dynamical similarity needs dsa-metric, which is not installed or does not import; pip install -e ".[dsa]".'
        ) from error


def _compare(
    library: Any,
    first: Float[np.ndarray, "T0 B0 N0"],
    second: Float[np.ndarray, "T1 B1 N1"],
    options: dict[str, Any],
    scoring: dict[str, Any],
    seed: int,
) -> tuple[float, list[Float[np.ndarray, "r r"]]]:
    """Distance, and the fitted maps."""
    torch = importlib.import_module("torch")
    data = [np.ascontiguousarray(values.swapaxes(0, 1)) for values in (first, second)]  # DSA expects trials first
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        analysis = library.DSA(*data, device="cpu", verbose=False, **scoring, **options)
        analysis.fit_dmds()
        # Copies, as scoring scales the maps themselves to unit norm.
        maps = [analysis.dmds[place][0].A_v.cpu().numpy().astype(np.float64) for place in (0, 1)]
        return float(analysis.score()), maps


def _powers(values: Float[np.ndarray, "T B N"], n_delays: int, delay_steps: int) -> Float[np.ndarray, "M"]:
    """Squared singular values of the delay coordinates, descending."""
    steps = len(values) - (n_delays - 1) * delay_steps
    samples = max(steps, 0) * values.shape[1]
    if steps < 2 or samples < values.shape[2] * n_delays:
        raise ValueError(
            f"trajectories need at least N n_delays = {values.shape[2] * n_delays} samples with all delays, and 2 "
            f"steps of each trial; got {max(steps, 0)} steps of {values.shape[1]} trials. Take fewer delays, or "
            "project on principal components first."
        )
    joined = [values[delay * delay_steps : delay * delay_steps + steps] for delay in range(n_delays)]
    return np.linalg.svd(np.concatenate(joined, axis=2).reshape(samples, -1), compute_uv=False) ** 2


def _sorted(values: np.ndarray) -> Complex[np.ndarray, "r"]:
    complex_values = np.asarray(values, dtype=np.complex128)
    return complex_values[np.lexsort((-complex_values.imag, -complex_values.real, -np.abs(complex_values)))]
