"""Train to the end with a checkpoint after every chunk, going on from the checkpoint if there is one.

Run by `test_kill` in a process of its own: ``python -m tests.training.kill_worker KIND CHECKPOINT STEPS``, which reads
a byte of its input before each checkpoint: whoever kills it decides how far it can run ahead. The checkpoint after the
last step holds all that is compared: parameters, the learner's state and history.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import brainpy as bp

from eicon.training import RatePenalty, Trainer

from .tiny import KINDS, make_curriculum, make_kind, make_net, make_task, make_trainer


def schedule() -> Trainer:
    """A schedule and an optimiser of BrainPy, and trials of random length."""
    optimizer = bp.optim.Adam(lr=bp.optim.ExponentialDecayLR(0.01, decay_steps=100, decay_rate=0.9))
    return make_trainer(make_net(), make_task(), optimizer=optimizer, batch_size=4, penalties=RatePenalty(0.01))


WORK = {kind: lambda kind=kind: make_kind(kind) for kind in KINDS}
WORK |= {"schedule": schedule, "curriculum": lambda: make_curriculum(steps=STAGE)}
STAGE = 40
"""Steps of a stage of the curriculum."""


def main(kind: str, checkpoint: Path, steps: int, callback: Callable[[Trainer], None] | None = None) -> None:
    trainer = WORK[kind]()
    if checkpoint.exists():
        trainer.resume(checkpoint)
    options = {"validate_every": 2, "checkpoint_every": 2, "callback": callback}
    trainer.fit(steps - trainer.step, checkpoint=checkpoint, progress=False, **options)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), callback=lambda trainer: sys.stdin.buffer.read(1) and None)
