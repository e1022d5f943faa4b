"""Recipes, and the task, network, trials, learner and trainer that they describe."""

import contextlib
import dataclasses
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tomli_w
from pydantic import ValidationError

from ..connectomes import Connectome, expand, neurons_per_region
from ..models import Adapting, Leaky, LowRank, Plastic, Population, Projection, RateRNN
from ..models._connectivity import Connectivity
from ..tasks import Task
from ..training import (
    OPTIMIZERS,
    AccuracyReached,
    Curriculum,
    Fixed,
    Gradient,
    HessianFree,
    LossReached,
    Patience,
    RatePenalty,
    Sampled,
    Trainer,
    VanishingGradient,
    WeightPenalty,
    split_trials,
)
from ..training._history import History
from ..training._learner import LEARNING_RATE, Learner
from ..training._losses import Loss, as_loss
from ..training._penalties import Penalty
from ..training._recorded import Fit, FollowRecording
from ..training._trainer import criterion_of
from . import _grid
from ._own_code import checksum, is_own, load_own
from ._prepare import checked as checked_connectome
from ._prepare import prepared
from ._published import BIAS_FACTORS, published_network
from ._recipe_tables import (
    HESSIAN_FREE,
    CodeTable,
    ConnectomeTable,
    LearnerTable,
    NetworkTable,
    RecipeTables,
    Stopping,
    TrialsTable,
    keys_of_kind,
    located,
    own_names,
)
from ._recorded import Divided, checksum_of, divided, fit_task
from ._schema import Section, explain, free_tables, make_task, refuse_unknown_keys
from ._seeds import Seeds
from ._text import ConfigError, under

Rule = Callable[[History], bool]

STEPS, EPOCHS, N_REC, N_TRIALS, TRAIN_SIZE = 2000, 500, 100, 500, 0.8
"""Defaults of keys for which no constructor has a default."""
MOST_CHECKED = 10_000
"""Largest grid of which all combinations are checked before anything runs; else keys are varied one at a time."""
FOLDERS = ("connectome.folder", "pretrained.path", "lesion.path", "recording.file")
PATHS = ("connectome.name", "connectome.join", "task.pictures", *FOLDERS)
PENALTIES: dict[str, Callable[..., Penalty]] = {
    "weight": WeightPenalty,
    "rate": RatePenalty,
    "vanishing_gradient": VanishingGradient,
}
CELLS = {"leaky": Leaky, "adapting": Adapting, "plastic": Plastic}
CONSTRUCTORS: dict[str, tuple[Callable[..., Any], ...]] = {
    "dale": (RateRNN.dale, RateRNN),
    "free": (RateRNN,),
    "populations": (RateRNN.from_populations, RateRNN),
    "connectome": (RateRNN.from_connectome, RateRNN),
}


class Made(NamedTuple):
    """Objects made from a recipe.

    Attributes
    ----------
    task : Task
        The task; for a fit to a recording alone, the trainer's task.
    network : RateRNN
    trainer : Trainer
    """

    task: Task
    network: RateRNN
    trainer: Trainer


