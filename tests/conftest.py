"""Shared by all rooms: silent broadcasting is refused, float64 is a fixture, and so are small runs and a sweep."""

import atexit
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

# Nearly all time of these tests is compilation, of programs that then run for milliseconds; this halves it. It is read
# when JAX starts; what is compared with eicon 0.1.0 has the optimisation that users have. A jaxlib
# that does not know a flag ends the process without a word, so that none but the one of constraints.txt gets them.
if version("jaxlib").startswith("0.10."):
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
        " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
    )

os.environ.setdefault("EICON_CACHE", "off")  # commands in processes of their own leave nothing in the user's folder

# Equal programs are compiled once, whoever traces them: other tests, the other worker, commands in processes of their
# own. JAX writes an entry in place; one that is read half-written is compiled again, with a warning (pyproject.toml).
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # make test and make test-all share one
    _PROGRAMS = tempfile.mkdtemp(prefix="eicon-tests-")
    atexit.register(shutil.rmtree, _PROGRAMS, ignore_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _PROGRAMS
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax
import numpy as np
import psutil
import pytest

from eicon import connectomes, runs
from eicon._memory import give_back

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the check of types would refuse before eicon does."""
    if config.getoption("jaxtyping_packages", None):
        skip = pytest.mark.skip(reason="given to eicon without the check of types, by make test")
        for item in items:
            if item.get_closest_marker("unchecked"):
                item.add_marker(skip)


MOST_BYTES, STEP_BYTES = 2.0e9, 0.5e9
"""Resident memory of a worker beyond which compiled programs are dropped when a test is done, and how much more than it
has then it may have until they are dropped again: not all of it comes back, and compiling anew is what takes time."""
PROCESS = psutil.Process()
_most = [MOST_BYTES]
GROWTH = 0.3e9
"""Growth of a worker's resident memory after which a file of tests gives back what only compiling needs."""
_left = [0.0]


@pytest.fixture(autouse=True, scope="module")
def _given_back() -> Iterator[None]:
    """What only compiling needs is freed when a file of tests is done, if it is much: looking for it takes seconds."""
    yield
    if PROCESS.memory_info().rss > _left[0] + GROWTH:
        give_back()
        _left[0] = PROCESS.memory_info().rss


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    """Programs of networks that are gone would stay compiled to the end: a worker of all tests took 5 GB."""
    yield
    if PROCESS.memory_info().rss > _most[0]:
        jax.clear_caches()
        give_back()
        _most[0] = max(MOST_BYTES, PROCESS.memory_info().rss + STEP_BYTES)


TINY = """
seed = 3
[network]
n_rec = 20
spectral_radius = 1.5
[training]
steps = 60
batch_size = 16
learning_rate = 0.01
validate_every = 20
validation_repeats = 5
checkpoint_every = 20
"""


@pytest.fixture
def x64() -> Iterator[None]:
    """Run the test in float64."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def interrupts_raise() -> Iterator[None]:
    """SIGINT raises here and in child processes; a shell's background jobs would ignore it and pass that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signals_spare_tests(interrupts_raise) -> Iterator[None]:
    """The same, for tests that send signals to themselves: SIGTERM, where the command misses it, does nothing."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Fill a folder in the first worker that needs it; the others wait, and take what is there.

    Tests must not change it: a worker copies what it gives them.
    """
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        path = root / f"once-{name}"
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.is_dir():
                partial = tmp_path_factory.mktemp(name)
                fill(partial)
                partial.rename(path)
        return path

    return folder


@pytest.fixture(scope="session")
def tiny_toml():
    return TINY


@pytest.fixture(scope="session")
def trained_run(once, tmp_path_factory):
    """A trained and analysed run, and the numbers of its analysis; tests must not change it."""

    def fill(folder):
        run = runs.create_run(folder / "tiny", runs.parse_recipe(TINY))
        runs.train_run(run, progress=False)
        runs.analyze_run(run, repeats=10)

    run = runs.open_run(shutil.copytree(once("run", fill) / "tiny", tmp_path_factory.mktemp("runs") / "tiny"))
    return run, json.loads((run.path / "analysis.json").read_text())


@pytest.fixture(scope="session")
def bio2art():
    """Folder with the connectomes of bio2art, which eicon does not hold."""
    folder = Path(__file__).parents[2] / "shared" / "connectomes" / "bio2art"
    if not (folder / "C_Marmoset_Normalized.npy").is_file():
        pytest.skip(f"the connectomes of bio2art are not in {folder}")
    return folder


@pytest.fixture(scope="session")
def small_connectome(once):
    """File of a connectome of six regions."""
    rng = np.random.default_rng(0)
    weights = rng.random((6, 6)) * (rng.random((6, 6)) < 0.7) * (1 - np.eye(6))
    small = connectomes.Connectome(weights, tuple("ABCDEF"), name="small", species="none")
    return once("connectome", lambda folder: small.save(folder / "small.npz")) / "small.npz"


@pytest.fixture(scope="session")
def sweep_toml(small_connectome):
    """Four runs of a few epochs that share their compiled code."""
    return f"""
seed = 3
[connectome]
name = "{small_connectome}"
neurons = 2
[task]
name = "SequenceMemory"
pattern_length = 2
[training]
epochs = 4
repeats = 2
n_trials = 20
batch_size = 10
[grid]
training.learning_rate = [0.01, 0.001]
"""


@pytest.fixture(scope="session")
def finished_sweep(sweep_toml, once, tmp_path_factory):
    """That sweep, done in this process or another one; tests must not change it."""

    def fill(folder):
        runs.run_sweep(runs.create_sweep(folder / "here", runs.parse_recipe(sweep_toml)), workers=0, progress=False)

    return runs.open_sweep(shutil.copytree(once("sweep", fill) / "here", tmp_path_factory.mktemp("sweeps") / "here"))
