"""Wall times of commands that need no network.

    python -m studies.start_times
    python -m studies.start_times --repeats 9

Budget: a minute.

The commands run one after the other, five times; a table shows the medians. PYTHONPATH selects the copy of eicon.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

FILES = {
    "misspelt.toml": "[network]\nsigma = 0.1\n",
    "misspelt_sweep.toml": "[network]\nspectral = 1.0\n",
    "misspelt_task.toml": '[task]\nname = "CueSetGo"\nnothing = 1\n',
}
COMMANDS = (
    "--version",
    "--help",
    "train --help",
    "analyze missing",
    "report missing",
    "compare a b",
    "train missing.toml",
    "train misspelt.toml",
    "sweep misspelt_sweep.toml",
    "connectomes list",
    "train misspelt_task.toml",
    "tasks",
)


def seconds(command: str, folder: str) -> float:
    """Wall time of a command, from start to end of its process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "eicon", *command.split()], cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m studies.start_times", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each command (default: 5)")
    parser.add_argument("--quick", action="store_true", help="only the light commands, once")
    options = parser.parse_args(argv)
    commands, repeats = (COMMANDS[:3], 1) if options.quick else (COMMANDS, options.repeats)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            (Path(folder) / name).write_text(text)
        taken = [[seconds(command, folder) for command in commands] for _ in range(repeats)]
    print(f"| command | seconds (median of {repeats}) |\n|---|--:|")
    for command, values in zip(commands, zip(*taken, strict=True), strict=True):
        print(f"| `eicon {command}` | {statistics.median(values):.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
