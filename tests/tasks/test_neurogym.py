"""Tasks of neurogym: whole trials, fixed by a key; of a stand-in always, of the real package where it is installed."""

import importlib.util
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.tasks import from_neurogym
from eicon.tasks._neurogym_env import Condition, channel_names, longest_trial, one_trial, reseed, unknown_timing
from eicon.training import Trainer

from .standin import Decision, Discrete, Noise, OrderEnforcing, Random, Wrapper

KEY = jax.random.key(5)
needs_neurogym = pytest.mark.skipif(
    importlib.util.find_spec("neurogym") is None,
    reason="needs neurogym, in an environment of its own: make test-neurogym",
)


@pytest.fixture(scope="module")
def task():
    return from_neurogym(Decision())


@pytest.fixture(scope="module")
def trial(task):
    return jax.tree.map(np.asarray, task.sample(KEY, 40))


def bits(trial):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(trial)]


def test_sizes_and_names(task, trial):
    assert (task.n_in, task.n_out, task.dt, task.loss, task.decision) == (3, 3, 20.0, "cross_entropy", "decision")
    assert task.input_channels == ("fixation", "stimulus 0", "stimulus 1")
    assert task.output_channels == ("fixation", "choice 0", "choice 1")
    assert trial.n_steps == 5 + 8 + 16 + 5
    assert (trial.inputs.shape, trial.targets.shape, trial.mask.shape) == ((34, 40, 3), (34, 40), (34, 40))
    assert set(trial.epochs) == {"fixation", "stimulus", "delay", "decision", "trial"}


def test_trials_are_whole_and_padding_is_masked(trial):
    ends = trial.epochs["decision"][:, 1]
    assert len(set(ends.tolist())) > 5
    for b, end in enumerate(ends):
        assert trial.epochs["trial"][b].tolist() == [0, end]
        assert trial.mask[:, b].tolist() == [1.0] * end + [0.0] * (34 - end)
        assert not trial.inputs[end:, b].any()
        assert not trial.targets[end:, b].any()


def test_ground_truth_and_observation_of_a_step_are_in_one_step(trial):
    """Mistake 26: nothing is shifted by one."""
    for b in range(40):
        start, stop = trial.epochs["decision"][b]
        assert np.flatnonzero(trial.targets[:, b]).tolist() == list(range(start, stop))
        assert np.flatnonzero(trial.inputs[:, b, 0]).tolist() == list(range(start))  # the cue goes off with it
        heard = np.flatnonzero(trial.inputs[:, b, 1:].any(axis=1))
        assert [heard[0], heard[-1] + 1] == trial.epochs["stimulus"][b].tolist()


def test_trials_are_those_of_the_environment(task, trial):
    """The same seeds, by hand."""
    env = Decision()
    seeds = np.random.SeedSequence([int(w) for w in jax.random.key_data(KEY)]).generate_state(2)
    env.seed(int(seeds[0]))
    env.timing["delay"].seed(int(seeds[1]))
    for b in range(40):
        info = env.new_trial()
        length = len(env.ob)
        np.testing.assert_array_equal(trial.inputs[:length, b], env.ob)
        np.testing.assert_array_equal(trial.targets[:length, b], env.gt)
        for name in ("fixation", "stimulus", "delay", "decision"):
            start, stop = trial.epochs[name][b] * 20
            assert (start, stop) == (env.start_t[name], env.end_t[name])
        assert trial.conditions["ground_truth"][b] == info["ground_truth"] == trial.conditions["label"][b]
        assert trial.conditions["coh"][b] == np.float32(info["coh"])
        assert ("left", "right")[trial.conditions["side"][b]] == info["side"]
        assert (trial.conditions["pair[0]"][b], trial.conditions["pair[1]"][b]) == info["pair"]


def test_what_is_no_number_is_said(task, trial):
    assert task.left_out == ("note",)
    assert set(trial.conditions) == {"ground_truth", "coh", "side", "pair[0]", "pair[1]", "label"}
    side = Condition("side", "side", None, "int32", ("left", "right"))
    with pytest.raises(ValueError, match="side of a trial is 'up'; known values: left, right"):
        side.number({"side": "up"})


def test_same_key_same_bits_compiled_or_not(task):
    first = bits(task.sample(KEY, 8))
    task.env.new_trial()  # draws from the environment's generators in between
    assert bits(task.sample(KEY, 8)) == first
    assert bits(jax.jit(task.sample, static_argnums=1)(KEY, 8)) == first
    assert bits(task.sample(jax.random.key(6), 8)) != first


