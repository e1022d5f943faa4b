"""Condensation against explicit loops, lstsq, lsq_linear, a greedy that starts anew each time, and examples by hand."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from eicon.analysis import condense
from eicon.analysis._condense import METHODS
from eicon.analysis._merging import clusters, merge_pairs, unit_distances
from eicon.analysis._subset import choose, compressed, least_squares, signed_least_squares

N, N_OUT, T, B = 12, 2, 9, 7
E_FIRST = np.where(np.arange(N) < 8, 1, -1)


def network(sign=None, *, seed=0, read_i=False):
    """Rates that do not repeat, with means, and weights of given signs; like a network's, only E units are read out."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(T * B, 5))
    rates = latent @ rng.normal(size=(5, N)) + 0.3 * rng.normal(size=(T * B, N)) + rng.normal(size=N)
    weights, readout = rng.normal(size=(N, N)), rng.normal(size=(N, N_OUT))
    if sign is not None:
        weights, readout = sign[:, None] * np.abs(weights), np.abs(readout)
        readout[sign < 0] *= read_i
    return rates.reshape(T, B, N), weights, readout


def copies(sign=None, *, seed=0):
    """Rates of twelve units that are copies of four, of weights that are not; and which of the four each one is."""
    rng = np.random.default_rng(seed)
    of = np.array([2, 0, 1, 0, 2, 2, 1, 0, 3, 3, 3, 3])
    rates = rng.normal(size=(T, B, 4)) + rng.normal(size=4)
    return rates[:, :, of], *network(sign, seed=seed)[1:], of


def flat(rates):
    return rates.reshape(-1, rates.shape[-1])


@pytest.mark.parametrize("sign", [None, E_FIRST], ids=["free", "dale"])
def test_copies_of_four_prototypes_become_four_units(sign):
    rates, weights, readout, of = copies(sign)
    result = condense(rates, weights, readout, sign=sign)
    assert result.size == 4
    assert sorted(of[result.kept]) == [0, 1, 2, 3]
    np.testing.assert_array_equal(of[result.kept][result.groups], of)
    assert result.reconstruction_error < 1e-13
    assert result.predicted_error < 1e-13
    np.testing.assert_allclose(result.unit_error, 0.0, atol=1e-13)
    np.testing.assert_allclose(result.offset, 0.0, atol=1e-13)
    summed = np.array([[weights[of == of[i]][:, j].sum() for j in result.kept] for i in result.kept])
    np.testing.assert_allclose(result.recurrent, summed, atol=1e-12)
    np.testing.assert_allclose(result.readout, [readout[of == of[i]].sum(axis=0) for i in result.kept], atol=1e-12)


def test_a_size_beyond_the_rank_is_filled_with_units_that_say_nothing_of_their_own():
    rates, weights, readout, _ = copies()
    few, many = (condense(rates, weights, readout, size) for size in (4, 9))
    assert (few.size, many.size) == (4, 9)
    assert set(few.kept) <= set(many.kept)
    assert many.reconstruction_error < 1e-12


@pytest.mark.parametrize("sign", [None, E_FIRST], ids=["free", "dale"])
def test_mixtures_of_four_latents_become_four_units(sign):
    """Of which no two are alike; what is left of the others by then is rounding, and must not be chosen."""
    rng = np.random.default_rng(6)
    rates = rng.normal(size=(T, B, 4)) @ rng.normal(size=(4, N)) * 10.0 ** rng.integers(-3, 4, size=N)
    _, weights, readout = network(sign)
    for size in (None, 4):
        found = condense(rates, weights, readout, size, sign=sign, tolerance=1e-12)
        assert found.size == 4
    assert sign is not None or found.reconstruction_error < 1e-12
    assert sign is not None or found.predicted_error < 1e-12


@pytest.mark.parametrize("tolerance", [0.5, 0.2, 0.05])
def test_size_none_is_the_first_size_within_the_tolerance(tolerance):
    rates, weights, readout = network()
    found = condense(rates, weights, readout, tolerance=tolerance, ridge=0.0)
    assert found.reconstruction_error <= tolerance
    assert condense(rates, weights, readout, found.size - 1, ridge=0.0).reconstruction_error > tolerance


