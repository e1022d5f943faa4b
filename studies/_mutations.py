"""Small wrong changes of source text, found with `ast`: each replaces a piece of one line."""

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOMS = ("models", "training", "analysis", "connectomes")

COMPARISONS = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
}
ARITHMETIC = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*")}
CONSTANTS = {
    "0": ("1",),
    "1": ("0", "2"),
    "2": ("1", "3"),
    "0.0": ("1.0",),
    "1.0": ("0.0", "2.0"),
    "2.0": ("1.0", "3.0"),
}
AXES = {"0": "1", "1": "0", "2": "1", "-1": "0", "-2": "-1"}
EXTREMES = {
    a + b + c: a + other + c
    for b, other in (("min", "max"), ("max", "min"))
    for a, c in (("", ""), ("", "imum"), ("arg", ""), ("nan", ""), ("nanarg", ""))
}
SILENT_CALLS = re.compile(r"\b(warn|print|echo|tqdm|trange|set_postfix\w*|set_description\w*|log|debug|info)\(")
MESSAGES = {"message", "text", "hint", "wanted", "reason", "advice", "cause"}
"""Variables that hold parts of error messages."""


class Patch(NamedTuple):
    """Replacement for the characters ``start`` to ``stop`` of a line (from 1)."""

    operator: str
    line: int
    start: int
    stop: int
    new: str


class _Finder:
    """Finder of all patches of one file."""

    def __init__(self, text: str):
        self.lines = text.splitlines()
        self.found: list[Patch] = []
        self.visit(ast.parse(text))

    def column(self, line: int, in_bytes: int) -> int:
        return len(self.lines[line - 1].encode()[:in_bytes].decode())

    def span(self, node: ast.expr) -> tuple[int, int, int] | None:
        """Line, first and last column of an expression on one line."""
        if node.lineno != node.end_lineno:
            return None
        return node.lineno, self.column(node.lineno, node.col_offset), self.column(node.lineno, node.end_col_offset)

    def add(self, operator: str, line: int, start: int, stop: int, *new: str) -> None:
        self.found += [Patch(operator, line, start, stop, text) for text in new]

    def between(self, operator: str, left: ast.expr, right: ast.expr, token: str, *new: str) -> None:
        """Replace the token between two expressions on one line."""
        if left.end_lineno != right.lineno:
            return
        line = right.lineno
        first, last = self.column(line, left.end_col_offset), self.column(line, right.col_offset)
        at = self.lines[line - 1].find(token, first, last)
        if at >= 0:
            self.add(operator, line, at, at + len(token), *new)

    def visit(self, node: ast.AST) -> None:
        if self.skipped(node):
            return
        method = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if method is not None:
            method(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not (isinstance(child, ast.keyword) and child.arg == "axis"):
                    self.visit(child)

    def skipped(self, node: ast.AST) -> bool:
        """Return True for a node that only writes text: error messages, warnings, progress bars, type aliases."""
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
            return True
        if isinstance(node, ast.Call):
            of_a_string = isinstance(node.func, ast.Attribute) and _is_string(node.func.value)
            return of_a_string or SILENT_CALLS.search(ast.unparse(node.func) + "(") is not None
        if isinstance(node, ast.Assign):
            return any(isinstance(t, ast.Name) and (t.id in MESSAGES or t.id == "__all__") for t in node.targets)
        if isinstance(node, ast.IfExp):
            return _is_string(node.body) or _is_string(node.orelse)
        return isinstance(node, ast.BinOp) and (_is_string(node.left) or _is_string(node.right))

    def on_compare(self, node: ast.Compare) -> None:
        for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            if type(op) in COMPARISONS:
                token, new = COMPARISONS[type(op)]
                self.between("comparison", left, right, token, *new)

    def on_binop(self, node: ast.BinOp) -> None:
        sequence = ast.List | ast.Tuple | ast.ListComp
        if type(node.op) in ARITHMETIC and not isinstance(node.left, sequence) and not isinstance(node.right, sequence):
            self.between("arithmetic", node.left, node.right, *ARITHMETIC[type(node.op)])

    def on_augassign(self, node: ast.AugAssign) -> None:
        if type(node.op) in ARITHMETIC and not isinstance(node.value, ast.List | ast.Tuple | ast.ListComp):
            self.between("arithmetic", node.target, node.value, *ARITHMETIC[type(node.op)])

    def on_boolop(self, node: ast.BoolOp) -> None:
        token, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between("and/or", left, right, token, new)

    def on_unaryop(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not) and (span := self.span(node)) is not None:
            line, start, _ = span
            self.add("not", line, start, start + len("not "), "")

    def on_constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, bool | int | float) or (span := self.span(node)) is None:
            return
        line, start, stop = span
        if isinstance(node.value, bool):
            self.add("boolean", line, start, stop, str(not node.value))
        else:
            self.add("constant", line, start, stop, *CONSTANTS.get(self.lines[line - 1][start:stop], ()))

    def on_call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg == "axis" and (span := self.span(keyword.value)) is not None:
                line, start, stop = span
                if (text := self.lines[line - 1][start:stop]) in AXES:
                    self.add("axis", line, start, stop, AXES[text])

    def on_name(self, node: ast.Name) -> None:
        if node.id in ("min", "max") and isinstance(node.ctx, ast.Load) and (span := self.span(node)) is not None:
            self.add("min/max", *span, EXTREMES[node.id])

    def on_attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            return
        line, stop = node.end_lineno, self.column(node.end_lineno, node.end_col_offset)
        if node.attr in EXTREMES:
            self.add("min/max", line, stop - len(node.attr), stop, EXTREMES[node.attr])
        elif node.attr == "T":
            self.add("dropped .T", line, stop - len(".T"), stop, "")

    def on_if(self, node: ast.If | ast.IfExp) -> None:
        if (span := self.span(node.test)) is None:
            return
        line, start, stop = span
        guard = isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Raise)
        if guard:
            self.add("check not made", line, start, stop, "False")
        else:
            self.add("negated condition", line, start, stop, f"not ({self.lines[line - 1][start:stop]})")

    on_ifexp = on_if


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def sources(package: Path) -> dict[str, list[Path]]:
    """Files of the packages that are mutated; their subfolders are left out."""
    return {room: sorted(p for p in (package / room).glob("*.py") if p.name != "__init__.py") for room in ROOMS}