def test_global_generator_is_left_alone(task):
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    task.sample(KEY, 4).inputs.block_until_ready()
    from_neurogym(Decision())
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_two_random_durations_are_not_copies_of_each_other():
    """Neurogym seeds them all alike."""
    both = {"fixation": Random(100, 500), "delay": Random(100, 500)}
    trial = from_neurogym(Decision(timing=both)).sample(KEY, 60)
    lengths = [np.diff(np.asarray(trial.epochs[name]), axis=1)[:, 0] for name in both]
    assert abs(np.corrcoef(*lengths)[0, 1]) < 0.4
    choice = np.asarray(trial.conditions["ground_truth"])
    assert abs(np.corrcoef(lengths[0], choice)[0, 1]) < 0.4


def test_scores(task):
    trial = task.sample(KEY, 30)
    right = jax.nn.one_hot(trial.targets, 3)
    assert float(task.accuracy(right, trial)) == 1.0
    assert float(task.accuracy(jnp.roll(right, 1, axis=2), trial)) == 0.0
    assert float(task.accuracy(jnp.zeros_like(right), trial)) == pytest.approx(1 / 3)
    at_first = right * trial.during("stimulus")[:, :, None]  # silent in the decision
    assert float(task.accuracy(at_first, trial)) == pytest.approx(1 / 3)


class Pulse(Decision):
    """One step of the decision asks for an answer, as in neurogym's ReadySetGo."""

    def new_trial(self, **kwargs):
        trial = super().new_trial(**kwargs)
        self.gt[:] = 0
        self.gt[self.start_ind["decision"] + 2] = trial["ground_truth"]
        return trial


def test_scores_of_an_answer_at_one_time():
    task = from_neurogym(Pulse(timing={"delay": 100}))
    assert not task.steady
    trial = task.sample(KEY, 20)
    right = jax.nn.one_hot(trial.targets, 3)
    assert float(task.accuracy(right, trial)) == 1.0
    always_fixate = jnp.zeros_like(right).at[:, :, 0].set(1.0)
    assert float(task.accuracy(always_fixate, trial)) == 0.5
    assert float(task.accuracy(jnp.zeros_like(right), trial)) == pytest.approx(1 / 3)


def test_one_hot_targets_and_scored_periods():
    task = from_neurogym(Decision(), one_hot=True, scored=("fixation", "decision"))
    labels = from_neurogym(Decision()).sample(KEY, 10)
    trial = task.sample(KEY, 10)
    assert (task.loss, trial.targets.shape) == ("mse", (34, 10, 3))
    inside = np.asarray(labels.mask)
    np.testing.assert_array_equal(trial.targets, np.eye(3)[np.asarray(labels.targets)] * inside[:, :, None])
    expected = labels.during("fixation") | labels.during("decision")
    np.testing.assert_array_equal(trial.mask, expected.astype(np.float32))
    assert float(task.accuracy(trial.targets, trial)) == 1.0


def test_period_of_the_decision_where_none_has_that_name():
    class Renamed(Decision):
        def add_periods(self):
            super().add_periods()
            for spans in (self.start_ind, self.end_ind, self.start_t, self.end_t):
                spans["report"] = spans["decision"]

        def new_trial(self, **kwargs):
            trial = super().new_trial(**kwargs)
            for spans in (self.start_ind, self.end_ind, self.start_t, self.end_t):
                del spans["decision"]
            return trial

    assert from_neurogym(Renamed()).decision == "report"
    assert from_neurogym(Decision(), decision="delay").decision == "delay"


def test_validation_trials_are_as_many_as_actions_divide(task):
    assert task.trials(1, key=KEY).batch_size == 102
    assert task.trials(40, key=KEY).batch_size == 120
    assert task.condition_grid()["label"].tolist() == [0, 1, 2]


def test_a_period_of_the_trial_before_is_not_kept():
    class Sometimes(Decision):
        def add_periods(self):
            super().add_periods()
            if self.trial["coh"] > 20:
                self.start_ind["extra"], self.end_ind["extra"] = self.start_ind["delay"], self.end_ind["delay"]

    trial = from_neurogym(Sometimes()).sample(KEY, 30)
    empty = np.diff(np.asarray(trial.epochs["extra"]), axis=1)[:, 0] == 0
    np.testing.assert_array_equal(empty, np.asarray(trial.conditions["coh"]) < 20)
    assert 0 < empty.sum() < 30


@pytest.mark.parametrize(
    ("delay", "longest"),
    [
        (100, 23),  # fixed
        (Random(40, 320), 34),
        ((40, 100, 300), 33),
        (("uniform", (40, 300)), 33),
        (("choice", [40, 200]), 28),
        (("truncated_exponential", (100, 40, 400)), 38),
    ],
)
def test_longest_trial(delay, longest):
    env = Decision(timing={"delay": delay if callable(delay) else 100})
    trials = [one_trial(env) for _ in range(20)]
    env.timing["delay"] = delay
    assert longest_trial(env, trials) == longest


