"""What a comparison says, as a table for terminals, Markdown and one self-contained page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ._template import filled, picture

CAPTIONS = {
    "outputs": "Outputs: means per condition (solid) and targets (dashed).",
    "produced_times": "Produced against asked intervals: trials, mean and standard deviation.",
    "reaction_times": "Reaction times with 95 % intervals; means of correct trials, or all times where the task has no "
    "evidence.",
    "accuracy_by_condition": "Mean score of the trials of each condition, with 95 % intervals; dotted: chance.",
    "psychometric": "Psychometric curves with 95 % Wilson intervals.",
    "trajectories": "Mean trajectories, each network in the plane of its own first two principal components (with the "
    "signs that go with the other's).",
    "variance": "Variance explained by the first principal components; dotted: 90, 95 and 99 %.",
    "spectra": "Eigenvalues of the effective recurrent weights, with the circle of a random matrix.",
    "ramp_index": "How much of each unit's activity while a time is produced is a straight line in time.",
}


Row = tuple[str, ...]


class Tables(NamedTuple):
    """Rows of text: (what, A, B) of the networks, and (what, value, how to read it) of their likeness."""

    networks: list[Row]
    likeness: list[Row]


def comparison_tables(numbers: dict[str, Any]) -> Tables:
    """Rows of the tables of a comparison, from the numbers of `compare_runs`."""
    a, b = numbers["networks"]
    rows = [("units", *(f"{n['n_rec']}" for n in (a, b)))]
    rows += [(key, _number(a[key]), _number(b[key])) for key in ("loss", "accuracy")]
    if "psychometric" in a and "psychometric" in b:
        unit = a["psychometric"].get("unit", "%")
        rows += [
            (f"psychometric {key} ({unit})", _number(a["psychometric"][key]), _number(b["psychometric"][key]))
            for key in ("bias", "width")
        ]
    if "timing" in a:
        rows += _timing_rows(a["timing"], b["timing"])
    if "reaction_time" in a:
        rows.append(("median reaction time (ms)", *(_number(n["reaction_time"]["median"]) for n in (a, b))))
    if "ramp_index" in a and "ramp_index" in b:
        rows += [
            (f"ramp index, {key}", _number(a["ramp_index"][key]), _number(b["ramp_index"][key]))
            for key in ("mean", "median")
        ]
        if a["scaling"] and b["scaling"]:
            rows += [
                (f"shared course, {title}", _number(a["scaling"][key]), _number(b["scaling"][key]))
                for key, title in (("scaled", "stretched"), ("absolute", "absolute time"))
            ]
    rows.append(("participation ratio", *(_number(n["participation_ratio"]) for n in (a, b))))
    rows += [(f"components for {f}", *(str(n["n_components"][f]) for n in (a, b))) for f in a["n_components"]]
    for key in ("spectral_radius", "spectral_abscissa"):
        rows.append((key.replace("_", " "), _number(a[key]), _number(b[key])))
    return Tables(rows, _likeness_rows(numbers["similarity"]))


def _timing_rows(a: dict[str, Any], b: dict[str, Any]) -> list[Row]:
    rows = [
        (
            f"produced for {asked:g} ms",
            *(_produced(t["mean"][i], t["sd"][i], t["n_missing"][i]) for t in (a, b)),
        )
        for i, asked in enumerate(a["intervals"])
    ]
    return [*rows, ("Weber fraction", _number(a["weber"]), _number(b["weber"]))]


def _produced(mean: float | None, sd: float | None, missing: int) -> str:
    text = "none" if mean is None else f"{mean:.0f} ms" if sd is None else f"{mean:.0f} ± {sd:.0f} ms"
    return f"{text} ({missing} without)" if missing and mean is not None else text


def _likeness_rows(likeness: dict[str, Any]) -> list[Row]:
    k = likeness["n_angles"]
    aligned = likeness["aligned_nrmse"]
    rows: list[Row] = [
        ("output NRMSE", _number(likeness["output_nrmse"]), "0 equal, 1 as bad as A's mean"),
        ("linear CKA", _number(likeness["cka"]), "1 equal up to rotation and scale"),
        (
            "Procrustes angle",
            _degrees([likeness["procrustes_degrees"]]),
            "0° equal up to rotation and scale",
        ),
        (f"angles of {k} components", _degrees(likeness["angles_degrees"]), "0° shared time courses, 90° unrelated"),
        (f"A's {k} from B's", _number(aligned["a_from_b"]), "NRMSE of the best linear map"),
        (f"B's {k} from A's", _number(aligned["b_from_a"]), "NRMSE of the best linear map"),
        ("distance of spectra", _number(likeness["spectrum_distance"]), "sliced Wasserstein, in units of eigenvalues"),
    ]
    if likeness["rate_nrmse"] is not None:
        rows[1:1] = [
            ("rate NRMSE", _number(likeness["rate_nrmse"]), "of the shared units"),
            ("angles of unit spaces", _degrees(likeness["unit_angles_degrees"]), "of the shared units"),
        ]
    return rows


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _degrees(angles: Sequence[float], most: int = 6) -> str:
    text = ", ".join(f"{angle:.1f}°" for angle in angles[:most])
    return text if len(angles) <= most else f"{text}, ... {angles[-1]:.1f}°"


def lead(numbers: dict[str, Any]) -> str:
    """One sentence that says which trials were used."""
    noise = "with noise" if numbers["noise"] else "without noise"
    a, b = numbers["names"]
    return (
        f"A: {a}, B: {b}; the same {numbers['n_trials']} trials of {numbers['task']['name']} "
        f"({numbers['repeats']} per condition), {noise}."
    )


def comparison_text(numbers: dict[str, Any], figures: Sequence[str]) -> str:
    """Markdown of a comparison; figures are linked by name."""
    tables = comparison_tables(numbers)
    a, b = numbers["names"]
    parts = [f"# {a} and {b}", lead(numbers), *numbers["notes"]]
    parts += ["## Likeness", _markdown(("", "value", "how to read it"), tables.likeness)]
    parts += ["## Networks", _markdown(("", f"A: {a}", f"B: {b}"), tables.networks), "## Figures"]
    parts += [f"![{CAPTIONS[name]}]({name}.png)\n\n{CAPTIONS[name]}" for name in figures]
    return "\n\n".join(parts) + "\n"


def comparison_page(numbers: dict[str, Any], folder: Path, figures: Sequence[str]) -> str:
    """One HTML page with the tables, and the figures of `folder` in it."""
    return filled(
        "compare.html.jinja",
        names=numbers["names"],
        lead=lead(numbers),
        notes=numbers["notes"],
        tables=comparison_tables(numbers),
        figures=[{"name": n, "caption": CAPTIONS[n], "data": picture(folder / f"{n}.png")} for n in figures],
    )


def _markdown(head: Row, rows: Sequence[Row]) -> str:
    lines = [head, ("---", "---", "---"), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
