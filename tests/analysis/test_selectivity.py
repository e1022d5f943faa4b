import numpy as np
import pytest
from scipy import signal, stats

from eicon.analysis import selectivity
from eicon.analysis._permutation import permuted


def brute_auc(rates, choice):
    """Count pairs of trials (choice 0, choice 1) by hand."""
    means = rates.mean(axis=0)
    auc = np.zeros(rates.shape[2])
    for unit in range(rates.shape[2]):
        pairs = [
            1.0 if a > b else 0.5 if a == b else 0.0 for a in means[choice == 0, unit] for b in means[choice == 1, unit]
        ]
        auc[unit] = sum(pairs) / len(pairs)
    return auc


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    choice = rng.integers(-1, 2, 30)
    rates = rng.integers(0, 3, (4, 30, 6)).astype(np.float64)  # few values, hence many ties
    rates[:, :, 5] += 2.0 * (choice == 0)
    return rates, choice


def test_d_prime_of_known_gaussians():
    rng = np.random.default_rng(1)
    choice = np.arange(400) % 2
    means, std = np.array([[3.0, 1.0, 2.0], [1.0, 2.5, 2.0]]), np.array([2.0, 1.0, 0.5])
    rates = means[choice] + std * rng.normal(size=(100, 400, 3))
    expected = (means[0] - means[1]) / std
    # 20000 samples per choice: the standard error of d' is about sqrt(2 / 20000 * (1 + d'^2 / 8)) < 0.011
    np.testing.assert_allclose(selectivity(rates, choice).d_prime, expected, atol=0.05)


def test_d_prime_with_unequal_variances_is_the_printed_formula():
    rates = np.array([0.0, 2.0, 10.0, 14.0]).reshape(1, 4, 1)
    # means 1 and 12, population variances 1 and 4
    assert selectivity(rates, [0, 0, 1, 1]).d_prime[0] == pytest.approx(-11.0 / np.sqrt(2.5), rel=1e-14)


def test_auc_equals_counting_pairs(data):
    rates, choice = data
    result = selectivity(rates, choice)
    np.testing.assert_allclose(result.auc, brute_auc(rates, choice), rtol=1e-13)
    assert result.auc[5] > 0.9
    assert result.d_prime[5] > 1.0
    assert result.n_trials.tolist() == [np.sum(choice == 0), np.sum(choice == 1)]


def test_swapping_the_choices_mirrors_both_measures(data):
    rates, choice = data
    swapped = np.where(choice >= 0, 1 - choice, -1)
    first, second = selectivity(rates, choice), selectivity(rates, swapped)
    np.testing.assert_allclose(second.d_prime, -first.d_prime, rtol=1e-13)
    np.testing.assert_allclose(second.auc, 1.0 - first.auc, rtol=1e-13)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3])
def test_constant_units_have_zero_selectivity_even_with_windows_of_variable_duration(value):
    rng = np.random.default_rng(2)
    window = np.arange(50)[:, None] < rng.integers(3, 50, 40)
    result = selectivity(np.full((50, 40, 2), value), np.arange(40) % 2, window=window)
    assert result.d_prime.tolist() == [0.0, 0.0]
    assert result.auc.tolist() == [0.5, 0.5]


def test_noiseless_difference_is_infinite_and_signed_not_nan():
    choice = np.arange(7) % 2
    rates = np.where(choice[:, None] == 0, [0.1, 0.7], [0.3, 0.2])[None].repeat(5, axis=0)
    result = selectivity(rates, choice)
    assert result.d_prime.tolist() == [-np.inf, np.inf]
    assert result.auc.tolist() == [0.0, 1.0]


def test_left_out_trials_and_steps_outside_the_window_do_not_matter(data):
    rates, choice = data
    clean = selectivity(rates[1:3][:, choice >= 0], choice[choice >= 0])
    dirty = rates.copy()
    dirty[[0, 3]] = np.nan
    dirty[:, choice < 0] = np.inf
    for window in ((1, 3), slice(1, 3), np.isin(np.arange(4), [1, 2])[:, None].repeat(30, axis=1)):
        result = selectivity(dirty, choice, window=window)
        np.testing.assert_allclose(result.d_prime, clean.d_prime, rtol=1e-12)
        np.testing.assert_allclose(result.auc, clean.auc, rtol=1e-12)


