"""Common parts of the studies (and the benchmarks): options, output paths, and facts about the machine.

This module imports neither jax nor torch, because a parent's memory would count towards its children's peak.
"""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PACKAGES = ("eicon", "jax", "jaxlib", "brainpy", "torch", "numpy")
N_REGIONS, DENSITY = 55, 0.627
"""Number of regions and density of the marmoset's connectome."""


class Places(NamedTuple):
    """Folders that a study writes to."""

    out: Path
    """Networks, curves and other records."""
    pages: Path
    images: Path


def new_parser(name: str, text: str | None) -> argparse.ArgumentParser:
    """Command line of ``studies.NAME`` with ``--quick``, ``--out`` and ``--docs``."""
    parser = argparse.ArgumentParser(prog=f"python -m studies.{name}", description=(text or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="every step, at tiny sizes; writes only to --out")
    parser.add_argument(
        "--out", type=Path, help=f"records (default: results/{name}; with --quick results/quick/{name})"
    )
    parser.add_argument("--docs", type=Path, help="pages and figures (default: docs; with --quick OUT/docs)")
    return parser


def places(name: str, options: argparse.Namespace) -> Places:
    """Return the directories that the options name, and make missing ones."""
    out = options.out or Path("results", *(["quick"] if options.quick else []), name)
    docs = options.docs or (out / "docs" if options.quick else Path("docs"))
    found = Places(out, docs / "results", docs / "images")
    for folder in found:
        folder.mkdir(parents=True, exist_ok=True)
    return found


def write_study(name: str, text: str | None, make: Callable[[Places, bool], str], argv: Sequence[str] | None) -> int:
    """Run the command of a one-page study: ``make(places, quick)`` returns the text of the page."""
    options = new_parser(name, text).parse_args(argv)
    where = places(name, options)
    footer = f"\n`python -m studies.{name}`; Python {platform.python_version()}, {versions()}.\n"
    (where.pages / f"{name}.md").write_text(make(where, options.quick) + footer, encoding="utf-8")
    return 0


def run_study(
    name: str,
    text: str | None,
    stages: Callable[[bool], Sequence[Sequence[dict[str, Any]]]],
    do: Callable[..., dict[str, Any]],
    write: Callable[[list[dict[str, Any]], Places, str], None],
    argv: Sequence[str] | None,
) -> int:
    """Run a study of many parts, each done once: the next call resumes from the finished ones.

    ``stages(quick)`` lists the parts, where each stage needs all earlier ones; ``do`` does one part, and
    ``write(lines, places, footer)`` makes the page of the finished parts.
    """
    from eicon.reproduce._parts import run_parts

    parser = new_parser(name, text)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="start nothing after this many minutes")
    options = parser.parse_args(argv)
    where, wanted, lines = places(name, options), stages(options.quick), []
    for stage in wanted:
        results = where.pages / f"{name}.jsonl"
        done = run_parts(stage, do, results, where.out, workers=options.workers, minutes=options.minutes)
        lines += done
        if len(done) < len(stage):
            break
    if lines:
        n = sum(map(len, wanted))
        progress = "" if len(lines) == n else f" {len(lines)} of {n} parts are finished."
        commits = ", ".join(sorted({str(line["commit"]) for line in lines}))
        write(
            lines,
            where,
            f"\nParts: [{name}.jsonl]({name}.jsonl).{progress}\n\n"
            f"`python -m studies.{name}`; commit {commits}, {versions()}.\n",
        )
    return 0


def told(rows: Iterable[str]) -> list[str]:
    """Lines of a table, printed as they come."""
    lines = []
    for row in rows:
        print(row, flush=True)
        lines.append(row)
    return lines


def versions() -> str:
    """Versions that affect a study's numbers."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("eicon", "brainpy", "jax", "numpy"))


def machine() -> dict[str, Any]:
    """Return the facts that a reader needs to compare with another machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return {"cpu": model, "cores": usable, "load_average_1min": os.getloadavg()[0], "versions": found}


def without_absent(names: Iterable[str]) -> list[str]:
    """Return the variants that can run here; without PyTorch, print those named after it and leave them out."""
    absent = importlib.util.find_spec("torch") is None
    kept = []
    for name in names:
        if absent and name.startswith("torch"):
            print(f"{name}: not installed (pip install -e '.[bench]')")
        else:
            kept.append(name)
    return kept


def shrunk(config: Any, n_rec: int, **training: Any) -> Any:
    """Run configuration with fewer units and different training settings, for ``--quick``."""
    parts = {"network": {"n_rec": n_rec}, "training": training}
    return config.model_copy(update={k: getattr(config, k).model_copy(update=v) for k, v in parts.items()})


def stand_ins(folder: Path) -> tuple[Path, Path]:
    """Folder with a made-up marmoset, and file of made-up latents with their labels, for ``--quick``."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    weights = random_regions()
    np.save(folder / "C_Marmoset_Normalized.npy", weights / weights.sum(axis=0).max())
    latents = folder / "latents.npz"
    np.savez(latents, latents=rng.normal(size=(30, 4)).astype(np.float32), labels=np.repeat(np.arange(3), 10))
    return folder, latents


def random_regions(n: int = N_REGIONS) -> np.ndarray:
    """Weights of made-up regions, as dense as the marmoset's, for use without its file."""
    rng = np.random.default_rng(0)
    weights = rng.lognormal(-6, 2, (n, n)) * (rng.random((n, n)) < DENSITY)
    np.fill_diagonal(weights, 0.0)
    return weights
