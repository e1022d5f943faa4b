from itertools import combinations, permutations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from eicon.analysis import fixed_points, pca
from eicon.analysis.similarity import match_points
from eicon.models import RateRNN

T, B, N = 6, 30, 5
SCALE = np.array([3.0, 2.0, 1.0, 0.5, 0.2])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def rotation(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)))[0]


@pytest.fixture
def states(rng):
    return rng.normal(size=(T, B, N)) * SCALE + 4.0


@pytest.fixture
def points(states, rng):
    """Six states, of which some are saddles."""
    positions = states[2, [0, 5, 9, 13, 20, 27]] * 1.2
    return positions, np.array([0, 0, 0, 1, 1, 2])


def copy_of(rng, points, states, n=N + 2):
    """The same in a larger space, its units mixed, shifted and stretched, and its points in another order."""
    mixed = rotation(rng, n)[:N] * 3.0
    order = rng.permutation(len(points[0]))
    return (points[0][order] @ mixed - 2.0, points[1][order]), states @ mixed - 2.0, order


def test_a_copy_has_the_same_points_wherever_its_units_are(points, states, rng):
    other, there, order = copy_of(rng, points, states)
    found = match_points(points, other, states, there, n_components=N)
    assert (found.similarity.value, found.similarity.ceiling, found.similarity.p) == (1.0, 1.0, 0.005)
    np.testing.assert_array_equal(order[found.pairs[:, 1]], found.pairs[:, 0])
    np.testing.assert_allclose(found.distance, 0.0, atol=1e-9)
    assert found.same.all()
    assert not found.unmatched_a.size
    assert not found.unmatched_b.size
    np.testing.assert_allclose(found.aligned_b, found.aligned_a[order], atol=1e-8)
    assert found.spread == pytest.approx(np.sqrt(states.reshape(-1, N).var(axis=0).sum()))


def test_what_differs_in_one_respect_is_told_apart(points, states, rng):
    other, there, order = copy_of(rng, points, states)
    last = int(np.flatnonzero(order == 5)[0])
    options = {"n_components": N, "n_permutations": 0}
    flipped = (other[0], np.where(np.arange(6) == last, 1, other[1]))
    found = match_points(points, flipped, states, there, **options)
    assert found.similarity.value == pytest.approx(5 / 6)
    assert len(found.pairs) == 6
    assert found.same.sum() == 5
    fewer = (np.delete(other[0], last, axis=0), np.delete(other[1], last))
    found = match_points(points, fewer, states, there, **options)
    assert found.similarity.value == pytest.approx(10 / 11)
    assert found.unmatched_a.tolist() == [5]
    assert found.unmatched_b.tolist() == []
    moved = other[0].copy()
    moved[last] += 3.0 * (moved[last] - moved.mean(axis=0))
    found = match_points(points, (moved, other[1]), states, there, **options)
    assert found.similarity.value == pytest.approx(5 / 6)
    assert (found.unmatched_a.tolist(), found.unmatched_b.tolist()) == ([5], [last])
    assert len(match_points(points, (moved, other[1]), states, there, limit=1e3, **options).pairs) == 6


def test_components_are_as_many_as_hold_95_percent_of_the_smaller_network(points, states, rng):
    there = states[..., :2] @ rotation(rng, 4)[:2] + 1e-3 * rng.normal(size=(T, B, 4))
    found = match_points(points, (there[0, :2], np.zeros(2, int)), states, there, n_permutations=0)
    counts = [pca(one).n_for(0.95) for one in (states, there)]
    assert counts == [3, 2]
    assert found.aligned_a.shape == (6, 2)


def test_both_directions_count_the_same(points, states, rng):
    there = np.tanh(states @ rng.normal(size=(N, 4)) * 0.2)
    other = (there[1, :4] * 1.1, np.array([0, 1, 0, 0]))
    one = match_points(points, other, states, there, n_permutations=0)
    turned = match_points(other, points, there, states, n_permutations=0)
    assert turned.similarity.value == pytest.approx(one.similarity.value)
    assert {tuple(pair[::-1]) for pair in turned.pairs} == {tuple(pair) for pair in one.pairs}
    np.testing.assert_allclose(np.sort(turned.distance), np.sort(one.distance), rtol=1e-9)


