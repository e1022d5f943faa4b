"""Figures into files."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._files import atomic_file

Drawing = Axes | Figure
"""What the functions of this room return."""


def save_png(drawing: Drawing, stream: BinaryIO) -> None:
    """Write a drawing as PNG to an open binary stream and close its figure."""
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    figure = drawing if isinstance(drawing, Figure) else drawing.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes belong to no figure any more.")
    figure.savefig(stream, format="png")
    plt.close(figure)


def save_figures(folder: Path, figures: Mapping[str, Drawing]) -> list[Path]:
    """Write drawings to ``folder/NAME.png``, each file atomically; their figures are closed.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    figures : mapping of str to Axes or Figure

    Returns
    -------
    list of Path
        The files, in the order of `figures`.
    """
    paths = [folder / f"{name}.png" for name in figures]
    for path, drawing in zip(paths, figures.values(), strict=True):
        with atomic_file(path) as stream:
            save_png(drawing, stream)
    return paths
