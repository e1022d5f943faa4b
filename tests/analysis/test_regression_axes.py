import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from eicon.analysis import condition_average
from eicon.analysis.coding import axis_separation, regression_axes

N_STEPS, N_UNITS = 12, 15


def simulated(n_trials=400, noise=0.5, seed=0):
    """Units that follow two variables along known directions with known time courses, and a constant; P = 3."""
    rng = np.random.default_rng(seed)
    variables = {
        "choice": rng.choice([-1.0, 1.0], n_trials),
        "motion": rng.choice([-15.0, -5.0, 5.0, 15.0], n_trials),
        "context": rng.choice([0.0, 1.0], n_trials),
    }
    directions = np.random.default_rng(99).normal(size=(3, N_UNITS))
    courses = np.stack([np.linspace(0, 1, N_STEPS), np.hanning(N_STEPS), np.ones(N_STEPS) * 0.6], axis=1)
    scaled = np.stack([variables["choice"], variables["motion"] / 10, variables["context"]], axis=1)
    rates = np.einsum("tp,bp,pn->tbn", courses, scaled, directions) + 3.0
    return rates + noise * rng.normal(size=rates.shape), variables, directions


def cosine(a, b):
    return np.sum(a * b, axis=-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_coefficients_are_those_of_sklearn_on_z_scored_rates():
    rates, variables, _ = simulated()
    result = regression_axes(rates, variables, n_pcs=None)
    z = (rates - rates.mean(axis=(0, 1))) / rates.std(axis=(0, 1))
    design = np.stack(list(variables.values()), axis=1)
    for t in range(N_STEPS):
        expected = LinearRegression().fit(design, z[t]).coef_.T
        np.testing.assert_allclose(result.coefficients[t], expected, atol=1e-12)
    np.testing.assert_allclose(result.norm, np.linalg.norm(result.coefficients, axis=2))
    assert result.best_step.tolist() == result.norm.argmax(axis=0).tolist()
    assert result.n_pcs == N_UNITS


def test_masked_steps_give_the_coefficients_of_the_trials_that_are_left():
    rates, variables, _ = simulated()
    mask = np.arange(N_STEPS)[:, None] < np.random.default_rng(1).integers(6, N_STEPS + 1, 400)
    spoilt = np.where(mask[..., None], rates, np.nan)
    result = regression_axes(spoilt, variables, mask=mask, n_pcs=None, min_fraction=0.3)
    samples = rates[mask]
    z = (rates - samples.mean(axis=0)) / samples.std(axis=0)
    design = np.stack(list(variables.values()), axis=1)
    enough = mask.mean(axis=1) >= 0.3
    assert 0 < enough.sum() < N_STEPS
    for t in range(N_STEPS):
        if enough[t]:
            expected = LinearRegression().fit(design[mask[t]], z[t, mask[t]]).coef_.T
            np.testing.assert_allclose(result.coefficients[t], expected, atol=1e-12)
        else:
            assert np.isnan(result.coefficients[t]).all()
    assert (result.best_step < enough.sum()).all()


def test_planted_directions_and_times_are_found():
    rates, variables, directions = simulated(n_trials=1500)
    result = regression_axes(rates, variables, n_pcs=5)
    planted = directions * result.scale
    assert cosine(result.raw, planted).min() > 0.99  # the sign too: rates rise with the variable
    assert result.best_step[0] == N_STEPS - 1
    assert result.best_step[1] in (5, 6)
    expected, r = np.linalg.qr(planted.T)
    assert cosine(result.axes, (expected * np.sign(np.diag(r))).T).min() > 0.99
    np.testing.assert_allclose(result.axes @ result.axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(result.raw, axis=1), 1.0)
    new = np.abs(np.diag(np.linalg.qr((planted / np.linalg.norm(planted, axis=1, keepdims=True)).T)[1]))
    np.testing.assert_allclose(result.independence, new, atol=0.03)


def test_without_noise_the_three_axes_hold_all_variance():
    rates, variables, _ = simulated(noise=0.0)
    result = regression_axes(rates, variables, n_pcs=3)
    assert result.explained.sum() == pytest.approx(1.0)
    assert result.n_pcs == 3
    noisy = regression_axes(*simulated(noise=2.0)[:2])
    assert 0.2 < noisy.explained.sum() < 0.95


def test_explained_variance_is_about_the_mean_over_conditions_and_steps():
    rates, variables, _ = simulated()
    keep = (variables["context"] == 1.0) | (np.arange(400) % 7 == 0)  # few trials of one context
    result = regression_axes(rates[:, keep], {name: values[keep] for name, values in variables.items()}, n_pcs=None)
    states = []
    for row in result.values:
        members = keep & np.all([variables[n] == v for n, v in zip(result.names, row, strict=True)], axis=0)
        states.append((rates[:, members].mean(axis=1) - result.mean) * result.scale)
    centred = np.concatenate(states) - np.concatenate(states).mean(axis=0)
    assert np.abs(np.concatenate(states).mean(axis=0)).max() > 0.1
    np.testing.assert_allclose(result.explained, (centred @ result.axes.T).var(axis=0) / centred.var(axis=0).sum())


def test_denoised_axes_lie_in_the_leading_components_of_the_condition_averages():
    rates, variables, _ = simulated(noise=3.0)
    result = regression_axes(rates, variables, n_pcs=4)
    names = np.array([f"{a}{b}{c}" for a, b, c in zip(*variables.values(), strict=True)])
    means = np.stack([rates[:, names == name].mean(axis=1) for name in np.unique(names)]).reshape(-1, N_UNITS)
    z = (means - rates.mean(axis=(0, 1))) / rates.std(axis=(0, 1))
    leading = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)[2][:4]
    np.testing.assert_allclose(result.axes @ leading.T @ leading, result.axes, atol=1e-9)
    by_hand = result.coefficients @ leading.T @ leading
    np.testing.assert_allclose(result.norm, np.linalg.norm(by_hand, axis=2), atol=1e-9)
    plain = regression_axes(rates, variables, n_pcs=None)
    planted = simulated()[2] * result.scale
    assert cosine(result.raw, planted).mean() > cosine(plain.raw, planted).mean()


