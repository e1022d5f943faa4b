"""Shared by all rooms: silent broadcasting is refused, float64 is a fixture, and so are small runs and a sweep."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import psutil
import pytest

from eicon.connectomes import Connectome
from eicon.runs import analyze_run, create_run, create_sweep, parse_config, parse_sweep, run_sweep, train_run

jax.config.update("jax_numpy_rank_promotion", "raise")

MOST_BYTES = 1.0e9
"""Resident memory of a worker beyond which compiled programs are dropped when a file of tests is done."""


@pytest.fixture(autouse=True, scope="module")
def _bounded_memory() -> Iterator[None]:
    """Programs of networks that are gone would stay compiled to the end: a worker of all tests took 5 GB."""
    yield
    if psutil.Process().memory_info().rss > MOST_BYTES:
        gc.collect()
        jax.clear_caches()

TINY = """
seed = 3
[network]
n_rec = 20
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


@pytest.fixture(scope="session")
def tiny_toml():
    return TINY


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """A trained and analysed run; tests must not change it."""
    run = create_run(tmp_path_factory.mktemp("runs") / "tiny", parse_config(TINY))
    train_run(run, progress=False)
    return run, analyze_run(run, repeats=10)


@pytest.fixture(scope="session")
def bio2art():
    """Folder with the connectomes of bio2art, which eicon does not hold."""
    folder = Path(__file__).parents[2] / "shared" / "connectomes" / "bio2art"
    if not (folder / "C_Marmoset_Normalized.npy").is_file():
        pytest.skip(f"the connectomes of bio2art are not in {folder}")
    return folder


@pytest.fixture(scope="session")
def small_connectome(tmp_path_factory):
    """File of a connectome of six regions."""
    rng = np.random.default_rng(0)
    weights = rng.random((6, 6)) * (rng.random((6, 6)) < 0.7) * (1 - np.eye(6))
    path = tmp_path_factory.mktemp("connectome") / "small.npz"
    Connectome(weights, tuple("ABCDEF"), name="small", species="none").save(path)
    return path


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
def finished_sweep(sweep_toml, tmp_path_factory):
    """That sweep, done in this process; tests must not change it."""
    sweep = create_sweep(tmp_path_factory.mktemp("sweeps") / "here", parse_sweep(sweep_toml))
    run_sweep(sweep, workers=0, progress=False)
    return sweep
