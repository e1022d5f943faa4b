"""Noise for a small network that has the same effect as the noise of a larger one."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import optimize

from .. import analysis
from .._key import as_key
from ..models import RateRNN

FORMS = ("scaled", "correlated")
VARIANCE = 0.99
"""Fraction of the currents' variance in the directions where responses to noise are compared."""
PULL = 0.3
"""Pull of the noise of all directions towards a common factor; without it, many have none and a few far too much."""
MOST_TRIALS = 50
"""Most trials in runs with noise in a single direction."""
REPEATS = 4
"""Runs of each trial for the responses of the two whole networks."""


class MatchedNoise(NamedTuple):
    """A network with adapted noise; see `match_noise`.

    Attributes
    ----------
    net : RateRNN
    scale : (n,) float
        Standard deviation of each unit's noise, relative to ``sigma_rec``.
    misfit : float
        Distance of the covariance of the responses from that of the original network, relative to the latter and with
        all directions weighted equally: 0 is equal. Infinite for a network that diverges, whose noise is unchanged.
    misfit_before : float
        The same distance with the network's previous noise.
    """

    net: RateRNN
    scale: Float[np.ndarray, "n"]
    misfit: float
    misfit_before: float


def match_noise(
    net: RateRNN,
    original: RateRNN,
    units: ArrayLike,
    inputs: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    form: str = "scaled",
    key: jax.Array | int | None = None,
) -> MatchedNoise:
    r"""Give a condensed network noise that acts on it as the original network's noise acts there.

    A unit that represents others has only its own noise, and sends it with the weights of all of them, while the noise
    of many units averages out. A condensed network is therefore less reliable than the original one, although it does
    the same without noise. Here the responses to noise are matched: the covariance :math:`C` of the changes by noise in
    the outputs and in the currents that the units receive from each other (in their leading principal directions).
    Responses to noise in single directions of the small network, :math:`K_i`, are simulated, and their strengths fitted
    by non-negative least squares in the units of :math:`C`,

    .. math:: \min_{s \ge 0} \Big\| \sum_i s_i\, C^{-1/2} K_i C^{-1/2} - I \Big\|^2 .

    Parameters
    ----------
    net : RateRNN
        Condensed network, which is not modified.
    original : RateRNN
    units : (n,) int
        Unit of the original network for each unit of ``net``.
    inputs : (T, B, n_in) array
    mask : (T, B) array of bool or 0/1, optional
        Steps that count.
    form : {"scaled", "correlated"}
        Noise of each unit scaled separately; or independent in the directions in which the units' weights act together
        (left singular vectors of the recurrent and readout weights), hence correlated over units.
    key : jax.Array, optional
        Random key of the simulated noise; default ``eicon.key(0)``.

    Returns
    -------
    MatchedNoise
        Network with its ``noise_covariance``; ``sigma_rec`` and ``sigma_in`` are those of the given network. Without
        recurrent noise, nothing changes.

    Raises
    ------
    ValueError
        For an unknown ``form``, a mismatch of ``units``, or an original network that diverges.
    """
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r}; allowed: {', '.join(FORMS)}.")
    n, kept = net.n_rec, np.asarray(units)
    if kept.shape != (n,) or not np.isin(kept, np.arange(original.n_rec)).all():
        raise ValueError(
            f"`units` must be one of the {original.n_rec} units of the original network for each of the {n} units "
            f"of `net`; got {kept!r:.80}."
        )
    if not net.sigma_rec:
        return MatchedNoise(net, np.ones(n), 0.0, 0.0)
    values = jnp.asarray(inputs, original.network.dtype)
    counted = np.ones(values.shape[:2], bool) if mask is None else np.asarray(mask) != 0
    # Common random numbers would not help: noise in orthogonal directions is independent whatever the keys, and the
    # same series in all of them does not average out.
    keys = jax.random.split(as_key(0 if key is None else key), n + 1)
    axes = _directions(original, kept, values, counted)
    whole = np.arange(n)
    wanted = _response(original, kept, axes, values, counted, keys[0], REPEATS)
    own = _response(net, whole, axes, values, counted, keys[0], REPEATS)
    if not np.isfinite(wanted).all():
        raise ValueError("the activity of the original network is not finite; it diverges.")
    if not np.isfinite(own).all():
        return MatchedNoise(net, np.ones(n), float("inf"), float("inf"))
    few = np.unique(np.linspace(0, values.shape[1] - 1, MOST_TRIALS).astype(int))
    some, steps = values[:, few], counted[:, few]
    together = np.hstack([net.W_rec, net.W_out]).astype(np.float64)
    patterns = np.eye(n) if form == "scaled" else np.linalg.svd(together)[0].T
    alone = net.with_settings(sigma_in=0.0)
    still = _seen(net, whole, some, noise=False)
    single = [
        _response(alone.with_settings(noise_covariance=np.outer(one, one)), whole, axes, some, steps, k, 1, still)
        for one, k in zip(patterns, keys[1:], strict=True)
    ]
    left = wanted
    if net.sigma_in:
        left = wanted - _response(net.with_settings(sigma_rec=0.0), whole, axes, values, counted, keys[0], REPEATS)
    strength, unit = _fitted(np.stack(single), left, wanted)
    covariance = (patterns.T * strength) @ patterns
    made = net.with_settings(noise_covariance=covariance)
    found = _response(made, whole, axes, values, counted, keys[0], REPEATS)
    misfits = [float(np.linalg.norm(unit @ (r - wanted) @ unit.T) / np.sqrt(len(wanted))) for r in (found, own)]
    return MatchedNoise(made, np.sqrt(np.diag(covariance)), *misfits)


