"""Tests that catch small wrong changes of the source, drawn with a seed and tried in a copy of the checkout.

    python -m studies.mutants draw TREE
    python -m studies.mutants before TREE
    python -m studies.mutants check TREE
    python -m studies.mutants table

Budget: an hour on one core for each of ``before`` and ``check``.

``draw`` and ``before`` find mutants that the tests of a checkout catch; ``check`` tries the same mutants on a different
checkout, whose files may have moved, with only the tests of ``make test``; ``table`` writes docs/results/mutants.md.
"""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from studies._mutations import ROOMS, draw, mutate, place

STORE = Path(__file__).with_name("mutants.json")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "results" / "mutants.md"
WANTED, PER_FILE = 10, 2
"""Mutants of each package, and the maximum for each file."""
SLOWNESS = 20
"""Factor by which wall time may exceed the limits, which are seconds of computing, on a busy machine."""
LIKELY = 3
"""Number of likely test files, which are tried before the others of the package."""
NOT_COPIED = (".git", ".venv*", "__pycache__", "_build", ".*_cache", "*.egg-info")
NOT_COPIED_FROM_THE_TOP = {"results", "dist", "build"}
ENDED = re.compile(r"^(?:FAILED|ERROR) (\S+\.py(?:::.+?)?)(?: - (.*))?$", flags=re.M)
STARTED = re.compile(r"^(\S+\.py::.+?) *(?:(?:PASSED|FAILED|ERROR|SKIPPED|XFAIL).*)?$", flags=re.M)
PASSED = re.compile(r"^(\S+\.py::.+?) PASSED", flags=re.M)


class Run(NamedTuple):
    """Result of pytest: exit status (None if time was up), the test that failed or was running, the error."""

    status: int | None
    test: str | None
    error: str
    output: str


class Copy:
    """A copy of a checkout that may be changed; it gets one mutant after the other."""

    def __init__(self, tree: Path, folder: Path):
        self.root = folder / "checkout"
        ignored = shutil.ignore_patterns(*NOT_COPIED)

        def ignore(folder: str, names: list[str]) -> set[str]:
            top = NOT_COPIED_FROM_THE_TOP & set(names) if Path(folder) == tree else set()
            return ignored(folder, names) | top

        shutil.copytree(tree, self.root, ignore=ignore, symlinks=True)
        if (tree.parent / "shared").is_dir():
            (folder / "shared").symlink_to(tree.parent / "shared")
        self.clock = int(time.time())
        self.failing: list[str] = []
        """Tests that fail on this machine without a mutant; they are left out."""

    @contextmanager
    def mutated(self, mutant: dict[str, Any]) -> Iterator[None]:
        """Apply the mutant, and undo it at the end."""
        path, line = place(self.root / "eicon", mutant)
        text = mutate(path, line, mutant)
        try:
            self._touch(path)
            yield
        finally:
            path.write_text(text, "utf-8")
            self._touch(path)

    def _touch(self, path: Path) -> None:
        # Compiled files are identified by whole seconds and sizes, which two mutants may share.
        self.clock += 2
        os.utime(path, (self.clock, self.clock))

    def tests(self, folder: str = "") -> list[str]:
        """Test files below a folder of tests."""
        found = (self.root / "tests" / folder).rglob("test_*.py")
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def pytest(self, what: Sequence[str], marker: str, limit: float, stop: bool = True) -> Run:
        """Run tests in the given order; with `stop`, until one fails."""
        command = [sys.executable, "-m", "pytest", "-v", "--tb=no", "-p", "no:cacheprovider", "-m", marker]
        # Without type checks during tests: they double the time that a test needs to start.
        command += ["-o", "addopts=--import-mode=importlib"]
        command += [*(["-x"] if stop else []), *(f"--deselect={test}" for test in self.failing), *what]
        env = {**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "400"}
        seconds = int(limit)
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 10)),
        ) as child:
            try:
                output, _ = child.communicate(timeout=limit * SLOWNESS)
            except BaseException as error:
                # Tests start processes of their own.
                os.killpg(child.pid, signal.SIGKILL)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                output, _ = child.communicate()
        if child.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
            started = STARTED.findall(output)
            return Run(None, started[-1] if started else None, "", output)
        ended = ENDED.findall(output)
        test, message = ended[0] if ended else (None, "")
        return Run(child.returncode, test, re.split(r"[\s:(]", message, maxsplit=1)[0], output)


