"""Pages of the documentation, the blocks in them, and how to run these."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = ("_build", "notebooks", "mistakes")
BLOCK = re.compile(r"^```(?P<info>[^\n`]+)\n(?::caption: (?P<file>[^\n]+)\n\n)?(?P<text>.*?)^```$", flags=re.S | re.M)


class Block(NamedTuple):
    """A fenced block: its language, the name of the file that it is to be saved as, and its text."""

    language: str
    file: str
    text: str


def pages():
    """Markdown pages written by hand."""
    return [path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in GENERATED]


def blocks_of(page):
    return [
        Block(match["info"].removeprefix("{code-block}").strip(), match["file"] or "", match["text"])
        for match in BLOCK.finditer(page.read_text("utf-8"))
    ]


def commands_in(text):
    """Lines that a reader types, without the prompt; lines that end in a backslash go on."""
    joined = text.replace("\\\n", " ")
    lines = [line.removeprefix("$ ").strip() for line in joined.splitlines() if not line.strip().startswith("#")]
    return [line.partition("  #")[0].partition(" > ")[0].strip() for line in lines if line]


def importable(monkeypatch, folder, page):
    """Let the files of a page be imported, whatever other pages have imported under their names."""
    monkeypatch.syspath_prepend(folder)
    for block in blocks_of(page):
        monkeypatch.delitem(sys.modules, block.file.removesuffix(".py"), raising=False)


def run_page(page, monkeypatch, folder):
    """Run all blocks in a folder, one after the other; the names that they leave."""
    from eicon.cli import main

    monkeypatch.chdir(folder)
    importable(monkeypatch, folder, page)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.file:
            Path(block.file).write_text(block.text, "utf-8")
        elif block.language == "python":
            exec(compile(block.text, page.name, "exec"), names)  # noqa: S102
        elif block.language == "console":
            for line in commands_in(block.text):
                program, *words = shlex.split(line)
                assert program == "eicon", line
                done = CliRunner().invoke(main, words)
                assert done.exit_code == 0, f"{line}: {done.output}"
        else:
            pytest.fail(f"{page.name}: a block of {block.language} that is not run")
    return names


def load_script(name):
    """A script of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
