"""Sparse networks: what is drawn, and the whole script at tiny sizes."""

import json

import numpy as np
import pytest

from benchmarks import edges


def test_random_edges_are_of_one_network():
    drawn = edges.random_edges(50, 400)
    assert {name: values.shape for name, values in drawn.items()} == dict.fromkeys(drawn, (400,))
    assert len(set(zip(drawn["pre"].tolist(), drawn["post"].tolist(), strict=True))) == 400
    assert max(drawn["pre"].max(), drawn["post"].max()) < 50
    signs = {(pre, sign) for pre, sign in zip(drawn["pre"].tolist(), drawn["sign"].tolist(), strict=True)}
    assert len(signs) == len({pre for pre, _ in signs})
    assert (np.sign(drawn["weights"]) == drawn["sign"]).all()
    np.testing.assert_allclose(np.abs(drawn["weights"]).mean(), 50 / 400, rtol=0.2)


def test_nothing_to_do_is_refused(capsys):
    with pytest.raises(SystemExit):
        edges.parse(["--columns", "0"])
    assert "must be at least 1" in capsys.readouterr().err


@pytest.mark.slow
def test_all_of_it_at_tiny_sizes(tmp_path):
    record, page = tmp_path / "times.json", tmp_path / "page.md"
    assert edges.main(["--quick", "--out", str(record), "--page", str(page)]) == 0
    found = json.loads(record.read_text("utf-8"))
    for kind in edges.TRAININGS:
        assert (found[kind]["edges"], found[kind]["steps"], len(found[kind]["seconds"])) == (200, 19, 2)
        assert 0 < found[kind]["before_mb"] <= found[kind]["peak_mb"]
    assert found["products"].keys() == {"1", "4"}
    for kind in edges.BRAIN:
        assert (found[kind]["units"], found[kind]["edges"], len(found[kind]["seconds"])) == (60, 300, 2)
    assert [(row["n"], row["density"], row["connections"]) for row in found["storages"]] == [
        (20, 0.1, 40),
        (20, 0.5, pytest.approx(200, abs=60)),
    ]
    text = page.read_text("utf-8")
    assert "40 units, 200 random connections" in text
    assert "\n| 4 | " in text
    assert "`python -m benchmarks.edges --quick" in text
