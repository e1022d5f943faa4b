"""How to run a tutorial page, and how to compare what it prints with what the page shows."""

import contextlib
import io
import re
import runpy
import shlex
from pathlib import Path

from click.testing import CliRunner

from .pages import blocks_of, commands_in, importable

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def run_tutorial(page, monkeypatch, folder, *, tolerance, whole=0, instead=None):
    """Run all blocks of a page, compare printed with shown output, and return the names that the blocks define.

    A block of ``text`` without a caption shows what the block before it prints. ``instead`` maps commands of the page
    to those that are run in their place.
    """
    monkeypatch.chdir(folder)
    importable(monkeypatch, folder, page)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names, printed, n_shown = {"__name__": "__main__"}, "", 0
    for block in blocks_of(page):
        if block.file:
            Path(block.file).write_text(block.text, "utf-8")
        elif block.language == "text":
            assert_shown(block.text, printed, tolerance, whole)
            n_shown += 1
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block.text, page.name, "exec"), names)  # noqa: S102
            printed = out.getvalue()
        else:
            assert block.language == "console", block.language
            lines = commands_in(block.text)
            printed = "".join(_run((instead or {}).get(line, line)) for line in lines)
    assert n_shown
    return names


def _run(line):
    program, *words = shlex.split(line)
    if program == "python":
        with contextlib.redirect_stdout(io.StringIO()) as out:
            runpy.run_path(words[0], run_name="__main__")
        return out.getvalue()
    from eicon.cli import main

    assert program == "eicon", line
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, f"{line}: {done.output}"
    return done.stdout


def assert_shown(shown, printed, tolerance, whole=0):
    """Check that words are equal, and decimals and whole numbers within a tolerance; ``...`` stands for any lines."""
    left = printed.splitlines()
    skipping = False
    for line in shown.splitlines():
        if line.strip() == "...":
            skipping = True
            continue
        found = None
        while left:
            found = left.pop(0)
            if not skipping or _alike(line, found, tolerance, whole):
                break
        assert found is not None, f"shown and not printed: {line}"
        assert _alike(line, found, tolerance, whole), f"shown: {line}\nprinted:\n{printed}"
        skipping = False
    assert skipping or not left, f"printed and not shown: {left}"


def _alike(shown, printed, tolerance, whole):
    numbers = [NUMBER.findall(line) for line in (shown, printed)]
    words = [" ".join(NUMBER.sub("#", line).split()) for line in (shown, printed)]
    return words[0] == words[1] and all(
        abs(float(a) - float(b)) <= (tolerance * max(1.0, abs(float(a))) if "." in a else whole)
        for a, b in zip(*numbers, strict=True)
    )
