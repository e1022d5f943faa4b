"""Train to the end with a checkpoint after every chunk, going on from the checkpoint if there is one.

Run by `test_kill` in a process of its own: ``python kill_worker.py CHECKPOINT STEPS``. The checkpoint after the last
step holds all that is compared: parameters, optimizer state and history.
"""

import sys
from pathlib import Path

import brainpy as bp

from eicon.models import RateRNN
from eicon.tasks import PerceptualDecision
from eicon.training import RatePenalty, Trainer


def main(checkpoint: Path, steps: int) -> None:
    noise = {"sigma_rec": 0.15, "sigma_in": 0.01}
    net = RateRNN.dale(2, 10, 2, bias=True, train_x0=True, seed=1, **noise)
    task = PerceptualDecision.variable(fixation=40.0, decision=60.0)
    schedule = bp.optim.ExponentialDecayLR(0.01, decay_steps=100, decay_rate=0.9)
    options = {"regularizers": [RatePenalty(0.01)], "batch_size": 4, "validation_repeats": 1, "seed": 3}
    trainer = Trainer(net, task, optimizer=bp.optim.Adam(lr=schedule), **options)
    if checkpoint.exists():
        trainer.resume(checkpoint)
    trainer.fit(steps - trainer.step, validate_every=2, checkpoint=checkpoint, checkpoint_every=2, progress=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
