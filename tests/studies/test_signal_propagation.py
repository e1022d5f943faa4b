"""The atlas is read the right way round, held-out pairs are held out, and the page says what the results are."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from eicon.connectomes import load
from eicon.reproduce._parts import Keep, read_results
from studies import signal_propagation as study

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "signal_propagation.jsonl"
NAMES = ("AVAL", "AVAR", "AVBL", "AVBR", "AVDL", "AVDR", "PVCL", "PVCR", "RIML", "RIMR", "AIBL", "AIBR")


@pytest.fixture(scope="module")
def connectome():
    whole = load("celegans")
    return whole.subset(np.isin(whole.names, NAMES))


@pytest.fixture(scope="module")
def atlas_file(tmp_path_factory):
    h5py = pytest.importorskip("h5py")
    path, rng, n = tmp_path_factory.mktemp("atlas") / study.FILE, np.random.default_rng(0), len(NAMES)
    response = rng.normal(0, 0.1, (n, n))
    np.fill_diagonal(response, 0.4)
    response[3, 1], response[2, 5] = -17.5, np.nan  # [responding, stimulated], as in the file
    response[0, 1] = 0.77
    repeats = np.full((n, n), 4)
    repeats[4, 2] = 2
    single = np.empty((n, n), object)
    for i, j in np.ndindex(n, n):
        single[i, j] = response[i, j] + rng.normal(0, 0.05, repeats[i, j])
    with h5py.File(path, "w") as file:
        file["neuron_ids"] = [name.encode() for name in NAMES]
        for strain in study.STRAINS:
            group = file.create_group(strain)
            group["dFF"], group["q"], group["occ1"] = response, np.full((n, n), 0.5), repeats
            group.create_dataset("dFF_all", data=single, dtype=h5py.vlen_dtype(np.float64))
    return path


@pytest.fixture(scope="module")
def worm(atlas_file, connectome):
    return study.worm_of(study.read_atlas(atlas_file), connectome)


def test_the_atlas_is_read_from_source_to_target(atlas_file):
    atlas = study.read_atlas(atlas_file)
    assert atlas.response[1, 0] == 0.77
    assert np.isnan([atlas.response[1, 3], atlas.response[5, 2], atlas.response[2, 4]]).all()
    assert np.isfinite(atlas.response).sum() == len(NAMES) ** 2 - 3
    assert 0.5 < atlas.reliability < 1


def test_a_wheel_serves_as_well(atlas_file, tmp_path):
    wheel = tmp_path / "atlas.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.write(atlas_file, study.MEMBER)
    np.testing.assert_array_equal(study.read_atlas(wheel).response, study.read_atlas(atlas_file).response)


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(study.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'pip install -e "\.\[worm\]"'):
        study.read_atlas()
    with pytest.raises(ValueError, match="no such file"):
        study.read_atlas(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(ValueError, match="is not the atlas of wormneuroatlas"):
        study.read_atlas(tmp_path / "text.h5")


def test_neurons_are_found_by_name(worm, connectome, atlas_file):
    atlas, names = study.read_atlas(atlas_file), connectome.names
    one, other = names.index("AVAR"), names.index("AVAL")
    assert worm.response[one, other] == atlas.response[1, 0] == 0.77
    assert not np.diag(worm.known).any()
    assert worm.known.sum() == len(NAMES) * (len(NAMES) - 1) - 3
    with pytest.raises(ValueError, match="share 0 names"):
        study.worm_of(atlas._replace(names=tuple(f"X{i}" for i in range(len(NAMES)))), connectome)


def test_held_out_neurons_are_held_out_with_all_their_responses(worm):
    by_neuron, by_pair = (study.folds_of(worm, split, 3) for split in study.SPLITS)
    for folds in (by_neuron, by_pair):
        np.testing.assert_array_equal(folds >= 0, worm.known)
        assert set(folds[worm.known]) == {0, 1, 2}
    assert all(len(set(row[row >= 0])) == 1 for row in by_neuron)
    assert any(len(set(row[row >= 0])) > 1 for row in by_pair)


def test_the_mean_of_the_responding_neuron_knows_no_held_out_pair(worm):
    folds = study.folds_of(worm, "pairs", 3)
    before = study.baselines(worm, folds)["mean of the responding neuron"]
    i, j = np.argwhere(folds == 1)[0]
    response = worm.response.copy()
    response[i, j] += 10
    after = study.baselines(worm._replace(response=response), folds)["mean of the responding neuron"]
    assert after[i, j] == before[i, j]
    other = next(k for k in range(len(NAMES)) if folds[k, j] not in (-1, 1))
    assert after[other, j] > before[other, j]


def test_an_unfitted_network_responds_as_its_equations_say(worm, connectome):
    net = study.network_on(connectome)
    weights = np.asarray(net.W_rec, np.float64)
    assert np.abs(np.linalg.eigvals(weights)).max() == pytest.approx(study.RADIUS, rel=1e-4)
    scale = connectome.weights * np.where(connectome.sign == 0, 1, connectome.sign)[:, None]
    np.testing.assert_allclose(weights / weights[weights != 0][0], scale / scale[scale != 0][0], rtol=1e-4)
    found = study.responses(net, study.recording_of(worm, worm.known), worm)
    x = np.zeros((len(NAMES), len(NAMES)))
    for _ in range(round(study.PULSE / study.DT)):  # a row for each neuron that is driven
        x += study.DT / study.TAU * (-x + np.tanh(x) @ weights + np.diag(worm.drive))
    np.testing.assert_allclose(found, np.tanh(x), atol=1e-5)


def test_only_what_is_wanted_is_recorded(worm):
    wanted = study.folds_of(worm, "pairs", 3) == 0
    recording = study.recording_of(worm, wanted)
    assert np.isnan(recording.activity[:-1]).all()
    np.testing.assert_array_equal(recording.is_observed[-1], wanted)


def test_null_models_keep_types_signs_and_degrees():
    whole = load("celegans")
    null, kinds = study.wired(whole, 0), study.kinds_of(whole)
    assert (null.weights != whole.weights).any()
    for kind in set(kinds):
        for axis, chosen in ((0, np.s_[kinds == kind]), (1, np.s_[:, kinds == kind])):
            degrees = [(c.weights[chosen] > 0).sum(axis=axis) for c in (null, whole)]
            np.testing.assert_array_equal(*degrees)
    np.testing.assert_array_equal(null.sign, whole.sign)


def test_auc_is_the_chance_that_a_positive_case_is_larger():
    rng = np.random.default_rng(1)
    score, positive = rng.integers(5, size=40), rng.random(40) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in score[positive] for b in score[~positive]]
    assert study.auc(score, positive) == pytest.approx(np.mean(pairs))
    assert np.isnan(study.auc(score, np.ones(40, bool)))


def test_a_bootstrap_draws_whole_neurons():
    stimulated = np.repeat([3, 5, 8], [2, 4, 1])
    for draw in study.resampled(stimulated, 20):
        counts = np.bincount(draw, minlength=7)
        assert all(np.ptp(counts[stimulated == name]) == 0 for name in (3, 5, 8))
    assert study.interval(np.r_[7.0, np.arange(101)]) == [7.0, 2.5, 97.5]


def test_verdicts_follow_the_intervals():
    found = study.verdicts(
        {"a - b": {"r": [0.1, 0.05, 0.2], "auc": [-0.1, -0.2, -0.05]}, "a - c": {"r": [0, -1, 1], "auc": [0, -1, 1]}}
    )
    assert found[0] == "*a* is better than *b* by correlation, and is worse than *b* by AUC."
    assert found[1] == "*a* cannot be distinguished from *c*, by correlation and by AUC."


def test_the_page_says_what_the_results_are():
    lines = read_results(RESULTS)
    fits, summaries = study.parts_of(study.FULL, "wt")
    wanted = {part["name"]: {k: v for k, v in part.items() if k != "name"} for part in (*fits, *summaries)}
    assert {line["name"]: line["settings"] for line in lines} == wanted
    text = RESULTS.with_suffix(".md").read_text(encoding="utf-8")
    assert text.startswith(study.page(lines, len(wanted), "../images/signal_propagation.png"))


@pytest.mark.battery
def test_responses_of_a_network_are_predicted_from_others(worm, connectome, atlas_file, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "load_connectome", lambda name: connectome)
    (tmp_path / "atlas.txt").write_text(str(atlas_file))
    gains = np.random.default_rng(2).uniform(0.5, 1.5, len(NAMES))
    true = study.network_on(connectome).with_settings(gain=gains)
    made = study.responses(true, study.recording_of(worm, worm.known), worm)
    np.fill_diagonal(made, worm.drive)
    truth = worm._replace(response=np.where(np.isfinite(worm.response), made, np.nan))
    monkeypatch.setattr(study, "worm_of", lambda atlas, connectome: truth)
    (part, *_), _ = study.parts_of(study.FULL._replace(folds=3, nulls=1, steps=100), "wt")
    found = study.fit({**part, "split": "pairs"}, Keep(tmp_path, "one"))
    assert found["r_before"] < 0.97 < found["r"]