class Store:
    """The file of mutants and results; rewritten after each, so that a killed run can be resumed."""

    def __init__(self, path: Path):
        self.path = path
        self.data = json.loads(path.read_text("utf-8"))
        self.mutants: dict[str, dict[str, Any]] = {mutant["id"]: mutant for mutant in self.data["mutants"]}

    def results(self, label: str) -> dict[str, dict[str, Any]]:
        """Results of one label by mutant."""
        return self.data["results"].setdefault(label, {})

    def failing(self, label: str) -> list[str]:
        """Tests that failed without a mutant."""
        return self.data.setdefault("failing", {}).setdefault(label, [])

    def caught(self, label: str, room: str | None = None) -> list[str]:
        """Mutants that the tests caught."""
        return [
            name
            for name, result in sorted(self.results(label).items())
            if result["outcome"] == "caught" and room in (None, self.mutants[name]["room"])
        ]

    def save(self) -> None:
        """Write the file, so that it is never incomplete."""
        write(self.path, self.data)


def write(path: Path, data: dict[str, Any]) -> None:
    """Write JSON, and replace the file at once."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    part.replace(path)


def of_children() -> float:
    """Seconds of computing of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def by_likelihood(copy: Copy, mutant: dict[str, Any]) -> list[str]:
    """Sort the tests of the package: first those named after the mutated file, then those that name its contents."""
    path, _ = place(copy.root / "eicon", mutant)
    names = [name for name in mutant["within"] if not name.startswith("__")]
    public = re.findall(r"^(?:def|class) ([A-Za-z]\w+)", path.read_text("utf-8"), flags=re.M)
    stems = {path.stem.strip("_"): 10_000}
    for other in path.parent.glob("*.py"):
        imported = re.search(rf"^from \S*\.{path.stem} import (\([^)]*\)|.*)$", other.read_text("utf-8"), flags=re.M)
        if imported and other.name != "__init__.py":
            uses = any(re.search(rf"\b{name}\b", imported[1]) for name in names)
            stems[other.stem.strip("_")] = 1000 if uses else 100

    def score(test: str) -> int:
        stem = Path(test).stem.removeprefix("test_")
        named = max((value for name, value in stems.items() if name in stem or stem in name), default=0)
        text = (copy.root / test).read_text("utf-8")
        return (
            named
            + 10 * sum(len(re.findall(rf"\b{name}\b", text)) for name in names)
            + sum(len(re.findall(rf"\b{name}\b", text)) for name in public)
        )

    return sorted(copy.tests(mutant["room"]), key=lambda test: (-score(test), test))


def where_now(copy: Copy, test: str, renamed: dict[str, str]) -> list[str]:
    """Find files that contain a test of the former file `test`: that file, or those with its name."""
    test = renamed.get(test, renamed.get(Path(test).name, test))
    if (copy.root / test).is_file():
        return [test]
    return [file for file in copy.tests() if Path(file).name == Path(test).name]


def stages(
    copy: Copy, mutant: dict[str, Any], before: dict[str, Any] | None, renamed: dict[str, str]
) -> Iterator[tuple[str, list[str]]]:
    """Order the tests: the one that caught the mutant before, likely files, the package, all others."""
    known = []
    if before is not None:
        file, _, rest = before["test"].partition("::")
        known = where_now(copy, file, renamed)
        name = rest.partition("[")[0]
        texts = {file: (copy.root / file).read_text("utf-8") for file in known}
        yield "test", [f"{file}::{name}" for file in known if f"def {name.rpartition('::')[2]}(" in texts[file]]
    room = by_likelihood(copy, mutant)
    likely = list(dict.fromkeys([*known, *room[:LIKELY]]))
    yield "files", likely
    yield "room", [test for test in room if test not in likely]
    if before is not None:
        yield "rest", [test for test in copy.tests() if test not in {*room, *likely}]


