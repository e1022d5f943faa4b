"""How long commands take that need no network: ``python -m studies.start_times [RUNS]``; a Markdown table.

The commands are run one after the other, RUNS times (default: 5); the median is shown. Which eicon it is says
PYTHONPATH.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
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
    subprocess.run(
        [sys.executable, "-m", "eicon", *command.split()], cwd=folder, capture_output=True, check=False, env=os.environ
    )
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            (Path(folder) / name).write_text(text)
        taken = [[seconds(command, folder) for command in COMMANDS] for _ in range(repeats)]
    print(f"| command | seconds (median of {repeats}) |\n|---|--:|")
    for command, values in zip(COMMANDS, zip(*taken, strict=True), strict=True):
        print(f"| `eicon {command}` | {statistics.median(values):.2f} |")


if __name__ == "__main__":
    main()
