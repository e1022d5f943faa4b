import numpy as np
import pytest

from eicon.analysis.fits import next_units

N = 15


def weights_of(seed, radius=0.8):
    """Weights [pre, post] of excitatory and inhibitory units, half of which are connected."""
    rng = np.random.default_rng(seed)
    sizes = (
        np.abs(rng.normal(size=(N, N))) * (rng.random((N, N)) < 0.5) * np.where(np.arange(N) < 11, 1.0, -2.5)[:, None]
    )
    return sizes * radius / np.abs(np.linalg.eigvals(sizes)).max()


def naive(weights, n, n_modes=N, given=(), worst=False):
    """The rows themselves, singular vectors, cosines: as the criterion is written."""
    J = weights.T
    rows = np.linalg.inv(np.eye(N) - J) @ J
    chosen = list(given)

    def without(rows, unit):
        direction = rows[unit] / np.linalg.norm(rows[unit])
        return rows - np.outer(rows @ direction, direction)

    for unit in given:
        rows = without(rows, unit)
    for _ in range(n):
        _, sizes, modes = np.linalg.svd(rows)
        best, found = None, None
        for unit in range(N):
            if unit in chosen:
                continue
            length = np.linalg.norm(rows[unit])
            score = sum(sizes[m] ** 2 * (rows[unit] @ modes[m] / length) ** 2 for m in range(n_modes))
            if best is None or (score < best if worst else score > best):
                best, found = score, unit
        chosen.append(found)
        rows = without(rows, found)
    return chosen[len(given) :]


@pytest.mark.parametrize("options", [{}, {"n_modes": 1}, {"n_modes": 3}, {"worst": True}, {"given": [4, 9]}], ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_against_a_naive_loop(seed, options):
    weights = weights_of(seed)
    assert next_units(weights, 8, **options).tolist() == naive(weights, 8, **options)


def test_the_first_unit_leaves_the_least_unpredicted():
    """By brute force: variance of all responses to white errors, given the response of one unit."""
    weights = weights_of(2)
    K = np.linalg.inv(np.eye(N) - weights.T) @ weights.T
    left = [np.trace(K @ (np.eye(N) - np.outer(k, k) / (k @ k)) @ K.T) for k in K]
    assert next_units(weights, 1)[0] == np.argmin(left)
    assert next_units(weights, 1, worst=True)[0] == np.argmax(left)


def test_rank_one_in_closed_form():
    """J = m n^T: all rows of K are parallel, those of m / (1 - n.m) times n, so that the largest |m| says it all."""
    rng = np.random.default_rng(3)
    m, n = rng.normal(size=N), rng.normal(size=N) / N
    order = next_units(np.outer(n, m), N)
    assert order.tolist() == np.argsort(-np.abs(m)).tolist()
    assert next_units(np.outer(n, m), 3, n_modes=1).tolist() == order[:3].tolist()


def test_order_is_nested_and_goes_on_after_given_units():
    weights = weights_of(4)
    order = next_units(weights, N)
    assert sorted(order) == list(range(N))
    assert next_units(weights, 6).tolist() == order[:6].tolist()
    assert next_units(weights, 3, given=order[:6]).tolist() == order[6:9].tolist()


def test_gains_multiply_what_units_send():
    weights, gains = weights_of(5), np.random.default_rng(5).uniform(0.2, 1.0, N)
    assert next_units(weights, N, gains=gains).tolist() == next_units(gains[:, None] * weights, N).tolist()
    assert next_units(weights, N, gains=gains).tolist() != next_units(weights, N).tolist()


def test_units_that_receive_nothing_come_last():
    weights = weights_of(6)
    weights[:, [2, 7]] = 0.0
    assert set(next_units(weights, N)[-2:]) == {2, 7}
    assert set(next_units(weights, 2, worst=True)) == {2, 7}


def test_an_integrator_is_refused_with_the_number():
    with pytest.raises(ValueError, match=r"I - J invertible; got a smallest singular value of \S+, \S+ of the largest"):
        next_units(np.diag([1.0, 0.5, 0.2]), 1)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n": 0}, r"`n` must be in 1\.\.15, the units that are left; got 0"),
        ({"n": 14, "given": [0, 1]}, r"`n` must be in 1\.\.13"),
        ({"n": 1, "n_modes": 16}, r"`n_modes` must be in 1\.\.15; got 16"),
        ({"n": 1, "given": [15]}, r"`given` must be indices in 0\.\.14; got 15 to 15"),
        ({"n": 1, "given": [1, 1]}, "`given` must be different units"),
    ],
)
def test_refused(options, text):
    with pytest.raises(ValueError, match=text):
        next_units(weights_of(0), **options)
