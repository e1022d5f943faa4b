"""The example that draws curves while training goes on, with a stand-in for TensorBoard's writer."""

import importlib.util
from pathlib import Path

import pytest

import eicon

FILE = Path(__file__).parents[2] / "docs" / "howto" / "live_curves.py"


class Writer:
    def __init__(self):
        self.written, self.flushed = {}, 0

    def add_scalar(self, name, value, step):
        self.written.setdefault(name, []).append((step, value))

    def flush(self):
        self.flushed += 1


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("live_curves", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_step_and_validation_is_written_once(example):
    task = eicon.PerceptualDecision()
    net = eicon.RateRNN.dale(task.n_in, 5, task.n_out, seed=0)
    trainer, writer = eicon.Trainer(net, task, batch_size=4, validation_repeats=1), Writer()
    curves = example.LiveCurves(writer)
    for steps in (4, 5):
        trainer.fit(steps, validate_every=2, callback=curves, progress=False)
    history = trainer.history
    assert writer.flushed == 4
    assert set(writer.written) == {
        *(f"training/{name}" for name in ("loss", "accuracy", "grad_norm")),
        *(f"validation/{name}" for name in ("loss", "accuracy", "worst")),
    }
    assert writer.written["training/loss"] == list(zip(range(1, 9), history.loss.tolist(), strict=False))
    wanted = list(zip(history.validation_step.tolist(), history.validation_worst.tolist(), strict=True))
    assert writer.written["validation/worst"] == wanted
