"""Export of a trained run to other programs' formats: export."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ._common import command, errors, json_option, run_argument, seed_option

FORMATS = {
    "xarray": "activity.nc",
    "zarr": "activity.zarr",
    "mat": "activity.mat",
    "nwb": "activity.nwb",
    "numpy": "numpy",
    "torch": "torch",
}
"""Default file or folder of each format, in the folder ``export`` of the run."""
STREAM = 3
"""Stream folded in after that of ``eicon analyze``, different from ``eicon compare`` (1) and figures (2)."""


@command()
@run_argument
@click.option("--to", "form", type=click.Choice(list(FORMATS)), required=True, help="Format, see above.")
@click.option("--out", type=click.Path(path_type=Path), help="File or folder to write.  [default: RUN/export/...]")
@click.option("--repeats", type=click.IntRange(min=1), default=10, show_default=True, help="Trials per condition.")
@click.option("--noise/--no-noise", default=True, show_default=True, help="Run the network with its noise.")
@seed_option
@click.option("--overwrite", is_flag=True, help="Replace an existing file or folder.")
@json_option
@click.pass_context
def export(
    context: click.Context,
    run: Path,
    form: str,
    out: Path | None,
    repeats: int,
    noise: bool,
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Export a trained RUN to another program.

    \b
    xarray  trials and activity, as a netCDF file
    zarr    trials and activity, as a Zarr folder
    mat     trials, activity and weights, as a MATLAB file
    nwb     trials and activity, as a Neurodata Without Borders file
    numpy   weights, and a simulator that needs only numpy
    torch   weights, and a PyTorch module that runs the network

    \b
    Examples:
      eicon export results/first --to mat
      eicon export results/first --to xarray --repeats 50 --out first.nc
      eicon export results/first --to nwb --no-noise --overwrite
      eicon export results/first --to numpy --out first_weights
    """
    with errors(context):
        from .. import exchange
        from ..runs import open_run

        path = out or run / "export" / FORMATS[form]
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} already exists; choose another --out, or --overwrite it.")
        opened = open_run(run).with_seed(seed)
        net = opened.load_network()
        said: dict[str, Any] = {"path": str(path), "format": form, "units": net.n_rec}
        if form in ("numpy", "torch"):
            write = exchange.write_numpy if form == "numpy" else exchange.write_torch
            write(path, net, overwrite=overwrite)
        else:
            task = opened.recipe.make_task()
            trial, activity = _trials(net, task, repeats, noise, opened.recipe.seed)
            _writer(form)(path, net, trial, activity, task=task, overwrite=overwrite)
            said |= {"trials": trial.batch_size, "steps": trial.n_steps}
        if as_json:
            click.echo(json.dumps(said, indent=2))
        elif "trials" in said:
            click.echo(f"{said['trials']} trials of {said['steps']} steps, {net.n_rec} units: {path}")
        else:
            what = "a simulator" if form == "numpy" else "a PyTorch module"
            click.echo(f"Weights of {net.n_rec} units, and {what}: {path}")


def _writer(form: str) -> Callable[..., None]:
    from .. import exchange

    writers = {
        "xarray": exchange.files.write_netcdf,
        "zarr": exchange.files.write_zarr,
        "mat": exchange.to_mat,
        "nwb": exchange.to_nwb,
    }
    return writers[form]


def _trials(net: Any, task: Any, repeats: int, noise: bool, seed: int) -> tuple[Any, Any]:
    import jax

    from ..studies._responses import analysis_key

    key_trial, key_noise = jax.random.split(analysis_key(seed, STREAM))
    trial = task.trials(repeats, key=key_trial)
    return trial, net.predict(trial.inputs, key=key_noise if noise else None, noise=noise)
