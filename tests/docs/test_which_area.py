"""The page on the area that holds the memory runs as it is printed, and finds what its text says."""

import numpy as np
import pytest

from .pages import DOCS, blocks_of, run_page

PAGE = DOCS / "howto" / "which_area.md"


def test_the_code_is_one_screen():
    (block,) = blocks_of(PAGE)
    assert len(block.text.splitlines()) <= 50


@pytest.mark.battery
def test_pfc_holds_the_memory(monkeypatch, tmp_path):
    names = run_page(PAGE, monkeypatch, tmp_path)
    found, accuracy, time = names["found"], names["accuracy"], names["aligned"].time
    bins = time[names["found"]["V1"].steps[:, 0]]
    cue, late = (bins > -150) & (bins < -50), bins >= 250
    # "Both areas carry the direction while the cue is on."
    assert (found["V1"].accuracy[cue] > 0.9).all()
    assert (found["PFC"].accuracy[cue] > 0.9).all()
    # "decoding from V1 falls to chance (one in four) ... and from PFC it does not"
    assert found["V1"].accuracy[late].mean() < 0.45
    assert (found["PFC"].accuracy[late] > 0.9).all()
    assert (found["PFC"].p[late] < 0.05).all()
    np.testing.assert_allclose(found["PFC"].chance, 0.25, atol=0.08)
    # Delays of 300 to 600 ms: fewer trials at late times.
    n = found["PFC"].n.sum(axis=1)
    assert n[0] == 100
    assert 40 < n[-1] < 90
    # "what is learned at one time reads it out at another"
    assert (found["PFC"].generalisation[np.ix_(late, late)] > 0.7).all()
    # "Silencing V1 in the delay changes little, and silencing PFC leaves the network guessing"
    assert accuracy["none"] > 0.95
    assert accuracy["V1"] > 0.85
    assert accuracy["PFC"] < 0.45
    assert (tmp_path / "which_area.png").stat().st_size > 10_000