def try_one(
    copy: Copy,
    mutant: dict[str, Any],
    marker: str,
    limits: tuple[float, float],
    before: dict[str, Any] | None = None,
    renamed: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Try one mutant; `limits` are seconds of computing for likely tests and for the others."""
    start, computing = time.perf_counter(), of_children()

    def result(outcome: str, **more: Any) -> dict[str, Any]:
        seconds = {"seconds": round(time.perf_counter() - start, 1), "computing": round(of_children() - computing, 1)}
        return {"outcome": outcome, **more, **seconds}

    try:
        order = list(stages(copy, mutant, before, renamed or {}))
        with copy.mutated(mutant):
            late = None
            for stage, what in order:
                run = copy.pytest(what, marker, limits[stage in ("room", "rest")]) if what else None
                if run is None or run.status in (0, 5):
                    continue
                if run.status is None:
                    late = late or run.test
                    continue
                if run.status == 1 and run.test and "::" in run.test:
                    return result("caught", test=run.test, error=run.error, stage=stage)
                if run.test is None and stage == "test":
                    # The test of this name is now in a class, or gone.
                    continue
                if run.test is not None or "conftest" in run.output:
                    return result("import fails")
                raise click.ClickException(f"pytest ended with {run.status}:\n{run.output[-2000:]}")
            return result("survived") if late is None else result("timeout", test=late)
    except LookupError as error:
        click.echo(f"refused: {error}", err=True)
        return result("not placed")


def said(name: str, result: dict[str, Any], mutant: dict[str, Any]) -> str:
    """One line of progress."""
    return " ".join(
        [
            name,
            mutant["file"],
            mutant["operator"],
            "|",
            result["outcome"],
            result.get("test") or "",
            f"{result['seconds']} s ({result['computing']} s of computing)",
        ]
    )


def pass_without(copy: Copy, store: Store, label: str, marker: str, limit: float) -> None:
    """Run the tests that caught a mutant without any mutant; if one fails, try its mutants again without it."""
    results = store.results(label)
    open_ = [name for name in store.caught(label) if "seconds_without" not in results[name]]
    tests = sorted({results[name]["test"] for name in open_})
    if not tests:
        return
    start = time.perf_counter()
    run = copy.pytest(tests, marker, limit, stop=False)
    if run.status not in (0, 1):
        raise click.ClickException(f"without a mutant, pytest ended with {run.status}:\n{run.output[-2000:]}")
    passed = set(PASSED.findall(run.output))
    seconds = round((time.perf_counter() - start) / len(tests), 1)
    for name in open_:
        if (test := results[name]["test"]) in passed:
            results[name]["seconds_without"] = seconds
        else:
            click.echo(f"{name}: {test} fails without it, too; to be tried again without this test")
            copy.failing.append(test)
            del results[name]
    store.save()


@contextmanager
def copy_of(tree: Path) -> Iterator[Copy]:
    """Copy of a tree, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="mutants_") as folder:
        yield Copy(tree.resolve(), Path(folder))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--store", type=click.Path(dir_okay=False, path_type=Path), default=STORE, help="Mutants and results.")
@click.pass_context
def main(context: click.Context, store: Path) -> None:
    """Mutants of eicon that its tests catch."""
    context.obj = store
    # Exit on a signal, so that the tests and the copy are cleaned up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


