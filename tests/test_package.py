"""What is released: wheel and sdist hold what they should, and work outside of the checkout without any extra."""

import os
import subprocess
import sys
import tarfile
import zipfile
from datetime import date
from pathlib import Path

import pytest

from eicon._version import __date__, __version__

ROOT = Path(__file__).parents[1]
EXTRAS = ("brainpy_datasets", "dask", "distributed", "mlxtend", "plotly", "pynwb", "seaborn", "torch", "xarray", "zarr")
BUILD = """
import sys
from hatchling.build import build_sdist, build_wheel
build_wheel(sys.argv[1])
build_sdist(sys.argv[1])
"""
HIDE = f"""
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def build(checkout, out):
    subprocess.run([sys.executable, "-c", BUILD, str(out)], cwd=checkout, check=True, capture_output=True)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(released, tmp_path_factory):
    """The wheel alone, in a directory of its own, as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(released[0]) as wheel:
        wheel.extractall(folder)
    return folder


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def elsewhere(unpacked, folder, *words):
    """Run Python in another directory, where eicon is that of the wheel and no extra can be imported."""
    (folder / "sitecustomize.py").write_text(HIDE)
    environment = {**os.environ, "PYTHONPATH": f"{unpacked}{os.pathsep}{folder}", "PYTHONSAFEPATH": "1"}
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *words], cwd=work, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_all_of_eicon_and_nothing_else(released):
    tracked = subprocess.run(["git", "ls-files", "eicon"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout (an unpacked sdist)")
    held = contents(released[0])
    assert set(tracked.stdout.split()) - held == set()
    assert "eicon/py.typed" in held
    assert all(name.startswith("eicon/") for name in held)


def test_the_sdist_gives_the_same_wheel(released, tmp_path):
    with tarfile.open(released[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for name in ("tests/conftest.py", "notebooks", "docs", "README.md", "LICENSE", "Makefile", "constraints.txt"):
        assert (source / name).exists(), name
    out = tmp_path / "dist"
    out.mkdir()
    assert contents(build(source, out)[0]) == contents(released[0])


def test_the_citation_has_the_version_and_the_release_date():
    lines = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    cited = dict(line.split(": ", 1) for line in lines if line.startswith(("version: ", "date-released: ")))
    released = {} if __date__ == "unreleased" else {"date-released": date.fromisoformat(__date__).isoformat()}
    assert cited == {"version": __version__} | released


@pytest.mark.battery
def test_it_works_without_extras_outside_of_the_checkout(unpacked, tmp_path):
    code = (
        "import eicon, pkgutil, importlib\n"
        "for room in pkgutil.iter_modules(eicon.__path__, 'eicon.'):\n"
        "    if not room.name.endswith('__main__'): importlib.import_module(room.name)\n"
        "print(eicon.__file__)\n"
    )
    imported = elsewhere(unpacked, tmp_path, "-W", "error", "-c", code)
    assert imported.stderr == ""
    assert Path(imported.stdout.strip()) == unpacked / "eicon" / "__init__.py"
    (tmp_path / "tiny.toml").write_text("[network]\nn_rec = 10\n[training]\nsteps = 20\nbatch_size = 4\n")
    trained = elsewhere(unpacked, tmp_path, "-m", "eicon", "train", "../tiny.toml", "--out", "run")
    assert trained.returncode == 0, trained.stderr
    analyzed = elsewhere(unpacked, tmp_path, "-m", "eicon", "analyze", "run", "--repeats", "2")
    assert analyzed.returncode == 0, analyzed.stderr
