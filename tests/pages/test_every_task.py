"""Every task, one of one's own and one of neurogym's, by every command that asks what a network does in it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from eicon import Trainer
from eicon.models import RateRNN, Silence, save
from eicon.pages import compare_runs, write_report
from eicon.pages._explore import explore_network, explore_run
from eicon.runs import analyze_run, create_run, parse_recipe, perturb_run
from eicon.runs._sections import behaviour_words
from eicon.runs.results import Run
from eicon.studies import compare_networks, dt_report, perturbation_effects
from eicon.tasks import TASKS, Task
from eicon.tasks._neurogym import from_neurogym

from ..tasks.standin import Decision

pytestmark = pytest.mark.battery

OWN = '''
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from eicon.tasks import Behaviour, Task, Trial, consecutive, forced_choice, score_choice, within


@dataclass(frozen=True)
class WhichSide(Task):
    """On which side was the flash? It is answered after a delay, as fast as possible."""

    input_channels = ("left", "right")
    output_channels = ("look left", "look right")
    chance, criterion, sorts, aligned_to, holds = 0.5, 0.9, ("choice",), "flash", ("choice", "delay")

    def condition_grid(self):
        return {"choice": np.array([0, 1], np.int32)}

    def build(self, key, conditions):
        steps = [round(ms / self.dt) for ms in (100, 100, 100)]
        epochs = consecutive(dict(zip(("flash", "delay", "answer"), steps)), len(conditions["choice"]))
        side = jnp.arange(2)[None] == conditions["choice"][:, None]
        flash, answer = (within(epochs[name], sum(steps))[:, :, None] for name in ("flash", "answer"))
        inputs, targets = ((shown & side[None]).astype(float) for shown in (flash, answer))
        return Trial(inputs, targets, jnp.ones(inputs.shape[:2]), conditions, epochs)

    def behaviour(self, outputs, trial):
        choice = forced_choice(trial.mean_over("answer", outputs))
        late = jnp.abs(trial.mean_over("answer", outputs)).sum(axis=1) * self.dt
        return Behaviour(score_choice(choice, trial.conditions["choice"], 2), choice, late)
'''

ALWAYS = {"activity", "spectrum"}
SORTED = {"tuning", "connectivity", "pc_trajectories"}
CONDITIONS = SORTED | {"accuracy_by_condition"}
CHOICE = {"psychometric", "selectivity", "overview", "connectivity", "pc_trajectories"}
PAIR = {"outputs", "trajectories", "variance", "spectra"}


class Case(NamedTuple):
    """A task with few conditions, what its networks' units are, and the figures that it asks for.

    Attributes
    ----------
    options : of the task, as in a recipe
    figures : of its analysis, beside those of every network
    compared : of a comparison, likewise
    sections : of analysis.json
    """

    options: str
    figures: set[str]
    compared: set[str]
    sections: set[str]


CASES = {
    "PerceptualDecision": Case(
        'coherence = [10.0, 50.0]\ncoherence_scale = "dots"\nstimulus = 200.0',
        CHOICE,
        {"psychometric"},
        {"choice", "selectivity", "trajectories"},
    ),
    "ReactionTimeDecision": Case(
        'coherence = [10.0, 50.0]\ncoherence_scale = "dots"\nstimulus = 400.0\nfree = 100.0',
        CHOICE | {"reaction_times"},
        {"psychometric", "reaction_times"},
        {"choice", "times", "selectivity", "trajectories"},
    ),
    "PulseAccumulation": Case(
        "rates = [26.0, 39.0]",
        CHOICE,
        {"psychometric"},
        {"choice", "selectivity", "trajectories"},
    ),
    "MultisensoryIntegration": Case(
        "rates = [9.0, 16.0]\nstimulus = 300.0",
        CHOICE | {"accuracy_by_condition", "tuning"},
        {"psychometric"},
        {"choice", "accuracy_by_condition", "selectivity", "trajectories"},
    ),
    "ContextIntegration": Case(
        'coherence = [50.0]\ncoherence_scale = "dots"\nstimulus = 200.0',
        CHOICE | {"accuracy_by_condition", "tuning"},
        {"psychometric"},
        {"choice", "accuracy_by_condition", "selectivity", "trajectories"},
    ),
    "ParametricMemory": Case(
        "pairs = [[18.0, 10.0], [34.0, 26.0]]\ndelay = {min = 200.0, max = 400.0}\nf1 = 100.0\nf2 = 100.0",
        CHOICE | {"accuracy_by_condition", "tuning", "memory"},
        {"psychometric"},
        {"choice", "accuracy_by_condition", "memory", "selectivity", "trajectories"},
    ),
    "DelayedMatchToSample": Case(
        "n_directions = 3\ndelay = 200.0\nstimulus = 100.0",
        CONDITIONS | {"memory", "selectivity"},
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "memory", "selectivity", "trajectories"},
    ),
    "DelayedMatchToCategory": Case(
        "n_directions = 4\ndelay = 200.0\nstimulus = 100.0",
        CONDITIONS | {"memory", "selectivity"},
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "memory", "selectivity", "trajectories"},
    ),
    "DelayedResponse": Case(
        "n_directions = 4\ndelay = {min = 100.0, max = 300.0}",
        CONDITIONS | {"memory"},
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "memory", "selectivity", "trajectories"},
    ),
    "NBack": Case(
        "",
        CONDITIONS | {"memory", "selectivity"},
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "memory", "selectivity", "trajectories"},
    ),
    "PictureNBack": Case(
        "",
        CONDITIONS | {"memory", "selectivity"},
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "memory", "selectivity", "trajectories"},
    ),
    "CueSetGo": Case(
        "intervals = [200.0, 300.0, 400.0]",
        CONDITIONS | {"produced_times"},
        {"accuracy_by_condition", "produced_times", "ramp_index"},
        {"accuracy_by_condition", "times", "selectivity", "trajectories"},
    ),
    "ReadySetGo": Case(
        "intervals = [200.0, 300.0, 400.0]",
        CONDITIONS | {"produced_times"},
        {"accuracy_by_condition", "produced_times", "ramp_index"},
        {"accuracy_by_condition", "times", "selectivity", "trajectories"},
    ),
    "SequenceExecution": Case(
        "",
        CONDITIONS,
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "selectivity", "trajectories"},
    ),
    "HexMotion": Case(
        "extent = 1\nn_directions = 4\nspeeds = [5.0]",
        CONDITIONS,
        {"accuracy_by_condition"},
        {"accuracy_by_condition", "selectivity", "trajectories"},
    ),
    "SequenceMemory": Case("", {"memory", "outputs"}, set(), {"memory", "outputs"}),
    "FlipFlop": Case("n_bits = 2\nn_windows = 3", {"outputs"}, set(), {"outputs"}),
    "SineWave": Case("", {"outputs"}, set(), {"outputs"}),
    "WhichSide": Case(
        "",
        CONDITIONS | {"memory", "selectivity", "reaction_times"},
        {"accuracy_by_condition", "reaction_times"},
        {"accuracy_by_condition", "times", "memory", "selectivity", "trajectories"},
    ),
}
ALIKE = {
    "DelayedMatchToCategory",
    "DelayedMatchToSample",
    "HexMotion",
    "MultisensoryIntegration",
    "NBack",
    "ParametricMemory",
    "PictureNBack",
    "PulseAccumulation",
    "ReadySetGo",
    "SequenceExecution",
    "SequenceMemory",
    "SineWave",
}
"""Left to the slow tests: of a kind that another one has, or among the longest."""


def network(task: Task, n_rec: int, seed: int) -> RateRNN:
    return RateRNN.dale(task.n_in, n_rec, task.n_out, dt=task.dt, sigma_rec=0.15, spectral_radius=1.2, seed=seed)


def made(folder: Path, name: str, text: str, n_rec: int, steps: int, seed: int) -> Run:
    """A run of a network that was trained for a few steps, or not at all."""
    run = create_run(folder / f"{n_rec} units", parse_recipe(f'[task]\nname = "{name}"\n{text}\n'))
    task = run.recipe.make_task()
    net = network(task, n_rec, seed)
    if steps:
        Trainer(net, task, seed=seed).fit(steps, progress=False)
    save(net, run.network)
    run.record.write_text(json.dumps({"status": "trained", "steps": steps, "training_seconds": 1.0}))
    return run


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("own") / "which_side.py"
    path.write_text(OWN)
    return f"{path}:WhichSide"


def trained(name: str, folder: Path, own: str) -> Run:
    return made(folder, own if name == "WhichSide" else name, CASES[name].options, 14, steps=5, seed=0)


def check_analysis(name: str, run: Run) -> None:
    """Figures and numbers of analysis and report are those that the task asks for."""
    case, task = CASES[name], run.recipe.make_task()
    numbers = analyze_run(run, repeats=max(3, 60 // task.n_conditions))
    wanted = (case.figures | ALWAYS) - undrawn(numbers)
    assert {path.stem for path in run.figures.glob("*.png")} == wanted == set(numbers["figures"])
    assert numbers == json.loads((run.path / "analysis.json").read_text())
    assert {key for key in numbers if key in ALL_SECTIONS} == case.sections
    check_numbers(task, numbers)
    assert all(line.count(":") and "nan" not in line for line in behaviour_words(numbers))

    page = write_report(run).read_text(encoding="utf-8")
    in_report = wanted - {"overview"}
    assert page.count("data:image/png;base64,") == len(in_report)
    assert all(f'<figure id="{figure}">' in page for figure in in_report)
    assert "strongest" not in page
    assert "{example}" not in page


def check_others(name: str, run: Run, folder: Path, own: str) -> None:
    """The other commands."""
    case, task = CASES[name], run.recipe.make_task()
    other = made(folder, own if name == "WhichSide" else name, case.options, 12, steps=0, seed=1)
    repeats = max(2, 16 // task.n_conditions)
    compared = compare_runs(run, other, repeats=repeats)
    answered = all("psychometric" in side for side in compared["networks"])
    drawn = {path.stem for path in Path(compared["folder"]).glob("*.png")}
    assert drawn == (PAIR | case.compared) - (set() if answered else {"psychometric"})

    explored = explore_run(run, repeats=2, sizes=[8], progress=False)
    assert Path(explored.path).stat().st_size == explored.size

    effects = perturb_run(run, {"half": [Silence(list(range(6)))]}, repeats=repeats)
    assert [effect.name for effect in effects] == ["none", "half"]
    assert np.isnan(effects[0].changed) == (name in ("SequenceMemory", "SequenceExecution", "FlipFlop", "SineWave"))

    rows = dt_report(run.load_network(), task, [task.dt, task.dt / 2], repeats=2)
    assert [row.dt for row in rows] == [task.dt, task.dt / 2]
    if task.evidence is None:
        assert np.isnan([row.psychometric_width for row in rows]).all()


ALL_SECTIONS = {"choice", "accuracy_by_condition", "times", "memory", "selectivity", "trajectories", "outputs"}


def undrawn(numbers: dict[str, Any]) -> set[str]:
    """Figures that there are not because the network gave no answer, as one that is hardly trained may."""
    silent = "choice" in numbers and "psychometric" not in numbers["choice"]
    untimed = "times" in numbers and not numbers["times"]["n"]
    return ({"psychometric", "overview"} if silent else set()) | ({"reaction_times"} if untimed else set())


def check_numbers(task: Task, numbers: dict[str, Any]) -> None:
    if "choice" in numbers:
        name, unit = task.evidence  # type: ignore[misc]
        assert (numbers["choice"]["evidence"], numbers["choice"]["unit"]) == (name, unit)
        by_level = list(numbers["choice"]["accuracy_by_evidence"].values())
        assert min(by_level) <= numbers["accuracy"] + 1e-6
        assert max(by_level) >= numbers["accuracy"] - 1e-6
    if "memory" in numbers:
        held = numbers["memory"]
        assert (held["held"], held["epoch"]) == task.holds
        assert held["chance"] == 1 / held["classes"]
        assert len(held["decoding"]) == len(held["bins_ms"])
        assert 0.0 in np.ravel(held["bins_ms"])  # a bin begins with the delay
    for found in numbers.get("accuracy_by_condition", {}).values():
        assert np.mean(found["accuracy"]) == pytest.approx(numbers["accuracy"], abs=0.2)


def test_a_task_is_analysed_as_it_says(own, tmp_path):
    check_analysis("PerceptualDecision", trained("PerceptualDecision", tmp_path, own))


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in ALIKE else n for n in CASES])
def test_commands_work_for_every_task(name, own, tmp_path):
    run = trained(name, tmp_path, own)
    check_analysis(name, run)
    check_others(name, run, tmp_path, own)


def test_no_task_is_left_out():
    assert {*TASKS, "WhichSide"} == set(CASES)


def check_network(task: Task, folder: Path) -> dict[str, Any]:
    """The same commands' functions of a network and its task."""
    nets = network(task, 14, 0), network(task, 12, 1)
    found = compare_networks(*nets, task, repeats=2)
    explored = explore_network(nets[0], task, folder / "page.html", repeats=2, sizes=[8], progress=False)
    assert explored.n_conditions > 1
    effects = perturbation_effects(nets[0], task, {"half": [Silence([0, 1, 2])]}, repeats=2, key=jax.random.key(0))
    assert all(0 <= effect.worst <= effect.accuracy <= 1 for effect in effects)
    assert effects[0].changed == 0.0
    return found.similarity


