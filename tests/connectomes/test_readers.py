"""Readers of files: the orientation is said and kept, nothing is lost, and mistakes are named."""

import bz2
import json
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from eicon.connectomes import (
    load,
    read_bio2art,
    read_cect,
    read_edges,
    read_graspologic,
    read_matrix,
    read_npz,
    read_tvb,
)
from eicon.connectomes._bio2art import FILES
from eicon.connectomes._catalogue import EMBEDDED
from eicon.connectomes._cect import is_neuron, transmitter_sign
from eicon.connectomes._packages import TVB_FILES
from eicon.connectomes.data.derive import main

SHARED = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
BIO2ART = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the connectome folder of bio2art is not at {SHARED}")
MATRIX = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0], [0.5, 0.0, 0.0]])
NAMES = ("V1", "LM", "AL")


@pytest.fixture(autouse=True)
def no_folder(monkeypatch):
    monkeypatch.delenv("EICON_CONNECTOMES", raising=False)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def table(delimiter=",", header=True, column=True, corner="") -> str:
    lines = [[*([corner] if column else []), *NAMES]] if header else []
    lines += [[*([name] if column else []), *(f"{x:g}" for x in row)] for name, row in zip(NAMES, MATRIX, strict=True)]
    return "".join(delimiter.join(cells) + "\n" for cells in lines)