def test_trajectories_are_projected_averages_of_the_conditions():
    rates, variables, _ = simulated()
    result = regression_axes(rates, variables)
    assert result.names == ("choice", "motion", "context")
    assert result.values.shape == (16, 3)
    for c, (choice, motion, context) in enumerate(result.values):
        members = (variables["choice"] == choice) & (variables["motion"] == motion) & (variables["context"] == context)
        z = (rates[:, members].mean(axis=1) - rates.mean(axis=(0, 1))) / rates.std(axis=(0, 1))
        np.testing.assert_allclose(result.trajectories[c], z @ result.axes.T, atol=1e-10)
    other = regression_axes(rates, variables, conditions=np.where(variables["context"] > 0, "b", "a"))
    assert other.levels.tolist() == ["a", "b"]
    assert other.values[:, 2].tolist() == [0.0, 1.0]
    averages = condition_average(rates, variables["motion"]).average
    projected = condition_average(result.project(rates), variables["motion"]).average
    np.testing.assert_allclose(result.project(averages), projected, atol=1e-10)
    # The motion axis orders the averages by motion.
    assert (np.diff(projected[:, 6, 1]) > 0).all()


def test_scale_and_offset_of_regressors_do_not_matter_and_their_sign_turns_the_axis():
    rates, variables, _ = simulated()
    result = regression_axes(rates, variables)
    changed = dict(variables, motion=7.0 - 0.01 * variables["motion"])
    turned = regression_axes(rates, changed)
    np.testing.assert_allclose(turned.axes, result.axes * np.array([[1.0], [-1.0], [1.0]]), atol=1e-9)
    np.testing.assert_allclose(turned.explained, result.explained)


def test_the_first_axis_is_its_raw_one_and_the_order_matters():
    rates, variables, _ = simulated()
    reordered = regression_axes(rates, {name: variables[name] for name in ("context", "motion", "choice")})
    result = regression_axes(rates, variables)
    np.testing.assert_allclose(result.axes[0], result.raw[0], atol=1e-12)
    np.testing.assert_allclose(reordered.axes[0], reordered.raw[0], atol=1e-12)
    np.testing.assert_allclose(np.sort(result.best_step), np.sort(reordered.best_step))
    assert cosine(reordered.axes[2], result.axes[0]) < 0.999


def test_silent_units_have_no_part_in_any_axis():
    rates, variables, _ = simulated()
    rates[:, :, 4] = 0.7
    result = regression_axes(rates, variables)
    assert result.scale[4] == 0.0
    np.testing.assert_allclose(result.axes[:, 4], 0.0, atol=1e-12)
    assert np.isfinite(result.trajectories).all()


