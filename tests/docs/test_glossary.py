"""The glossary is sorted, and what it and the pages for three readers name exists in eicon."""

import re

import pytest

from .pages import DOCS
from .test_pages import resolves

PAGE = DOCS / "glossary.md"
ROWS = [line.strip("| ").split(" | ") for line in PAGE.read_text("utf-8").splitlines()[8:]]
NAMED = [PAGE, DOCS / "concepts.md", *sorted((DOCS / "tutorials").glob("*.md"))]


def test_terms_are_sorted_and_different():
    terms = [row[0].lower() for row in ROWS]
    assert 50 <= len(terms) == len(set(terms))
    assert terms == sorted(terms)
    assert all(cells in (3, 4) for cells in map(len, ROWS))


@pytest.mark.parametrize("page", NAMED, ids=lambda page: page.stem)
def test_names_exist(page):
    names = re.findall(r"`(eicon(?:\.\w+)+)", page.read_text("utf-8"))
    assert names
    assert [name for name in names if not resolves(name)] == []
