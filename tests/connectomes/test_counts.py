"""Neurons per region from densities: proportions, ranks, ties and gaps."""

import numpy as np
import pytest

from eicon.connectomes._counts import neurons_per_region
from eicon.connectomes._expand import expand

DENSITIES = np.array([71.0, 93.0, 93.0, 30.0, 159.0, 30.0])


@pytest.mark.parametrize("total", [6, 7, 61, 1000])
@pytest.mark.parametrize("method", ["ratio", "rank"])
def test_counts_add_up_to_the_total_and_follow_density(total, method):
    counts = neurons_per_region(DENSITIES, total=total, method=method)
    assert counts.sum() == total
    assert counts.min() >= 1
    assert (np.diff(counts[np.argsort(DENSITIES, kind="stable")]) >= -1).all()


def test_a_large_total_gives_the_proportions():
    counts = neurons_per_region(DENSITIES, total=100_000)
    np.testing.assert_allclose(counts / counts.sum(), DENSITIES / DENSITIES.sum(), atol=1e-5)


def test_whole_shares_are_kept_as_they_are():
    assert neurons_per_region([1.0, 2.0, 7.0], total=100).tolist() == [10, 20, 70]
    assert neurons_per_region(np.full(10, 0.1), total=30).tolist() == [3] * 10


def test_without_a_total_the_least_dense_region_sets_the_scale():
    assert neurons_per_region([50.0, 25.0, 110.0], smallest=4).tolist() == [8, 4, 18]


def test_least_count_is_taken_from_the_others():
    counts = neurons_per_region([1.0, 1.0, 98.0], total=20, smallest=3)
    assert counts.tolist() == [3, 3, 14]


def test_equal_densities_get_equal_counts_or_one_more():
    assert neurons_per_region(DENSITIES, method="rank").tolist() == [2, 3, 3, 1, 4, 1]
    assert neurons_per_region(DENSITIES, method="rank", smallest=5).tolist() == [10, 15, 15, 5, 20, 5]
    assert neurons_per_region([1.0, 1.0, 1.0], total=5).tolist() == [2, 2, 1]


def test_gaps_are_named_or_filled():
    gaps = [4.0, np.nan, 1.0, np.nan, 3.0]
    with pytest.raises(ValueError, match="2 of 5 densities are NaN: index 1, 3. Give their values"):
        neurons_per_region(gaps)
    with pytest.raises(ValueError, match="NaN: region V2, MT"):
        neurons_per_region(gaps, names=["V1", "V2", "V4", "MT", "TE"])
    assert neurons_per_region(gaps, missing="median").tolist() == [4, 3, 1, 3, 3]
    assert neurons_per_region(gaps, missing="smallest").tolist() == [4, 1, 1, 1, 3]
    assert neurons_per_region(gaps, missing="smallest", method="rank").tolist() == [3, 1, 1, 1, 2]


def test_counts_go_into_expand():
    counts = neurons_per_region(DENSITIES, total=50)
    assert expand(np.ones((6, 6)) - np.eye(6), counts).weights.shape == (50, 50)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"densities": np.ones((2, 2))}, r"must be \(n_regions,\); got shape \(2, 2\)"),
        ({"densities": [np.nan, np.nan]}, "all 2 densities are NaN"),
        ({"densities": [1.0, 0.0]}, "must be > 0 and finite, or NaN where unknown; got 0.0 at index 1"),
        ({"densities": [1.0, np.inf]}, "got inf at index 1"),
        ({"total": 5}, "total must be at least 6, 1 for each of 6 regions; got 5"),
        ({"smallest": 0}, "smallest must be at least 1 neuron; got 0"),
        ({"names": ["a"]}, "one for each of 6 densities; got 1"),
    ],
)
def test_what_may_not_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        neurons_per_region(**{"densities": DENSITIES, **options})
