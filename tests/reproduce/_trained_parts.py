"""A part that trains, in a module that other processes import."""

import time

from eicon.models import RateRNN, save
from eicon.tasks import SineWave
from eicon.training import Trainer

STEPS = 40


def trained(seed, keep, slow=0.0, losses=None):
    """A small network after all its steps, in one go without ``keep``."""
    task = SineWave(period=200.0, periods=(1.0, 1.0))
    net = RateRNN.dale(task.n_in, 8, task.n_out, dt=task.dt, sigma_rec=0.1, seed=seed)
    trainer = Trainer(net, task, batch_size=2, validation_repeats=1, seed=seed)
    if keep is None:
        trainer.fit(STEPS, validate_every=5, progress=False)
        return net

    def measure(now):
        time.sleep(slow)
        return {"loss": float(now.validate().loss)}

    losses |= keep.fit(trainer, STEPS, measure=measure, at=range(0, STEPS + 1, 5), every=5, checkpoint_every=10)
    return net


def train(part, keep):
    """Train, and tell the loss by step."""
    losses = {}
    save(trained(part["seed"], keep, part.get("slow", 0.0), losses), keep.folder / f"network{part['seed']}.npz")
    return {"losses": {str(step): found["loss"] for step, found in losses.items()}}
