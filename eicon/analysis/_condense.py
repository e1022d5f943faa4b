"""Condensation to fewer units: which units are kept, and how they represent the others."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from .._key import as_generator
from .._numbers import whole
from ._arrays import Rates, as_mask, as_matrix, as_rates, numbers, plain, require_finite, steps_of
from ._merging import SIMILARITIES, clusters, merge_pairs, unit_distances
from ._subset import choose, compressed, least_squares, signed_least_squares

METHODS = ("subset", "merge", "cluster", "magnitude", "random")
INCOMING = ("kept", "averaged")


class Condensation(NamedTuple):
    """Mapping of a network of N units onto one of n *canonical* units; see `condense`.

    Attributes
    ----------
    method : str
    kept : (n,) int
        Kept units (of a cluster: its most typical member), ascending.
    coefficients : (n, N) float
        Reconstruction of the rates of all units: ``r ~ r_canonical @ coefficients + offset``.
    offset : (N,) float
    incoming : (N, n) float
        Combination of currents into those of the canonical units, ``x_canonical = x @ incoming``; columns sum to 1.
    recurrent : (n, n) float
        Weights ``[pre, post]`` among the canonical units.
    readout : (n, n_out) float
    bias : (n,) float
        Addition to the bias of the canonical units.
    readout_bias : (n_out,) float
        Addition to the bias of the outputs.
    groups : (N,) int
        Canonical unit, 0 ... n - 1, that mainly represents each neuron (a kept unit represents itself); -1 for neurons
        that none represents, which were deleted or do not vary.
    connected : (n, n) bool
        Pairs that may be connected: with ``within``, if any unit of the first one's kind projects to a unit merged into
        the second.
    unit_error : (N,) float
        Error of each unit's rebuilt rate, relative to its standard deviation; NaN for units that do not vary.
    reconstruction_error : float
        Square root of the fraction of the rates' variance that is not reconstructed.
    predicted_error : float
        Relative error of the outputs as read out from the canonical units' activity in the *original* network.
    measured_error : float
        The same error when the condensed network runs on its own; NaN until measured.
    """

    method: str
    kept: Int[np.ndarray, "n"]
    coefficients: Float[np.ndarray, "n N"]
    offset: Float[np.ndarray, "N"]
    incoming: Float[np.ndarray, "N n"]
    recurrent: Float[np.ndarray, "n n"]
    readout: Float[np.ndarray, "n n_out"]
    bias: Float[np.ndarray, "n"]
    readout_bias: Float[np.ndarray, "n_out"]
    groups: Int[np.ndarray, "N"]
    connected: Bool[np.ndarray, "n n"]
    unit_error: Float[np.ndarray, "N"]
    reconstruction_error: float
    predicted_error: float
    measured_error: float = float("nan")

    @property
    def size(self) -> int:
        """Number of canonical units."""
        return len(self.kept)

    @property
    def unrepresented(self) -> Int[np.ndarray, "_"]:
        """Units that no canonical unit represents."""
        return np.flatnonzero(self.groups < 0)


class _Network(NamedTuple):
    """Network to condense: activity (S, N), what is sent through the recurrent weights, and the weights."""

    rates: Float[np.ndarray, "S N"]
    sent: Float[np.ndarray, "S N"] | None
    weights: Float[np.ndarray, "N N"]
    readout: Float[np.ndarray, "N n_out"]
    sign: Int[np.ndarray, "N"]
    kind: Int[np.ndarray, "N"]
    """Class of units that may represent each other: one number for each sign and label."""
    labelled: bool


class _Mapping(NamedTuple):
    """Kept units, the reconstruction of the others from them, and the combination of currents."""

    kept: Int[np.ndarray, "n"]
    coefficients: Float[np.ndarray, "n N"]
    offset: Float[np.ndarray, "N"]
    incoming: Float[np.ndarray, "N n"]
    pull: float = 0.0


def condense(
    rates: Rates,
    weights: Any,
    readout: ArrayLike,
    size: int | float | None = None,
    *,
    method: str = "subset",
    mask: ArrayLike | None = None,
    sign: ArrayLike | None = None,
    sent: ArrayLike | None = None,
    within: ArrayLike | None = None,
    free_readout: bool = False,
    ridge: float = 0.01,
    tolerance: float = 1e-6,
    similarity: str = "pca",
    incoming: str = "kept",
    n_components: int | float = 10,
    seed: int | float = 0,
) -> Condensation:
    r"""Condense a rate network to fewer units, from its activity and what its units send.

    ``subset``
        Keep units that represent the others. Units are chosen one by one, each time the one that explains most of the
        remaining variance of all rates and of the currents and outputs that they drive (orthogonal forward
        selection). The kept units then send what the whole network sent,

        .. math:: R_{kept} W' + b' \approx (R W)_{kept}, \qquad R_{kept} W_{out}' + b_{out}' \approx R W_{out},

        by least squares, with a slight pull towards their own original weights. Under Dale's law these are
        non-negative least squares with the sign of each kept unit; the ``coefficients`` are then non-negative
        within each type, and only show which neurons a unit represents.
    ``merge``
        The two most similar units are merged, repeatedly. The stronger one stays and also sends what the other sent;
        the other's own weights are deleted. Incoming weights are ``kept`` or ``averaged``.
    ``cluster``
        Agglomerative clusters become their averages: outgoing weights summed, incoming ones averaged.
    ``magnitude``, ``random``
        Baselines: units with the weakest outgoing weights, or random ones, are deleted.

    Parameters
    ----------
    rates : (T, B, N) array
        Activity, with the noise that the condensed network must tolerate.
    weights : (N, N) array
        Effective recurrent weights ``W[pre, post]``.
    readout : (N, n_out) array
        Effective readout weights.
    size : int, optional
        Units to keep, 1 to N. None (only for ``subset``): as few as rebuild the rates to within ``tolerance``.
    method : {"subset", "merge", "cluster", "magnitude", "random"}
    mask : (T, B) array of bool or 0/1, optional
        Steps that count; padded ones are False.
    sign : (N,) array of -1, 0, 1, optional
        Signs under Dale's law, kept by every method; None or 0 for free units.
    sent : (T, B, N) array, optional
        Signal sent through the recurrent weights, if it is not the rate (plastic synapses); the readout uses rates.
    within : (N,) array of labels, optional
        Units represent only others with the same label, such as a cell type or an area (not for ``magnitude`` and
        ``random``, in which no unit represents another). At least one unit of each label is kept, and no connections
        arise between labels that had none.
    free_readout : bool
        Under Dale's law: allow a readout of all units, with weights of either sign; by default only of those types that
        had one, with the same signs.
    ridge : float
        Pull of the least squares towards the kept units' own weights (``subset``), >= 0: in units of the units' mean
        square activity, and times the fraction of the activity's amplitude that the kept units leave unexplained, so
        that the pull vanishes where they explain all others (to within ``tolerance``).
    tolerance : float
        See ``size``.
    similarity : {"pca", "correlation"}
        For ``merge`` and ``cluster``: distance between loadings on principal components, or 1 - correlation.
    incoming : {"kept", "averaged"}
        For ``merge``: incoming weights of the unit that stays.
    n_components : int
        Number of principal components for ``similarity="pca"``.
    seed : int
        Seed for ``random``.

    Returns
    -------
    Condensation

    Raises
    ------
    ValueError
        For shapes that do not match, activity that is not finite or does not vary, or options out of range.

    References
    ----------
    Chen, Cowan & Grant (1991), IEEE Trans Neural Netw 2: 302-309 (forward selection); Lawson & Hanson (1974)
    (non-negative least squares).

    Examples
    --------
    Four units that are copies of two:

    >>> import numpy as np
    >>> two = np.random.default_rng(0).normal(size=(50, 1, 2))
    >>> result = condense(two[:, :, [0, 1, 0, 1]], np.ones((4, 4)), np.ones((4, 1)))
    >>> result.size, result.groups.tolist(), round(result.reconstruction_error, 9)
    (2, [0, 1, 0, 1], 0.0)
    """
    size = None if size is None else whole(size, "`size`")
    n_components = whole(n_components, "`n_components`")
    network = _checked(rates, weights, readout, mask, sign, sent, within)
    if within is not None and method in ("magnitude", "random"):
        raise ValueError(f"with method {method!r} no unit represents another; leave out `within`.")
    n = len(network.sign)
    _check_options(size, n, method, ridge, tolerance, similarity, incoming, n_components)
    centred, sent_centred = _compressed(network)
    if size == n:
        mapping = _delete(np.arange(n), n)
    elif method == "subset":
        mapping = _subset(network, centred, sent_centred, size, ridge, tolerance)
    elif method in ("merge", "cluster"):
        assert size is not None
        mapping = _merged(network, centred, size, method, similarity, incoming, n_components)
    else:
        score = _strength(network) if method == "magnitude" else as_generator(seed, "`seed`").permutation(n)
        mapping = _delete(np.sort(np.argsort(-score, kind="stable")[:size]), n)
    connected = _connected(network, mapping)
    bound = network.sign.any() or network.labelled or network.sent is not None
    if method == "subset" and bound and mapping.kept.size < n:
        new = _signed_weights(network, mapping, connected, free_readout, centred, sent_centred)
    else:
        new = _sent(network, mapping)
    return _result(method, network, mapping, connected, *new)


def _checked(
    rates: Rates,
    weights: Any,
    readout: ArrayLike,
    mask: ArrayLike | None,
    sign: ArrayLike | None,
    sent: ArrayLike | None,
    within: ArrayLike | None,
) -> _Network:
    values = as_rates(rates)
    chosen = as_mask("mask", steps_of(rates, mask), (values.shape[0], values.shape[1]))
    samples = values[chosen]
    through = None if sent is None else as_rates(sent, "sent")
    if through is not None and through.shape != values.shape:
        raise ValueError(f"`sent` must have the shape of `rates`, {values.shape}; got {through.shape}.")
    if through is not None:
        require_finite("sent", through := through[chosen])
    n = values.shape[2]
    require_finite("rates", samples)
    if len(samples) < 2 or (samples == samples[0]).all():
        raise ValueError(f"`rates` must vary; got {len(samples)} identical samples. The network may be silent.")
    matrix, outputs = as_matrix(weights, "weights"), numbers("readout", readout)
    require_finite("readout", outputs)
    if len(matrix) != n or outputs.ndim != 2 or len(outputs) != n or not outputs.size:
        raise ValueError(
            f"`weights` must be (N, N) and `readout` (N, n_out) with N = {n} units of `rates`; "
            f"got {matrix.shape} and {outputs.shape}."
        )
    signs = np.zeros(n, np.int64) if sign is None else plain("sign", sign)
    if signs.shape != (n,) or not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"`sign` must contain -1, 0 or 1 for each of the N = {n} units; got {np.asarray(sign)!r:.80}.")
    wrong = int((signs[:, None] * matrix < 0).any(axis=1).sum())
    if wrong:
        raise ValueError(f"{wrong} units send weights that contradict their `sign`; is the matrix transposed?")
    labels = np.zeros(n) if within is None else plain("within", within)
    if labels.shape != (n,):
        raise ValueError(f"`within` must contain one label for each of the N = {n} units; got shape {labels.shape}.")
    kind = np.unique([signs, np.unique(labels, return_inverse=True)[1]], axis=1, return_inverse=True)[1].ravel()
    return _Network(samples, through, matrix, outputs, signs.astype(np.int64), kind, within is not None)


def _compressed(network: _Network) -> tuple[np.ndarray, np.ndarray]:
    """Return centred rates and sent signals, with as few rows as their covariances need."""
    if network.sent is None:
        centred = compressed(network.rates)
        return centred, centred
    n = len(network.sign)
    both = compressed(np.hstack([network.rates, network.sent]))
    return both[:, :n], both[:, n:]


def _check_options(
    size: int | None,
    n: int,
    method: str,
    ridge: float,
    tolerance: float,
    similarity: str,
    incoming: str,
    n_components: int,
) -> None:
    for name, value, allowed in (
        ("method", method, METHODS),
        ("similarity", similarity, SIMILARITIES),
        ("incoming", incoming, INCOMING),
    ):
        if value not in allowed:
            raise ValueError(f"unknown {name} {value!r}; allowed: {', '.join(allowed)}.")
    if size is None and method != "subset":
        raise ValueError(f"method {method!r} needs a `size`; only 'subset' can choose it.")
    if size is not None and not 1 <= size <= n:
        raise ValueError(f"`size` must be in 1..{n}, the number of units; got {size}.")
    if not (ridge >= 0 and tolerance >= 0 and n_components >= 1):
        raise ValueError(
            "`ridge` and `tolerance` must be >= 0 and `n_components` >= 1; "
            f"got {ridge}, {tolerance} and {n_components}."
        )


def _strength(network: _Network) -> np.ndarray:
    """Norm of each unit's outgoing weights."""
    strength: np.ndarray = np.linalg.norm(np.hstack([network.weights, network.readout]), axis=1)
    return strength


