"""Fits to recordings: losses by hand, gradients against differences, resuming, and what is refused."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from eicon.models import Connectivity, Edges, Leaky, LowRank, RateRNN
from eicon.recordings import Recording, simulated
from eicon.tasks import PerceptualDecision
from eicon.training import Trainer
from eicon.training._recorded import FollowRecording, fit_of, observed_of, predicted, scales

N, T, B, DT = 6, 14, 4, 20.0
INPUTS = np.repeat(np.random.default_rng(0).normal(size=(7, B, 2)), 2, axis=0)
ALL = ("recurrent", "input", "readout", "gain", "slope", "input_gain", "tau", "x0", "bias", "readout_bias")
OBSERVED = [
    ("rate", "mse"),
    ("rate", "variance"),
    ("current", "variance"),
    ("counts", "poisson"),
    ("calcium", "mse"),
    ("output", "mse"),
]
MORE = {"counts": {"hz": 30.0}, "calcium": {"decay": 60.0}}


def network(kind="dense", seed=1, train=ALL, **options):
    """A network in which everything can be fitted, whose parameters differ between units."""
    rng = np.random.default_rng(seed)
    units = {"name": [f"n{i}" for i in range(N)], "cell_type": list("aabbcc")}
    recurrent = Connectivity.dale(N, 0.5)
    if kind == "edges":
        source, target = np.nonzero(~np.eye(N, dtype=bool))
        group = source // 2 * 3 + target // 2  # pairs of types
        sign = np.where(source // 2 == 1, -1, 1)
        weights = sign * rng.uniform(0.1, 0.5, 9)[group]
        recurrent = Edges.of(source, target, (N, N), weights=weights, sign=sign, group=group)
    if kind == "low rank":
        recurrent = LowRank.drawn(N, 2, seed=seed)
    parameters = {
        "gain": rng.uniform(0.6, 1.5, N),
        "slope": rng.uniform(0.6, 1.5, N),
        "input_gain": rng.uniform(0.6, 1.5, N),
        "tau": rng.uniform(40, 120, N),
        "x0": rng.normal(0, 0.3, N),
        "bias": rng.normal(0.2, 0.3, N),
    }
    cell = Leaky("softplus", gain=True, slope=True, input_gain=True)
    return RateRNN(
        recurrent,
        Connectivity.dense(2, N),
        Connectivity.dense(N, 2),
        cell=cell,
        dt=DT,
        parameters=parameters,
        train=list(train),
        units=units,
        seed=seed,
        **options,
    )


@lru_cache(maxsize=1)
def taught():
    """What another network does."""
    return network(seed=7).predict(INPUTS, noise=False)


def recording(observed="rate", noise=0.1):
    """A few units of that network, with holes."""
    found = simulated(
        taught(),
        DT,
        units=None if observed == "output" else [f"n{i}" for i in range(N)],
        inputs=INPUTS,
        observed=observed,
        noise=0.0 if observed == "counts" else noise,
        **MORE.get(observed, {}),
    )
    activity = found.activity.copy()
    activity[2:4, 0, 0] = np.nan
    mask = np.ones((T, B), bool)
    mask[11:, 1] = False
    more = {name: getattr(found, name) for name in ("units", "inputs", "observed", "hz", "decay")}
    whole = Recording(activity, DT, mask=mask, **more)
    return whole if observed == "output" else whole.of_units(["n5", "n0", "n2"])


# What is compared.


@pytest.mark.parametrize(("observed", "loss"), OBSERVED)
def test_losses_are_those_of_a_loop(observed, loss, x64):
    net, data = network(), recording(observed)
    fit, trial = fit_of(net, data, loss)
    activity = net.network.astype(jnp.float64).run(jnp.asarray(INPUTS))
    found = float(fit.distance(fit.scored(activity), trial))
    rates, r = np.asarray(activity.rates), np.zeros((T, B, N))
    if observed == "calcium":
        kept, c = np.exp(-DT / 60.0), rates[0]
        for t in range(T):
            c = kept * c + (1 - kept) * rates[t]
            r[t] = c
    else:
        r = {
            "rate": rates,
            "current": np.asarray(activity.currents),
            "counts": rates * 30.0 * DT / 1000,
            "output": np.asarray(activity.outputs),
        }[observed]
    terms = []
    for j, name in enumerate(data.units):
        model, seen = r[:, :, int(name.removeprefix("n"))], np.isfinite(data.activity[:, :, j])
        x, y = model[seen], data.activity[:, :, j][seen]
        if observed == "calcium":
            (scale, offset), *_ = np.linalg.lstsq(np.stack([x, np.ones_like(x)], axis=1), y, rcond=None)
            x = scale * x + offset if scale > 0 else np.full_like(y, y.mean())
        if loss == "poisson":
            x = x + 1e-6
            terms.append(x - y + y * np.log(np.where(y > 0, y, 1.0) / np.where(y > 0, x, 1.0)))
        else:
            terms.append((x - y) ** 2 / (y.var() if loss == "variance" else 1.0))
    assert found == pytest.approx(np.concatenate(terms).mean(), rel=1e-9)


def test_a_constant_prediction_of_calcium_is_scaled_by_0():
    rng = np.random.default_rng(0)
    constant = 0.3 * (1 + 6e-8 * rng.integers(-1, 2, (T, B, 1)))  # and float32 has rounded it
    targets = jnp.asarray(rng.normal(5, 1, (T, B, 1)), jnp.float32)
    factor, offset = scales(jnp.asarray(constant, jnp.float32), targets, jnp.ones((T, B, 1), bool))
    assert (float(factor[0]), float(offset[0])) == (0.0, pytest.approx(float(targets.mean())))


def test_predicted_covers_all_units_and_observed_has_holes():
    net, data = network(), recording()
    assert predicted(net, data).shape == (T, B, N)
    there = observed_of(net, data)
    assert np.isnan(there[:, :, [1, 3, 4]]).all()
    np.testing.assert_array_equal(there[:, :, 5], data.activity[:, :, 0])
    assert np.isnan(there[11:, 1]).all()
    own = recording(noise=0.0)
    seen = np.isfinite(observed_of(net, own)[:, :, 5])
    np.testing.assert_allclose(predicted(network(seed=7), own)[:, :, 5][seen], own.activity[:, :, 0][seen], rtol=1e-5)


# Gradients.


def gradient_errors(net, data, loss):
    """Relative error of the gradient along two random directions in each trained value, by its name."""
    fit, trial = fit_of(net, data, loss)
    network, names = net.network.astype(jnp.float64), sorted(net.trainable_variables())
    values = {name: jnp.asarray(value, jnp.float64) for name, value in network.split(names)[0].items()}
    at, unravel = ravel_pytree(values)

    @jax.jit
    def total(vector):
        activity = network.replaced(unravel(vector)).run(trial.inputs)
        return fit.distance(fit.scored(activity), trial)

    gradient = np.asarray(jax.jit(jax.grad(total))(at))
    ends = np.cumsum([values[name].size for name in sorted(values)])
    rng, errors, step = np.random.default_rng(0), {}, 1e-5
    for name, stop in zip(sorted(values), ends, strict=True):
        place = slice(stop - values[name].size, stop)
        assert np.abs(gradient[place]).max() > 0, name
        for _ in range(2):
            direction = np.zeros(at.size)
            direction[place] = rng.normal(size=values[name].size)
            slope = (float(total(at + step * direction)) - float(total(at - step * direction))) / (2 * step)
            scale = max(abs(slope), np.linalg.norm(gradient[place]))
            errors[name] = max(errors.get(name, 0.0), abs(gradient @ direction - slope) / scale)
    return errors


@pytest.mark.battery
@pytest.mark.parametrize(("observed", "loss"), OBSERVED)
def test_gradients_of_all_fitted_values_are_those_of_differences(observed, loss, x64):
    train = ALL if observed == "output" else [name for name in ALL if "readout" not in name]
    errors = gradient_errors(network(train=train), recording(observed), loss)
    names = {"raw_rec", "raw_in", "gain", "slope", "input_gain", "tau", "x0", "b_rec"}
    assert set(errors) == names | ({"raw_out", "b_out"} if observed == "output" else set())
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.battery
@pytest.mark.parametrize(("kind", "names"), [("edges", {"raw_rec"}), ("low rank", {"left_rec", "right_rec"})])
def test_gradients_of_group_strengths_and_factors(kind, names, x64):
    errors = gradient_errors(network(kind, train=["recurrent"]), recording(), "mse")
    assert set(errors) == names
    assert max(errors.values()) < 1e-6, errors


# Training.


def fitted(steps, **options):
    net = network(train=["gain", "bias"])
    given = recording()
    options = {"held_out": given.of_trials([0, 2]), "learning_rate": 0.02, "batch_size": 2, **options}
    return net, Trainer(net, given, **options), steps


def values_of(net):
    return {name: np.asarray(value) for name, value in net.parameters().items()}


def test_a_fit_that_was_resumed_gives_the_same_bits(tmp_path):
    net, trainer, steps = fitted(40)
    trainer.fit(steps, validate_every=10, progress=False)
    part, first, _ = fitted(40)
    first.fit(15, validate_every=10, checkpoint=tmp_path / "a.npz", progress=False)
    other, second, _ = fitted(40)
    second.resume(tmp_path / "a.npz")
    second.fit(25, validate_every=10, progress=False)
    for name, value in values_of(net).items():
        np.testing.assert_array_equal(value, values_of(other)[name])
    np.testing.assert_array_equal(trainer.history.loss, second.history.loss)
    np.testing.assert_array_equal(trainer.history.validation_loss, second.history.validation_loss)
    assert trainer.history.validation_loss[-1] < trainer.history.validation_loss[0]
    assert any((values_of(part)[name] != value).any() for name, value in values_of(net).items())
    _, changed, _ = fitted(40, held_out=None)
    with pytest.raises(ValueError, match="belongs to a different training: trials differ"):
        changed.resume(tmp_path / "a.npz")


@pytest.mark.battery
def test_a_recording_beside_a_task_is_a_penalty():
    net, data = network(), recording()
    fit, trial = fit_of(net, data, "variance")
    activity = net.network.run(jnp.asarray(INPUTS, jnp.float32))
    alone = float(fit.distance(fit.scored(activity), trial))
    penalty = FollowRecording(net, data, 3.0, "variance")
    assert float(penalty(net.network, activity, trial)) == pytest.approx(3.0 * alone, rel=1e-5)


# What is refused, in one line each.


def _other_kind(data):
    return Recording(data.activity, DT, units=data.units, inputs=data.inputs, observed="current")


WRONG = {
    "names that match no unit": (lambda d: Recording(d.activity, DT, units=["a", "b", "n0"], inputs=d.inputs), {},
                                 r"2 of the 3 recorded units are not among the network's: a, b; the network has n0"),
    "another dt": (lambda d: Recording(d.activity, 10.0, units=d.units, inputs=d.inputs), {},
                   r"the same dt; got 20 and 10 ms. eicon.recordings.resampled\(recording, 20\)"),
    "no inputs": (lambda d: Recording(d.activity, DT, units=d.units), {},
                  r"the recording has no inputs, and the network needs 2: give it the stimuli, `inputs`"),
    "another loss": (lambda d: d, {"loss": "huber"}, r"one of mse, variance, poisson; got 'huber'"),
    "poisson of rates": (lambda d: d, {"loss": "poisson"}, r"'poisson' is only for counts; rate was observed"),
    "held out of another kind": (lambda d: d, {"held_out": _other_kind(recording())}, "differ in what was observed"),
    "held out with other inputs": (lambda d: d, {"held_out": Recording(np.ones((5, 2, 1)), DT, units=["n0"])},
                                   "the recording has no inputs, and the network needs 2"),
    "nothing varies": (lambda d: Recording(np.full((T, B, 2), 3.0), DT, units=["n0", "n1"], inputs=d.inputs), {},
                       "nothing to explain: each of the 2 units of the recording has one value at all steps"),
    "nothing held out varies": (lambda d: d, {"held_out": Recording(np.zeros((T, B, 2)), DT, ["n0", "n1"], INPUTS)},
                                "nothing to explain: each of the 2 units of held_out has one value"),
    "trials beside it": (lambda d: d, {"trials": 3}, "a recording has its own trials"),
    "a batch of none": (lambda d: d, {"batch_size": 0}, "batch_size must be at least 1; got 0"),
}  # fmt: skip


@pytest.fixture(scope="module")
def gained():
    return network(train=["gain"])


@pytest.mark.parametrize("case", list(WRONG))
def test_what_does_not_fit_is_refused_in_one_line(case, gained):
    make, options, says = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        Trainer(gained, make(recording()), **options)
    assert "\n" not in str(caught.value)


def test_explained_variance_leaves_out_trials_that_do_not_vary(gained):
    rng = np.random.default_rng(0)
    activity = rng.normal(5, 1, (T, B, 3))
    activity[3:5, 2, 1] = activity[:, 1, :2] = np.nan
    activity[:, 1, 2] = activity[:, [0, 2, 3], 2].mean()  # so that this is the mean over all trials
    means = np.nanmean(activity, axis=(0, 1))
    fit, trial = fit_of(gained, Recording(activity, DT, units=["n0", "n1", "n2"], inputs=INPUTS))
    outputs = np.zeros((T, B, N), np.float32)
    outputs[:, :, :3] = np.nan_to_num(activity) + rng.normal(0, 0.5, activity.shape)
    found = np.asarray(fit.correct(jnp.asarray(outputs), trial))
    missed = np.nansum((outputs[:, :, :3] - activity) ** 2, axis=(0, 2))
    wanted = 1 - missed / np.nansum((activity - means) ** 2, axis=(0, 2)).clip(1e-9)
    np.testing.assert_allclose(found[[0, 2, 3]], wanted.clip(0, 1)[[0, 2, 3]], rtol=1e-4)
    assert wanted[[0, 2, 3]].min() > 0
    assert np.isnan(found[1])
    assert float(fit.accuracy(outputs, trial)) == pytest.approx(found[[0, 2, 3]].mean())
    alone = trial._replace(**{name: getattr(trial, name)[:, 1:2] for name in ("inputs", "targets", "mask")})
    assert np.isnan(fit.correct(outputs[:, 1:2], alone)).all()


@pytest.mark.battery
def test_the_score_of_a_fit_is_its_explained_variance(gained):
    trainer = Trainer(gained, recording(), learning_rate=0.01)
    trainer.fit(10, validate_every=10, progress=False)
    assert "Validation explained variance" in trainer.summary()
    assert "10 steps of a fit in" in trainer.summary()
    assert "ccuracy" not in trainer.summary()
    assert set(trainer._progress()) == {"loss", "explained variance"}
    with pytest.raises(ValueError, match="needs the trials of a task, and the network was fitted to a recording"):
        trainer.task.trials(1, key=0)


def test_held_out_goes_with_a_recording(gained):
    with pytest.raises(ValueError, match="held_out is only for a recording"):
        Trainer(gained, PerceptualDecision(), held_out=recording())


def test_a_network_and_a_recording_in_the_wrong_order_are_told():
    with pytest.raises(TypeError, match="expected a network, then a recording"):
        Trainer(recording(), recording())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.full((5, 2, 1), np.nan), "only NaN"),
        (np.full((5, 2, 1), np.inf), "must be finite"),
        (np.ones((5, 2)), r"array \(T, B, M\)"),
    ],
)
def test_recordings_of_nothing_are_refused(values, says):
    with pytest.raises(ValueError, match=says):
        Recording(values, DT)


@pytest.mark.battery
def test_one_neuron_is_fitted():
    net = network(train=["gain"])
    history = Trainer(net, recording().of_units(["n0"]), learning_rate=0.05).fit(20, progress=False)
    assert history.loss[-1] < history.loss[0]
