"""Combination of two senses, compared with the optimum."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from ._arrays import as_choice, as_labels, as_vector
from ._bootstrap import bootstrap
from ._psychometric import Psychometric, psychometric


class MultisensoryRatio(NamedTuple):
    """Widths of the psychometric curves of two senses, alone and together.

    Attributes
    ----------
    sigma : (3,) float
        Widths of first sense, second sense, both; in the unit of the rate.
    sigma_se : (3,) float
        Standard errors of the widths; NaN where a curve is not determined.
    predicted : float
        sigma of both if independent evidence is combined optimally,
        ``1 / predicted^2 = 1 / sigma[0]^2 + 1 / sigma[1]^2``.
    ratio : float
        Measured over predicted information, ``(1 / sigma[2]^2) / (1 / sigma[0]^2 + 1 / sigma[1]^2)``: 1 if optimal,
        below 1 if not. NaN if not `converged`.
    ratio_ci : (2,) float
        Bootstrap 95 % interval of the ratio; NaN if more than 5 % of the resampled data sets do not determine it.
    converged : bool
        Whether the data determine all three curves.
    n_failed : int
        Resampled data sets that do not determine the ratio.
    curves : (3,) tuple of Psychometric
        First sense, second sense, both.
    n_left_out : int
        Trials without a choice, or of a different modality.
    """

    sigma: Float[np.ndarray, "3"]
    sigma_se: Float[np.ndarray, "3"]
    predicted: float
    ratio: float
    ratio_ci: Float[np.ndarray, "2"]
    converged: bool
    n_failed: int
    curves: tuple[Psychometric, Psychometric, Psychometric]
    n_left_out: int


class _Ratio(NamedTuple):
    curves: tuple[Psychometric, ...]
    sigma: Float[np.ndarray, "3"]
    predicted: float
    ratio: float
    converged: bool


def multisensory_ratio(
    rate: ArrayLike,
    modality: ArrayLike,
    choice: ArrayLike,
    *,
    rng: np.random.Generator | int | float,
    labels: tuple[str | int, str | int, str | int] = (0, 1, 2),
    lapse: bool = False,
    n_resamples: int | float = 1000,
) -> MultisensoryRatio:
    """Compare the sensitivity to two senses together with that to each alone.

    Parameters
    ----------
    rate : (B,) array
        The judged quantity, such as events per second; high rates favour choice 0 (else pass ``-rate``).
    modality : (B,) array
        Senses stimulated in each trial, as one of `labels`.
    choice : (B,) array of int
        0 or 1; -1 or NaN, no answer, leaves a trial out.
    rng : numpy Generator or int
        Source of the resampling, or its seed.
    labels : (first, second, both)
        Labels in `modality` of the two senses alone (for instance visual and auditory) and together.
    lapse : bool
        Fit lapse rates too.
    n_resamples : int
        Resampled data sets, within modality.

    Returns
    -------
    MultisensoryRatio

    Raises
    ------
    ValueError
        If shapes do not match, a label is missing, or a modality has fewer than two rates with a choice.

    Notes
    -----
    Song, Yang & Wang (2016), PLoS Comput Biol 12:e1004792; the prediction is that of Ernst & Banks (2002), Nature
    415:429. Each curve has its own bias.

    Examples
    --------
    >>> rate = np.tile(np.repeat([-2.0, 0.0, 2.0], 100), 3)
    >>> upper = np.repeat([70, 50, 30, 70, 50, 30, 80, 50, 20], 100)
    >>> modality, choice = np.repeat([0, 1, 2], 300), np.arange(900) % 100 < upper
    >>> result = multisensory_ratio(rate, modality, choice, rng=0, n_resamples=40)
    >>> result.sigma.round(2).tolist(), round(result.ratio, 2)
    ([3.81, 3.81, 2.38], 1.29)
    """
    values = as_vector("rate", rate)
    senses = as_labels("modality", modality, values.size)
    chosen = as_choice(choice, values.size)
    unknown = [label for label in labels if not (senses == label).any()]
    if unknown or len(set(labels)) < 3:
        raise ValueError(
            f"`labels` must name three different values of `modality`; got {labels}, and modalities "
            f"{np.unique(senses)[:6].tolist()}."
        )
    known = np.isin(senses, np.asarray(labels)) & (chosen >= 0)
    data = values[known], senses[known], chosen[known]

    def fit(rates: np.ndarray, kinds: np.ndarray, choices: np.ndarray) -> _Ratio:
        return _ratio(rates, kinds, choices, labels, lapse)

    found = fit(*data)
    varied = bootstrap(fit, *data, parameters=("ratio",), rng=rng, strata=data[1], n_resamples=n_resamples)
    first, second, both = found.curves
    errors = np.array([curve.width_se for curve in found.curves])
    interval = varied.ci[0] if found.converged else np.full(2, np.nan)
    return MultisensoryRatio(
        found.sigma,
        errors,
        found.predicted,
        found.ratio,
        interval,
        found.converged,
        varied.n_failed,
        (first, second, both),
        int(np.count_nonzero(~known)),
    )


def _ratio(
    rates: Float[np.ndarray, "B"],
    kinds: Shaped[np.ndarray, "B"],
    choices: np.ndarray,
    labels: tuple[str | int, str | int, str | int],
    lapse: bool,
) -> _Ratio:
    curves = tuple(psychometric(rates[kinds == label], choices[kinds == label], lapse=lapse) for label in labels)
    sigma = np.array([curve.width for curve in curves])
    converged = all(curve.converged for curve in curves)
    information = sigma[0] ** -2 + sigma[1] ** -2
    ratio = float(sigma[2] ** -2 / information) if converged else np.nan
    return _Ratio(curves, sigma, float(information**-0.5), ratio, converged)
