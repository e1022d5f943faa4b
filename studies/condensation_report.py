"""Figures and page of the condensation study.

    python -m studies.condensation_report

reads the results of `studies.condensation` in ``--out``. Budget: five minutes.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from eicon import analysis, plotting
from eicon._files import atomic_file, write_text
from eicon.models import RateRNN, load
from eicon.plotting._files import Drawing, save_png
from eicon.plotting._style import coherence_cmap
from eicon.runs import open_run, read_condensation
from eicon.runs._condense import default_directory, stages
from eicon.tasks import CueSetGo
from studies.common import new_parser, places
from studies.condensation import FULL, LEARNING_RATE, MATCH, QUICK, Study, protocols

TITLES = {
    ("free", "tanh"): "tanh, free weights",
    ("free", "relu"): "relu, free weights",
    ("dale", "tanh"): "tanh, Dale's law",
    ("dale", "relu"): "relu, Dale's law",
}
RETRAINED = {
    "subset, matched": "subset, retrained with matched activity",
    "subset": "subset, retrained",
    "merge pairs": "merge pairs, retrained",
}


class Report(NamedTuple):
    """The study, and the folder of its figures."""

    study: Study
    images: Path


def save(report: Report, name: str, figure: Drawing) -> None:
    """Save one picture of the page."""
    with atomic_file(report.images / f"condensation_{name}.png") as stream:
        save_png(figure, stream)


def errors(study: Study, kind: str, activation: str) -> dict[str, np.ndarray]:
    """Output error (seeds, sizes) of each method without retraining; infinite for networks that diverged."""
    found: dict[str, list[list[float]]] = {}
    for seed in range(study.sizes.seeds):
        rows = _read(study.out / "condensed" / f"{kind}_{activation}_{seed}.json")
        for name, by_size in rows.items():
            if name != "original":
                found.setdefault(name, []).append(
                    [_number(by_size[str(n)]["error"]) if str(n) in by_size else np.nan for n in study.sizes.sizes]
                )
    return {name: np.array(values) for name, values in found.items()}


def retrained(study: Study, kind: str, activation: str) -> dict[str, list[dict[str, Any]]]:
    """Records of the step-by-step condensations by protocol, one per seed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(study.sizes.seeds):
        for name in protocols(study.sizes, kind, activation, seed):
            run = condensed_run(study, kind, activation, seed, name)
            if (run / "network.npz").is_file():
                found.setdefault(name, []).append(read_condensation(open_run(run)))
    return found


def condensed_run(study: Study, kind: str, activation: str, seed: int, name: str) -> Path:
    """Directory of one step-by-step condensation."""
    run = study.out / "runs" / f"{kind}_{activation}_{seed}"
    protocol = protocols(study.sizes, kind, activation)[name]
    return default_directory(open_run(run), protocol) if (run / "config.toml").is_file() else run


def headline(report: Report) -> None:
    """Error against remaining units: every method, with and without retraining."""
    study = report.study
    with plotting.style():
        figure, axes = plt.subplots(2, 2, figsize=(10.0, 7.2), sharey=True)
        for ax, (kind, activation) in zip(axes.flat, study.sizes.networks, strict=False):
            curves, dashed = errors(study, kind, activation), []
            if kind == "free":  # so that a method looks the same in all panels
                curves["subset, signs given up"] = np.full((1, len(study.sizes.sizes)), np.nan)
            sizes = np.array(study.sizes.sizes)
            for name, records in retrained(study, kind, activation).items():
                title = RETRAINED[name]
                dashed.append(title)
                curves[title] = np.full((len(records), len(sizes)), np.nan)
                for row, record in enumerate(records):
                    for stage in record["stages"]:
                        if stage["size"] not in sizes:
                            sizes = np.append(sizes, stage["size"])
                            curves = {k: np.hstack([v, np.full((len(v), 1), np.nan)]) for k, v in curves.items()}
                        column = int(np.flatnonzero(sizes == stage["size"])[0])
                        curves[title][row, column] = _number(stage["output_error"])
            plotting.plot_error_curves(sizes, curves, retrained=dashed, ylabel="output error (NRMSE)", ax=ax)
            legend = ax.get_legend()
            if legend is not None:
                legend.remove()
            ax.set_title(TITLES[kind, activation])
            ax.set_ylim(1e-3, 10)
        handles: dict[str, Any] = {}
        for ax in axes.flat:
            handles |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
        save(report, "errors", figure)


