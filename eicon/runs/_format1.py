"""Configurations of format 1, of runs and sweeps of eicon 0.1.0, and the equivalent recipes.

Missing keys have the defaults of 0.1.0.
"""

import logging
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from . import _grid
from ._coherence import scale_of_file
from ._recipe_tables import (
    Compat,
    Fraction,
    PenaltyTable,
    PopulationTable,
    ProjectionTable,
    Share,
    StageTable,
    Stopping,
)
from ._schema import NonNegative, Positive, PositiveInt, Rate, Section, among, explain, refuse_unknown_keys
from ._text import ConfigError


class RunNetwork(Section):
    """Table ``[network]``; see `eicon.models.RateRNN.dale` for the meaning of the keys.

    ``dale = false`` makes a dense network with free weights, which ignores ``e_ratio``, ``positive``, ``free_input``,
    ``free_readout`` and ``autapses``. With ``populations``, the network has these populations and the projections in
    ``recurrent``, ``input`` and ``readout``; see `eicon.models.RateRNN.from_populations`. Then ``n_rec`` must be their
    sum, and ``dale`` and ``e_ratio`` are ignored. ``start`` is ``"slow"``, or ``"balanced"`` with a
    ``spectral_radius``; a file with neither was written for eicon 0.1.0 and means balanced, with a radius of 1.5.
    """

    dale: bool = True
    n_rec: PositiveInt = 100
    e_ratio: Share = 0.8
    activation: Annotated[str, among("eicon.models.cells.ACTIVATIONS")] = "relu"
    tau: Positive = 100.0
    sigma_rec: NonNegative = 0.15
    sigma_in: NonNegative = 0.01
    start: Literal["slow", "balanced"] | None = None
    spectral_radius: Positive | None = None
    positive: Literal["abs", "relu", "softplus"] = "abs"
    bias: bool = False
    readout_bias: bool | None = None
    x0: float = 0.1
    train_x0: bool = True
    free_input: bool = False
    free_readout: bool = False
    autapses: bool = False
    distribution: Annotated[str, among("eicon.models._distributions.DISTRIBUTIONS")] | None = None
    populations: tuple[PopulationTable, ...] = ()
    recurrent: tuple[ProjectionTable, ...] = ()
    input: tuple[ProjectionTable, ...] = ()
    readout: tuple[ProjectionTable, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_start(cls, table: Any) -> Any:
        if not isinstance(table, dict) or table.get("start") is not None:
            return table
        return {**table, "start": "slow" if table.get("spectral_radius") is None else "balanced"}

    @model_validator(mode="after")
    def _fits(self) -> "NetworkConfig":
        units = sum(population.n for population in self.populations)
        if self.populations and units != self.n_rec:
            raise ValueError(f"n_rec is {self.n_rec}, but the populations have {units} units together.")
        if not self.populations and (self.recurrent or self.input or self.readout):
            raise ValueError("recurrent, input and readout list projections between populations; there are none.")
        return self


class RunTraining(Stopping):
    """Table ``[training]``; see `eicon.training.Trainer` for the meaning of the keys.

    Without ``validate_every`` and ``validation_repeats``, validations take at most a tenth of the time. With
    ``snapshots = true``, a run keeps the network of every ``checkpoint_every`` steps, in ``snapshots/``.
    ``learning_rate`` is a number or the table of a schedule, e.g. ``{schedule = "cosine", rate = 0.01, steps = 1000}``.
    Training stops when ``stop`` (``"criterion"``: the task's own) and all ``stop_...`` are met, or when
    ``patience`` validations have passed without a new smallest loss. ``restore = "best"``: the network of the
    run is the best by validation, not the last.
    """

    steps: PositiveInt = 2000
    batch_size: PositiveInt = 32
    optimizer: Annotated[str, among("eicon.training.OPTIMIZERS")] = "adam"
    learning_rate: Rate = 0.002
    loss: Annotated[str, among("eicon.training._losses.LOSSES")] | None = None
    clip_norm: Positive | None = 1.0
    regularizers: tuple[PenaltyTable, ...] = ()
    validate_every: PositiveInt | None = None
    validation_repeats: PositiveInt | None = None
    checkpoint_every: PositiveInt = 500
    snapshots: bool = False
    restore: Literal["last", "best"] = "last"
    patience: PositiveInt | None = None


class RunTables(Section):
    """All tables of a configuration; ``task`` contains the task's ``name`` and its parameters.

    ``stages`` are trained before the task itself, one after the other. ``continued_from`` is the directory of a run
    whose trained network, with the same constants, is the start of this training.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    task: dict[str, Any] = Field(default_factory=lambda: {"name": "PerceptualDecision"})
    network: RunNetwork = RunNetwork()
    training: RunTraining = RunTraining()
    stages: tuple[StageTable, ...] = ()
    continued_from: str = ""


class SweepConnectome(Section):
    """Table ``[connectome]``: a wiring diagram, and the expansion of its regions to neurons.

    With ``neurons`` 1, every region is one unit, without expansion; "ratio" and "rank" follow the densities of the
    data, with ``total`` neurons (0: the least dense region gets one); for ``missing`` densities see
    `eicon.connectomes.neurons_per_region`. ``folder`` is searched first for connectome files; see
    `eicon.connectomes.load` and `expand`. ``name`` may be the path of a user's file, for which ``rows`` gives the
    meaning of a row. ``regions``: required number of regions in the file (0: any number).
    """

    name: str = "celegans"
    folder: str = ""
    rows: Literal["", "source", "target", "symmetric"] = ""
    regions: Annotated[int, Field(ge=0)] = 0
    neurons: PositiveInt | tuple[PositiveInt, ...] | Literal["ratio", "rank"] = 1
    total: Annotated[int, Field(ge=0)] = 0
    missing: Literal["error", "median", "smallest"] = "error"
    target_sparsity: Fraction = 0.8
    intrinsic: bool | Literal["measured"] = True
    intrinsic_share: Share = 0.8
    intrinsic_sparsity: Fraction = 1.0
    autapses: bool = False
    partition: Literal["equal", "random"] = "random"
    orientation: Literal["forward", "reversed"] = "forward"
    null: Annotated[str, among("eicon.connectomes._nulls.NULLS", "none")] = "none"


class SweepNetwork(Section):
    """Table ``[network]``; see `eicon.models.RateRNN.from_connectome`. ``spectral_radius`` 0: as drawn.

    ``signs``: "free", "known" (transmitters; unknown neurons stay free) or "dale" (unknown ones are drawn, a
    fraction ``e_ratio`` of each region excitatory).
    """

    activation: Annotated[str, among("eicon.models.cells.ACTIVATIONS")] = "relu"
    init: Annotated[str, among("eicon.models._schemes.SCHEMES", "balanced")] = "default"
    remap: Annotated[str, among("eicon.models._anatomy.REMAPS")] = "magnitude"
    spectral_radius: NonNegative = 0.0
    freeze: bool = False
    signs: Literal["free", "known", "dale"] = "free"
    e_ratio: Share = 0.8
    tau: Positive = 20.0
    sigma_rec: NonNegative = 0.0
    sigma_in: NonNegative = 0.0


class SweepTraining(Section):
    """Table ``[training]``; see `eicon.training.Trainer`, `Gradient` and `Fixed`.

    ``n_trials`` of each kind (match and non-match); ``clip_norm`` 0: none; ``store_every``: keep the network
    every this many epochs (0: only the last).
    """

    epochs: PositiveInt = 500
    repeats: Annotated[int, Field(ge=1, le=_grid.MOST_REPEATS)] = 5
    n_trials: PositiveInt = 500
    train_size: Share = 0.8
    batch_size: PositiveInt = 128
    optimizer: Annotated[str, among("eicon.training.OPTIMIZERS")] = "adam"
    optimizer_options: dict[str, float] = Field(default_factory=dict)
    learning_rate: Positive = 1e-4
    clip_norm: NonNegative = 0.0
    store_every: Annotated[int, Field(ge=0)] = 0


class SweepPretrained(Section):
    """Table ``[pretrained]``: start from trained networks, with a new readout.

    ``path`` is a network file, or a sweep, of which the run of the same combination is used (its ``repeat``, after
    ``epoch``, counted from 0; -1 is the last).
    """

    path: str = ""
    epoch: Annotated[int, Field(ge=-1)] = -1
    repeat: Annotated[int, Field(ge=0)] = 0


class SweepTables(Section):
    """All tables of a sweep; ``grid`` maps dotted keys, e.g. ``network.activation``, to lists of values."""

    seed: Annotated[int, Field(ge=0)] = 0
    compat: Compat = ""
    connectome: SweepConnectome = SweepConnectome()
    network: SweepNetwork = SweepNetwork()
    task: dict[str, Any] = Field(default_factory=lambda: {"name": "SequenceMemory"})
    training: SweepTraining = SweepTraining()
    pretrained: SweepPretrained = SweepPretrained()
    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)


TORCH_RMSPROP = {"rho": 0.99, "epsilon": 1e-16}
"""PyTorch's defaults, those of sweeps of 0.1.0: its epsilon of 1e-8 is outside the square root."""
OF_SWEEPS = ("connectome", "pretrained", "grid", "compat")


def is_sweep(tables: dict[str, Any]) -> bool:
    """Return whether tables of format 1 can only be those of a sweep."""
    training = tables.get("training")
    return any(name in tables for name in OF_SWEEPS) or (
        isinstance(training, dict) and bool(training.keys() & {"epochs", "repeats", "n_trials", "train_size"})
    )


def of_run(tables: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the tables of the recipe equivalent to a configuration of a run."""
    refuse_unknown_keys(RunTables, tables, source)
    training = tables.get("training")
    if isinstance(training, dict) and training.get("clip_norm") is False:
        tables = {**tables, "training": {**training, "clip_norm": None}}
    old = _validated(RunTables, scale_of_file(_with_start(tables, source), source), source)
    network, training = old.network.given_or_default(), old.training.given_or_default()
    kind = "populations" if old.network.populations else "dale" if network["dale"] else "free"
    gone = {
        "dale": ("populations", "recurrent", "input", "readout"),
        "free": (
            *("populations", "recurrent", "input", "readout", "e_ratio", "positive"),
            *("free_input", "free_readout", "autapses"),
        ),
        "populations": ("n_rec", "e_ratio"),
    }[kind]
    for name in ("dale", *gone):
        network.pop(name, None)
    learner = {"clip_norm": training.pop("clip_norm", False)}
    learner |= {name: training.pop(name) for name in ("optimizer", "learning_rate")}
    trials = {"kind": "sampled", "batch_size": training.pop("batch_size")}
    training["penalties"] = training.pop("regularizers", ())
    return {
        "seed": old.seed,
        "task": old.task,
        "network": {"kind": kind, **network},
        "trials": trials,
        "learner": learner,
        "training": training,
        "stages": [stage.given() for stage in old.stages],
        "continued_from": old.continued_from,
    }


def of_sweep(tables: dict[str, Any], source: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tables of the recipe equivalent to a sweep, and the grid by its old keys, which name directories."""
    grid = tables.get("grid", {})
    tables = {**tables, "grid": _grid.flat(grid) if isinstance(grid, dict) else grid}
    refuse_unknown_keys(SweepTables, tables, source)
    for key in tables["grid"] if isinstance(tables["grid"], dict) else ():
        _check_key(key, source)
    old = _validated(SweepTables, scale_of_file(tables, source), source)
    for key, values in old.grid.items():
        _check_values(key, values, source)
    task = {**old.task, "name": old.task.get("name", "SequenceMemory")}
    new: dict[str, Any] = {
        "seed": old.seed,
        "compat": old.compat,
        "task": task,
        "network": {"kind": "connectome", "storage": "dense"},
        "trials": {"kind": "fixed", "mean": "batches" if old.compat else "steps"},
        "pretrained": old.pretrained.model_dump(),
    }
    if old.compat:
        del new["network"]["storage"]
    for table in ("connectome", "network", "training"):
        for name, value in getattr(old, table).model_dump().items():
            key, value = _moved(f"{table}.{name}", value)
            if key and value is not None and value != {}:
                _grid.set_key(new, key, value, ["connectome", "network", "trials", "learner", "training"])
    optimizers = old.grid.get("training.optimizer", (old.training.optimizer,))
    if "rmsprop" in optimizers:
        given = old.training.optimizer_options
        new["learner"]["options"] = {**given, "rmsprop": {**TORCH_RMSPROP, **given}}
    moved = {}
    for key, values in old.grid.items():
        name = key if key.partition(".")[0] in ("task", "pretrained") else _moved(key, None)[0]
        moved[name] = tuple(value if (said := _moved(key, value)[1]) is None else said for value in values)
    repeats = tuple(range(old.training.repeats))
    new["grid"] = {**moved, "repeat": repeats}
    return new, {**old.grid, "repeat": repeats}


_MOVED = {
    "network.signs": "connectome.signs",
    "network.e_ratio": "connectome.e_ratio",
    "training.n_trials": "trials.n",
    "training.train_size": "trials.train_size",
    "training.batch_size": "trials.batch_size",
    "training.optimizer": "learner.optimizer",
    "training.optimizer_options": "learner.options",
    "training.learning_rate": "learner.learning_rate",
    "training.clip_norm": "learner.clip_norm",
    "training.repeats": "",
}
_ZERO = {
    "network.spectral_radius": "drawn",
    "training.clip_norm": False,
    "training.store_every": None,
    "connectome.total": None,
}
"""Meaning of 0."""


def _moved(key: str, value: Any) -> tuple[str, Any]:
    """Translate a key and value of a sweep of format 1 to a recipe; the value is None if the recipe omits the key."""
    if key in _ZERO and value == 0:
        value = _ZERO[key]
    if key in ("connectome.folder", "connectome.rows") and not value:
        value = None
    return _MOVED.get(key, key), value


def _check_key(key: str, source: str) -> None:
    """Reject an unknown key of the grid before any value is checked."""
    table = key.partition(".")[0]
    if key in ("training.repeats", "seed", "compat") or table == "grid":
        raise ConfigError(f"{source}: grid.{key}: must be the same for a whole sweep; it cannot be part of the grid.")
    tables: dict[str, Any] = {}
    try:
        _grid.set_key(tables, key, None, ["connectome", "network", "task", "training", "pretrained"])
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    refuse_unknown_keys(SweepTables, tables, f"{source}: grid")


def _check_values(key: str, values: tuple[Any, ...], source: str) -> None:
    table, _, name = key.partition(".")
    if table in ("connectome", "network", "training") and not name:
        raise ConfigError(f"{source}: grid.{key}: a grid over a whole table needs a recipe (format = 2).")
    if table == "training" and name == "store_every" and 0 in values:
        raise ConfigError(f"{source}: grid.{key}: 0 cannot be part of the grid.")
    for value in values:
        if table not in ("task",):
            _validated(SweepTables, {table: {name: value}}, f"{source}: grid")


def _with_start(tables: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the tables of a file, whose network starts as in eicon 0.1.0 unless they set the start."""
    network = tables.get("network", {})
    if not isinstance(network, dict) or {"start", "spectral_radius"} & network.keys():
        return tables
    logging.getLogger(__name__).warning(
        '%s: the network starts as in eicon 0.1.0 (start = "balanced", spectral_radius = 1.5). Set network.start '
        'explicitly, or put format = 2 on the first line: then start = "slow", which can learn tasks with a delay.',
        source,
    )
    return {**tables, "network": {**network, "start": "balanced", "spectral_radius": 1.5}}


def _validated(model: Any, tables: dict[str, Any], source: str) -> Any:
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, model)}") from error
