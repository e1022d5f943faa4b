"""Similarity of the effects of the same perturbations on two networks."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from ._arrays import numbers, require_finite
from ._consistency import differences, judged_agreement, stratified
from ._similarity import PERMUTATIONS, Similarity

FEWEST = 3
ROUNDING = 1e-12
"""Effects that differ by less than this fraction of the largest count as equal."""


def effect_similarity(
    effects_a: ArrayLike,
    effects_b: ArrayLike,
    *,
    errors_a: ArrayLike | None = None,
    errors_b: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    n_permutations: int | float = PERMUTATIONS,
    rng: np.random.Generator | int | float = 0,
) -> Similarity:
    r"""Measure the concordance of the effects that the same K perturbations have on two networks.

    .. math:: \rho_c = 1 - \frac{\overline{(a_i - b_i)^2}}{\overline{(a_i - b_j)^2}_{\,i \neq j}}

    for the effects :math:`a_i` and :math:`b_i` of perturbation i. It is 1 only if each perturbation does the same to
    both: effects that are proportional, but twice as large, are not the same, although Pearson's correlation is then 1.
    Performance in the same K conditions, for instance outside the trained range, may be used instead of effects.

    Parameters
    ----------
    effects_a, effects_b : (K,) or (K, M) array
        Effects of the same perturbations on the two networks; of M measures, in any units: the mean of the measures'
        concordances is taken. NaN leaves a perturbation out.
    errors_a, errors_b : arrays of the same shape, optional
        Standard errors of the effects, from which the ceiling follows.
    strata : (K,) array of labels, optional
        Kinds of the perturbations, such as their strengths. Effects are then compared, and exchanged by the null, only
        within each kind, so that an effect of the kind on every network does not count as similarity. A perturbation
        that is alone in its kind is left out.
    n_permutations : int
        Number of permutations; 0 for none.
    rng : int or numpy Generator
        Source of permutations.

    Returns
    -------
    Similarity
        1 for equal effects, 0 on average for unrelated ones, below 0 for opposite ones. ``plain`` is Lin's coefficient,
        which also counts the pairs i = j in the denominator and is nearer to 0 where K is small. ``n`` is K,
        ``n_left_out`` counts the perturbations left out. NaN if all effects are equal.

    Raises
    ------
    ValueError
        If shapes do not match, fewer than three perturbations are left, or an error is negative or NaN.

    Notes
    -----
    Lin (1989), Biometrics 45:255, :math:`2 s_{ab} / (s_a^2 + s_b^2 + (\bar a - \bar b)^2)`; without the bias of small
    samples: Carrasco & Jover (2003), Biometrics 59:849. The null exchanges perturbations of `b`: all orders if there
    are at most 1000, as up to K = 6; p is then exact. Three perturbations cannot give p below 1/6.

    The ceiling is :math:`\sqrt{r_a r_b}` (Spearman 1904, Am J Psychol 15:72) with the reliabilities
    :math:`r = 1 - \overline{e^2} / s^2` of effects of variance :math:`s^2` and standard errors e: the concordance that
    is expected of two networks whose true effects are equal. An error that all effects of a network share, such as that
    of its unperturbed performance, hardly matters and should not be included in e.

    Examples
    --------
    >>> effects = np.array([-0.4, -0.1, 0.0, -0.2, -0.3, 0.05])
    >>> effect_similarity(effects, effects).value, round(effect_similarity(effects, effects).p, 4)
    (1.0, 0.0014)
    >>> round(effect_similarity(effects, effects / 2).value, 2)  # Pearson's correlation is 1
    0.71
    """
    a, b = _effects("effects_a", effects_a), _effects("effects_b", effects_b)
    if a.shape != b.shape:
        raise ValueError(
            "`effects_a` and `effects_b` must be effects of the same perturbations, of equal shape; "
            f"got {np.shape(effects_a)} and {np.shape(effects_b)}."
        )
    known = ~np.isnan(a + b).any(axis=1)
    kinds = stratified(strata, known)
    if kinds.samples.size < FEWEST:
        raise ValueError(
            f"`effects_a` and `effects_b` must have at least {FEWEST} perturbations that are NaN in neither and not "
            f"alone in their stratum; got {kinds.samples.size} of {len(a)}."
        )
    x, y = a[kinds.samples], b[kinds.samples]
    least = len(x) * (ROUNDING * np.maximum(np.abs(x).max(axis=0), np.abs(y).max(axis=0))) ** 2
    varied = differences(x, y, kinds.start).plain > least

    def concordance(
        observed: Float[np.ndarray, "*P M"], expected: Float[np.ndarray, "*P M"]
    ) -> Float[np.ndarray, "*P"]:
        if not varied.any():
            return np.full(observed.shape[:-1], np.nan)
        return np.asarray(np.mean(1.0 - observed[..., varied] / expected[..., varied], axis=-1))

    found = judged_agreement(x, y, kinds, concordance, n_permutations, rng)
    ceiling = float("nan")
    if errors_a is not None or errors_b is not None:
        noise = [
            _errors(name, errors, a.shape, kinds.samples)
            for name, errors in (("errors_a", errors_a), ("errors_b", errors_b))
        ]
        if varied.any():
            own = [differences(side, side, kinds.start).expected[varied] for side in (x, y)]  # 2 K times the variance
            wrong = [2.0 * (error[:, varied] ** 2).sum(axis=0) for error in noise]
            ratio = [np.divide(e, v, out=np.ones_like(v), where=v > 0) for e, v in zip(wrong, own, strict=True)]
            reliability = np.clip(1.0 - np.stack(ratio), 0.0, 1.0)
            ceiling = float(np.sqrt(reliability.prod(axis=0)).mean())
    return found._replace(ceiling=ceiling, permuted="perturbations", n_left_out=len(a) - found.n)


def _effects(name: str, values: Any) -> Float[np.ndarray, "K M"]:
    array = numbers(name, values)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"`{name}` must be a non-empty (K,) or (K, M) array, K perturbations and M measures; "
            f"got shape {array.shape}."
        )
    require_finite(name, array[~np.isnan(array)])
    return array.reshape(len(array), -1)


def _errors(name: str, values: Any, shape: tuple[int, ...], used: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n M"]:
    if values is None:
        raise ValueError(f"`{name}` must be given too; got standard errors of the other network only.")
    array = numbers(name, values)
    if array.shape[:1] != shape[:1] or array.size != np.prod(shape):
        raise ValueError(
            f"`{name}` must have one standard error for each effect, shape (K, M) = {shape}; got shape {array.shape}."
        )
    errors = array.reshape(shape)[used]
    require_finite(name, errors)
    if (errors < 0).any():
        raise ValueError(f"`{name}` must be >= 0; got {errors.min():g}.")
    return errors
