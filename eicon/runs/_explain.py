"""Preview of a recipe: sizes, number of runs, estimated time and memory."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from ..models import Edges
from ..models._wiring import edges_are_faster
from ..tasks import Task
from ..training import Fixed, Gradient, HessianFree
from . import _grid
from ._prepare import _counts, checked
from ._recipe import EPOCHS, N_REC, N_TRIALS, STEPS, TRAIN_SIZE, Cells, Recipe
from ._recipe_tables import HESSIAN_FREE

SECONDS_PER_STEP_OF_TRIAL = 1e-5
OPERATIONS_PER_SECOND = 5e10
"""Rates on a laptop: a training step of 110 time steps and 16 trials took 1.6 ms with 50 units and 9 ms with 200."""
LEARNERS = (Gradient.batch_size, HessianFree.batch_size)
SECONDS_PER_EDGE = 1.5e-9
SECONDS_TO_START = 3.0
BYTES_PER_RUN = 0.6e9
"""Memory of a process without a network: BrainPy, JAX and its compiler."""


class Explanation(NamedTuple):
    """Size, number of runs, estimated time and memory of a recipe.

    Attributes
    ----------
    headline : number of runs, their length, time and memory, in one line
    lines : sizes of the first run, and of the grid
    n_runs : number of runs
    seconds : estimated time of all runs, one after the other
    bytes : estimated memory of one run
    """

    headline: str
    lines: list[str]
    n_runs: int
    seconds: float
    bytes: float


class _Cost(NamedTuple):
    units: int
    connections: float
    inputs: int
    outputs: int
    steps: int
    trials: int
    time: int
    seconds: float
    bytes: float


def explanation(recipe: Recipe) -> Explanation:
    """Explain a recipe; immediate for a grid of any size, because keys are varied one at a time.

    Parameters
    ----------
    recipe : Recipe

    Returns
    -------
    Explanation

    Raises
    ------
    ConfigError
        If a cell cannot be made.
    """
    cells = Cells(recipe)
    asked: dict[str, _Asked] = {}
    varied = list(map(cells.of, _grid.one_at_a_time(recipe.grid))) if recipe.grid else [recipe]
    looked = [_cost(cell, asked) for cell in varied]
    first, n = looked[0], recipe.n_cells
    seconds, memory = n * float(np.mean([cost.seconds for cost in looked])), max(cost.bytes for cost in looked)
    length = f"{first.steps:,} step{'' if first.steps == 1 else 's'} of {first.trials} trials"
    units = _range([cost.units for cost in looked], "units")
    runs = "1 run" if n == 1 else f"{n:,} runs"
    headline = (
        f"{runs} of {length}, {units}: about {_duration(seconds)} on one core plus compilation, {_size(memory)} each"
    )
    lines = [
        f"{_aim(varied[0])}, {first.inputs} inputs, {first.outputs} outputs, {first.time} time steps",
        f"network: {units}, {first.connections:,.0f} connections between them",
        f"training: {length}",
    ]
    lines += [
        f"grid: {key}, {len(values)} values: {', '.join(map(str, values[:6]))}{' ...' if len(values) > 6 else ''}"
        for key, values in recipe.grid.items()
    ]
    return Explanation(headline, lines, n, seconds, memory)


def _aim(recipe: Recipe) -> str:
    if not recipe.recording.file:
        return f"task: {recipe.task.get('name')}"
    given = recipe.make_recording()
    assert given is not None
    held_out = "" if given.held_out is None else f", {given.held_out.n_trials} held out"
    fit = f"{len(given.units)} of {given.known.n_units} units, {given.known.n_trials} trials{held_out}"
    beside = "" if recipe.is_fit else f" and the task {recipe.task.get('name')}"
    return f"fit: {Path(recipe.recording.file).name}{beside}, {fit}"


class _Asked(NamedTuple):
    inputs: int
    outputs: int
    conditions: int
    time: int


def _asked(task: Task) -> _Asked:
    time = jax.eval_shape(lambda key: task.trials(1, key=key), jax.random.key(0)).n_steps
    return _Asked(task.n_in, task.n_out, task.n_conditions, time)


def _asked_of_fit(cell: Recipe) -> _Asked:
    """Return the dimensions of a fit, whose conditions are the fitted trials."""
    given, task = cell.make_recording(), cell.make_task()
    assert given is not None
    return _Asked(task.n_in, task.n_out, given.known.n_trials, given.known.n_steps)


def _cost(cell: Recipe, asked: dict[str, _Asked]) -> _Cost:
    said = cell.recording.model_dump_json() if cell.is_fit else repr(cell.task)
    if said not in asked:
        asked[said] = _asked_of_fit(cell) if cell.is_fit else _asked(cell.make_task())
    inputs, outputs, conditions, time = asked[said]
    default = Fixed.batch_size if cell.trials.kind == "fixed" else LEARNERS[cell.learner.optimizer == HESSIAN_FREE]
    batch = cell.trials.batch_size or (conditions if cell.is_fit else default)
    if cell.trials.kind == "fixed":
        n = round((cell.trials.train_size or TRAIN_SIZE) * (cell.trials.n or N_TRIALS) * conditions)
        per_epoch = -(-n // batch)
        steps = cell.training.steps or (cell.training.epochs or EPOCHS) * per_epoch
    else:
        steps = cell.training.steps or STEPS
    units, connections, edges = _size_of(cell)
    work = 3 * connections * SECONDS_PER_EDGE if edges else 6 * units**2 / OPERATIONS_PER_SECOND
    seconds = SECONDS_TO_START + steps * time * (SECONDS_PER_STEP_OF_TRIAL + batch * work)
    kept = 4 * (3 * time * batch * (units + inputs) + (8 if edges else 10) * (connections if edges else units**2))
    return _Cost(
        *(units, connections, inputs, outputs, steps, batch, time, seconds, BYTES_PER_RUN + kept),
    )


def _size_of(cell: Recipe) -> tuple[int, float, bool]:
    """Return the number of units and of connections, and whether these are stored as edges."""
    if cell.lesion.path or cell.keeps_all:
        net = cell.make_network(cell.make_task())
        return net.n_rec, float(net.recurrent.sizes()[1]), isinstance(net.recurrent, Edges)
    network = cell.network
    if network.kind != "connectome":
        n = sum(population.n for population in network.populations) or network.n_rec or N_REC
        return n, float(n * (n - 1)), False
    table = cell.connectome_table
    regions = checked(table)
    if table.neurons == 1:
        n, connections = regions.n, float(regions.n_connections)
    else:
        counts = np.asarray(_counts(table, regions), float)
        n = int(counts.sum())
        between = counts[regions.source] * counts[regions.target] * (table.target_sparsity or 0.8)
        connections = float(between.sum() + (counts * (counts - 1)).sum())
    edges = network.storage == "edges" or (network.storage is None and edges_are_faster(n, int(connections)))
    return n, connections, edges


def _range(numbers: list[int], what: str) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:,} {what}" if low == high else f"{low:,} to {high:,} {what}"


def _duration(seconds: float) -> str:
    for unit, size in (("years", 3.15e7), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:,.0f} {unit}" if seconds >= 10 * size else f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _size(number: float) -> str:
    return f"{number / 1e9:.1f} GB"
