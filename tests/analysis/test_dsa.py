"""The distance itself needs dsa-metric (the extra `dsa`); its arguments are checked without."""

import importlib.util

import numpy as np
import pytest
from scipy import optimize

from eicon.analysis import _dsa
from eicon.analysis.similarity import dsa_distance

needs_library = pytest.mark.skipif(importlib.util.find_spec("DSA") is None, reason='needs pip install -e ".[dsa]"')


def rotations(*turns):
    """Block diagonal map whose blocks shrink by a factor and turn by an angle."""
    matrix = np.zeros((2 * len(turns), 2 * len(turns)))
    for place, (factor, angle) in enumerate(turns):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix[2 * place : 2 * place + 2, 2 * place : 2 * place + 2] = factor * turn
    return matrix


def trajectories(matrix, seed=0, n_trials=20):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_trials, len(matrix)))
    steps = []
    for _ in range(60):
        steps.append(x)
        x = x @ matrix.T + 0.05 * rng.normal(size=x.shape)
    return np.stack(steps)


FIRST = rotations((0.98, 0.3), (0.95, 0.8))
OTHER = rotations((0.98, 1.2), (0.90, 2.0))
TURN = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
A, B = trajectories(FIRST), trajectories(OTHER, seed=3)


@needs_library
@pytest.mark.parametrize("score", _dsa.SCORES)
def test_rotated_systems_are_alike_and_other_eigenvalues_are_not(score):
    options = {"rank": 4, "score": score, "iterations": 300}
    turned = dsa_distance(A, trajectories(FIRST, seed=7) @ TURN.T, **options)
    other = dsa_distance(A, B, **options)
    assert turned.distance < 0.2
    assert other.distance > 4 * turned.distance
    assert other.distance > 0.7
    assert other.score == score
    np.testing.assert_allclose(np.abs(other.eigenvalues_a), [0.98, 0.98, 0.95, 0.95], atol=0.03)


@needs_library
def test_eigenvalues_are_those_of_the_systems():
    result = dsa_distance(A, B, score="wasserstein")
    assert result.rank == 4
    for found, matrix in ((result.eigenvalues_a, FIRST), (result.eigenvalues_b, OTHER)):
        np.testing.assert_allclose(
            np.sort_complex(np.round(found, 6)), np.sort_complex(np.linalg.eigvals(matrix)), atol=0.03
        )
    # optimal transport between four and four points, by hand: the best of all assignments
    gaps = np.abs(result.eigenvalues_a[:, None] - result.eigenvalues_b) ** 2
    rows, columns = optimize.linear_sum_assignment(gaps)
    assert result.distance == pytest.approx(gaps[rows, columns].mean(), rel=1e-3)


@needs_library
def test_delays_make_up_for_units_that_were_not_seen():
    """Two of four coordinates, mixed, and fewer trials and steps: with delays the eigenvalues are found."""
    seen = (A @ TURN.T)[:50, :15, :2]
    result = dsa_distance(A, seen, n_delays=4, rank=4, iterations=20)
    wanted = np.linalg.eigvals(FIRST)
    for found in (result.eigenvalues_a, result.eigenvalues_b):
        assert np.abs(found - wanted[:, None]).min(axis=1).max() < 0.1
    blind = dsa_distance(A, seen, rank=2, score="wasserstein").eigenvalues_b
    assert np.abs(blind - wanted[:, None]).min(axis=1).max() > 0.15


@needs_library
def test_seed_fixes_the_descent_and_torch_is_left_alone():
    import torch

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (dsa_distance(A, B, rank=4, iterations=20, seed=seed).distance for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert torch.equal(torch.random.get_rng_state(), before)


def test_default_rank_holds_99_percent_of_both():
    thin = np.concatenate([A[..., :2], 1e-3 * A[..., 2:]], axis=-1)
    flat = A.reshape(-1, 4)
    power = np.linalg.svd(flat, compute_uv=False) ** 2
    np.testing.assert_allclose(_dsa._powers(A, 1, 1), power)
    assert np.argmax(np.cumsum(_dsa._powers(thin, 1, 1)) >= 0.99 * np.sum(_dsa._powers(thin, 1, 1))) == 1
    joined = np.concatenate([A[:-4], A[2:-2], A[4:]], axis=2).reshape(-1, 12)
    np.testing.assert_allclose(_dsa._powers(A, 3, 2), np.linalg.svd(joined, compute_uv=False) ** 2)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(_dsa.importlib, "import_module", absent)
    with pytest.raises(ImportError, match=r"needs dsa-metric, which is not installed.*pip install -e \"\.\[dsa\]\""):
        dsa_distance(A, B)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: dsa_distance(A[0], B), r"`a` must be a non-empty \(T, B, N\) array"),
        (lambda: dsa_distance(A, B * np.nan), "`b` must be finite"),
        (lambda: dsa_distance(A * np.inf, B), "`a` must be finite"),
        (lambda: dsa_distance(A, B, n_delays=0), "must be >= 1; got 0, 1 and 1500"),
        (lambda: dsa_distance(A, B, iterations=0), "must be >= 1; got 1, 1 and 0"),
        (lambda: dsa_distance(A, B, rank=5), r"`rank` must be in 1..4.*got 5. More delays"),
        (lambda: dsa_distance(A, B, rank=0), "got 0"),
        (lambda: dsa_distance(A[:, :1], B, n_delays=60), "at least N n_delays = 240 samples.*got 1 steps of 1 trials"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