def test_window_of_variable_duration_pools_samples_and_averages_within_trials():
    rates = np.array([[1.0, 5.0, 2.0], [9.0, 9.0, 4.0], [9.0, 9.0, 9.0]])[..., None]
    window = np.array([[1, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=bool)
    result = selectivity(rates, [0, 0, 1], window=window)
    # choice 0 pools {1, 5}; choice 1 pools {2, 4}; trial means are 1, 5 against 3
    assert result.d_prime[0] == 0.0
    assert result.auc[0] == 0.5


def test_order_sorts_e_and_i_separately_with_e_first(data):
    rates, choice = data
    excitatory = np.array([False, True, True, False, True, True])
    result = selectivity(rates, choice, excitatory=excitatory)
    types, sorted_d = excitatory[result.order], result.d_prime[result.order]
    assert types.tolist() == [True] * 4 + [False] * 2
    assert (np.diff(sorted_d[:4]) >= 0).all()
    assert (np.diff(sorted_d[4:]) >= 0).all()
    assert sorted(result.order.tolist()) == list(range(6))
    plain = selectivity(rates, choice)
    assert plain.excitatory is None
    assert (np.diff(plain.d_prime[plain.order]) >= 0).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rates": np.zeros((4, 30))}, r"`rates` must be a non-empty \(T, B, N\) array; got shape \(4, 30\)"),
        ({"choice": np.zeros(29, int)}, r"`choice` must have shape \(B,\) = \(30,\).*got \(29,\)"),
        (
            {"choice": np.full(30, 2)},
            r"`choice` must contain only 0 or 1, and -1 or NaN.*got values \[2\].*count from 1",
        ),
        ({"choice": np.zeros(30, int)}, r"must contain both choices; got none of 30 trials with choice 1"),
        ({"window": (2, 2)}, r"`window` must be \(start, stop\).*T = 4; got \(2, 2\).*not ms"),
        (
            {"window": (0, 400)},
            r"`window` must be \(start, stop\).*T = 4; got \(0, 400\).*divide times by dt",
        ),
        ({"window": slice(7, 9)}, r"lie within the T = 4 steps; got slice\(7, 9"),
        ({"window": np.ones((30, 4), bool)}, r"`window` must have shape \(T, B\) = \(4, 30\); got \(30, 4\)"),
        (
            {"window": np.eye(4, 30, dtype=bool)},
            r"select a step in every trial with a choice; got none in \d+",
        ),
        ({"window": np.full((4, 30), 0.5)}, r"`window` must contain only True/False or 0/1"),
        (
            {"excitatory": np.ones(5, bool)},
            r"`excitatory` must be bools, shape \(N,\) = \(6,\).*shape \(5,\)",
        ),
        ({"excitatory": np.ones(6)}, r"`excitatory` must be bools.*got float64.*pass sign > 0"),
        ({"rates": np.full((4, 30, 6), np.nan)}, r"`rates` must be finite; got \d+ NaN or infinite"),
    ],
)
def test_errors(data, change, text):
    rates, choice = data
    arguments = {"rates": rates, "choice": choice} | change
    with pytest.raises(ValueError, match=text):
        selectivity(arguments.pop("rates"), arguments.pop("choice"), **arguments)


def test_p_is_that_of_a_loop_over_permutations(data):
    rates, choice = data
    result = selectivity(rates, choice, n_permutations=49, rng=3)
    generator, used = np.random.default_rng(3), choice >= 0
    null = [np.abs(brute_auc(rates[:, used], permuted(choice[used], generator)) - 0.5) for _ in range(49)]
    extreme = (np.array(null) >= np.abs(result.auc - 0.5) - 1e-9).sum(axis=0)
    np.testing.assert_allclose(result.p_value, (1 + extreme) / 50)
    assert result.p_value[5] == 1 / 50
    assert result.n_left_out == np.count_nonzero(choice == -1)
    assert np.isnan(selectivity(rates, choice).p_value).all()


def test_p_agrees_with_the_exact_mann_whitney_test():
    rng = np.random.default_rng(1)
    rates, choice = rng.normal(size=(1, 16, 12)), np.arange(16) % 2
    rates[..., :4] += 1.2 * choice[:, None]
    result = selectivity(rates, choice, n_permutations=4000, rng=0)
    exact = stats.mannwhitneyu(rates[0, choice == 0], rates[0, choice == 1], method="exact").pvalue
    np.testing.assert_allclose(result.p_value, exact, atol=0.025)


