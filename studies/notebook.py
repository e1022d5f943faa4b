"""BrainPy's published E-I notebook, its task and settings, on eicon, over five seeds.

    python -m studies.notebook

Budget: 10 minutes on two cores.
"""

import sys
from collections.abc import Sequence

from eicon.models import RateRNN, verify
from eicon.tasks import from_brainpy_datasets
from eicon.training import Trainer
from studies.common import Places, write_study

SEEDS = range(5)
LOSS = 0.1843
EPOCHS, BATCHES = 20, 64


def notebook_study(where: Places, quick: bool) -> str:
    """Page of the losses over seeds."""
    from brainpy_datasets import cognitive

    batches = 2 if quick else BATCHES
    lines = [
        "# BrainPy's published E-I notebook, its task and settings",
        "",
        "`RatePerceptualDecisionMaking(dt=20.)`, N = 50, 80 % excitatory, recurrent noise 0.15, batch 16, Adam with",
        "learning rate 1e-3, 20 epochs of 64 batches. Mean loss per epoch; the notebook prints",
        f"{LOSS} for its last one. In eicon, Dale's law holds, noise is independent between trials and the leak acts",
        "on the current. Initial spectral radius 1, biases, input and readout weights of either sign, no gradient",
        "clipping.",
        "",
        "| seed | epoch 1 | 2 | 5 | 10 | 15 | last | constraints |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for seed in SEEDS[:1] if quick else SEEDS:
        task = from_brainpy_datasets(cognitive.RatePerceptualDecisionMaking(dt=20.0))
        net = RateRNN.dale(
            task.n_in,
            50,
            task.n_out,
            sigma_rec=0.15,
            bias=True,
            readout_bias=True,
            free_input=True,
            free_readout=True,
            spectral_radius=1.0,
            x0=0.0,
            seed=seed,
        )
        trainer = Trainer(net, task, learning_rate=1e-3, batch_size=16, clip_norm=None, seed=seed)
        history = trainer.fit(EPOCHS * batches, validate_every=batches, progress=not quick)
        epochs = history.loss.reshape(EPOCHS, batches).mean(axis=1)
        shown = " | ".join(f"{epochs[i]:.4f}" for i in (0, 1, 4, 9, 14, 19))
        lines.append(f"| {seed} | {shown} | {'all hold' if verify(net).ok else 'VIOLATED'} |")
        print(lines[-1], flush=True)
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page."""
    return write_study("notebook", __doc__, notebook_study, argv)


if __name__ == "__main__":
    sys.exit(main())