def test_trials_that_a_package_draws_are_sorted_by_their_labels(tmp_path):
    task = from_neurogym(Decision())
    assert check_network(task, tmp_path)["output_nrmse"] > 0
    with pytest.raises(ValueError, match=r"Decision draws its trials in steps of 20 ms, and cannot be created again"):
        dt_report(network(task, 6, 0), task, [20.0, 10.0], repeats=2)


@pytest.mark.parametrize("name", ["PerceptualDecisionMaking-v0", "DelayMatchSample-v0"])
def test_tasks_of_neurogym(name, tmp_path):
    pytest.importorskip("neurogym")
    task = from_neurogym(name, env_kwargs={"dt": 20}, allow_unknown_timing=True)
    check_network(task, tmp_path)
    assert [row.dt for row in dt_report(network(task, 6, 0), task, [20.0, 10.0], repeats=2)] == [20.0, 10.0]


def test_an_analysis_of_eicon_0_1_0_is_still_reported(own, tmp_path):
    run = made(tmp_path, "PerceptualDecision", CASES["PerceptualDecision"].options, 14, steps=0, seed=0)
    numbers = analyze_run(run, repeats=4)
    old = {key: value for key, value in numbers.items() if key not in ("figures", "chance", "selectivity")}
    del old["activity"]["example"]
    choice = old["choice"]
    choice["accuracy_by_coherence"] = choice.pop("accuracy_by_evidence")
    choice["clustering"] = numbers["selectivity"]["clustering"]
    (run.path / "analysis.json").write_text(json.dumps(old))
    page = write_report(run).read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 6
    assert "Accuracy at 50 % of dots" in page
    assert "Rates of all units in one trial; excitatory" in page
