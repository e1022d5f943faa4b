"""Currents between populations of a network."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from ._arrays import SILENT, Rates, as_mask, as_matrix, as_rates, levels_of, plain, require_finite, steps_of


class PopulationCurrents(NamedTuple):
    """Recurrent input of all units, by the population that it comes from; P populations.

    Attributes
    ----------
    names : (P,) array
        Labels of the populations, ascending.
    labels : (N,) array
        Population of each unit.
    current : (P, T, B, N) float
        ``current[a]`` is the current from population ``a`` into each unit; NaN outside the mask. The sum over
        populations is the whole recurrent input, ``rates @ weights``.
    share : (P, P) float
        ``share[a, b]``: of the variance of currents into population ``b``, the share of those from ``a``; columns sum
        to 1. NaN for a population whose currents are all constant.
    """

    names: Shaped[np.ndarray, "P"]
    labels: Shaped[np.ndarray, "N"]
    current: Float[np.ndarray, "P T B N"]
    share: Float[np.ndarray, "P P"]

    def between(self, source: Any, target: Any) -> Float[np.ndarray, "T B n"]:
        """Currents from one population into the n units of another, (T, B, n).

        Raises
        ------
        ValueError
            For a population that does not exist.
        """
        names = self.names.tolist()
        for name in (source, target):
            if name not in names:
                raise ValueError(f"no population {name!r}; there are {', '.join(map(str, names))}.")
        return self.current[names.index(source)][:, :, self.labels == target]


def population_currents(
    weights: Any, rates: Rates, labels: ArrayLike, *, mask: ArrayLike | None = None
) -> PopulationCurrents:
    r"""Split the recurrent input of units by the population that it comes from.

    .. math:: C_{ab}(t) = r_a(t) W_{ab}, \qquad
              \mathrm{share}_{ab} = \frac{\sum_{j \in b} \mathrm{var}(C_{ab,j})}
              {\sum_{a'} \sum_{j \in b} \mathrm{var}(C_{a'b,j})}

    Parameters
    ----------
    weights : (N, N) array
        ``W[pre, post]``, or a network with such weights.
    rates : (T, B, N) array
        Rates that the units send, time-major.
    labels : (N,) array
        Population of each unit: an area, a type.
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; padded steps are False.

    Returns
    -------
    PopulationCurrents

    Raises
    ------
    ValueError
        If shapes do not match or numbers are not finite.

    Notes
    -----
    Current-based decomposition (CURBD): Perich et al. (2021), bioRxiv 2020.12.18.423348. Variances are those of each
    target unit over steps and trials. Currents from several populations covary, and those of excitatory and inhibitory
    ones often cancel, so that the variances do not sum to that of the whole input: a share says how large a current is
    compared with the others, not how much of the input would be missing without it.

    Examples
    --------
    >>> rates = np.random.default_rng(0).normal(size=(20, 3, 4))
    >>> weights = np.kron([[1.0, 0.0], [2.0, 1.0]], np.eye(2))
    >>> result = population_currents(weights, rates, ["a", "a", "b", "b"])
    >>> np.allclose(result.current.sum(axis=0), rates @ weights), result.share[:, 1].tolist()
    (True, [0.0, 1.0])
    """
    matrix, values = as_matrix(weights, "weights"), as_rates(rates)
    n = len(matrix)
    if values.shape[2] != n:
        raise ValueError(f"`rates` must have N = {n} units, as `weights`; got shape {values.shape}.")
    given = plain("labels", labels)
    if given.shape != (n,) or given.dtype.kind not in "biufUS" or (given.dtype.kind == "f" and np.isnan(given).any()):
        raise ValueError(
            f"`labels` must name the population of each unit, shape (N,) = ({n},), by text or numbers; "
            f"got {given.dtype}, shape {given.shape}."
        )
    inside = as_mask("mask", steps_of(rates, mask), values.shape[:2])
    if not inside.any():
        raise ValueError("`mask` must select at least one step; got none.")
    require_finite("rates", values[inside])
    names, index = levels_of(given)
    sent = np.where(inside[:, :, None], values, 0.0)
    members = [index == place for place in range(names.size)]
    current = np.stack([sent[:, :, here] @ matrix[here] for here in members])
    variance = current[:, inside].var(axis=1)
    variance[np.sqrt(variance) <= SILENT * np.abs(current[:, inside]).max(axis=1)] = 0.0  # rounding of constant ones
    summed = np.stack([variance[:, here].sum(axis=1) for here in members], axis=1)
    total = summed.sum(axis=0)
    current[:, ~inside] = np.nan
    share = np.divide(summed, total, out=np.full(summed.shape, np.nan), where=total > 0.0)
    return PopulationCurrents(names, names[index], current, share)