@pytest.mark.parametrize(("steps", "trials", "above"), [(1, 20, 0.30), (25, 10, 0.16)])
def test_half_a_d_prime_is_no_test_and_p_is_one(steps, trials, above):
    """Row 19: of noise alone .30 of units at 20 trials of one step, .16 at 10 trials of 25 correlated steps."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200 + steps, trials, 4000))
    rates = signal.lfilter([1.0], [1.0, -0.9 if steps > 1 else 0.0], noise, axis=0)[-steps:]
    result = selectivity(rates, np.arange(trials) % 2, n_permutations=299, rng=0)
    assert np.mean(np.abs(result.d_prime) >= 0.5) > above - 0.02
    # Few values of a test on 10 trials: it may only be below its level. Standard error: .0035.
    assert 0.02 < np.mean(result.p_value < 0.05) < 0.06


def test_corrections_over_units_are_those_of_their_definitions():
    rng = np.random.default_rng(0)
    rates, choice = rng.normal(size=(1, 40, 50)), np.arange(40) % 2
    rates[..., :10] += 1.5 * choice[:, None]
    plain, holm, fdr = (
        selectivity(rates, choice, n_permutations=4000, rng=0, correction=how).p_value for how in (None, "holm", "fdr")
    )
    order = np.argsort(plain)
    by_hand = np.maximum.accumulate([min(1.0, (50 - i) * p) for i, p in enumerate(plain[order])])
    np.testing.assert_allclose(holm[order], by_hand)
    np.testing.assert_allclose(fdr, stats.false_discovery_control(plain))
    assert (holm[:10] < 0.05).sum() >= 7
    assert (holm[10:] < 0.05).sum() <= 1
    assert (plain <= fdr).all()
    assert (fdr <= holm + 1e-12).all()


def test_any_false_alarm_is_as_rare_as_holm_promises():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(150):
        noise = rng.normal(size=(1, 24, 10))
        result = selectivity(noise, np.arange(24) % 2, n_permutations=399, rng=rng, correction="holm")
        found.append((result.p_value < 0.05).any())
    assert np.mean(found) < 0.10  # standard error .018


def test_copies_of_trials_need_groups():
    """Ten trials, each four times: units of noise are selective, unless copies are exchanged together."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 4)
    choice = (groups % 2).astype(int)
    rates = rng.normal(size=(1, 10, 2000))[:, groups]
    alone, together = (selectivity(rates, choice, n_permutations=199, rng=0, groups=given) for given in (None, groups))
    assert np.mean(alone.p_value < 0.05) > 0.3
    assert np.mean(together.p_value < 0.05) < 0.07


def test_choices_within_a_session_are_exchanged_within_it():
    rng = np.random.default_rng(0)
    session = np.repeat([0, 1], 20)
    choice = np.concatenate([np.arange(20) < 16, np.arange(20) < 4]).astype(int)
    rates = rng.normal(size=(1, 40, 2000)) + 2.0 * session[:, None]  # rates differ between sessions, as choices do
    alone, within = (selectivity(rates, choice, n_permutations=199, rng=0, groups=given) for given in (None, session))
    assert np.mean(alone.p_value < 0.05) > 0.3
    assert 0.02 < np.mean(within.p_value < 0.05) < 0.07


def test_permutations_keep_what_they_must():
    index, groups = np.repeat([0, 1, 1, 0, 1], 3), np.repeat(np.arange(5), 3)
    within = np.repeat([0, 0, 1, 1, 1], 3)
    generator, seen = np.random.default_rng(0), set()
    for _ in range(60):
        whole = permuted(index, generator, groups)
        assert all(np.ptp(whole[groups == group]) == 0 for group in range(5))
        assert np.bincount(whole).tolist() == np.bincount(index).tolist()
        inside = permuted(index, generator, groups, within)
        assert inside[:6].sum() == 3
        assert inside[6:].sum() == 6
        mixed = permuted(np.arange(15) % 2, generator, groups)
        assert [mixed[groups == g].sum() for g in range(5)] == [
            (np.arange(15) % 2)[groups == g].sum() for g in range(5)
        ]
        seen.add(tuple(whole))
    assert len(seen) == 10  # 5 choose 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n_permutations": 9}, "> 0 only with `rng`; got 9 and None"),
        ({"n_permutations": -1, "rng": 0}, "`n_permutations` must be >= 0.*got -1"),
        ({"n_permutations": 9, "rng": 0, "groups": [1, 2]}, r"`groups` must have shape \(B,\) = \(30,\)"),
    ],
)
def test_wrong_permutations_are_refused(data, options, text):
    with pytest.raises(ValueError, match=text):
        selectivity(*data, **options)