@pytest.mark.parametrize("sign", [None, E_FIRST], ids=["free", "dale"])
@pytest.mark.parametrize("method", METHODS)
def test_fields_are_what_they_are_called(method, sign):
    """Every field by explicit loops from kept, coefficients and incoming."""
    rates, weights, readout = network(sign)
    result = condense(rates, weights, readout, 7, method=method, sign=sign)
    n = result.size
    assert result.method == method
    assert n == 7
    assert (np.diff(result.kept) > 0).all()
    shapes = {name: np.shape(getattr(result, name)) for name in result._fields}
    assert shapes == {
        "method": (),
        "kept": (n,),
        "coefficients": (n, N),
        "offset": (N,),
        "incoming": (N, n),
        "recurrent": (n, n),
        "readout": (n, N_OUT),
        "bias": (n,),
        "readout_bias": (N_OUT,),
        "groups": (N,),
        "connected": (n, n),
        "unit_error": (N,),
        "reconstruction_error": (),
        "predicted_error": (),
        "measured_error": (),
    }
    np.testing.assert_allclose(result.incoming.sum(axis=0), 1.0)
    np.testing.assert_array_equal(result.coefficients[:, result.kept], np.eye(n))
    assert np.isnan(result.measured_error)
    if sign is not None:
        own = sign[result.kept]
        assert (own[:, None] * result.recurrent >= 0).all()
        assert (own[:, None] * result.readout >= 0).all()
        assert (result.coefficients >= 0).all()
        assert not result.coefficients[own[:, None] != sign[None]].any()
        stands = result.groups >= 0
        np.testing.assert_array_equal(own[result.groups[stands]], sign[stands])
    samples = flat(rates)
    canonical = samples @ result.incoming
    missed = samples - canonical @ result.coefficients - result.offset
    unit_error = [np.sqrt(np.mean(missed[:, i] ** 2)) / np.std(samples[:, i]) for i in range(N)]
    np.testing.assert_allclose(result.unit_error, unit_error, atol=1e-12)
    spread = ((samples - samples.mean(axis=0)) ** 2).sum()
    assert result.reconstruction_error == pytest.approx(np.sqrt((missed**2).sum() / spread))
    outputs = samples @ readout
    wrong = outputs - canonical @ result.readout - result.readout_bias
    spread = ((outputs - outputs.mean(axis=0)) ** 2).sum()
    assert result.predicted_error == pytest.approx(np.sqrt((wrong**2).sum() / spread))
    for i in range(N):
        shares = np.abs(result.coefficients[:, i]) * canonical.std(axis=0)
        assert result.groups[i] == (shares.argmax() if shares.any() else -1)
    np.testing.assert_array_equal(result.unrepresented, [i for i in range(N) if result.groups[i] == -1])


@pytest.mark.parametrize("method", METHODS)
def test_what_canonical_units_send_is_what_the_units_they_rebuild_send(method):
    """W' = C W A, b' = c0 W A, W_out' = C W_out, b_out' = c0 W_out, in a network without signs."""
    rates, weights, readout = network()
    found = condense(rates, weights, readout, 5, method=method)
    recurrent, bias = np.zeros((5, 5)), np.zeros(5)
    sent, output_bias = np.zeros((5, N_OUT)), np.zeros(N_OUT)
    for i in range(N):
        for q in range(5):
            current = sum(weights[i, j] * found.incoming[j, q] for j in range(N))
            bias[q] += found.offset[i] * current
            for p in range(5):
                recurrent[p, q] += found.coefficients[p, i] * current
        for o in range(N_OUT):
            output_bias[o] += found.offset[i] * readout[i, o]
            for p in range(5):
                sent[p, o] += found.coefficients[p, i] * readout[i, o]
    np.testing.assert_allclose(found.recurrent, recurrent, atol=1e-12)
    np.testing.assert_allclose(found.readout, sent, atol=1e-12)
    np.testing.assert_allclose(found.bias, bias, atol=1e-12)
    np.testing.assert_allclose(found.readout_bias, output_bias, atol=1e-12)


