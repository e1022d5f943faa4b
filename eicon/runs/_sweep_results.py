"""All curves of a sweep as one labelled dataset."""

import os
from typing import TYPE_CHECKING

import numpy as np

from ._read import open_sweep
from ._sweep import Sweep
from ._sweep_config import short_names
from ._sweep_run import read_record

if TYPE_CHECKING:
    import xarray as xr

CURVES = {
    "train_loss": "loss on the training trials",
    "validation_loss": "loss on the validation trials",
    "train_accuracy": "accuracy on the training trials",
    "validation_accuracy": "accuracy on the validation trials",
}
FACTS = ("null_loss", "initial_spectral_radius", "n_connections")


def sweep_results(sweep: Sweep | str | os.PathLike[str]) -> "xr.Dataset":
    """Curves of all finished runs; those of missing ones are NaN.

    Parameters
    ----------
    sweep : Sweep or path

    Returns
    -------
    xarray.Dataset
        Dimensions: one per key of the grid (the last part of its name), ``repeat``, and ``epoch`` counted from
        1. Variables: ``train_loss``, ``validation_loss``, ``train_accuracy``, ``validation_accuracy``; and without
        the epoch ``null_loss`` (of the best answer that ignores the trial), ``initial_spectral_radius``,
        ``n_connections``, ``seconds`` (of the last epoch), ``diverged`` and ``finished``.
    """
    import xarray as xr

    sweep = sweep if isinstance(sweep, Sweep) else open_sweep(sweep)
    names = short_names(list(sweep.config.grid))
    grid = {names[key]: [_label(value) for value in values] for key, values in sweep.config.grid.items()}
    runs, repeats = sweep.runs(), sweep.config.training.repeats
    n_epochs = max(run.settings.training.epochs for run in runs)
    shape = (*(len(values) for values in grid.values()), repeats)
    curves = {name: np.full((*shape, n_epochs), np.nan) for name in CURVES}
    facts = {
        name: np.full(shape, np.nan) for name in ("null_loss", "initial_spectral_radius", "n_connections", "seconds")
    }
    flags = {name: np.zeros(shape, bool) for name in ("finished", "diverged")}
    for i, run in enumerate(runs):
        if not run.done:
            continue
        where = np.unravel_index(i, shape)
        arrays, header = read_record(run.record)
        for name in CURVES:
            curves[name][where][: len(arrays[name])] = arrays[name]
        for name in FACTS:
            facts[name][where] = header[name]
        facts["seconds"][where] = np.nanmax(arrays["seconds"], initial=0.0)
        flags["finished"][where], flags["diverged"][where] = True, header["diverged"]
    dims = (*grid, "repeat")
    return xr.Dataset(
        {
            **{name: ((*dims, "epoch"), values, {"long_name": CURVES[name]}) for name, values in curves.items()},
            **{name: (dims, values) for name, values in (facts | flags).items()},
        },
        coords={**grid, "repeat": np.arange(repeats), "epoch": np.arange(1, n_epochs + 1)},
        attrs={"config": sweep.config.to_toml(), "task": str(sweep.config.task["name"])},
    )


def _label(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)