def _seen(net: RateRNN, units: np.ndarray, inputs: Any, **options: Any) -> np.ndarray:
    """Return outputs, and the currents that these units receive from all others, (T, B, n_out + n)."""
    activity = net.predict(inputs, **options)
    sent = net.network.send(activity.states)
    return np.concatenate([activity.outputs, sent @ jnp.asarray(net.W_rec)[:, units]], axis=2).astype(np.float64)


def _directions(net: RateRNN, units: np.ndarray, inputs: Any, counted: np.ndarray) -> np.ndarray:
    """Return outputs and the leading principal directions of the currents, as columns (n_out + n, k)."""
    m = net.n_out
    values = _seen(net, units, inputs, noise=False)
    axes = np.eye(values.shape[2], m)
    if np.ptp(values[counted][:, m:], axis=0).any():  # there are recurrent weights, and units that send
        found = analysis.pca(values[:, :, m:], mask=counted)
        leading = np.zeros((values.shape[2], found.n_for(VARIANCE)))
        leading[m:] = np.asarray(found.components)[: leading.shape[1]].T
        axes = np.hstack([axes, leading])
    return axes


def _response(
    net: RateRNN,
    units: np.ndarray,
    axes: np.ndarray,
    inputs: Any,
    counted: np.ndarray,
    key: jax.Array,
    repeats: int,
    still: np.ndarray | None = None,
) -> np.ndarray:
    """Return the covariance (k, k) of changes by noise."""
    still = _seen(net, units, inputs, noise=False) if still is None else still
    total = np.zeros((axes.shape[1],) * 2)
    with np.errstate(invalid="ignore", over="ignore"):  # of networks that diverge
        for one in jax.random.split(key, repeats):
            changed = (_seen(net, units, inputs, key=one) - still)[counted] @ axes
            total += changed.T @ changed / (repeats * len(changed))
    return total


def _fitted(single: np.ndarray, wanted: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the strength (n,) of the noise in each direction; return also the inverse root of ``scale`` for responses."""
    values, vectors = np.linalg.eigh(scale)
    values = np.maximum(values, 1e-6 * values[-1])
    unit = (vectors / np.sqrt(values)) @ vectors.T
    columns = np.stack([(unit @ one @ unit.T).ravel() for one in single], axis=1)
    target = (unit @ wanted @ unit.T).ravel()
    together = columns.sum(axis=1)
    common = max(float(together @ target) / float(together @ together), 0.0)
    pull = PULL * np.sqrt(np.mean(np.sum(columns**2, axis=0))) * np.eye(len(single))
    rows, right = np.vstack([columns, pull]), np.concatenate([target, pull.sum(axis=1) * common])
    return optimize.nnls(rows, right, maxiter=50 * len(single))[0], unit
