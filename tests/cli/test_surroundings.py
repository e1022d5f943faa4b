"""The command where it is not at home: it works, or one line names the cause."""

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import jax
import pytest
from click.testing import CliRunner

from eicon import _interrupts
from eicon._cache import cache_settings
from eicon._hints import hint
from eicon.cli import _surroundings
from eicon.cli._common import command, errors

pytestmark = pytest.mark.battery

EICON = [sys.executable, "-m", "eicon"]
PATIENCE = 120.0
HOMES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "BRAINEVENT_CACHE_DIR")
NO_HOME = {"HOME": os.devnull, "EICON_CACHE": "on"}
NO_FOLDER = {"XDG_CACHE_HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull, "MPLCONFIGDIR": os.devnull}
PATH = "my run Δ"
SHOW = ["connectomes", "show", "celegans", "--out", "Δ.png"]

NOTEBOOK, WINDOWS = {"MPLBACKEND": "module://not.there"}, {"PYTHONIOENCODING": "cp1252"}

WORKS = [
    pytest.param(NOTEBOOK | WINDOWS | NO_HOME, SHOW, id="all at once"),
    pytest.param(NOTEBOOK, SHOW, id="notebook"),
    pytest.param({"MPLBACKEND": "garbage"}, ["tasks"], id="no backend"),
    pytest.param(WINDOWS, SHOW, id="Windows"),
    pytest.param(NO_HOME, SHOW, id="no home"),
    pytest.param(NO_HOME | NO_FOLDER, ["report", PATH], id="no folder"),
    pytest.param({"TERM": "dumb"}, ["tasks"], id="dumb terminal"),
    pytest.param({"JAX_PLATFORMS": ""}, ["tasks"], id="any platform"),
    pytest.param({"LC_ALL": "C"}, ["report", PATH], id="C"),
    pytest.param({"PYTHONIOENCODING": "ascii"}, ["report", PATH], id="ASCII"),
    pytest.param(WINDOWS, ["report", PATH], id="Windows, run"),
    pytest.param(NO_HOME, ["tasks"], id="no home, run"),
]
"""Variables, and a command that works with them as it does without."""

PLATFORMS = [("JAX_PLATFORMS", "cuda"), ("JAX_PLATFORMS", "gpu"), ("JAX_PLATFORMS", "a"), ("JAX_PLATFORM_NAME", "gpu")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_toml):
    """A folder with a recipe."""
    path = tmp_path_factory.mktemp("surroundings")
    (path / "tiny.toml").write_text(tiny_toml.replace("steps = 60", "steps = 20"))
    return path


@pytest.fixture(scope="module")
def run(folder, trained_run):
    """A run in it, whose name not every console can show."""
    return shutil.copytree(trained_run[0].path, folder / PATH)


def environment(changes):
    """That of this process, without its folders where others are given."""
    kept = {name: value for name, value in os.environ.items() if not (name in HOMES and "HOME" in changes)}
    return {**kept, **changes}


def eicon(folder, words, changes=None, **options):
    return subprocess.run(
        [*EICON, *words],
        cwd=folder,
        env=environment(changes or {}),
        capture_output=True,
        timeout=PATIENCE,
        **options,
    )


@pytest.mark.parametrize(("changes", "words"), WORKS)
def test_what_works(changes, words, folder, request):
    if PATH in words:
        request.getfixturevalue("run")
    done = eicon(folder, ["--quiet", *words], changes)
    assert (done.returncode, done.stderr) == (0, b"")
    encoding = changes.get("PYTHONIOENCODING", "utf-8").replace("ascii", "utf-8")  # which click writes then
    wanted = {"tasks": "PerceptualDecision", "connectomes": f"Picture: {words[-1]}"}
    wanted["report"] = str(Path(words[-1]) / "report.html")
    shown = "\\u0394" if encoding == "cp1252" else "Δ"
    assert wanted[words[0]].replace("Δ", shown) in done.stdout.decode(encoding)


@pytest.mark.parametrize(("name", "value"), PLATFORMS)
def test_a_platform_that_is_not_there_is_named(name, value, folder, run):
    done = eicon(folder, ["--quiet", "analyze", PATH], {name: value})
    assert (done.returncode, done.stdout) == (1, b"")
    said = done.stderr.decode()
    assert said.startswith(f"error: JAX has no such platform here: the environment sets {name}={value}. Unset it, or")
    assert said.count("\n") == 1


def test_other_errors_do_not_blame_the_platform(monkeypatch):
    monkeypatch.delenv("JAX_PLATFORM_NAME", raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert _surroundings.why_no_platform() is None

    def none():
        raise AssertionError

    monkeypatch.setattr(jax, "devices", none)
    assert "platform here: the environment sets JAX_PLATFORMS=cpu" in _surroundings.why_no_platform()
    monkeypatch.delenv("JAX_PLATFORMS")
    assert _surroundings.why_no_platform() is None


def test_without_any_home_there_is_no_cache(monkeypatch):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert cache_settings({}) == {}


def test_a_folder_that_cannot_be_written_is_named():
    done = eicon("/proc", ["--quiet", "connectomes", "show", "celegans"])
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert b"celegans.png" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="written for a POSIX shell")
@pytest.mark.parametrize(
    ("shell", "said"),
    [
        ("connectomes list | head -n 1", b"Available:\n"),
        ("connectomes list >&-", b""),
        pytest.param("train tiny.toml --out errors 2>&-", b"Trained: errors"),
        pytest.param("train tiny.toml --out all >&- 2>&- <&-; echo $?", b"0"),
    ],
)
def test_nobody_reads_what_is_said(shell, said, folder):
    command = f'"{sys.executable}" -m eicon {shell}'
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert said in done.stdout
    if "--out" in shell:
        assert (folder / shell.split("--out ")[1].split()[0] / "network.npz").is_file()


# hints


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("eicon", "analyze", Path("results/first")), "eicon analyze results/first"),
        (("eicon", "train", "--resume", Path("my run")), "eicon train --resume 'my run'"),
        (("eicon", "analyze", Path("-first")), "eicon analyze ./-first"),
        (("eicon", "analyze", Path("it's; rm $HOME")), "eicon analyze 'it'\"'\"'s; rm $HOME'"),
    ],
)
def test_hints_can_be_pasted(words, said):
    assert hint(*words) == said