def test_subset_rebuilds_by_least_squares_with_an_intercept():
    rates, weights, readout = network()
    found = condense(rates, weights, readout, 6, ridge=0.0)
    samples = flat(rates)
    design = np.hstack([samples[:, found.kept], np.ones((T * B, 1))])
    best = np.linalg.lstsq(design, samples, rcond=None)[0]
    np.testing.assert_allclose(found.coefficients, best[:-1], atol=1e-10)
    np.testing.assert_allclose(found.offset, best[-1], atol=1e-10)
    assert np.abs(found.offset).max() > 0.1


@pytest.mark.parametrize("read_i", [False, True])
def test_signed_weights_make_the_currents_and_outputs_as_well_as_signs_allow(read_i):
    """Column by column with scipy's bounded solver, intercept included; and only types that were read out are."""
    rates, weights, readout = network(E_FIRST, read_i=read_i)
    readout[8:, 1] *= -1  # read out with both signs, where they are at all
    readout[8:, 0] *= read_i
    found = condense(rates, weights, readout, 6, sign=E_FIRST, ridge=0.0)
    samples, own = flat(rates), E_FIRST[found.kept]
    assert (own < 0).any()
    design = np.hstack([samples[:, found.kept], np.ones((T * B, 1))])

    def best(target, low, high):
        unbounded = [np.inf]
        return lsq_linear(design, target, ([*low, -np.inf], [*high, *unbounded]), method="bvls", tol=1e-14).x

    for q, j in enumerate(found.kept):
        low, high = np.where(own > 0, 0.0, -np.inf), np.where(own > 0, np.inf, 0.0)
        expected = best(samples @ weights[:, j], low, high)
        np.testing.assert_allclose(found.recurrent[:, q], expected[:-1], atol=1e-7)
        assert found.bias[q] == pytest.approx(expected[-1], abs=1e-7)
    for o in range(N_OUT):
        free = np.where(read_i, np.inf, 1e-15)
        expected = best(samples @ readout[:, o], np.where(own > 0, 0.0, -free), np.where(own > 0, np.inf, free))
        np.testing.assert_allclose(found.readout[:, o], expected[:-1], atol=1e-7)
        assert found.readout_bias[o] == pytest.approx(expected[-1], abs=1e-7)
    assert found.readout[own < 0].any() == read_i


