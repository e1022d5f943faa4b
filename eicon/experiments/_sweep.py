"""Grids of runs, through dask: on this machine, or on any cluster whose scheduler has an address."""

import contextlib
import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from .._files import write_text
from ._schema import ConfigError
from ._sweep_config import SweepConfig, read_sweep
from ._sweep_run import CONFIG, RUNS, SweepRun, run

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


class SweepError(RuntimeError):
    """A sweep could not go on; what was finished is kept."""


@dataclass(frozen=True)
class Sweep:
    """A sweep's directory.

    Attributes
    ----------
    path : directory
    config : what `sweep.toml` says
    """

    path: Path
    config: SweepConfig

    def runs(self) -> list[SweepRun]:
        """All cells of the grid; repeats vary fastest."""
        return [
            SweepRun(self.path, combination, settings, repeat, index)
            for index, (combination, settings) in enumerate(self.config.combinations())
            for repeat in range(self.config.training.repeats)
        ]


def create_sweep(path: str | os.PathLike[str], config: SweepConfig) -> Sweep:
    """Make a sweep's directory, or take up the one that is there.

    A sweep that is there may be given more values in its grid and more repeats; anything else must be the same.

    Raises
    ------
    FileExistsError
        If the directory holds something else, or a sweep with other settings; nothing is touched.
    """
    path = Path(path)
    if (path / CONFIG).is_file():
        _check_same(path, read_sweep(path / CONFIG), config)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} already exists and is no sweep; choose another --out.")
    write_text(path / CONFIG, config.to_toml())
    return Sweep(path, config)


def open_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Open a sweep's directory.

    Raises
    ------
    FileNotFoundError
        If it is not one.
    """
    path = Path(path)
    if not (path / CONFIG).is_file():
        raise FileNotFoundError(f"{path} is not the directory of a sweep: it has no {CONFIG}.")
    return Sweep(path, read_sweep(path / CONFIG))


def run_sweep(
    sweep: Sweep,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Do what is missing of a sweep.

    Parameters
    ----------
    sweep : Sweep
    workers : int, optional
        Processes of a local cluster, each with one thread (default: one per core); 0 runs all in this process.
    scheduler : str, optional
        Address of a dask scheduler, instead of a local cluster; its workers must see the sweep's directory and
        the connectome's.
    progress : bool
        Show a progress bar over the grid, with the time left.

    Returns
    -------
    list of dict
        One summary per run, in the order of the grid.

    Raises
    ------
    SweepError
        If a run cannot be done, or the cluster is gone; the text says what is kept.
    KeyboardInterrupt
        On Ctrl-C; finished runs are kept, and unfinished long ones go on from their checkpoint the next time.
    """
    _remove_litter(sweep.path)
    runs = sweep.runs()
    missing = [task for task in runs if not task.done]
    with _Progress(len(runs), len(runs) - len(missing), progress) as shown:
        if scheduler is None and workers == 0:
            for task in missing:
                with _explained(sweep, task):
                    shown.finished(run(task))
        elif missing:
            with _client(workers, scheduler, len(missing)) as client:
                _distribute(client, sweep, missing, shown)
    return [run(task) for task in runs]


def _distribute(client: Any, sweep: Sweep, missing: list[SweepRun], shown: "_Progress") -> None:
    from distributed import as_completed
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    futures = {client.submit(run, task, pure=False): task for task in missing}
    try:
        for future in as_completed(list(futures)):
            task = futures[future]
            with _explained(sweep, task):
                try:
                    shown.finished(future.result())
                except KilledWorker as error:
                    raise SweepError(
                        f"workers that tried it were killed again and again ({error}); is there enough memory?"
                    ) from error
                except (FutureCancelledError, TimeoutError) as error:
                    raise SweepError("the scheduler is gone") from error
            future.release()
    finally:
        with contextlib.suppress(Exception):
            client.cancel(list(futures), force=True)


@contextlib.contextmanager
def _client(workers: int | None, scheduler: str | None, n_runs: int) -> Iterator[Any]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise SweepError(
            "sweeps in several processes need dask: pip install 'eicon[sweep]' (or --workers 0)"
        ) from error

    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=15)
        except (OSError, TimeoutError, ValueError) as error:
            raise SweepError(f"no dask scheduler answers at {scheduler} ({error})") from error
        with client:
            yield client
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    settings = {
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        "distributed.worker.daemon": True,
        "distributed.scheduler.allowed-failures": 3,
        "distributed.comm.timeouts.tcp": "60s",
        "distributed.admin.low-level-log-length": 0,
    }
    silenced = [logging.getLogger(name) for name in ("distributed", "distributed.nanny", "distributed.worker")]
    for log in silenced:
        log.setLevel(logging.CRITICAL)
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=min(workers or cores, n_runs),
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=0,
            local_directory=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


class _Progress:
    """Progress over the grid: a bar on a terminal, elsewhere a line every half minute."""

    def __init__(self, total: int, done: int, shown: bool):
        self.bar = tqdm(total=total, initial=done, unit="run", smoothing=0, disable=None if shown else True)
        self.total, self.done, self.done_before = total, done, done
        self.lines = shown
        self.start = self.told_at = time.monotonic()

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def finished(self, summary: dict[str, Any]) -> None:
        """Count a run."""
        self.done += 1
        self.bar.update(1)
        self.bar.set_postfix({"last": f"{summary['validation_loss']:.3g}"}, refresh=False)
        now = time.monotonic()
        if self.lines and self.bar.disable and now - self.told_at > SECONDS_BETWEEN_LINES:
            left = (now - self.start) / (self.done - self.done_before) * (self.total - self.done)
            logger.info("%d of %d runs, about %.0f s left", self.done, self.total, left)
            self.told_at = now


@contextlib.contextmanager
def _explained(sweep: Sweep, task: SweepRun) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except (OSError, ValueError, SweepError, MemoryError) as error:
        kept = sum(other.done for other in sweep.runs())
        name = f"{task.path.parent.name}, repeat {task.repeat}"
        raise SweepError(
            f"run {name}: {error}. {kept} of {len(sweep.runs())} runs are finished and kept in {sweep.path}; "
            "start the same sweep again to do the rest."
        ) from error


def _check_same(path: Path, there: SweepConfig, here: SweepConfig) -> None:
    if list(there.grid) != list(here.grid):
        raise FileExistsError(
            f"{path} holds a sweep over {', '.join(there.grid) or 'nothing'}, and this one is over "
            f"{', '.join(here.grid) or 'nothing'}; choose another --out."
        )
    old, new = (_flat(config.model_dump(mode="json", exclude={"grid"})) for config in (there, here))
    free = {"training.repeats", *here.grid}
    different = [key for key in sorted(old.keys() | new.keys()) if key not in free and old.get(key) != new.get(key)]
    if different:
        key = different[0]
        raise FileExistsError(
            f"{path} holds a sweep with other settings: {', '.join(different)} differ ({key} is {old.get(key)!r} there "
            f"and {new.get(key)!r} here); choose another --out."
        )


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _remove_litter(root: Path) -> None:
    """Delete what processes of this machine left unfinished when they were killed."""
    for partial in (root / RUNS).glob("*/.*.part"):
        host, _, rest = partial.name.removeprefix(".").partition(".")[2].partition(".")
        pid = rest.partition(".")[0]
        if host == socket.gethostname() and pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(partial, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