def test_separation_of_planted_axes_is_high_and_of_mixed_ones_low():
    train, test = simulated(), simulated(seed=1)
    axes = regression_axes(*train[:2])
    clean = axis_separation(axes, *test[:2])
    assert clean.unique.shape == (3, 3)
    mixed = axes._replace(axes=np.stack([axes.raw.mean(axis=0)] * 3))
    assert clean.own_share.mean() > axis_separation(mixed, *test[:2]).own_share.mean() + 0.2
    # Orthogonal to all earlier axes, the last one shows its variable alone.
    assert clean.own_share[2] > 0.95


def test_unique_variance_is_the_loss_of_r_squared_of_sklearn():
    rates, variables, _ = simulated()
    axes = regression_axes(rates, variables)
    extra = dict(variables, other=np.random.default_rng(3).normal(size=400))
    result = axis_separation(axes, rates, extra)
    assert result.variables == ("choice", "motion", "context", "other")
    design = np.stack(list(extra.values()), axis=1)
    for p, t in enumerate(result.step):
        y = axes.project(rates[t])[:, p]
        full = LinearRegression().fit(design, y).score(design, y)
        for v in range(4):
            rest = np.delete(design, v, axis=1)
            lost = full - LinearRegression().fit(rest, y).score(rest, y)
            assert result.unique[p, v] == pytest.approx(lost, abs=1e-9)
    np.testing.assert_allclose(result.own_share, np.diag(result.unique[:, :3]) / result.unique.sum(axis=1))
    assert (result.unique[:, 3] < 0.02).all()


RATES, VARIABLES, _ = simulated(n_trials=40)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: regression_axes(RATES, {}), r"`regressors` must name at least one variable"),
        (
            lambda: regression_axes(RATES, dict(VARIABLES, one=np.ones(40))),
            r"`regressors\['one'\]` must vary over trials; got 1 in all",
        ),
        (
            lambda: regression_axes(RATES, dict(VARIABLES, again=2 - VARIABLES["motion"])),
            r"`regressors` must be linearly independent; got dependent ones among choice, motion, context, again",
        ),
        (lambda: regression_axes(RATES, {"a": np.arange(39)}), r"`regressors\['a'\]` must be \(B,\) = \(40,\)"),
        (lambda: regression_axes(RATES, {"a": [np.nan] * 40}), r"`regressors\['a'\]` must be finite; got 40"),
        (lambda: regression_axes(RATES, VARIABLES, n_pcs=2), r"`n_pcs` must be at least.*regressors, 3; got 2"),
        (lambda: regression_axes(RATES, VARIABLES, min_fraction=50), r"`min_fraction` must be in \[0, 1\]; got 50"),
        (lambda: regression_axes(RATES * 0, VARIABLES), r"`rates` must vary; got only constant units"),
        (lambda: regression_axes(RATES, VARIABLES, mask=np.zeros((N_STEPS, 40))), r"`mask` must leave some step"),
        (
            lambda: regression_axes(RATES[:, :2], {"a": [0.0, 1.0]}),
            r"`mask` must leave a step with 3 of the 2 trials, which determine all coefficients; got none",
        ),
        (
            lambda: regression_axes(np.repeat(RATES[:, :, :1], 5, axis=2), VARIABLES, n_pcs=None),
            r"each regressor must have its own axis; got nothing new for 'motion'",
        ),
        (lambda: regression_axes(RATES, VARIABLES, conditions=[1, 2]), r"`conditions` must have shape.*\(40,\)"),
        (
            lambda: regression_axes(RATES, VARIABLES).project(np.zeros(3)),
            r"`rates` must have N = 15 units on the last axis; got shape \(3,\)",
        ),
        (
            lambda: axis_separation(regression_axes(RATES, VARIABLES), RATES, {"choice": VARIABLES["choice"]}),
            r"`regressors` must name choice, motion, context .*; got choice and T = 12",
        ),
        (
            lambda: axis_separation(
                regression_axes(RATES, VARIABLES), RATES, VARIABLES, mask=np.arange(40)[None].repeat(N_STEPS, 0) < 4
            ),
            r"`mask` must leave trials that determine all coefficients.*got 4 trials for 3 variables",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