@pytest.mark.parametrize("sign", [None, E_FIRST], ids=["free", "dale"])
def test_currents_are_those_of_what_is_sent_and_outputs_those_of_the_rates(sign):
    """Plastic synapses: what goes through the recurrent weights is not what is read out."""
    rates, weights, readout = network(sign)
    sent = rates * np.random.default_rng(9).uniform(0.1, 1.0, rates.shape)
    found = condense(rates, weights, readout, 6, sign=sign, ridge=0.0, sent=sent)
    own = np.zeros(6) if sign is None else sign[found.kept]
    low, high = np.where(own > 0, 0.0, -np.inf), np.where(own < 0, 0.0, np.inf)

    def best(samples, target):
        design = np.hstack([flat(samples)[:, found.kept], np.ones((T * B, 1))])
        return lsq_linear(design, target, ([*low, -np.inf], [*high, np.inf]), method="bvls", tol=1e-14).x

    for q, j in enumerate(found.kept):
        np.testing.assert_allclose(
            [*found.recurrent[:, q], found.bias[q]], best(sent, flat(sent) @ weights[:, j]), atol=1e-7
        )
    if sign is None:
        for o in range(N_OUT):
            np.testing.assert_allclose(
                [*found.readout[:, o], found.readout_bias[o]], best(rates, flat(rates) @ readout[:, o]), atol=1e-7
            )
    plain = condense(rates, weights, readout, 6, sign=sign, ridge=0.0)
    assert np.abs(plain.recurrent - found.recurrent).max() > 0.01
    same = condense(rates, weights, readout, 6, sign=sign, ridge=0.0, sent=rates)
    for name in ("kept", "recurrent", "readout", "bias", "readout_bias"):
        np.testing.assert_allclose(getattr(same, name), getattr(plain, name), atol=1e-7, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_sent_at_masked_steps_says_nothing(method):
    rates, weights, readout = network(E_FIRST)
    mask = np.random.default_rng(2).random((T, B)) < 0.8
    first, second = (
        condense(
            *(np.where(mask[:, :, None], rates, nothing), weights, readout, 6),
            **{"method": method, "mask": mask, "sign": E_FIRST, "sent": np.where(mask[:, :, None], rates**2, nothing)},
        )
        for nothing in (np.nan, 1e6)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_mixed_signs_leave_free_units_free():
    sign = np.where(np.arange(N) < 4, 0, E_FIRST)
    rates, weights, readout = network(sign)
    weights[:4] = np.random.default_rng(5).normal(size=(4, N))
    found = condense(rates, weights, readout, 9, sign=sign)
    own = sign[found.kept]
    assert (own == 0).any()
    assert (own[:, None] * found.recurrent >= 0).all()
    rows = found.recurrent[own == 0]
    assert (rows < 0).any()
    assert (rows > 0).any()


@pytest.mark.parametrize("sign", [None, E_FIRST], ids=["free", "dale"])
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"random"}))
def test_the_order_of_the_units_says_nothing(method, sign):
    rates, weights, readout = network(sign)
    order = np.random.default_rng(4).permutation(N)
    found = condense(rates, weights, readout, 6, method=method, sign=sign, incoming="averaged")
    shuffled = condense(
        rates[:, :, order],
        weights[np.ix_(order, order)],
        readout[order],
        6,
        method=method,
        sign=None if sign is None else sign[order],
        incoming="averaged",
    )
    there = order[shuffled.kept]
    np.testing.assert_array_equal(np.sort(there), found.kept)
    place = np.argsort(there)
    np.testing.assert_allclose(shuffled.recurrent[np.ix_(place, place)], found.recurrent, atol=1e-9)
    np.testing.assert_allclose(shuffled.readout[place], found.readout, atol=1e-9)
    np.testing.assert_allclose(shuffled.incoming[:, place], found.incoming[order])
    np.testing.assert_allclose(shuffled.bias[place], found.bias, atol=1e-9)
    stands = found.groups[order]
    np.testing.assert_array_equal(
        np.where(shuffled.groups < 0, -1, there[shuffled.groups]), np.where(stands < 0, -1, found.kept[stands])
    )


@pytest.mark.parametrize("method", METHODS)
def test_all_units_are_the_network_itself(method):
    rates, weights, readout = network(E_FIRST)
    found = condense(rates, weights, readout, N, method=method, sign=E_FIRST)
    np.testing.assert_array_equal(found.kept, np.arange(N))
    np.testing.assert_array_equal(found.recurrent, weights)
    np.testing.assert_array_equal(found.readout, readout)
    np.testing.assert_array_equal(found.incoming, np.eye(N))
    np.testing.assert_array_equal(found.groups, np.arange(N))
    assert not found.bias.any()
    assert not found.readout_bias.any()
    assert found.reconstruction_error == found.predicted_error == 0.0


def test_more_units_and_no_signs_rebuild_better():
    rates, weights, readout = network(E_FIRST)
    free = [condense(rates, weights, readout, n, ridge=0.0) for n in range(1, N + 1)]
    dale = [condense(rates, weights, readout, n, sign=E_FIRST, ridge=0.0) for n in range(1, N + 1)]
    assert (np.diff([found.reconstruction_error for found in free]) < 0).all()
    for unbound, bound in zip(free, dale, strict=True):
        np.testing.assert_array_equal(unbound.kept, bound.kept)
        assert bound.reconstruction_error >= unbound.reconstruction_error - 1e-12
        assert bound.predicted_error >= unbound.predicted_error - 1e-12