def panels(report: Report) -> None:
    """Pictures of the seed, from one tanh network without Dale's law."""
    study = report.study
    net = load(study.out / "networks" / "free_tanh_0.npz")
    task = CueSetGo()
    trial = task.trials(1, key=jax.random.key(3))
    show = {
        "labels": np.asarray(trial.conditions["interval"]),
        "dt": task.dt,
        "set_step": np.asarray(trial.epochs["production"][:, 0]),
        "mask": np.asarray(trial.mask),
        "label": "interval",
        "unit": "ms",
    }
    activity = net.predict(trial.inputs, noise=False)
    save(report, "behaviour", plotting.plot_ramps(trial.inputs, trial.targets, activity.outputs, **show))
    many = task.trials(10, key=jax.random.key(4))
    components = analysis.pca(net.predict(many.inputs, noise=False).rates, mask=many.inside)
    strongest = np.argsort(-np.abs(components.components[:8]).max(axis=1))
    units = [int(np.abs(components.components[k]).argmax()) for k in strongest]
    save(report, "units", plotting.plot_units(activity.rates, units=list(dict.fromkeys(units)), **show))

    after = {}
    for merged in study.sizes.merges:
        result = analysis.condense(
            net.predict(many.inputs, noise=False).rates,
            net.W_rec,
            net.W_out,
            study.sizes.n - merged,
            mask=many.inside,
            method="merge",
        )
        outputs = net.condensed(result).predict(trial.inputs, noise=False).outputs
        after[f"{merged} merged" if merged else "original"] = np.asarray(outputs)
        if merged == study.sizes.merges[-1]:
            scaled = components.components[:2].T * np.sqrt(components.explained_variance[:2])
            save(
                report,
                "unit_space",
                plotting.plot_unit_space(
                    scaled, kept=result.kept, groups=result.groups, explained_ratio=components.explained_ratio[:2]
                ),
            )
    save(report, "merged", plotting.plot_outputs_grid(after, trial.targets, **show))

    ends = {
        name: open_run(condensed_run(study, "free", "tanh", 0, name)) for name in protocols(study.sizes, "free", "tanh")
    }
    for name, run in ends.items():
        nets = [net, *stages(run)]
        grid = {f"{n.n_rec} units": np.asarray(n.predict(trial.inputs, noise=False).outputs) for n in nets}
        save(report, f"stages_{_slug(name)}", plotting.plot_outputs_grid(grid, trial.targets, **show))
    matched, merged_net = (ends[name].load_network() for name in ("subset, matched", "merge pairs"))
    names = (f"original, {study.sizes.n} units", f"matched, {matched.n_rec} units", f"merged, {merged_net.n_rec} units")
    save(report, "pcs", _columns(names, [_pc_drawer(n, task, n is net) for n in (net, matched, merged_net)]))
    save(report, "spectrum", _columns(names, [_spectrum_drawer(n) for n in (net, matched, merged_net)], pad=36.0))
    save(report, "ramps", _columns(names, [_ramp_drawer(n, task) for n in (net, matched, merged_net)]))


def _columns(names: tuple[str, ...], draws: list[Callable[[Axes], Any]], pad: float = 6.0) -> Drawing:
    with plotting.style():
        figure, axes = plt.subplots(1, len(names), figsize=(4.0 * len(names), 3.6))
        for ax, name, draw in zip(axes, names, draws, strict=True):
            draw(ax)
            ax.set_title(name, pad=pad)
    return figure


def _pc_drawer(net: RateRNN, task: CueSetGo, legend: bool) -> Callable[[Axes], Any]:
    trial = task.trials(10, key=jax.random.key(4))
    rates = net.predict(trial.inputs, noise=False).rates
    start, stop = (np.asarray(trial.epochs["production"][:, i]) for i in (0, 1))
    scaling = analysis.temporal_scaling(rates, start, stop, np.asarray(trial.conditions["interval"]))
    profiles = np.moveaxis(scaling.profiles, 0, 1)  # (phase, condition, unit)
    components = analysis.pca(profiles, n_components=2)
    colours = coherence_cmap()(np.linspace(0, 1, profiles.shape[1]))

    def draw(ax: Axes) -> None:
        for c, colour in enumerate(colours):
            x, y = components.trajectories[:, c].T
            ax.plot(x, y, color=colour, label=f"{scaling.levels[c]:.0f} ms")
            ax.plot(x[0], y[0], "o", color=colour, markersize=4)
        for axis, name in ((ax.set_xlabel, 0), (ax.set_ylabel, 1)):
            axis(f"PC {name + 1} ({components.explained_ratio[name]:.0%} of variance)")
        if legend:
            ax.legend(title="interval", fontsize=7, title_fontsize=7)

    return draw


def _spectrum_drawer(net: RateRNN) -> Callable[[Axes], Any]:
    return lambda ax: plotting.plot_spectrum(analysis.spectrum(net.W_rec), ax=ax)