def patches(text: str) -> list[Patch]:
    """Return all patches of a source text that leave it valid Python, ordered by line."""
    lines = text.splitlines(keepends=True)
    valid = []
    for patch in sorted(set(_Finder(text).found), key=lambda p: p[1:]):
        changed = [*lines]
        changed[patch.line - 1] = patched(lines[patch.line - 1], patch)
        try:
            ast.parse("".join(changed))
        except SyntaxError:
            continue
        valid.append(patch)
    return valid


def patched(line: str, patch: Patch) -> str:
    """Return the line with the patch applied."""
    return line[: patch.start] + patch.new + line[patch.stop :]


def enclosing(text: str, line: int) -> list[str]:
    """Names of the functions and classes around a line, outermost first."""
    around = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno <= line <= (node.end_lineno or line)
    ]
    return [node.name for node in sorted(around, key=lambda node: node.lineno)]


def draw(package: Path, seed: int, per_room: int) -> Iterator[dict]:
    """Draw mutants of each package: in every round one of each file, first its kind, then its place.

    Only lines that occur once in the package are changed, so they can still be found when files have moved.
    """
    texts = {path: path.read_text("utf-8") for path in sorted(package.rglob("*.py"))}
    times: dict[str, int] = {}
    for text in texts.values():
        for line in text.splitlines():
            times[line.strip()] = times.get(line.strip(), 0) + 1
    for room, files in sources(package).items():
        rng = random.Random(f"{seed} {room}")
        left = {}
        for path in rng.sample(files, len(files)):
            lines = texts[path].splitlines()
            left[path] = [p for p in patches(texts[path]) if times[lines[p.line - 1].strip()] == 1]
        n = 0
        while n < per_room and any(left.values()):
            for path in [path for path in left if left[path]][: per_room - n]:
                kind = rng.choice(sorted({p.operator for p in left[path]}))
                patch = rng.choice([p for p in left[path] if p.operator == kind])
                left[path] = [p for p in left[path] if p.line != patch.line]
                n += 1
                line = texts[path].splitlines()[patch.line - 1]
                yield {
                    "id": f"{room}-{n:02d}",
                    "room": room,
                    "file": path.relative_to(package.parent).as_posix(),
                    "line": patch.line,
                    "within": enclosing(texts[path], patch.line),
                    "operator": patch.operator,
                    "original": line,
                    "mutated": patched(line, patch),
                }


def place(package: Path, mutant: dict) -> tuple[Path, int]:
    """Return file and line (from 1) of a mutant in a package whose files may have moved.

    Raises
    ------
    LookupError
        If the original line is missing, or occurs more than once.
    """
    wanted = mutant["original"].strip()
    found = [
        (path, i)
        for path in sorted(package.rglob("*.py"))
        for i, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if line.strip() == wanted
    ]
    name = mutant["file"].rpartition("/")[2]
    for candidates in (
        [(path, i) for path, i in found if path.relative_to(package.parent).as_posix() == mutant["file"]],
        [(path, i) for path, i in found if path.name == name],
        found,
    ):
        if len(candidates) == 1:
            return candidates[0]
    places = ", ".join(f"{path.relative_to(package.parent)}:{i}" for path, i in found) or "nowhere"
    raise LookupError(f"{mutant['id']}: `{wanted}` of {mutant['file']} must be there once; found: {places}")


def mutate(path: Path, line: int, mutant: dict) -> str:
    """Write the mutant into the file, at the existing indentation; return the previous text of the file."""
    text = path.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    old = lines[line - 1]
    lines[line - 1] = old.replace(mutant["original"].strip(), mutant["mutated"].strip())
    if lines[line - 1] == old:
        raise LookupError(f"{mutant['id']}: nothing changed at {path.name}:{line}")
    path.write_text("".join(lines), "utf-8")
    return text
