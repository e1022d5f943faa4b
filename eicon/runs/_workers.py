"""Parallel processing of items: in this process, in private processes of this machine, or on a dask cluster.

Processes of this machine do not import the calling script or notebook (which needs no ``if __name__ == "__main__"``).
They receive their work through pipes, as lines of JSON: no port or socket is opened, and only data are transmitted.
"""

import contextlib
import importlib
import json
import logging
import operator
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import IO, Any, TypeVar

from .._cache import FOLDER, use_cache
from .._interrupts import interrupts
from .._one_thread import ONE_THREAD
from .._optional import install

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
Results = Generator[tuple[int, Result], None, None]

TRIES = 4
"""Number of processes that may die at one item, as with dask's ``allowed-failures`` of 3."""
SECONDS_TO_SAVE = 30.0
SECONDS_TO_SAVE_ALONE = 1.5
SECONDS_TO_CONNECT = 10.0
SECONDS_BETWEEN_LOOKS = 0.05
INTERRUPTED = 130
START = """
import json, os, sys
messages = open(os.dup(0), "rb")
sys.path = json.loads(messages.readline())
from eicon.runs._workers import serve
serve(messages)
"""
OPEN_PORT = (
    "The connection to the scheduler at %s is not encrypted: anybody who can reach its port can run code as you. Start "
    "scheduler and workers with --tls-ca-file, --tls-cert and --tls-key, set distributed.comm.tls.* in dask's "
    "configuration to the same files, and use the tls:// address."
)


class WorkersDied(RuntimeError):  # noqa: N818, the name describes the event
    """Several processes died at one item, whose index is the attribute `index`."""

    def __init__(self, why: str, index: int):
        super().__init__(why)
        self.index = index


def run_many(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    on_done: Callable[[int, Result], None] | None = None,
) -> Results[Result]:
    """Call a function with each item, and yield results as they arrive.

    When the iteration ends early, by an error, a `KeyboardInterrupt` or because it is closed, the processes of this
    machine are stopped first: the running function receives a `KeyboardInterrupt` and has 30 s to save its state.

    Parameters
    ----------
    function : callable
        Function in a module that processes can import (not needed with ``workers=0`` or a scheduler).
    items : sequence
        For processes of this machine, items and results must be JSON-compatible.
    workers : int, optional
        Number of processes on this machine, with one thread each (default: one per usable core), at most one per item;
        0 uses this process.
    scheduler : str, optional
        Address of a dask scheduler, to use its workers instead.
    on_done : callable, optional
        Called with each index and result before they are yielded.

    Yields
    ------
    int
        Index of an item.
    object
        Result of the function for this item.

    Raises
    ------
    WorkersDied
        If several processes died at one item; others that die are replaced.
    ConnectionError
        If no scheduler answers, or the connection is lost.
    Exception
        Error of the function, with the attribute `index` of its item (from another process: a `RuntimeError` with the
        name of its type, unless it is an error of Python or eicon that contains only a text).
    """
    if scheduler is not None:
        found = _on_cluster(function, items, scheduler)
    elif workers == 0:
        found = _here(function, items)
    else:
        found = _in_processes(function, items, workers or _usable_cores())
    with contextlib.closing(found):
        for index, result in found:
            if on_done is not None:
                on_done(index, result)
            yield index, result


@contextlib.contextmanager
def _blamed(index: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        error.index = index  # type: ignore[attr-defined]
        raise


def _here(function: Callable[[Item], Result], items: Sequence[Item]) -> Results[Result]:
    for index, item in enumerate(items):
        with _blamed(index):
            result = function(item)
        yield index, result


def _in_processes(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Results[Result]:
    """Each process is led by a thread, which gives it the next item and waits for the answer."""
    processes, name = _Processes(), _name(function)
    with ThreadPoolExecutor(min(workers, len(items)) or 1, initializer=_block_interrupts) as threads:
        try:
            places = {
                threads.submit(processes.run, {"function": name, "item": item}, index): index
                for index, item in enumerate(items)
            }
            for future in as_completed(places):
                with _blamed(places[future]):
                    result = future.result()
                yield places[future], result
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            processes.end()


class _Processes:
    """Processes of this machine, and the idle ones among them."""

    def __init__(self) -> None:
        self._all: set[subprocess.Popen[bytes]] = set()
        self._idle: list[subprocess.Popen[bytes]] = []
        self._ended = False
        self._lock = threading.Lock()

    def run(self, message: dict[str, Any], index: int) -> Any:
        """Return the result of the function, retrying in a new process if one dies."""
        line = _line(message)
        for _ in range(TRIES):
            process = self._take()
            try:
                _send(line, process.stdin)
                answer = _receive(process.stdout)
            except (OSError, ValueError) as error:
                if not isinstance(error, OSError):  # the process may live, but its answer is invalid
                    process.kill()
                code = process.wait()
                self._forget(process)
                continue
            with self._lock:
                self._idle.append(process)
            if "error" in answer:
                raise _raised(**answer)
            return answer["result"]
        raise WorkersDied(f"{TRIES} processes died in succession during this run{_cause(code)}", index)

    def end(self) -> None:
        """Interrupt all processes, wait until they have ended, and kill those that take too long."""
        with self._lock:
            self._ended = True
            processes = list(self._all)
        try:
            for process in processes:
                process.terminate()
            deadline = time.monotonic() + SECONDS_TO_SAVE
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline - time.monotonic(), 0.0))
        finally:  # a second Ctrl-C does not wait
            for process in processes:
                process.kill()
                process.wait()
                self._forget(process)

    def _take(self) -> "subprocess.Popen[bytes]":
        """Return an idle process, starting one if necessary."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.poll() is None:
                    return process
                self._close(process)
            if self._ended:
                raise RuntimeError("all processes were ended")
            process = _started()
            self._all.add(process)
            return process

    def _forget(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            self._close(process)

    def _close(self, process: "subprocess.Popen[bytes]") -> None:
        self._all.discard(process)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # data that can no longer be written
                pipe.close()  # type: ignore[union-attr]


def _started() -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | ONE_THREAD,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Windows; see _block_interrupts
    )
    with contextlib.suppress(OSError):  # a dead process is noticed at the next message
        _send(_line(sys.path), process.stdin)
    return process


def _block_interrupts() -> None:
    """Keep Ctrl-C, which a terminal sends to all processes, from those that this thread starts; they are ended."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _name(function: Callable[..., Any]) -> str:
    """Return module and name of a function, for the import in another process."""
    name = f"{function.__module__}:{function.__qualname__}"
    if function.__module__ == "__main__" or "<" in name:
        raise RuntimeError(
            f"other processes cannot import functions that a script or notebook defines ({name}); move it to a "
            "module, or use one process (workers=0)."
        )
    return name