class Recipe(RecipeTables):
    """Recipe: task, network, trials, learner, training, and a grid over any of their keys.

    Missing keys have the defaults of the constructors that receive them; `completed` adds these defaults.

    Examples
    --------
    >>> recipe = Recipe(network={"n_rec": 20}, grid={"seed": (0, 1), "network.tau": (50.0, 100.0)})
    >>> [cell.seed for cell in recipe.cells()]
    [0, 0, 1, 1]
    >>> recipe.cell(1).make_network(recipe.make_task()).n_rec
    20
    """

    # The grid.

    @property
    def n_cells(self) -> int:
        """Number of combinations of the grid; 1 without a grid."""
        return _grid.size(self.grid)

    def values(self) -> dict[str, tuple[Any, ...]]:
        """Return the values of the grid with the types of the cells: 20 becomes 20.0 for a float."""
        cells = Cells(self)
        first = _grid.combination(self.grid, 0)
        return {
            key: tuple(value_of(cells.of({**first, key: value}), key, value) for value in values)
            for key, values in self.grid.items()
        }

    def cell(self, index: int) -> "Recipe":
        """Return the recipe of a cell, without a grid.

        Raises
        ------
        ConfigError
            If a key of the grid does not exist, or a value is not allowed.
        """
        return Cells(self)[index]

    def cells(self) -> Iterator["Recipe"]:
        """Iterate over the recipes of all cells; the last key of the grid varies fastest."""
        return map(Cells(self).__getitem__, range(self.n_cells))

    def with_changes(self, changes: Mapping[str, Any], source: str = "command line") -> "Recipe":
        """Return a recipe with some dotted keys replaced, and removed from the grid; ``grid.KEY`` sets a grid key."""
        grid, settings = dict(self.grid), {}
        for key, value in changes.items():
            if key.startswith("grid."):
                grid[key.removeprefix("grid.")] = value
            else:
                settings[key] = value
                grid.pop(key, None)
        data = self.tables()
        for key, value in settings.items():
            _grid.set_key(data, key, value, TABLES)
        return validated({**data, "grid": grid}, source)

    def tables(self) -> dict[str, Any]:
        """Return the recipe without its grid, as data."""
        task = {} if self.is_fit else {"task": self.task}
        return {**task, **self.model_dump(exclude={"grid"}, exclude_unset=True)}

    def check(self) -> None:
        """Check, before anything is computed or written, what otherwise only constructors would reject.

        Raises
        ------
        ValueError
            For invalid or duplicate values of the grid, and for tasks, learners and networks that cannot be made. A
            grid of more than 10,000 cells is checked one key at a time.
        """
        _grid.check_values(self.grid)
        source = "grid" if self.grid else ""
        cells, tasks, learners = Cells(self), dict[str, Task](), set[str]()
        seen: dict[str, dict[str, Any]] = {}
        few = self.n_cells <= MOST_CHECKED
        for combination in _grid.combinations(self.grid) if few else _grid.one_at_a_time(self.grid):
            cell = cells.of(combination)
            said = "" if cell.is_fit else repr(cell.task)
            try:
                if said and said not in tasks:
                    tasks[said] = cell.make_task()
                if (kind := repr((cell.learner, cell.training, cell.stages, said))) not in learners:
                    learners.add(kind)
                    cell.make_learner()
                    if said:
                        cell.make_curriculum()
            except ConfigError as error:
                raise ConfigError(f"{source}: {error}" if source else str(error)) from error
            same = repr(tasks.get(said)) + cell.model_dump_json(exclude={"task"})
            if same in seen:
                one, other = (_grid.words(found) for found in (seen[same], combination))
                raise ConfigError(f"grid: ({one}) and ({other}) are the same combination.")
            seen[same] = combination
            _check_compat(cell)

    def check_network(self) -> None:
        """Check what otherwise only the network would reject, without drawing its weights."""
        if self.lesion.path or self.keeps_all:
            self.make_network(self.make_task())
            return
        if self.recording.file:
            self.make()  # finds the units of the recording in the network
            return
        if self.network.kind == "connectome":
            self._cell(self.network.given())
            checked_connectome(self.connectome_table)
            return
        task = self.make_task()
        n = sum(p.n for p in self.network.populations) or self.network.n_rec or N_REC
        zeros = {"input": np.zeros((task.n_in, n)), "readout": np.zeros((n, task.n_out))}
        if self.network.rank is None:
            zeros["recurrent"] = np.zeros((n, n))
        self._untrained(task, weights=zeros)

    # Objects that a recipe describes.

    def make(self) -> Made:
        """Make the task, the untrained network and its trainer."""
        task = self.make_task()
        net = self.make_network(task)
        trainer = self.make_trainer(net, self.make_curriculum())
        return Made(trainer.task if self.is_fit else task, net, trainer)

    def make_task(self) -> Task:
        """Make the task; for a fit to a recording, a task with its inputs, time step and outputs."""
        return fit_task(self.recording) if self.is_fit else self._task(self.task)

    def make_recording(self) -> Divided | None:
        """Make the recording to fit, with units drawn and trials held out; None without a recording.

        Raises
        ------
        ConfigError
            If the file is missing, unreadable or changed, or the table does not fit it.
        """
        if not self.recording.file:
            return None
        return divided(self.recording, self.seeds, None if self.is_fit else self.make_task().dt)

    def make_connectome(self) -> Connectome | None:
        """Make the connectome of the network, prepared by the recipe; None if the network has none."""
        return None if self.network.kind != "connectome" else prepared(self.connectome_table, self.seeds, self.compat)

    @property
    def connectome_table(self) -> ConnectomeTable:
        """Table of the connectome, or its defaults."""
        return self.connectome or ConnectomeTable()

    @property
    def seeds(self) -> "Seeds":
        """Seeds of all random numbers."""
        return Seeds(self.seed, self.repeat)

    def make_network(self, task: Task) -> RateRNN:
        """Make the untrained network for a task."""
        if self.lesion.path:
            from ._pretrained import lesioned

            return lesioned(self.lesion, task)
        if not self.pretrained.path:
            return self._untrained(task)
        from ._pretrained import kept_whole, shuffled, with_pretrained

        if self.keeps_all:
            net = kept_whole(self.pretrained, task, self.network.train)
        else:
            net = with_pretrained(self._untrained(task), self.pretrained, freeze=bool(self.network.freeze))
        return shuffled(net, self.pretrained, self.seeds.seed)

    @property
    def keeps_all(self) -> bool:
        """True if the network is a pretrained one, unchanged."""
        return bool(self.pretrained.path) and self.pretrained.keep == "all"

    def make_learner(self, learning_rate: float | None = None) -> Learner:
        """Make the learner, with a different learning rate if one is given."""
        given = self.learner.given()
        name = given.pop("optimizer", None)
        if name == HESSIAN_FREE:
            return under("learner", lambda: HessianFree(**given))
        if "clip_norm" in given:
            given["clip_norm"] = given["clip_norm"] or None
        if "options" in given:
            for key, value in given["options"].items():
                if isinstance(value, dict) and key not in OPTIMIZERS:
                    raise ConfigError(f"learner.options.{key}: unknown optimiser; allowed: {', '.join(OPTIMIZERS)}.")
            given["options"] = _options(given["options"], name or "adam")
        if learning_rate is not None:
            given["learning_rate"] = learning_rate
        if self.compat:
            given["factors"] = {**BIAS_FACTORS, **given.get("factors", {})}
        return under("learner", lambda: Gradient(**({} if name is None else {"optimizer": name}), **given))

    def make_trials(self, task: Task) -> Sampled | Fixed:
        """Make fixed trials, or the rule by which trials are sampled."""
        given = self.trials.given()
        kind, n, size = given.pop("kind", None), given.pop("n", N_TRIALS), given.pop("train_size", TRAIN_SIZE)
        if kind != "fixed":
            if "batch_size" not in given:
                given["batch_size"] = self.make_learner().batch_size
            return Sampled(**given)
        if self.compat:
            given.setdefault("mean", "batches")
        trials = task.trials(n, key=self.seeds.key("trials"))
        return Fixed(*split_trials(trials, size, key=self.seeds.key("split")), **given)

    def make_trainer(
        self,
        net: RateRNN,
        task: Task | Curriculum,
        penalties: Sequence[Penalty] = (),
        learning_rate: float | None = None,
    ) -> Trainer:
        """Make the trainer, with additional ``penalties`` or a different ``learning_rate``.

        For a fit to a recording, ``task`` is ignored: the trainer makes a task from the recording.
        """
        settings, recorded = self.training, self.make_recording()
        configured = [PENALTIES[r.kind](**r.model_dump(exclude={"kind"})) for r in settings.penalties]
        options: dict[str, Any] = {"learner": self.make_learner(learning_rate)}
        if recorded is not None and (strength := self.recording.beside_task) is not None:
            loss = self.recording.loss
            configured.append(under("recording", lambda: FollowRecording(net, recorded.fitted, strength, loss)))
        options["penalties"] = [*configured, *penalties]
        if recorded is not None and self.is_fit:
            options |= {"loss": self.recording.loss, "batch_size": self.trials.batch_size, "seed": self.seed}
            return under("recording", lambda: Trainer(net, recorded.fitted, held_out=recorded.validation, **options))
        return Trainer(
            net,
            task,
            trials=self.make_trials(self.make_task()),
            loss=settings.loss,
            validation_repeats=settings.validation_repeats,
            seed=self.seeds.number("noise" if self.trials.kind == "fixed" else ""),
            **options,
        )

    def make_loss(self) -> Loss:
        """Make the loss of the training: the named one, or else that of the task."""
        return as_loss(self.training.loss or self.make_task().loss)

    # End of training.

    def n_steps(self, trials: Sampled | Fixed) -> int:
        """Return the number of steps of the whole training."""
        if self.trials.kind == "fixed" and isinstance(trials, Fixed) and self.training.steps is None:
            return (self.training.epochs or EPOCHS) * trials.steps_per_epoch
        return self.training.steps or STEPS

    def criterion(self) -> Rule | None:
        """Return the rule that ends training once all criteria are reached; None without criteria."""
        return _criterion(self.training, None if self.is_fit else self.make_task())

    def make_curriculum(self) -> Task | Curriculum:
        """Make the task, or a curriculum of the stages and finally the task."""
        task = self.make_task()
        if not self.stages:
            return task
        tasks = [self._task({**self.task, **stage.task}) for stage in self.stages]
        stages = [(made, _criterion(stage, made)) for made, stage in zip(tasks, self.stages, strict=True)]
        return Curriculum([*stages, (task, self.criterion())])

    def stop_when(self) -> tuple[Rule, ...]:
        """Return the rules that apply to all stages; a curriculum contains the criterion of the last stage."""
        settings, criterion = self.training, None if self.stages else self.criterion()
        patience = None if settings.patience is None else Patience(settings.patience)
        return tuple(rule for rule in (criterion, patience) if rule is not None)

    def is_over(self, history: History, first: int = 0) -> bool:
        """Return whether a training that starts with stage number ``first`` would stop at its last validation."""
        if not history.n_steps:
            return False
        stage = int(history.stage[-1])
        rules = [*self.stop_when(), *([self.criterion()] if stage - first == len(self.stages) > 0 else [])]
        part = history.of_stage(stage) if stage else history
        return any(rule is not None and rule(part) for rule in rules)

    # As text.

    def absolute(self) -> "Recipe":
        """Return the recipe with absolute paths, because workers may have a different current directory."""
        data = self.tables()
        for key in PATHS:
            table, _, name = key.partition(".")
            if name in (data.get(table) or {}):
                data[table] = {**data[table], name: _absolute(key, data[table][name])}
        data["grid"] = {key: tuple(_absolute(key, value) for value in values) for key, values in self.grid.items()}
        return validated(data, "recipe")

    def completed(self) -> "Recipe":
        """Return the recipe with the defaults of all constructors, and the files of user code.

        Tables whose kind is part of the grid stay unchanged.
        """
        kinds = ("", "kind", "name", "optimizer", "cell", "init", "rank")
        varied = {table for table, _, name in (key.partition(".") for key in self.grid) if name in kinds}
        fixed, data = self.trials.kind == "fixed", self.model_dump(exclude_unset=True)
        learner: Any = HessianFree if self.learner.optimizer == HESSIAN_FREE else Gradient
        rate = {"learning_rate": LEARNING_RATE} if learner is Gradient else {}
        length = {"epochs": EPOCHS} if fixed else {"steps": STEPS}
        said = self.training.given_or_default()
        if {"steps", "epochs"} & {*said, *(key.partition(".")[2] for key in self.grid)} or "trials" in varied:
            length = {}
        spelled: dict[str, Callable[[], dict[str, Any]]] = {
            "recording": lambda: {**self.recording.given(), **checksum_of(self.recording)},
            "task": lambda: {**_parameters(self.make_task(), self.task), **self.task},
            "network": lambda: self.network.given() if self.compat or self.keeps_all else self._whole_network(),
            "connectome": self._whole_connectome,
            "learner": lambda: {**_defaults((learner,), LearnerTable), **rate, **self.learner.given()},
            "trials": lambda: self._whole_trials(fixed, None if "learner" in varied else learner.batch_size),
            "training": lambda: {**length, **said},
        }
        there = {"connectome": self.network.kind == "connectome", "task": not self.is_fit}
        there["recording"] = bool(self.recording.file) and "recording.file" not in self.grid
        for name, spell in spelled.items():
            if name not in varied and there.get(name, True):
                data[name] = spell()
        if "seed" not in self.grid:
            data["seed"] = self.seed
        data = located(data, Path())
        data["code"] = [entry.model_dump() for entry in self._code(data)]
        return validated(data, "recipe")

    def _whole_connectome(self) -> dict[str, Any]:
        table = self.connectome_table
        expands = table.neurons != 1 or "connectome.neurons" in self.grid
        found = _defaults((expand, neurons_per_region), ConnectomeTable) if expands else {}
        return {**found, **table.given_or_default()}

    def _whole_trials(self, fixed: bool, batch_size: int | None) -> dict[str, Any]:
        if self.is_fit:
            return self.trials.given()
        if fixed:
            of_fixed = {"n": N_TRIALS, "train_size": TRAIN_SIZE, **_defaults((Fixed,), TrialsTable)}
            if self.compat:
                of_fixed["mean"] = "batches"
            return {**of_fixed, **self.trials.given()}
        found = {**_defaults((Sampled,), TrialsTable), "batch_size": batch_size, **self.trials.given()}
        return {"kind": "sampled", **{name: value for name, value in found.items() if value is not None}}

    def _whole_network(self) -> dict[str, Any]:
        kind = self.network.kind
        allowed = keys_of_kind(kind)
        found = {"kind": kind, **_defaults(CONSTRUCTORS[kind], NetworkTable), **self.network.given()}
        if kind in ("dale", "free"):
            found.setdefault("n_rec", N_REC)
        if self.network.cell is None:
            found.setdefault("activation", Leaky.activation)
            declared = Leaky().parameters(1)
            for name in ("tau",) if kind == "connectome" else ("tau", "x0"):
                varied = self.grid.keys() & {"network.parameters", f"network.parameters.{name}"}
                if name not in (self.network.parameters or {}) and not varied:
                    found.setdefault(name, declared[name].value)
        if self.is_fit and self.network.readout_bias is None:  # its default depends on the recorded quantity
            found.pop("readout_bias", None)
        return {name: value for name, value in found.items() if name in allowed}

    def to_toml(self) -> str:
        """Return TOML text that `read_recipe` can read."""
        data = pruned(self.model_dump(mode="json", exclude_unset=True))
        return tomli_w.dumps(
            {"format": self.format, **{key: said for key, said in data.items() if said not in ([], {})}}
        )

    def _code(self, tables: Mapping[str, Any]) -> list[CodeTable]:
        kept = {entry.name: entry for entry in self.code}
        own = [name for name in own_names(tables) if not name.startswith("eicon.")]
        return [kept.get(name) or CodeTable(name=name, **_checksum(name)) for name in own]

    def _task(self, table: Mapping[str, Any]) -> Task:
        return make_task(dict(table), {entry.name: entry.sha256 for entry in self.code})

    def _untrained(self, task: Task, **options: Any) -> RateRNN:
        given = {**self.network.given(), **options}
        kind = given.pop("kind", "dale")
        if (cell := self._cell(given)) is not None:
            given["cell"] = cell
        if isinstance(task, Fit) and task.observed != "output":  # the readout has no effect
            given.setdefault("train", ("recurrent", "input"))
            if kind == "connectome":
                given.setdefault("readout_bias", False)
        seed = self.seeds.number("weights" if kind == "connectome" else "")
        if kind == "connectome":
            return self._on_connectome(task, given, seed)
        n = given.pop("n_rec", N_REC)
        if kind == "dale":
            return RateRNN.dale(task.n_in, n, task.n_out, dt=task.dt, seed=seed, **given)
        if kind == "free":
            rank = given.pop("rank", None)
            recurrent = Connectivity.dense(n, n) if rank is None else LowRank.drawn(n, rank, seed=seed)
            return RateRNN(
                recurrent,
                Connectivity.dense(task.n_in, n),
                Connectivity.dense(n, task.n_out),
                dt=task.dt,
                seed=seed,
                **given,
            )
        for role in ("recurrent", "input", "readout"):
            if role in given:
                given[role] = [Projection(**projection) for projection in given[role]]
        populations = [Population(**population) for population in given.pop("populations")]
        return RateRNN.from_populations(
            populations, task.input_channels, task.output_channels, dt=task.dt, seed=seed, **given
        )

    def _on_connectome(self, task: Task, given: dict[str, Any], seed: int) -> RateRNN:
        neurons = self.make_connectome()
        assert neurons is not None
        if not self.compat:
            return RateRNN.from_connectome(neurons, task, seed=seed, **given)
        return published_network(
            neurons.weights,
            task.n_in,
            task.n_out,
            activation=given.get("activation", "relu"),
            init=given.get("init", "balanced"),
            remapped=given.get("remap") != "off",
            freeze=given.get("freeze", False),
            dt=task.dt,
            rng=self.seeds.generator("weights"),
        )

    def _cell(self, given: dict[str, Any]) -> Any:
        """Make the cell that the recipe names, starting from the outermost; None for a leaky one without options."""
        names, options = _words(given.pop("cell", None)), dict(given.pop("cell_options", {}))
        if not names and not options:
            return None
        names = [*names, *([] if names and (names[-1] == "leaky" or is_own(names[-1])) else ["leaky"])]
        cell: Any = None
        for name in reversed(names):
            if name not in CELLS and not is_own(name):
                raise ConfigError(f"network.cell: got {name!r}; allowed: {', '.join(CELLS)}, or file.py:Class.")
            recorded = {entry.name: entry.sha256 for entry in self.code}
            make = CELLS[name] if name in CELLS else load_own(name, recorded, "network.cell")
            known = inspect.signature(make).parameters
            own = {key: options.pop(key) for key in known if key in options}
            if "activation" in known and "activation" in given:
                own["activation"] = given.pop("activation")
            inner = {} if cell is None else {"inner": cell}
            cell = under(f"network.cell: {name}", partial(make, **inner, **own))
        if options:
            raise ConfigError(f"network.cell_options: {', '.join(names)} has no {next(iter(options))!r}.")
        if "activation" in given:
            raise ConfigError(f"network.activation: that of {', '.join(names)} cannot be chosen; leave it out.")
        return cell


