"""Eigenvalues of weight matrices and Jacobians, compared with those of a random matrix."""

from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Shaped
from numpy.typing import ArrayLike
from scipy import linalg

from .._numbers import real
from ._arrays import as_dt, as_excitatory, as_matrix, numbers, require_same_unit

Map = Literal["matrix", "continuous", "discrete"]


class Spectrum(NamedTuple):
    """Eigenvalues with the map they belong to, since a threshold means nothing without it.

    Attributes
    ----------
    eigenvalues : (N,) complex
        By descending modulus; of a conjugate pair the one with positive imaginary part comes first.
    spectral_radius : float
        ``max |lambda|``.
    spectral_abscissa : float
        ``max Re(lambda)``.
    center : float
        Centre of the random-matrix circle: 0 for a matrix, ``-1/tau`` (continuous), ``1 - dt/tau``
        (discrete); NaN if tau differs between units, as there is no circle then.
    random_radius : float
        Radius of the circle around the eigenvalues of a random matrix whose entries have the same
        variances (formula: see `spectrum` and `jacobian_spectrum`); NaN if tau differs between units.
    outliers : (n_out,) int
        Indices into `eigenvalues` with ``|lambda - center| > outlier_factor * random_radius``.
    map : {"matrix", "continuous", "discrete"}
        A bare weight matrix (no dynamics), the Jacobian of a flow in 1/ms, or the Jacobian of one Euler step.
    """

    eigenvalues: Complex[np.ndarray, "N"]
    spectral_radius: float
    spectral_abscissa: float
    center: float
    random_radius: float
    outliers: Int[np.ndarray, "n_out"]
    map: Map

    @property
    def is_stable(self) -> bool | None:
        """True if small perturbations decay: abscissa < 0 (flow), radius < 1 (step); None for a matrix."""
        if self.map == "continuous":
            return self.spectral_abscissa < 0.0
        return self.spectral_radius < 1.0 if self.map == "discrete" else None


def spectrum(matrix: Any, *, excitatory: ArrayLike | None = None, outlier_factor: float = 1.2) -> Spectrum:
    """Compute the eigenvalues of an effective recurrent weight matrix.

    Parameters
    ----------
    matrix : (N, N) array
        Effective weights ``W[pre, post]`` (signed and masked, not the raw parameters); or a network, whose current
        recurrent weights are used. May be complex.
    excitatory : (N,) bool array, optional
        True for E rows. None treats all entries as one population.
    outlier_factor : float
        Eigenvalues outside this multiple of `random_radius` are outliers; >= 1.

    Returns
    -------
    Spectrum
        Spectrum with ``map="matrix"``.

    Raises
    ------
    ValueError
        If the matrix is not square or not finite, `excitatory` does not match, or `outlier_factor` < 1.

    Notes
    -----
    ``random_radius = sqrt(N (f var_E + (1 - f) var_I))``, where f is the fraction of E rows and var_E, var_I
    are the variances of the entries of E and I rows about their own means (Rajan & Abbott 2006, Phys Rev
    Lett 97:188104). The means themselves give outliers unless excitation and inhibition balance.

    Examples
    --------
    >>> import numpy as np
    >>> spectrum(np.array([[0.0, 1.0], [-1.0, 0.0]])).eigenvalues.tolist()
    [1j, -1j]
    """
    weights = as_matrix(matrix, complex_too=True)
    types = as_excitatory(excitatory, len(weights))
    _check_factor(outlier_factor)
    radius = float(np.sqrt(_row_variance(weights, types).sum()))
    return _collect(weights, 0.0, radius, outlier_factor, "matrix")


def jacobian(
    matrix: Any,
    gain: ArrayLike | float | int,
    tau: ArrayLike | float | int,
    *,
    dt: float | int | None = None,
) -> Float[np.ndarray, "N N"]:
    """Compute the Jacobian of a rate network at one state: rows = unit that changes, columns = perturbed unit.

    The network is ``tau_j dx_j/dt = -x_j + sum_i f(x_i) W[i, j] + input_j``, hence
    ``J[j, i] = (-delta_ij + f'(x_i) W[i, j]) / tau_j``, that is
    ``J = (-I + (diag(gain) W)^T) / tau[:, None]``: the transpose of the ``W[pre, post]`` order.

    Parameters
    ----------
    matrix : (N, N) array
        Effective weights ``W[pre, post]``, or a network.
    gain : scalar or (N,) array
        Slope ``f'(x_i)`` of the activation of each (presynaptic) unit at the state of interest.
    tau : scalar or (N,) array
        Time constant of each (postsynaptic) unit, ms.
    dt : float, optional
        Step in ms. None gives J of the flow (1/ms); a value gives one Euler step, ``I + dt J`` (no unit).

    Returns
    -------
    (N, N) float array

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, or `tau` or `dt` is not positive.

    Examples
    --------
    >>> jacobian([[0.0, 1.0], [0.0, 0.0]], gain=1.0, tau=[10.0, 20.0]).tolist()
    [[-0.1, 0.0], [0.05, -0.05]]
    """
    weights = as_matrix(matrix)
    n = len(weights)
    slopes, taus = _per_unit("gain", gain, n), _per_unit("tau", tau, n)
    if (taus <= 0.0).any():
        raise ValueError(f"`tau` must be positive (ms); got {taus.min()}. Time is in ms everywhere.")
    if dt is not None:
        dt = _step(dt, taus)
    flow = ((slopes[:, None] * weights).T - np.eye(n)) / taus[:, None]
    return flow if dt is None else np.eye(n) + dt * flow


