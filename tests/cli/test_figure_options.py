"""Figures of commands: their form, style and numbers."""

import csv
import json
import re
import shutil
import zlib

import click
import pytest
from click.testing import CliRunner

from eicon.cli import main

pytestmark = pytest.mark.battery

DRAWS = {
    "demo",
    "plot",
    "analyze",
    "perturb",
    "compare",
    "condense",
    "reproduce song2016",
    "connectomes show",
    "recording show",
    "reproduce beiran2025",
}


def commands(group=main, before=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        elif not command.hidden:
            yield " ".join((*before, name)), {option for one in command.params for option in one.opts}


def test_every_command_that_draws_has_forms_dots_and_styles():
    wanted = {"--format", "--dpi", "--style"}
    assert {name for name, options in commands() if wanted <= options} == DRAWS


@pytest.fixture(scope="module")
def printed(trained_run, tmp_path_factory):
    """A copy of the run, analysed for print."""
    run = shutil.copytree(trained_run[0].path, tmp_path_factory.mktemp("printed") / "tiny")
    shutil.rmtree(run / "figures")
    words = ["analyze", str(run), "--repeats", "4", "--style", "paper", "--format", "pdf", "--quiet"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return run


def test_analyze_writes_pdf_with_live_text_and_numbers(printed):
    drawn = json.loads((printed / "analysis.json").read_text())["figures"]
    for name in drawn:
        content = (printed / "figures" / f"{name}.pdf").read_bytes()
        packed = re.findall(rb"FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", content, re.S)
        streams = b"\n".join(zlib.decompress(one) for one in packed)
        assert b"/CIDFontType2" in content + streams
        assert not re.search(rb"/Subtype\s*/Type3", content + streams)
        wide = float(re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+)", content)[1]) / 72 * 25.4
        assert min(abs(wide - column) for column in (85, 114, 180)) < 0.1
        with (printed / "figures" / f"{name}.csv").open(newline="") as lines:
            assert next(iter(csv.DictReader(lines)))["mark"]


def test_the_report_shows_what_was_drawn_for_print(printed):
    done = CliRunner().invoke(main, ["report", str(printed)])
    assert done.exit_code == 0, done.output
    drawn = json.loads((printed / "analysis.json").read_text())["figures"]
    shown = (printed / "report.html").read_text().count("data:image/png")
    assert shown >= len(set(drawn) - {"overview"})


def test_a_connectome_of_somebody_is_not_overwritten_by_the_numbers_of_its_figure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.csv").write_text("0,1,2\n1,0,1\n2,1,0\n")
    done = CliRunner().invoke(main, ["connectomes", "show", "own.csv", "--rows", "source", "--format", "svg"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "own.csv").read_text() == "0,1,2\n1,0,1\n2,1,0\n"
    assert {path.name for path in tmp_path.iterdir()} == {"own.csv", "own.svg", "own_numbers.csv"}


@pytest.mark.parametrize(("option", "value"), [("--format", "jpg"), ("--dpi", "0"), ("--style", "poster")])
def test_other_forms_are_wrong_usage(option, value):
    assert CliRunner().invoke(main, ["connectomes", "show", "celegans", option, value]).exit_code == 2


def test_options_of_the_dose_curve_belong_to_doses(trained_run):
    for options in (["--format", "pdf"], ["--dpi", "300"], ["--style", "paper"], ["--out", "figures"]):
        done = CliRunner().invoke(main, ["perturb", str(trained_run[0].path), "--silence", "E", *options])
        assert done.exit_code == 2
        assert f"{options[0]} applies to the dose curve" in done.output


def test_plot_says_what_cannot_be_drawn(trained_run, tmp_path):
    run = str(trained_run[0].path)
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.toml").write_text("")
    (tmp_path / "file").write_text("")
    untrained = tmp_path / "lesioned"
    made = CliRunner().invoke(main, ["lesion", run, "--units", "0", "--out", str(untrained)])
    assert made.exit_code == 0, made.output
    for words, code, said in (
        ([run, str(tmp_path / "sweep")], 1, "sweeps or runs, not both at once"),
        ([run, str(tmp_path / "missing")], 1, "there is no directory"),
        ([run, str(untrained)], 1, "has no learning curve, because it is not trained yet"),
        ([run, "--out", str(tmp_path / "file")], 2, "is a file"),
    ):
        done = CliRunner().invoke(main, ["plot", *words])
        assert (done.exit_code, said in done.output) == (code, True), done.output
