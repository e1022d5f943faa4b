"""How large initial weights are: by the formulas of scipy, and as they were before there was a choice."""

import jax
import numpy as np
import pytest
from scipy import stats

from eicon.models import Connectivity, RateRNN
from eicon.models._distributions import draw_sizes
from eicon.models._initial import _balance, feedforward_weights, numpy_generator, recurrent_weights, with_radius
from eicon.models.initial import DISTRIBUTIONS

KEY = jax.random.key(0)
SIZES = {
    "gamma": stats.gamma(2.0, scale=0.5),
    "lognormal": stats.lognorm(1.0, scale=np.exp(-0.5)),
    "normal": stats.halfnorm(scale=np.sqrt(np.pi / 2)),
    "uniform": stats.uniform(0.0, 2.0),
}
VARIANCE = {"gamma": 1 / 2, "lognormal": np.e - 1, "normal": np.pi / 2 - 1, "uniform": 1 / 3}
SPREAD = dict.fromkeys(VARIANCE, 0.03) | {"lognormal": 0.1}
N = 40
DALE = Connectivity.dale(N, 0.75)
SPARSE = DALE.mask & (np.random.default_rng(1).random((N, N)) < 0.3)
FIXED = SPARSE & (np.random.default_rng(2).random((N, N)) < 0.2)
SOME_FREE = np.where(np.arange(N) < 15, 1, 0)
CONNECTIVITIES = {
    "dale": DALE,
    "dale, sparse": Connectivity(DALE.sign, SPARSE, np.zeros((N, N))),
    "dale, fixed": Connectivity(DALE.sign, SPARSE & ~FIXED, 0.05 * DALE.sign[:, None] * FIXED, "softplus"),
    "free": Connectivity.dense(N, N),
    "free, fixed": Connectivity(np.zeros(N, int), SPARSE & ~FIXED, 0.05 * FIXED),
    "excitatory": Connectivity.dense(N, N, sign=1),
    "some free": Connectivity(SOME_FREE, DALE.mask, np.zeros((N, N))),
    "all types": Connectivity(np.where(np.arange(N) < 30, DALE.sign - (np.arange(N) > 24), 0), DALE.mask, 0.0 * SPARSE),
}