def test_ridge_pulls_towards_the_own_weights():
    rates, weights, readout = network(E_FIRST)
    for sign in (None, E_FIRST):
        found = condense(rates, weights, readout, 6, sign=sign, ridge=1e12)
        own = weights[np.ix_(found.kept, found.kept)]
        np.testing.assert_allclose(found.recurrent, own, atol=1e-6)
        np.testing.assert_allclose(found.readout, readout[found.kept], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_masked_steps_say_nothing(method):
    rates, weights, readout = network(E_FIRST)
    mask = np.random.default_rng(2).random((T, B)) < 0.8
    padded = np.where(mask[:, :, None], rates, np.nan)
    found = condense(padded, weights, readout, 6, method=method, mask=mask, sign=E_FIRST)
    garbage = np.where(mask[:, :, None], rates, 1e6)
    other = condense(garbage, weights, readout, 6, method=method, mask=mask.astype(int), sign=E_FIRST)
    only = condense(rates[mask][:, None], weights, readout, 6, method=method, sign=E_FIRST)
    for first, second, third in zip(found, other, only, strict=True):
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, third)


@pytest.mark.parametrize("level", [0.0, 0.3])
@pytest.mark.parametrize("sign", [None, E_FIRST], ids=["free", "dale"])
def test_units_that_do_not_vary_go_first_and_nobody_stands_for_them(sign, level):
    rates, weights, readout = network(sign)
    rates[:, :, [2, 9]] = level
    found = condense(rates, weights, readout, 10, sign=sign)
    np.testing.assert_array_equal(found.kept, np.setdiff1d(np.arange(N), [2, 9]))
    assert found.groups[[2, 9]].tolist() == [-1, -1]
    assert np.isnan(found.unit_error[[2, 9]]).all()
    np.testing.assert_allclose(found.offset[[2, 9]], level, atol=1e-12)
    np.testing.assert_array_equal(found.unrepresented, [2, 9])
    every = condense(rates, weights, readout, N, sign=sign)
    np.testing.assert_array_equal(every.groups, np.arange(N), err_msg="a unit that stays stands for itself")
    # What they sent is a bias now.
    np.testing.assert_allclose(found.bias, level * weights[np.ix_([2, 9], found.kept)].sum(axis=0), atol=1e-9)
    assert found.predicted_error < 1e-9


def test_activity_that_is_explained_but_not_the_output_decides():
    """The output counts beside the rates: of two units as good for the rates, the one that makes the output."""
    rng = np.random.default_rng(0)
    a, b, c = np.linalg.qr(rng.normal(size=(T * B, 3)) - 0.0)[0].T
    rates = np.stack([a, b, c], axis=1).reshape(T, B, 3)
    readout = np.array([[0.0], [5.0], [0.0]])
    assert condense(rates, np.zeros((3, 3)), readout, 1).kept.tolist() == [1]
    currents = np.zeros((3, 3))
    currents[2, 0] = 7.0
    assert condense(rates, currents, np.zeros((3, 1)), 1).kept.tolist() == [2]


def five():
    """Five units: 0 and 3 nearly alike, 1 and 4 alike but weaker, 2 on its own."""
    rng = np.random.default_rng(7)
    a, b, c = rng.normal(size=(3, 40))
    rates = np.stack([a, b, c, 1.01 * a, 1.2 * b], axis=1)[:, None]
    return rates, np.arange(25.0).reshape(5, 5), np.arange(5.0)[:, None]


@pytest.mark.parametrize("incoming", ["kept", "averaged"])
def test_merging_by_hand(incoming):
    rates, weights, readout = five()
    found = condense(rates, weights, readout, 3, method="merge", incoming=incoming)
    assert found.kept.tolist() == [2, 3, 4]
    assert found.groups.tolist() == [1, 2, 0, 1, 2]
    sends = np.array([weights[2], weights[0] + weights[3], weights[1] + weights[4]])
    if incoming == "kept":
        expected = sends[:, [2, 3, 4]]
    else:
        expected = np.stack([sends[:, 2], sends[:, [0, 3]].mean(axis=1), sends[:, [1, 4]].mean(axis=1)], axis=1)
    np.testing.assert_allclose(found.recurrent, expected)
    np.testing.assert_allclose(found.readout[:, 0], [2.0, 3.0, 5.0])
    assert not found.bias.any()
    assert not found.readout_bias.any()


