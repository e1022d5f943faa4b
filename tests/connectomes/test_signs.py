"""Signs of neurons: the right number in each region and in all."""

import numpy as np
import pytest

from eicon.connectomes._signs import assign_signs


def excitatory(signs: np.ndarray, region: np.ndarray) -> np.ndarray:
    return np.bincount(region[signs > 0], minlength=region.max() + 1)


@pytest.mark.parametrize("k", [1, 2, 4, 5, 10, 64])
@pytest.mark.parametrize("ratio", [0.0, 0.29, 0.5, 0.8, 1.0])
def test_every_region_and_the_whole_have_their_ratio(k, ratio):
    region = np.repeat(np.arange(50), k)
    signs = assign_signs(region, ratio, seed=3)
    assert signs.dtype == np.int8
    assert set(np.unique(signs)) <= {-1, 1}
    counts = excitatory(signs, region)
    assert counts.sum() == round(ratio * 50 * k)
    assert np.abs(counts - ratio * k).max() < 1


def test_ratio_for_each_region():
    region = np.repeat(np.arange(3), 10)
    assert excitatory(assign_signs(region, [0.2, 0.5, 1.0], seed=0), region).tolist() == [2, 5, 10]


def test_regions_that_round_up_are_drawn_evenly():
    region = np.repeat(np.arange(5), 4)
    ups = np.mean([excitatory(assign_signs(region, 0.8, seed=s), region) == 4 for s in range(600)], axis=0)
    assert np.abs(ups - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 600)


def test_places_within_a_region_are_drawn_evenly_whatever_the_order_of_neurons():
    region = np.array([0, 1] * 5)
    share = np.mean([assign_signs(region, 0.6, seed=s) > 0 for s in range(600)], axis=0)
    assert np.abs(share - 0.6).max() < 4 * np.sqrt(0.24 / 600)


def test_known_signs_win_and_the_region_keeps_its_number_where_it_can():
    region = np.repeat(np.arange(3), 5)
    known = np.zeros(15, int)
    known[:2] = -1  # one too many for the first region
    known[5:7] = 1
    known[10] = -1
    for seed in range(20):
        signs = assign_signs(region, 0.8, seed=seed, known=known)
        assert (signs[known != 0] == known[known != 0]).all()
        assert excitatory(signs, region).tolist() == [3, 4, 4]


def test_seeds():
    region = np.repeat(np.arange(10), 10)
    assert assign_signs(region, seed=1).tobytes() == assign_signs(region, seed=np.random.default_rng(1)).tobytes()
    assert assign_signs(region, seed=1).tobytes() != assign_signs(region, seed=2).tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": [0.5, 1.0]}, r"region must be \(N,\) integers.*got float64"),
        ({"region": [-1, 0]}, "regions are numbered from 0; got -1"),
        ({"e_ratio": 1.2}, r"e_ratio must be in \[0, 1\].*got 1.2"),
        ({"e_ratio": [0.5, 0.5, 0.5]}, r"one number or \(2,\).*got shape \(3,\)"),
        ({"known": [1]}, r"known must be \(4,\).*got shape \(1,\)"),
        ({"known": [1, 2, 0, 0]}, r"-1, 0 \(unknown\) or 1; got \[0.0, 1.0, 2.0\]"),
    ],
)
def test_what_may_not_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        assign_signs(**{"region": [0, 0, 1, 1], "seed": 0, **options})
