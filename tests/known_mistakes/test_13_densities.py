"""Mistake 13: unknown densities (NaN) become integers, and repeated densities crash."""

import numpy as np
import pytest

from eicon.connectomes._counts import neurons_per_region

REPEATED = [30.0, 50.0, 30.0, 90.0]
UNKNOWN = [30.0, np.nan, 60.0, 90.0]


def check(counts_of) -> None:
    """Check that equal densities get equal counts, ordered by density; an unknown one is an error that names it."""
    counts = counts_of(REPEATED)
    assert counts[0] == counts[2] < counts[1] < counts[3]
    with pytest.raises(ValueError, match="index 1"):
        counts_of(UNKNOWN)


def wrong(densities) -> list[int]:
    """Rank by looking up each value among the distinct ones, with as many places as values."""
    values = np.array(densities)
    ranks = np.zeros(len(values))
    for rank, value in enumerate(np.sort(values)):
        ranks[np.flatnonzero(values == value)[0]] = rank + 1
    with np.errstate(invalid="ignore"):
        return list(ranks.astype(int))


@pytest.mark.parametrize("method", ["ratio", "rank"])
@pytest.mark.parametrize("total", [None, 40])
def test_ours(method, total):
    check(lambda densities: neurons_per_region(densities, method=method, total=total).tolist())


@pytest.mark.parametrize("missing", ["median", "smallest"])
def test_a_fill_is_asked_for_by_name(missing):
    fill = {"median": 60.0, "smallest": 30.0}[missing]
    filled = [fill if np.isnan(d) else d for d in UNKNOWN]
    assert neurons_per_region(UNKNOWN, missing=missing).tolist() == neurons_per_region(filled).tolist()


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong)