TABLES = [
    name
    for name in Recipe.model_fields
    if name not in ("format", "seed", "repeat", "compat", "continued_from", "stages", "code", "grid")
]
TABLES += [f"{name}.{key}" for name in TABLES if name != "task" for key in free_tables(Recipe, name)]


class Cells:
    """Cells of a recipe's grid; tables that cells share are checked once."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._tables = recipe.tables()
        self._kinds_vary = bool(recipe.grid.keys() & {"network", "network.kind"})
        self._known: dict[str, Any] = {}

    def __getitem__(self, index: int) -> Recipe:
        return self.of(_grid.combination(self.recipe.grid, index)) if self.recipe.grid else self.recipe

    def of(self, combination: Mapping[str, Any]) -> Recipe:
        """Return the recipe with the values of a combination, without a grid."""
        parts: dict[str, dict[str, Any]] = {}
        for key, value in combination.items():
            parts.setdefault(key.partition(".")[0], {})[key] = value
        made = {name: self._table(name, part) for name, part in parts.items()}
        if self._kinds_vary and "connectome" not in made and made["network"].kind != "connectome":
            made["connectome"] = None
        cell = self.recipe.model_copy(update={**made, "grid": {}})
        try:
            cell.check_tables()
        except ValueError as error:
            raise ConfigError(f"grid: {error}") from error
        return cell

    def _table(self, name: str, part: Mapping[str, Any]) -> Any:
        said = repr(part)
        if said not in self._known:
            data = dict(self._tables)
            for key, value in part.items():
                _grid.set_key(data, key, value, TABLES)
            refuse_unknown_keys(Recipe, {name: data[name]}, "grid")
            try:
                self._known[said] = getattr(Recipe.model_validate({**self._tables_for(name), name: data[name]}), name)
            except ValidationError as error:
                raise ConfigError(f"grid: {explain(error, Recipe)}") from error
        return self._known[said]

    def _tables_for(self, name: str) -> dict[str, Any]:
        """Return the settings of other tables that allow one table to be checked on its own."""
        return {"network": {"kind": "connectome"}} if name == "connectome" else FIXED if name == "training" else {}


FIXED: dict[str, Any] = {"trials": {"kind": "fixed"}}


def validated(data: dict[str, Any], source: str) -> Recipe:
    """Make a recipe from nested tables.

    Raises
    ------
    ConfigError
        Names `source`, the key, the given value and the allowed ones.
    """
    grid = data.get("grid", {})
    data = {**data, "grid": _repeats_last(_grid.flat(grid)) if isinstance(grid, dict) else grid}
    refuse_unknown_keys(Recipe, data, source)
    tables: dict[str, Any] = {}
    try:
        for key in data["grid"] if isinstance(data["grid"], dict) else ():
            if key.partition(".")[0] not in _grid.SAME_FOR_ALL:
                _grid.set_key(tables, key, None, TABLES)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    refuse_unknown_keys(Recipe, tables, f"{source}: grid")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, Recipe)}") from error


def _repeats_last(grid: dict[str, Any]) -> dict[str, Any]:
    """Move seeds to the end of the grid, so that they vary fastest and repeats of a combination stay together."""
    return dict(sorted(grid.items(), key=lambda item: item[0] in _grid.REPEATS))


def checked(recipe: Recipe, source: str) -> Recipe:
    """Check every cell of a recipe's grid, and return the recipe."""
    try:
        recipe.check()
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    return recipe


