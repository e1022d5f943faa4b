"""Grids of runs, through dask: on this machine, or on any cluster whose scheduler has an address."""

import contextlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from .._cache import FOLDER, cache_settings
from .._files import write_text
from .._one_thread import ONE_THREAD
from ._sweep_config import SweepConfig, flat, sweep_from_dict
from ._sweep_file import CONFIG, read_sweep
from ._sweep_run import CHECKPOINTS, RUNS, SweepRun, check_inputs, summary, train_sweep_run
from ._text import ConfigError

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0
SECONDS_TO_CONNECT = 10.0
SECONDS_UNTIL_LITTER = 3600.0
SECONDS_WITHOUT_WORKERS = 20.0
SECONDS_BETWEEN_LOOKS = 0.05
FOLDERS = ("connectome.folder", "pretrained.path")
PATHS = ("connectome.name", "task.pictures", *FOLDERS)


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
        """All runs, a number of repeats for each combination of the grid; repeats vary fastest."""
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
    ConfigError
        If a connectome or a pretrained network is not there, or does not fit.
    """
    path = Path(path)
    config = _with_absolute_paths(config)
    if (path / CONFIG).is_file():
        there = read_sweep(path / CONFIG)
        _check_same(path, there, config)
    else:
        there = None
        if path.exists() and (not path.is_dir() or any(p for p in path.iterdir() if not _is_litter(p))):
            raise FileExistsError(f"{path} already exists and is no sweep; choose another --out.")
    sweep = Sweep(path, config)
    check_inputs([run for run in sweep.runs() if not run.done])
    if config != there:
        write_text(path / CONFIG, config.to_toml())
    return sweep


def check_files(config: SweepConfig) -> None:
    """Refuse a sweep whose connectomes or pretrained networks are not there or do not fit; see `create_sweep`."""
    check_inputs(Sweep(Path(), config).runs())


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
        Processes of a local cluster, each with one thread (default: one per core); 0 runs all in this process, with
        the threads that it has: the last bits of large networks depend on their number.
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
    missing = _by_program([run for run in runs if not run.done])
    made: dict[Path, dict[str, Any]] = {}
    try:
        with _Progress(len(runs), len(runs) - len(missing), progress) as shown:
            if scheduler is None and workers == 0:
                for run in missing:
                    with _explained(sweep, run):
                        made[run.path] = train_sweep_run(run)
                        shown.finished(made[run.path])
            elif missing:
                with _client(workers, scheduler, len(missing)) as (client, alive):
                    for run, found in _distributed(client, alive, sweep, missing):
                        made[run.path] = found
                        shown.finished(found)
                unseen = [run for run in missing if not run.done]
                if unseen:
                    raise SweepError(
                        f"the workers finished {len(unseen)} runs that are not in {sweep.path} here; they must see the "
                        "same directory under the same path."
                    )
    finally:
        _remove_litter(sweep.path)
    return [made.get(run.path) or summary(run) for run in runs]


def _by_program(runs: list[SweepRun]) -> list[SweepRun]:
    """Runs that share compiled code one after the other, else as they were: a process keeps few programs at a time."""
    place: dict[str, int] = {}
    return sorted(runs, key=lambda run: place.setdefault(run.program, len(place)))


def _distributed(
    client: Any, alive: Callable[[], bool], sweep: Sweep, missing: list[SweepRun]
) -> Iterator[tuple[SweepRun, dict[str, Any]]]:
    """Runs with their summaries, in the order in which they are finished."""
    from distributed.client import FutureCancelledError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    root = sweep.path.absolute()  # workers may have another current directory
    futures = {client.submit(_run_in_worker, replace(run, root=root), pure=False): run for run in missing}
    seen_alive = time.monotonic()
    try:
        while futures:
            ready = [future for future in futures if future.done()]
            for future in ready:
                run = futures.pop(future)
                with _explained(sweep, run):
                    try:
                        summarised = future.result()
                    except KilledWorker as error:
                        raise SweepError(
                            f"{error.allowed_failures + 1} workers died one after the other while they were at it; "
                            "is there enough memory"
                        ) from error
                    except (FutureCancelledError, CommClosedError, TimeoutError) as error:
                        raise SweepError("the scheduler is gone") from error
                yield run, summarised
            if ready or alive():
                seen_alive = time.monotonic()
            if futures and time.monotonic() - seen_alive > SECONDS_WITHOUT_WORKERS:
                with _explained(sweep, next(iter(futures.values()))):
                    raise SweepError("all workers died, and none comes back; is there enough memory")
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        if client.status == "running":
            with contextlib.suppress(Exception):
                client.cancel(list(futures), force=True)


def _run_in_worker(run: SweepRun) -> dict[str, Any]:
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, and would outlive a killed worker
    return train_sweep_run(run)


@contextlib.contextmanager
def _client(workers: int | None, scheduler: str | None, n_runs: int) -> Iterator[tuple[Any, Callable[[], bool]]]:
    """A connection to dask, and whether any of its workers lives (dask gives up those that die while they start)."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise SweepError(
            "sweeps in several processes need dask: pip install 'eicon[sweep]' (or --workers 0)"
        ) from error

    if scheduler is not None:
        with _silenced(), dask.config.set({"distributed.comm.timeouts.connect": SECONDS_TO_CONNECT}):
            try:
                client = Client(scheduler, timeout=SECONDS_TO_CONNECT)
            except Exception as error:  # whatever a wrong address makes of it
                raise SweepError(f"no dask scheduler answers at {scheduler} ({error})") from error
            with client:
                yield client, lambda: True  # workers may come at any time
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    settings = {
        "distributed.nanny.pre-spawn-environ": ONE_THREAD | _cache_of_workers(),
        "distributed.worker.daemon": True,
        "distributed.scheduler.allowed-failures": 3,
        "distributed.comm.timeouts.tcp": "60s",
        "distributed.admin.low-level-log-length": 0,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silenced())
        stack.enter_context(dask.config.set(settings))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="eicon-dask-", ignore_cleanup_errors=True))
        with _interrupts_spare_children():
            cluster = LocalCluster(
                n_workers=min(workers or cores, n_runs),
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                local_directory=scratch,
                silence_logs=logging.CRITICAL,
            )
        stack.enter_context(cluster)

        def alive() -> bool:
            processes = [nanny.process for nanny in cluster.workers.values()]
            return any(process is not None and process.is_alive() for process in processes)

        yield stack.enter_context(Client(cluster)), alive