def by_search(distance, limit):
    """Smallest sum of distances, cut off at the limit, over all ways to match."""
    if distance.shape[0] > distance.shape[1]:
        distance = distance.T
    rows, columns = distance.shape
    best = min(
        sum(min(distance[i, j], limit) for i, j in zip(range(rows), chosen, strict=True))
        for some in combinations(range(columns), rows)
        for chosen in permutations(some)
    )
    return best + limit * (columns - rows)


@pytest.mark.parametrize("numbers", [(5, 5), (3, 6), (6, 2)])
def test_assignment_and_alignment_against_a_search_and_regressions(states, rng, numbers):
    there = states[..., :3] @ rng.normal(size=(3, 4)) + rng.normal(size=(T, B, 4))
    mine = states[0, : numbers[0]] + rng.normal(size=(numbers[0], N))
    theirs = there[0, 1 : 1 + numbers[1]]
    k, limit = 3, 0.4
    found = match_points(
        (mine, np.zeros(numbers[0], int)), (theirs, np.zeros(numbers[1], int)), states, there,
        n_components=k, limit=limit, n_permutations=0,
    )  # fmt: skip
    scores, at = [], []
    for values, positions in ((states, mine), (there, theirs)):
        flat = values.reshape(-1, values.shape[2])
        _, vectors = np.linalg.eigh(np.cov(flat.T))
        axes = vectors[:, ::-1][:, :k]
        scores.append((flat - flat.mean(axis=0)) @ axes)
        at.append((positions - flat.mean(axis=0)) @ axes)
    squares = 0.0
    for target, source, first, second in ((0, 1, 0, 1), (1, 0, 1, 0)):
        weights = np.linalg.lstsq(scores[source], scores[target], rcond=None)[0]
        gap = at[first][:, None] - (at[second] @ weights)[None]
        apart = (gap**2).sum(axis=2) / (scores[target] ** 2).sum(axis=1).mean()
        squares = squares + (apart if first == 0 else apart.T) / 2
    distance = np.sqrt(squares)
    np.testing.assert_allclose(found.distance, distance[tuple(found.pairs.T)], rtol=1e-9)
    cost = found.distance.sum() + limit * (max(numbers) - len(found.pairs))
    assert cost == pytest.approx(by_search(distance, limit), rel=1e-9)
    assert (found.distance <= limit).all()
    assert len(found.unmatched_a) == numbers[0] - len(found.pairs)
    assert len(found.unmatched_b) == numbers[1] - len(found.pairs)
    assert found.similarity.value == pytest.approx(2 * len(found.pairs) / sum(numbers))


def test_no_points(points, states):
    none = (np.zeros((0, N)), np.zeros(0, int))
    one = match_points(none, points, states, states)
    assert (one.similarity.value, one.similarity.p, one.pairs.shape) == (0.0, 1.0, (0, 2))
    assert one.unmatched_b.tolist() == list(range(6))
    assert one.aligned_a.shape[0] == 0
    neither = match_points(none, none, states, states).similarity
    assert np.isnan(neither.value)
    assert np.isnan(neither.p)


def test_a_single_point_at_the_mean_says_nothing(rng):
    a, b = rng.normal(size=(2, T, B, 3))
    centre = (np.zeros((1, 3)), np.array([0]))
    found = match_points(centre, centre, a, b).similarity
    assert found.value == 1.0
    assert found.p > 0.9


def settled(push, n_steps=40):
    """States (n_steps, B, 2) of x' = -x + tanh(2 x) pushed to either side, y decaying."""
    states = np.zeros((n_steps, len(push), 2))
    x = np.stack([0.2 * push, np.linspace(-1, 1, len(push))], axis=1)
    for step in range(n_steps):
        x = x + 0.1 * np.stack([-x[:, 0] + np.tanh(2 * x[:, 0]), -x[:, 1]], axis=1)
        states[step] = x
    return states


