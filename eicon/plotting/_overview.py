"""Several panels in one figure: side by side, and an overview of a decision network."""

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..analysis._pca import PCA, ConditionAverage
from ..analysis._psychometric import Psychometric
from ..analysis._selectivity import Selectivity
from ._connectivity import plot_connectivity
from ._pca import plot_pc_trajectories
from ._psychometric import plot_psychometric
from ._style import house_style, panel_letters, small_ticks


@house_style
def plot_row(draws: Sequence[Callable[[Axes], Any]], *, size: tuple[float, float] = (4.0, 3.0)) -> Figure:
    """Draw panels side by side.

    Parameters
    ----------
    draws : sequence of functions
        Each draws into the Axes that it is given, for instance ``lambda ax: plot_spectrum(spectrum, ax=ax)``.
    size : (float, float)
        Width and height of a panel in inches.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    figure, grid = plt.subplots(1, len(draws), squeeze=False, figsize=(size[0] * len(draws), size[1]))
    figure.set_layout_engine("constrained", w_pad=0.1)  # room for the labels of colour bars
    for ax, draw in zip(grid[0], draws, strict=True):
        small_ticks(ax)
        draw(ax)
    panel_letters(grid[0])
    return figure


@house_style
def plot_overview(
    psychometric: Psychometric,
    weights: ArrayLike,
    selectivity: Selectivity,
    components: PCA,
    average: ConditionAverage,
    *,
    dt: float | None = None,
    quantity: str = "evidence",
    unit: str = "",
    reference: float | int = 0.0,
) -> Figure:
    """Draw psychometric curve, sorted connectivity and population trajectories side by side.

    Parameters
    ----------
    psychometric : Psychometric
    weights : array, shape (N, N)
        Effective recurrent weights ``[pre, post]``.
    selectivity : Selectivity
        Selectivity computed with the unit types, which sort the matrix.
    components : PCA
    average : ConditionAverage
        Average of ``components.trajectories`` per level of the evidence.
    dt : float, optional
        Step in ms.
    quantity, unit : str
        Name and unit of the evidence.
    reference : float
        Evidence for which both choices are equally correct.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    figure, axes = plt.subplots(1, 3, figsize=(12.0, 3.6), width_ratios=[1.3, 1.1, 1.2])
    figure.set_layout_engine("constrained", w_pad=0.1)  # room for the labels of colour bars
    plot_psychometric(psychometric, quantity=quantity, unit=unit, reference=reference, ax=axes[0])
    plot_connectivity(weights, selectivity.order, selectivity.excitatory, ax=axes[1])
    plot_pc_trajectories(
        average.average,
        average.levels,
        explained_ratio=components.explained_ratio[:2],
        dt=dt,
        label=quantity,
        unit=unit,
        ax=axes[2],
    )
    for note in axes[0].texts:  # there is no room next to the curve
        note.set(position=(0.0, 1.02), verticalalignment="bottom")
    for panel, title in zip(axes, ("what it does", "how it is wired", "how it decides"), strict=True):
        panel.set_title(title, loc="left", pad=34)
    panel_letters(axes)
    return figure