def test_the_hint_after_an_interrupt_is_quoted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-my run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "-my run" / "checkpoints" / "latest.npz").touch()
    said = invoked(lambda: os.kill(os.getpid(), signal.SIGTERM), Path("-my run"))
    assert said.stderr.endswith("resume with: eicon train --resume './-my run'\n")


# signals


def invoked(work, run=None):
    """A command that does this, and then takes a second."""

    @command()
    @click.pass_context
    def doing(context):
        """Do it."""
        with errors(context, run):
            work()
            time.sleep(1)

    return CliRunner().invoke(doing, [])


def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)


EARLY = """
import os, sys
import eicon.__main__ as entry

module, number = sys.argv[1:]

def interrupt(event, about):
    if event == "import" and about[0] == module:
        os.kill(os.getpid(), int(number))

sys.addaudithook(interrupt)
sys.argv = ["eicon", "tasks"]
entry.main()
"""


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("eicon.cli", signal.SIGINT),
        ("eicon.cli._runs", signal.SIGTERM),
        ("click", signal.SIGTERM),
        pytest.param("numpy._core._multiarray_umath", signal.SIGINT),
        pytest.param("jax._src.xla_bridge", signal.SIGTERM),
    ],
)
def test_a_signal_while_modules_are_imported_is_one_line(module, number, interrupts_raise):
    words = [sys.executable, "-c", EARLY, module, str(int(number))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)
    # The last import may be that of the listing, which is done by then: it is there, and the exit code says the rest.
    assert (done.returncode, done.stderr) == (130, "\nInterrupted.\n")


def test_what_is_being_imported_is_imported_first(signals_spare_tests, tmp_path, monkeypatch):
    (tmp_path / "swallows.py").write_text(
        "import os, time\ntry:\n    os.kill(os.getpid(), 15)\n    time.sleep(0.2)\nexcept BaseException:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "swallows", raising=False)
    said = invoked(lambda: importlib.import_module("swallows"))
    assert (said.stderr, said.exit_code) == ("\nInterrupted.\n", 130)
    assert sys.modules.pop("swallows").__file__


def test_a_signal_that_still_waits_at_the_end_ends_the_command(signals_spare_tests, tmp_path, monkeypatch):
    (tmp_path / "quick.py").write_text("import os\nos.kill(os.getpid(), 15)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "quick", raising=False)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    said = invoked(lambda: importlib.import_module("quick"))
    assert (said.stderr, said.exit_code) == ("\nInterrupted.\n", 130)


def test_an_interrupt_that_was_dropped_ends_the_command(signals_spare_tests):
    def drops():
        with contextlib.suppress(KeyboardInterrupt):
            send(signal.SIGTERM)
            time.sleep(1)

    said = invoked(drops)
    assert (said.stderr, said.exit_code) == ("\nInterrupted.\n", 130)


def test_what_drops_exceptions_is_done_first(signals_spare_tests):
    class Freed:
        def __del__(self):
            send(signal.SIGTERM)
            time.sleep(0.2)

    said = invoked(lambda: Freed() and None)
    assert (said.stderr, said.exit_code) == ("\nInterrupted.\n", 130)


def test_an_error_that_an_interrupt_became_is_none(signals_spare_tests):
    def computes():
        try:
            send(signal.SIGTERM)
            time.sleep(1)
        except KeyboardInterrupt:
            raise RuntimeError("INTERNAL: CpuCallback error: KeyboardInterrupt") from None

    said = invoked(computes)
    assert (said.stderr, said.exit_code) == ("\nInterrupted.\n", 130)


def test_a_second_signal_does_not_disturb_what_is_being_saved(signals_spare_tests, monkeypatch):
    saved = []

    def saves():
        try:
            send(signal.SIGTERM)
            time.sleep(1)
        except KeyboardInterrupt:
            send(signal.SIGTERM, signal.SIGINT)
            saved.append(1)
            raise

    said = invoked(saves)
    assert (said.exit_code, said.stderr, saved) == (130, "\nInterrupted.\n", [1])
    monkeypatch.setattr(_interrupts, "SECONDS_OF_ONE_INTERRUPT", 0.0)
    assert invoked(saves).exit_code == 130
    assert saved == [1], "when some time has passed, a signal is another one"


def test_signals_that_are_ignored_stay_so():
    """As in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        said = invoked(lambda: send(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert (said.exit_code, said.stderr) == (0, "")


def test_a_run_that_gets_two_signals_is_stopped(tiny_toml, tmp_path):
    (tmp_path / "long.toml").write_text(tiny_toml.replace("steps = 60", "steps = 1000000"))
    words = [*EICON, "--quiet", "train", "long.toml", "--out", "run"]
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "run" / "checkpoints" / "latest.npz").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    for _ in range(5):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    try:
        said = process.communicate(timeout=PATIENCE)[1]
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert said == "\nInterrupted. Progress is saved; resume with: eicon train --resume run\n"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "stopped: KeyboardInterrupt"
