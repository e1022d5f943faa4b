"""Teachers, students and claims of the study of Beiran & Litwin-Kumar (2025)."""

from pathlib import Path

import jax
import numpy as np
import pytest

from eicon.models import RateRNN
from eicon.reproduce._parts import read_results
from eicon.reproduce.beiran2025 import _students, claims, reproduce
from eicon.reproduce.beiran2025._claims import Interval, needed, text
from eicon.reproduce.beiran2025._dimension import pulses, rotating
from eicon.reproduce.beiran2025._draw_students import draw
from eicon.reproduce.beiran2025._students import measured, new_student, recorded_units, steady
from eicon.reproduce.beiran2025._study import OF_CIRCUITS, QUICK, TITLES, stages
from eicon.reproduce.beiran2025._tables import circuit_claims, circuit_page
from eicon.reproduce.beiran2025._teachers import Cycling, new_teacher, read_numbers, shown, write_network
from eicon.reproduce.beiran2025._units import permuted, with_units

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "beiran2025.jsonl"


@pytest.fixture(scope="module")
def teacher():
    return new_teacher(0, 20)


@pytest.fixture(scope="module")
def trials(teacher):
    return shown(teacher, Cycling(n_steps=60).sample(jax.random.key(0), 6))


def test_targets_are_two_cycles_after_the_pulse():
    task = Cycling()
    trial = task.sample(jax.random.key(1), 200)
    onset = np.asarray(trial.conditions["onset"]) / task.dt
    catch, channel = (np.asarray(trial.conditions[name]) for name in ("catch", "channel"))
    assert 20 <= onset.min() <= onset.max() <= 50
    assert 0.1 < catch.mean() < 0.3
    assert not np.asarray(trial.inputs)[:, catch].any()
    assert not np.asarray(trial.targets)[:, catch].any()
    i = int(np.flatnonzero(~catch & (channel == 1))[0])
    t = (np.arange(200) - onset[i]) * task.dt / task.tau
    expected = np.where((t >= 0) & (t < 4 * np.pi / 3), -np.sin(3 * t), 0.0)
    np.testing.assert_allclose(np.asarray(trial.targets)[:, i, 0], expected, atol=1e-5)
    shown_pulse = np.asarray(trial.inputs)[:, i]
    assert not shown_pulse[:, 0].any()
    np.testing.assert_array_equal(np.flatnonzero(shown_pulse[:, 1]), onset[i] + np.arange(10))
    assert float(task.correct(trial.targets, trial)[i]) == 1.0
    assert np.isnan(np.asarray(task.correct(trial.targets, trial))[catch]).all()


def test_shifted_unit_against_a_loop(teacher, trials):
    w, w_in, gain, shift = (np.asarray(v, float) for v in (teacher.W_rec, teacher.W_in, *_units(teacher)))
    x = np.zeros((6, 20))
    for t, u in enumerate(np.asarray(trials.trial.inputs, float)):
        r = gain * np.log1p(np.exp(x + shift))
        x = 0.9 * x + 0.1 * (r @ w + u @ w_in)
        np.testing.assert_allclose(trials.currents.activity[t], x, atol=2e-4)
    np.testing.assert_allclose(trials.rates.activity[-1], gain * np.log1p(np.exp(x + shift)), atol=2e-4)


def test_a_shift_is_a_bias_once_the_start_is_forgotten(teacher, trials):
    """Rates are those of eicon's own bias, whose currents hold it."""
    from eicon.models import Leaky

    gain, shift = _units(teacher)
    value = teacher.network
    numbers = {"tau": 100.0, "x0": shift, "gain": gain, "bias": shift}
    other = RateRNN(
        value.recurrent, value.input, value.readout, cell=Leaky("softplus", gain=True), dt=10.0, parameters=numbers
    )
    found = other.predict(trials.trial.inputs, noise=False)
    np.testing.assert_allclose(found.rates, trials.rates.activity, atol=1e-4)
    np.testing.assert_allclose(np.asarray(found.currents) - shift, trials.currents.activity, atol=1e-4)