def _absolute(key: str, value: Any) -> Any:
    """Return the value of a key, with an absolute path if it is a path."""
    if key == "connectome.join":
        return [{**entry, "file": _absolute("", entry["file"])} for entry in value]
    if (key and key not in PATHS) or not isinstance(value, str) or not value:
        return value
    found = Path(value).expanduser()
    is_path = found.suffix or key in FOLDERS  # otherwise it is the name of a connectome or of pictures
    return str(found.absolute()) if is_path and found.exists() else value


def _criterion(settings: Stopping, task: Task | None) -> Rule | None:
    asked: list[Rule] = []
    if settings.stop is not None and task is not None:
        asked.append(criterion_of(task))
    if settings.stop_accuracy is not None:
        asked.append(AccuracyReached(settings.stop_accuracy, settings.stop_window))
    if settings.stop_worst_accuracy is not None:
        asked.append(AccuracyReached(settings.stop_worst_accuracy, settings.stop_window, worst=True))
    if settings.stop_loss is not None:
        asked.append(LossReached(settings.stop_loss, settings.stop_window))
    return (lambda history: all(reached(history) for reached in asked)) if asked else None


NOT_PUBLISHED = {
    "connectome": ("target_sparsity", "intrinsic", "intrinsic_share", "intrinsic_sparsity", "autapses", "signs"),
    "network": ("spectral_radius", "tau", "sigma_rec", "sigma_in", "cell", "storage", "gain"),
}
"""Settings without a counterpart in bio_rnn_mem."""


