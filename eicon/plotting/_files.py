"""Figures into files."""

from typing import BinaryIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
