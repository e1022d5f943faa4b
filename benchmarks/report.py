"""Summaries, the printed table and the JSON file."""

import json
import os
import statistics
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.problem import recurrent_flops
from benchmarks.variants import VARIANTS

RATIOS = (
    ("torch", "eicon"),
    ("torch-hoisted", "eicon"),
    ("neuralrnn", "eicon"),
    ("seed", "eicon"),
    ("core", "limit"),
)


def summarise(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per size and variant: medians over the repetitions, minimum over all blocks."""
    groups: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["n_rec"], record["variant"]), []).append(record)
    order = list(VARIANTS)
    rows = []
    for n_rec, name in sorted(groups, key=lambda key: (key[0], order.index(key[1]))):
        group = groups[n_rec, name]
        ms = statistics.median(r["ms_per_step"] for r in group)
        rows.append(
            {
                "n_rec": n_rec,
                "variant": name,
                "ms_per_step": ms,
                "min_ms_per_step": min(r["min_ms_per_step"] for r in group),
                "gflop_per_s": recurrent_flops(n_rec) / ms / 1e6,
                "first_step_s": statistics.median(r["first_step_s"] for r in group),
                "peak_mb": statistics.median(r["peak_mb"] for r in group),
                "repeats": len(group),
                "note": ", ".join(sorted({r["note"] for r in group if r["note"]})),
            }
        )
    return rows


def ratios(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the ratio of the medians for each size, and its range over the rounds."""
    by_key: dict[tuple[int, str], dict[int, float]] = {}
    for r in records:
        by_key.setdefault((r["n_rec"], r["variant"]), {})[r["repeat"]] = r["ms_per_step"]
    rows = []
    for n_rec in sorted({r["n_rec"] for r in records}):
        for top, bottom in RATIOS:
            over, under = by_key.get((n_rec, top)), by_key.get((n_rec, bottom))
            if over is None or under is None:
                continue
            rounds = [over[i] / under[i] for i in over.keys() & under.keys()]
            rows.append(
                {
                    "n_rec": n_rec,
                    "ratio": f"{top} / {bottom}",
                    "value": statistics.median(over.values()) / statistics.median(under.values()),
                    "lowest_round": min(rounds),
                    "highest_round": max(rounds),
                }
            )
    return rows


COLUMNS = {
    "N": "{n_rec}",
    "variant": "{variant}",
    "ms/step": "{ms_per_step:.3f}",
    "min": "{min_ms_per_step:.3f}",
    "GFLOP/s": "{gflop_per_s:.1f}",
    "start s": "{first_step_s:.1f}",
    "peak MB": "{peak_mb:.0f}",
    "rounds": "{repeats}",
    "note": "{note}",
}
RATIO_COLUMNS = {
    "N": "{n_rec}",
    "ratio of ms/step": "{ratio}",
    "value": "{value:.2f}",
    "lowest round": "{lowest_round:.2f}",
    "highest round": "{highest_round:.2f}",
}


def table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], left: Sequence[str]) -> str:
    """Return an aligned plain-text table; the columns named in `left` are flush left."""
    lines = [list(columns), *([cell.format(**row) for cell in columns.values()] for row in rows)]
    padded = []
    for name, column in zip(columns, zip(*lines, strict=True), strict=True):
        width = max(map(len, column))
        padded.append([c.ljust(width) if name in left else c.rjust(width) for c in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def render(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], over: Sequence[Mapping[str, Any]]) -> str:
    """Return the text for stdout from what `machine`, `summarise` and `ratios` return."""
    load = f"load {facts['load_average_1min']:.1f} at the start"
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    parts = [f"{facts['cpu']}, {facts['cores']} cores, {load}\n{versions}"]
    if rows:
        parts.append(table(COLUMNS, rows, left=("variant", "note")))
    if over:
        parts.append(table(RATIO_COLUMNS, over, left=("ratio of ms/step",)))
    return "\n\n".join(parts)


def write_page(path: Path, text: str, command: str) -> None:
    """Write the printed tables as a page for the docs."""
    explained = (
        "torch: a plain PyTorch loop; torch-hoisted: the same with all that does not depend on the state taken out of\n"
        "the loop; neuralrnn: the E-I network of NeuralRNN in a PyTorch loop; seed: BrainPy's published notebook;\n"
        "eicon: `Trainer`; core: forward scan, backward scan and weight gradient of eicon alone; limit: the three\n"
        "large matrix products of a step alone. T = 110, B = 16, forward, backward and Adam; noise per step, trial\n"
        "and unit, except in seed, where all trials share it. Start: from the start of the process to the end of the\n"
        "first call (50 steps in eicon, one in the others)."
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# Benchmark\n\n{explained}\n\n```\n{text}\n```\n\n`{command}`\n", encoding="utf-8")


def markdown(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table; `columns` as for `table`."""
    lines = [list(columns), *([cell.format(**row) for cell in columns.values()] for row in rows)]
    texts = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([texts[0], "|" + "---|" * len(columns), *texts[1:]])


def paragraph(text: str) -> str:
    """Return text in lines of a page's width."""
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)


def measured_on(facts: Mapping[str, Any]) -> str:
    """Describe in one paragraph the code, machine and versions behind the figures, given what `machine` returns."""
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items() if v != "not installed")
    load = f"load {facts['load_average_1min']:.1f} at the start"
    return paragraph(f"{commit()}. {facts['cpu']}, {facts['cores']} cores, {gigabytes:.0f} GB, {load}; {versions}.")


def commit() -> str:
    """Return the commit that is checked out, marked if files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    found = git("rev-parse", "--short", "HEAD")
    if not found:
        return "Commit unknown"
    return f"Commit {found}" + (", with changes" if git("status", "--porcelain", "--untracked-files=no") else "")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` to `path` so that a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(json.dumps(content, indent=2) + "\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