def _delete(kept: np.ndarray, n: int) -> _Mapping:
    """Keep some units as they are and delete the others."""
    one_each = np.eye(n)[kept]
    return _Mapping(kept, one_each, np.zeros(n), one_each.T)


def _subset(
    network: _Network, centred: np.ndarray, sent: np.ndarray, size: int | None, ridge: float, tolerance: float
) -> _Mapping:
    n = len(network.sign)
    targets = np.hstack([centred, sent @ network.weights, centred @ network.readout])
    kinds = network.kind if network.labelled else np.zeros(n, np.int64)
    _check_size(size, network, kinds)
    chosen, errors = choose(centred, targets, size, tolerance, kinds)
    if size is not None and len(chosen) < size:
        strongest = np.argsort(-_strength(network), kind="stable")
        chosen = np.append(chosen, strongest[~np.isin(strongest, chosen)][: size - len(chosen)])
    kept = np.sort(chosen)
    mapping = _delete(kept, n)
    pull = ridge * float(errors[-1]) if errors[-1] > tolerance else 0.0
    prior = mapping.coefficients
    if network.sign.any() or network.labelled:
        same = network.kind[kept][:, None] == network.kind[None]
        positive = np.broadcast_to(network.sign[kept][:, None] != 0, same.shape).astype(np.int64)
        found = signed_least_squares(centred[:, kept], centred, prior, pull, positive, same)
    else:
        found = least_squares(centred[:, kept], centred, prior, pull)
    found[:, kept] = np.eye(len(kept))
    mean = network.rates.mean(axis=0)
    return mapping._replace(coefficients=found, offset=mean - mean[kept] @ found, pull=pull)


