import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import r2_score

from eicon.analysis.fits import effective_connectivity, recovery, unit_fit

T, B, N = 12, 6, 5
RNG = np.random.default_rng(0)
OBSERVED = RNG.normal(size=(T, B, N)) + np.arange(N)
PREDICTED = 0.7 * OBSERVED + 0.3 * RNG.normal(size=(T, B, N))
SEEN = RNG.random((T, B, N)) < 0.7
SEEN[:, :, 3] = False  # one unit was never recorded
HOLES = np.where(SEEN, OBSERVED, np.nan)


def test_measures_of_each_unit_against_scikit_learn_over_what_was_observed():
    result = unit_fit(PREDICTED, HOLES)
    for unit in (0, 1, 2, 4):
        ours, theirs = PREDICTED[..., unit][SEEN[..., unit]], OBSERVED[..., unit][SEEN[..., unit]]
        assert result.mse[unit] == pytest.approx(np.mean((ours - theirs) ** 2))
        assert result.normalised_mse[unit] == pytest.approx(np.mean((ours - theirs) ** 2) / theirs.var())
        assert result.r2[unit] == pytest.approx(r2_score(theirs, ours))
        assert result.r[unit] == pytest.approx(np.corrcoef(ours, theirs)[0, 1])
    assert result.n.tolist() == SEEN.sum(axis=(0, 1)).tolist()
    for values in (result.mse, result.normalised_mse, result.r2, result.r):
        assert np.isnan(values[3])  # and not 0
    assert result.n_constant == 0
    assert np.isnan(result.condition_r2).all()


def test_a_mirrored_trace_and_the_mean_are_no_good_predictions():
    mean = OBSERVED.mean(axis=(0, 1))
    mirrored = unit_fit(2 * mean - OBSERVED, OBSERVED)
    np.testing.assert_allclose(mirrored.r, -1.0)
    np.testing.assert_allclose(mirrored.r2, -3.0)
    flat = unit_fit(np.broadcast_to(mean, OBSERVED.shape), OBSERVED)
    np.testing.assert_allclose(flat.r2, 0.0, atol=1e-12)
    np.testing.assert_allclose(flat.normalised_mse, 1.0)
    assert flat.r.tolist() == [0.0] * N
    rounded = np.float32(0.3) + np.float32(3e-8) * RNG.integers(-1, 2, OBSERVED.shape, dtype=np.int32)
    assert unit_fit(rounded, OBSERVED).r.tolist() == [0.0] * N  # rounding of a constant has no correlation


def test_units_that_are_constant_have_an_error_and_no_more():
    data = OBSERVED.copy()
    data[..., 1] = 0.3 * (1 + 1e-9 * RNG.normal(size=(T, B)))  # rounding is no variance
    result = unit_fit(PREDICTED, data)
    assert result.n_constant == 1
    assert result.mse[1] > 0
    assert np.isnan([result.r2[1], result.r[1], result.normalised_mse[1]]).all()
    assert result.mean().r2 == pytest.approx(np.delete(result.r2, 1).mean())


def test_masked_steps_do_not_count_whatever_is_there():
    mask = np.arange(T)[:, None] < np.array([12, 12, 9, 7, 12, 5])
    inside = mask[:, :, None]
    result = unit_fit(np.where(inside, PREDICTED, np.nan), np.where(inside, HOLES, 1e9), mask=mask)
    same = unit_fit(PREDICTED, np.where(inside, HOLES, np.nan))
    for ours, theirs in zip(result, same, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_mean_of_the_other_trials_of_a_condition_by_brute_force():
    conditions = np.array(["a", "b", "a", "b", "a", "c"])
    result = unit_fit(PREDICTED, HOLES, conditions=conditions)
    for unit in (0, 4):
        found, wanted = [], []
        for trial in range(B):
            others = [i for i in range(B) if conditions[i] == conditions[trial] and i != trial]
            for step in range(T):
                known = [OBSERVED[step, i, unit] for i in others if SEEN[step, i, unit]]
                if known and SEEN[step, trial, unit]:
                    found.append(np.mean(known))
                    wanted.append(OBSERVED[step, trial, unit])
        assert result.condition_r2[unit] == pytest.approx(r2_score(wanted, found))
    assert np.isnan(result.condition_r2[3])
    assert np.isnan(unit_fit(PREDICTED, HOLES, conditions=np.arange(B)).condition_r2).all()
    still = np.where(np.arange(B)[:, None] < 2, 0.3 * (1 + 1e-12 * RNG.normal(size=(T, B, N))), OBSERVED)
    found = unit_fit(PREDICTED, still, conditions=np.array(["a", "a", "b", "c", "d", "e"]))
    assert np.isnan(found.condition_r2).all()  # what is compared is constant, though the units are not
    assert np.isfinite(found.r2).all()


def test_held_out_errors_are_normalised_by_the_variance_of_other_trials():
    first, second = slice(0, 4), slice(4, 6)
    result = unit_fit(PREDICTED[:, second], OBSERVED[:, second], variance_of=OBSERVED[:, first])
    np.testing.assert_allclose(result.normalised_mse, result.mse / OBSERVED[:, first].var(axis=(0, 1)))
    np.testing.assert_allclose(result.r2, unit_fit(PREDICTED[:, second], OBSERVED[:, second]).r2)


def test_summaries_over_units():
    result = unit_fit(PREDICTED, HOLES)
    assert result.mean([0, 1]).mse == pytest.approx(result.mse[:2].mean())
    assert result.median(np.arange(N) != 2).r == pytest.approx(np.median(result.r[[0, 1, 4]]))
    assert result.mean().n == 4
    assert result.mean([3]).n == result.mean([]).n == 0
    assert np.isnan(result.mean([3]).r2)


def test_named_arrays_are_read_by_their_names():
    named = xr.DataArray(HOLES, dims=("time", "trial", "unit")).transpose("unit", "trial", "time")
    np.testing.assert_array_equal(unit_fit(PREDICTED, named).r2, unit_fit(PREDICTED, HOLES).r2)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"observed": OBSERVED[..., :3]},
            r"`observed` must have the shape of `predicted`, \(12, 6, 5\); got \(12, 6, 3",
        ),
        ({"observed": np.full_like(OBSERVED, np.nan)}, "`observed` has no value to compare"),
        ({"observed": np.where(SEEN, OBSERVED, np.inf)}, "`observed` must be finite"),
        ({"predicted": HOLES}, "`predicted` must be finite"),
        ({"variance_of": OBSERVED[..., :2]}, "`variance_of` must have N = 5 units, as `predicted`; got 2"),
    ],
)
def test_refused(change, text):
    arguments = {"predicted": PREDICTED, "observed": OBSERVED} | change
    with pytest.raises(ValueError, match=text):
        unit_fit(**arguments)