@pytest.mark.parametrize("delay", [lambda: 100.0, ("truncated_exponential", (100, 40)), ("until", 500)])
def test_a_longest_trial_that_is_unknown_is_asked_for(delay):
    env = Decision(timing={"delay": 100})
    trials = [one_trial(env) for _ in range(5)]
    env.timing["delay"] = delay
    with pytest.raises(ValueError, match=r"unknown \(delay\); give max_duration in ms. The longest of 5 took 460 ms"):
        longest_trial(env, trials)


def test_trials_are_never_cut():
    task = from_neurogym(Decision(timing={"delay": lambda: 100.0}), max_duration=600.0)
    trial = task.sample(KEY, 3)
    assert trial.n_steps == 30
    assert trial.epochs["trial"].tolist() == [[0, 23]] * 3
    short = from_neurogym(Decision(timing={"delay": lambda: 100.0}), max_duration=400.0)
    with pytest.raises(
        Exception, match=r"a trial has 23 steps, but the longest.* 20, .*max_duration \(ms\), at least 460"
    ):
        short.sample(KEY, 3).inputs.block_until_ready()


def test_timing_that_nothing_tells_is_refused():
    text = (
        r"in \d+% of the trials of Decision no observation indicates when to answer: .*Give delay a fixed "
        r"duration .*or pass allow_unknown_timing=True"
    )
    with pytest.raises(ValueError, match=text):
        from_neurogym(Decision(cue=False))
    assert from_neurogym(Decision(cue=False), allow_unknown_timing=True).n_steps == 34
    assert from_neurogym(Decision(cue=False, timing={"delay": 200})).n_steps == 28  # it can be counted


def test_noise_does_not_hide_that_nothing_tells():
    env = Decision(cue=False, sigma=3.0)
    reseed(env, [0, 1])
    assert unknown_timing(env) > 0.5
    assert "add_randn" not in vars(env)  # noise is back
    assert one_trial(env).observations[6:10, 1:].std() > 1
    assert unknown_timing(Decision(sigma=3.0)) == 0.0


def test_trials_that_depend_on_those_before_are_refused():
    class Blocks(Decision):
        count = 0

        def draw(self):
            self.count += 1
            return super().draw() | {"ground_truth": 1 + self.count // 7 % 2}

    with pytest.raises(ValueError, match="Blocks gives different trials from the same seed: they depend on earlier"):
        from_neurogym(Blocks())


def without_truth(env):
    env.add_periods = lambda: (Decision.add_periods(env), setattr(env, "gt", np.zeros(len(env.ob) + 1, int)))
    return env


def test_environments_without_a_ground_truth_are_refused():
    with pytest.raises(ValueError, match="one ground truth per step.*can only be learned by reward"):
        from_neurogym(without_truth(Decision()))
    env = Decision()
    env.action_space = Discrete(2, {})
    with pytest.raises(ValueError, match="the ground truth of Decision goes from 0 to 2, but its actions are 0 to 1"):
        from_neurogym(env)


def test_actions_may_be_counted_from_one():
    class FromOne(Decision):
        def new_trial(self, **kwargs):
            trial = super().new_trial(**kwargs)
            self.gt += 1
            return trial

    env = FromOne()
    with pytest.raises(ValueError, match="the ground truth of FromOne goes from 1 to 3, but its actions are 0 to 2"):
        one_trial(env, ground_truth=2)
    env.action_space = Discrete(3, {}, start=1)
    assert {int(label) for _ in range(20) for label in one_trial(env).labels} == {0, 1, 2}


def test_actions_that_are_no_numbers_are_refused():
    env = Decision()
    env.action_space = object()
    with pytest.raises(TypeError, match=r"only numbered actions \(Discrete\).*Decision has object actions"):
        from_neurogym(env)


def test_wrappers(task):
    wrapped = from_neurogym(OrderEnforcing(Decision()))
    assert bits(wrapped.sample(KEY, 4)) == bits(task.sample(KEY, 4))
    with pytest.raises(TypeError, match="the wrapper Noise changes the results of `step`, but trials are read whole"):
        from_neurogym(OrderEnforcing(Noise(Decision())))

    class Harder(Wrapper):
        def new_trial(self, **kwargs):
            return self.env.new_trial(**{"coh": 12.8, **kwargs})

    assert set(np.asarray(from_neurogym(Harder(Decision())).sample(KEY, 20).conditions["coh"])) == {np.float32(12.8)}


def test_what_is_no_environment():
    with pytest.raises(TypeError, match="expected a trial-based environment of neurogym, or its name; got dict"):
        from_neurogym({"dt": 20})
    with pytest.raises(ValueError, match="env_kwargs apply only to an environment given by name"):
        from_neurogym(Decision(), env_kwargs={"dt": 20})
    with pytest.raises(
        ValueError, match="Decision has no period 'response'; it has fixation, stimulus, delay, decision"
    ):
        from_neurogym(Decision(), decision="response")
    with pytest.raises(ValueError, match="has no period 'reward'"):
        from_neurogym(Decision(), scored=("decision", "reward"))


def test_neurogym_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "neurogym", None)
    with pytest.raises(ImportError, match=r"'GoNogo-v0' needs neurogym.*pip install -e \".\[neurogym\]\" in the clone"):
        from_neurogym("GoNogo-v0")