def test_the_distributions_are_those_of_the_table():
    assert set(DISTRIBUTIONS) == set(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_have_mean_1_and_the_analytic_distribution(name):
    n = 100_000
    sizes = draw_sizes(name, (n // 100, 100), np.random.default_rng(7)).ravel()
    assert (sizes > 0).all()
    assert SIZES[name].mean() == pytest.approx(1.0)
    assert SIZES[name].var() == pytest.approx(VARIANCE[name])
    assert stats.kstest(sizes, SIZES[name].cdf).pvalue > 0.001
    fourth = SIZES[name].stats(moments="k") + 3
    assert sizes.mean() == pytest.approx(1.0, abs=4 * np.sqrt(VARIANCE[name] / n))
    assert sizes.var() == pytest.approx(VARIANCE[name], rel=4 * np.sqrt((fourth - 1) / n))
    for q in (0.1, 0.5, 0.9):
        at = SIZES[name].ppf(q)
        assert np.mean(sizes < at) == pytest.approx(q, abs=4 * np.sqrt(q * (1 - q) / n))


@pytest.mark.parametrize("distribution", [None, *SIZES])
@pytest.mark.parametrize("kind", CONNECTIVITIES)
def test_recurrent_weights_have_the_radius_signs_and_connections_that_were_asked(kind, distribution):
    connectivity = CONNECTIVITIES[kind]
    weights = recurrent_weights(connectivity, 1.3, key=KEY, distribution=distribution)
    assert np.abs(np.linalg.eigvals(weights)).max() == pytest.approx(1.3, rel=1e-6)
    assert (connectivity.sign[:, None] * weights >= 0).all()
    np.testing.assert_array_equal(weights != 0, connectivity.exists)
    fixed = connectivity.fixed != 0
    np.testing.assert_array_equal(weights[fixed], connectivity.fixed[fixed])
    if (connectivity.sign == 0).any():
        positive = np.mean(weights[connectivity.sign == 0][connectivity.mask[connectivity.sign == 0]] > 0)
        assert positive == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", SIZES)
def test_balanced_weights_of_each_type_keep_the_spread_of_their_distribution(name):
    """Balancing divides rows and columns by sums that all have nearly the same value in a large matrix."""
    connectivity = Connectivity.dale(300, 0.5)
    weights = recurrent_weights(connectivity, 1.0, key=KEY, distribution=name)
    for rows in (connectivity.sign > 0, connectivity.sign < 0):
        sizes = np.abs(weights[rows][connectivity.mask[rows]])
        assert sizes.std() / sizes.mean() == pytest.approx(np.sqrt(VARIANCE[name]), rel=SPREAD[name])
    np.testing.assert_allclose(weights.sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("name", SIZES)
def test_recurrent_weights_without_balance_are_the_distribution_but_for_a_factor(name):
    for connectivity in (Connectivity.dense(100, 100), Connectivity.dense(100, 100, sign=-1)):
        sizes = np.abs(recurrent_weights(connectivity, 1.0, key=KEY, distribution=name)).ravel()
        assert stats.kstest(sizes / sizes.mean(), SIZES[name].cdf).pvalue > 0.001


@pytest.mark.parametrize("name", SIZES)
def test_feedforward_weights(name):
    mask = np.random.default_rng(11).random((200, 50)) < 0.5
    sources = mask.sum(axis=0)
    for sign in (1, -1):
        connectivity = Connectivity(np.full(200, sign), mask, np.zeros(mask.shape))
        weights = feedforward_weights(connectivity, key=KEY, distribution=name)
        assert not weights[~mask].any()
        assert stats.kstest((sign * weights * sources)[mask], SIZES[name].cdf).pvalue > 0.001
    free = Connectivity(np.zeros(200, int), mask, np.zeros(mask.shape))
    scaled = (feedforward_weights(free, key=KEY, distribution=name) * np.sqrt(sources))[mask]
    assert stats.kstest(np.abs(scaled), SIZES[name].cdf).pvalue > 0.001
    assert np.mean(scaled > 0) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(mask.sum()))
    assert abs(np.corrcoef(np.sign(scaled), np.abs(scaled))[0, 1]) < 4 / np.sqrt(mask.sum())


def drawn_before_there_was_a_choice(connectivity, key):
    rng = numpy_generator(key)
    gamma = rng.gamma(2.0, size=connectivity.shape)
    normal = rng.standard_normal(connectivity.shape)
    sign = connectivity.sign[:, None]
    return np.where(sign == 0, normal, sign * gamma) * connectivity.mask


@pytest.mark.parametrize("kind", [kind for kind in CONNECTIVITIES if "fixed" not in kind])
def test_without_a_distribution_weights_are_what_they_were_before_bit_for_bit(kind):
    connectivity = CONNECTIVITIES[kind]
    for seed in (0, 1):
        key = jax.random.key(seed)
        before = drawn_before_there_was_a_choice(connectivity, key)
        sources = np.maximum(connectivity.mask.sum(axis=0, keepdims=True), 1)
        scale = np.where(connectivity.sign[:, None] == 0, 1 / np.sqrt(sources), 1 / (2.0 * sources))
        assert feedforward_weights(connectivity, key=key).tobytes() == (before * scale + connectivity.fixed).tobytes()
        wanted = with_radius(_balance(before, connectivity), 1.5)
        assert recurrent_weights(connectivity, 1.5, key=key).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("name", SIZES)
def test_networks_draw_all_three_matrices_from_it(name):
    net = RateRNN.dale(100, 100, 40, distribution=name, free_input=True, start="balanced")
    plain = RateRNN.dale(100, 100, 40, free_input=True, start="balanced")
    w_in, w_out = np.asarray(net.W_in, np.float64), np.asarray(net.W_out, np.float64)[:80]
    assert stats.kstest(np.abs(10 * w_in).ravel(), SIZES[name].cdf).pvalue > 0.001
    assert stats.kstest((80 * w_out).ravel(), SIZES[name].cdf).pvalue > 0.001
    w_rec = np.abs(np.asarray(net.W_rec, np.float64)[:80][net.recurrent.connectivity.mask[:80]])
    assert w_rec.std() / w_rec.mean() == pytest.approx(np.sqrt(VARIANCE[name]), rel=SPREAD[name])
    assert (net.W_in != plain.W_in).any()
    assert (net.W_out != plain.W_out).any() == (name != "gamma")


def test_connectome_networks_draw_from_it_too():
    anatomy = np.random.default_rng(0).random((30, 30))
    plain, other = (RateRNN.from_connectome(anatomy, 2, 2, distribution=d) for d in (None, "lognormal"))
    for name in ("W_rec", "W_in", "W_out"):
        assert (getattr(plain, name) != getattr(other, name)).all()
    sizes = np.abs(np.asarray(other.W_rec, np.float64)).ravel()
    assert stats.kstest(sizes / sizes.mean(), SIZES["lognormal"].cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RateRNN.dale(2, 10, 2, distribution="beta"),
            "unknown distribution of weights 'beta'; allowed: gamma, lognormal, normal, uniform",
        ),
        (lambda: draw_sizes("", (2,), np.random.default_rng(0)), "unknown distribution of weights ''; allowed: gamma"),
        (
            lambda: RateRNN.from_connectome(np.ones((3, 3)), 1, 1, init="he", distribution="gamma"),
            "initialisation 'he' has its own distribution; got 'gamma' as well",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