def _units(net):
    return net.parameter("gain"), net.parameter("shift")


def test_students_share_the_wiring_and_permute_within_types(teacher):
    student = new_student(teacher, "recorded", np.random.default_rng(0))
    np.testing.assert_array_equal(student.W_rec, teacher.W_rec)
    np.testing.assert_array_equal(student.W_out, teacher.W_out)
    assert sorted(student.trainable_variables()) == ["gain", "shift"]
    for name in ("gain", "shift"):
        ours, theirs = student.parameter(name), teacher.parameter(name)
        assert not np.allclose(ours, theirs)
        for kind in ("E", "I"):
            units = teacher.units["type"] == kind
            np.testing.assert_allclose(np.sort(ours[units]), np.sort(theirs[units]), rtol=1e-5)


def test_students_that_explode_are_permuted_again(teacher, trials, monkeypatch):
    first = new_student(teacher, "recorded", np.random.default_rng(0))
    assert steady(lambda: first, trials.currents) is first
    exploding = with_units(teacher, gain=50 * teacher.parameter("gain"))
    drawn = iter([exploding, exploding, first])
    assert steady(lambda: next(drawn), trials.currents) is first
    monkeypatch.setattr(_students, "DRAWS", 2)
    with pytest.raises(ValueError, match="the currents of 2 permutations all exceed 10 times the teacher's variance"):
        steady(lambda: exploding, trials.currents)


def test_unconstrained_students_have_true_units_and_shuffled_free_weights(teacher):
    student = new_student(teacher, "unconstrained", np.random.default_rng(0))
    assert list(student.trainable_variables()) == ["raw_rec"]
    np.testing.assert_allclose(student.parameter("gain"), teacher.parameter("gain"), rtol=1e-6)
    ours, theirs = np.asarray(student.W_rec), np.asarray(teacher.W_rec)
    assert not np.allclose(ours, theirs)
    np.testing.assert_allclose(np.sort(ours.ravel()), np.sort(theirs.ravel()), rtol=1e-6)
    assert not student.recurrent.sign.any()


def test_measures_of_the_teacher_itself_are_perfect(teacher, trials):
    net = with_units(teacher)
    found = measured(net, teacher, trials, trials, np.array([0, 3]), "current")
    assert found["unrecorded_fresh_error"] < 1e-8
    assert found["gain_r2"] > 0.9999
    gain, shift = permuted(teacher, np.random.default_rng(0))
    other = with_units(teacher, gain=gain, shift=shift)
    wrong = measured(other, teacher, trials, trials, np.array([0, 3]), "current")
    currents = np.asarray(other.predict(trials.trial.inputs, noise=False).currents)
    rest = np.setdiff1d(np.arange(20), [0, 3])
    missed = ((currents - trials.currents.activity) ** 2)[:, :, rest].mean(axis=(0, 1)).sum()
    expected = missed / trials.currents.activity[:, :, rest].var(axis=(0, 1)).sum()
    assert wrong["unrecorded_fresh_error"] == pytest.approx(expected, rel=1e-3)