def test_channel_names():
    space = Discrete(5, {"fixation": 0, "stimulus": range(1, 3), "rule": np.array([4])})
    assert channel_names(space, 5, "input") == ("fixation", "stimulus 0", "stimulus 1", "input 3", "rule")
    assert channel_names(object(), 2, "action") == ("action 0", "action 1")


# The real package

quiet = pytest.mark.filterwarnings("ignore:.*(render_modes|get variables from other wrappers):UserWarning")
REAL = {
    "PerceptualDecisionMaking-v0": ("decision", 22),
    "GoNogo-v0": ("decision", 15),
    "DelayMatchSample-v0": ("decision", 32),
    "DelayComparison-v0": ("decision", 26),
    "PerceptualDecisionMakingDelayResponse-v0": ("decision", 66),
    "yang19.dlygo-v0": ("decision", 20),
}
REFUSED = {
    "ContextDecisionMaking-v0": "no observation indicates when to answer",
    "Bandit-v0": "can only be learned by reward",
    "EconomicDecisionMaking-v0": "can only be learned by reward",
    "HierarchicalReasoning-v0": "gives different trials from the same seed",
    "ReadySetGo-v0": r"the longest trial is unknown \(measure\)",
    "Reaching1D-v0": "it is not the number of an action",
    "ReachingDelayResponse-v0": "ReachingDelayResponse has Box actions",
    "perceptualdecisionmaking.roitman02-v0": "the wrapper ReactionTime changes the results of `step`",
}


@quiet
@needs_neurogym
@pytest.mark.parametrize("name", REAL)
def test_real_tasks(name):
    task = from_neurogym(name)
    assert (task.decision, task.n_steps) == REAL[name]
    trial = task.sample(KEY, 16)
    assert bits(trial) == bits(task.sample(KEY, 16))
    assert bits(trial) != bits(task.sample(jax.random.key(6), 16))
    assert float(task.accuracy(jax.nn.one_hot(trial.targets, task.n_out), trial)) == 1.0
    ends = np.asarray(trial.epochs["trial"])[:, 1]
    np.testing.assert_array_equal(np.asarray(trial.mask).sum(axis=0), ends)
    answered = np.asarray(trial.targets) != 0  # class 0 is to fixate
    outside = ~np.asarray(trial.during(task.decision))
    assert answered.any()
    assert not (answered & outside).any()  # mistake 26: with the period, and not a step before or after
    for b in np.flatnonzero(answered.any(axis=0)):
        assert np.flatnonzero(answered[:, b])[0] == int(trial.epochs[task.decision][b, 0])


@quiet
@needs_neurogym
@pytest.mark.parametrize("name", REFUSED)
def test_real_tasks_that_are_refused(name):
    with pytest.raises((TypeError, ValueError), match=REFUSED[name]):
        from_neurogym(name)


@quiet
@needs_neurogym
def test_real_context_task_can_be_made_learnable():
    fixed = from_neurogym("ContextDecisionMaking-v0", env_kwargs={"timing": {"delay": 600}})
    assert fixed.n_steps == 3 + 7 + 6 + 1
    trial = fixed.sample(KEY, 20)
    assert set(trial.conditions) == {"coh_1", "coh_2", "context", "ground_truth", "label", "other_choice"}
    np.testing.assert_array_equal(trial.conditions["label"], trial.conditions["ground_truth"])


@quiet
@needs_neurogym
def test_a_network_learns_a_real_task():
    task = from_neurogym("GoNogo-v0", env_kwargs={"dt": 50})
    net = RateRNN.dale(task.n_in, 30, task.n_out, dt=task.dt, free_readout=True, readout_bias=True, seed=1)
    Trainer(net, task, learning_rate=0.01, batch_size=16).fit(150, progress=False)
    trial = task.trials(1, key=KEY)
    assert float(task.accuracy(net.predict(trial.inputs).outputs, trial)) > 0.95
