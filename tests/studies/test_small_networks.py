"""The studies of how small networks can be and whether they are alike: their numbers, and both in their quick form."""

import json

import numpy as np
import pytest

from eicon.studies._profile import RESPECTS
from studies import how_small, one_way


def test_units_that_are_needed_are_those_from_which_on_all_are_enough():
    assert how_small.needed([40, 20, 10, 5], [0.0, 0.01, 0.2, 0.04]) == 20
    assert how_small.needed([5, 10, 20, 40], [0.04, 0.02, 0.01, -0.1]) == 5
    assert how_small.needed([5, 10], [0.0, np.nan]) == np.inf


def test_silent_networks_are_at_the_null_and_not_enough():
    pair = dict.fromkeys(RESPECTS, 0.5) | {"answers": None, "outputs": 1.0, "score": [0.9, 0.7]}
    found = [{"scratch 5": pair}, {"scratch 5": None}]
    np.testing.assert_allclose(how_small.values_of(found, "scratch", 5, "activity"), [0.5, 0.0])
    np.testing.assert_allclose(how_small.values_of(found, "scratch", 5, "mean"), [3.5 / 6, 0.0])
    np.testing.assert_allclose(how_small.values_of(found, "scratch", 5, "answers"), [np.nan, 0.0])
    np.testing.assert_allclose(how_small.values_of(found, "scratch", 5, "gap"), [0.2, np.nan])


def likeness(points):
    return 1.0 - np.linalg.norm(points[:, None] - points[None], axis=2)


def test_groups_are_found_where_there_are_some(monkeypatch):
    monkeypatch.setattr(one_way, "DRAWS", 199)
    rng = np.random.default_rng(0)
    points = 0.05 * rng.standard_normal((12, 4))
    points[4:8, 0] += 0.5
    points[8:, 1] += 0.5
    k, value, p = one_way.groups(likeness(points), rng)
    assert (k, p < 0.01) == (3, True)
    assert value > 0.6


@pytest.mark.slow
def test_groups_are_seldom_found_where_there_are_none(monkeypatch):
    """Of 100 elongated clouds, as many as a test at .05 may pass."""
    monkeypatch.setattr(one_way, "DRAWS", 99)
    rng = np.random.default_rng(1)
    clouds = [0.1 * rng.standard_normal((12, 4)) * [3.0, 1.0, 1.0, 0.5] for _ in range(100)]
    passed = sum(one_way.groups(likeness(cloud), rng)[2] <= 0.05 for cloud in clouds)
    assert passed <= 11  # 1 % of binomials (100, .05) are larger


def test_likeness_among_seeds_leaves_out_pairs_of_one():
    matrix = np.array([[1.0, 0.2, 0.4], [0.2, 1.0, np.nan], [0.4, np.nan, 1.0]])
    found = one_way.among(matrix, np.random.default_rng(0))
    assert found.shape == (1 + one_way.DRAWS,)
    assert found[0] == pytest.approx(0.3)
    assert np.nanmax(found) <= 0.4
    assert np.nanmin(found) >= 0.2
    assert np.isnan(found).any()  # draws of one seed three times


@pytest.mark.slow
@pytest.mark.parametrize("study", [how_small, one_way])
def test_quick_form_makes_a_page_and_goes_on(study, tmp_path, monkeypatch):
    name = study.__name__.split(".")[-1]
    assert study.main(["--quick", "--out", str(tmp_path)]) == 0
    results = tmp_path / "docs" / "results"
    lines = (results / f"{name}.jsonl").read_text(encoding="utf-8")
    assert all(json.loads(line)["measures"] for line in lines.splitlines())
    words = (results / f"{name}.md").read_text(encoding="utf-8")
    assert "PerceptualDecision" in words
    assert list((tmp_path / "docs" / "images").glob(f"{name}*.png"))
    assert study.main(["--quick", "--out", str(tmp_path)]) == 0
    assert (results / f"{name}.jsonl").read_text(encoding="utf-8") == lines