TREE = click.argument("tree", type=click.Path(exists=True, file_okay=False, path_type=Path))
MARKER = click.option("--marker", default="not slow", show_default=True, help="Marker expression of pytest.")
LIMIT = click.option(
    "--limit", default=300.0, show_default=True, help="Seconds of computing for the likely test files."
)
LIMIT_REST = click.option(
    "--limit-rest", default=3600.0, show_default=True, help="Seconds of computing for all others."
)


@main.command("draw")
@TREE
@click.option("--seed", default=0, show_default=True)
@click.option("--candidates", default=40, show_default=True, help="Number of candidates for each package.")
@click.pass_obj
def draw_command(path: Path, tree: Path, seed: int, candidates: int) -> None:
    """Draw candidates from the package of TREE."""
    if path.exists():
        raise click.ClickException(f"{path.name} is there already, and a new draw would lose its results; move it away")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=tree, capture_output=True, text=True)
    mutants = list(draw(tree.resolve() / "eicon", seed, candidates))
    write(path, {"seed": seed, "commit": commit.stdout.strip(), "mutants": mutants, "results": {}})
    click.echo(f"{len(mutants)} candidates")


@main.command()
@TREE
@MARKER
@LIMIT
@LIMIT_REST
@click.option("--room", "rooms", type=click.Choice(ROOMS), multiple=True, default=ROOMS, help="Only these packages.")
@click.pass_obj
def before(path: Path, tree: Path, marker: str, limit: float, limit_rest: float, rooms: tuple[str, ...]) -> None:
    """Try candidates in the order drawn until 10 of each package are caught by the tests of the package."""
    store = Store(path)
    results = store.results("before")

    def candidates(room: str) -> Iterator[str]:
        for name, mutant in store.mutants.items():
            caught = store.caught("before", room)
            of_file = sum(store.mutants[other]["file"] == mutant["file"] for other in caught)
            if mutant["room"] == room and name not in results and len(caught) < WANTED and of_file < PER_FILE:
                yield name

    with copy_of(tree) as copy:
        copy.failing = store.failing("before")
        for room in rooms:
            while True:
                for name in candidates(room):
                    results[name] = try_one(copy, store.mutants[name], marker, (limit, limit_rest))
                    if results[name]["outcome"] == "not placed":
                        raise click.ClickException("the candidates are of another tree")
                    if results[name]["outcome"] == "survived":
                        results[name]["note"] = "not used: survived the tests of its room"
                    store.save()
                    click.echo(said(name, results[name], store.mutants[name]))
                pass_without(copy, store, "before", marker, 900)
                if next(candidates(room), None) is None:
                    break


@main.command()
@TREE
@click.option("--marker", default="not slow and not battery", show_default=True, help="Marker expression of pytest.")
@LIMIT
@LIMIT_REST
@click.option("--label", default="after", show_default=True)
@click.option("--ids", multiple=True, help="Only these mutants, even if already tried; may be given more than once.")
@click.option("--tests", type=click.Path(exists=True, path_type=Path), help="JSON: old name of a test file: new name.")
@click.pass_obj
def check(
    path: Path,
    tree: Path,
    marker: str,
    limit: float,
    limit_rest: float,
    label: str,
    ids: tuple[str, ...],
    tests: Path | None,
) -> None:
    """Try the previously caught mutants on TREE: the test that caught each, likely files, then all tests."""
    store = Store(path)
    renamed = json.loads(tests.read_text("utf-8")) if tests else {}
    results, known = store.results(label), store.results("before")
    open_ = [name for name in store.caught("before") if (name in ids if ids else name not in results)]
    with copy_of(tree) as copy:
        copy.failing = store.failing(label)
        while open_:
            for name in open_:
                mutant = store.mutants[name]
                results[name] = try_one(copy, mutant, marker, (limit, limit_rest), known[name], renamed)
                store.save()
                click.echo(said(name, results[name], mutant))
            pass_without(copy, store, label, marker, 900)
            open_ = [name for name in open_ if name not in results]
    uncaught = [name for name in store.caught("before") if name not in store.caught(label)]
    click.echo(f"{len(store.caught(label))} caught; not caught: {', '.join(uncaught) or 'none'}")
    sys.exit(bool(uncaught))


