"""Delayed match to category: are two directions on the same side of a boundary? (Freedman & Assad 2006)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ._delayed_match import MATCH, NON_MATCH, DelayedMatchTask
from ._ring import ring_directions


@dataclass(frozen=True)
class DelayedMatchToCategory(DelayedMatchTask):
    r"""Memory of a direction's category, to be compared with that of a second direction.

    *Fixation* (fixation input alone), *sample* (a direction), *delay* (fixation input alone), *test* (a direction),
    *decision* (the fixation input goes off, and the output for match or that for non-match goes up). A line through
    the centre of the circle divides the directions into two categories, and two directions match if they belong to
    the same category. Inputs and scoring are those of `DelayedMatchToSample`.

    Each condition is a sample and a test; all pairs occur once, including pairs of the same direction. Because both
    categories contain the same number of directions, half of the pairs match.

    Parameters
    ----------
    dt : float
        Step in ms.
    catch : bool
        Whether `sample` gives trials in which nothing is shown, not even the fixation input, and both outputs must
        stay low throughout; with probability 1 / (n_conditions + 1).
    baseline, low, high : float
        Baseline input, and the outputs' low and high targets.
    n_directions : int
        Number of directions, equally spaced from 0 degrees; even.
    n_channels : int
        Number of tuned inputs, at least 3.
    concentration : float
        Sharpness :math:`\kappa` of the tuning; 2.5 halves the response at 44 degrees from the preferred direction.
    fixation, stimulus, decision : float
        Durations in ms; sample and test last ``stimulus`` each (published: 650).
    delay : float, Uniform or TruncatedExponential
        Time between sample and test in ms.
    boundary : float
        One of the two directions of the boundary, in degrees; between the directions that are shown.

    Raises
    ------
    ValueError
        If the number of directions is odd, a direction lies on the boundary, there are too few channels, the
        concentration is not positive and finite, or an epoch is shorter than half a step.

    References
    ----------
    Freedman & Assad (2006), Nature 443: 85-88.

    Examples
    --------
    >>> import jax
    >>> task = DelayedMatchToCategory()
    >>> task.n_conditions, task.category([30, 60, 210, 240]).tolist()
    (144, [1, 0, 0, 1])
    >>> trial = task.trials(1, key=jax.random.key(0))
    >>> int((trial.conditions["choice"] == 0).sum())
    72
    """

    sorts: ClassVar[tuple[str, ...]] = ("sample", "category")

    n_directions: int = 12
    boundary: float = 45.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_directions % 2:
            raise ValueError(f"n_directions must be even, for categories of equal size; got {self.n_directions}.")
        if not np.isfinite(self.boundary):
            raise ValueError(f"boundary must be a finite direction (degrees); got {self.boundary}.")
        spacing = 360 / self.n_directions
        # With an even number of directions, both ends of the boundary are equally far from the next direction.
        off = abs(self.boundary - spacing * round(self.boundary / spacing))
        if off < 1e-3:
            raise ValueError(
                f"boundary must run between the directions, which are the multiples of {spacing:g} degrees; "
                f"got {self.boundary:g}."
            )

    def category(self, degrees: ArrayLike) -> np.ndarray:
        """Return the category of directions.

        Parameters
        ----------
        degrees : array_like, any shape

        Returns
        -------
        np.ndarray of int32, same shape
            0 from ``boundary`` on, counter-clockwise, over the next 180 degrees, 1 on the other side.
        """
        return np.asarray(np.mod(np.asarray(degrees, np.float64) - self.boundary, 360) >= 180, np.int32)

    def condition_grid(self) -> dict[str, np.ndarray]:
        """Return directions ``sample`` and ``test`` in degrees, the sample's ``category``, and the right ``choice``."""
        directions = ring_directions(self.n_directions)
        sample, test = (values.ravel() for values in np.meshgrid(directions, directions, indexing="ij"))
        category = self.category(sample)
        choice = np.where(category == self.category(test), MATCH, NON_MATCH).astype(np.int32)
        grid = {"sample": sample, "test": test, "category": category, "choice": choice}
        by_choice = np.argsort(choice, kind="stable")
        return {name: values[by_choice] for name, values in grid.items()}