def jacobian_spectrum(
    matrix: Any,
    gain: ArrayLike | float | int,
    tau: ArrayLike | float | int,
    *,
    dt: float | int | None = None,
    excitatory: ArrayLike | None = None,
    outlier_factor: float = 1.2,
) -> Spectrum:
    """Compute the eigenvalues of the Jacobian of a rate network at one state (equations: see `jacobian`).

    Parameters
    ----------
    matrix : (N, N) array
        Effective weights ``W[pre, post]``, or a network.
    gain : scalar or (N,) array
        Slope ``f'(x_i)`` of the activation of each (presynaptic) unit at the state of interest.
    tau : scalar or (N,) array
        Time constant of each (postsynaptic) unit, ms.
    dt : float, optional
        Step in ms. None gives the flow (``map="continuous"``, eigenvalues in 1/ms); a value gives one Euler
        step, ``I + dt J`` (``map="discrete"``, no unit). A lone leaky unit has ``-1/tau`` and ``1 - dt/tau``.
    excitatory : (N,) bool array, optional
        True for E units; used for the random-matrix radius only.
    outlier_factor : float
        Eigenvalues further from `center` than this multiple of `random_radius` are outliers; >= 1.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, `tau` or `dt` is not positive, or `outlier_factor` < 1.

    Notes
    -----
    For one common tau, ``random_radius = sqrt(sum_i gain_i^2 var_i) / tau`` (times dt for the Euler
    step), where var_i is the variance of the entries of the population of row i: the variance profile of
    ``diag(gain) W`` has rank one, so the radius of Aljadeff, Stern & Sharpee (2015), Phys Rev Lett
    114:088101, has this closed form. The gains are taken as independent of W.

    Examples
    --------
    >>> jacobian_spectrum([[0.0]], gain=1.0, tau=100.0).eigenvalues.tolist()
    [(-0.01+0j)]
    """
    weights = as_matrix(matrix)
    types = as_excitatory(excitatory, len(weights))
    _check_factor(outlier_factor)
    linearised = jacobian(weights, gain, tau, dt=dt)
    slopes, taus = _per_unit("gain", gain, len(weights)), _per_unit("tau", tau, len(weights))
    center = radius = np.nan
    if (taus == taus[0]).all():
        center = -1.0 / taus[0]
        radius = np.sqrt(np.sum(slopes**2 * _row_variance(weights, types))) / taus[0]
    if dt is None:
        return _collect(linearised, float(center), float(radius), outlier_factor, "continuous")
    step = _step(dt, taus)
    return _collect(linearised, float(1.0 + step * center), float(step * radius), outlier_factor, "discrete")


def _row_variance(weights: Shaped[np.ndarray, "N N"], types: Bool[np.ndarray, "N"] | None) -> Float[np.ndarray, "N"]:
    """Variance of the entries of the population that each row belongs to."""
    if types is None:
        return np.full(len(weights), weights.var())
    variance = np.zeros(len(weights))
    for group in (types, ~types):
        if group.any():
            variance[group] = weights[group].var()
    return variance


def _collect(matrix: Shaped[np.ndarray, "N N"], center: float, radius: float, factor: float, kind: Map) -> Spectrum:
    values = linalg.eigvals(matrix)
    modulus = np.abs(values)
    order = np.lexsort((-values.imag, -values.real, -modulus))
    values = values[order]
    # Rounding alone must not create outliers; comparing with NaN is False, so without a circle there are none.
    rounding = len(values) * np.finfo(np.float64).eps * linalg.norm(matrix)
    outliers = np.flatnonzero(np.abs(values - center) > factor * radius + rounding)
    return Spectrum(values, float(modulus.max()), float(values.real.max()), center, radius, outliers, kind)


def _per_unit(name: str, value: ArrayLike | float | int, n: int) -> Float[np.ndarray, "N"]:
    array = numbers(name, value)
    if array.shape not in ((), (n,)) or not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be a finite scalar or (N,) = ({n},) array; got shape {array.shape}. "
            "It is evaluated at one state: take one step of one trial."
        )
    return np.broadcast_to(array, (n,))


def _step(dt: float | int, taus: Float[np.ndarray, "N"]) -> float:
    if not real(dt, "`dt`") > 0.0:
        raise ValueError(f"`dt` must be positive (ms) or None for continuous time; got {dt}.")
    require_same_unit(as_dt(dt), float(taus.min()))
    return float(dt)


def _check_factor(factor: float) -> None:
    if not real(factor, "`outlier_factor`") >= 1.0:
        raise ValueError(
            f"`outlier_factor` must be >= 1; got {factor}. Below 1 the bulk itself would count as outliers."
        )
