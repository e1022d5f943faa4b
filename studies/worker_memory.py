"""Memory of the worker of a sweep during 24 combinations on the marmoset connectome.

    python -m studies.worker_memory OUT.json --folder bio2art/connectomes [--label "before"]
    python -m studies.worker_memory --plot before.json after.json

The sweep is that of the published memory experiments (SequenceMemory, 55 regions of 4 neurons, 220 in all, 500 trials,
``compat``), with few epochs: 4 activations x 2 optimizers x 3 lengths, no two of which can share compiled code. One
worker of one thread runs them all, as in ``eicon sweep --workers 1``; its resident set is sampled from outside.
The record contains samples (seconds since the start of the sweep, bytes), the time when each combination was finished,
the peak that the system counted, and the processor time of the worker, which a busy machine affects less than the wall
time.

Budget: ten minutes on two cores.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from studies.common import new_parser, places, stand_ins

SETTINGS = """
seed = 0
compat = "bio_rnn_mem"

[connectome]
name = "marmoset"
neurons = 4

[task]
name = "SequenceMemory"

[training]
epochs = 20
repeats = 1
learning_rate = 1e-4

[grid]
"task.pattern_length" = [3, 5, 10]
"network.activation" = ["relu", "tanh", "sigmoid", "softplus"]
"training.optimizer" = ["adam", "rmsprop"]
"""
QUICK = {
    "trials.n": 10,
    "grid.task.pattern_length": (3,),
    "grid.network.activation": ("relu",),
    "grid.learner.optimizer": ("adam", "rmsprop"),
}
SECONDS_BETWEEN_SAMPLES = 0.1


class Sampler(threading.Thread):
    """Resident set of this process's worker, over time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.start_time, self.samples, self.peak, self.cpu = time.time(), [], 0, 0.0
        self.done = threading.Event()

    def run(self) -> None:
        """Sample until `done` is set."""
        while not self.done.wait(SECONDS_BETWEEN_SAMPLES):
            for child in psutil.Process().children(recursive=True):
                try:
                    if "eicon.runs._workers" not in " ".join(child.cmdline()):
                        continue
                    self.samples.append((round(time.time() - self.start_time, 2), child.memory_info().rss))
                    self.cpu = sum(child.cpu_times()[:2])
                    self.peak = max(self.peak, _high_water(child.pid))
                except (psutil.Error, OSError):
                    continue  # it has just ended


def _high_water(pid: int) -> int:
    """Peak resident set of a process, as counted by Linux; 0 elsewhere."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return 0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) * 1024 if "VmHWM" in lines else 0


def measure(folder: Path, label: str, epochs: int, quick: bool) -> dict[str, Any]:
    """Run the sweep, and return the size of its worker."""
    from eicon.runs import create_sweep, parse_recipe, run_sweep

    settings = SETTINGS.replace("neurons = 4", f'neurons = 4\nfolder = "{folder}"').replace(
        "epochs = 20", f"epochs = {epochs}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        recipe = parse_recipe(settings, kind="sweep")
        sweep = create_sweep(Path(scratch) / "sweep", recipe.with_changes(QUICK) if quick else recipe)
        sampler = Sampler()
        sampler.start()
        run_sweep(sweep, workers=1, progress=False)
        seconds = time.time() - sampler.start_time
        sampler.done.set()
        sampler.join()
        finished = [
            (
                round(sweep.run(i).curves.stat().st_mtime - sampler.start_time, 2),
                " ".join(str(value) for key, value in sweep.combination(i).items() if key != "repeat"),
            )
            for i in range(sweep.recipe.n_cells)
        ]
    return {
        "label": label,
        "epochs": epochs,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(sampler.cpu, 1),
        "peak": max(sampler.peak, *(size for _, size in sampler.samples)),
        "finished": finished,
        "samples": sampler.samples,
    }


def after_each(record: dict[str, Any]) -> list[int]:
    """Bytes resident when each combination was finished."""
    ends = sorted(end for end, _ in record["finished"])
    return [[size for at, size in record["samples"] if at <= end][-1] for end in ends]


def plot(records: list[dict[str, Any]], png: Path) -> None:
    """Resident set over combinations done, one line per record."""
    import matplotlib.pyplot as plt

    from eicon.plotting import style

    with style():
        figure, ax = plt.subplots(figsize=(6.4, 3.6))
        for record, color in zip(records, ("#CC3311", "#0077BB", "#009988"), strict=False):
            ends = [end for end, _ in record["finished"]]
            name = f"{record['label']}: peak {record['peak'] / 1e9:.2f} GB, {record['cpu_seconds']:.0f} s of CPU"
            done = [np.interp(at, [0, *sorted(ends)], range(len(ends) + 1)) for at, _ in record["samples"]]
            ax.plot(done, [size / 1e9 for _, size in record["samples"]], color=color, linewidth=1, label=name)
        ax.axhline(1, color="#999999", linestyle=":", linewidth=1)
        ax.set_xlabel("combinations done")
        ax.set_ylabel("resident memory of the worker (GB)")
        ax.set_ylim(0, None)
        ax.set_title("One worker, 24 combinations, 220 units")
        ax.legend()
        png.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(png, dpi=150)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, or draw previous measurements."""
    parser = new_parser("worker_memory", __doc__)
    parser.add_argument("record", type=Path, nargs="?", metavar="OUT.json", help="file for the record")
    parser.add_argument("--folder", type=Path, help="folder with the connectomes of bio2art")
    parser.add_argument("--label", default="eicon")
    parser.add_argument("--epochs", type=int, help="(default: 20)")
    parser.add_argument("--plot", type=Path, nargs="+", help="records to draw, instead of measuring")
    parser.add_argument("--png", type=Path, help="(default: worker_memory.png next to the results' pages)")
    options = parser.parse_args(argv)
    where = places("worker_memory", options)
    png = options.png or where.pages / "worker_memory.png"
    if options.quick:
        options.record = options.record or where.out / "worker_memory.json"
        options.folder = options.folder or stand_ins(where.out / "stand_ins")[0]
    if not options.plot:
        if options.record is None or options.folder is None:
            parser.error("needs OUT.json and --folder, or --plot")
        epochs = options.epochs or (1 if options.quick else 20)
        record = measure(options.folder.absolute(), options.label, epochs, options.quick)
        options.record.parent.mkdir(parents=True, exist_ok=True)
        options.record.write_text(json.dumps(record), encoding="utf-8")
        sizes = after_each(record)
        times = f"{record['seconds']:.0f} s, {record['cpu_seconds']:.0f} s of CPU"
        print(f"{record['label']}: peak {record['peak'] / 1e9:.2f} GB, {times}; after each combination:")
        print(" ".join(f"{size / 1e9:.2f}" for size in sizes), "GB")
        if options.quick:
            options.plot = [options.record]
    if options.plot:
        plot([json.loads(path.read_text(encoding="utf-8")) for path in options.plot], png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