def _ramp_drawer(net: RateRNN, task: CueSetGo) -> Callable[[Axes], Any]:
    trial = task.trials(10, key=jax.random.key(4))
    start, stop = (np.asarray(trial.epochs["production"][:, i]) for i in (0, 1))
    ramps = analysis.ramp_index(net.predict(trial.inputs, noise=False).rates, start, stop)

    def draw(ax: Axes) -> None:
        ax.hist(ramps.r_squared, bins=np.linspace(0, 1, 21), color="#555555")
        ax.axvline(ramps.median, color="#EE7733", linestyle="--", label=f"median {ramps.median:.2f}")
        ax.set_xlabel("ramp index ($R^2$ of a line in time)")
        ax.set_ylabel("units")
        ax.legend()

    return draw


def richness(report: Report) -> str:
    """Figure and table of networks of many sizes."""
    study = report.study
    names = ("participation_ratio", "components for 95 %", "ramp index", "scaling index")
    found = {
        n: [_read(study.out / "richness" / f"{n}_{seed}.json") for seed in range(study.sizes.seeds)]
        for n in study.sizes.richness
    }
    labels = ("participation ratio", "components for 95 %", "ramp index", "scaling index")
    with plotting.style():
        figure, axes = plt.subplots(1, 5, figsize=(14.0, 3.0))
        for ax, name, label in zip(axes, (*names, "loss"), (*labels, "loss with noise"), strict=True):
            values = np.array([[_value(row, name) for row in found[n]] for n in study.sizes.richness], float)
            ax.plot(study.sizes.richness, np.nanmedian(values, axis=1), "o-", color="#555555")
            ax.plot(np.repeat(study.sizes.richness, values.shape[1]), values.ravel(), ".", color="#AAAAAA", zorder=0)
            ax.set_xscale("log")
            ax.set_xticks(study.sizes.richness, [str(n) for n in study.sizes.richness])
            ax.minorticks_off()
            ax.set_xlabel("units")
            ax.set_ylabel(label)
            if name == "loss":
                ax.set_yscale("log")
        save(report, "richness", figure)
    lines = ["| units | " + " | ".join((*labels, "loss with noise", "accuracy")) + " |", "|---|" + "---|" * 6]
    for n in study.sizes.richness:
        cells = [_range([_value(row, name) for row in found[n]]) for name in (*names, "loss", "accuracy")]
        lines.append(f"| {n} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def tables(study: Study) -> str:
    """Errors without retraining, and the effect of retraining."""
    text = []
    shown = study.sizes.shown
    for kind, activation in study.sizes.networks:
        curves = errors(study, kind, activation)
        text += [f"### {TITLES[kind, activation]}", "", "| method | " + " | ".join(map(str, shown)) + " |"]
        text += ["|---|" + "---|" * len(shown)]
        for name, values in curves.items():
            columns = [
                "" if np.isnan(values[:, i]).any() else _range(values[:, i])
                for i in map(study.sizes.sizes.index, shown)
            ]
            text.append(f"| {name} | " + " | ".join(columns) + " |")
        text.append("")
    return "\n".join(text)


def retraining_table(study: Study) -> str:
    """State after the last stage of each protocol."""
    head = (
        "network",
        "protocol",
        "seeds",
        "units",
        "output error",
        "CKA",
        "ramp index",
        "loss / that of the original",
        "the same with noise",
        "accuracy with noise (original)",
    )
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for kind, activation in study.sizes.networks:
        for name, records in retrained(study, kind, activation).items():
            ends = [record["stages"][-1] for record in records]
            firsts = [record["original"] for record in records]
            ratio = {
                noise: [e[noise]["loss"] / f[noise]["loss"] for e, f in zip(ends, firsts, strict=True)]
                for noise in ("without_noise", "with_noise")
            }
            cells = (
                TITLES[kind, activation],
                name,
                str(len(records)),
                str(ends[0]["size"]),
                _range([e["output_error"] for e in ends]),
                _range([e["cka"] for e in ends]),
                _range([e["ramp_index"]["mean"] for e in ends])
                + " (original "
                + _range([f["ramp_index"]["mean"] for f in firsts])
                + ")",
                _range(ratio["without_noise"]),
                _range(ratio["with_noise"]),
                f"{_range([e['with_noise']['accuracy'] for e in ends])} "
                f"({_range([f['with_noise']['accuracy'] for f in firsts])})",
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def others(report: Report) -> str:
    """The decision network and the connectome network."""
    study = report.study
    lines = ["| network | method | units: output error (accuracy with noise) |", "|---|---|---|"]
    for name, title in (
        ("decision", "perceptual decision, Dale"),
        ("marmoset", "marmoset connectome, Dale, sequence memory"),
    ):
        rows = [_read(path) for path in sorted((study.out / "others").glob(f"{name}_*.json"))]
        if not rows:
            continue
        accuracy = np.median([row["accuracy"] for row in rows])
        curves = {}
        for method in study.sizes.methods:
            sizes = [int(n) for n in rows[0][method]]
            curves[method] = np.array([[_number(row[method][str(n)]["error"]) for n in sizes] for row in rows])
            cells = [
                f"{n}: {_short(np.median(curves[method][:, i]))} "
                f"({np.median([row[method][str(n)]['accuracy'] for row in rows]):.1%})"
                for i, n in enumerate(sizes)
            ]
            lines.append(f"| {title}, {rows[0]['n']} units ({accuracy:.1%}) | {method} | {'; '.join(cells)} |")
        save(report, name, plotting.plot_error_curves(sizes, curves, ylabel="output error (NRMSE)"))
    return "\n".join(lines)


def large_table(study: Study) -> str:
    """Time and memory of a large condensation."""
    rows = _read(study.out / "large.json")
    given = rows["input_mb"]
    lines = [
        f"2000 units, 10 000 samples, to 200 units (rates {given['rates']:.0f} MB, weights {given['weights']:.0f} MB):",
        "",
        "| | seconds | peak memory of the process (MB) |",
        "|---|---|---|",
    ]
    for name in ("free", "dale"):
        lines.append(f"| {name} | {rows[name]['seconds']:.1f} | {rows[name]['peak_mb']:.0f} |")
    return "\n".join(lines)


def _short(value: float) -> str:
    """Format an error for reading; 1 is the error of a constant output."""
    if not np.isfinite(value):
        return "diverged"
    if value >= 100.0:
        return "> 100"
    return "< 0.0001" if 0.0 < value < 1e-4 else f"{value:.3g}"


def noise_table(study: Study) -> str:
    """Behaviour of the condensed networks (subset, no retraining) under the network's own noise."""
    shown = study.sizes.noisy
    lines = ["| network | original | " + " | ".join(map(str, shown)) + " |", "|---|---|" + "---|" * len(shown)]
    for kind, activation in study.sizes.networks:
        rows = [
            _read(study.out / "condensed" / f"{kind}_{activation}_{seed}.json") for seed in range(study.sizes.seeds)
        ]
        cells = [_pair([row["original"] for row in rows])]
        cells += [_pair([row["subset"][str(n)]["with_noise"] for row in rows]) for n in shown]
        lines.append(f"| {TITLES[kind, activation]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _pair(rows: list[dict[str, Any]]) -> str:
    accuracy = np.median([row["accuracy"] for row in rows])
    late = np.median([_number(row["timing_error"]) for row in rows])
    return f"{accuracy:.0%}, {late:.0f} ms"


def _value(row: dict[str, Any], name: str) -> float:
    value = row["with_noise"][name] if name in ("loss", "accuracy") else row[name]
    return np.nan if value is None else float(value)


def _range(values: Any) -> str:
    array = np.array([_number(v) for v in values], float)
    middle, low, high = (_short(float(value)) for value in (np.median(array), array.min(), array.max()))
    return middle if middle == low == high else f"{middle} ({low} to {high})"


def _number(value: float | None) -> float:
    return float("inf") if value is None else float(value)


def _slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures and the page."""
    options = new_parser("condensation_report", __doc__).parse_args(argv)
    if options.out is None:
        options.out = Path("results", *(["quick"] if options.quick else []), "condensation")
    where = places("condensation_report", options)
    study = Study(where.out, QUICK if options.quick else FULL)
    report, sizes = Report(study, where.images), study.sizes
    headline(report)
    panels(report)
    text = (Path(__file__).parent / "condensation.md").read_text(encoding="utf-8")
    replaced = {
        "ERRORS": tables(study),
        "RETRAINING": retraining_table(study),
        "NOISE": noise_table(study),
        "RICHNESS": richness(report),
        "OTHERS": others(report),
        "LARGE": large_table(study),
        "PROTOCOL": (
            f"Subset: {sizes.retrain} steps of Adam ({LEARNING_RATE:g}) after every {sizes.every} units; "
            f"merging: {sizes.merged['retrain']} steps (0.001) after every {sizes.merged['every']}, "
            f"to {sizes.merged['to']} units"
        ),
        "MATCH": str(MATCH),
    }
    for name, value in replaced.items():
        text = text.replace("{{" + name + "}}", value)
    write_text(where.pages / "condensation.md", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
