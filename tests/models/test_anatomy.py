"""Initial weights handed out by anatomical rank."""

import numpy as np
import pytest
from scipy import stats

from eicon.models import Connectivity, RateRNN, verify
from eicon.models.initial import REMAPS, remap

N = 40
RNG = np.random.default_rng(0)
ANATOMY = RNG.lognormal(size=(N, N)) * (RNG.random((N, N)) < 0.4)
THERE = ANATOMY > 0
WEIGHTS = RNG.normal(size=(N, N)) * THERE
DALE = np.where(np.arange(N) < 30, 1, -1)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    return float(stats.spearmanr(a[THERE], b[THERE]).statistic)


def test_magnitude_follows_the_anatomy_and_keeps_signs_and_values():
    remapped = remap(WEIGHTS, ANATOMY)
    assert spearman(ANATOMY, np.abs(remapped)) == 1
    np.testing.assert_array_equal(np.sign(remapped), np.sign(WEIGHTS))
    np.testing.assert_array_equal(np.sort(np.abs(remapped[THERE])), np.sort(np.abs(WEIGHTS[THERE])))
    np.testing.assert_array_equal(remapped, remap(WEIGHTS, ANATOMY, "magnitude"))


def test_magnitude_keeps_dales_law():
    weights = np.abs(WEIGHTS) * DALE[:, None]
    remapped = remap(weights, ANATOMY)
    assert (np.sign(remapped) == DALE[:, None] * THERE).all()
    assert spearman(ANATOMY, np.abs(remapped)) == 1


def test_signed_is_the_published_variant():
    remapped = remap(WEIGHTS, ANATOMY, "signed")
    assert spearman(ANATOMY, remapped) == 1
    assert abs(spearman(ANATOMY, np.abs(remapped))) < 0.1
    np.testing.assert_array_equal(np.sort(remapped[THERE]), np.sort(WEIGHTS[THERE]))
    assert (remapped[~THERE] == 0).all()


def test_signed_on_positive_weights_is_magnitude():
    weights = np.abs(WEIGHTS)
    np.testing.assert_array_equal(remap(weights, ANATOMY, "signed"), remap(weights, ANATOMY, "magnitude"))


def test_off_is_a_copy():
    remapped = remap(WEIGHTS, ANATOMY, "off")
    np.testing.assert_array_equal(remapped, WEIGHTS)
    assert not np.shares_memory(remapped, WEIGHTS)


@pytest.mark.parametrize("how", REMAPS)
def test_arguments_stay_as_they_are(how):
    weights, anatomy = WEIGHTS.copy(), ANATOMY.copy()
    remap(weights, anatomy, how)
    np.testing.assert_array_equal(weights, WEIGHTS)
    np.testing.assert_array_equal(anatomy, ANATOMY)


def test_ties_share_their_values_in_the_order_of_the_matrix():
    anatomy = [[0.0, 2.0, 1.0], [1.0, 0.0, 2.0], [2.0, 1.0, 0.0]]
    weights = [[0.0, 6.0, -5.0], [4.0, 0.0, 3.0], [-2.0, 1.0, 0.0]]
    expected = [[0.0, 4.0, -1.0], [2.0, 0.0, 5.0], [-6.0, 3.0, 0.0]]
    assert remap(weights, anatomy).tolist() == expected
    equal = np.where(np.asarray(anatomy) > 0, 7.0, 0.0)
    assert np.abs(remap(weights, equal)).ravel().tolist() == [0, 1, 2, 3, 0, 4, 5, 6, 0]


def test_only_ranks_of_the_anatomy_matter():
    np.testing.assert_array_equal(remap(WEIGHTS, ANATOMY), remap(WEIGHTS, 3 * ANATOMY**5))


def test_remapping_twice_changes_nothing_more():
    once = remap(WEIGHTS, ANATOMY)
    np.testing.assert_array_equal(remap(once, ANATOMY), once)


