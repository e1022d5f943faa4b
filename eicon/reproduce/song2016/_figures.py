"""Figures of the suite, each from the trained networks of its models."""

from collections.abc import Callable

from ...runs._run import Run
from ._draw_areas import areas_figure
from ._draw_constraints import constraints_figure
from ._draw_context import context_figure
from ._draw_decision import decision_figure
from ._draw_learning import learning_figure
from ._draw_memory import memory_figure
from ._draw_multisensory import multisensory_figure
from ._draw_sequences import sequences_figure
from ._draw_sinewave import sinewave_figure
from ._signatures import FigureResult as FigureResult
from ._signatures import Signature as Signature

_MADE_BY: dict[int, Callable[[dict[str, list[Run]], int], FigureResult]] = {
    1: sinewave_figure,
    2: decision_figure,
    3: constraints_figure,
    4: context_figure,
    5: areas_figure,
    6: multisensory_figure,
    7: memory_figure,
    8: sequences_figure,
    9: learning_figure,
}


def figure_result(figure: int, runs: dict[str, list[Run]], *, repeats: int) -> FigureResult:
    """Test the networks of a figure on new trials, and draw it.

    Trials and noise depend on the runs' seeds, but differ from those of the training. Signatures are judged over all
    networks; drawings show the first run of each model.

    Parameters
    ----------
    figure : int
        See `FIGURES`.
    runs : mapping of model to runs
        Trained, at least one of each model of the figure.
    repeats : int
        Trials per condition; some figures use a multiple, and rates are kept for as many as fit in memory.

    Returns
    -------
    FigureResult
        Signatures that cannot be measured (no choices, or a silent network) do not hold and have values None.

    Raises
    ------
    ValueError
        If there is no such figure, a model has no runs, or ``repeats`` < 1.
    FileNotFoundError
        If a run is not trained.
    """
    if figure not in _MADE_BY:
        raise ValueError(f"there is no figure {figure}; allowed: {', '.join(map(str, _MADE_BY))}.")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1; got {repeats}.")
    return _MADE_BY[figure](runs, repeats)
