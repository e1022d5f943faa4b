"""Recordings: show."""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ._common import Form, Group, errors, figure_options, json_option

MOST = 8
"""Largest number of levels of a condition that are listed."""
QUANTITIES = {"rate": "rates", "current": "currents", "counts": "counts of spikes", "output": "outputs"}
"""Names of recorded quantities, in the plural."""


@click.group(cls=Group)
def recording() -> None:
    """Show recordings of neurons."""


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `eicon.recordings.read`; the command receives those that were given as ``reading``."""
    positive = click.FloatRange(min=0, min_open=True)
    options = {
        "series": click.option("--series", help="Name of the recording or array, if the file contains several."),
        "axes": click.option("--axes", help='Axes of an array in their order, e.g. "unit trial time".'),
        "trials": click.option(
            "--trials", help="Name of the table (NWB) or struct (MATLAB) of the trials.  [default: trials]"
        ),
        "align_to": click.option(
            "--align-to", help="Column of the trials with the event that is time 0.  [default: start_time]"
        ),
        "window": click.option(
            "--window",
            metavar="FROM:TO",
            help="First and last time of each trial in ms, relative to time 0. If one is left out (-200:), the "
            "trial's own start or end is used.",
        ),
        "bin": click.option(
            "--bin", type=positive, help="Step of the recording in ms.  [default: 10 for spikes, else the file's]"
        ),
        "kernel": click.option(
            "--kernel",
            type=click.Choice(["gaussian", "boxcar", "exponential", "none"]),
            help="Kernel that smooths spikes.  [default: gaussian]",
        ),
        "width": click.option(
            "--width",
            type=positive,
            help="Standard deviation, width or time constant of the kernel in ms.  [default: 50]",
        ),
        "causal": click.option(
            "--causal", is_flag=True, help="Smooth with past spikes only; an exponential kernel always does."
        ),
        "dt": click.option("--dt", type=positive, help="Step in ms of an array, if the file does not state it."),
        "observed": click.option(
            "--observed",
            type=click.Choice(["rate", "current", "counts", "calcium", "output"]),
            help="Recorded quantity.  [default: as given in the file]",
        ),
        "hz": click.option(
            "--hz", type=positive, help="Spikes per second that a rate of 1 in the network represents.  [default: 1]"
        ),
        "decay": click.option(
            "--decay", type=positive, help="For calcium: time constant of the indicator's decay in ms."
        ),
        "unit_of_time": click.option(
            "--unit-of-time", type=click.Choice(["s", "ms"]), help="Unit of times, if the file does not state it."
        ),
        "names": click.option("--names", help="Column or variable with the names of the units."),
        "conditions": click.option(
            "--condition",
            "conditions",
            multiple=True,
            help="Column of the trials with a condition; repeatable.  [default: all that are not times]",
        ),
        "inputs": click.option("--inputs", help="Name of the series or variable with the stimuli."),
    }

    @functools.wraps(function)
    def read(*args: Any, **given: Any) -> Any:
        found = {name: given.pop(name) for name in options}
        found["window"] = _window(found["window"])
        reading = {name: value for name, value in found.items() if value not in (None, False, ())}
        return function(*args, reading=reading, **given)

    for option in reversed(options.values()):
        read = option(read)
    return read


def _window(text: str | None) -> tuple[float | None, float | None] | None:
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        edges = [float(edge) if edge.strip() else None for edge in (low, high)]
    except ValueError:
        colon = ""
    if not colon:
        raise click.UsageError(f"--window takes FROM:TO in ms, such as -200:800, or -200: up to the end; got {text!r}.")
    return edges[0], edges[1]


@recording.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", help="Condition shown by colour.  [default: the first with 2 to 6 levels]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Image file; its extension sets the format.  [default: NAME.png]"
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also save the recording as npz, which needs no reading options.",
)
@figure_options
@json_option
@click.pass_context
@reading_options
def show(
    context: click.Context,
    file: Path,
    reading: dict[str, Any],
    by: str | None,
    out: Path | None,
    save: Path | None,
    form: Form,
    dpi: float | None,
    as_json: bool,
) -> None:
    """Describe and draw the recording in FILE.

    FILE is NWB, MATLAB, npz, npy, netCDF, HDF5 or csv, or a folder with csv or Zarr. A whole session of spikes or
    continuous signals is cut into trials: each is a --window around an event, whose times are in the column --align-to
    of the table of trials. Spikes are smoothed to rates (--kernel), or counted (--observed counts). All options from
    --series on are those of `eicon.recordings.read`.

    \b
    Examples:
      eicon recording show session.nwb
      eicon recording show session.nwb --align-to go_time --window -200:800 --kernel exponential --width 30
      eicon recording show imaging.nwb --series dff --decay 400
      eicon recording show rates.mat --axes "unit trial time" --dt 10 --names cell_names --save rates.npz
    """
    with errors(context):
        from .. import recordings
        from .._files import without_nan

        found = recordings.read(file, **reading)
        if save is not None:
            recordings.files.write(save, found)
        from ..plotting._files import write_figure
        from ..plotting._recording import plot_recording

        path = out or Path(f"{file.resolve().name.partition('.')[0] or 'recording'}.{form}")
        if not path.suffix:
            path = path.with_name(f"{path.name}.{form}")
        if file.is_dir() and path.resolve().parent == file.resolve():
            raise click.UsageError(
                f"{path} would be among the tables of the recording; pass --out with another folder."
            )
        unit = "spikes/s" if ", in spikes/s," in found.source else ""
        drawn = plot_recording(found, by=by, unit=unit, since=reading.get("align_to", ""))
        write_figure(path, drawn, dpi=dpi, numbers=path.with_name(f"{path.stem}_numbers.csv"))  # NAME.csv may be data
        if as_json:
            click.echo(json.dumps(without_nan(_numbers(found) | {"picture": str(path)}), indent=2))
            return
        for name, line in {**_lines(found), "Picture": str(path)}.items():
            click.echo(f"{name}: {line}")


def _numbers(found: Any) -> dict[str, Any]:
    import numpy as np

    seen = found.is_observed
    return {
        "source": found.source,
        "observed": found.observed,
        "units": list(found.units),
        "trials": found.n_trials,
        "steps": found.n_steps,
        "dt": found.dt,
        "start": found.start,
        "steps_of_trials": found.mask.sum(axis=0).tolist(),
        "observed_fraction": float(seen.sum() / max(found.mask.sum() * found.n_units, 1)),
        "units_never_observed": [found.units[i] for i in np.flatnonzero(~seen.any(axis=(0, 1)))],
        "mean": float(np.nanmean(found.activity)),
        "smallest": float(np.nanmin(found.activity)),
        "largest": float(np.nanmax(found.activity)),
        "conditions": found.conditions,
        "labels": found.labels,
        "inputs": list(found.input_channels),
        "inputs_shown": bool(found.inputs.any()),
    }


def _lines(found: Any) -> dict[str, str]:
    """Describe a recording in nine lines."""
    from ..recordings._recording import listed

    said = _numbers(found)
    lengths = [steps * found.dt for steps in said["steps_of_trials"]]
    shortest, longest = min(lengths), max(lengths)
    span = f"{longest:g} ms each" if shortest == longest else f"{shortest:g} to {longest:g} ms long"
    what = QUANTITIES.get(found.observed, found.observed)
    never, end = said["units_never_observed"], found.start + found.n_steps * found.dt
    shown = ", ".join(
        f"{name} ({found.inputs[:, :, i].min():.3g} to {found.inputs[:, :, i].max():.3g})"
        for i, name in enumerate(found.input_channels)
    )
    return {
        "Recording": f"{what} of {found.n_units} units in {found.n_trials} trials",
        "Source": found.source or "unknown",
        "Time": f"{found.n_steps} steps of {found.dt:g} ms, from {found.start:g} to {end:g} ms",
        "Trials": span,
        "Observed": f"{said['observed_fraction']:.1%} of all values" + (f"; never: {listed(never)}" if never else ""),
        "Values": f"{said['smallest']:.3g} to {said['largest']:.3g}, mean {said['mean']:.3g}",
        "Conditions": "; ".join(_levels(*item) for item in found.conditions.items()) or "none",
        "Units": listed(found.units) + "".join(f"; {_levels(*item)}" for item in found.labels.items()),
        "Inputs": shown if said["inputs_shown"] else "none",
    }


def _levels(name: str, values: Any) -> str:
    """Return the levels of a condition or label with their counts, or their range."""
    import numpy as np

    levels, counts = np.unique(values, return_counts=True)
    if len(levels) <= MOST:
        shown = [f"{level}: {n}" for level, n in zip(levels.tolist(), counts.tolist(), strict=True)]
        return f"{name} ({', '.join(shown)})"
    if values.dtype.kind in "iuf":
        return f"{name} ({np.nanmin(values):.3g} to {np.nanmax(values):.3g}, {len(levels)} values)"
    return f"{name} ({len(levels)} different)"
