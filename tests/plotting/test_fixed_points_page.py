"""The page of fixed points: complete, and with the numbers of the points."""

import re
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon.analysis.results import FixedPoints
from eicon.plotting._fixed_points import KINDS
from eicon.plotting._fixed_points_page import fixed_points_page

N, TAU, DT = 5, 100.0, 20.0
RNG = np.random.default_rng(0)
AXES, ORIGIN = np.linalg.qr(RNG.normal(size=(N, N)))[0][:3], RNG.normal(size=N)


def made_up(kind, unstable, marginal):
    """Points with modes along the axes of the units; growing ones first."""
    n = len(kind)
    flow = np.array([[0.004] * u + [0.0] * m + [-0.01] * (N - u - m) for u, m in zip(unstable, marginal, strict=True)])
    flow = flow.astype(complex) - 0.001 * np.arange(N) * (flow < 0)
    modes = np.stack([np.eye(N, dtype=complex)] * n)
    return FixedPoints(
        positions=RNG.normal(size=(n, N)),
        q=np.full(n, 1e-20),
        kind=np.array(kind),
        n_unstable=np.array(unstable),
        n_marginal=np.array(marginal),
        n_unstable_step=np.array(unstable),
        flow_eigenvalues=flow,
        step_eigenvalues=1.0 + DT * flow,
        right=modes,
        left=np.stack([RNG.normal(size=(N, N)) + 0j] * n),
        n_candidates=np.ones(n, int),
        distance=np.zeros(n),
        point_of=np.arange(n),
        dt=DT,
        tau=TAU,
    )


POINTS = made_up(
    ["fixed"] * 7 + ["slow", "slow", "unconverged", "unconverged"],
    [0, 0, 1, 2, 3, 5, 0, 1, 0, 2, 0],
    [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0],
)
SHOWN = ("stable (2)", "saddle-1 (1)", "saddle-2 (1)", "saddle-3 (1)", "unstable (1)", "marginal (1)")
SHOWN += ("slow (2)", "not converged (2)")
PATHS = RNG.normal(size=(6, 4, N))
PATHS[4:, 1] = np.nan


@pytest.fixture(scope="module")
def page():
    return fixed_points_page(
        POINTS, axes=AXES, origin=ORIGIN, trajectories=PATHS, title="Points <of> a & b", names=["PC 1", "PC 2", "PC 3"]
    )


def test_page_is_complete_and_asks_no_server(page):
    assert page.startswith("<!doctype html>")
    assert "<title>Points &lt;of> a &amp; b</title>" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)\s*=", page)
    assert len(page) > 1_000_000, "plotly's own program is within"
    for shown in (*SHOWN, "unstable modes", "trajectories", "PC 3"):
        assert f'"{shown}"' in page
    assert "point 3: saddle-2" in page


def test_page_places_points_where_they_project_to(monkeypatch):
    go = pytest.importorskip("plotly.graph_objects")
    kept = []
    monkeypatch.setattr(go.Figure, "to_html", lambda self, **options: kept.append((self, options)) or "<head>")
    fixed_points_page(POINTS, axes=AXES, origin=ORIGIN, trajectories=PATHS)
    figure, options = kept[0]
    assert options["include_plotlyjs"] is True
    traces = {trace.name: trace for trace in figure.data}
    where = (POINTS.positions - ORIGIN) @ AXES.T
    stable = traces["stable (2)"]
    np.testing.assert_allclose(np.stack([stable.x, stable.y, stable.z], axis=1), where[:2])
    assert stable.text[1].startswith("point 1: stable<br>q = 1.0e-20<br>1 candidates")
    assert len({(trace.marker.color, trace.marker.symbol) for trace in figure.data[2:]}) == len(KINDS)
    lines = np.stack([traces["trajectories"].x, traces["trajectories"].z], axis=1)
    np.testing.assert_allclose(lines[:6], ((PATHS[:, 0] - ORIGIN) @ AXES.T)[:, [0, 2]])
    assert np.isnan(lines[6]).all()
    assert figure.layout.scene.zaxis.title.text == "axis 3"
    assert figure.layout.scene.aspectmode == "data"


def test_without_plotly_the_page_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ImportError, match=r'needs plotly, which is not installed: pip install -e "\.\[interactive\]"'):
        fixed_points_page(POINTS, axes=AXES)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: fixed_points_page(POINTS, axes=AXES[:2]), "k >= 3"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