def test_points_tell_mechanisms_apart_that_give_the_same_trajectories(rng):
    """Two wells hold what was chosen; in the other network nothing does but a slow decay to a single point."""
    push = np.tile([-1.0, 1.0], 8)
    states = settled(push)
    grid = np.stack(np.meshgrid(np.linspace(-1.2, 1.2, 5), [-0.5, 0.5]), axis=-1).reshape(-1, 2)

    def wells(x):
        return x + 0.1 * jnp.stack([-x[:, 0] + jnp.tanh(2 * x[:, 0]), -x[:, 1]], axis=1)

    turn = rotation(rng, 3)[:2]

    def turned(x):
        return wells(x @ turn.T) @ turn + 0.9 * (x - x @ turn.T @ turn)

    def decay(x):
        return x + 0.1 * jnp.stack([-0.01 * x[:, 0], -x[:, 1]], axis=1)

    options = {"dt": 1.0, "tau": 10.0}
    mine = fixed_points(wells, grid, **options)
    theirs = fixed_points(turned, grid @ turn, **options)
    single = fixed_points(decay, grid, **options)
    assert sorted(mine.stability) == ["saddle-1", "stable", "stable"]
    same = match_points(mine, theirs, states, states @ turn, n_components=2)
    assert same.similarity.value == 1.0
    assert same.similarity.p < 0.05
    assert same.distance.max() < 1e-6
    other = match_points(mine, single, states, states)
    assert other.similarity.value == 0.0  # its stable point lies where the saddle is
    assert other.pairs.shape == (1, 2)
    assert not other.same[0]
    none = match_points(mine, theirs, states, states @ turn, kinds=["slow", "unconverged"], n_permutations=0)
    assert np.isnan(none.similarity.value)
    slow = mine._replace(kind=np.where(np.arange(3) == 0, "slow", mine.kind))
    fewer = match_points(slow, theirs, states, states @ turn, n_components=2, n_permutations=0)
    assert 0 not in fewer.pairs[:, 0]
    assert fewer.similarity.value == pytest.approx(4 / 5)
    both = match_points(slow, theirs, states, states @ turn, kinds=("fixed", "slow"), n_components=2, n_permutations=0)
    assert both.similarity.value == 1.0


@pytest.mark.battery
def test_false_alarms():
    """Unrelated networks: states of their own in each trial, and points among these."""
    rng, n, found = np.random.default_rng(1), 200, []
    for _ in range(n):
        a = rng.normal(size=(3, 20, 4)) + 2.0 * rng.normal(size=(1, 20, 4))
        b = rng.normal(size=(3, 20, 6)) + 2.0 * rng.normal(size=(1, 20, 6))
        points = [(one[0, :8], rng.integers(0, 2, 8)) for one in (a, b)]
        found.append(match_points(*points, a, b, limit=0.6, n_permutations=99, rng=rng).similarity)
    values, p = np.array([one.value for one in found]), np.array([one.p for one in found])
    assert (p <= 0.05).sum() <= stats.binom.ppf(0.999, n, 0.05)
    assert (p <= 0.2).sum() <= stats.binom.ppf(0.999, n, 0.2)
    assert (p <= 0.2).sum() > 0.02 * n
    assert 0 < values.mean() < 0.5
    assert values.mean() == pytest.approx(np.mean([one.chance for one in found]), abs=0.03)


@pytest.mark.unchecked
def test_refusals(points, states):
    net = RateRNN.dale(2, N, 1, seed=0)
    activity = net.predict(np.ones((T, B, 2), np.float32))
    for call, error, text in (
        (
            lambda: match_points(points, points, activity, states),
            TypeError,
            "`states_a` must be states .* got Activity",
        ),
        (lambda: match_points(points, 3, states, states), TypeError, "`points_b` must be FixedPoints or a pair.* int"),
        (lambda: match_points(points, points, states, states[..., :4]), ValueError, "`points_b` must have positions"),
        (lambda: match_points((points[0], [1]), points, states, states), ValueError, "`points_a` must have a number"),
        (lambda: match_points((points[0], points[1] - 1), points, states, states), ValueError, "directions, >= 0"),
        (lambda: match_points((points[0] * np.nan, points[1]), points, states, states), ValueError, "must be finite"),
        (lambda: match_points(points, points, states, states[:, :3]), ValueError, "must contain the same trials"),
        (lambda: match_points(points, points, states, states * 0), ValueError, "`states_b` must vary"),
        (lambda: match_points(points, points, states, states, kinds=["stable"]), ValueError, "`kinds` must be one or"),
        (lambda: match_points(points, points, states, states, limit=0), ValueError, "`limit` must be positive"),
        (lambda: match_points(points, points, states, states, n_components=6), ValueError, "the rank of the activity"),
    ):
        with pytest.raises(error, match=text):
            call()
