"""Mistake 9: data sets with opposite orientations are treated alike."""

from pathlib import Path

import numpy as np
import pytest

from eicon.connectomes import read_bio2art

FOLDER = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the connectome folder of bio2art is not at {FOLDER}")

FRACTIONS = ("Macaque_Normalized", "Marmoset_Normalized", "Mouse_Gamanut_Normalized")
"""Fractions of labelled neurons: retrograde tracer, so the inputs of one injected target sum to at most 1."""

STRONGER_THAN_REVERSE = {
    "Macaque_Normalized": [("V1", "V2")],
    "Marmoset_Normalized": [("V1", "V2"), ("V1", "V5")],
    "Mouse_Gamanut_Normalized": [("V1", "LM"), ("V1", "AL"), ("V1", "PM"), ("V1", "RL"), ("V1", "AM")],
    "Mouse_Ypma_Oh": [("DG", "CA"), ("MOp", "Strp"), ("SSp", "Strp"), ("AUDp", "Strp")],
    "Drosophila": [("AL", "LH"), ("al", "lh"), ("AL", "MB"), ("al", "mb"), ("MED", "LOB"), ("LOB", "OPTU")],
}
"""Pathways whose direction is textbook knowledge: early to higher visual areas (by labelled fraction), dentate gyrus to
hippocampus, cortex to striatum, antennal lobe to lateral horn and mushroom body, medulla to lobula. In `Mouse_Ypma_Oh`
the visual areas are not evidence: its weights are not fractions, and their feedback is the stronger direction."""


def check(load, name: str) -> None:
    """Check weights and names from ``load(name)``: rows are sources."""
    weights, names = load(name)
    if name in FRACTIONS:
        assert weights.sum(axis=0).max() <= 1
        assert weights.sum(axis=1).max() > 1, "outputs need not sum to 1, and in none of the data sets do"
    for source, target in STRONGER_THAN_REVERSE[name]:
        i, j = names.index(source), names.index(target)
        assert 0 <= weights[j, i] < weights[i, j], (source, target)


def ours(name):
    loaded = read_bio2art(name, FOLDER)
    return loaded.weights, loaded.names


def wrong(name):
    return np.load(FOLDER / f"C_{name}.npy"), read_bio2art(name, FOLDER).names


@pytest.mark.parametrize("name", STRONGER_THAN_REVERSE)
def test_ours(name):
    check(ours, name)


def test_the_wrong_version_fails():
    with pytest.raises(AssertionError):
        check(wrong, "Mouse_Gamanut_Normalized")


def test_turned_matrices_fail_the_check_in_every_data_set():
    """Show that every data set can fail the check."""
    for name in STRONGER_THAN_REVERSE:
        with pytest.raises(AssertionError):
            check(lambda name: (ours(name)[0].T, ours(name)[1]), name)


def test_only_one_file_is_turned():
    """Check that the other files are read as they are, and that the provenance distinguishes the two cases."""
    for name in STRONGER_THAN_REVERSE:
        loaded, raw = read_bio2art(name, FOLDER), np.load(FOLDER / f"C_{name}.npy")
        turned = name == "Mouse_Gamanut_Normalized"
        np.testing.assert_array_equal(loaded.weights, raw.T if turned else raw)
        assert ("rows = target, turned" in loaded.provenance) is turned
        assert ("rows = source, as in the file" in loaded.provenance) is not turned


def test_strongest_input_of_lm_is_v1():
    loaded = read_bio2art("mouse_gamanut", FOLDER)
    inputs = loaded.weights[:, loaded.names.index("LM")]
    assert loaded.names[int(np.argmax(inputs))] == "V1"
    assert inputs.max() == pytest.approx(0.4796, abs=1e-3)


def test_the_symmetric_one_is_symmetric():
    human = read_bio2art("human", FOLDER)
    np.testing.assert_allclose(human.weights, human.weights.T, atol=1e-12)
    assert human.provenance.endswith("symmetric")
