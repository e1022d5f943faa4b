"""Number of public names in eicon.

    python -m studies.public_names [PACKAGE DIRECTORY]

Budget: a second.
The study counts the names in the ``__init__`` of every package that have no underscore and are not modules and,
separately, those in its public files (``results.py`` ...). Files are read, not imported: any version will do.
"""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

INTERNAL = ("cli", "data")
"""Packages that are not counted."""


def names_in(path: Path) -> set[str]:
    """Public names of a file that are not modules: imports from files next to it, and definitions."""
    found: set[str] = set()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node in [*body, *(inner for branch in body if isinstance(branch, ast.If) for inner in branch.body)]:
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def public_names(package: Path) -> dict[str, set[str]]:
    """Public names of each package and of each public file in it; a stub is counted instead, where there is one."""
    found = {}
    for init in sorted(package.rglob("__init__.py")):
        room = init.parent.relative_to(package).parts
        if not set(room) & set(INTERNAL):
            stub = init.with_suffix(".pyi")
            found[".".join(["eicon", *room])] = names_in(stub if stub.is_file() else init)
            for path in sorted(init.parent.glob("[!_]*.py")):
                if "from ._" in path.read_text(encoding="utf-8"):
                    found[".".join(["eicon", *room, path.stem])] = names_in(path)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table of packages and of their files."""
    words = sys.argv[1:] if argv is None else argv
    package = Path(words[0]) if words else Path(__file__).parents[1] / "eicon"
    found = public_names(package)
    rooms = {name for name in found if (package / Path(*name.split(".")[1:])).is_dir()}
    for kind, wanted in (("package", rooms), ("file of a package", found.keys() - rooms)):
        counts = {name: len(found[name]) for name in found if name in wanted and found[name]}
        print(f"\n| {kind} | names |\n|---|--:|")
        for name, number in counts.items():
            print(f"| `{name}` | {number} |")
        print(f"| all | {sum(counts.values())} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
