"""Training in epochs, once more: numpy, float64, backpropagation through time by hand. The oracle of `Fixed` trials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from eicon.models import RateRNN
from eicon.tasks import SequenceMemory, Task, Trial

Values = dict[str, np.ndarray]

FUNCTIONS = {
    "relu": (lambda x: np.where(x > 0, x, 0.0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
}


class Trials(NamedTuple):
    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray

    @classmethod
    def of(cls, trial: Trial) -> "Trials":
        targets = np.asarray(trial.targets)
        return cls(
            np.asarray(trial.inputs, np.float64),
            targets if targets.ndim == 2 else targets.astype(np.float64),
            np.asarray(trial.mask, np.float64),
        )

    def batches(self, size: int) -> list["Trials"]:
        n = self.inputs.shape[1]
        return [Trials(*(a[:, start : start + size] for a in self)) for start in range(0, n, size)]


@dataclass
class NumpyTraining:
    """A network with the map ``abs`` and one activation; ``values`` are raw, and trained in place."""

    values: Values
    trained: set[str]
    constraints: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    activation: str
    alpha: np.ndarray
    choices: bool
    optimizer: str
    learning_rate: float
    batch_size: int
    mean: str
    options: Mapping[str, float] = field(default_factory=dict)
    clip_norm: float | None = None
    steps: int = 0
    memory: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of(cls, net: RateRNN, task: Task, second_bias: np.ndarray | None, **settings) -> "NumpyTraining":
        values = {name: np.array(value, np.float64) for name, value in net.parameters().items()}
        trained = set(net.trainable_variables())
        if second_bias is not None:
            values["b_second"] = np.array(second_bias, np.float64)
            trained.add("b_second")
        connectivities = {
            "raw_rec": net.recurrent.connectivity,
            "raw_in": net.input.connectivity,
            "raw_out": net.readout.connectivity,
        }
        constraints = {
            name: (np.tile(c.sign[:, None], c.shape[1]).astype(float), np.array(c.mask), c.fixed.astype(np.float64))
            for name, c in connectivities.items()
        }
        choices = not isinstance(task, SequenceMemory)
        return cls(values, trained, constraints, net.activation.name, net.dt / net.tau, choices, **settings)

    def weights(self, name: str) -> np.ndarray:
        sign, mask, fixed = self.constraints[name]
        raw = self.values[name]
        return np.where(mask, np.where(sign == 0, raw, sign * np.abs(raw)), fixed)

    def through_constraint(self, name: str, gradient: np.ndarray) -> np.ndarray:
        sign, mask, _ = self.constraints[name]
        return np.where(mask, np.where(sign == 0, gradient, gradient * sign * np.sign(self.values[name])), 0.0)

    def forward(self, inputs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Currents before the first step and after each, and outputs (T, B, n_out)."""
        f = FUNCTIONS[self.activation][0]
        bias = self.values["b_rec"] + self.values.get("b_second", 0.0)
        w, w_in, w_out = (self.weights(name) for name in ("raw_rec", "raw_in", "raw_out"))
        x = np.tile(self.values["x0"], (inputs.shape[1], 1))
        currents, outputs = [x], []
        for u in inputs:
            x = (1 - self.alpha) * x + self.alpha * (f(x) @ w + u @ w_in + bias)
            currents.append(x)
            outputs.append(f(x) @ w_out + self.values["b_out"])
        return currents, np.array(outputs)

    def loss(self, outputs: np.ndarray, trials: Trials) -> tuple[float, np.ndarray]:
        """Mean over scored steps, and its derivative by the outputs."""
        n = trials.mask.sum()
        scored = trials.mask[:, :, None]
        if not self.choices:
            error = (outputs - trials.targets) * scored
            return float((error**2).sum() / n), 2 * error / n
        probability = np.exp(outputs - outputs.max(axis=2, keepdims=True))
        probability /= probability.sum(axis=2, keepdims=True)
        label = np.eye(outputs.shape[2])[trials.targets]
        return float(-(np.log((probability * label).sum(axis=2)) * trials.mask).sum() / n), (
            probability - label
        ) * scored / n

    def accuracy(self, outputs: np.ndarray, trials: Trials) -> float:
        """Trial by trial; items last one step."""
        right = []
        for b in range(outputs.shape[1]):
            asked = np.flatnonzero(trials.mask[:, b])
            if self.choices:
                right.append(outputs[asked[-1], b].argmax() == trials.targets[asked[-1], b])
            else:
                shown, recalled = trials.targets[asked, b, 0], outputs[asked, b, 0]
                right += [np.abs(shown - z).argmin() == i for i, z in enumerate(recalled)]
        return float(np.mean(right))

    def gradients(self, trials: Trials) -> tuple[float, float, Values]:
        f, derivative = FUNCTIONS[self.activation]
        currents, outputs = self.forward(trials.inputs)
        loss, by_output = self.loss(outputs, trials)
        w, w_out = self.weights("raw_rec"), self.weights("raw_out")
        found = {name: np.zeros_like(value) for name, value in self.values.items()}
        later = np.zeros_like(currents[0])
        for t in reversed(range(len(trials.inputs))):
            before, after = currents[t], currents[t + 1]
            later = later + by_output[t] @ w_out.T * derivative(after)
            received = later * self.alpha
            found["raw_out"] += f(after).T @ by_output[t]
            found["b_out"] += by_output[t].sum(axis=0)
            found["raw_rec"] += f(before).T @ received
            found["raw_in"] += trials.inputs[t].T @ received
            found["b_rec"] += received.sum(axis=0)
            later = (1 - self.alpha) * later + received @ w.T * derivative(before)
        found["x0"] = later.sum(axis=0)
        found["b_second"] = found["b_rec"]
        for name in self.constraints:
            found[name] = self.through_constraint(name, found[name])
        return loss, self.accuracy(outputs, trials), {name: found[name] for name in self.trained}

    def update(self, gradients: Values) -> None:
        if self.clip_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
            gradients = {name: g * min(1.0, self.clip_norm / norm) for name, g in gradients.items()}
        self.steps += 1
        for name, g in gradients.items():
            self.values[name] = self.values[name] - self.learning_rate * self.direction(name, g)

    def direction(self, name: str, g: np.ndarray) -> np.ndarray:
        state = self.memory.setdefault(name, [np.zeros_like(g), np.zeros_like(g)])
        if self.optimizer == "sgd":
            return g
        if self.optimizer == "adam":
            state[0] = 0.9 * state[0] + 0.1 * g
            state[1] = 0.999 * state[1] + 0.001 * g**2
            correction = np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
            return correction * state[0] / (np.sqrt(state[1]) + 1e-8)
        state[1] = self.options["rho"] * state[1] + (1 - self.options["rho"]) * g**2
        if self.optimizer == "rmsprop":
            return g / np.sqrt(state[1] + self.options["epsilon"])
        if self.optimizer == "rmsprop of torch":
            return g / (np.sqrt(state[1]) + 1e-8)
        raise ValueError(self.optimizer)

    def epoch(self, train: Trials, validation: Trials) -> list[float]:
        """Loss and accuracy of training, loss and accuracy of validation."""
        rows = []
        for batch in train.batches(self.batch_size):
            loss, accuracy, gradients = self.gradients(batch)
            self.update(gradients)
            rows.append((loss, accuracy, batch.mask.sum(), batch.mask.shape[1]))
        losses, accuracies, scored, trials = np.array(rows).T
        if self.mean == "batches":
            scored = trials = np.ones(len(rows))
        record = [float(np.average(losses, weights=scored)), float(np.average(accuracies, weights=trials))]
        parts = validation.batches(self.batch_size) if self.mean == "batches" else [validation]
        answers = [(self.forward(part.inputs)[1], part) for part in parts]
        record.append(float(np.mean([self.loss(z, part)[0] for z, part in answers])))
        record.append(float(np.mean([self.accuracy(z, part) for z, part in answers])))
        return record
