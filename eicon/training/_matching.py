"""Penalty on deviations from a teacher network's activity."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..models import Network, RateRNN
from ..models.results import Activity
from ..tasks import Trial
from ._penalties import checked_strength


@dataclass(frozen=True, eq=False, repr=False)
class ActivityMatch:
    r"""Squared distance of rates from those of a teacher on the same trials, relative to the teacher's variance.

    .. math:: \mathrm{strength} \; \frac{\sum_{t, b, i} (r_{tbi} - r^*_{tb u_i})^2}
                                       {\sum_{t, b, i} (r^*_{tb u_i} - \langle r^*_{u_i} \rangle)^2}

    over the steps inside each trial; the teacher runs without noise.

    Parameters
    ----------
    teacher : RateRNN
        Teacher; its weights at the time of construction are used.
    units : int array (n,)
        The teacher's unit that each unit of the trained network follows.
    strength : float
        Strength of the penalty, >= 0.

    Raises
    ------
    ValueError
        For a negative strength, or units that the teacher does not have.
    """

    teacher: RateRNN
    units: np.ndarray
    strength: float = 1.0

    def __post_init__(self) -> None:
        units = np.array(self.units)
        n = self.teacher.n_rec
        object.__setattr__(self, "strength", checked_strength(self.strength))
        if units.dtype.kind not in "iu" or units.ndim != 1 or not units.size or units.min() < 0 or units.max() >= n:
            raise ValueError(f"units must be indices in 0..{n - 1} of the teacher's units; got {units!r:.80}.")
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "_network", self.teacher.network)

    def __repr__(self) -> str:
        return f"ActivityMatch(strength={self.strength}, n_units={len(self.units)}, teacher_n_rec={self.teacher.n_rec})"

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Compute the penalty, a scalar."""
        network_of_teacher = self._network  # type: ignore[attr-defined]
        teacher = network_of_teacher.run(trial.inputs.astype(network_of_teacher.dtype))
        wanted = teacher.rates[:, :, self.units]
        if activity.rates.shape != wanted.shape:
            raise ValueError(f"the network has {network.n_rec} units, but follows {len(self.units)} of the teacher.")
        inside = jnp.broadcast_to(trial.inside[:, :, None], wanted.shape)
        mean = jnp.sum(jnp.where(inside, wanted, 0.0), axis=(0, 1), keepdims=True) / jnp.sum(trial.inside)
        missed, spread = (
            jnp.sum(jnp.where(inside, difference, 0.0) ** 2)
            for difference in (activity.rates - wanted, wanted - jnp.broadcast_to(mean, wanted.shape))
        )
        return self.strength * missed / spread
