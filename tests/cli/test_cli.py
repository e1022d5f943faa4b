import csv
import errno
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from click.testing import CliRunner

from eicon._files import atomic_file
from eicon._version import __date__, __version__
from eicon.cli import main
from eicon.cli._sweeps import _say_summaries
from eicon.runs import create_run, create_sweep, open_run, open_sweep, parse_recipe
from eicon.training import Trainer
from eicon.training._checkpoint import read_history


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def one_line_error(result):
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_version():
    said = CliRunner().invoke(main, ["--version"]).output
    assert re.fullmatch(rf"eicon, version {re.escape(__version__)} \({__date__}(; commit \w+ of [\d-]+)?\)\n", said)


def test_python_m_eicon():
    result = subprocess.run([sys.executable, "-m", "eicon", "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    assert "demo" in result.stdout


def test_tasks(invoke):
    assert "PerceptualDecision" in invoke("tasks").stdout
    assert {"SequenceMemory", "NBack", "PictureNBack", "CueSetGo"} <= set(json.loads(invoke("tasks", "--json").stdout))
    described = json.loads(invoke("tasks", "--json").stdout)
    assert described["PerceptualDecision"]["parameters"]["stimulus"] == 800.0


def test_train_analyze_report(invoke, tiny_toml, tmp_path):
    (tmp_path / "mine.toml").write_text(tiny_toml)
    trained = invoke("--quiet", "train", "mine.toml", "--seed", 9)
    assert trained.exit_code == 0, trained.output
    assert "results/mine/network.npz" in trained.stdout
    assert open_run("results/mine").recipe.seed == 9
    analyzed = invoke("analyze", "results/mine", "--repeats", 10, "--json")
    assert analyzed.exit_code == 0, analyzed.output
    assert json.loads(analyzed.stdout)["certificate"]["ok"]
    assert json.loads(analyzed.stdout) == json.loads((tmp_path / "results/mine/analysis.json").read_text())
    assert "report.html" in invoke("report", "results/mine").stdout
    again = invoke("train", "mine.toml")
    assert "already exists" in one_line_error(again)


def test_usage_errors_exit_2(invoke):
    assert invoke("train").exit_code == 2
    assert invoke("train", "a.toml", "--resume", "b").exit_code == 2
    assert invoke("train", "--resume", "b", "--seed", 1).exit_code == 2
    assert invoke("fly").exit_code == 2


def test_errors_are_one_line_and_destroy_nothing(invoke, tmp_path):
    (tmp_path / "typo.toml").write_text("[training]\nlearning_rte = 1\n")
    assert "training.learning_rte: unknown key" in one_line_error(invoke("train", "typo.toml"))
    assert not (tmp_path / "results").exists()
    assert "no recipe" in one_line_error(invoke("train", "absent.toml"))
    assert "no run directory" in one_line_error(invoke("analyze", "absent"))
    (tmp_path / "slow.toml").write_text("task = {name = 'PerceptualDecision', dt = 150.0}\n")
    assert "dt must be > 0 and at most tau" in one_line_error(invoke("train", "slow.toml"))
    assert not (tmp_path / "results").exists()
    (tmp_path / "results" / "demo").mkdir(parents=True)
    (tmp_path / "results" / "demo" / "notes.txt").write_text("mine")
    assert "not empty" in one_line_error(invoke("demo"))
    assert (tmp_path / "results" / "demo" / "notes.txt").read_text() == "mine"


def test_debug_shows_the_trace(invoke):
    assert isinstance(invoke("--debug", "analyze", "absent").exception, FileNotFoundError)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.battery)])