def test_orders_choose_other_units(teacher, trials):
    net = new_student(teacher, "recorded", np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(20)
    found = {
        name: recorded_units(net, trials, {"order": name, "m": 4}, order) for name in ("random", "chosen", "worst")
    }
    np.testing.assert_array_equal(found["random"], np.sort(order[:4]))
    assert not np.intersect1d(found["chosen"], found["worst"]).size


def test_numbers_of_a_teacher_survive_a_file(teacher, tmp_path):
    write_network(teacher, tmp_path / "net.npz")
    other = read_numbers(new_teacher(0, 20).with_settings(tau=100.0), tmp_path / "net.npz")
    np.testing.assert_array_equal(other.W_rec, teacher.W_rec)
    with pytest.raises(FileNotFoundError):
        read_numbers(other, tmp_path / "none.npz")


def test_rank_two_teachers_rotate_because_of_their_gains():
    for n in (100, 400):
        teacher = rotating(1, n)
        assert np.linalg.matrix_rank(np.asarray(teacher.W_rec, float), tol=1e-4) == 2
        late = pulses(teacher, 8, 200, np.random.default_rng(0)).outputs.activity[100:]
        gain, shift = permuted(teacher, np.random.default_rng(0))
        other = with_units(teacher, gain=gain, shift=shift)
        still = pulses(other, 8, 200, np.random.default_rng(0)).outputs.activity[100:]
        assert np.sqrt((late**2).mean()) > 0.2
        assert still.std(axis=0).max() < 0.3 * late.std(axis=0).max()


def lines(changes=None):
    """Made-up results in which all four claims hold; ``changes`` by kind."""
    values = {"readout": 0.5, "task": 0.02, "gain": -0.5, "unconstrained": 3.0, "many": 0.02, "few": 1.0, "slope": 0.0}
    values |= changes or {}
    rng = np.random.default_rng(0)
    made = []

    def add(name, measures, **settings):
        measures = {key: value * (1 + 0.05 * rng.normal()) for key, value in measures.items()}
        settings = {"order": "random", "observed": "current", "m": 0, "n": 300} | settings
        made.append({"name": name, "settings": settings, "measures": {"by_step": {"0": {}, "50": measures}}})

    for seed in range(4):
        base = {"task_error": 1.0, "gain_r2": values["gain"]}
        error = "unrecorded_fresh_error"
        add(
            f"r{seed}",
            {"task_error": values["task"], error: values["readout"]},
            group="student",
            kind="readout",
            seed=seed,
        )
        for m, value in ((1, values["few"]), (20, values["many"]), (100, values["many"])):
            add(f"s{m}{seed}", base | {error: value}, group="student", kind="recorded", m=m, seed=seed)
        add(f"u{seed}", base | {error: values["unconstrained"]}, group="student", kind="unconstrained", m=20, seed=seed)
        for n in (100, 200, 400):
            for m in (1, 2, 4, 8, 16):
                fallen = 0.01 if m > 1.5 * (n / 100) ** values["slope"] else 1.0
                add(f"d{n}{m}{seed}", base | {error: fallen}, group="rotating", kind="recorded", m=m, n=n, seed=seed)
    return made


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, ["holds"] * 4),
        ({"task": 0.5}, ["fails", "holds", "holds", "holds"]),
        ({"readout": 0.01}, ["fails", "holds", "holds", "holds"]),
        ({"readout": 0.1}, ["undecided", "holds", "holds", "holds"]),
        ({"many": 0.9}, ["holds", "fails", "holds", "fails"]),
        ({"few": 0.02}, ["holds", "fails", "holds", "holds"]),
        ({"slope": 1.0}, ["holds", "fails", "holds", "holds"]),
        ({"unconstrained": 0.03}, ["holds", "holds", "fails", "holds"]),
        ({"gain": 0.9}, ["holds", "holds", "holds", "fails"]),
        ({"gain": 0.5}, ["holds", "holds", "holds", "undecided"]),
    ],
)
def test_status_of_made_up_results(changes, status):
    found = claims(lines(changes))
    assert [claim.status for claim in found] == status
    assert text(found).count("|") == 4 * 6


def test_without_results_or_with_one_seed_all_is_undecided():
    assert [claim.status for claim in claims([])] == ["undecided"] * 4
    assert "error of the task not measured, below 0.1" in text(claims([]))
    one = [line for line in lines() if line["settings"]["seed"] == 0]
    found = claims(one)
    assert [claim.status for claim in found] == ["undecided"] * 4
    assert "error of the task 0.02" in text(found)
    assert " (one seed), below 0.1" in text(found)
    assert found[0].conditions[0].interval == Interval(pytest.approx(0.02, rel=0.2), 0.0, np.inf, 1)


def test_teachers_whose_students_are_not_all_done_do_not_count():
    """Of one student alone, which misses the activity, it is not known how many units are needed."""
    whole = [condition.interval.mean for condition in claims(lines())[1].conditions[2:]]
    begun = [line for line in lines() if line["settings"]["seed"] < 3 or line["settings"]["m"] == 1]
    some = claims(begun)[1].conditions[2:]
    assert [condition.interval.n for condition in some] == [3, 3]
    assert [condition.interval.mean for condition in some] == pytest.approx(whole, abs=0.01)