def _check_compat(cell: Recipe) -> None:
    if not cell.compat:
        return
    for table, names in NOT_PUBLISHED.items():
        given = cell.connectome_table if table == "connectome" else cell.network
        for name in names:
            default = type(given).model_fields[name].default
            if getattr(given, name) not in (default, _OF_FORMAT_1.get((table, name), default)):
                raise ConfigError(f"{table}.{name}: {cell.compat} has no such setting; leave it out.")


_OF_FORMAT_1 = {
    ("connectome", "signs"): "free",
    ("connectome", "target_sparsity"): 0.8,
    ("connectome", "intrinsic"): True,
    ("connectome", "intrinsic_share"): 0.8,
    ("connectome", "intrinsic_sparsity"): 1.0,
    ("network", "spectral_radius"): "drawn",
    ("network", "tau"): 20.0,
    ("network", "sigma_rec"): 0.0,
    ("network", "sigma_in"): 0.0,
}
"""Defaults of format 1, which bio_rnn_mem ignores."""


def _options(options: Mapping[str, Any], optimizer: str) -> dict[str, Any]:
    """Return the options of one optimizer, from a table that may contain those of several."""
    shared = {name: value for name, value in options.items() if not isinstance(value, dict)}
    own = options.get(optimizer, {})
    return {**shared, **(own if isinstance(own, dict) else {})}


