"""Text of a comparison: tables for terminals, Markdown and one self-contained page."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ._template import filled, picture

CAPTIONS = {
    "outputs": "Outputs: means per condition (solid) and targets (dashed).",
    "produced_times": "Produced against asked intervals: trials, mean and standard deviation.",
    "reaction_times": "Reaction times with 95 % intervals; means of correct trials, or all times if the task has no "
    "evidence.",
    "accuracy_by_condition": "Mean score of the trials of each condition, with 95 % intervals; dotted: chance.",
    "psychometric": "Psychometric curves with 95 % Wilson intervals.",
    "trajectories": "Mean trajectories, each network in the plane of its first two principal components (with signs "
    "matched between the networks).",
    "variance": "Variance explained by the first principal components; dotted: 90, 95 and 99 %.",
    "spectra": "Eigenvalues of the effective recurrent weights, with the circle of a random matrix.",
    "ramp_index": "Fraction of each unit's activity during the produced time that is a straight line in time.",
}


LIKENESS = ("", "value", "null", "ceiling", "how to read it")
"""Columns. The null is the mean of permutations, in brackets the value that 5 % of them exceed."""

PROFILE_WORDS = (
    "Each respect has its own null and ceiling: the value for networks that share only the trials, and the value for a "
    "network compared with itself."
)
Row = tuple[str, ...]


RESPECTS = {
    "activity": "linear CKA; 1 equal up to rotation and scale",
    "outputs": "NRMSE; 0 equal",
    "answers": "agreement trial by trial beyond accuracy; 0 none",
    "fixed_points": "fraction with a partner of the same stability at the same place; 1 all",
    "eigenvalues": "distance of the largest ones, relative to their sizes; 0 equal, 1 at most",
    "perturbations": "concordance of effects of silencing and driving; 1 equal",
    "generalisation": "concordance of scores beyond the trained range; 1 equal",
}
"""Respects of a profile, and how to read them."""


class Tables(NamedTuple):
    """Rows of text: (what, A, B) for the networks, and the columns `LIKENESS` for similarity and profile."""

    networks: list[Row]
    likeness: list[Row]
    profile: list[Row]


def comparison_tables(numbers: dict[str, Any]) -> Tables:
    """Return the rows of the tables of a comparison, from the numbers of `compare_runs`."""
    a, b = numbers["networks"]
    rows = [("units", *(f"{n['n_rec']}" for n in (a, b)))]
    rows += [(key, number(a[key]), number(b[key])) for key in ("loss", "accuracy")]
    if "psychometric" in a and "psychometric" in b:
        unit = a["psychometric"].get("unit", "%")
        rows += [
            (f"psychometric {key} ({unit})", number(a["psychometric"][key]), number(b["psychometric"][key]))
            for key in ("bias", "width")
        ]
    if "timing" in a:
        rows += _timing_rows(a["timing"], b["timing"])
    if "reaction_time" in a:
        rows.append(("median reaction time (ms)", *(number(n["reaction_time"]["median"]) for n in (a, b))))
    if "ramp_index" in a and "ramp_index" in b:
        rows += [
            (f"ramp index, {key}", number(a["ramp_index"][key]), number(b["ramp_index"][key]))
            for key in ("mean", "median")
        ]
        if a["scaling"] and b["scaling"]:
            rows += [
                (f"shared course, {title}", number(a["scaling"][key]), number(b["scaling"][key]))
                for key, title in (("scaled", "stretched"), ("absolute", "absolute time"))
            ]
    rows.append(("participation ratio", *(number(n["participation_ratio"]) for n in (a, b))))
    rows += [(f"components for {f}", *(str(n["n_components"][f]) for n in (a, b))) for f in a["n_components"]]
    for key in ("spectral_radius", "spectral_abscissa"):
        rows.append((key.replace("_", " "), number(a[key]), number(b[key])))
    return Tables(rows, _likeness_rows(numbers["similarity"]), _profile_rows(numbers.get("profile")))


def _profile_rows(found: dict[str, Any] | None) -> list[Row]:
    """Return value, null and ceiling in each respect; empty without a profile."""
    rows: list[Row] = []
    for name, how in RESPECTS.items() if found else ():
        one = found[name]  # type: ignore[index]
        null = "none" if one["chance"] is None else f"{number(one['chance'])} ({number(one['null_95'])})"
        rows.append((name.replace("_", " "), number(one["value"]), null, number(one["ceiling"]), how))
    return rows


def _timing_rows(a: dict[str, Any], b: dict[str, Any]) -> list[Row]:
    rows = [
        (
            f"produced for {asked:g} ms",
            *(_produced(t["mean"][i], t["sd"][i], t["n_missing"][i]) for t in (a, b)),
        )
        for i, asked in enumerate(a["intervals"])
    ]
    return [*rows, ("Weber fraction", number(a["weber"]), number(b["weber"]))]


def _produced(mean: float | None, sd: float | None, missing: int) -> str:
    text = "none" if mean is None else f"{mean:.0f} ms" if sd is None else f"{mean:.0f} ± {sd:.0f} ms"
    return f"{text} ({missing} without)" if missing and mean is not None else text


def _likeness_rows(likeness: dict[str, Any]) -> list[Row]:
    k, tested = likeness["n_angles"], likeness["tested"]

    def row(what: str, key: str, value: Any, how: str, text: Callable[[Any], str] = number) -> Row:
        beside = tested[key]
        null = "none" if absent(beside["chance"]) else f"{text(beside['chance'])} ({text(beside['null_95'])})"
        return (what, text(value), null, "none" if absent(beside["ceiling"]) else text(beside["ceiling"]), how)

    aligned = likeness["aligned_nrmse"]
    rows: list[Row] = [
        row("output NRMSE", "output_nrmse", likeness["output_nrmse"], "0 equal, 1 as bad as A's mean"),
        row("linear CKA", "cka", likeness["cka"], "debiased; 1 equal up to rotation and scale"),
        row("RSA", "rsa", likeness["rsa"], "1 equal distances between trials"),
        row(
            "Procrustes angle",
            "procrustes_degrees",
            likeness["procrustes_degrees"],
            "0° equal up to rotation and scale",
            _degrees,
        ),
        row(f"CCA of {k} components", "cca", likeness["cca"], "1 equal up to a linear map, in held-out trials"),
        row(
            f"angles of {k} components",
            "angles_degrees",
            likeness["angles_degrees"],
            "0° shared time courses, 90° unrelated",
            _degrees,
        ),
        row(f"A's {k} from B's", "a_from_b", aligned["a_from_b"], "NRMSE of the best linear map, held out"),
        row(f"B's {k} from A's", "b_from_a", aligned["b_from_a"], "NRMSE of the best linear map, held out"),
        (
            "distance of spectra",
            number(likeness["spectrum_distance"]),
            "none",
            "none",
            "sliced Wasserstein, in units of eigenvalues",
        ),
    ]
    if likeness["rate_nrmse"] is not None:
        unit_angles = likeness["unit_angles_degrees"]
        rows[1:1] = [
            row("rate NRMSE", "rate_nrmse", likeness["rate_nrmse"], "of the shared units"),
            row("angles of unit spaces", "unit_angles_degrees", unit_angles, "of the shared units", _degrees),
        ]
    return rows


def absent(value: Any) -> bool:
    """Return whether a number or list is undefined."""
    return value is None or (isinstance(value, list) and all(one is None for one in value))


def number(value: float | None) -> str:
    """Format a number with four digits."""
    return "none" if value is None else f"{value:.4g}"


def _degrees(angles: float | Sequence[float], most: int = 4) -> str:
    if isinstance(angles, int | float):
        return f"{angles:.1f}°"
    text = ", ".join(f"{angle:.1f}°" for angle in angles[:most])
    return text if len(angles) <= most else f"{text}, ... {angles[-1]:.1f}°"


def lead(numbers: dict[str, Any]) -> str:
    """Return one sentence on the trials that were used."""
    noise = "with noise" if numbers["noise"] else "without noise"
    a, b = numbers["names"]
    return (
        f"A: {a}, B: {b}; the same {numbers['n_trials']} trials of {numbers['task']['name']} "
        f"({numbers['repeats']} per condition), {noise}."
    )


def comparison_text(numbers: dict[str, Any], figures: Sequence[str]) -> str:
    """Return a comparison as Markdown, with figures linked by name."""
    tables = comparison_tables(numbers)
    a, b = numbers["names"]
    parts = [f"# {a} and {b}", lead(numbers), *numbers["notes"]]
    parts += ["## Similarity", null_words(numbers), markdown(LIKENESS, tables.likeness)]
    if tables.profile:
        parts += ["## The same way?", PROFILE_WORDS, markdown(LIKENESS, tables.profile)]
    parts += ["## Networks", markdown(("", f"A: {a}", f"B: {b}"), tables.networks), "## Figures"]
    parts += [f"![{CAPTIONS[name]}]({name}.png)\n\n{CAPTIONS[name]}" for name in figures]
    return "\n\n".join(parts) + "\n"


def comparison_page(numbers: dict[str, Any], folder: Path, figures: Sequence[str]) -> str:
    """Return one HTML page with the tables and the embedded figures of `folder`."""
    tables, (a, b) = comparison_tables(numbers), numbers["names"]
    profiled = {"title": "The same way?", "words": PROFILE_WORDS, "head": LIKENESS, "rows": tables.profile}
    return filled(
        "compare.html.jinja",
        title=f"{a} and {b}",
        lead=lead(numbers),
        notes=numbers["notes"],
        sections=[
            {"title": "Similarity", "words": null_words(numbers), "head": LIKENESS, "rows": tables.likeness},
            *([profiled] if tables.profile else []),
            {"title": "Networks", "words": "", "head": ("", f"A: {a}", f"B: {b}"), "rows": tables.networks},
        ],
        figures=[{"name": n, "caption": CAPTIONS[n], "data": picture(folder / f"{n}.png")} for n in figures],
    )


def null_words(numbers: dict[str, Any]) -> str:
    """Explain null and ceiling."""
    tested = numbers["similarity"]["tested"]["cka"]
    moved = "each trial is shifted cyclically in time" if tested["permuted"] == "time" else "B's trials are exchanged"
    ceiling = (
        "Ceiling: the value for networks that differ only in their noise."
        if numbers["noise"]
        else "Without noise there is no ceiling: identical networks reach the best value."
    )
    return (
        f"Null: the mean over {numbers['n_permutations']} permutations in which {moved}, in brackets the value that "
        f"5 % of them exceed. Networks that share only the time course of all trials are at the null. {ceiling}"
    )


def markdown(head: Row, rows: Sequence[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
