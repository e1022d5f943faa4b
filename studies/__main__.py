"""List the studies, or run those that need no data and no earlier step.

    python -m studies --list
    python -m studies [NAME ...]

Without names the studies in `PAGES` run one after the other, each in a process of its own.
"""

import argparse
import ast
import pkgutil
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PAGES = ("demo", "notebook", "lyapunov", "dynamics", "circuits")
"""Studies that make a page without any input: those of ``make studies``."""
HELPERS = ("__main__", "common")
FOLDER = Path(__file__).parent


def studies() -> dict[str, str]:
    """Name and docstring of every study, without importing any."""
    found = [module.name for module in pkgutil.iter_modules([str(FOLDER)])]
    names = sorted(name for name in found if name not in HELPERS and not name.startswith("_"))
    return {name: ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text("utf-8"))) or "" for name in names}


def budget(text: str) -> str:
    """Return the budget that a study's docstring states."""
    found = re.search(r"\bBudget: (.*?)$(?=\n\n|\Z|\n$)", text, flags=re.M | re.S)
    return " ".join(found[1].split()) if found else "not said"


def main(argv: Sequence[str] | None = None) -> int:
    """List the studies or run some."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(PAGES)} (default: all of them)")
    parser.add_argument("--list", action="store_true", help="print all studies, with their subjects and budgets")
    parser.add_argument("--quick", action="store_true", help="every step, at tiny sizes; writes only to --out")
    parser.add_argument("--out", type=Path, help="records, a directory for each study (default: results)")
    options = parser.parse_args(argv)
    if options.list:
        for name, text in studies().items():
            print(f"python -m studies.{name}\n    {text.partition(chr(10))[0]}\n    Budget: {budget(text)}")
        return 0
    for unknown in set(options.names) - set(PAGES):
        parser.error(f"unknown study {unknown!r}; it is none of {', '.join(PAGES)} (others: --list)")
    common = ["--quick"] if options.quick else []
    for name in options.names or PAGES:
        out = [] if options.out is None else ["--out", str(options.out / name)]
        subprocess.run([sys.executable, "-m", f"studies.{name}", *common, *out], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