def test_a_merged_unit_is_merged_further_with_all_that_went_into_it():
    apart = np.array([[0.0, 1.0, 9.0, 9.0], [1.0, 0.0, 2.0, 9.0], [9.0, 2.0, 0.0, 9.0], [9.0, 9.0, 9.0, 0.0]])
    assert merge_pairs(apart, np.array([1.0, 2.0, 3.0, 0.5]), 2).tolist() == [2, 2, 2, 3]
    assert merge_pairs(apart, np.array([2.0, 1.0, 3.0, 0.5]), 3).tolist() == [0, 0, 2, 3]
    # Once 1 is gone, 2 is not close to anyone: it is merged across 9.
    assert merge_pairs(apart, np.array([2.0, 1.0, 3.0, 0.5]), 2).tolist() == [2, 2, 2, 3]


def test_clusters_by_hand():
    rates, weights, readout = five()
    rates = np.concatenate([rates, rates[:, :, :1] * 0.99], axis=2)
    weights, readout = np.arange(36.0).reshape(6, 6), np.arange(6.0)[:, None]
    found = condense(rates, weights, readout, 3, method="cluster")
    # Of 0.99 a, a and 1.01 a, a is in the middle; of two units the stronger one stands for both.
    assert found.kept.tolist() == [0, 2, 4]
    assert found.groups.tolist() == [0, 2, 1, 0, 2, 0]
    members = [[0, 3, 5], [2], [1, 4]]
    expected = [[weights[np.ix_(p, q)].sum(axis=0).mean() for q in members] for p in members]
    np.testing.assert_allclose(found.recurrent, expected)
    np.testing.assert_allclose(found.readout[:, 0], [8.0, 2.0, 5.0])
    np.testing.assert_array_equal(found.incoming[:, 0], np.isin(np.arange(6), [0, 3, 5]) / 3)


def test_average_linkage_is_not_single_linkage():
    """A chain: the end joins by its mean distance to the others."""
    x = np.array([0.0, 1.0, 2.1, 3.6, 5.0])
    apart = np.abs(x[:, None] - x[None])
    found = clusters(apart, np.array([1.0, 1.0, 1.0, 1.0, 2.0]), 2)
    assert found.tolist() == [1, 1, 1, 4, 4]


def test_distances():
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(30, 5))
    samples -= samples.mean(axis=0)
    none = np.zeros(5, int)
    whole = unit_distances(samples, "pca", 5, none)
    np.testing.assert_allclose(whole, np.linalg.norm(samples[:, :, None] - samples[:, None], axis=0), atol=1e-10)
    values, axes = np.linalg.eigh(samples.T @ samples)
    loadings = axes[:, -2:] * np.sqrt(values[-2:])
    planar = np.linalg.norm(loadings[:, None] - loadings[None], axis=2)
    np.testing.assert_allclose(unit_distances(samples, "pca", 2, none), planar, atol=1e-10)
    samples[:, 2] = 0.0
    expected = np.ones((5, 5))
    for i in range(5):
        for j in range(5):
            if i == j:
                expected[i, j] = 0.0
            elif 2 not in (i, j):
                expected[i, j] = 1.0 - np.corrcoef(samples[:, i], samples[:, j])[0, 1]
    np.testing.assert_allclose(unit_distances(samples, "correlation", 1, none), expected, atol=1e-12)
    kinds = np.array([1, 1, -1, -1, 1])
    apart = unit_distances(samples, "correlation", 1, kinds)
    assert apart[kinds[:, None] != kinds].min() > apart[kinds[:, None] == kinds].max()


@pytest.mark.parametrize("similarity", ["pca", "correlation"])
@pytest.mark.parametrize("method", ["merge", "cluster"])
def test_types_are_never_merged_with_each_other(method, similarity):
    rates, weights, readout = network(E_FIRST)
    rates[:, :, 8:] = rates[:, :, :4]  # I units that look exactly like E units
    for size in (2, 5, 9):
        found = condense(rates, weights, readout, size, method=method, similarity=similarity, sign=E_FIRST)
        np.testing.assert_array_equal(E_FIRST[found.kept][found.groups], E_FIRST)
    labels = np.arange(N) % 3
    for options, least, of in (
        ({"sign": E_FIRST}, 2, "sign"),
        ({"sign": E_FIRST, "within": labels}, 6, "group of sign and label"),
        ({"within": labels}, 3, "label"),
    ):
        with pytest.raises(ValueError, match=f"`size` must be at least {least}, one unit of each {of}; got 1"):
            condense(rates, weights, readout, 1, method=method, **options)


