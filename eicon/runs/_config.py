"""What a run is: a TOML file, checked key by key before anything is computed."""

import os
import tomllib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tomli_w
from pydantic import Field, ValidationError, model_validator

from ..models import ACTIVATIONS, Connectivity, Population, Projection, RateRNN
from ..models._distributions import DISTRIBUTIONS
from ..tasks import Task
from ..training import OPTIMIZERS, AccuracyReached, LossReached, RatePenalty, Trainer, VanishingGradient, WeightPenalty
from ..training._history import History
from ..training._losses import LOSSES, Loss
from ..training._regularizers import Regularizer
from ._schema import ConfigError, NonNegative, Positive, PositiveInt, Section, explain, make_task, read_text


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
    their sum then, and ``dale`` and ``e_ratio`` say nothing.
    """

    dale: bool = True
    n_rec: PositiveInt = 100
    e_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.8
    activation: Literal[ACTIVATIONS] = "relu"  # type: ignore[valid-type]
    tau: Positive = 100.0
    sigma_rec: NonNegative = 0.15
    sigma_in: NonNegative = 0.01
    spectral_radius: Positive = 1.5
    positive: Literal["abs", "relu", "softplus"] = "abs"
    bias: bool = False
    readout_bias: bool = False
    x0: float = 0.1
    train_x0: bool = True
    free_input: bool = False
    free_readout: bool = False
    autapses: bool = False
    distribution: Literal[tuple(DISTRIBUTIONS)] | None = None  # type: ignore[valid-type]
    populations: tuple[PopulationConfig, ...] = ()
    recurrent: tuple[ProjectionConfig, ...] = ()
    input: tuple[ProjectionConfig, ...] = ()
    readout: tuple[ProjectionConfig, ...] = ()

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


REGULARIZERS: dict[str, Callable[..., Regularizer | VanishingGradient]] = {
    "weight": WeightPenalty,
    "rate": RatePenalty,
    "vanishing_gradient": VanishingGradient,
}
RegularizerConfig = Annotated[
    WeightPenaltyConfig | RatePenaltyConfig | VanishingGradientConfig, Field(discriminator="kind")
]


class TrainingConfig(Section):
    """Table ``[training]``; see `eicon.training.Trainer` for what the keys mean.

    With ``snapshots = true``, a run keeps the network of every ``checkpoint_every`` steps, in ``snapshots/``.
    """

    steps: PositiveInt = 2000
    batch_size: PositiveInt = 32
    optimizer: Literal[tuple(OPTIMIZERS)] = "adam"  # type: ignore[valid-type]
    learning_rate: Positive = 0.002
    loss: Literal[tuple(LOSSES)] | None = None  # type: ignore[valid-type]
    clip_norm: Positive | None = 1.0
    regularizers: tuple[RegularizerConfig, ...] = ()
    validate_every: PositiveInt = 50
    validation_repeats: PositiveInt = 20
    checkpoint_every: PositiveInt = 500
    snapshots: bool = False
    stop_accuracy: Annotated[float, Field(gt=0, le=1)] | None = None
    stop_worst_accuracy: Annotated[float, Field(gt=0, le=1)] | None = None
    stop_loss: Positive | None = None
    stop_window: PositiveInt = 5


class RunConfig(Section):
    """A whole configuration; ``task`` holds the task's ``name`` and its own parameters."""

    seed: Annotated[int, Field(ge=0)] = 0
    task: dict[str, Any] = Field(default_factory=lambda: {"name": "PerceptualDecision"})
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig = TrainingConfig()

    def make_task(self) -> Task:
        """Task that the configuration describes."""
        return make_task(self.task)

    def make_network(self, task: Task) -> RateRNN:
        """Untrained network for a task."""
        return self._network(task, seed=self.seed)

    def check(self) -> None:
        """Refuse, before anything is computed or written, what only the network itself would refuse."""
        task, n = self.make_task(), self.network.n_rec
        weights = {
            "input": np.zeros((task.n_in, n)),
            "recurrent": np.zeros((n, n)),
            "readout": np.zeros((n, task.n_out)),
        }
        self._network(task, weights=weights)

    def criterion(self) -> Callable[[History], bool] | None:
        """When training is over: as soon as all that is asked for is reached; None if nothing is."""
        settings = self.training
        asked: list[Callable[[History], bool]] = []
        if settings.stop_accuracy is not None:
            asked.append(AccuracyReached(settings.stop_accuracy, settings.stop_window))
        if settings.stop_worst_accuracy is not None:
            asked.append(AccuracyReached(settings.stop_worst_accuracy, settings.stop_window, worst=True))
        if settings.stop_loss is not None:
            asked.append(LossReached(settings.stop_loss, settings.stop_window))
        return (lambda history: all(reached(history) for reached in asked)) if asked else None

    def _network(self, task: Task, **options: Any) -> RateRNN:
        wiring = {"populations", "recurrent", "input", "readout"}
        settings = self.network.model_dump(exclude={"dale", *wiring})
        if self.network.populations:
            return self._populations(task, settings, **options)
        if self.network.dale:
            return RateRNN.dale(task.n_in, n_out=task.n_out, dt=task.dt, **settings, **options)
        for name in ("e_ratio", "positive", "free_input", "free_readout", "autapses"):
            del settings[name]
        n = settings.pop("n_rec")
        return RateRNN(
            Connectivity.dense(n, n),
            Connectivity.dense(task.n_in, n),
            Connectivity.dense(n, task.n_out),
            dt=task.dt,
            **settings,
            **options,
        )

    def _populations(self, task: Task, settings: dict[str, Any], **options: Any) -> RateRNN:
        for name in ("n_rec", "e_ratio"):
            del settings[name]
        for role in ("recurrent", "input", "readout"):
            if listed := getattr(self.network, role):
                settings[role] = [Projection(**projection.model_dump()) for projection in listed]
        return RateRNN.from_populations(
            [Population(**population.model_dump()) for population in self.network.populations],
            task.input_channels,
            task.output_channels,
            dt=task.dt,
            **settings,
            **options,
        )

    def make_trainer(
        self,
        net: RateRNN,
        task: Task,
        penalties: Sequence[Regularizer] = (),
        learning_rate: float | None = None,
    ) -> Trainer:
        """Trainer with the configured settings, and with further ``penalties`` or another ``learning_rate``."""
        settings = self.training
        configured = [REGULARIZERS[r.kind](**r.model_dump(exclude={"kind"})) for r in settings.regularizers]
        return Trainer(
            net,
            task,
            optimizer=settings.optimizer,
            learning_rate=learning_rate or settings.learning_rate,
            loss=settings.loss,
            regularizers=[*configured, *penalties],
            clip_norm=settings.clip_norm,
            batch_size=settings.batch_size,
            validation_repeats=settings.validation_repeats,
            seed=self.seed,
        )

    def make_loss(self) -> Loss:
        """Loss of the training: the configured one, or else that of the task."""
        return LOSSES[self.training.loss or self.make_task().loss]

    def to_toml(self) -> str:
        """TOML text that `read_config` reads back; every default is spelled out (``clip_norm = false``: none)."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def parse_config(text: str, source: str = "config") -> RunConfig:
    """Read a configuration from TOML text.

    Raises
    ------
    ConfigError
        For bad TOML, unknown keys and values of the wrong type or range; the text names the key, what was
        got and what is allowed.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}.") from error
    training = data.get("training")
    if isinstance(training, dict) and training.get("clip_norm") is False:
        training["clip_norm"] = None
    try:
        config = RunConfig.model_validate(data)
        config.make_task()
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, RunConfig)}") from error
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    return config


def read_config(path: str | os.PathLike[str]) -> RunConfig:
    """Read a configuration file; see `parse_config`."""
    path = Path(path)
    return parse_config(read_text(path), str(path))


def demo_config(seed: int = 0) -> RunConfig:
    """Configuration of ``eicon demo`` (``configs/demo.toml``)."""
    text = resources.files(__package__).joinpath("configs", "demo.toml").read_text(encoding="utf-8")
    return parse_config(text, "demo.toml").model_copy(update={"seed": seed})


def _without_none(data: dict[str, Any]) -> dict[str, Any]:
    data["training"]["clip_norm"] = data["training"]["clip_norm"] or False
    return _pruned(data)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None and inner != []}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value
