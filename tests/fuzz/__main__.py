"""Damage files at random, and look what eicon makes of them: ``python -m tests.fuzz --n 10000 --seed 0``.

Each damaged file is refused by one line that names it, or is read with the content of the original; only where a format
has no checksums may it be read as something else. ``--only 1234`` repeats one case.
"""

import argparse
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from .targets import Target, content, targets

EXPECTED = (ValueError, FileNotFoundError)
MOST_SECONDS, MOST_BYTES = 5.0, 6e8
"""What one file may take, and all of them."""
FOREIGN = 0.02
"""Share of files that are replaced by one of another kind."""


class Finding(NamedTuple):
    """What went wrong with a file."""

    case: int
    target: str
    mutation: str
    what: str


def examine(path: Path, target: Target, original: object, strict: bool) -> str:
    """What is wrong with how a damaged file was taken; "" if nothing, "refused" if it was refused as it should be."""
    begun = time.perf_counter()
    try:
        found = target.read(path)
    except EXPECTED as error:
        text = str(error)
        if path.name not in text:
            return f"unnamed {type(error).__name__}: {text[:150]!r}"
        return f"several lines: {text[:150]!r}" if "\n" in text else "refused"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"raw {type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {str(error)[:150]!r}"
    if time.perf_counter() - begun > MOST_SECONDS:
        return f"took {time.perf_counter() - begun:.1f} s"
    return "accepted with other content" if strict and content(found) != original else ""


def run(n: int, seed: int, only: int | None = None) -> tuple[list[Finding], Counter[str]]:
    """Findings of ``n`` damaged files, and how many were refused and accepted."""
    findings, counts = [], Counter[str]()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        (folder / "originals").mkdir()
        chosen = targets(folder / "originals")
        originals = []
        for target in chosen:
            (folder / target.file).write_bytes(target.data)
            originals.append(content(target.read(folder / target.file)))
            (folder / target.file).unlink()
        for case in range(n) if only is None else [only]:
            rng = np.random.default_rng([seed, case])
            i = case % len(chosen)
            target, path = chosen[i], folder / chosen[i].file
            others = [other for other in chosen if other.file != target.file]
            mutations = (*target.strict, *target.loose)
            place = int(rng.integers(len(mutations)))
            if rng.random() < FOREIGN:
                mutation, data, strict = "foreign", others[rng.integers(len(others))].data, False
            else:
                mutation, strict = mutations[place].__name__, place < len(target.strict)
                data = mutations[place](target.data, rng)
            path.write_bytes(data)
            verdict = examine(path, target, originals[i], strict)
            path.unlink()
            counts[verdict if verdict in ("", "refused") else "wrong"] += 1
            counts[f"{target.name}: {verdict or 'accepted'}"] += verdict in ("", "refused")
            if verdict not in ("", "refused"):
                findings.append(Finding(case, target.name, mutation, verdict))
    return findings, counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Report on the terminal; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="number of one case")
    parser.add_argument("--counts", action="store_true", help="how many of each kind were refused")
    options = parser.parse_args(arguments)
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    findings, counts = run(options.n, options.seed, options.only)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for finding in findings[:100]:
        click.echo(f"case {finding.case}, {finding.target}, {finding.mutation}: {finding.what}")
    if options.counts:
        for name, count in sorted(counts.items()):
            click.echo(f"{count:6d}  {name}")
    click.echo(
        f"{options.n} files in {time.perf_counter() - begun:.0f} s, memory +{grown:.0f} MB: "
        f"{counts['refused']} refused, {counts['']} accepted, {counts['wrong']} wrong"
    )
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
