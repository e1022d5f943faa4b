"""What the page holds, against numpy."""

import json

import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.models.results import Activity
from eicon.pages import _explore_data as data_module
from eicon.pages._explore import explore_network, explore_run
from eicon.pages._explore_behaviour import choice_curves
from eicon.pages._explore_conditions import conditions_of, default_grouping, groupings
from eicon.pages._explore_data import contents, quantise
from eicon.runs import create_run, parse_recipe
from eicon.studies import _levels as levels_module
from eicon.studies import condense_network
from eicon.studies._levels import Level, Levels, _trials, condensation_levels, level_sizes
from eicon.studies._responses import Answers, evidence_of, sorted_by
from eicon.studies.results import Responses
from eicon.tasks import TASKS, CueSetGo, FlipFlop, NBack, Trial

from .conftest import REPEATS, SIZES, Page

pytestmark = pytest.mark.battery

MINUS = "\N{MINUS SIGN}"
EXACT = {"rtol": 2e-6, "atol": 1e-7}  # what float32 leaves of float64


def inside(trial: Trial) -> np.ndarray:
    """Steps before the end of the last epoch (T, B), by counting."""
    ends = np.max([np.asarray(span)[:, 1] for span in trial.epochs.values()], axis=0)
    return np.array([[t < end for end in ends] for t in range(trial.n_steps)])


