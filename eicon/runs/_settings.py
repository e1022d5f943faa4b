"""Keys and values of a run's configuration; what is made of them is in `_config`, which imports JAX and BrainPy."""

import logging
import tomllib
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ._coherence import scale_of_file, scale_of_tables
from ._schema import NonNegative, Positive, PositiveInt, Rate, Section, among, refuse_unknown_keys
from ._text import ConfigError


class PopulationConfig(Section):
    """Entry of ``network.populations``; see `eicon.models.Population`."""

    name: str
    n: PositiveInt
    type: Literal["E", "I", ""] = ""
    area: str = ""


class ProjectionConfig(Section):
    """Entry of ``network.recurrent``, ``input`` or ``readout``; see `eicon.models.Projection`."""

    source: str = "*"
    target: str = "*"
    density: Annotated[float, Field(gt=0, le=1)] = 1.0
    weight: float | None = None


class NetworkConfig(Section):
    """Table ``[network]``; see `eicon.models.RateRNN.dale` for what the keys mean.

    ``dale = false`` makes a dense network whose weights are all free, for which ``e_ratio``, ``positive``,
    ``free_input``, ``free_readout`` and ``autapses`` say nothing. With ``populations``, the network has these, and the
    projections in ``recurrent``, ``input`` and ``readout``; see `eicon.models.RateRNN.from_populations`. ``n_rec`` is
    their sum then, and ``dale`` and ``e_ratio`` say nothing. ``start`` is ``"slow"``, or ``"balanced"`` with a
    ``spectral_radius``; a file that names neither was written for eicon 0.1.0: balanced, with a radius of 1.5.
    """

    dale: bool = True
    n_rec: PositiveInt = 100
    e_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.8
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
    populations: tuple[PopulationConfig, ...] = ()
    recurrent: tuple[ProjectionConfig, ...] = ()
    input: tuple[ProjectionConfig, ...] = ()
    readout: tuple[ProjectionConfig, ...] = ()

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


class WeightPenaltyConfig(Section):
    """Entry of ``training.regularizers`` with ``kind = "weight"``."""

    kind: Literal["weight"]
    strength: NonNegative
    power: Literal[1, 2] = 2
    matrix: Literal["input", "recurrent", "readout"] = "recurrent"


class RatePenaltyConfig(Section):
    """Entry of ``training.regularizers`` with ``kind = "rate"``."""

    kind: Literal["rate"]
    strength: NonNegative


class VanishingGradientConfig(Section):
    """Entry of ``training.regularizers`` with ``kind = "vanishing_gradient"``."""

    kind: Literal["vanishing_gradient"]
    strength: NonNegative = 2.0
    bound: NonNegative = 1e-20


RegularizerConfig = Annotated[
    WeightPenaltyConfig | RatePenaltyConfig | VanishingGradientConfig, Field(discriminator="kind")
]


Accuracy = Annotated[float, Field(gt=0, le=1)]


class TrainingConfig(Section):
    """Table ``[training]``; see `eicon.training.Trainer` for what the keys mean.

    Without ``validate_every`` and ``validation_repeats``, validations take at most a tenth of the time. With
    ``snapshots = true``, a run keeps the network of every ``checkpoint_every`` steps, in ``snapshots/``.
    ``learning_rate`` is a number or the table of a schedule, e.g. ``{schedule = "cosine", rate = 0.01, steps = 1000}``.
    Training stops when all of ``stop`` (``"criterion"``: the task's own) and ``stop_...`` are met, or when
    ``patience`` validations have passed without a smaller loss than before. ``restore = "best"``: the network of the
    run is the best by validation, not the last.
    """

    steps: PositiveInt = 2000
    batch_size: PositiveInt = 32
    optimizer: Annotated[str, among("eicon.training.OPTIMIZERS")] = "adam"
    learning_rate: Rate = 0.002
    loss: Annotated[str, among("eicon.training._losses.LOSSES")] | None = None
    clip_norm: Positive | None = 1.0
    regularizers: tuple[RegularizerConfig, ...] = ()
    validate_every: PositiveInt | None = None
    validation_repeats: PositiveInt | None = None
    checkpoint_every: PositiveInt = 500
    snapshots: bool = False
    restore: Literal["last", "best"] = "last"
    patience: PositiveInt | None = None
    stop: Literal["criterion"] | None = None
    stop_accuracy: Accuracy | None = None
    stop_worst_accuracy: Accuracy | None = None
    stop_loss: Positive | None = None
    stop_window: PositiveInt = 5


class StageConfig(Section):
    """Entry of ``stages``: what differs from the task, and what ends the stage, as in ``[training]``."""

    task: dict[str, Any] = Field(default_factory=dict)
    stop: Literal["criterion"] | None = None
    stop_accuracy: Accuracy | None = None
    stop_worst_accuracy: Accuracy | None = None
    stop_loss: Positive | None = None
    stop_window: PositiveInt = 5


class RunTables(Section):
    """All tables of a configuration; ``task`` holds the task's ``name`` and its own parameters.

    ``stages`` are trained before the task itself, one after the other. ``continued_from`` is the directory of a run
    whose trained network, of the same constants, this training starts with.
    """

    seed: Annotated[int, Field(ge=0)] = 0
    task: dict[str, Any] = Field(default_factory=lambda: {"name": "PerceptualDecision"})
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()
    stages: tuple[StageConfig, ...] = ()
    continued_from: str = ""

    @model_validator(mode="before")
    @classmethod
    def _with_scale(cls, tables: Any) -> Any:
        return scale_of_tables(tables)


def read_tables(text: str, source: str) -> dict[str, Any]:
    """Tables of a configuration whose keys are all known."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}.") from error
    refuse_unknown_keys(RunTables, data, source)
    training = data.get("training")
    if isinstance(training, dict) and training.get("clip_norm") is False:
        training["clip_norm"] = None
    return scale_of_file(_with_start(data, source), source)


def _with_start(tables: dict[str, Any], source: str) -> dict[str, Any]:
    """Tables of a file, whose network starts as in eicon 0.1.0 unless they say how."""
    network = tables.get("network", {})
    if not isinstance(network, dict) or {"start", "spectral_radius"} & network.keys():
        return tables
    logging.getLogger(__name__).warning(
        '%s: the network starts as in eicon 0.1.0 (start = "balanced", spectral_radius = 1.5). Say which start is '
        'meant; start = "slow" is the default in Python, and learns tasks with a delay.',
        source,
    )
    return {**tables, "network": {**network, "start": "balanced", "spectral_radius": 1.5}}
