"""Figure files, each with a table of its numbers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .._files import atomic_file, csv_table, write_text
from ._numbers import COLUMNS, figure_numbers
from ._style import FILE_SETTINGS

Drawing = Axes | Figure
"""Result of the functions of this package."""

Form = Literal["png", "pdf", "svg"]


def save_figure(drawing: Drawing, stream: BinaryIO, *, form: Form = "png", dpi: float | None = None) -> None:
    """Write a drawing to an open binary stream and close its figure; text of PDF and SVG stays text.

    Parameters
    ----------
    drawing : Axes or Figure
    stream : binary stream
    form : {"png", "pdf", "svg"}
    dpi : float, optional
        Dots per inch of pixels, by default those of the style of the figure. In PDF and SVG they apply only to parts
        drawn as pixels, such as matrices.
    """
    _draw(_figure_of(drawing), stream, form, dpi)
    _close(drawing)


def _draw(figure: Figure, stream: BinaryIO, form: Form, dpi: float | None) -> None:
    settings: Any = FILE_SETTINGS
    with mpl.rc_context(settings):
        figure.savefig(stream, format=form, dpi="figure" if dpi is None else dpi, metadata=_METADATA[form])


def _close(drawing: Drawing) -> None:
    import matplotlib.pyplot as plt  # here, so that importing eicon.plotting does not resolve a backend

    plt.close(_figure_of(drawing))


_METADATA: dict[Form, dict[str, Any]] = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""No date, so that the same figure gives the same file."""


def save_png(drawing: Drawing, stream: BinaryIO) -> None:
    """Write a drawing as PNG to an open binary stream and close its figure."""
    save_figure(drawing, stream)


def save_figures(
    folder: str | os.PathLike[str],
    figures: Mapping[str, Drawing],
    *,
    form: Form = "png",
    dpi: float | None = None,
    preview: bool = False,
) -> list[Path]:
    """Write drawings to ``folder/NAME.png`` (or pdf, svg), each with ``NAME.csv``; figures are closed.

    The table contains what is drawn, read from the drawing itself: one row for each point, with the columns ``panel,
    x_label, y_label, series, mark, x, y, lower, upper, value`` and the names of places on axes that have names.
    Text stays text in PDF and SVG (TrueType fonts), and the same figure gives the same file.

    Parameters
    ----------
    folder : path
        Folder, created if it does not exist.
    figures : mapping of str to Axes or Figure
    form : {"png", "pdf", "svg"}
    dpi : float, optional
        Dots per inch, by default those of the style in which the figure was made.
    preview : bool
        With PDF and SVG, also write a PNG, for pages that show the figure.

    Returns
    -------
    list of Path
        The pictures, in the order of `figures`.

    Raises
    ------
    ValueError
        For other forms, or a `dpi` that is out of range.

    Examples
    --------
    >>> import tempfile
    >>> import eicon
    >>> with eicon.plotting.style("paper"):
    ...     figure = eicon.plotting.plot_loss([2.0, 1.5, 1.2])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in eicon.plotting.save_figures(folder, {"loss": figure}, form="pdf")]
    ['loss.pdf']
    """
    check_form(form, dpi)
    paths = [Path(folder) / f"{name}.{form}" for name in figures]
    for path, drawing in zip(paths, figures.values(), strict=True):
        write_figure(path, drawing, dpi=dpi, preview=preview)
    return paths


def write_figure(
    path: Path, drawing: Drawing, *, dpi: float | None = None, preview: bool = False, numbers: Path | None = None
) -> None:
    """Write one drawing in the format of its suffix, with a table of its numbers, and close it.

    ``numbers``: path of the table, for when ``NAME.csv`` may be a user's data.
    """
    form: Any = path.suffix.lower().removeprefix(".")
    check_form(form, dpi)
    figure = _figure_of(drawing)
    for of_file in dict.fromkeys([form, *(["png"] if preview else [])]):
        with atomic_file(path if of_file == form else path.with_suffix(".png")) as stream:
            _draw(figure, stream, of_file, dpi)
    write_text(numbers or path.with_suffix(".csv"), csv_table([COLUMNS, *figure_numbers(figure)]))
    _close(figure)


def check_form(form: str, dpi: float | None) -> None:
    """Reject unknown figure formats and invalid dots per inch."""
    if form not in get_args(Form):
        raise ValueError(f"the form of a figure must be one of {', '.join(get_args(Form))}; got {form!r}.")
    if dpi is not None and not 10 <= dpi <= 10_000:
        raise ValueError(f"`dpi` must be between 10 and 10000 dots per inch; got {dpi:g}.")


def _figure_of(drawing: Drawing) -> Figure:
    figure = drawing if isinstance(drawing, Figure) else drawing.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes no longer belong to a figure.")
    return figure