def _check_size(size: int | None, network: _Network, kinds: np.ndarray) -> None:
    if size is not None and size < (least := len(np.unique(kinds))):
        signed = (network.sign != network.sign[0]).any()
        of = "sign" if not network.labelled else "group of sign and label" if signed else "label"
        raise ValueError(f"`size` must be at least {least}, one unit of each {of}; got {size}.")


def _connected(network: _Network, mapping: _Mapping) -> np.ndarray:
    """Pairs of canonical units that may be connected, (n, n)."""
    if not network.labelled:
        return np.ones((len(mapping.kept),) * 2, bool)
    alike = network.kind[mapping.kept][:, None] == network.kind[None]
    return alike @ ((network.weights != 0) @ (mapping.incoming != 0))


def _merged(
    network: _Network,
    centred: np.ndarray,
    size: int,
    method: str,
    similarity: str,
    incoming: str,
    n_components: int,
) -> _Mapping:
    _check_size(size, network, network.kind)
    apart = unit_distances(centred, similarity, n_components, network.kind)
    strength = np.linalg.norm(centred, axis=0)
    winner = merge_pairs(apart, strength, size) if method == "merge" else clusters(apart, strength, size)
    kept = np.unique(winner)
    member = (winner[None] == kept[:, None]).astype(np.float64)
    averages = (member / member.sum(axis=1, keepdims=True)).T
    own = np.eye(len(winner))[kept].T
    takes = averages if method == "cluster" or incoming == "averaged" else own
    return _Mapping(kept, member, np.zeros(len(winner)), takes)


