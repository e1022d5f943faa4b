"""What pages say is there: names, options, files, figures, numbers."""

import ast
import importlib
import inspect
import re

import pytest

import eicon

from .pages import DOCS, ROOT, blocks_of, pages

PAGES = pages()
PROSE = {page: page.read_text("utf-8") for page in PAGES}
RESULTS = {page: text for page, text in PROSE.items() if page.parent.name == "results"}
ABOUT = [page for page in PAGES if page not in RESULTS]


def name_of(page):
    return page.relative_to(DOCS).with_suffix("").as_posix()


def resolves(dotted):
    """Whether ``eicon.a.b`` can be imported or is an attribute of what can."""
    parts = dotted.split(".")
    for n in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


def names_used(code):
    """Dotted names that begin with ``eicon`` in a piece of code, imports included."""
    tree = ast.parse(code)
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "eicon":
            for alias in node.names:
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found = set(aliases.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            head, _, tail = text.partition(".")
            if head == "eicon" and re.fullmatch(r"[\w.]+", text):
                found.add(text)
            elif head in aliases and re.fullmatch(r"[\w.]+", tail) and inspect.ismodule(load(aliases[head])):
                found.add(f"{aliases[head]}.{tail}")
    return found


def load(dotted):
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        return None


BLOCKLESS = re.compile(r"^```.*?^```$", flags=re.S | re.M)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_compiles_and_names_exist(page):
    for block in blocks_of(page):
        if block.language == "python":
            missing = [name for name in names_used(block.text) if not resolves(name)]
            assert not missing, missing


def test_a_wrong_name_is_found():
    code = "import eicon\nfrom eicon import analysis as a\neicon.analysis.dream(1)\na.sleep()\na.pca(x)"
    wrong = {name for name in names_used(code) if not resolves(name)}
    assert wrong == {"eicon.analysis.dream", "eicon.analysis.sleep"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)\s#]+)", BLOCKLESS.sub("", PROSE[page])):
        assert (page.parent / target).is_file(), target


def test_readme_links_still_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:|#)([^)\s#]+)", (ROOT / "README.md").read_text("utf-8")):
        assert (ROOT / target).exists(), target


def test_every_mistake_has_its_test():
    rows = re.findall(
        r"^\| (\d+) \|.*\]\(\.\./tests/known_mistakes/(test_(\d+)_\w+\.py)\) \|$",
        PROSE[DOCS / "known_mistakes.md"],
        flags=re.M,
    )
    assert [int(number) for number, _, _ in rows] == list(range(1, 33))
    for number, file, prefix in rows:
        assert int(prefix) == int(number)
        text = (ROOT / "tests" / "known_mistakes" / file).read_text("utf-8")
        assert ast.get_docstring(ast.parse(text)).startswith(f"Mistake {number}:"), file
    assert {file for _, file, _ in rows} == {
        path.name for path in (ROOT / "tests" / "known_mistakes").glob("test_*.py")
    }


def test_numbers_of_the_benchmarks_are_those_of_their_pages():
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| \[\w+\]\((results/\w+\.md)\) \|$", PROSE[DOCS / "benchmarks.md"], flags=re.M
    )
    assert len(rows) >= 12
    for what, numbers, page in rows:
        there = re.findall(r"\d+(?:\.\d+)?%?", RESULTS[DOCS / page])
        for number in re.findall(r"\d+(?:\.\d+)?%?", numbers):
            assert number in there, (what, number)


def test_commands_of_the_benchmarks_are_on_the_result_pages():
    said = " ".join(" ".join(text.split()) for text in RESULTS.values())
    commands = re.findall(r"`(python -m (?:benchmarks|studies)[^`]*)`", PROSE[DOCS / "benchmarks.md"])
    assert len(commands) >= 5
    for command in commands:
        assert command in said, command


def test_every_picture_is_on_a_page():
    shown = " ".join(PROSE.values())
    assert [path.name for path in (DOCS / "images").glob("*.*") if f"images/{path.name}" not in shown] == []


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for page in PAGES:
        for toctree in re.findall(r"```\{toctree\}\n(.*?)```", PROSE[page], flags=re.S):
            for line in toctree.splitlines():
                if line and not line.startswith(":"):
                    listed.add((page.parent / f"{line}.md").resolve())
    assert {page for page in PAGES if page not in listed} == {DOCS / "index.md"}


def test_the_version_is_nowhere_written_by_hand():
    for page in ABOUT:
        assert eicon.__version__ not in PROSE[page].replace(f"v{eicon.__version__}", "").replace(
            f"html/{eicon.__version__}", ""
        ), page
