"""What all commands have in common: output for machines, quiet, seeds, colours, completion, exit codes."""

import json
import os
import shutil
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from eicon import runs
from eicon.cli import main
from eicon.cli._common import command, errors
from eicon.tasks import _table


@pytest.fixture(scope="module")
def trained(trained_run, tmp_path_factory, tiny_toml):
    """Directory with a trained run ``first``, and what the command says of it."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "tiny.toml").write_text(tiny_toml)
    shutil.copytree(trained_run[0].path, folder / "first")
    result = CliRunner().invoke(main, ["train", "--resume", str(folder / "first"), "--json"])
    assert result.exit_code == 0, result.output
    return folder, json.loads(result.stdout)


@pytest.fixture(scope="module")
def analysed(trained):
    """What the command prints of its analysis."""
    words = ["analyze", str(trained[0] / "first"), "--repeats", "10", "--seed", "7", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def invoke(trained, monkeypatch):
    monkeypatch.chdir(trained[0])
    return lambda *words, **settings: CliRunner().invoke(main, [str(word) for word in words], **settings)


def every_command():
    for name, one in main.commands.items():
        if isinstance(one, click.Group):
            yield from (((name, inner), leaf) for inner, leaf in one.commands.items())
        elif not one.hidden:
            yield (name,), one


def test_every_command_has_the_shared_options_and_examples():
    for words, one in every_command():
        options = {text for parameter in one.params for text in parameter.opts}
        assert {"--quiet", "--debug"} <= options, words
        if words not in {("completion",), ("sweep",)}:
            assert "--json" in options, words
        assert "eicon " + " ".join(words) in one.help + (one.epilog or ""), f"{words} has no example"


def test_every_command_with_randomness_takes_a_seed():
    without = {("report",), ("tasks",), ("connectomes", "list"), ("connectomes", "show"), ("plot",), ("recipe",)}
    without |= {("recording", "show"), ("reproduce", "beiran2025")}  # whose seeds are those of its results
    for words, one in every_command():
        options = {text for parameter in one.params for text in parameter.opts}
        if words not in without | {("completion",)}:
            assert {"--seed", "--seeds"} & options, words


def test_summaries_of_commands_are_whole():
    listed = CliRunner().invoke(main, ["--help"], terminal_width=80).stdout
    assert "..." not in listed.partition("Commands:")[2]
    assert listed.index("  demo") < listed.index("  train") < listed.index("  analyze")
    assert "Exit codes: 0 done; 1 error" in listed


def test_json_is_all_there_is_on_standard_output(invoke, trained, analysed):
    assert trained[1]["status"] == "trained"
    assert trained[1]["network"].endswith("network.npz")
    assert json.loads(analysed)["seed"] == 7
    assert json.loads(invoke("report", "first", "--json").stdout) == {"report": "first/report.html"}
    shown = json.loads(invoke("connectomes", "show", "celegans", "--json").stdout)
    assert (shown["n"], shown["connections"], len(shown["units"])) == (302, 3709, 302)
    assert 0.3 < shown["reciprocated"] < 0.5


@pytest.mark.battery
def test_the_seed_fixes_trials_and_noise(invoke):
    def rates(*words):
        result = invoke("perturb", "first", "--silence", "I", "--repeats", 10, "--json", *words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)[0]["mean_rate"]

    own, other = rates(), rates("--seed", 1)
    assert own == rates("--seed", 3)  # as the configuration has it
    assert other != own
    assert other == rates("--seed", 1)


def test_a_condensation_does_not_go_on_with_another_seed(invoke):
    words = ("condense", "first", "--to", 15, "--retrain", 0, "--out", "small", "--json", "--quiet")
    assert invoke(*words, "--seed", 1).exit_code == 0
    refused = invoke(*words, "--seed", 2)
    assert refused.exit_code == 1
    assert "small contains a different condensation; choose another --out" in refused.stderr


def test_quiet_and_debug_stand_before_or_after_the_command(invoke, analysed, monkeypatch):
    """With an analysis that is done already, and only says what it was asked to show."""

    def done(run, *, dynamics, **_):
        click.echo(f"progress: {dynamics.progress}")
        return json.loads(analysed)

    monkeypatch.setattr(runs, "analyze_run", done)
    analyze = ("analyze", "first", "--repeats", 10, "--spectra")
    said = invoke(*analyze)
    assert "Analysing" in said.stderr
    assert "progress: True" in said.stdout
    for words in (("--quiet", *analyze), (*analyze, "--quiet")):
        said = invoke(*words)
        assert (said.exit_code, said.stderr) == (0, "")
        assert "progress: False" in said.stdout
    for words in (("--debug", "analyze", "absent"), ("analyze", "absent", "--debug")):
        assert isinstance(invoke(*words).exception, FileNotFoundError)


def test_a_file_is_no_run(invoke):
    refused = invoke("analyze", "tiny.toml")
    assert refused.exit_code == 2
    assert "'tiny.toml' is a file" in refused.stderr


def test_no_colour_where_it_is_not_wanted(invoke):
    assert "\x1b[" in invoke("tasks", color=True).stdout
    assert "\x1b[" not in invoke("tasks").stdout
    assert "\x1b[" not in invoke("tasks", color=True, env={"NO_COLOR": "1"}).stdout


def test_a_fault_of_eicon_is_said_to_be_one(invoke, monkeypatch):
    def broken():
        raise KeyError("units")

    monkeypatch.setattr(_table, "describe", broken)
    said = invoke("tasks")
    assert said.exit_code == 1
    assert said.stderr == (
        "error: KeyError: 'units' (this is a bug in eicon; rerun with --debug and please report it)\n"
    )
    assert isinstance(invoke("tasks", "--debug").exception, KeyError)


def test_a_missing_extra_is_an_error_in_one_line(invoke, monkeypatch, sweep_toml, trained):
    (trained[0] / "sweep.toml").write_text(sweep_toml)
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = invoke("sweep", "sweep.toml", "--scheduler", "tls://nowhere:8786", "--quiet")
    assert said.exit_code == 1
    assert 'pip install -e ".[sweep]" in the clone' in said.stderr
    assert said.stderr.count("\n") == 1


def test_an_exit_code_asked_for_inside_is_not_an_error():
    @command()
    @click.pass_context
    def disagree(context):
        with errors(context):
            context.exit(1)

    result = CliRunner().invoke(disagree, [])
    assert (result.exit_code, result.output) == (1, "")


@pytest.mark.battery
def test_a_reader_that_goes_away_is_no_error():
    shell = f"set -o pipefail; {sys.executable} -m eicon tasks | head -c 1"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def completed(*words):
    environment = {
        **os.environ,
        "_EICON_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["eicon", *words]),
        "COMP_CWORD": str(len(words)),
    }
    result = CliRunner().invoke(main, [], env=environment, prog_name="eicon")
    return [line.split(",")[1] for line in result.stdout.splitlines()]


def test_completion_of_commands_options_and_connectomes(invoke):
    assert completed("tr") == ["train"]
    assert completed("connectomes", "show", "cel") == ["celegans"]
    assert "--fixed-points" in completed("analyze", "--f")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell):
    script = CliRunner().invoke(main, ["completion", shell])
    assert script.exit_code == 0, script.output
    assert f"_EICON_COMPLETE={shell}_complete" in script.stdout
    assert CliRunner().invoke(main, ["completion"], env={"SHELL": f"/bin/{shell}"}).stdout == script.stdout


def test_completion_for_an_unknown_shell():
    said = CliRunner().invoke(main, ["completion"], env={"SHELL": "/bin/tcsh"})
    assert said.exit_code == 1
    assert "no completion for the shell 'tcsh'; choose one of bash, zsh, fish" in said.stderr


def test_bash_completes_with_the_script():
    words = '. <("$0" -m eicon completion bash); type -t _eicon_completion; complete -p eicon'
    done = subprocess.run(["bash", "-c", words, sys.executable], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["function", "complete -o nosort -F _eicon_completion eicon"]
