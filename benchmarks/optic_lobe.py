"""Train the fly's optic lobe next to flyvis (Lappalainen et al. 2024), step by step in turn.

    python -m benchmarks.optic_lobe --flyvis PYTHON --page docs/results/optic_lobe.md

PYTHON is an interpreter that has flyvis, with PyTorch for CPUs (default: the value of EICON_FLYVIS); without one, only
eicon is timed. Each library has a process of its own, which also reports the time for building the network and its
peak memory.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.alternating import Worker, interval
from benchmarks.runner import ROOT
from studies.common import machine

SCRIPT = ROOT / "benchmarks" / "variants" / "optic_lobe.py"
STEPS = {
    "step": "training step: forward, backward, Adam",
    "forward": "forward alone",
    "rest": "gradient of the resting potentials alone: forward, and backward through the states",
    "time constants": "gradient of the time constants alone",
    "strengths": "gradient of the strengths alone",
}
COMPARED = ("step", "forward")
IN_A_ROW = 5
"""Runs in a block."""


class Lobe(Worker):
    """A process that trains the optic lobe with one library."""

    def __init__(self, library: str, interpreter: str, extent: int) -> None:
        env = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT) if library == "eicon" else ""}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        pipe = subprocess.PIPE
        command = [interpreter, "-P", str(SCRIPT), library, str(extent)]
        self.process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=self.errors, text=True)

    def seconds(self, run: str) -> float:
        """Return the seconds of one of several runs in a row, as in a training."""
        return self.ask(run=run, times=IN_A_ROW) / IN_A_ROW

    def peak_mb(self) -> float:
        """Return the peak memory so far."""
        return self.ask(peak=True)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Collect each library's report on itself, and seconds of each of its runs, in turn."""
    libraries = {"eicon": sys.executable} | ({"flyvis": options.flyvis} if options.flyvis else {})
    found: dict[str, Any] = {name: {} for name in libraries}
    with ExitStack() as stack:
        lobes = {}
        for name, interpreter in libraries.items():
            lobes[name] = stack.enter_context(Lobe(name, interpreter, options.extent))
            found[name] |= lobes[name].hear()  # one builds at a time
        rng, runs = np.random.default_rng(0), {name: [*(STEPS if name == "eicon" else COMPARED)] for name in lobes}
        for name, lobe in lobes.items():
            found[name]["seconds"] = {run: [] for run in runs[name]}
            lobe.seconds("step")
            found[name]["peak_mb"] = lobe.peak_mb()
            for run in runs[name]:
                lobe.seconds(run)  # compiles
        for _ in range(options.repeats):
            for run in COMPARED:
                for name in rng.permutation(list(lobes)).tolist():
                    found[name]["seconds"][run].append(lobes[name].seconds(run))
        for _ in range(options.repeats):
            for run in [run for run in STEPS if run not in COMPARED]:
                found["eicon"]["seconds"][run].append(lobes["eicon"].seconds(run))
    if "flyvis" in found and not np.isclose(found["eicon"]["loss"], found["flyvis"]["loss"], rtol=1e-4):
        raise ArithmeticError(f"losses differ: {found['eicon']['loss']} and {found['flyvis']['loss']}")
    return found


LIBRARY = {
    "library": "{name}",
    "built, s": "{built:.1f}",
    "first step, s": "{first:.1f}",
    "memory at most, MB": "{peak_mb:.0f}",
    "loss of the first step": "{loss:.6f}",
}
RATIO = {
    "run": "{what}",
    "eicon, s": "{ours:.3f}",
    "flyvis, s": "{theirs:.3f}",
    "fastest": "{fastest}",
    "flyvis / eicon": "{ratio:.2f}",
    "95 % interval": "{low:.2f} - {high:.2f}",
}
PROFILE = {"run": "{what}", "s": "{middle:.3f}", "fastest": "{low:.3f}"}


def page(found: Mapping[str, Any], options: argparse.Namespace, facts: Mapping[str, Any]) -> str:
    """Markdown page of all tables."""
    ours = found["eicon"]["seconds"]
    parts = [
        "# Training the optic lobe of the fly",
        report.paragraph(
            f"""The published model (`eicon.connectomes.optic_lobe({options.extent})`, `optic_lobe_network`): one time
            constant and one resting potential per cell type, one strength per pair of types, multiplied by synapse
            count and sign. A step is that of the published training without its decoder: 4 sequences of 19 frames of
            random light, dt 20 ms, the mean squared rate of all cells as loss, its gradient with respect to these
            numbers, and Adam. In flyvis, trials start at the trained resting potentials, in eicon at the initial ones.
            Memory is the largest resident set of a process, imports included, after building the network and some
            steps."""
        ),
        report.markdown(LIBRARY, [{"name": name, **values} for name, values in found.items()]),
    ]
    if "flyvis" in found:
        theirs = found["flyvis"]["seconds"]
        rows = [
            {
                "what": STEPS[run],
                "ours": statistics.median(ours[run]),
                "theirs": statistics.median(theirs[run]),
                "fastest": f"{min(ours[run]):.3f}, {min(theirs[run]):.3f}",
                **interval(theirs[run], ours[run]),
            }
            for run in COMPARED
        ]
        text = f"""Medians of {options.repeats} blocks of {IN_A_ROW} runs of both libraries, alternating in random
            order; the ratio is that of the medians, with a bootstrap interval over pairs."""
        parts += [report.paragraph(text), report.markdown(RATIO, rows)]
    else:
        parts.append("flyvis was not timed: no interpreter that has it was named.")
    profile = [
        {"what": STEPS[run], "middle": statistics.median(seconds), "low": min(seconds)} for run, seconds in ours.items()
    ]
    parts += ["Breakdown of eicon's time:", report.markdown(PROFILE, profile), report.measured_on(facts)]
    return "\n\n".join(parts) + "\n"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optic_lobe", description=__doc__.split("\n")[0])
    parser.add_argument("--flyvis", default=os.environ.get("EICON_FLYVIS"), help="interpreter that has flyvis")
    parser.add_argument("--extent", type=int, default=15, help="columns to the border (default: 15)")
    parser.add_argument("--repeats", type=int, default=12, help="blocks of each (default: 12)")
    parser.add_argument("--out", type=Path, default=Path("results/bench/optic_lobe.json"), help="all times")
    parser.add_argument("--page", type=Path, help="Markdown page")
    options = parser.parse_args(argv)
    if options.extent < 0 or options.repeats < 1:
        parser.error("--extent must be at least 0, --repeats at least 1")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write the requested files."""
    options, facts = parse(argv), machine()
    if not options.flyvis:
        print("no --flyvis: only eicon is timed", file=sys.stderr)
    found = measure(options)
    text = page(found, options, facts)
    print(text)
    if options.page is not None:
        words = " ".join(["python -m benchmarks.optic_lobe", *(sys.argv[1:] if argv is None else argv)])
        words = words.replace(str(options.flyvis), "PYTHON")
        options.page.parent.mkdir(parents=True, exist_ok=True)
        options.page.write_text(f"{text}\n`{words}`\n", encoding="utf-8")
    report.write_json(options.out, {"machine": facts, **found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