def means_by_hand(values: np.ndarray, there: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(C, T, n); NaN where no trial is."""
    found = np.full((groups.max() + 1, *values.shape[::2]), np.nan)
    for group in range(len(found)):
        for t in range(len(values)):
            rows = [values[t, b] for b in range(values.shape[1]) if groups[b] == group and there[t, b]]
            if rows:
                found[group, t] = np.mean(rows, axis=0, dtype=float)
    return found


def made_up(task, repeats: int = 3) -> Responses:
    """Responses of random rates, without running the network."""
    net = RateRNN.dale(task.n_in, 6, task.n_out)
    trial = task.trials(repeats, key=jax.random.key(0))
    rates = np.random.default_rng(0).random((trial.n_steps, trial.batch_size, 6)).astype(np.float32)
    outputs = rates @ np.asarray(net.W_out)
    return Responses(net, task, trial, Activity(jax.numpy.asarray(outputs), jax.numpy.asarray(rates), rates))


def with_rates(given: Responses, rates: np.ndarray) -> Responses:
    return given._replace(activity=given.activity._replace(rates=rates))


def whole(net: RateRNN) -> Levels:
    n = net.n_rec
    return Levels([Level(np.arange(n), np.arange(n), np.zeros(n), np.asarray(net.W_rec, float), 0.0)], "none")


def only_conditions(task, repeats: int = 2) -> Trial:
    """Balanced trials that are nothing but their conditions, without building them."""
    conditions = {name: jax.numpy.asarray(np.tile(v, repeats)) for name, v in task.condition_grid().items()}
    n = repeats * task.n_conditions
    return Trial(np.zeros((1, n, 1)), np.zeros((1, n, 1)), np.zeros((1, n)), conditions, {})


def test_weights_are_those_of_the_network(page: Page):
    net = page.responses.net
    np.testing.assert_array_equal(page.arrays["weights"], np.asarray(net.W_rec))
    np.testing.assert_array_equal(page.arrays["input"], np.asarray(net.W_in))
    np.testing.assert_array_equal(page.arrays["readout"], np.asarray(net.W_out))
    assert page.facts["units"]["labels"]["type"] == ["E"] * 9 + ["I"] * 3
    assert page.facts["units"]["labels"]["population"][:6] == ["sense E"] * 5 + ["act E"]
    assert page.facts["certificate"]["ok"] is True


def test_conditions_are_the_coherences_in_order(page: Page):
    signed = np.asarray(page.responses.trial.conditions["coherence"])
    assert page.facts["conditions"]["labels"] == [f"coherence {x}" for x in (f"{MINUS}16", f"{MINUS}4", "4", "16")]
    assert page.facts["conditions"]["n_trials"] == [REPEATS] * 4
    expected = [sorted({-16, -4, 4, 16}).index(int(x)) for x in signed]
    np.testing.assert_array_equal(page.arrays["trial_condition"], expected)


def test_means_are_over_the_trials_that_still_run(page: Page):
    trial, activity = page.responses.trial, page.responses.activity
    there, groups = inside(trial), page.arrays["trial_condition"].astype(int)
    assert not there.all()  # durations vary
    rates = np.asarray(activity.rates)
    np.testing.assert_allclose(page.arrays["means"], np.moveaxis(means_by_hand(rates, there, groups), 2, 0), **EXACT)
    outputs = np.asarray(activity.outputs)
    np.testing.assert_allclose(page.arrays["outputs"], means_by_hand(outputs, there, groups), **EXACT)
    scored = there & (np.asarray(trial.mask) > 0)
    targets = means_by_hand(np.asarray(trial.targets), scored, groups)
    np.testing.assert_allclose(page.arrays["targets"], targets, **EXACT)
    for name, counted in (("counts", there), ("target_counts", scored)):
        by_hand = [[counted[t, groups == c].sum() for t in range(len(there))] for c in range(4)]
        np.testing.assert_array_equal(page.arrays[name], by_hand)
    mean = [rates[:, :, unit][there].mean(dtype=float) for unit in range(12)]
    np.testing.assert_allclose(page.arrays["mean_rate"], mean, **EXACT)


def test_single_trials_are_right_to_half_a_step_of_eight_bits(page: Page):
    there = inside(page.responses.trial)
    rates = np.asarray(page.responses.activity.rates)
    low, step = (page.arrays["trial_scale"][:, i, None, None] for i in (0, 1))
    decoded = low + step * page.arrays["trials"]
    np.testing.assert_array_equal(page.arrays["trial_stop"], there.sum(axis=0))
    for unit in range(12):
        one = rates[:, :, unit].T
        assert step[unit] == pytest.approx(np.ptp(one[there.T]) / 255, rel=1e-5)
        assert np.abs(decoded[unit] - one)[there.T].max() <= 0.5001 * step[unit] + 1e-6
    spans = np.stack([np.asarray(span) for span in page.responses.trial.epochs.values()], axis=1)
    np.testing.assert_array_equal(page.arrays["trial_epochs"], spans)


def test_components_are_those_of_a_singular_value_decomposition(page: Page):
    there, rates = inside(page.responses.trial), np.asarray(page.responses.activity.rates, float)
    samples = rates[there]
    mean = samples.mean(axis=0)
    _, sizes, rows = np.linalg.svd(samples - mean, full_matrices=False)
    found = page.arrays["components"]
    assert np.abs(np.abs(np.sum(found * rows[:3], axis=1)) - 1).max() < 1e-5
    np.testing.assert_allclose(page.facts["components"]["ratio"], (sizes**2 / np.sum(sizes**2))[:3], rtol=1e-6)
    places = (rates - mean) @ found.T
    paths = means_by_hand(places, there, page.arrays["trial_condition"].astype(int))
    np.testing.assert_allclose(page.arrays["paths"], paths, rtol=1e-4, atol=1e-5)
    single = np.where(there[..., None], places, np.nan).swapaxes(0, 1)
    np.testing.assert_allclose(page.arrays["trial_paths"], single, rtol=1e-4, atol=1e-5)


def test_selectivity_is_d_prime_during_the_stimulus(page: Page):
    trial, rates = page.responses.trial, np.asarray(page.responses.activity.rates, float)
    right, span = np.asarray(trial.conditions["choice"]), np.asarray(trial.epochs["stimulus"])
    for unit in range(12):
        of = [np.concatenate([rates[s:e, b, unit] for b, (s, e) in enumerate(span) if right[b] == k]) for k in (0, 1)]
        expected = (of[0].mean() - of[1].mean()) / np.sqrt((of[0].var() + of[1].var()) / 2)
        assert page.arrays["measure"][unit] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_behaviour_is_counted(page: Page):
    outputs, trial = np.asarray(page.responses.activity.outputs), page.responses.trial
    span = np.asarray(trial.epochs["decision"])
    chosen = np.array([outputs[s:e, b].mean(axis=0).argmax() for b, (s, e) in enumerate(span)])
    right, signed = np.asarray(trial.conditions["choice"]), np.asarray(trial.conditions["coherence"])
    levels = [-16.0, -4.0, 4.0, 16.0]
    behaviour = page.facts["behaviour"]
    assert behaviour["score"] == pytest.approx([np.mean((chosen == right)[signed == x]) for x in levels])
    assert behaviour["n_scored"] == [REPEATS] * 4
    assert behaviour["accuracy"] == pytest.approx(np.mean(chosen == right))
    (curves,) = behaviour["curves"]
    assert (curves["x"], curves["by"]) == ("coherence", None)
    (curve,) = curves["curves"]
    assert curve["x"] == levels
    assert curve["p"] == pytest.approx([np.mean(chosen[signed == x] == 0) for x in levels])
    assert curve["conditions"] == [[0], [1], [2], [3]]


@pytest.mark.parametrize("level", [1, 2])
def test_levels_are_what_condensing_gives(page: Page, level: int):
    net, task = page.responses.net, page.responses.task
    options = _trials(net, task, page.run.recipe.seed)
    assert not np.array_equal(options["inputs"], options["test_inputs"])
    condensed = condense_network(net, size=SIZES[level - 1], **options)
    kept = page.arrays[f"kept_{level}"]
    np.testing.assert_array_equal(kept, condensed.condensation.kept)
    np.testing.assert_allclose(page.arrays[f"weights_{level}"], np.asarray(condensed.net.W_rec), **EXACT)
    share = (
        np.abs(condensed.condensation.coefficients)
        * (np.asarray(net.predict(options["inputs"], noise=False).rates)[:, :, kept].std(axis=(0, 1))[:, None])
    )
    speakers = page.arrays[f"groups_{level}"]
    np.testing.assert_array_equal(speakers[kept], kept)
    assert np.isin(speakers, kept).all()
    assert np.mean(speakers == kept[share.argmax(axis=0)]) > 0.9  # there: with half of the noise
    pair = [np.asarray(n.predict(options["test_inputs"], noise=False).outputs) for n in (net, condensed.net)]
    there = np.asarray(options["test_mask"])
    wanted, got = (outputs[there].astype(float) for outputs in pair)
    error = np.sqrt(np.sum((got - wanted) ** 2) / np.sum((wanted - wanted.mean(axis=0)) ** 2))
    assert page.facts["levels"]["errors"][level] == pytest.approx(error, rel=1e-4)
    sign = np.where(net.is_excitatory, 1, -1)[kept]
    assert (sign[:, None] * page.arrays[f"weights_{level}"] >= 0).all()
    errors = page.arrays[f"unit_error_{level}"]
    assert errors[kept].max() < 1e-5
    assert np.delete(errors, kept).min() > 1e-4


def test_what_was_written_is_told(page: Page):
    assert page.written.levels == list(zip([12, *SIZES], page.facts["levels"]["errors"], strict=True))
    assert page.written.size == len(page.text.encode())
    assert page.written[2:6] == (12, 4, 48, 48)
    assert [p.name for p in page.run.path.glob("*.html*")] == ["explore.html"]


@pytest.mark.parametrize("bits", [8, 16])
def test_quantised_rows_are_right_to_half_a_step(bits):
    values = np.random.default_rng(0).normal(size=(4, 5, 6)) * np.array([1e-3, 1.0, 50.0, 0.0])[:, None, None] + 2
    used = np.random.default_rng(1).random((5, 6)) < 0.7
    values[:, ~used] = 1e9
    coded = quantise(values, bits, used)
    assert coded.codes.max() == 2**bits - 1
    assert (coded.codes[:, ~used] == 0).all()
    decoded = coded.scale[:, 0, None, None].astype(float) + coded.scale[:, 1, None, None] * coded.codes
    steps = np.ptp(values[:, used], axis=1) / (2**bits - 1)
    assert (np.abs(decoded - values)[:, used].max(axis=1) <= 0.5 * steps + 1e-6 * values[:, used].max(axis=1)).all()


def test_many_means_take_sixteen_bits_and_many_trials_are_left_out(page: Page, monkeypatch):
    monkeypatch.setattr(data_module, "MEAN_BYTES", 100)
    monkeypatch.setattr(data_module, "TRIAL_BYTES", 5 * 14 * 12)
    monkeypatch.setattr(data_module, "LEVEL_BYTES", 4 * (4**2 + 8**2) - 1)
    levels = whole(page.responses.net).levels
    levels += [Level(np.arange(n), np.zeros(12, int), np.zeros(12), np.zeros((n, n)), 1.0) for n in SIZES]
    shrunk = contents(page.responses, Levels(levels, ""))
    assert [name for name in ("weights_1", "weights_2") if name in shrunk.arrays] == ["weights_2"]  # the smaller one
    assert shrunk.facts["levels"]["sizes"] == [12, 8, 4]
    assert (page.facts["means_bits"], shrunk.facts["means_bits"]) == (32, 16)
    assert page.facts["trials"] == {"recorded": 48, "kept": 48, "bits": 8, "steps": 14}
    assert shrunk.facts["trials"] == {"recorded": 48, "kept": 5, "bits": 8, "steps": 14}
    assert shrunk.arrays["trials"].shape == (12, 5, 14)
    assert shrunk.arrays["trial_outputs"].shape == (5, 14, 2)
    low, step = (shrunk.arrays["mean_scale"][:, i, None, None] for i in (0, 1))
    decoded = low + step * shrunk.arrays["means"].astype(float)
    there = np.isfinite(page.arrays["means"])
    assert np.abs(decoded - page.arrays["means"])[there].max() < 1e-4
    assert (shrunk.arrays["means"][~there] == 0).all()
    assert shrunk.facts["conditions"] == page.facts["conditions"]


def test_conditions_that_follow_from_others_are_not_named():
    trial = only_conditions(TASKS["ContextIntegration"]())
    conditions = conditions_of(TASKS["ContextIntegration"](), trial)
    assert (conditions.n, conditions.names) == (72, ("context", "motion", "colour"))
    assert conditions.label(0) == f"context 0, motion {MINUS}50, colour {MINUS}50"
    found = {way.name: way for way in groupings(conditions)}
    assert next(iter(found)) == "each condition"
    assert list(found)[-1] == "all trials"
    pair = found["context and motion"]
    assert pair.labels[:2] == [f"context 0, motion {MINUS}50", f"context 0, motion {MINUS}15"]
    assert (pair.heading, pair.short[:2]) == ("context, motion", [f"0, {MINUS}50", f"0, {MINUS}15"])
    for trial_number, condition in enumerate(conditions.of_trial):
        values = [float(trial.conditions[name][trial_number]) for name in ("context", "motion")]
        expected = f"context {values[0]:g}, motion {values[1]:g}".replace("-", MINUS)
        assert pair.labels[pair.group[condition]] == expected
    chosen = groupings(conditions)[default_grouping(groupings(conditions))]
    assert len(chosen.labels) == 12


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_conditions_and_groups(name):
    task = TASKS[name]()
    conditions = conditions_of(task, only_conditions(task))
    n_conditions = len(
        np.unique(np.stack([np.asarray(v)[: task.n_conditions] for v in task.condition_grid().values()]), axis=1).T
    )
    assert conditions.n == n_conditions
    ways = groupings(conditions)
    partitions = [tuple(way.group) for way in ways]
    assert len(set(partitions)) == len(partitions)
    for way in ways:
        assert set(way.group) == set(range(len(way.labels)))
        assert len(way.labels) == len(way.shade) == len(way.dash) == len(way.short) == len(set(way.labels))
    assert len(ways[default_grouping(ways)].labels) <= 24


def right_answers(task, trial) -> Answers:
    """Whatever argues for choice 0 is followed, always."""
    evidence = np.asarray(trial.conditions[task.evidence[0]])
    return Answers(np.ones(trial.batch_size), (evidence < task.neutral).astype(np.int32))


def evidence_trials(task, repeats: int = 2) -> Trial:
    """Trials whose conditions are all that counts, with those that `build` adds."""
    return task.trials(repeats, key=jax.random.key(0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PerceptualDecision", [("coherence", None)]),
        ("ReactionTimeDecision", [("coherence", None)]),
        ("PulseAccumulation", [("difference", None)]),
        ("ParametricMemory", [("difference", None)]),
        ("MultisensoryIntegration", [("rate", "modality"), ("rate", None)]),
        ("ContextIntegration", [("attended coherence", "context"), ("attended coherence", None)]),
    ],
)
def test_evidence_is_what_the_task_says(name, expected):
    task = TASKS[name]()
    trial = evidence_trials(task)
    evidence = evidence_of(task, trial)
    found = choice_curves(conditions_of(task, trial), evidence, sorted_by(task, trial), right_answers(task, trial))
    assert [(way["x"], way["by"]) for way in found] == expected
    for way in found:
        for curve in way["curves"]:
            assert curve["p"] == [float(level > task.neutral) for level in curve["x"]]


def test_tasks_without_evidence_have_no_curves():
    assert [name for name in ("DelayedMatchToSample", "NBack", "CueSetGo") if TASKS[name].evidence is not None] == []


def test_curves_within_contexts_count_their_own_trials():
    task = TASKS["ContextIntegration"](coherence=(10.0, 50.0))
    trial = evidence_trials(task, repeats=5)
    conditions, evidence = conditions_of(task, trial), evidence_of(task, trial)
    sorts = sorted_by(task, trial)
    grid = {name: np.asarray(values) for name, values in trial.conditions.items()}
    chosen = np.random.default_rng(0).integers(-1, 2, trial.batch_size)
    attended = choice_curves(conditions, evidence, sorts, Answers(np.ones(chosen.size), chosen))[0]
    assert [curve["label"] for curve in attended["curves"]] == ["context 0", "context 1"]
    for context, curve in enumerate(attended["curves"]):
        assert curve["x"] == [-50, -10, 10, 50]
        shown = ("motion", "colour")[context]
        for level, n, p, ci, members in zip(*(curve[k] for k in ("x", "n", "p", "ci", "conditions")), strict=True):
            at = (grid["context"] == context) & (grid[shown] == level) & (chosen >= 0)
            assert (n, p) == (at.sum(), pytest.approx(np.mean(chosen[at] == 0)))
            assert ci[0] < p < ci[1]
            names = [(conditions.values["context"][i], conditions.values[shown][i]) for i in members]
            assert names == [(context, level)] * 4
    never = choice_curves(conditions, evidence, sorts, Answers(np.ones(chosen.size), np.full(chosen.size, -1)))
    assert never == []  # a network that never chooses has no curve


def test_labels_as_targets_become_probabilities():
    task = NBack()
    given = made_up(task)
    found = contents(given, whole(given.net))
    np.testing.assert_allclose(found.arrays["outputs"].sum(axis=2), 1, rtol=1e-5)
    scored = found.arrays["targets"][found.arrays["target_counts"] > 0]
    np.testing.assert_allclose(scored.sum(axis=1), 1)
    assert found.facts["behaviour"]["curves"] == []


def test_units_are_measured_by_what_the_task_sorts_by():
    given = made_up(NBack())
    found = contents(given, whole(given.net))
    measure = found.facts["units"]["measure"]
    epoch = measure["about"].split(" during ")[1].split(";")[0]
    assert measure == {"name": "d\N{PRIME}", "about": f"d\N{PRIME} during {epoch}; positive prefers match no"}
    match, steps = np.asarray(given.trial.conditions["match"]), np.asarray(given.trial.during(epoch))
    no, yes = (np.asarray(given.activity.rates, float)[steps & (match == level)] for level in (False, True))
    d_prime = (no.mean(axis=0) - yes.mean(axis=0)) / np.sqrt((no.var(axis=0) + yes.var(axis=0)) / 2)
    np.testing.assert_allclose(found.arrays["measure"], d_prime, rtol=1e-4)


def test_units_of_a_task_with_many_conditions_are_measured_by_their_range():
    given = made_up(CueSetGo(intervals=(200.0, 300.0, 400.0)))
    found = contents(given, whole(given.net))
    assert found.facts["units"]["measure"]["name"] == "range"
    rates, interval = np.asarray(given.activity.rates, float), np.asarray(given.trial.conditions["interval"])
    there = inside(given.trial)
    each = [rates[there & (interval == level)].mean(axis=0) for level in np.unique(interval)]
    np.testing.assert_allclose(found.arrays["measure"], np.ptp(each, axis=0), rtol=1e-4)


def test_times_are_means_of_the_trials_that_have_one():
    given = made_up(CueSetGo(intervals=(200.0, 300.0, 400.0)), repeats=6)
    behaviour = contents(given, whole(given.net)).facts["behaviour"]
    times = np.asarray(given.task.behaviour(given.activity.outputs, given.trial).time)
    rows = [times[np.asarray(given.trial.conditions["interval"]) == level] for level in (200.0, 300.0, 400.0)]
    assert behaviour["n_timed"] == [np.isfinite(row).sum() for row in rows]
    wanted = [None if np.isnan(row).all() else pytest.approx(np.nanmean(row), rel=1e-5) for row in rows]
    assert behaviour["time"] == wanted


def test_a_single_condition_is_shown():
    given = made_up(FlipFlop(n_bits=2, n_windows=3))
    found = contents(given, whole(given.net))
    assert [way["labels"] for way in found.facts["groupings"]] == [["all trials"]]
    assert found.facts["units"]["measure"]["name"] == "s.d."
    np.testing.assert_allclose(found.arrays["measure"], np.asarray(given.activity.rates).std(axis=(0, 1)), rtol=1e-5)
    assert found.facts["behaviour"]["curves"] == []


def test_a_silent_network_is_shown_without_components(page: Page):
    silent = contents(with_rates(page.responses, np.zeros((14, 48, 12), np.float32)), whole(page.responses.net))
    assert "components" not in silent.arrays
    assert "`rates` must vary" in silent.facts["components"]["reason"]
    assert (silent.arrays["trials"] == 0).all()
    json.dumps(silent.facts, allow_nan=False)


def test_a_diverged_network_is_refused(page: Page):
    rates = np.array(page.responses.activity.rates)
    rates[3, 1, 2] = np.nan
    with pytest.raises(ValueError, match="the network diverged: some of its rates are not finite. Train it again"):
        contents(with_rates(page.responses, rates), whole(page.responses.net))


def test_sizes_of_levels():
    assert level_sizes(200) == [180, 160, 140, 120, 100, 80, 60, 40, 30, 20, 10]
    assert level_sizes(10) == [9, 8, 7, 6, 5, 4, 3, 2]
    assert level_sizes(4) == [3, 2]
    assert level_sizes(3) == []


def test_levels_that_cannot_be(page: Page, monkeypatch):
    net, task = page.responses.net, page.responses.task
    found = condensation_levels(RateRNN.dale(2, 3, 2, e_ratio=0.67), task, seed=0, progress=False)
    assert (len(found.levels), found.reason) == (1, "The network has only 3 units: nothing to condense.")
    for size in (0, 12):
        with pytest.raises(
            ValueError, match=rf"levels of condensation must lie in 1..11 for a network of 12 units; got \[{size}\]"
        ):
            condensation_levels(net, task, seed=0, sizes=[size], progress=False)

    def silent(net, size, **options):
        raise ValueError("`rates` must vary")

    monkeypatch.setattr(levels_module, "_trials", lambda *args: {})
    monkeypatch.setattr(levels_module, "condense_network", silent)
    found = condensation_levels(net, task, seed=0, sizes=[3], progress=False)
    assert len(found.levels) == 1
    assert found.reason == "It was not condensed to 3 units: `rates` must vary"


def test_a_run_must_be_trained_and_repeats_positive(page: Page, tmp_path):
    run = create_run(tmp_path / "new", parse_recipe("seed = 1\n[network]\nn_rec = 6\n"))
    with pytest.raises(FileNotFoundError, match="has no trained network yet"):
        explore_run(run, progress=False)
    with pytest.raises(ValueError, match="repeats must be at least 1; got 0"):
        explore_run(page.run, repeats=0, progress=False)


def test_a_network_without_a_run_has_the_same_page(page, tmp_path):
    net, task = page.run.load_network(), page.run.recipe.make_task()
    sizes, seed = [size for size, _ in page.written.levels[1:]], page.run.recipe.seed
    repeats = page.responses.trial.batch_size // task.n_conditions
    mine = explore_network(net, task, tmp_path / "mine.html", repeats=repeats, sizes=sizes, seed=seed, progress=False)
    assert mine.levels == page.written.levels
    assert (tmp_path / "mine.html").stat().st_size == mine.size
    assert "<title>mine" in (tmp_path / "mine.html").read_text("utf-8")
