"""Compiled training programs, one per structure: networks that differ only in their numbers share one."""

import contextlib
import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from .._users import users_code
from ..models import Network
from ..models._network import Parameters
from ..tasks import Task, Trial
from ._learner import Method
from ._losses import Loss
from ._objective import Objective
from ._optimizers import State
from ._penalties import Penalty
from ._supply import Sampled

QUICK = {"xla_cpu_use_fusion_emitters": False}
"""Settings with which the CPU compiler is faster, and its programs about a tenth slower."""
KEPT = 24
"""Number of most recently used compiled programs that are kept; each takes up to 14 MB."""


class Compiling(Future[Any]):
    """A program that is being compiled, and the ``shapes`` of its results."""

    def __init__(self, shapes: Any) -> None:
        super().__init__()
        self.shapes = shapes


_kept: OrderedDict[Hashable, Compiling] = OrderedDict()
_lock, _one_at_a_time = threading.Lock(), threading.Lock()


class Drawing(NamedTuple):
    """Recipe for drawing the trials of steps.

    Attributes
    ----------
    task : Task
    sampled : Sampled
    """

    task: Task
    sampled: Sampled

    def draw(self, keys: jax.Array, n: jax.Array) -> Trial:
        """Draw the trials of ``n`` steps with their keys (rows, 2); steps are the first axis of every array."""

        def of_step(key: jax.Array) -> Trial:
            with users_code(f"the task {type(self.task).__name__}"):
                return self.task.sample(jax.random.wrap_key_data(key), self.sampled.batch_size)

        shapes = jax.eval_shape(of_step, keys[0])
        room = jax.tree.map(lambda found: jnp.zeros((len(keys), *found.shape), found.dtype), shapes)

        def one(i: jax.Array, drawn: Any) -> Any:
            return jax.tree.map(lambda rows, row: rows.at[i].set(row), drawn, of_step(keys[i]))

        return jax.lax.fori_loop(jnp.uint32(0), n, one, room)


class Program(NamedTuple):
    """Compiled-in part of a training's steps; the numbers of networks, learners and trials are arguments.

    Attributes
    ----------
    task : Task
    loss : function of (outputs, trial) or (outputs, trial, activity)
    penalties : functions of (network, activity, trial)
    method : the learner's compiled part
    """

    task: Task
    loss: Loss
    penalties: tuple[Penalty, ...]
    method: Method

    def steps(
        self,
        values: Parameters,
        state: State,
        network: Network,
        trials: Trial,
        keys: jax.Array,
        first: jax.Array,
        place: jax.Array,
        n: jax.Array,
    ) -> tuple[Parameters, State, jax.Array]:
        """Do ``n`` steps from step ``first`` on, with the trials from ``place`` on.

        Keys (rows, 2, 2) are the data of the keys of the noise and of the learner. After the last of the trials, the
        first ones come again. Returns values, state, and the record, (rows, columns).

        The number of steps is unknown to the compiler, which would otherwise unroll a loop of a single step and round
        its sums differently from those of longer loops.
        """
        start, unravel = ravel_pytree(values)

        def one(i: jax.Array, carried: Any) -> Any:
            trial = jax.tree.map(lambda leaf: leaf[(place + i) % jnp.uint32(leaf.shape[0])], trials)
            return self.step(unravel, network, trial, keys[i], first + i, i, carried)

        records = jnp.zeros((len(keys), len(self.method.columns)), network.dtype)
        vector, state, records = jax.lax.fori_loop(jnp.uint32(0), n, one, (start, state, records))
        return unravel(vector), state, records

    def step(
        self,
        unravel: Any,
        network: Network,
        trial: Trial,
        keys: jax.Array,
        step: jax.Array,
        row: jax.Array,
        carried: Any,
    ) -> tuple[jax.Array, State, jax.Array]:
        """Do one step, and record it in a row; return values as a vector, state, and records."""
        vector, state, records = carried
        noise, own = (jax.random.wrap_key_data(keys[which]) for which in (0, 1))
        objective = Objective(unravel, self.task, self.loss, self.penalties, network, trial, noise)
        done = self.method.step(objective, vector, state, step, own)
        record = jnp.stack([done.record[name].astype(records.dtype) for name in self.method.columns])
        after = jax.tree.map(_like, (vector, state), (done.vector, done.state))
        return *after, records.at[row].set(record)


def compiled(function: Callable[..., Any], settings: Any, *arguments: Any, quick: bool = False) -> Compiling:
    """Compile a method for arguments of these shapes in the background, unless that was done before.

    Parameters
    ----------
    function : callable
        E.g. ``Program.steps``.
    settings : tuple
        Its ``self``. Fields that cannot be compared (tasks with arrays) are distinguished by identity.
    *arguments
        Trees of arrays, or of their shapes.
    quick : bool
        Compile faster, for programs with a negligible run time.

    Returns
    -------
    Compiling
        Its ``result()`` is the compiled program, to be called with such arguments.
    """
    leaves, structure = jax.tree.flatten(arguments)
    shapes = tuple((leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False)) for leaf in leaves)
    wanted = (function.__qualname__, tuple(_comparable(part) for part in settings), structure, shapes)
    with _lock:
        if wanted in _kept:
            _kept.move_to_end(wanted)
            return _kept[wanted]
    with _uncollected():
        lowered = jax.jit(partial(function, settings)).lower(*arguments)
    found = Compiling(lowered.out_info)
    threading.Thread(target=_compile, args=(lowered, found, quick)).start()
    with _lock:
        _kept[wanted] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Pause garbage collection: tracing creates many lasting objects, and scanning them takes a third of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def waited(found: Compiling) -> tuple[Any, float]:
    """Return a compiled program, and the seconds spent waiting for it."""
    start = time.perf_counter()
    return found.result(), time.perf_counter() - start


def _like(before: jax.Array, after: jax.Array) -> jax.Array:
    return jax.lax.convert_element_type(after, before.dtype)


def _compile(lowered: Any, found: Compiling, quick: bool) -> None:
    try:
        if not quick:
            return found.set_result(lowered.compile())
        # One after the other, so that the slowest compilation has its own core.
        with _one_at_a_time:
            options = QUICK if jax.default_backend() == "cpu" else None
            with contextlib.suppress(jax.errors.JaxRuntimeError):  # if the compiler does not know the settings
                return found.set_result(lowered.compile(compiler_options=options))
            found.set_result(lowered.compile())
    except BaseException as error:
        found.set_exception(error)


class _Same:
    """Wrapper that is equal only to itself."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)


def _comparable(value: Any) -> Hashable:
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_comparable(part) for part in value)
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return value