# Matrices


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize(("header", "column"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("corner", ["", "source"])
def test_matrix_with_and_without_names(delimiter, header, column, corner, tmp_path):
    path = write(tmp_path / "m.csv", table(delimiter, header, column, corner))
    read = read_matrix(path, rows="source", species="mouse", citation="Someone 2000", licence="MIT")
    np.testing.assert_array_equal(read.weights, MATRIX)
    assert read.names == (NAMES if header or column else ("1", "2", "3"))
    assert (read.name, read.species, read.citation, read.licence) == ("m", "mouse", "Someone 2000", "MIT")


def test_matrix_with_white_space_and_header_shorter_by_the_corner(tmp_path):
    path = write(tmp_path / "m.txt", "# a comment\nV1 LM AL\nV1 0 1 2\n\nLM 0 0 3\nAL 0.5 0 0\n")
    read = read_matrix(path, rows="source", name="other")
    assert (read.names, read.name) == (NAMES, "other")
    np.testing.assert_array_equal(read.weights, MATRIX)


def test_some_names_may_be_numbers(tmp_path):
    """As areas 2 and 5 of the macaque."""
    read = read_matrix(write(tmp_path / "m.csv", ",2,V1\n2,0,1\nV1,3,0\n"), rows="source")
    assert read.names == ("2", "V1")
    assert read.weights.tolist() == [[0, 1], [3, 0]]


def test_rows_are_said_and_become_sources(tmp_path):
    path = tmp_path / "m.npy"
    np.save(path, MATRIX)
    source, target = read_matrix(path, rows="source"), read_matrix(path, rows="target")
    np.testing.assert_array_equal(source.weights, MATRIX)
    np.testing.assert_array_equal(target.weights, MATRIX.T)
    assert source.provenance == "m.npy: rows = source, as in the file"
    assert target.provenance == "m.npy: rows = target, turned on reading"
    with pytest.raises(TypeError, match="rows"):
        read_matrix(path)
    with pytest.raises(ValueError, match=r"should be symmetric, but differs from its transpose by up to 3"):
        read_matrix(path, rows="symmetric")
    np.save(path, MATRIX + MATRIX.T)
    assert read_matrix(path, rows="symmetric").provenance == "m.npy: symmetric"


def test_names_can_be_given(tmp_path):
    np.save(tmp_path / "m.npy", MATRIX)
    assert read_matrix(tmp_path / "m.npy", rows="source", names=list(NAMES)).names == NAMES
    with pytest.raises(ValueError, match="3 units needs 3 names; got 2"):
        read_matrix(tmp_path / "m.npy", rows="source", names=["a", "b"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "contains no matrix: it is empty"),
        (",a,b\na,0,1\nb,1,x\n", "m.csv, line 3, column 3: 'x' is not a number"),
        (",a,b\na,0,1\nb,1\n", "line 3 has 2 columns, but the lines before have 3"),
        ("0,1,2\n1,0,2\n", "has 2 rows and 3 columns, which is not a square matrix"),
        (",a,b,c\na,0,1,2\nb,1,0,2\n", r"2 names are both rows and columns, and some are only one of them \(c\)"),
        (",a,b\nb,0,1\na,1,0\n", r"names of columns and rows differ at position 1 \('a' and 'b'\)"),
        (
            ",a,b\na,0,nan\nb,1,0\n",
            "missing entries .1; the first in row a, column b.; pass missing=0 to read them as no",
        ),
        (",a,b\na,0,-1\nb,1,0\n", "must be >= 0"),
    ],
)
def test_what_a_matrix_may_not_be(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_matrix(write(tmp_path / "m.csv", text), rows="source")


# Lists of connections


def test_edges_come_back_whole(tmp_path):
    """The last line as well, with and without a newline at its end."""
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 5, (6, 6)).astype(float)
    pairs = np.argwhere(weights)
    rng.shuffle(pairs)
    lines = "\n".join(f" r{i} ,r{j}, {weights[i, j]:g}" for i, j in pairs)
    for end in ("", "\n", "\n\n"):
        read = read_edges(write(tmp_path / "e.csv", lines + end))
        order = [int(name[1:]) for name in read.names]
        np.testing.assert_array_equal(read.weights, weights[np.ix_(order, order)])
        first_seen = list(dict.fromkeys(f"r{k}" for pair in pairs for k in pair))
        assert list(read.names) == first_seen
    assert read.provenance == "e.csv: list of connections from column 0 to column 1"


@pytest.mark.parametrize("header", [None, True])
def test_columns_by_place_or_name(header, tmp_path):
    path = write(tmp_path / "e.tsv", "type\tpost\tpre\tsyn\nx\tb\ta\t3\nx\tc\ta\t1\n")
    by_name = read_edges(path, source="pre", target="post", weight="syn", header=header)
    by_place = read_edges(path, source=2, target=1, weight=3, header=header)
    for read in (by_name, by_place):
        assert read.names == ("a", "b", "c")
        assert read.weights[0].tolist() == [0, 3, 1]
        assert read.n_connections == 2
    assert read_edges(path, source=2, target=1, weight=None, header=True).weights.sum() == 2


def test_header_is_recognised_by_its_weight_and_can_be_said(tmp_path):
    without = write(tmp_path / "e.csv", "a,b,1\nb,a,2\n")
    assert read_edges(without).weights.sum() == 3
    assert read_edges(without, header=True, source=0, target=1, weight=2).weights.sum() == 2
    with pytest.raises(ValueError, match=r"which column is the source\? Its header is 'a', 'b', '1'; pass source="):
        read_edges(without, header=True)
    with pytest.raises(ValueError, match=r"line 1: the weight must be a number >= 0; got 'w'"):
        read_edges(write(tmp_path / "f.csv", "s,t,w\na,b,1\n"), header=False)


def test_pairs_listed_twice(tmp_path):
    path = write(tmp_path / "e.csv", "a,b,1\nb,a,5\na,b,2\n")
    with pytest.raises(ValueError, match=r"line 3: a -> b is listed more than once; pass duplicates='sum'"):
        read_edges(path)
    assert read_edges(path, duplicates="sum").weights.tolist() == [[0, 3], [5, 0]]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "contains no connections: it is empty"),
        ("s,t,w\n", {}, "contains no connections, only a header"),
        ("a,b,1\n# comment\na,c\n", {}, "line 3 has 2 columns, but the first line has 3"),
        ("a,b,1\nb,,1\n", {}, "line 2: the name of the source or of the target is empty"),
        ("a,b,1\nb,a,many\n", {}, "line 2: the weight must be a number >= 0; got 'many'"),
        ("a,b,1\nb,a,-1\n", {}, "line 2: the weight must be a number >= 0; got '-1'"),
        ("a,b,1\nb,a,nan\n", {}, "line 2: the weight must be a number >= 0; got 'nan'"),
        ("a,b,1\n", {"source": "pre"}, r"has no column 'pre' for the source; its first line is \['a', 'b', '1'\]"),
        ("a,b,1\n", {"source": -1}, "columns are counted from 0; got source=-1"),
    ],
)
def test_what_a_list_may_not_be(text, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_edges(write(tmp_path / "e.csv", text), **options)


# Files of our own


def test_npz_of_another_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="no eicon connectome file"):
        read_npz(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", weights=MATRIX)
    with pytest.raises(ValueError, match="was not written by eicon"):
        read_npz(tmp_path / "a.npz")
    load("larva").save(tmp_path / "b.npz")
    whole = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="truncated"):
        read_npz(tmp_path / "b.npz")


