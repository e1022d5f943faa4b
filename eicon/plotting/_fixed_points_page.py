"""Interactive page of fixed points in three dimensions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eicon.analysis._fixed_points import FixedPoints

from ._fixed_points import MODE_COLOR, PATH_COLOR, Frame, by_kind

SHOWN_VALUES = 3
"""Number of eigenvalues listed at each point."""


def fixed_points_page(
    points: FixedPoints,
    *,
    axes: ArrayLike,
    origin: ArrayLike | None = None,
    trajectories: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    title: str = "Fixed points",
) -> str:
    """Make an interactive 3-D page of fixed points for a browser, usable offline.

    Legend entries toggle points of a kind; hovering shows the properties of a point.

    Parameters
    ----------
    points, axes, origin, trajectories, names
        See `plot_fixed_points`; at least three axes.
    title : str
        Title of the page.

    Returns
    -------
    str
        HTML of about 5 MB, most of it plotly's code.

    Raises
    ------
    ImportError
        If plotly is not installed.
    ValueError
        If shapes do not match.
    """
    frame = Frame.checked(points, axes, origin, 3, names)
    paths, _ = frame.paths(trajectories, None)
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise ImportError(
            'the interactive page needs plotly, which is not installed: pip install -e ".[interactive]".'
        ) from error
    where = frame.project(points.positions)
    figure = go.Figure()
    for name, lines, look in (
        ("trajectories", paths, {"color": PATH_COLOR, "width": 2}),
        ("unstable modes", list(frame.segments(points, where)), {"color": MODE_COLOR, "width": 4}),
    ):
        if lines:
            x, y, z = _broken(lines).T
            figure.add_trace(go.Scatter3d(x=x, y=y, z=z, mode="lines", name=name, line=look, hoverinfo="skip"))
    for kind, members in by_kind(points):
        x, y, z = where[members].T
        figure.add_trace(
            go.Scatter3d(
                x=x,
                y=y,
                z=z,
                mode="markers",
                name=f"{kind.name} ({len(members)})",
                marker={"color": kind.color, "symbol": kind.symbol, "size": kind.size},
                text=[_said(points, int(index)) for index in members],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    scene = {f"{letter}axis": {"title": {"text": name}} for letter, name in zip("xyz", frame.names, strict=True)}
    figure.update_layout(
        title={"text": _escaped(title)},
        template="plotly_white",
        scene={**scene, "aspectmode": "data", "camera": {"eye": {"x": 1.6, "y": 1.6, "z": 1.3}}},
        legend={"itemsizing": "constant", "x": 0.0, "y": 1.0},
        margin={"l": 0, "r": 0, "t": 50, "b": 0},
    )
    # Without the button that would send the figure to a server
    page = figure.to_html(
        include_plotlyjs=True, full_html=True, config={"displaylogo": False, "showSendToCloud": False}
    )
    head = f"<head><title>{_escaped(title)}</title><style>body {{ margin: 0; height: 100vh; overflow: hidden }}</style>"
    return page.replace("<head>", head, 1)


def _broken(lines: Sequence[np.ndarray]) -> np.ndarray:
    """Join lines with NaN between them, so that they form one trace; (S, 3)."""
    gap: Any = np.full((1, 3), np.nan)
    return np.concatenate([part for line in lines for part in (line, gap)])


def _said(points: FixedPoints, index: int) -> str:
    values = ", ".join(
        f"{value.real:+.4f}{value.imag:+.4f}i" for value in points.flow_eigenvalues[index][:SHOWN_VALUES]
    )
    return (
        f"point {index}: {points.stability[index]}<br>q = {points.q[index]:.1e}<br>"
        f"{points.n_candidates[index]} candidates ended here<br>leading eigenvalues of the flow (1/ms):<br>{values}"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
