"""N-back with pictures: is the last picture the same as the one n before? (Goulas, Damicelli & Hilgetag 2021)."""

import functools
import hashlib
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ._base import Trial
from ._n_back import NBackTask
from ._pictures import Pictures, load_pictures


@dataclass(frozen=True)
class PictureNBack(NBackTask):
    """N-back with pictures, or with latent vectors that represent them.

    *Sequence* (``trial_length`` items: pictures), *cue* (one item: the cue input is 1, no picture), *response* (one
    item without input, the only one that is scored). On match trials the last picture is identical to that ``n_back``
    items before. The class of the last picture is drawn first, with equal probabilities, and then one of its
    pictures; all other pictures of the trial are drawn without repetition from the other classes. Half of the trials
    match: chance is 1/2, with a loss of ln 2.

    Parameters
    ----------
    dt : float
        Step in ms.
    n_back : int
        Distance to the compared item, in items, at least 1.
    trial_length : int
        Number of pictures, more than ``n_back``.
    item : float
        Duration of each item in ms; ``item == dt`` gives the published trials.
    pictures : str or Pictures
        ``"digits"``, ``"mnist"`` or an npz file; see `load_pictures`.
    rescale : bool
        Whether each picture is rescaled to [0, 1]; a constant picture becomes 0.

    Raises
    ------
    FileNotFoundError
        If the pictures are not available.
    ValueError
        If ``n_back`` is not between 1 and ``trial_length - 1``, an item is shorter than half a step, there are too few
        pictures for a trial, or two pictures of different classes are the same.

    Notes
    -----
    With items of a single step, a default network learns the task with two settings, ``RateRNN.dale(..., tau=task.dt,
    free_input=True)``, as for `NBack`. The bundled configuration ``picture_n_back.toml`` uses them.

    References
    ----------
    Goulas, Damicelli & Hilgetag (2021), Neural Networks 142: 608-618, doi 10.1016/j.neunet.2021.07.011.

    Examples
    --------
    >>> task = PictureNBack(n_back=2, trial_length=5, pictures="digits")
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> trial.inputs.shape, trial.conditions["match"].tolist()
    ((7, 2, 65), [False, True])
    >>> (trial.inputs[4] == trial.inputs[2]).all(axis=1).tolist()
    [False, True]
    """

    holds: ClassVar[tuple[str, str]] = ("compared class", "cue")

    pictures: str | Pictures = "digits"
    rescale: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        shown = self._shown
        needed, there = self.trial_length - 1, len(shown.order) - int(shown.counts.max())
        if needed > there:
            raise ValueError(
                f"a trial_length of {self.trial_length} needs {needed} pictures of classes other than the last one's; "
                f"without its largest class {self.data.name} has {there}."
            )

    @property
    def data(self) -> Pictures:
        """The pictures themselves."""
        return load_pictures(self.pictures)

    @property
    def _shown(self) -> "_Shown":
        return _prepared(self.data, self.rescale)

    @property
    def input_channels(self) -> tuple[str, ...]:  # type: ignore[override]
        """The cue, and the features of a picture."""
        return ("cue", *(f"feature {i}" for i in range(self.data.features.shape[1])))

    def build(self, key: jax.Array, conditions: dict[str, jax.Array]) -> Trial:
        """Build trials of given ``match``.

        The trials' conditions also contain the last ``picture`` (its index), its class ``label``, and the
        ``compared class``, that of the picture with which it is compared.
        """
        shown, match = self._shown, conditions["match"]
        key_class, key_last, key_others = jax.random.split(key, 3)
        label = jax.random.randint(key_class, match.shape, 0, len(shown.counts))
        start, count = jnp.asarray(shown.starts)[label], jnp.asarray(shown.counts)[label]
        last = start + jax.random.randint(key_last, match.shape, 0, count)

        others = draw_distinct(key_others, self.trial_length - 1, len(shown.order) - count)
        others = jnp.where(others < start[None], others, others + count[None])  # skip the last picture's class
        back = self.trial_length - 1 - self.n_back
        places = jnp.concatenate([others, last[None]])
        places = places.at[back].set(jnp.where(match, last, places[back]))

        index = jnp.asarray(shown.order)[places]
        items = jnp.pad(jnp.asarray(shown.features)[index], ((0, 2), (0, 0), (1, 0)))
        items = items.at[self.trial_length, :, 0].set(1.0)
        label, compared = (jnp.asarray(shown.labels)[index[i]] for i in (-1, back))
        told = {**conditions, "picture": index[-1], "label": label, "compared class": compared}
        return self._trial(items, {"sequence": self.trial_length, "cue": 1, "response": 1}, told)


def draw_distinct(key: jax.Array, n: int, among: jax.Array) -> jax.Array:
    """Draw ``n`` different integers in ``[0, among)`` for each trial, in random order; among (B,), result (n, B).

    The i-th integer is drawn from the ``among - i`` left, numbered by skipping those drawn before: there are no
    rejections, and no table of all integers.
    """
    rows = jnp.arange(n, dtype=jnp.int32)

    def draw(before: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        key, i = step
        drawn = jax.random.randint(key, among.shape, 0, among - i, jnp.int32)
        drawn = drawn + (before - rows[:, None] <= drawn[None]).sum(axis=0, dtype=jnp.int32)
        return jnp.sort(before.at[i].set(drawn), axis=0), drawn

    nothing_yet = jnp.full((n, *among.shape), np.iinfo(np.int32).max, jnp.int32)
    return jax.lax.scan(draw, nothing_yet, (jax.random.split(key, n), rows))[1]


class _Shown(NamedTuple):
    """Pictures as shown in a trial; ``order`` sorts them into one block per class."""

    features: np.ndarray
    labels: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    counts: np.ndarray


@functools.lru_cache(maxsize=8)
def _prepared(pictures: Pictures, rescale: bool) -> _Shown:
    pictures = pictures.rescaled() if rescale else pictures
    seen: dict[bytes, int] = {}
    for i, row in enumerate(pictures.features):
        first = seen.setdefault(hashlib.sha256(row.tobytes()).digest(), i)
        if pictures.labels[first] != pictures.labels[i]:
            raise ValueError(f"{pictures.name}: pictures {first} and {i} are the same, but of different classes.")
    _, starts, counts = np.unique(np.sort(pictures.labels), return_index=True, return_counts=True)
    order = np.argsort(pictures.labels, kind="stable")
    whole = (part.astype(np.int32) for part in (pictures.labels, order, starts, counts))
    return _Shown(pictures.features, *whole)