def _sent(network: _Network, mapping: _Mapping) -> tuple[np.ndarray, ...]:
    """Assign every unit's outgoing weights to the canonical units that reconstruct it."""
    c, a = mapping.coefficients, mapping.incoming
    return (
        c @ network.weights @ a,
        c @ network.readout,
        mapping.offset @ network.weights @ a,
        mapping.offset @ network.readout,
    )


def _signed_weights(
    network: _Network,
    mapping: _Mapping,
    connected: np.ndarray,
    free_readout: bool,
    centred: np.ndarray,
    sent: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Fit weights of the kept units, each with its own sign, to the currents and outputs of the whole network."""
    kept = mapping.kept
    n, n_out = len(kept), network.readout.shape[1]
    own = np.hstack([network.weights[:, kept], network.readout])
    reads, signs = _readout_of_types(network)
    if free_readout:
        reads, signs = np.ones_like(reads), np.zeros_like(signs)
    sign = np.repeat(network.sign[kept][:, None], n + n_out, axis=1)
    sign[:, n:] = signs[kept][:, None]
    allowed = np.hstack([connected, np.repeat(reads[kept][:, None], n_out, axis=1)])
    fitted = []
    for activity, values, part in ((network.sent, sent, slice(0, n)), (network.rates, centred, slice(n, None))):
        to, pull = own[:, part], mapping.pull
        found = signed_least_squares(values[:, kept], values @ to, to[kept], pull, sign[:, part], allowed[:, part])
        mean = (network.rates if activity is None else activity).mean(axis=0)
        fitted.append((found, mean @ to - mean[kept] @ found))
    (recurrent, bias), (readout, readout_bias) = fitted
    return recurrent, readout, bias, readout_bias


def _readout_of_types(network: _Network) -> tuple[np.ndarray, np.ndarray]:
    """Return for each unit whether its type is read out, and the sign of the readout weights (0: both occur)."""
    reads, signs = np.zeros(len(network.sign), bool), np.zeros(len(network.sign), np.int64)
    for kind in np.unique(network.kind):
        members = network.kind == kind
        sign = network.sign[members][0]
        reads[members] = network.readout[members].any()
        signs[members] = 0 if (sign * network.readout[members] < 0).any() else sign
    return reads, signs


def _result(
    method: str,
    network: _Network,
    mapping: _Mapping,
    connected: np.ndarray,
    recurrent: np.ndarray,
    readout: np.ndarray,
    bias: np.ndarray,
    readout_bias: np.ndarray,
) -> Condensation:
    rates = network.rates
    canonical = rates @ mapping.incoming
    difference = rates - canonical @ mapping.coefficients - mapping.offset
    spread = rates.std(axis=0)
    varies = spread > 1e-12 * spread.max()
    error = np.full(len(spread), np.nan)
    error[varies] = np.sqrt(np.mean(difference[:, varies] ** 2, axis=0)) / spread[varies]
    share = np.abs(mapping.coefficients) * canonical.std(axis=0)[:, None]
    groups = np.where(varies & share.any(axis=0), share.argmax(axis=0), -1)
    groups[mapping.kept] = np.arange(len(mapping.kept))
    outputs = rates @ network.readout
    missed = outputs - canonical @ readout - readout_bias
    return Condensation(
        method,
        mapping.kept,
        mapping.coefficients,
        mapping.offset,
        mapping.incoming,
        recurrent,
        readout,
        bias,
        readout_bias,
        groups=groups,
        connected=connected,
        unit_error=error,
        reconstruction_error=_relative(difference, rates),
        predicted_error=_relative(missed, outputs),
    )


def _relative(difference: Float[np.ndarray, "S M"], reference: Float[np.ndarray, "S M"]) -> float:
    total = np.sum((reference - reference.mean(axis=0)) ** 2)
    return float(np.sqrt(np.sum(difference**2) / total)) if total > 0 else float("nan")
