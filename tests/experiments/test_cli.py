import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from eicon import __version__
from eicon.cli import main
from eicon.experiments import create_run, open_run, parse_config


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def one_line_error(result):
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_help_and_version_need_no_heavy_import():
    code = (
        "import sys; from click.testing import CliRunner; from eicon.cli import main;"
        "r = CliRunner().invoke(main, ['--help']); assert r.exit_code == 0, r.output;"
        "heavy = {'jax', 'brainpy', 'matplotlib', 'numpy', 'pydantic'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert __version__ in CliRunner().invoke(main, ["--version"]).output


def test_python_m_eicon():
    result = subprocess.run([sys.executable, "-m", "eicon", "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    assert "demo" in result.stdout


def test_tasks(invoke):
    assert "PerceptualDecision" in invoke("tasks").stdout
    described = json.loads(invoke("tasks", "--json").stdout)
    assert described["PerceptualDecision"]["parameters"]["stimulus"] == 800.0


def test_train_analyze_report(invoke, tiny_toml, tmp_path):
    (tmp_path / "mine.toml").write_text(tiny_toml)
    trained = invoke("--quiet", "train", "mine.toml", "--seed", 9)
    assert trained.exit_code == 0, trained.output
    assert "results/mine/network.npz" in trained.stdout
    assert open_run("results/mine").config.seed == 9
    analyzed = invoke("analyze", "results/mine", "--repeats", 5, "--json")
    assert analyzed.exit_code == 0, analyzed.output
    assert json.loads(analyzed.stdout)["certificate"]["ok"]
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
    assert "no configuration file" in one_line_error(invoke("train", "absent.toml"))
    assert "no run directory" in one_line_error(invoke("analyze", "absent"))
    (tmp_path / "slow.toml").write_text("task = {name = 'PerceptualDecision', dt = 150.0}\n")
    assert "dt must be in (0, tau]" in one_line_error(invoke("train", "slow.toml"))
    assert not (tmp_path / "results").exists()
    (tmp_path / "results" / "demo").mkdir(parents=True)
    (tmp_path / "results" / "demo" / "notes.txt").write_text("mine")
    assert "not empty" in one_line_error(invoke("demo"))
    assert (tmp_path / "results" / "demo" / "notes.txt").read_text() == "mine"


def test_debug_shows_the_trace(invoke):
    assert isinstance(invoke("--debug", "analyze", "absent").exception, FileNotFoundError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_and_says_how_to_resume(number, interrupts_raise, tiny_toml, tmp_path):
    run = create_run(tmp_path / "long", parse_config(tiny_toml.replace("steps = 60", "steps = 1000000")))
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
    assert f"go on with: eicon train --resume {run.path}" in said
    steps = run.read_record()["steps"]
    assert steps >= 20
    assert steps % 20 == 0
