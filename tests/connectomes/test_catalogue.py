"""The catalogue, and the connectomes that come with eicon."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eicon.connectomes import Connectome, available, load, read_npz
from eicon.connectomes._catalogue import DATA, EMBEDDED

SHARED = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
BIO2ART = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the connectome folder of bio2art is not at {SHARED}")


@pytest.fixture(autouse=True)
def no_folder(monkeypatch):
    monkeypatch.delenv("EICON_CONNECTOMES", raising=False)


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_files_are_those_that_were_derived(name):
    known, connectome = EMBEDDED[name], load(name)
    assert connectome.digest == known.digest
    assert known.digest in (DATA / "LICENCES.md").read_text()
    assert (connectome.name, connectome.species, connectome.n) == (name, known.species, known.n)
    assert connectome.citation == known.source
    assert connectome.licence == known.licence
    assert "rows = source, as in the file" in connectome.provenance


def test_every_embedded_file_is_in_the_table_and_small():
    files = list(DATA.glob("*.npz"))
    assert {path.stem for path in files} == set(EMBEDDED)
    assert sum(path.stat().st_size for path in files) < 150_000


def test_celegans():
    worm = load("celegans")
    assert (worm.n, worm.n_connections) == (302, 3709)
    assert [int((worm.sign == s).sum()) for s in (1, -1, 0)] == [237, 31, 34]
    assert worm.weights.sum() == 20965

    def weight(source, target):
        return worm.weights[worm.names.index(source), worm.names.index(target)]

    for source, target in (("ASHL", "AVAL"), ("AWCL", "AIYL"), ("AVAL", "VA8"), ("ASEL", "AIYL")):
        assert weight(source, target) > 2 * weight(target, source), "sensory to inter to motor neuron"


def test_celegans_signs_follow_from_transmitters():
    worm = load("celegans")
    for transmitters, sign in zip(worm.labels["transmitter"], worm.sign, strict=True):
        found = set(transmitters.split("+"))
        excites, inhibits = bool(found & {"Acetylcholine", "Glutamate"}), "GABA" in found
        assert sign == (0 if excites == inhibits else 1 if excites else -1)
    for neuron, sign in {"DD1": -1, "VD13": -1, "RMED": -1, "AVAL": 1, "SMDDL": 0, "CANL": 0, "CEPDL": 0}.items():
        assert worm.sign[worm.names.index(neuron)] == sign
    classes = {n: worm.labels["class"][worm.names.index(n)] for n in ("ASHL", "AVAL", "VA8", "RIPL", "CANL")}
    assert list(classes.values()) == ["sensory", "interneuron", "motor", "interneuron", "other"]


@pytest.mark.parametrize(("side", "n", "connections", "kenyon"), [("left", 209, 7425, 101), ("right", 213, 7536, 100)])
def test_larva(side, n, connections, kenyon):
    larva = load(f"larva_{side}")
    classes = np.array(larva.labels["class"])
    assert (larva.n, larva.n_connections, int((classes == "K").sum())) == (n, connections, kenyon)
    np.testing.assert_array_equal(larva.sign, (classes == "K").astype(int))
    blocks = {a + b: larva.weights[np.ix_(classes == a, classes == b)].sum() for a in "KPOI" for b in "KPOI"}
    assert blocks["PK"] > 2000 and blocks["KP"] == 0, "projection neurons drive Kenyon cells"  # noqa: PT018
    assert blocks["KO"] > 8000 and blocks["OK"] == 0, "Kenyon cells drive output neurons"  # noqa: PT018


def test_short_names_in_any_case():
    assert load("larva").name == "larva_right"
    assert load("CElegans").name == "celegans"


@BIO2ART
@pytest.mark.parametrize("name", ["macaque", "Macaque_Normalized", "mouse_oh", "human", "drosophila", "MARMOSET"])
def test_bio2art_by_short_or_full_name(name, monkeypatch):
    loaded = load(name, SHARED)
    monkeypatch.setenv("EICON_CONNECTOMES", str(SHARED))
    assert load(name).digest == loaded.digest


@BIO2ART
def test_every_entry_that_is_here_loads_as_it_is_described():
    here = [entry for entry in available(SHARED) if entry.where]
    assert len(here) >= 9
    for entry in here:
        loaded = load(entry.name, SHARED)
        assert (loaded.n, loaded.species) == (entry.n, entry.species)
        assert loaded.citation.startswith(entry.source)
        if entry.where == "bundled with eicon":
            assert entry.how_to_get == ""
        else:
            assert Path(entry.where).is_file()
            assert entry.orientation.split(",")[0] in loaded.provenance


def test_entries_are_different_and_complete():
    entries = available()
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        assert all((entry.name, entry.species, entry.n, entry.orientation, entry.source, entry.licence))
        assert bool(entry.how_to_get) is (entry.where != "bundled with eicon")


def test_a_connectome_that_is_not_here_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder of connectomes .*github.com/AlGoulas/bio2art.*EICON_CON"):
        load("marmoset")
    with pytest.raises(FileNotFoundError, match=r"no file C_Marmoset_Normalized.npy in .* contains no C_\*.npy files"):
        load("marmoset", tmp_path)


def test_an_unknown_name_lists_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"no connectome 'marmosett'\. Did you mean marmoset\? Bundled .*: celegans, "):
        load("marmosett")
    with pytest.raises(ValueError, match=r"no connectome 'mosue'\. .*Bundled .*`eicon connectomes list` names others"):
        load("mosue")
    with pytest.raises(ValueError, match="has no such file"):
        load("mosue", tmp_path)
    with pytest.raises(ValueError, match="two mouse connectomes: say 'mouse_gamanut' or 'mouse_oh'"):
        load("mouse")


def test_own_files(tmp_path):
    np.save(tmp_path / "C_mine.npy", np.array([[0.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"are the rows of C_mine.npy sources or targets\?"):
        load("mine", tmp_path)
    assert load("mine", tmp_path, rows="source").weights[0, 1] == 1
    mine = load("mine", tmp_path, rows="target")
    assert mine.weights[1, 0] == 1
    mine.save(tmp_path / "mine.npz")
    assert load(str(tmp_path / "mine.npz")).digest == mine.digest == read_npz(tmp_path / "mine.npz").digest


def test_the_room_needs_neither_jax_nor_the_packages_it_reads():
    packages = {"jax", "brainpy", "cect", "graspologic", "tvb_data", "bio2art", "pandas", "pickle5"}
    code = (
        "import sys; from eicon.connectomes import available, load; available(); load('larva'); "
        f"print(sorted({packages} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_twice_gives_independent_equal_connectomes():
    one, other = load("larva"), load("larva")
    assert isinstance(one, Connectome)
    assert one is not other
    assert one.digest == other.digest
