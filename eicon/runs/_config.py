"""What is made of a run's configuration: its task, network and trainer."""

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import numpy as np
import tomli_w
from pydantic import ValidationError

from ..models import Connectivity, Population, Projection, RateRNN
from ..tasks import Task
from ..training import (
    AccuracyReached,
    Curriculum,
    Gradient,
    LossReached,
    Patience,
    RatePenalty,
    Sampled,
    Trainer,
    VanishingGradient,
    WeightPenalty,
)
from ..training._history import History
from ..training._losses import LOSSES, Loss
from ..training._penalties import Penalty
from ..training._trainer import criterion_of
from ._schema import explain, make_task
from ._settings import RunTables, StageConfig, TrainingConfig, read_tables
from ._text import ConfigError

Rule = Callable[[History], bool]

PENALTIES: dict[str, Callable[..., Penalty]] = {
    "weight": WeightPenalty,
    "rate": RatePenalty,
    "vanishing_gradient": VanishingGradient,
}


class RunConfig(RunTables):
    """A whole configuration; ``task`` holds the task's ``name`` and its own parameters."""

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
        self.make_curriculum()

    def criterion(self) -> Rule | None:
        """When training is over: as soon as all that is asked for is reached; None if nothing is."""
        return _criterion(self.training, self.make_task())

    def make_curriculum(self) -> Task | Curriculum:
        """What is trained: the task, or the stages before it and, at last, the task."""
        task = self.make_task()
        if not self.stages:
            return task
        tasks = [make_task({**self.task, **stage.task}) for stage in self.stages]
        stages = [(made, _criterion(stage, made)) for made, stage in zip(tasks, self.stages, strict=True)]
        return Curriculum([*stages, (task, self.criterion())])

    def stop_when(self) -> tuple[Rule, ...]:
        """Rules for all stages; a curriculum holds the criterion of the last one."""
        settings, criterion = self.training, None if self.stages else self.criterion()
        patience = None if settings.patience is None else Patience(settings.patience)
        return tuple(rule for rule in (criterion, patience) if rule is not None)

    def is_over(self, history: History, first: int = 0) -> bool:
        """Whether a training whose first stage has this number would stop at its last validation."""
        if not history.n_steps:
            return False
        stage = int(history.stage[-1])
        rules = [*self.stop_when(), *([self.criterion()] if stage - first == len(self.stages) > 0 else [])]
        part = history.of_stage(stage) if stage else history
        return any(rule is not None and rule(part) for rule in rules)

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
        task: Task | Curriculum,
        penalties: Sequence[Penalty] = (),
        learning_rate: float | None = None,
    ) -> Trainer:
        """Trainer with the configured settings, and with further ``penalties`` or another ``learning_rate``."""
        settings = self.training
        configured = [PENALTIES[r.kind](**r.model_dump(exclude={"kind"})) for r in settings.regularizers]
        return Trainer(
            net,
            task,
            learner=Gradient(settings.optimizer, learning_rate or settings.learning_rate, settings.clip_norm),
            trials=Sampled(settings.batch_size),
            loss=settings.loss,
            penalties=[*configured, *penalties],
            validation_repeats=settings.validation_repeats,
            seed=self.seed,
        )

    def make_loss(self) -> Loss:
        """Loss of the training: the configured one, or else that of the task."""
        return LOSSES[self.training.loss or self.make_task().loss]

    def to_toml(self) -> str:
        """TOML text that `read_config` reads back; every default is spelled out (``clip_norm = false``: none)."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def _criterion(settings: TrainingConfig | StageConfig, task: Task) -> Rule | None:
    asked: list[Rule] = []
    if settings.stop is not None:
        asked.append(criterion_of(task))
    if settings.stop_accuracy is not None:
        asked.append(AccuracyReached(settings.stop_accuracy, settings.stop_window))
    if settings.stop_worst_accuracy is not None:
        asked.append(AccuracyReached(settings.stop_worst_accuracy, settings.stop_window, worst=True))
    if settings.stop_loss is not None:
        asked.append(LossReached(settings.stop_loss, settings.stop_window))
    return (lambda history: all(reached(history) for reached in asked)) if asked else None


def checked(data: dict[str, Any], source: str) -> RunConfig:
    """Configuration of tables whose keys are known; see `parse_config`."""
    try:
        config = RunConfig.model_validate(data)
        config.make_curriculum()
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, RunConfig)}") from error
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    return config


def demo_config(seed: int = 0) -> RunConfig:
    """Configuration of ``eicon demo`` (``configs/demo.toml``)."""
    text = resources.files(__package__).joinpath("configs", "demo.toml").read_text(encoding="utf-8")
    return checked(read_tables(text, "demo.toml"), "demo.toml").model_copy(update={"seed": seed})


def _without_none(data: dict[str, Any]) -> dict[str, Any]:
    data["training"]["clip_norm"] = data["training"]["clip_norm"] or False
    if not data["continued_from"]:
        del data["continued_from"]
    return _pruned(data)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None and inner != []}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value