def in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the equal entries at the start."""
    differ = [i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    return differ[0] if differ else min(len(one), len(other))


def change(mutant: dict[str, Any]) -> str:
    """Return the changed words of the original line and their replacement, for a cell of a table."""
    old, new = (re.split(r"(\s+)", mutant[key].strip()) for key in ("original", "mutated"))
    first = in_common(old, new)
    last = in_common(old[first:][::-1], new[first:][::-1])
    # An operator alone tells little.
    first, last = (first - 2, last - 2) if len("".join(old[first : len(old) - last])) < 6 else (first, last)
    pieces = ["".join(words[max(first, 0) : len(words) - max(last, 0)]).strip() for words in (old, new)]
    return " → ".join("`" + piece.replace("|", "\\|") + "`" if piece else "(nothing)" for piece in pieces)


def cell(result: dict[str, Any] | None) -> str:
    """Return the test that caught a mutant, without its parameters, for a cell of a table."""
    if result is None:
        return "-"
    test = (result.get("test") or "").removeprefix("tests/").partition("[")[0]
    return f"`{test}`" if result["outcome"] == "caught" else " ".join([f"**{result['outcome']}**", test]).strip()


def page(store: Store, label: str) -> str:
    """Return the page of results."""
    before, after = store.results("before"), store.results(label)
    names = store.caught("before")
    seed, commit = store.data["seed"], store.data["commit"]
    found = [name for name in names if after.get(name, {}).get("outcome") == "caught"]
    lines = [
        "# Mutants",
        "",
        f"A mutant is a copy of eicon with one small mistake in one line. {len(names)} of them, drawn with seed {seed}",
        f"from commit {commit}, show that the tests still detect the same mistakes as before the suite was shortened.",
        "",
        "```sh",
        f"python -m studies.mutants draw . --seed {seed}    # at {commit}; studies/mutants.json contains the result",
        "python -m studies.mutants before .",
        "python -m studies.mutants check . --label after",
        "python -m studies.mutants table",
        "```",
        "",
        "The draw goes through the files of a package in random order and takes one mutant from each: first its kind,",
        f"then its place. It ends when the tests of the package have caught {WANTED}, at most {PER_FILE} per file.",
        "Mutants that these tests did not catch may be found by other tests, or have no effect; they are kept in",
        "`studies/mutants.json`, marked as not used. A test counts only if it passes without the mutant.",
        "",
        "| package | tried | caught | survived the tests of its package | import fails | time limit reached |",
        "|---|---|---|---|---|---|",
    ]
    for room in ROOMS:
        outcomes = [result["outcome"] for name, result in before.items() if store.mutants[name]["room"] == room]
        counts = [outcomes.count(outcome) for outcome in ("caught", "survived", "import fails", "timeout")]
        lines.append(f"| {room} | {len(outcomes)} | " + " | ".join(map(str, counts)) + " |")
    lines += [
        "",
        f"Caught afterwards by `make test` alone: {len(found)} of {len(names)}."
        if after
        else "Not yet tried again (last column).",
        "",
        "| mutant | line | change | caught before by | caught after by |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        mutant = store.mutants[name]
        where = f"{mutant['file'].removeprefix('eicon/')}:{mutant['line']}"
        lines.append(f"| {name} | {where} | {change(mutant)} | {cell(before[name])} | {cell(after.get(name))} |")
    return "\n".join(lines) + "\n"


@main.command()
@click.option("--label", default="after", show_default=True, help="Results of the last column.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=PAGE)
@click.pass_obj
def table(path: Path, label: str, out: Path) -> None:
    """Write docs/results/mutants.md."""
    out.write_text(page(Store(path), label), "utf-8")


if __name__ == "__main__":
    main()
