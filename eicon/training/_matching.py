"""Stay the network that a teacher is: a penalty on the difference of activities."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ..models import Activity, RateRNN
from ..models._equation import Parameters, RateEquation
from ..tasks import Trial


@dataclass(frozen=True, eq=False, repr=False)
class ActivityMatch:
    r"""Squared distance of rates from those of a teacher on the same trials, relative to the teacher's variance.

    .. math:: \mathrm{strength} \; \frac{\sum_{t, b, i} (r_{tbi} - r^*_{tb u_i})^2}
                                       {\sum_{t, b, i} (r^*_{tb u_i} - \langle r^*_{u_i} \rangle)^2}

    over the steps inside of each trial; the teacher runs without noise.

    Parameters
    ----------
    teacher : RateRNN
        Its weights at the time of making are used.
    units : int array (n,)
        The teacher's unit that each unit of the trained network follows.
    strength : float
        >= 0.

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
        if not self.strength >= 0:
            raise ValueError(f"strength of a regulariser must be >= 0; got {self.strength}.")
        if units.dtype.kind not in "iu" or units.ndim != 1 or not units.size or units.min() < 0 or units.max() >= n:
            raise ValueError(f"units must be indices in 0..{n - 1} of the teacher's units; got {units!r:.80}.")
        object.__setattr__(self, "units", units)
        object.__setattr__(self, "_parameters", self.teacher.parameters())

    def __repr__(self) -> str:
        return f"ActivityMatch(strength={self.strength}, n_units={len(self.units)}, teacher_n_rec={self.teacher.n_rec})"

    def __call__(self, equation: RateEquation, parameters: Parameters, activity: Activity, trial: Trial) -> jax.Array:
        """Penalty, a scalar."""
        teacher = self.teacher.equation.simulate(self._parameters, trial.inputs)  # type: ignore[attr-defined]
        wanted = teacher.rates[:, :, self.units]
        if activity.rates.shape != wanted.shape:
            raise ValueError(f"the network has {equation.n_rec} units, but follows {len(self.units)} of the teacher.")
        inside = trial.inside[:, :, None].astype(wanted.dtype)
        mean = jnp.sum(wanted * inside, axis=(0, 1), keepdims=True) / jnp.sum(inside)
        missed = jnp.sum((activity.rates - wanted) ** 2 * inside)
        return self.strength * missed / jnp.sum((wanted - mean) ** 2 * inside)
