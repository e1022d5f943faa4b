"""Compiled programs that the command keeps from one process to the next."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eicon import _cache
from eicon._cache import FOLDER, LEAST_SECONDS, cache_settings

pytestmark = pytest.mark.battery


@pytest.fixture
def home(tmp_path):
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def outside(home):
    """Environment of a user's process, without the compiled programs that the tests share."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_COMP", "JAX_PERS"))}
    return {**kept, **home, "EICON_CACHE": "on"}


def test_a_folder_per_user_version_and_machine(home, monkeypatch):
    found = cache_settings(home)
    folder = Path(found[FOLDER])
    assert folder.is_dir()
    assert folder.parent == Path(home["XDG_CACHE_HOME"]) / "eicon"
    assert re.fullmatch(r"jax-[\w.]+-[0-9a-f]{12}", folder.name)
    assert found[LEAST_SECONDS] == "0.1"
    assert cache_settings(home) == found
    assert cache_settings(home | found) == found, "as in a process that this one starts"
    assert cache_settings(home | {"NPROC": "1"}) != found, "the number of threads decides about the last bits"
    monkeypatch.setattr(_cache, "_processor", lambda: "another one")
    assert cache_settings(home) != found


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_where_folders_of_users_are(system, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    parts = {"linux": ".cache", "darwin": "Library/Caches", "win32": "AppData/Local"}
    assert Path(cache_settings({})[FOLDER]).parent == tmp_path / parts[system] / "eicon"


def test_when_it_is_off(home):
    assert cache_settings(home | {"EICON_CACHE": "off"}) == {}
    assert cache_settings(home | {"SLURM_JOB_ID": "7"}) == {}
    assert cache_settings(home | {FOLDER: "/somewhere/of/mine"}) == {}, "JAX reads the variable itself"
    assert not Path(home["XDG_CACHE_HOME"]).exists()
    assert cache_settings(home | {"SLURM_JOB_ID": "7", "EICON_CACHE": "on"})
    assert cache_settings(home | {LEAST_SECONDS: "3"})[LEAST_SECONDS] == "3"


def test_a_folder_that_cannot_be_written(home, monkeypatch):
    Path(home["XDG_CACHE_HOME"]).write_text("a file")
    assert cache_settings(home) == {}
    Path(home["XDG_CACHE_HOME"]).unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root
    assert cache_settings(home) == {}


def test_it_does_not_grow_for_ever(home, monkeypatch):
    folder = Path(cache_settings(home)[FOLDER])
    for age in range(4):
        (folder / str(age)).write_bytes(bytes(100))
        os.utime(folder / str(age), (1e9 - age, 1e9 - age))
    monkeypatch.setattr(_cache, "MOST_BYTES", 250)
    cache_settings(home)
    assert sorted(path.name for path in folder.iterdir()) == ["0", "1"]


def test_nothing_is_changed_where_jax_is_there_already(monkeypatch, home):
    monkeypatch.setenv("EICON_CACHE", "on")
    monkeypatch.setenv("XDG_CACHE_HOME", home["XDG_CACHE_HOME"])
    before = dict(os.environ)
    _cache.use_cache()
    assert dict(os.environ) == before


def test_importing_eicon_keeps_nothing(home, outside):
    code = "import eicon, jax; eicon.RateRNN.dale(2, 5, 2); print(jax.config.jax_compilation_cache_dir)"
    done = subprocess.run([sys.executable, "-c", code], env=outside, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
    assert not (Path(home["XDG_CACHE_HOME"]) / "eicon").exists()


def test_a_second_process_compiles_less_and_damage_changes_nothing(home, outside, tiny_toml, trained_run, tmp_path):
    (tmp_path / "tiny.toml").write_text(tiny_toml)
    environment = {**outside, LEAST_SECONDS: "0"}

    def train(name, **more):
        words = [sys.executable, "-m", "eicon", "--quiet", "train", "tiny.toml", "--out", name]
        return subprocess.run(
            words, cwd=tmp_path, env=environment | more, capture_output=True, text=True, check=True
        ).stderr

    logged = {"JAX_DEBUG_LOG_MODULES": "jax._src.compiler"}
    found = {"first": train("first", **logged), "second": train("second", **logged)}
    misses = {name: set(re.findall(r"(?i)cache miss for '(\w+)'", text)) for name, text in found.items()}
    hits = set(re.findall(r"(?i)cache hit for '(\w+)'", found["second"]))
    programs = {"jit_steps", "jit_draw", "jit_run", "jit_scores", "jit_trials"}
    assert programs <= misses["first"]
    assert misses["second"] == set()
    assert programs <= hits
    for path in Path(home["XDG_CACHE_HOME"]).glob("eicon/*/*"):
        path.write_bytes(path.read_bytes()[:40])
    assert train("third") == ""
    assert train("off", EICON_CACHE="off") == ""
    networks = {(tmp_path / name / "network.npz").read_bytes() for name in ("first", "second", "third", "off")}
    assert networks == {trained_run[0].network.read_bytes()}