@pytest.mark.parametrize(
    ("weights", "anatomy", "how", "message"),
    [
        (WEIGHTS, ANATOMY, "rank", "unknown remap 'rank'; allowed: magnitude, signed, off."),
        (WEIGHTS, ANATOMY[:5], "magnitude", r"must have the same shape; got \(40, 40\) and \(5, 40\)"),
        (
            [[0.0, 1.0], [0.0, 0.0]],
            [[0.0, 0.0], [1.0, 0.0]],
            "off",
            "1 weights are non-zero where the anatomy .* transposed",
        ),
        (
            WEIGHTS.T,
            ANATOMY,
            "magnitude",
            r"\d+ weights are non-zero where the anatomy has no connection; .* transposed\?",
        ),
    ],
)
def test_errors_say_what_is_wrong(weights, anatomy, how, message):
    with pytest.raises(ValueError, match=message):
        remap(weights, anatomy, how)


@pytest.mark.parametrize("init", ["balanced", "default", "he", "xavier"])
@pytest.mark.parametrize("sign", [0, DALE], ids=["free", "dale"])
def test_networks_begin_with_strong_connections_strong(init, sign):
    net = RateRNN.from_connectome(ANATOMY, 2, 1, sign=sign, init=init, spectral_radius=0.9, seed=1)
    assert spearman(ANATOMY, np.abs(np.asarray(net.W_rec, np.float64))) == pytest.approx(1)
    report = verify(net)
    assert report.ok
    assert report.matrices["recurrent"].wrong_sign == 0


def test_the_published_variant_is_asked_for_by_name():
    net = RateRNN.from_connectome(ANATOMY, 2, 1, init="default", remap="signed", seed=1)
    weights = np.asarray(net.W_rec, np.float64)
    assert spearman(ANATOMY, weights) == pytest.approx(1)
    assert abs(spearman(ANATOMY, np.abs(weights))) < 0.1


def test_the_published_variant_breaks_dales_law_and_is_refused_under_it():
    with pytest.raises(ValueError, match="the signs of 40 of the 40 units are given"):
        RateRNN.from_connectome(ANATOMY, 2, 1, sign=DALE, remap="signed")


def test_off_leaves_what_was_drawn():
    connectivity = Connectivity.from_connectome(ANATOMY)
    net = RateRNN.from_connectome(ANATOMY, 2, 1, init="default", remap="off", seed=1)
    remapped = RateRNN.from_connectome(ANATOMY, 2, 1, init="default", seed=1)
    assert abs(spearman(ANATOMY, np.abs(np.asarray(net.W_rec)))) < 0.1
    np.testing.assert_array_equal(np.sort(np.abs(net.W_rec), axis=None), np.sort(np.abs(remapped.W_rec), axis=None))
    np.testing.assert_array_equal(np.sign(net.W_rec), np.sign(remapped.W_rec))
    assert (np.asarray(net.W_rec) != 0).sum() == connectivity.mask.sum()


@pytest.mark.parametrize("init", ["balanced", "he"])
def test_input_enters_and_leaves_where_it_is_asked_to(init):
    regions = np.array(["V1", "LM", "MOs", "V1"] * (len(ANATOMY) // 4))
    net = RateRNN.from_connectome(
        ANATOMY,
        2,
        1,
        sign=DALE,
        units={"region": regions},
        input_to={"region": ["V1", "LM"]},
        readout_from="E",
        init=init,
    )
    everywhere = RateRNN.from_connectome(ANATOMY, 2, 1, sign=DALE, init=init)
    assert ((np.asarray(net.W_in) != 0) == (regions != "MOs")).all()
    assert ((np.asarray(net.W_out)[:, 0] != 0) == (np.asarray(DALE) > 0)).all()
    assert (np.asarray(everywhere.W_in) != 0).all()
    assert (np.asarray(everywhere.W_out) != 0).all()
    np.testing.assert_array_equal(net.W_rec, everywhere.W_rec)


def test_units_that_do_not_exist_get_no_input():
    with pytest.raises(ValueError, match="units have no label 'region'; they have type"):
        RateRNN.from_connectome(ANATOMY, 2, 1, input_to={"region": "V1"})
    with pytest.raises(ValueError, match=f"indices run from 0 to {len(ANATOMY) - 1}"):
        RateRNN.from_connectome(ANATOMY, 2, 1, readout_from=[len(ANATOMY)])
