"""Work that is timed in alternation, in a long-lived process that runs one block at a time on request.

`benchmarks.alternating` starts this file by its path, with the folder that eicon must come from. Trainings use only
names that also exist in version 0.1.0; the gradient of a cell needs the current version. Each line on stdin is a
request in JSON, and is answered by one line: ``{"build": NAME, "case": {...}}`` compiles, and ``{"run": NAME, "times":
K}`` returns the seconds of K calls, where the case's ``unit`` is the number of steps in a call.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

import eicon

NEVER = 10**9
"""Steps between validations: a block contains only training."""


def network(task: "eicon.Task", case: dict[str, Any]) -> "eicon.RateRNN":
    """Dense Dale network of a case, with the noise of the demo in its units."""
    kind = {"cell": cell(case)} if "cell" in case else {"activation": case["activation"]}
    return eicon.RateRNN.dale(
        task.n_in,
        case["n"],
        task.n_out,
        sigma_rec=0.15,
        bias=True,
        readout_bias=True,
        spectral_radius=1.0,  # version 0.1.0, which this file also runs in, has no other start
        seed=1,
        **kind,
    )


def cell(case: dict[str, Any]) -> Any:
    """Leaky unit, alone or wrapped."""
    leaky = eicon.models.Leaky(case["activation"])
    return leaky if case["cell"] == "Leaky" else getattr(eicon.models, case["cell"])(leaky)


def steps(case: dict[str, Any]) -> Callable[[], Any]:
    """Return a call of ``Trainer.fit`` for the steps of a unit."""
    task = eicon.PerceptualDecision()
    net = network(task, case)
    trainer = eicon.Trainer(net, task, batch_size=case["batch"], validation_repeats=1, seed=1)
    return lambda: trainer.fit(case["unit"], validate_every=NEVER, progress=False)


def epochs(case: dict[str, Any]) -> Callable[[], Any]:
    """Return a call of ``fit`` for the epochs of a unit on fixed trials, with the version's own trainer for them."""
    task = eicon.tasks.SequenceMemory(pattern_length=5)
    trials = task.trials(case["trials"], key=jax.random.key(2))
    train, validation = eicon.training.split_trials(trials, 0.8, key=jax.random.key(3))
    net = network(task, case)
    if not hasattr(eicon.training, "Fixed"):  # 0.1.0, which does not clip there
        trainer = eicon.training.EpochTrainer(net, task, train, validation, batch_size=case["batch"], seed=1)
        return lambda: trainer.fit(case["unit"], progress=False)
    fixed = eicon.training.Fixed(train, validation, batch_size=case["batch"])
    trainer = eicon.Trainer(net, task, trials=fixed, clip_norm=None, seed=1)
    return lambda: trainer.fit(case["unit"] * fixed.steps_per_epoch, progress=False)


def gradient(case: dict[str, Any]) -> Callable[[], Any]:
    """Return a call for a unit of loss gradients with respect to all weights, without noise, each after a step."""
    task = eicon.PerceptualDecision()
    trial = task.sample(jax.random.key(2), case["batch"])
    net = network(task, case)
    made, values = net.network, {name: variable.value for name, variable in net.trainable_variables().items()}

    @jax.jit
    def step(values: Any, made: Any, trial: Any) -> Any:
        def error(values: Any) -> jax.Array:
            outputs = made.replaced(values).run(trial.inputs).outputs
            return ((outputs - trial.targets) ** 2 * trial.mask[:, :, None]).mean()

        return jax.tree.map(lambda value, by: value - 1e-6 * by, values, jax.grad(error)(values))

    def run() -> None:
        nonlocal values
        for _ in range(case["unit"]):
            values = step(values, made, trial)
        jax.block_until_ready(values)

    return run


WORK = {make.__name__: make for make in (steps, epochs, gradient)}


def seconds(run: Callable[[], Any], times: int) -> float:
    """Return the duration of this many calls."""
    start = time.perf_counter()
    for _ in range(times):
        run()
    return time.perf_counter() - start


def answer(request: dict[str, Any], built: dict[str, Callable[[], Any]]) -> Any:
    """Answer a request; new work is compiled and warmed up, and its seconds for one unit are returned."""
    if "build" not in request:
        return seconds(built[request["run"]], request["times"])
    run = built[request["build"]] = WORK[request["case"]["work"]](request["case"])
    seconds(run, 2)
    return seconds(run, 1)


def main(packages: Path) -> None:
    """Answer requests until there are no more."""
    if Path(eicon.__file__).resolve().parents[1] != packages.resolve():
        raise RuntimeError(f"eicon was to come from {packages}; it came from {eicon.__file__}.")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the output of a package is not an answer
    built: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), built)), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
