"""Live curves of a training in TensorBoard.

Install a writer and TensorBoard (``pip install tensorboardX tensorboard``), then run ``python live_curves.py`` and, in
another terminal, ``tensorboard --logdir curves``.
"""

from typing import Any

import eicon

TRAINING = ("loss", "accuracy", "grad_norm")
VALIDATION = ("validation_loss", "validation_accuracy", "validation_worst")


class LiveCurves:
    """Callback for `Trainer.fit` that writes new entries of the history.

    Parameters
    ----------
    writer : object
        With ``add_scalar(name, value, step)`` and ``flush()``, such as ``tensorboardX.SummaryWriter``.
    """

    def __init__(self, writer: Any) -> None:
        self.writer, self.step = writer, 0

    def __call__(self, trainer: eicon.Trainer) -> None:
        """Write the steps and validations since the last call; the first one after a resume writes all."""
        history = trainer.history
        for name in TRAINING:
            for step in range(self.step, history.n_steps):
                self.writer.add_scalar(f"training/{name}", float(history[name][step]), step + 1)
        for i, step in enumerate(history.validation_step.tolist()):
            if step > self.step:
                for name in VALIDATION:
                    self.writer.add_scalar(name.replace("_", "/"), float(history[name][i]), step)
        self.step = history.n_steps
        self.writer.flush()


if __name__ == "__main__":
    from tensorboardX import SummaryWriter

    task = eicon.PerceptualDecision()
    net = eicon.RateRNN.dale(task.n_in, 100, task.n_out, sigma_rec=0.15, seed=0)
    trainer = eicon.Trainer(net, task, learning_rate=0.002)
    trainer.fit(2000, callback=LiveCurves(SummaryWriter("curves")))
