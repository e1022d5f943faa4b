"""Every example in a docstring of eicon runs."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

import eicon

ROOT = Path(eicon.__file__).parent
BATTERIES = ("tasks", "studies/_dynamics.py", "studies/_condense.py", "training/_hessian_free.py")
"""What compiles longest; tests of their own are there for all that these examples show."""
FILES = sorted(p for p in ROOT.rglob("*.py") if ">>>" in p.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def examples_written(path: Path) -> int:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)]
    return sum(len(doctest.DocTestParser().get_examples(text)) for text in docstrings)


def test_there_are_examples():
    assert len(FILES) >= 5


def cases():
    for path in FILES:
        long = path.relative_to(ROOT).as_posix().startswith(BATTERIES)
        yield pytest.param(path, id=module_name(path), marks=[pytest.mark.battery] if long else [])


@pytest.mark.parametrize("path", list(cases()))
def test_examples(path):
    failed, attempted = doctest.testmod(importlib.import_module(module_name(path)))
    assert failed == 0
    assert attempted == examples_written(path)