def test_recovery_against_scikit_learn_and_numpy():
    true, fitted = RNG.normal(size=40), RNG.normal(size=40)
    fitted = 0.8 * true + 0.2 * fitted + 0.1
    result = recovery(fitted, true)
    assert result.r2 == pytest.approx(r2_score(true, fitted))
    assert result.r == pytest.approx(np.corrcoef(fitted, true)[0, 1])
    assert result.slope == pytest.approx(np.polyfit(true, fitted, 1)[0])
    assert result.error == pytest.approx(np.sqrt(np.mean((fitted - true) ** 2)))
    assert result.n == 40
    assert recovery(3 * true + 5, true).r2 < 0 < recovery(3 * true + 5, true).r  # a wrong scale is not forgiven


def test_recovery_of_connections_that_exist_and_of_each_type():
    true = RNG.normal(size=(8, 8)) * (RNG.random((8, 8)) < 0.5)
    fitted = true + 0.1 * RNG.normal(size=(8, 8))
    exists = true != 0
    types = np.broadcast_to(np.where(np.arange(8) < 5, "E", "I")[:, None], (8, 8))
    result = recovery(fitted, true, where=exists, by=types)
    assert result.r2 == pytest.approx(r2_score(true[exists], fitted[exists]))
    assert result.n == exists.sum()
    for name, rows in (("E", slice(0, 5)), ("I", slice(5, 8))):
        here = exists[rows]
        assert result.groups[name].r2 == pytest.approx(r2_score(true[rows][here], fitted[rows][here]))
        assert result.groups[name].n == here.sum()


def test_recovery_of_equal_numbers():
    result = recovery([1.0, 1.2], [1.0, 1.0])
    assert np.isnan([result.r2, result.r, result.slope]).all()
    assert result.error == pytest.approx(np.sqrt(0.02))
    assert recovery([1.0, 1.0], [1.0, 2.0]).r == 0.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([1.0, 2.0], [1.0, 2.0, 3.0]), r"must have one shape; got \(2,\) and \(3,\)"),
        (([1.0, np.nan], [1.0, 2.0]), "`fitted` must be finite"),
        (([1.0], [1.0]), "must leave at least 2 numbers to compare; got 1"),
    ],
)
def test_recovery_refuses(arguments, text):
    with pytest.raises(ValueError, match=text):
        recovery(*arguments)
    with pytest.raises(ValueError, match="`where` must be bools of the shape"):
        recovery([1.0, 2.0], [1.0, 3.0], where=[1, 0])
    with pytest.raises(ValueError, match="`by` must have the shape"):
        recovery([1.0, 2.0], [1.0, 3.0], by=["a"])


def test_networks_of_equal_products_have_the_same_activity():
    """An Euler loop in numpy: gains and weights differ, what units receive does not."""

    def run(weights, gain, slope, bias):
        x, seen = np.zeros(6), []
        for step in range(60):
            received = (gain * np.tanh(slope * x)) @ weights + bias + np.sin(step / 5)
            x = x + 0.1 * (received * 1.0 - x)
            seen.append(slope * x)
        return np.array(seen)

    weights, bias = RNG.normal(size=(6, 6)), np.zeros(6)
    gain, other, slope = RNG.uniform(0.5, 2, 6), RNG.uniform(0.5, 2, 6), RNG.uniform(0.5, 2, 6)
    moved = weights * (gain / other)[:, None]
    np.testing.assert_allclose(effective_connectivity(moved, other), effective_connectivity(weights, gain))
    np.testing.assert_allclose(run(moved, other, slope, bias), run(weights, gain, slope, bias))
    J = effective_connectivity(weights, gain, slope)
    np.testing.assert_allclose(J, np.diag(gain) @ weights @ np.diag(slope))

    def run_of_products(J):  # input scaled by the slope, gain and slope 1
        v, seen = np.zeros(6), []
        for step in range(60):
            v = v + 0.1 * (np.tanh(v) @ J + slope * np.sin(step / 5) - v)
            seen.append(v)
        return np.array(seen)

    np.testing.assert_allclose(run_of_products(J), run(weights, gain, slope, bias), atol=1e-12)
    with pytest.raises(ValueError, match=r"`gain` must be one number or one per unit, shape \(6,\); got shape \(5,\)"):
        effective_connectivity(weights, np.ones(5))
