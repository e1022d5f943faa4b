"""What a sweep is: a connectome, a network, a task, a training, and a grid over any of their keys."""

import hashlib
import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

import tomli_w
from pydantic import BaseModel, Field, ValidationError, model_validator

from .. import tasks
from ._coherence import scale_of_file, scale_of_tables
from ._schema import NonNegative, Positive, PositiveInt, Section, among, explain, make_task, refuse_unknown_keys
from ._text import Compat, ConfigError

Fraction = Annotated[float, Field(gt=0, le=1)]
C = TypeVar("C", bound=BaseModel)
LONGEST_SLUG = 120


class ConnectomeConfig(Section):
    """Table ``[connectome]``: which wiring diagram, and how its regions become neurons.

    With ``neurons`` 1 the units are the network's, and nothing is expanded; "ratio" and "rank" follow the densities of
    the data, ``total`` neurons in all (0: the least dense region gets one), where a density is ``missing`` as
    `eicon.connectomes.neurons_per_region` says. ``folder`` is searched for connectome
    files first; see `eicon.connectomes.load` and `expand`. ``name`` may be the path of a file of one's own, of which
    ``rows`` says what a row is. ``regions``: how many the file must have (0: any number).
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
    intrinsic_share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    intrinsic_sparsity: Fraction = 1.0
    autapses: bool = False
    partition: Literal["equal", "random"] = "random"
    orientation: Literal["forward", "reversed"] = "forward"
    null: Annotated[str, among("eicon.connectomes._nulls.NULLS", "none")] = "none"


class SweepNetworkConfig(Section):
    """Table ``[network]``; see `eicon.models.RateRNN.from_connectome`. ``spectral_radius`` 0: as it was drawn.

    ``signs``: "free", "known" (transmitters; unknown neurons stay free) or "dale" (unknown ones are drawn, a
    fraction ``e_ratio`` of each region excitatory).
    """

    activation: Annotated[str, among("eicon.models.cells.ACTIVATIONS")] = "relu"
    init: Annotated[str, among("eicon.models._schemes.SCHEMES", "balanced")] = "default"
    remap: Annotated[str, among("eicon.models._anatomy.REMAPS")] = "magnitude"
    spectral_radius: NonNegative = 0.0
    freeze: bool = False
    signs: Literal["free", "known", "dale"] = "free"
    e_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.8
    tau: Positive = 20.0
    sigma_rec: NonNegative = 0.0
    sigma_in: NonNegative = 0.0


class SweepTrainingConfig(Section):
    """Table ``[training]``; see `eicon.training.Trainer`, `Gradient` and `Fixed`.

    ``n_trials`` of each kind (match and non-match); ``clip_norm`` 0: none; ``store_every``: keep the network
    after every so many epochs (0: only the last).
    """

    epochs: PositiveInt = 500
    repeats: PositiveInt = 5
    n_trials: PositiveInt = 500
    train_size: Annotated[float, Field(gt=0, lt=1)] = 0.8
    batch_size: PositiveInt = 128
    optimizer: Annotated[str, among("eicon.training.OPTIMIZERS")] = "adam"
    optimizer_options: dict[str, float] = Field(default_factory=dict)
    learning_rate: Positive = 1e-4
    clip_norm: NonNegative = 0.0
    store_every: Annotated[int, Field(ge=0)] = 0


class PretrainedConfig(Section):
    """Table ``[pretrained]``: start from trained networks, with a new readout.

    ``path`` is a network file, or a sweep whose run of the same combination is taken (its ``repeat``, after
    ``epoch``, counted from 0; -1 is the last).
    """

    path: str = ""
    epoch: Annotated[int, Field(ge=-1)] = -1
    repeat: Annotated[int, Field(ge=0)] = 0


class RunSettings(Section):
    """Settings of the runs of one combination: a sweep without its grid."""

    seed: Annotated[int, Field(ge=0)] = 0
    compat: Compat = ""
    connectome: ConnectomeConfig = ConnectomeConfig()
    network: SweepNetworkConfig = SweepNetworkConfig()
    task: dict[str, Any] = Field(default_factory=lambda: {"name": "SequenceMemory"})
    training: SweepTrainingConfig = SweepTrainingConfig()
    pretrained: PretrainedConfig = PretrainedConfig()

    @model_validator(mode="before")
    @classmethod
    def _with_scale(cls, tables: Any) -> Any:
        return scale_of_tables(tables)

    def make_task(self) -> "tasks.Task":
        """Task of these runs."""
        return make_task(self.task)


class SweepConfig(RunSettings):
    """A whole sweep; ``grid`` maps dotted keys, e.g. ``network.activation``, to lists of values."""

    grid: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)

    def combinations(self) -> Iterator[tuple[dict[str, Any], RunSettings]]:
        """All combinations in the order of the grid, each with its settings; 20 is 20.0 where a float is meant.

        Raises
        ------
        ConfigError
            If a key of the grid does not exist or a value may not be.
        """
        for values in itertools.product(*self.grid.values()):
            data = self.model_dump(exclude={"grid"})
            for key, value in zip(self.grid, values, strict=True):
                set_key(data, key, value)
            settings = _validated(RunSettings, data, "grid")
            task = settings.make_task()
            yield {key: _value(settings, task, key) for key in self.grid}, settings

    def check(self) -> None:
        """Refuse what any run would refuse about the configuration, before the first one starts."""
        for key, values in self.grid.items():
            if _same_for_all(key):
                raise ConfigError(f"grid.{key}: is the same for a whole sweep; it cannot be part of the grid.")
            if len({_as_json(f"grid.{key}", value) for value in values}) < len(values):
                raise ConfigError(f"grid.{key}: a value occurs twice in {list(values)}.")
        seen: dict[str, dict[str, Any]] = {}
        for combination, settings in self.combinations():
            resolved = settings.model_dump_json(exclude={"task"}) + repr(settings.make_task())
            if resolved in seen:
                raise ConfigError(f"grid: {seen[resolved]} and {combination} are the same combination.")
            seen[resolved] = combination
            _check_compat(settings)
        _as_json("task", self.task)

    def to_toml(self) -> str:
        """TOML text that `read_sweep` reads back, every default spelled out."""
        return tomli_w.dumps(self.model_dump(mode="json"))


def _value(settings: RunSettings, task: "tasks.Task", key: str) -> Any:
    table, _, name = key.partition(".")
    if table == "task" and isinstance(made := getattr(task, name, None), bool | int | float | str):
        return made
    value: Any = settings.model_dump()
    for part in key.split("."):
        value = value[part]
    return value


NOT_PUBLISHED = {
    "connectome": ("target_sparsity", "intrinsic", "intrinsic_share", "intrinsic_sparsity", "autapses"),
    "network": ("spectral_radius", "signs", "e_ratio", "tau", "sigma_rec", "sigma_in"),
}
"""Settings without a counterpart in bio_rnn_mem."""


def _check_compat(settings: RunSettings) -> None:
    if not settings.compat:
        return
    for table, names in NOT_PUBLISHED.items():
        given = getattr(settings, table)
        for name in names:
            default = type(given).model_fields[name].default
            if getattr(given, name) != default:
                raise ConfigError(f"{table}.{name}: {settings.compat} has no such setting; leave it at {default!r}.")


def _as_json(key: str, value: Any) -> str:
    try:
        return json.dumps(_plain(value), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(f"{key}: must hold finite numbers, text, lists and tables only; got {value!r}.") from None


def _plain(value: Any) -> Any:
    if value is None:
        raise TypeError("TOML has no null")
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def short_names(keys: list[str]) -> dict[str, str]:
    """Name of each dotted key in results: its last part, where that is unique and results mean nothing else by it."""
    last = [key.rpartition(".")[2] for key in keys]
    plain = [name not in ("epoch", "repeat", "label") and last.count(name) == 1 for name in last]
    return {key: name if short else key for key, name, short in zip(keys, last, plain, strict=True)}


def set_key(data: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into nested tables; ``key`` is dotted."""
    *tables, name = key.split(".")
    for table in tables:
        inner = data.get(table)
        if not isinstance(inner, dict):
            raise ConfigError(f"{key}: there is no table {table!r}; allowed: {', '.join(_tables())}.")
        data = inner
    data[name] = value