def _line(message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _send(line: bytes, pipe: IO[bytes] | None) -> None:
    assert pipe is not None
    pipe.write(line)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> Any:
    """Parse the next line; raise OSError if there is none, ValueError if it is invalid."""
    assert pipe is not None
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise BrokenPipeError("the process has ended")
    return json.loads(line)


def _cause(code: int) -> str:
    """Describe why a process died, from its exit code."""
    if code == -getattr(signal, "SIGKILL", 9):
        return "; is there enough memory"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f", the last one by {signal.Signals(-code).name}"
    return f", the last one with exit code {code}"


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def serve(pipe: IO[bytes]) -> None:
    """Process messages from a pipe until terminated.

    The function's prints go to standard error; standard output is for answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        if FOLDER in os.environ:  # as in the parent process
            use_cache()
        messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        listener = threading.Thread(target=_listen, args=(pipe, messages), daemon=True)
        answers = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        listener.start()
        while True:
            _send(_answer(messages.get()), answers)
    sys.exit(INTERRUPTED)


def _listen(pipe: IO[bytes], messages: "queue.SimpleQueue[dict[str, Any]]") -> None:
    """Pass messages on; when the sender has ended, end this process, after a moment to save its state."""
    with contextlib.suppress(OSError, ValueError):
        while True:
            messages.put(_receive(pipe))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_SAVE_ALONE)
    os._exit(INTERRUPTED)


def _answer(message: dict[str, Any]) -> bytes:
    """Return the result or error of the function, as a message.

    Only the function may have state to save when the process is terminated; before and after, it ends immediately.
    """
    try:
        module, _, name = message["function"].partition(":")
        function = operator.attrgetter(name)(importlib.import_module(module))
        with interrupts(signal.SIGTERM) as received:
            try:
                return _line({"result": function(message["item"])})
            finally:
                received.settle()  # even if the function suppressed the interrupt
    except KeyboardInterrupt:
        raise  # this process must end
    except BaseException as error:
        trace = "In another process: " + "".join(traceback.format_exception(error)).rstrip()
        return _line(
            {"error": f"{type(error).__module__}:{type(error).__qualname__}", "text": str(error), "trace": trace}
        )


def _raised(error: str, text: str, trace: str) -> Exception:
    """Return an error of another process, with its traceback as a note."""
    module, _, name = error.partition(":")
    found: Exception = RuntimeError(f"{name}: {text}")
    if module == "builtins" or module.partition(".")[0] == __name__.partition(".")[0]:
        with contextlib.suppress(Exception):
            same = getattr(importlib.import_module(module), name)(text)
            if isinstance(same, Exception) and str(same) == text:  # no exit, and nothing but a text
                found = same
    found.add_note(trace)
    return found


def _on_cluster(function: Callable[[Item], Result], items: Sequence[Item], address: str) -> Results[Result]:
    try:
        from distributed import Client
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise ImportError(f"a scheduler needs dask: {install('sweep')}.") from error

    with _connected(Client, address) as client:
        futures = {client.submit(function, item, pure=False): index for index, item in enumerate(items)}
        try:
            while futures:
                for future in [future for future in futures if future.done()]:
                    index = futures.pop(future)
                    with _blamed(index):
                        try:
                            result = future.result()
                        except KilledWorker as error:
                            raise WorkersDied(
                                f"{error.allowed_failures + 1} workers died in succession during this run; is there "
                                "enough memory",
                                index,
                            ) from error
                        except (FutureCancelledError, CommClosedError, TimeoutError) as error:
                            raise ConnectionError("the connection to the scheduler was lost") from error
                    yield index, result
                time.sleep(SECONDS_BETWEEN_LOOKS)
        finally:
            if client.status == "running":
                with contextlib.suppress(Exception):
                    client.cancel(list(futures), force=True)


@contextlib.contextmanager
def _connected(make: Any, address: str) -> Iterator[Any]:
    import dask

    with _silenced(), dask.config.set({"distributed.comm.timeouts.connect": SECONDS_TO_CONNECT}):
        try:
            client = make(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)  # the caller may have one
        except Exception as error:  # wrong addresses raise errors of different types
            raise ConnectionError(f"no dask scheduler answers at {address} ({error})") from error
        if not address.startswith(("tls://", "wss://")):
            logger.warning(OPEN_PORT, address)
        with client:
            yield client


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Suppress dask's messages about problems that eicon reports itself."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("distributed", "tornado")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