def test_a_signal_saves_and_says_how_to_resume(number, invoke, signals_spare_tests, tiny_toml, tmp_path, monkeypatch):
    """During the third of ten chunks, which is finished, and saved although no checkpoint is due."""
    text = tiny_toml.replace("steps = 60", "steps = 200").replace("checkpoint_every = 20", "checkpoint_every = 40")
    run = create_run(tmp_path / "long", parse_recipe(text))
    advance = Trainer._advance

    def interrupted(trainer, *words, **options):
        if trainer.history.n_steps == 40:
            os.kill(os.getpid(), number)
        advance(trainer, *words, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_advance", interrupted)
        said = invoke("--quiet", "train", "--resume", run.path)
    assert said.exit_code == 130, said.output
    again = f"eicon train --resume {run.path}"
    assert said.stderr == f"\nInterrupted. Progress is saved; resume with: {again}\n"
    assert run.read_record()["steps"] == 60
    assert read_history(run.checkpoint).n_steps == 60


@pytest.mark.battery
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_and_says_how_to_resume(number, interrupts_raise, tiny_toml, tmp_path):
    run = create_run(tmp_path / "long", parse_recipe(tiny_toml.replace("steps = 60", "steps = 1000000")))
    environment = {**os.environ, "COLUMNS": "200"}
    words = [sys.executable, "-m", "eicon", "--quiet", "train", "--resume", str(run.path)]
    process = subprocess.Popen(
        words,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    deadline = time.monotonic() + 90
    while not run.checkpoint.is_file() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    try:
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert f"resume with: eicon train --resume {run.path}" in said
    steps = run.read_record()["steps"]
    assert steps >= 20
    assert steps % 20 == 0


# connectomes


def test_connectomes_list(invoke, tmp_path):
    listed = invoke("connectomes", "list", "--folder", tmp_path)
    assert listed.exit_code == 0, listed.output
    here, elsewhere = listed.stdout.split("Not installed:")
    assert "celegans  Caenorhabditis elegans, 302 units" in here
    assert "get it: " in elsewhere
    entries = {entry["name"]: entry for entry in json.loads(invoke("connectomes", "list", "--json").stdout)}
    assert entries["celegans"]["n"] == 302
    assert entries["Marmoset_Normalized"]["licence"]


def test_connectomes_show(invoke, tmp_path):
    shown = invoke("connectomes", "show", "celegans")
    assert shown.exit_code == 0, shown.output
    assert "302 units" in shown.stdout
    assert "3,709 (density" in shown.stdout
    for word in ("cite         Cook et al. 2019", "licence  ", "36% reciprocated", "Units: ", "celegans.png"):
        assert word in shown.stdout
    assert (tmp_path / "celegans.png").read_bytes().startswith(b"\x89PNG")
    named = invoke("connectomes", "show", "larva_left", "--out", "pictures/larva.png")
    assert named.exit_code == 0, named.output
    assert (tmp_path / "pictures" / "larva.png").is_file()
    assert "no connectome 'unicorn'" in one_line_error(invoke("connectomes", "show", "unicorn"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["celegans.png", "celegans_numbers.csv", "pictures"]


# sweeps


@pytest.fixture
def sweep_file(sweep_toml, tmp_path):
    (tmp_path / "mine.toml").write_text(sweep_toml)
    return tmp_path / "mine.toml"


def test_sweep_dry_run_writes_nothing(invoke, sweep_file, tmp_path):
    words = ("sweep", sweep_file, "--dry-run", "--epochs", 7, "--repeats", 3, "--seed", 4, "--set", "network.remap=off")
    result = invoke(*words, "--set", "grid.network.activation=['relu', 'tanh']")
    assert result.exit_code == 0, result.output
    assert "12 runs of 14 steps of 10 trials, 12 units: about " in result.stderr
    recipe = parse_recipe(result.stdout)
    assert (recipe.training.epochs, recipe.grid["repeat"], recipe.seed) == (7, (0, 1, 2), 4)
    assert (recipe.network.remap, len(recipe.grid), recipe.n_cells) == ("off", 3, 12)
    published = invoke("--quiet", "sweep", sweep_file, "--dry-run", "--compat", "bio_rnn_mem")
    recipe = parse_recipe(published.stdout)
    assert (recipe.compat, recipe.trials.mean, published.stderr) == ("bio_rnn_mem", "batches", "")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


@pytest.mark.battery
def test_sweep_runs_goes_on_and_is_plotted(invoke, sweep_file, tmp_path, finished_sweep):
    small = ("sweep", sweep_file, "--workers", 0, "--epochs", 2)
    first = invoke("--quiet", *small, "--repeats", 1, "--out", "a", "--json")
    assert (first.exit_code, first.stderr) == (0, ""), first.output
    summaries = json.loads(first.stdout)
    assert [summary["combination"]["learner.learning_rate"] for summary in summaries] == [0.01, 0.001]
    again = invoke(*small, "--out", "a")
    assert again.exit_code == 0, again.output
    assert again.stdout.count("smallest validation loss") == 2
    assert "Plot them with: eicon plot a" in again.stdout
    random = invoke("--quiet", *small, "--out", "b", "--set", "connectome.null=permute")
    assert random.exit_code == 0, random.output

    plotted = invoke("plot", "a", "b", "--labels", "bio net", "random", "--out", "figures", "--ylabel", "MSE")
    assert plotted.exit_code == 0, plotted.output
    assert "bio net: 4 of 4 runs" in plotted.stdout
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    figures = {"boxes", "loss", "accuracy", "null_models", *(f"choices_{label}" for label in ("bio net", "random"))}
    tables = {"losses.csv", "differences.csv"}
    assert names == {f"{name}.{form}" for name in figures for form in ("png", "csv")} | tables
    rows = list(csv.DictReader((tmp_path / "figures" / "losses.csv").read_text().splitlines()))
    assert [row["label"] for row in rows] == ["bio net"] * 4 + ["random"] * 4
    assert list(rows[0])[:3] == ["label", "learning_rate", "repeat"]
    assert float(rows[0]["min_loss"]) == pytest.approx(summaries[0]["best_validation_loss"], rel=1e-5)

    compared = list(csv.DictReader((tmp_path / "figures" / "differences.csv").read_text().splitlines()))
    assert [(row["outcome"], row["original"], row["null"]) for row in compared] == [
        ("accuracy", "bio net", "random"),
        ("loss", "bio net", "random"),
    ]
    assert (compared[1]["n_pairs"], float(compared[1]["level"])) == ("4", 0.875)
    assert float(compared[1]["no_memory"]) == pytest.approx(1 / 12)
    said = plotted.stdout.partition("Does the wiring matter?\n")[2].splitlines()
    assert said[1].startswith(f"  loss, bio net minus random: {float(compared[1]['difference']):+.3g} [")
    assert "(88 % interval)" in said[1]
    listed = json.loads(invoke("plot", "a", "b", "--format", "svg", "--json").stdout)
    assert [row["n_pairs"] for row in listed["differences"]] == [4, 4]
    assert all(name.endswith(".svg") for name in listed["figures"])

    runs = [str(run.path) for run in open_sweep(tmp_path / "a").runs()]
    curves = invoke("plot", *runs, "--out", "curves", "--labels", *["fast"] * 2, *["slow"] * 2)
    assert curves.exit_code == 0, curves.output
    assert {path.name for path in (tmp_path / "curves").iterdir()} == {"learning.png", "learning.csv"}
    assert "fast (n = 2)" in (tmp_path / "curves" / "learning.csv").read_text()

    defaults = invoke("plot-losses", "a", str(finished_sweep.path))
    assert defaults.exit_code == 0, defaults.output
    assert (tmp_path / "a" / "figures" / "loss.png").is_file()
    assert create_sweep(tmp_path / "a", open_sweep(tmp_path / "a").recipe)

    wrong = invoke("plot", "a", "b", "--labels", "bio")
    assert "--labels needs one unique label per sweep (2); got ['bio']" in one_line_error(wrong)
    wrong = invoke("plot", "a", "b", "--labels", "bio", "bio")
    assert "--labels needs one unique label per sweep (2); got ['bio', 'bio']" in one_line_error(wrong)
    more = ("--set", "grid.learner.learning_rate=[0.01]", "--out", "c")
    assert invoke("--quiet", *small, *more).exit_code == 0
    different = invoke("plot", "a", "c")
    assert different.exit_code == 1
    assert "the sweeps 'a' and 'c' have different grids" in different.stderr
    assert invoke("plot", "--labels", "bio", "random").exit_code == 2


def test_a_summary_says_where_nothing_was_learned(capsys):
    def summary(loss, null, **combination):
        found = {"best_validation_loss": loss, "best_validation_accuracy": 0.4, "diverged": False, "chance": 1 / 3}
        return {**found, "null_loss": null, "combination": {**combination, "seed": 0}}

    _say_summaries(
        [
            *(summary(loss, 1 / 12, rate=1) for loss in (0.09, 0.1)),
            *(summary(loss, 1 / 12, rate=2) for loss in (0.05, 0.1)),
            *(summary(loss, 1 / 12, rate=3) for loss in (0.05, 0.06)),
            *(summary(loss, None, rate=4) for loss in (0.05, 0.06)),
        ]
    )
    said = [line.partition(": smallest validation loss ")[2] for line in capsys.readouterr().out.splitlines()]
    assert [line.partition(", best accuracy 40.0% (chance 33.3%)")[0] for line in said] == [
        "0.09 to 0.1 (no better than no memory, 0.0833)",
        "0.05 to 0.1 (1 of 2 no better than no memory, 0.0833)",
        "0.05 to 0.06 (no memory: 0.0833)",
        "0.05 to 0.06",
    ]


def test_sweep_errors_are_one_line_and_destroy_nothing(invoke, sweep_file, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    for words, message in (
        (("sweep", "absent.toml"), "there is no recipe absent.toml"),
        (("sweep", sweep_file, "--out", "taken"), "taken already exists and is not a sweep"),
        (("sweep", sweep_file, "--set", "network.remapp=off"), "network.remapp: unknown key; allowed: kind, "),
        (("sweep", sweep_file, "--set", "connectome.name=unicorn"), "no connectome 'unicorn'"),
        (("sweep", sweep_file, "--set", "connectome.name=unicorn", "--dry-run"), "no connectome 'unicorn'"),
        (("plot", "taken"), "taken is not the directory of a sweep"),
    ):
        assert message in one_line_error(invoke("--quiet", *words))
    assert (tmp_path / "taken" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "results").exists()
    assert invoke("sweep", sweep_file, "--workers", 1, "--scheduler", "x").exit_code == 2
    assert invoke("sweep", sweep_file, "--epochs", 0).exit_code == 2
    assert invoke("sweep", sweep_file, "--compat", "other").exit_code == 2
    assert invoke("sweep").exit_code == 2
    malformed = invoke("sweep", sweep_file, "--set", "network.remap")
    assert (malformed.exit_code, "--set takes KEY=VALUE" in malformed.stderr) == (2, True)
    assert invoke("plot").exit_code == 2


def test_a_sweep_without_a_validation_says_so(capsys):
    summary = {"combination": {}, "best_validation_loss": math.nan, "best_validation_accuracy": math.nan}
    _say_summaries([summary | {"diverged": False}] * 2)
    assert "all runs: no validation has been run" in capsys.readouterr().out


def test_arguments_in_messages_are_the_options_of_the_command(invoke, tmp_path):
    (tmp_path / "m.csv").write_text("0,1\n2,0\n")
    (tmp_path / "list.csv").write_text("source,target,weight\na,b,\nb,a,2\n")
    said = one_line_error(invoke("connectomes", "show", "m.csv"))
    assert "Pass --rows source, --rows target or --rows symmetric." in said
    assert "pass --missing 0 to read it" in one_line_error(invoke("connectomes", "show", "list.csv"))
    assert invoke("connectomes", "show", "list.csv", "--missing", 0).exit_code == 0
    said = one_line_error(invoke("connectomes", "show", "celegan"))
    assert "Did you mean celegans?" in said
    assert "The folder given by --folder or EICON_CONNECTOMES" in said


def test_plotting_a_sweep_without_a_finished_run(invoke, sweep_toml, tmp_path):
    create_sweep(tmp_path / "new", parse_recipe(sweep_toml, kind="sweep"))
    result = invoke("plot", "new")
    assert result.exit_code == 1
    assert "no run of 'new' is finished yet" in result.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["sweep.toml"]


@pytest.mark.battery
def test_config_ini_says_where_results_go(invoke, tmp_path, small_connectome):
    (tmp_path / "config.ini").write_text(
        f"[paths]\npath_to_results = there\n[net]\nnet_name = {small_connectome}\n[trainvalidate]\nepochs = 1\n"
        '[trialparams]\ntrial_params = {"task_name": "seq_mem", "nr_of_trials": 10}\n'
    )
    result = invoke("sweep", "config.ini", "--workers", 0)
    assert result.exit_code == 0, result.output
    assert "1 run of 1 step of 128 trials, 6 units: about " in result.stderr
    assert "all runs: smallest validation loss" in result.stdout
    assert (tmp_path / "there" / "runs" / "all" / "repeat=0" / "run.npz").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "sweep"),
        (("demo",), "--out"),
        (("train",), "--resume"),
        (("analyze",), "--repeats"),
        (("analyze",), "--condition NAME=VALUE"),
        (("report",), "RUN"),
        (("tasks",), "--json"),
        (("connectomes",), "show"),
        (("connectomes", "list"), "--folder"),
        (("connectomes", "show"), "eicon connectomes show celegans"),
        (("sweep",), "--compat"),
        (("plot",), "--labels LABEL ..."),
        (("recipe",), "--explain"),
        (("condense",), "--match-activity"),
        (("compare",), "with RUN_A as the reference"),
        (("perturb",), "--silence UNITS"),
        (("lesion",), "--units UNITS"),
        (("dt-report",), "--dt FLOAT"),
        (("reproduce",), "song2016"),
        (("reproduce", "song2016"), "--figure INTEGER"),
        (("completion",), "~/.bashrc"),
        (("explore",), "--no-open"),
        (("export",), "--to"),
    ],
)
def test_help_of_every_command(words, said, invoke):
    result = invoke(*words, "--help")
    assert result.exit_code == 0
    assert said in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_the_help_of_no_command_is_missing():
    tested = {
        "demo",
        "train",
        "fit",
        "recording",
        "analyze",
        "report",
        "tasks",
        "connectomes",
        "sweep",
        "plot",
        "recipe",
        "condense",
        "compare",
        "perturb",
        "lesion",
        "dt-report",
        "reproduce",
        "completion",
        "explore",
        "export",
    }
    assert {name for name, command in main.commands.items() if not command.hidden} == tested
    assert {name for name, command in main.commands.items() if command.hidden} == {"plot-losses"}


def test_a_training_that_cannot_begin_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signed.toml").write_text('format = 2\n[network]\nkind = "connectome"\nremap = "signed"\n')
    (tmp_path / "empty").mkdir()
    for out in ("new", "empty"):
        said = CliRunner().invoke(main, ["train", "signed.toml", "--out", out])
        assert said.exit_code == 1
        assert "but the signs of 263 of the 302 units are given" in said.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["signed.toml"]


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(**_):
        raise PermissionError(errno.EACCES, "Permission denied", ".network.npz.x4f.part")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with (
        pytest.raises(PermissionError, match="Permission denied: .*/network.npz'$"),
        atomic_file(tmp_path / "network.npz"),
    ):
        pass
