"""Mistake 29: the Jacobian of a step is judged by the threshold of the flow (0), or that of the flow by 1."""

import numpy as np
import pytest

from eicon.analysis import fixed_points
from eicon.analysis.spectra import jacobian_spectrum
from eicon.models import Connectivity, RateRNN

TAU, DT = 100.0, 20.0


@pytest.fixture(scope="module")
def points():
    unit = Connectivity.dense(1, 1)
    net = RateRNN(unit, unit, unit, tau=TAU, dt=DT, activation="tanh", weights={"recurrent": [[0.0]]})
    return fixed_points(net.held([0.5]), [[0.0]], dt=DT, tau=TAU)


def by_their_own_borders(points):
    flow, step = points.flow_eigenvalues, points.step_eigenvalues
    return (flow.real > 0).sum(), (np.abs(step) > 1).sum()


def by_the_flows_border(points):
    return (points.flow_eigenvalues.real > 0).sum(), (points.step_eigenvalues.real > 0).sum()


def check(judge, points) -> None:
    """Check that a leaky integrator is stable, both as a flow and in steps."""
    assert tuple(judge(points)) == (0, 0)


def test_a_leaky_integrator(points):
    np.testing.assert_allclose(points.flow_eigenvalues, -1 / TAU)
    np.testing.assert_allclose(points.step_eigenvalues, 1 - DT / TAU)
    assert (points.n_unstable, points.n_unstable_step) == (0, 0)
    assert points.stability == ["stable"]
    check(by_their_own_borders, points)


def test_spectra_say_which_map_they_are_of():
    flow = jacobian_spectrum([[0.0]], gain=1.0, tau=TAU)
    step = jacobian_spectrum([[0.0]], gain=1.0, tau=TAU, dt=DT)
    assert (flow.map, step.map) == ("continuous", "discrete")
    np.testing.assert_allclose((flow.eigenvalues[0], step.eigenvalues[0]), (-1 / TAU, 1 - DT / TAU))
    assert flow.is_stable
    assert step.is_stable


def test_the_wrong_version_fails(points):
    with pytest.raises(AssertionError):
        check(by_the_flows_border, points)