def test_magnitude_keeps_the_strongest_and_random_is_fixed_by_its_seed():
    rates, weights, readout = network()
    strength = np.sqrt((weights**2).sum(axis=1) + (readout**2).sum(axis=1))
    found = condense(rates, weights, readout, 4, method="magnitude")
    assert set(found.kept) == set(np.argsort(strength)[-4:])
    np.testing.assert_array_equal(found.recurrent, weights[np.ix_(found.kept, found.kept)])
    assert (found.groups[np.setdiff1d(np.arange(N), found.kept)] == -1).all()
    drawn = {tuple(condense(rates, weights, readout, 4, method="random", seed=s).kept) for s in range(20)}
    assert len(drawn) > 15
    assert len(set().union(*drawn)) == N
    twice = [condense(rates, weights, readout, 4, method="random", seed=3).kept.tolist() for _ in range(2)]
    assert twice[0] == twice[1]


def test_choice_is_that_of_a_greedy_that_projects_anew_each_time():
    rng = np.random.default_rng(3)
    samples = rng.normal(size=(40, 9)) @ rng.normal(size=(9, 9))
    samples -= samples.mean(axis=0)
    targets = np.hstack([samples, samples @ rng.normal(size=(9, 4))])
    chosen, error = choose(samples, targets, 9, 0.0, np.zeros(samples.shape[1], int))
    expected: list[int] = []
    for _ in range(9):
        left = {}
        for unit in set(range(9)) - set(expected):
            basis = samples[:, [*expected, unit]]
            left[unit] = np.linalg.norm(targets - basis @ np.linalg.lstsq(basis, targets, rcond=None)[0])
        expected.append(min(left, key=left.__getitem__))
        basis = samples[:, expected]
        missed = np.linalg.norm(samples - basis @ np.linalg.lstsq(basis, samples, rcond=None)[0])
        assert error[len(expected) - 1] == pytest.approx(missed / np.linalg.norm(samples), abs=1e-10)
    assert chosen.tolist() == expected


def test_compressed_samples_have_the_inner_products_of_the_centred_ones():
    samples = np.random.default_rng(0).normal(size=(50, 6)) + 3.0
    before = samples.copy()
    centred = samples - samples.mean(axis=0)
    assert compressed(samples).shape == (6, 6)
    np.testing.assert_allclose(compressed(samples).T @ compressed(samples), centred.T @ centred, atol=1e-10)
    np.testing.assert_array_equal(compressed(samples[:4]), samples[:4] - samples[:4].mean(axis=0))
    np.testing.assert_array_equal(samples, before)


@pytest.fixture(scope="module")
def system():
    rng = np.random.default_rng(8)
    samples, targets = rng.normal(size=(30, 6)) * 3.0, rng.normal(size=(30, 5))
    return samples, targets, rng.normal(size=(6, 5))


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_least_squares_is_that_of_the_augmented_system(system, ridge):
    samples, targets, prior = system
    scale = np.sqrt(ridge * np.mean((samples**2).sum(axis=0)))
    rows, right = np.vstack([samples, scale * np.eye(6)]), np.vstack([targets, scale * prior])
    expected = np.linalg.lstsq(rows, right, rcond=None)[0]
    np.testing.assert_allclose(least_squares(samples, targets, prior, ridge), expected, atol=1e-10)
    free = np.zeros((6, 5), int)
    everywhere = np.ones((6, 5), bool)
    np.testing.assert_allclose(
        signed_least_squares(samples, targets, prior, ridge, free, everywhere), expected, atol=1e-10
    )


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_signed_least_squares_is_the_optimum_within_the_bounds(system, ridge):
    samples, targets, prior = system
    rng = np.random.default_rng(1)
    sign, allowed = rng.integers(-1, 2, size=(6, 5)), rng.random((6, 5)) < 0.8
    allowed[:, 4] = False
    found = signed_least_squares(samples, targets, prior, ridge, sign, allowed)
    scale = np.sqrt(ridge * np.mean((samples**2).sum(axis=0)))
    rows, right = np.vstack([samples, scale * np.eye(6)]), np.vstack([targets, scale * prior])
    assert not found[~allowed].any()
    assert (sign * found >= 0).all()
    for column in range(4):
        use = allowed[:, column]
        low = np.where(sign[use, column] > 0, 0.0, -np.inf)
        high = np.where(sign[use, column] < 0, 0.0, np.inf)
        expected = lsq_linear(rows[:, use], right[:, column], (low, high), method="bvls", tol=1e-14).x
        np.testing.assert_allclose(found[use, column], expected, atol=1e-8)
        # Karush-Kuhn-Tucker: no slope where the weight is not at its bound, and none that leads inside where it is.
        slope = rows.T @ (rows @ found[:, column] - right[:, column])
        bound = use & (found[:, column] == 0) & (sign[:, column] != 0)
        np.testing.assert_allclose(slope[use & ~bound], 0.0, atol=1e-9)
        assert (sign[bound, column] * slope[bound] >= -1e-9).all()


