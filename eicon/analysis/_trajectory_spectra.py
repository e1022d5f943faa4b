"""Eigenvalues of the Jacobian along a trajectory, and of the weights through training."""

from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int, Shaped
from numpy.typing import ArrayLike

from ._arrays import LAST, by_name, numbers, plain, require_finite
from ._spectrum import Spectrum, jacobian_spectrum, spectrum


class TrajectorySpectra(NamedTuple):
    """Spectra of the Jacobian at the T steps of a trajectory.

    Attributes
    ----------
    eigenvalues : (T, N) complex
        Eigenvalues, in each row by descending modulus, as `Spectrum.eigenvalues`.
    abscissa : (T,) float
        ``max Re(lambda)``.
    radius : (T,) float
        ``max |lambda|``.
    n_unstable : (T,) int
        Directions that grow: ``Re(lambda) > 0`` (continuous) or ``|lambda| > 1`` (discrete).
    center : float
        Centre of the random-matrix circle, see `Spectrum.center`.
    random_radius : (T,) float
        Radius of the circle, which changes with the gains.
    map : {"continuous", "discrete"}
        The Jacobian of the flow, eigenvalues in 1/ms, or that of one Euler step.
    """

    eigenvalues: Complex[np.ndarray, "T N"]
    abscissa: Float[np.ndarray, "T"]
    radius: Float[np.ndarray, "T"]
    n_unstable: Int[np.ndarray, "T"]
    center: float
    random_radius: Float[np.ndarray, "T"]
    map: Literal["continuous", "discrete"]


class TrainingSpectra(NamedTuple):
    """Spectra of the weights at S snapshots of a training.

    Attributes
    ----------
    steps : (S,) int
        Training steps done at each snapshot, ascending.
    eigenvalues : (S, N) complex
        Eigenvalues, in each row by descending modulus.
    radius : (S,) float
        Spectral radius ``max |lambda|``.
    abscissa : (S,) float
        ``max Re(lambda)``.
    random_radius : (S,) float
        Radius that random entries of the same variances would give, see `spectrum`.
    n_outliers : (S,) int
        Eigenvalues with ``|lambda| > outlier_factor * random_radius``.
    """

    steps: Int[np.ndarray, "S"]
    eigenvalues: Complex[np.ndarray, "S N"]
    radius: Float[np.ndarray, "S"]
    abscissa: Float[np.ndarray, "S"]
    random_radius: Float[np.ndarray, "S"]
    n_outliers: Int[np.ndarray, "S"]


def trajectory_spectra(
    matrix: Any,
    gains: ArrayLike,
    tau: ArrayLike | float | int,
    *,
    dt: float | int | None = None,
    excitatory: ArrayLike | None = None,
) -> TrajectorySpectra:
    """Compute the eigenvalues of the Jacobian of a rate network at every step of one trial (see `jacobian`).

    Parameters
    ----------
    matrix : (N, N) array
        Effective weights ``W[pre, post]``, or a network.
    gains : (T, N) array
        Slopes ``f'(x_i)`` of the activation of each unit at each step.
    tau : scalar or (N,) array
        Time constant of each unit, ms.
    dt : float, optional
        Step in ms. None gives the flow (eigenvalues in 1/ms); a value gives one Euler step, ``I + dt J``.
    excitatory : (N,) bool array, optional
        True for E units; used for the random-matrix radius only.

    Returns
    -------
    TrajectorySpectra

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, or `tau` or `dt` is not positive.

    Notes
    -----
    Eigenvalues describe the fate of a perturbation while the state is held fixed. Along a moving trajectory, the
    exponents of `lyapunov` determine the long run.

    Examples
    --------
    >>> result = trajectory_spectra([[0.0, 2.0], [2.0, 0.0]], [[1.0, 1.0], [0.1, 0.1]], tau=10.0)
    >>> result.abscissa.round(3).tolist(), result.n_unstable.tolist()
    ([0.1, -0.08], [1, 0])
    """
    slopes = _stack(
        "gains", by_name("gains", gains, (("time",), LAST)), 2, "(T, N)", "For one trial pass gains[:, trial]."
    )
    found = [jacobian_spectrum(matrix, row, tau, dt=dt, excitatory=excitatory) for row in slopes]
    values = np.stack([one.eigenvalues for one in found])
    unstable = values.real > 0.0 if dt is None else np.abs(values) > 1.0
    return TrajectorySpectra(
        values,
        _each(found, "spectral_abscissa"),
        _each(found, "spectral_radius"),
        unstable.sum(axis=1),
        found[0].center,
        _each(found, "random_radius"),
        "continuous" if dt is None else "discrete",
    )


def training_spectra(
    matrices: ArrayLike,
    steps: ArrayLike,
    *,
    excitatory: ArrayLike | None = None,
    outlier_factor: float = 1.2,
) -> TrainingSpectra:
    """Compute the eigenvalues of the recurrent weights at snapshots of a training.

    Parameters
    ----------
    matrices : (S, N, N) array
        Effective weights ``W[pre, post]`` at each snapshot, for instance of the networks that `Trainer.fit` keeps.
    steps : (S,) array of int
        Training steps done at each snapshot, ascending.
    excitatory : (N,) bool array, optional
        True for E rows. None treats all entries as one population.
    outlier_factor : float
        Eigenvalues outside this multiple of `random_radius` are outliers; >= 1.

    Returns
    -------
    TrainingSpectra

    Raises
    ------
    ValueError
        If shapes do not match, a weight is not finite, steps do not ascend, or `outlier_factor` < 1.

    Notes
    -----
    Only the variances of the weights enter the circle (see `spectrum`): a change by training in a few directions, which
    changes the variance little, appears as an outlier.

    Examples
    --------
    >>> import numpy as np
    >>> result = training_spectra(np.stack([0.5 * np.eye(3), 2.0 * np.eye(3)]), [0, 100])
    >>> result.radius.tolist(), result.steps.tolist()
    ([0.5, 2.0], [0, 100])
    """
    weights = _stack("matrices", matrices, 3, "(S, N, N)", "Stack the weights of the snapshots.")
    done = plain("steps", steps)
    are_whole = done.dtype.kind in "iuf" and not (done % 1).any()
    if done.shape != weights.shape[:1] or not are_whole or (np.diff(done) <= 0).any():
        raise ValueError(
            f"`steps` must be (S,) = ({len(weights)},) ascending integers, one per matrix; got {done.dtype}, shape "
            f"{done.shape}. Snapshots may be out of order."
        )
    found = [spectrum(one, excitatory=excitatory, outlier_factor=outlier_factor) for one in weights]
    return TrainingSpectra(
        done.astype(np.int64),
        np.stack([one.eigenvalues for one in found]),
        _each(found, "spectral_radius"),
        _each(found, "spectral_abscissa"),
        _each(found, "random_radius"),
        np.array([one.outliers.size for one in found]),
    )


def _each(found: list[Spectrum], name: str) -> Float[np.ndarray, "S"]:
    return np.array([getattr(one, name) for one in found])


def _stack(name: str, values: ArrayLike, ndim: int, shape: str, hint: str) -> Shaped[np.ndarray, "S ..."]:
    array = numbers(name, values)
    if array.ndim != ndim or 0 in array.shape:
        raise ValueError(f"`{name}` must be a non-empty {shape} array; got shape {array.shape}. {hint}")
    require_finite(name, array)
    return array
