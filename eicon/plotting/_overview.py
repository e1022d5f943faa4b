"""One picture of a decision network: what it does, how it is wired, how its population moves."""

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..analysis._pca import PCA, ConditionAverage
from ..analysis._psychometric import Psychometric
from ..analysis._selectivity import Selectivity
from ._connectivity import plot_connectivity
from ._pca import plot_pc_trajectories
from ._psychometric import plot_psychometric
from ._style import style


def plot_overview(
    psychometric: Psychometric,
    weights: ArrayLike,
    selectivity: Selectivity,
    components: PCA,
    average: ConditionAverage,
    *,
    dt: float | None = None,
    unit: str = "%",
) -> Figure:
    """Draw psychometric curve, sorted connectivity and population trajectories side by side.

    Parameters
    ----------
    psychometric : Psychometric
    weights : array, shape (N, N)
        Effective recurrent weights ``[pre, post]``.
    selectivity : Selectivity
        Made with the unit types, which sort the matrix.
    components : PCA
    average : ConditionAverage
        Of ``components.trajectories``, per signed coherence.
    dt : float, optional
        Step in ms.
    unit : str
        Of the coherence.
    """
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    with style():
        figure, axes = plt.subplots(1, 3, figsize=(12.0, 3.6), width_ratios=[1.0, 1.15, 1.2])
        plot_psychometric(psychometric, unit=unit, ax=axes[0])
        plot_connectivity(weights, selectivity.order, selectivity.excitatory, ax=axes[1])
        plot_pc_trajectories(
            average.average,
            average.levels,
            explained_ratio=components.explained_ratio[:2],
            dt=dt,
            unit=unit,
            ax=axes[2],
        )
        for panel, title in zip(axes, ("what it does", "how it is wired", "how it decides"), strict=True):
            panel.set_title(title, loc="left", pad=34)
    return figure