GOOD = network(E_FIRST)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"size": 0}, r"`size` must be in 1..12, the number of units; got 0"),
        ({"size": 13}, r"`size` must be in 1..12, the number of units; got 13"),
        ({"method": "prune"}, "unknown method 'prune'; allowed: subset, merge, cluster, magnitude, random"),
        ({"similarity": "cosine"}, "unknown similarity 'cosine'; allowed: pca, correlation"),
        ({"incoming": "summed"}, "unknown incoming 'summed'; allowed: kept, averaged"),
        ({"size": None, "method": "merge"}, "method 'merge' needs a `size`; only 'subset' can choose it"),
        ({"ridge": -1.0}, r"`ridge` and `tolerance` must be >= 0 and `n_components` >= 1; got -1.0"),
        ({"tolerance": float("nan")}, "`ridge` and `tolerance` must be >= 0"),
        ({"n_components": 0}, "`n_components` >= 1; got 0.01, 1e-06 and 0"),
        ({"sign": E_FIRST[:5]}, "`sign` must contain -1, 0 or 1 for each of the N = 12 units"),
        ({"sign": 2 * E_FIRST}, "`sign` must contain -1, 0 or 1"),
        ({"sign": 0.5 * E_FIRST}, "`sign` must contain -1, 0 or 1"),
        ({"sign": -E_FIRST}, "12 units send weights that contradict their `sign`; is the matrix transposed"),
        ({"weights": GOOD[1].T}, "units send weights that contradict their `sign`"),
        ({"weights": GOOD[1][:5, :5]}, r"`weights` must be \(N, N\) .* N = 12 units .*got \(5, 5\) and \(12, 2\)"),
        ({"weights": GOOD[1][:5]}, "`weights` must be square"),
        ({"readout": GOOD[2][:, 0]}, r"`readout` \(N, n_out\) .*got \(12, 12\) and \(12,\)"),
        ({"readout": GOOD[2] * np.nan}, "`readout` must be finite"),
        ({"rates": GOOD[0] * np.nan}, "`rates` must be finite.*diverged"),
        ({"rates": GOOD[0] * 0}, "`rates` must vary; got 63 identical samples. The network may be silent"),
        ({"rates": flat(GOOD[0])}, r"`rates` must be a non-empty \(T, B, N\) array"),
        ({"sent": GOOD[0][1:]}, r"`sent` must have the shape of `rates`, \(9, 7, 12\); got \(8, 7, 12\)"),
        ({"sent": GOOD[0] * np.nan}, "`sent` must be finite"),
        ({"mask": np.zeros((T, B), bool)}, "`rates` must vary; got 0 identical samples"),
        ({"mask": np.ones((B, T), bool)}, r"`mask` must have shape \(T, B\)"),
    ],
)
def test_what_cannot_be_condensed_is_refused(change, text):
    rates, weights, readout = GOOD
    given = {"rates": rates, "weights": weights, "readout": readout, "size": 6, "sign": E_FIRST} | change
    with pytest.raises(ValueError, match=text):
        condense(**given)