def _cache_of_workers() -> dict[str, str]:
    """Workers have a cache where this process has one; not the same, for they have one thread."""
    return cache_settings(os.environ | ONE_THREAD) if FOLDER in os.environ else {}


@contextlib.contextmanager
def _interrupts_spare_children() -> Iterator[None]:
    """Hide Ctrl-C, which a terminal sends to all processes, from those started here; this one ends them in order."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it later would end what follows
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Keep dask's own messages about what we report ourselves off the screen."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("distributed", "tornado")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


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
def _explained(sweep: Sweep, run: SweepRun) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except (OSError, ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        kept = sum(other.done for other in sweep.runs())
        name = f"{run.path.parent.name}, repeat {run.repeat}"
        why = str(error).strip().rstrip(".") or type(error).__name__
        raise SweepError(
            f"run {name}: {why}. {kept} of {len(sweep.runs())} runs are finished and kept in {sweep.path}; "
            "start the same sweep again to do the rest."
        ) from error


def _check_same(path: Path, there: SweepConfig, here: SweepConfig) -> None:
    if list(there.grid) != list(here.grid):
        raise FileExistsError(
            f"{path} holds a sweep over {', '.join(there.grid) or 'nothing'}, and this one is over "
            f"{', '.join(here.grid) or 'nothing'}; choose another --out."
        )
    old, new = (flat(config.model_dump(mode="json", exclude={"grid"})) for config in (there, here))
    for name, old_values, new_values in (
        *((f"grid.{key}", there.grid[key], here.grid[key]) for key in there.grid),
        ("training.repeats", range(there.training.repeats), range(here.training.repeats)),
    ):
        lost = [value for value in old_values if value not in new_values]
        if lost:
            raise FileExistsError(
                f"{path} holds a sweep with more in {name}: {lost} is there, and not here; keep it, or choose "
                "another --out."
            )
    free = {"training.repeats", *here.grid}
    different = [key for key in sorted(old.keys() | new.keys()) if key not in free and old.get(key) != new.get(key)]
    if different:
        key = different[0]
        raise FileExistsError(
            f"{path} holds a sweep with other settings: {', '.join(different)} differ ({key} is {old.get(key)!r} there "
            f"and {new.get(key)!r} here); choose another --out."
        )


def _with_absolute_paths(config: SweepConfig) -> SweepConfig:
    """Workers, and whoever goes on with the sweep, may have another current directory."""
    data = config.model_dump()

    def absolute(key: str, value: Any) -> Any:
        if key not in PATHS or not isinstance(value, str) or not value:
            return value
        found = Path(value).expanduser()
        is_path = found.suffix or key in FOLDERS  # else it is the name of a connectome or of pictures
        return str(found.absolute()) if is_path and found.exists() else value

    for key in PATHS:
        table, _, name = key.partition(".")
        if name in data[table]:
            data[table][name] = absolute(key, data[table][name])
    data["grid"] = {key: tuple(absolute(key, value) for value in values) for key, values in data["grid"].items()}
    return sweep_from_dict(data, "sweep")


def _is_litter(path: Path) -> bool:
    """Whether a file is what a killed process left when it was about to write `sweep.toml`."""
    return path.name.startswith(f".{CONFIG}.") and path.name.endswith(".part")


def _remove_litter(root: Path) -> None:
    """Delete what processes of this machine left unfinished when they were killed."""
    for partial in (root / RUNS).glob("*/.*.part"):
        host, _, rest = partial.name.removeprefix(".").partition(".")[2].partition(".")
        pid = rest.partition(".")[0]
        if host == socket.gethostname() and pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(partial, ignore_errors=True)
    for partial in (*root.glob(".*.part"), *(root / CHECKPOINTS).glob(".*.part")):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > SECONDS_UNTIL_LITTER:
                partial.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