def test_interval_is_that_of_student():
    from scipy import stats

    found = claims(lines())[3].conditions[1].interval
    values = [
        line["measures"]["by_step"]["50"]["gain_r2"]
        for line in lines()
        if line["settings"]["m"] == 100 and line["settings"]["group"] == "student"
    ]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_number_that_is_needed():
    assert needed([1, 10, 100], [1.0, 0.01, 0.001]) == pytest.approx(10**0.5)
    assert needed([2, 10], [0.05, 0.01]) == 2
    assert needed([1, 10], [1.0, 0.5]) == 20


@pytest.mark.parametrize("figure", TITLES)
def test_parts_are_different_and_describe_themselves(figure):
    for quick in (False, True):
        parts = [part for stage in stages(figure, quick=quick) for part in stage]
        assert len({part["name"] for part in parts}) == len(parts)
        assert all(part["steps"] == part["at"][-1] for part in parts if "at" in part)
    if figure not in OF_CIRCUITS:
        assert draw(figure, []) == {}


def test_figures_that_cannot_be_made_are_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no figure 7; there are 1 "):
        reproduce(tmp_path, [7])
    with pytest.raises(ValueError, match="figure 5 .* needs wiring diagrams that eicon does not contain"):
        reproduce(tmp_path, [1, 5])
    with pytest.raises(ValueError, match="figures of this study are 1, 2, 3, 4, 5, 6; got 7"):
        stages(7)
    assert not list(tmp_path.iterdir())


@pytest.mark.battery
def test_quick_study(tmp_path):
    """All figures at tiny sizes, in one process; what is done is not done again."""
    found = reproduce(tmp_path, quick=True, workers=0, progress=False)
    assert len(found) == 4
    done = read_results(tmp_path / "results.jsonl")
    wanted = {part["name"] for figure in (1, 2, 3, 4) for stage in stages(figure, quick=True) for part in stage}
    assert {line["name"] for line in done} == wanted
    assert sorted(path.name for path in (tmp_path / "figures").glob("*.png")) == [f"fig{i}.png" for i in (1, 2, 3, 4)]
    teachers = [line["measures"] for line in done if line["settings"]["group"] == "teacher"]
    assert all(measures["dimension"] >= 1 for measures in teachers)
    stiff = [line for line in done if line["settings"]["group"] == "stiffness"]
    assert all(len(line["measures"]["values"]) == 2 * QUICK.n for line in stiff)
    page = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert page.startswith(text(found))
    assert "![](figures/fig4.png)" in page
    assert not (tmp_path / "known_structure.md").exists()
    before = (tmp_path / "results.jsonl").read_bytes()
    reproduce(tmp_path, [3], quick=True, workers=0, progress=False)
    assert (tmp_path / "results.jsonl").read_bytes() == before
    with pytest.raises(ValueError, match="different settings"):
        reproduce(tmp_path, [1], workers=0, minutes=0, progress=False)


@pytest.mark.slow
def test_status_in_the_docs_is_that_of_the_results():
    """Every claim has the status and the numbers that the finished parts give."""
    if not RESULTS.exists():
        pytest.skip("the study was not run yet: docs/results/beiran2025.jsonl does not exist")
    found = claims(read_results(RESULTS))
    assert text(found) in RESULTS.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_tables_of_circuits_in_the_docs_are_those_of_the_results():
    """Tables, and the status of what is asked of real wiring and known structure, are computed again."""
    lines = read_results(RESULTS)
    done = {line["name"] for line in lines}
    missing = [part["name"] for figure in OF_CIRCUITS for stage in stages(figure) for part in stage]
    missing = [name for name in missing if name not in done]
    if missing:
        pytest.skip(f"{len(missing)} parts of figures 5 and 6 are not in {RESULTS.name} yet, such as {missing[0]}")
    assert circuit_page(lines) in RESULTS.with_name("known_structure.md").read_text(encoding="utf-8")
    assert len(circuit_claims(lines)) == 3
