"""Runs of sweeps of eicon 0.1.0, which have no recipe; it is reconstructed from their record."""

from pathlib import Path

import numpy as np

from .._files import load_arrays
from ..training._history import History
from ._format1 import of_sweep
from ._recipe import validated
from ._run import KIND, VERSION, Run


class OldCell(Run):
    """Run of a sweep of format 1, whose history is by epoch."""

    def history(self) -> History:
        """Return curves per epoch, as a history whose steps are epochs."""
        arrays, _ = load_arrays(self.curves, kind=KIND, version=VERSION)
        epochs = np.arange(1, len(arrays["train_loss"]) + 1)
        unknown = np.full(len(epochs), np.nan)
        of_steps = {
            "compile_seconds": unknown,
            "validation_seconds": unknown,
            "grad_norm": unknown,
            "stage": 0 * epochs,
        }
        of_validations = {name: arrays[name] for name in ("validation_loss", "validation_accuracy")}
        return History(
            {
                **{"loss": arrays["train_loss"], "accuracy": arrays["train_accuracy"], "seconds": arrays["seconds"]},
                **{**of_steps, **of_validations, "validation_step": epochs, "validation_worst": unknown},
            }
        )


def open_old_cell(path: Path) -> OldCell:
    """Open a finished run of a sweep of format 1."""
    _, header = load_arrays(path / "run.npz", kind=KIND, version=VERSION)
    tables, _ = of_sweep(header["settings"], str(path / "run.npz"))
    del tables["grid"]
    return OldCell(path, validated({**tables, "repeat": header["repeat"]}, str(path / "run.npz")).completed())