def value_of(cell: Recipe, key: str, given: Any) -> Any:
    """Return the value of a key in a cell."""
    table, _, name = key.partition(".")
    if table == "task" and name:
        made = getattr(cell.make_task(), name, None)
        return made if isinstance(made, bool | int | float | str) and name != "name" else given
    value: Any = cell.model_dump()
    for part in key.split("."):
        value = value[part]
    return value


def _parameters(task: Task, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a task that are data."""
    if is_own(table.get("name")):
        return {}
    found = {}
    for name in (field.name for field in dataclasses.fields(task)):
        value = getattr(task, name)
        with contextlib.suppress(TypeError, ValueError):  # anything else keeps the task's default
            if value is not None:
                found[name] = json.loads(json.dumps(value, allow_nan=False))
    return {"name": table["name"], **found} if "name" in table else found


def _defaults(constructors: Sequence[Callable[..., Any]], table: type[Section]) -> dict[str, Any]:
    """Return defaults of constructors for the keys of a table, each from the first constructor that has the key."""
    found: dict[str, Any] = {}
    allowed = table.model_fields
    for make in constructors:
        for name, parameter in inspect.signature(make).parameters.items():
            value = parameter.default
            if name in allowed and isinstance(value, bool | int | float | str):
                found.setdefault(name, value)
    return found


def _checksum(name: str) -> dict[str, str]:
    path, digest = checksum(name)
    return {"path": path, "sha256": digest}


def _words(value: str | Sequence[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def pruned(value: Any) -> Any:
    """Return data without None, which TOML lacks."""
    if isinstance(value, dict):
        return {key: pruned(inner) for key, inner in value.items() if inner is not None}
    return [pruned(inner) for inner in value] if isinstance(value, list) else value