# Folders of bio2art


def fake_bio2art(folder: Path, name="x", weights=MATRIX, names=NAMES, densities=None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"C_{name}.npy", weights)
    if names is not None:
        (folder / f"Names_{name}.lst").write_bytes(pickle.dumps(list(names), protocol=2))
    if densities is not None:
        np.save(folder / f"ND_{name}.npy", densities)
    return folder


def test_bio2art_folder_of_ones_own(tmp_path):
    densities = np.array([1e5, np.nan, 9e4])
    folder = fake_bio2art(tmp_path, densities=densities)
    read = read_bio2art("x", folder, rows="target")
    np.testing.assert_array_equal(read.weights, MATRIX.T)
    np.testing.assert_array_equal(read.densities, densities)
    assert (read.names, read.name, read.citation) == (NAMES, "x", "")
    with pytest.raises(
        ValueError, match=r"are the rows of C_x.npy sources or targets\? .* pass rows='source' or rows='target'"
    ):
        read_bio2art("x", folder)
    with pytest.raises(FileNotFoundError, match=r"no file C_y.npy in .*; it contains x"):
        read_bio2art("y", folder, rows="source")


def test_bio2art_names_are_optional_and_may_be_text(tmp_path):
    folder = fake_bio2art(tmp_path, names=None)
    assert read_bio2art("x", folder, rows="source").names == ("1", "2", "3")
    write(folder / "Names_x.txt", "V1\nLM\n\nAL\n")
    assert read_bio2art("x", folder, rows="source").names == NAMES


def test_bio2art_sizes_must_agree(tmp_path):
    with pytest.raises(ValueError, match="3 units needs 3 names; got 2"):
        read_bio2art("x", fake_bio2art(tmp_path, names=NAMES[:2]), rows="source")
    with pytest.raises(ValueError, match=r"densities .* must have shape \(3,\); got \(2,\)"):
        read_bio2art("x", fake_bio2art(tmp_path, densities=np.ones(2)), rows="source")
    with pytest.raises(ValueError, match=r"bio2art C_x.npy must contain a square matrix; got shape \(2, 3\)"):
        read_bio2art("x", fake_bio2art(tmp_path, weights=MATRIX[:2]), rows="source")