def parse_sweep(text: str, source: str = "sweep") -> SweepConfig:
    """Read a sweep from TOML text.

    Raises
    ------
    ConfigError
        For bad TOML, unknown keys and values of the wrong type or range, those in the grid included.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}.") from error
    return sweep_from_dict(scale_of_file(data, source), source)


def sweep_from_dict(data: dict[str, Any], source: str) -> SweepConfig:
    """Make a checked sweep of nested tables."""
    grid = data.get("grid", {})
    data = {**data, "grid": flat(grid) if isinstance(grid, dict) else grid}
    refuse_unknown_keys(SweepConfig, data, source)  # of the tables first, as ever
    _check_grid_keys(data["grid"], source)
    config = _validated(SweepConfig, data, source)
    try:
        config.check()
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    return config


def _same_for_all(key: str) -> bool:
    return key in ("training.repeats", "seed", "compat") or key.partition(".")[0] == "grid"


def _check_grid_keys(grid: Any, source: str) -> None:
    """Refuse keys of the grid that there are not, before any value is looked at."""
    tables: dict[str, Any] = {name: {} for name in _tables()}
    try:
        for key in grid if isinstance(grid, dict) else ():
            if not _same_for_all(key):
                set_key(tables, key, None)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error
    refuse_unknown_keys(RunSettings, tables, f"{source}: grid")


def override(config: SweepConfig, changes: dict[str, Any]) -> SweepConfig:
    """Sweep with some dotted keys replaced; a key that was in the grid leaves it, and ``grid.KEY`` puts it there."""
    data = config.model_dump()
    for key, value in changes.items():
        if key.startswith("grid."):
            data["grid"][key.removeprefix("grid.")] = value
        else:
            set_key(data, key, value)
            data["grid"].pop(key, None)
    return sweep_from_dict(data, "command line")


def slug(combination: dict[str, Any]) -> str:
    """Directory name of a combination, e.g. ``learning_rate=0.001,activation=relu``; different for different ones."""
    names = short_names(list(combination))
    text = ",".join(f"{names[key]}={value}" for key, value in combination.items())
    plain = re.sub(r"[^\w=,.+-]+", "_", text)
    if plain == text and len(plain) <= LONGEST_SLUG:
        return plain or "all"
    return f"{plain[:LONGEST_SLUG]},{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of nested tables by dotted keys."""
    found: dict[str, Any] = {}
    for key, value in tables.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def _tables() -> list[str]:
    return [name for name, field in RunSettings.model_fields.items() if field.annotation not in (int, Compat)]


def _validated(model: type[C], data: dict[str, Any], source: str) -> C:
    refuse_unknown_keys(model, data, source)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, model)}") from error