def test_a_file_that_only_has_the_name_of_one_of_bio2art_is_refused(tmp_path):
    """Its orientation would be a guess: another size, or inputs that are no fractions, as in a turned file."""
    folder = fake_bio2art(tmp_path, "Macaque_Normalized")
    with pytest.raises(ValueError, match=r"is not the file bundled with bio2art.*expected 29 regions.*got 3"):
        read_bio2art("macaque", folder)
    turned = np.zeros((29, 29))
    turned[:, 0] = 0.1
    with pytest.raises(ValueError, match=r"inputs sum to at most 1, got 29 with inputs up to 2.9"):
        read_bio2art("macaque", fake_bio2art(tmp_path, "Macaque_Normalized", turned, None))
    with pytest.raises(ValueError, match=r"the rows of Mouse_Gamanut_Normalized are 'target' in bio2art; got rows='so"):
        read_bio2art("mouse_gamanut", fake_bio2art(tmp_path, "Mouse_Gamanut_Normalized"), rows="source")


def test_where_the_folder_is_looked_for(tmp_path, monkeypatch):
    """Named, then the environment variable, then the installed package, which is not imported."""
    with pytest.raises(FileNotFoundError, match=r"no folder of connectomes to read x from: get the connectomes folder"):
        read_bio2art("x", rows="source")
    package = tmp_path / "site" / "bio2art"
    package.mkdir(parents=True)
    write(package / "__init__.py", "raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    fake_bio2art(tmp_path / "site" / "connectomes", weights=MATRIX * 2)
    assert read_bio2art("x", rows="source").weights.max() == 6
    fake_bio2art(package / "connectomes", weights=MATRIX * 3)
    assert read_bio2art("x", rows="source").weights.max() == 9
    monkeypatch.setenv("EICON_CONNECTOMES", str(fake_bio2art(tmp_path / "env", weights=MATRIX * 4)))
    assert read_bio2art("x", rows="source").weights.max() == 12
    assert read_bio2art("x", fake_bio2art(tmp_path / "arg"), rows="source").weights.max() == 3
    assert "bio2art" not in sys.modules


@BIO2ART
@pytest.mark.parametrize("name", FILES)
def test_the_real_files(name):
    known, read = FILES[name], read_bio2art(name, SHARED)
    assert (read.n, read.species, read.citation) == (known.n, known.species, known.citation)
    assert read_bio2art(known.alias, SHARED).digest == read.digest
    assert not np.diag(read.weights).any()


@BIO2ART
def test_densities_come_through_with_their_gaps():
    densities = read_bio2art("macaque", SHARED).densities
    assert int(np.isnan(densities).sum()) == 5
    np.testing.assert_array_equal(densities, np.load(SHARED / "ND_Macaque_Normalized.npy"))
    assert read_bio2art("human", SHARED).densities is None
    assert not np.isnan(read_bio2art("marmoset", SHARED).densities).any()


# Packages


CELLS = ["AVAL", "MDL01", "DD1", "pm1", "CANL"]


def fake_cect(folder: Path, reader="AReader") -> Path:
    chemical = np.arange(25).reshape(5, 5)
    gaps = chemical + chemical.T
    (folder / "cache").mkdir(parents=True)
    (folder / "data").mkdir()
    content = {"nodes": CELLS, "connections": {"Generic_CS": chemical.tolist(), "Generic_GJ": gaps.tolist()}}
    write(folder / "cache" / f"{reader}.json", json.dumps(content))
    atlas = {"Acetylcholine": [[0, 1], [0, 0]], "GABA": [[0, 0], [1, 0]], "Serotonin": [[1, 0], [0, 0]]}
    write(folder / "cache" / "Wang2024HermReader.json", json.dumps({"nodes": ["AVAL", "DD1"], "connections": atlas}))
    table = ["Cell name,Type", "AVAL,Layer 1 interneuron", "DD1,Ventral cord motor neuron", "CANL,Canal neuron"]
    write(folder / "data" / "all_cell_info.csv", "\n".join([*table, "MDL01,Head muscle", "pm1,Pharyngeal muscle\n"]))
    return folder


def test_cect(tmp_path):
    folder = fake_cect(tmp_path / "cect")
    read = read_cect("AReader", folder)
    assert read.names == ("AVAL", "DD1", "CANL")
    assert read.weights.tolist() == [[0, 2, 4], [10, 12, 14], [20, 22, 24]]
    assert read.sign.tolist() == [1, -1, 0]
    assert read.labels == {
        "class": ("interneuron", "motor", "other"),
        "transmitter": ("Acetylcholine+Serotonin", "GABA", ""),
    }
    assert "rows = source" in read.provenance
    assert read_cect(str(folder / "cache" / "AReader.json")).digest == read.digest
    assert read_cect("AReader", folder / "cache").digest == read.digest
    everything = read_cect("AReader", folder, neurons_only=False)
    assert everything.names == tuple(CELLS)
    assert everything.labels["class"] == ("interneuron", "muscle", "motor", "muscle", "other")


def test_cect_gap_junctions_have_no_sign(tmp_path):
    read = read_cect("AReader", fake_cect(tmp_path / "cect"), connections="gap junctions")
    np.testing.assert_array_equal(read.weights, read.weights.T)
    assert not read.sign.any()
    assert "symmetric" in read.provenance


def test_cect_is_found_but_not_imported(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"package cect is not installed: pip install --no-deps cect"):
        read_cect()
    folder = fake_cect(tmp_path / "cect")
    write(folder / "__init__.py", "raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert read_cect("AReader").n == 3
    assert "cect" not in sys.modules


def test_what_cect_files_may_not_be(tmp_path):
    folder = fake_cect(tmp_path / "cect")
    with pytest.raises(FileNotFoundError, match=r"no data set 'B' of cect .*; there are AReader, Wang2024HermReader"):
        read_cect("B", folder)
    with pytest.raises(ValueError, match=r"contains no Functional connections .*; it has Generic_CS, Generic_GJ"):
        read_cect("AReader", folder, connections="Functional")
    write(folder / "cache" / "C.json", "[]")
    with pytest.raises(ValueError, match=r"C.json is damaged: expected a connectome of cect, an object .*; got \[\]"):
        read_cect("C", folder)


def test_neurons_of_c_elegans():
    """302 of the adult hermaphrodite, all of whom are in the data that come with eicon."""
    assert all(is_neuron(name) for name in load("celegans").names)
    others = ("MDL01", "MVR24", "MANAL", "MVULVA", "BWM", "GLRDL", "CEPshDL", "pm3VL", "e2D", "hyp", "int", "R1stL")
    assert not any(is_neuron(name) for name in others)
    assert all(is_neuron(name) for name in ("M1", "M2L", "MI", "MCL", "I1L", "CEMDL", "R1AL"))


def test_signs_of_transmitters():
    assert transmitter_sign({"Acetylcholine", "Glutamate"}) == 1
    assert transmitter_sign({"GABA", "Acetylcholine"}) == 0
    assert transmitter_sign(set()) == 0


def test_graspologic(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="package graspologic is not installed"):
        read_graspologic()
    folder = tmp_path / "graspologic" / "datasets" / "drosophila"
    folder.mkdir(parents=True)
    write(folder / "left_adjacency.csv", "0 1 2\n0 0 3\n4 0 0\n")
    write(folder / "left_cell_labels.csv", "K\nO\nK\n")
    write(tmp_path / "graspologic" / "__init__.py", "raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for place in (None, folder, tmp_path / "graspologic"):
        read = read_graspologic(place, side="left")
        assert read.names == ("K1", "O1", "K2")
        assert read.weights.tolist() == [[0, 1, 2], [0, 0, 3], [4, 0, 0]]
        assert read.sign.tolist() == [1, 0, 1]
    with pytest.raises(FileNotFoundError, match="right_adjacency.csv"):
        read_graspologic(folder, side="right")
    write(folder / "left_adjacency.csv", "0 1\n0 x\n")
    with pytest.raises(ValueError, match="contains no matrix of numbers"):
        read_graspologic(folder, side="left")


def test_the_script_that_derives_the_embedded_files(tmp_path, capsys):
    larva = tmp_path / "graspologic"
    larva.mkdir()
    for side in ("left", "right"):
        write(larva / f"{side}_adjacency.csv", "0 1\n0 0\n")
        write(larva / f"{side}_cell_labels.csv", "K\nO\n")
    worm = fake_cect(tmp_path / "cect", "Cook2019HermReader")
    main(["--cect", str(worm), "--graspologic", str(larva), "--out", str(tmp_path / "out")])
    names = set(EMBEDDED) - {"optic_lobe"}
    assert {path.stem for path in (tmp_path / "out").iterdir()} == names
    printed = capsys.readouterr().out
    for name in names:
        derived = read_npz(tmp_path / "out" / f"{name}.npz")
        assert derived.name == name
        assert f"{name} {derived.digest}\n" in printed
        assert derived.provenance.startswith(("cect 0.", "graspologic 3."))


def fake_tvb(folder: Path, regions: int, weights: np.ndarray, inside="", packed=False) -> Path:
    folder.mkdir(exist_ok=True)
    texts = {
        "weights.txt": "\n".join(" ".join(map(str, row)) for row in weights),
        "centres.txt": "".join(f" r{i}  {i}.5 0 -1.0 None\n" for i in range(len(weights))),
    }
    with zipfile.ZipFile(folder / f"connectivity_{regions}.zip", "w") as archive:
        for name, text in texts.items():
            data = bz2.compress(text.encode()) if packed else text.encode()
            archive.writestr(f"{inside}{name}{'.bz2' if packed else ''}", data)
    return folder


@pytest.mark.parametrize(("regions", "turned"), [(76, True), (96, False), (192, True)])
@pytest.mark.parametrize("form", [{}, {"inside": "a/"}, {"packed": True}], ids=str)
def test_tvb(regions, turned, form, tmp_path, monkeypatch):
    monkeypatch.setitem(TVB_FILES, str(regions), TVB_FILES[str(regions)]._replace(n=3))
    read = read_tvb(str(regions), fake_tvb(tmp_path, regions, MATRIX, **form))
    np.testing.assert_array_equal(read.weights, MATRIX.T if turned else MATRIX)
    assert read.names == ("r0", "r1", "r2")
    assert read.coordinates.tolist() == [[0.5, 0, -1], [1.5, 0, -1], [2.5, 0, -1]]
    assert ("turned" in read.provenance) is turned
    assert read.licence.startswith("GPL-3")


def test_what_tvb_files_may_not_be(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"package tvb_data is not installed: pip install tvb-data \(GPL-3"):
        read_tvb()
    with pytest.raises(ValueError, match=r"no connectivity '77'; it has 66, 68, 76, 96, 192"):
        read_tvb(77)
    with pytest.raises(ValueError, match=r"is not the file of tvb-data.*expected 66 regions, got 3.*pass `rows`"):
        read_tvb(66, fake_tvb(tmp_path, 66, MATRIX))
    with pytest.raises(
        ValueError, match=r"TVB treats rows as targets: pass rows='target', or the meaning in your file"
    ):
        read_tvb(tmp_path / "connectivity_66.zip")
    own = read_tvb(tmp_path / "connectivity_66.zip", rows="target")
    assert (own.weights.tolist(), own.citation, own.licence) == (MATRIX.T.tolist(), "", "")
    monkeypatch.setitem(TVB_FILES, "66", TVB_FILES["66"]._replace(n=3))
    with pytest.raises(ValueError, match="should be symmetric"):
        read_tvb(66, tmp_path)
    write(tmp_path / "connectivity_68.zip", "no zip")
    with pytest.raises(ValueError, match="damaged, or not a valid zip file"):
        read_tvb(68, tmp_path)
    with zipfile.ZipFile(tmp_path / "connectivity_76.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(ValueError, match=r"contains no file 'weights.txt'"):
        read_tvb(76, tmp_path)
