"""What was found when 36,500 damaged files were given to version 0.1.0: one test for each row of that list.

M2 to M5 and L1 to L11 are its rows. Whatever can be found by chance is in tests/fuzz; here is what is known.
"""

import bz2
import gzip
import io
import json
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy import io as scipy_io
from scipy import sparse

from eicon import _files, connectomes, exchange
from eicon._files import csv_table, csv_text, load_arrays, read_json, read_text, save_arrays
from eicon._lock import DirectoryInUseError, DirectoryLostError, directory_lock
from eicon.models import RateRNN, load
from eicon.training._checkpoint import Checkpoint, read_checkpoint, read_history, write_checkpoint
from eicon.training._history import History

ORACLE = Path(__file__).parent / "oracle" / "data"
MATRIX = np.array([[0.0, 0.5, 0.0], [0.2, 0.0, 0.1], [0.0, 0.7, 0.0]])


def refusal(read, path, kind=ValueError):
    """Text of the error, which is one line and names the file."""
    with pytest.raises(kind) as caught:
        read(path)
    text = str(caught.value)
    assert Path(path).name in text, text
    assert "\n" not in text
    return text


def rewrite(path, **changed):
    """Same archive with other members, or without (None); whatever the header says about them stays."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, value in changed.items():
        members.pop(f"{name.replace('__', '/')}.npy", None)
        if value is not None:
            stream = io.BytesIO()
            np.save(stream, value)
            members[f"{name.replace('__', '/')}.npy"] = stream.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def header_of(path):
    with np.load(path) as archive:
        return json.loads(bytes(archive["header.json"]))


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    RateRNN.dale(2, 10, 2, noise_covariance=np.eye(10), bias=True).save(folder / "net.npz")
    three = connectomes.Connectome(MATRIX, "ABC", densities=[1.0, 2.0, 3.0], labels={"type": ("x", "y", "z")})
    three.save(folder / "three.npz")
    write_checkpoint(folder / "state.npz", checkpoint())
    return folder


@pytest.fixture
def files(originals, tmp_path):
    return Path(shutil.copytree(originals, tmp_path / "files"))


def checkpoint(**changes):
    steps = ("loss", "accuracy", "grad_norm", "stage", "seconds", "compile_seconds", "validation_seconds", "damping")
    validations = ("validation_step", "validation_loss", "validation_accuracy", "validation_worst")
    values = {name: np.arange(4) for name in steps} | {name: np.arange(2) for name in validations}
    variables = {"raw_rec": np.ones((3, 3), np.float32)}
    best = variables | {"step": np.asarray(2), "rank": np.zeros(2)}
    parts = {"variables": variables, "learner": {}, "best": best, "history": History(values), "setup": {"at": 0}}
    return Checkpoint(**{**parts, **changes})


# M2: arrays that vanish


@pytest.mark.parametrize(
    ("file", "name", "read"),
    [
        ("net.npz", "parameter__b_rec", load),
        ("net.npz", "noise_covariance", load),
        ("net.npz", "recurrent__mask", load),
        ("three.npz", "densities", connectomes.load),
        ("state.npz", "best__raw_rec", read_checkpoint),
        ("state.npz", "history__damping", read_history),
    ],
)
def test_m2_what_is_missing_changed_or_added_is_named(file, name, read, files):
    path, shown = files / file, name.replace("__", "/")
    with np.load(path) as archive:
        value = archive[shown]
    rewrite(path, **{name: None})
    assert f"is incomplete: it lacks '{shown}', which its header lists" in refusal(read, path)
    rewrite(path, **{name: value + (value.dtype.type(1) if value.dtype != bool else ~value)})
    assert f"the checksum of '{shown}' differs from that in its header" in refusal(read, path)
    rewrite(path, **{name: value[:1]})
    refusal(read, path)
    rewrite(path, **{name: value})
    read(path)
    rewrite(path, extra=np.ones(2))
    assert "it contains 'extra', which its header does not list" in refusal(read, path)


def test_m2_two_arrays_that_changed_places_are_found(files):
    path = files / "net.npz"
    with np.load(path) as archive:
        tau, x0 = archive["parameter/tau"], archive["parameter/x0"]
    rewrite(path, parameter__tau=x0.astype(float), parameter__x0=tau.astype(np.float32))
    assert "the checksum of 'parameter/tau', 'parameter/x0' differs" in refusal(load, path)


def test_m2_a_header_that_was_changed_is_found(files):
    header = header_of(files / "net.npz")
    assert header["arrays"]["parameter/tau"][:2] == ["<f8", [10]]
    for change in ({"dt": 10.0}, {"checksum": 0}, {"arrays": {}}):
        text = json.dumps(header | change).encode()
        rewrite(files / "net.npz", **{"header.json": np.frombuffer(text, np.uint8)})
        assert "the checksum of its header is wrong" in refusal(load, files / "net.npz")


def test_m2_a_bit_in_the_table_of_contents_drops_no_array_of_an_old_file(files):
    """The bytes of an array are there, though no member is: an entry was taken for the comment of that before it."""
    arrays = {f"x{i}": np.full(40, float(i)) for i in range(4)}
    save_arrays(files / "new.npz", arrays, kind="a", version=1, header={})
    header = np.frombuffer(b'{"format": "eicon.a", "version": 1}', np.uint8)
    np.savez(files / "old.npz", **{"header.json": header}, **arrays)
    for name in ("new.npz", "old.npz"):
        data = bytearray((files / name).read_bytes())
        entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"x2.npy"))
        following = data.index(b"PK\x01\x02", entry + 4)
        size = data.index(b"PK\x05\x06") if following < 0 else 0
        stop = data.find(b"PK\x01\x02", following + 4)
        stop = data.index(b"PK\x05\x06") if stop < 0 else stop
        data[entry + 32 : entry + 34] = (stop - following + size).to_bytes(2, "little")  # length of the comment
        (files / name).write_bytes(data)
        assert len(zipfile.ZipFile(files / name).namelist()) == 4
        text = refusal(lambda path: load_arrays(path, kind="a", version=1), files / name)
        assert "contains an array that its table of contents does not list" in text


@pytest.mark.parametrize("name", ["areas", "plain", "published"])
def test_m2_files_of_0_1_0_are_read_and_lack_nothing_that_they_name(name, tmp_path):
    path = Path(shutil.copy(ORACLE / f"{name}.net.npz", tmp_path / "old.npz"))
    assert "arrays" not in header_of(path)
    load(path)
    for bias in {"b_rec", "b_out"} & set(header_of(path)["trainable"]):
        shutil.copy(ORACLE / f"{name}.net.npz", path)
        rewrite(path, **{f"parameter__{bias}": None})
        assert f"lists {bias} as trained, but has no such values" in refusal(load, path)


# M3, M4, L4, L11: connectomes in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A,B,0,77\nB,A,0,5\n", "a common cause is a decimal comma ('0,77')"),
        ("A,B,0.77\nB,A,0.5,9\n", "line 2 has 4 columns, but the first line has 3"),
        ("pre,post,weight\nA,B,0,77\n", "line 2 has 4 columns, but the header has 3; a common cause is a decimal"),
        ("A;B;1_0\n", "the weight must be a number >= 0; got '1_0'"),
        ("A;B;-1\n", "the weight must be a number >= 0; got '-1'"),
        ("A;B;nan\n", "the weight must be a number >= 0; got 'nan'"),
    ],
)
def test_m3_and_l11_numbers_that_are_none_in_lists(text, words, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(text)
    assert words in refusal(connectomes.read_edges, path)


def test_l11_no_number_in_a_matrix(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("0,1_0\n2,0\n")
    assert "1_0" in refusal(lambda p: connectomes.read_matrix(p, rows="source"), path)


@pytest.mark.parametrize("reader", [connectomes.read_edges, connectomes.read_units])
def test_m4_text_in_another_encoding(reader, tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("id,target,weight\nV1,B,1\nÁrea,B,0.5\n".encode("latin-1"))
    assert "line 3 is not encoded as utf-8; encoding='latin-1' fits: 'Área'" in refusal(reader, path)


def test_m4_text_of_runs_in_another_encoding(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"a = 1\nb = '\xc1'\n")
    assert "line 2: byte 0xc1 is not UTF-8" in refusal(lambda p: read_text(p, "recipe"), path)


@pytest.mark.parametrize(("name", "value"), [("source", -1), ("target", -1), ("source", 3), ("target", 250)])
def test_l4_units_that_do_not_exist(name, value, files):
    path = files / "three.npz"
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files if key != "header.json"}
    header = {key: text for key, text in header_of(path).items() if key not in ("arrays", "checksum", "format")}
    arrays[name] = arrays[name].astype(np.int16)
    arrays[name][0] = value
    save_arrays(path, arrays, kind="connectome", version=header.pop("version"), header=header)
    assert f"{name} must be whole numbers in 0..2" in refusal(connectomes.load, path)


# M5, L7, L9: see test_lock.py


def test_m5_and_l9_one_writer_which_notices_that_its_directory_is_gone(tmp_path):
    with directory_lock(tmp_path / "run"):
        with pytest.raises(DirectoryInUseError), directory_lock(tmp_path / "run"):
            pass
        shutil.rmtree(tmp_path / "run")
        with pytest.raises(DirectoryLostError, match="run was removed, renamed or taken over"):
            write_checkpoint(tmp_path / "run" / "state.npz", checkpoint())
    assert not (tmp_path / "run").exists()


# L1: network files


def unsealed(path, **changes):
    """Same file as version 0.1.0 would have left it, with other values in its header."""
    header = {key: value for key, value in header_of(path).items() if key not in ("arrays", "checksum")}
    text = json.dumps(header | changes).replace('"@nested@"', "[" * 100_000 + "]" * 100_000)
    rewrite(path, **{"header.json": np.frombuffer(text.encode(), np.uint8)})


EVIL = ["", [], {}, None, True, -1, [[]], [{}], 1e308, float("nan"), 10**30, "x" * 500, "@nested@", {"a": {"b": []}}]


@pytest.mark.parametrize("old", [False, True])
def test_l1_every_value_of_a_header_may_be_wrong(old, files):
    """Refused by one line that names the file, or a network that satisfies its constraints."""
    path = files / "old.npz"
    original = ORACLE / "published.net.npz" if old else files / "net.npz"
    names = sorted(header_of(original).keys() - {"arrays", "checksum", "eicon", "eicon_date"})
    refused = 0
    for name in names:
        for value in EVIL:
            shutil.copy(original, path)
            unsealed(path, **{name: value})
            text = ""
            try:
                load(path)
            except ValueError as error:
                text = str(error)
            assert text == "" or ("old.npz" in text and "\n" not in text), (name, value, text)
            refused += bool(text)
    assert refused > 0.85 * len(names) * len(EVIL)


def test_l1_a_header_that_is_too_large_or_too_deep(files):
    unsealed(files / "net.npz", trained="@nested@")
    assert "it is nested too deeply" in refusal(load, files / "net.npz")
    rewrite(files / "net.npz", **{"header.json": np.zeros(2**24 + 1, np.uint8)})
    assert "the limit is 16777216" in refusal(load, files / "net.npz")


# L2: checkpoints


def remade(path, **changes):
    parts = checkpoint()
    arrays = {f"history/{name}": values for name, values in parts.history.items()}
    for kind in ("variables", "best"):
        arrays |= {f"{kind}/{name}": np.asarray(value) for name, value in getattr(parts, kind).items()}
    header = {"setup": changes.pop("setup", parts.setup)}
    arrays |= {name.replace("__", "/"): value for name, value in changes.items()}
    save_arrays(path, {k: v for k, v in arrays.items() if v is not None}, kind="checkpoint", version=2, header=header)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variables__raw_rec": np.full((3, 3), np.nan, np.float32)}, "'variables/raw_rec' must be finite numbers"),
        ({"variables__raw_rec": np.full((3, 3), np.inf, np.float32)}, "'variables/raw_rec' must be finite numbers"),
        ({"variables__raw_rec": np.full((3, 3), "a")}, "'variables/raw_rec' must be finite numbers"),
        ({"best__raw_rec": np.full((3, 3), np.nan, np.float32)}, "'best/raw_rec' must be finite numbers"),
        ({"best__raw_rec": np.ones(2)}, "'best/raw_rec' differs in shape from 'variables/raw_rec'"),
        ({"best__step": None}, "is incomplete: it lacks 'step'"),
        ({"best__rank": np.ones(3)}, "needs a step and a rank of two numbers"),
        (
            {"history__loss": np.ones(3)},
            "columns of a history must be equally long lists; got loss (3,), accuracy (4,)",
        ),
        ({"history__damping": np.ones(3)}, "damping (3,)"),
        ({"history__validation_loss": np.ones(3)}, "validation_loss (3,)"),
        ({"history__loss": np.ones((4, 1))}, "loss (4, 1)"),
        ({"history__loss": np.array(["a"] * 4)}, "'history/loss' contains no numbers"),
        ({"history__loss": None}, "is incomplete: it has no 'history/loss'"),
        ({"setup": []}, "setup must be an object; got []"),
        ({"setup": {"at": "x"}}, "at is of the wrong type: 'x'"),
        ({"setup": {"stages": 3}}, "stages is of the wrong type: 3"),
        ({"setup": {"stages": [3]}}, "stages must be texts; got [3]"),
        ({"setup": {"first": -1}}, "a stage has a negative number"),
    ],
)
def test_l2_checkpoints_that_nobody_can_go_on_from(changes, words, tmp_path):
    path = tmp_path / "state.npz"
    remade(path)
    read_checkpoint(path)
    remade(path, **changes)
    assert words in refusal(read_checkpoint, path)


def test_l2_the_history_of_learners_that_follow_one_another():
    """What only the second records is unknown in the steps of the first; all columns stay equally long."""
    steps = {name: [1.0, 2.0] for name in ("loss", "accuracy", "grad_norm", "stage", "seconds")}
    steps |= {"compile_seconds": [0.0, 0.0], "validation_seconds": [0.0, 0.0]}
    both = History().extended(**steps).extended(**steps, damping=[0.5, 0.25], cg_iterations=[3, 4]).extended(**steps)
    np.testing.assert_array_equal(both.damping, [np.nan, np.nan, 0.5, 0.25, np.nan, np.nan])
    assert both.cg_iterations.tolist() == [0, 0, 3, 4, 0, 0]
    assert {len(values) for name, values in both.items() if not name.startswith("validation_")} == {6}
    assert len(both.of_stage(1).damping) == 3


# L3: npy, zips, and what they say about their size


def as_matrix(path):
    return connectomes.read_matrix(path, rows="source")


def npy(shape, descr="<f8", body=b""):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (npy((100_000, 100_000)), "takes 80000000000 bytes; there are 0"),
        (npy((10**10, 10**10)), "takes 800000000000000000000 bytes; there are 0"),
        (npy((-2, -2), body=bytes(32)), r"shape (-2, -2)"),
        (npy((2, 2), body=bytes(31)), "takes 32 bytes; there are 31"),
        (npy((2, 2), body=bytes(33)), "takes 32 bytes; there are 33"),
        (npy((2, 2), "|O", bytes(32)), "it contains Python objects, which are never loaded"),
        (npy((1,), "<U1", b"\xff\xff\xff\x00"), "it contains invalid characters"),
        (npy((2, 2)).replace(b"{", b"("), "is damaged, or not a valid npy file"),
        (npy((2, 2)).replace(b"(2, 2)", b"((((((" + b"("), "is damaged, or not a valid npy file"),
        (b"\x93NUMPY\x09\x00", "is damaged, or not a valid npy file"),
        (b"\x93NUMPY", "is damaged, or not a valid npy file"),
    ],
)
def test_l3_npy_files(data, words, tmp_path):
    path = tmp_path / "m.npy"
    path.write_bytes(data)
    assert words in refusal(as_matrix, path)


ZEROS = 40_000_000


@pytest.mark.parametrize("kind", ["matrix", "network", "tvb", "tvb twice"])
def test_l3_zips_that_unpack_to_much_more(kind, tmp_path):
    """A zip of 60 kB with 60 MB of zeros took 1.1 GB in version 0.1.0."""
    if kind in ("matrix", "network"):
        name = "W" if kind == "matrix" else "header.json"
        members = {f"{name}.npy": npy((ZEROS,), "|u1", bytes(ZEROS))}
    else:
        text = b"0 " * (ZEROS // 2)
        members = {"centres.txt": b"a 1 2 3", "weights.txt": text}
        if kind == "tvb twice":
            members = {"centres.txt": b"a 1 2 3", "weights.txt.bz2": bz2.compress(bytes(ZEROS))}
    path = tmp_path / "net.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    tracemalloc.start()
    try:
        assert "would unpack from" in refusal(load if kind == "network" else as_matrix, path)
        assert tracemalloc.get_traced_memory()[1] < (2 * ZEROS if kind == "tvb twice" else 2**23)
    finally:
        tracemalloc.stop()


def test_l3_packed_text_that_unpacks_to_much_more(tmp_path):
    path = tmp_path / "list.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,1\n" * (ZEROS // 6), 1))
    assert "would unpack from" in refusal(lambda p: connectomes.read_edges(p, duplicates="sum"), path)


def test_l3_sizes_that_hdf5_mtx_and_matlab_files_say(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("W", (40_000, 40_000), "f8", chunks=(100, 100))
    assert "would unpack from" in refusal(as_matrix, tmp_path / "m.h5")
    for text in ("coordinate real general\n999999999 999999999 1\n1 1 1\n", "array real general\n100000 100000\n1\n"):
        (tmp_path / "m.mtx").write_text(f"%%MatrixMarket matrix {text}")
        refusal(as_matrix, tmp_path / "m.mtx")
    scipy_io.savemat(tmp_path / "m.mat", {"W": np.zeros((3000, 3000))}, do_compression=True)
    assert "would unpack from" in refusal(as_matrix, tmp_path / "m.mat")


@pytest.mark.parametrize("damage", ["rows begin too late", "a row is too long", "an index is outside"])
def test_l3_sparse_matrices_that_end_scipy(damage, tmp_path):
    """Each of them read beyond the memory of its arrays, and ended the process."""
    csr = sparse.csr_array(MATRIX)
    starts, inner = csr.indptr.copy(), csr.indices.copy()
    if damage == "rows begin too late":
        starts = np.array([0, 0, 2**20, 0], np.int32)
    elif damage == "a row is too long":
        starts[-1] = 2**20
    else:
        inner = inner.astype(">i4") + np.int32(2**24)
    np.savez(tmp_path / "s.npz", format=b"csr", shape=(3, 3), data=csr.data, indices=inner, indptr=starts)
    refusal(as_matrix, tmp_path / "s.npz")


def test_l3_a_matrix_market_file_that_was_cut_ends_scipy(tmp_path):
    path = tmp_path / "m.mtx"
    scipy_io.mmwrite(path, MATRIX)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]))
    assert "there are 7 numbers; a general matrix of 3 x 3 has 9" in refusal(as_matrix, path)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("form", [np.asarray, sparse.coo_array])
def test_matrix_market_files_are_read_as_scipy_reads_them(form, symmetric, tmp_path):
    matrix = MATRIX + MATRIX.T if symmetric else MATRIX
    scipy_io.mmwrite(tmp_path / "m.mtx", form(matrix))
    assert ("symmetric" in (tmp_path / "m.mtx").read_text()) == symmetric
    found = connectomes.read_matrix(tmp_path / "m.mtx", rows="symmetric" if symmetric else "source")
    expected = scipy_io.mmread(tmp_path / "m.mtx")
    np.testing.assert_array_equal(found.weights, expected.toarray() if sparse.issparse(expected) else expected)


def test_l3_a_matlab_file_whose_text_is_shorter_than_it_says(tmp_path):
    """It ended the process, too."""
    path = tmp_path / "m.mat"
    scipy_io.savemat(path, {"W": MATRIX, "names": np.array(["V1", "LM", "AL"], object)})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"AL") - 14] = 1  # 65538 letters
    path.write_bytes(data)
    assert "elements; found" in refusal(as_matrix, path)


# L6: run.json and others


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty; expected a run record in JSON"),
        (b'{"a": 1', "is damaged: expected a run record in JSON"),
        (b"[1]", "expected a run record, an object in JSON; got [1]"),
        (b"\xff\xfe{}", "byte 0xff is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deeply"),
        (b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}", "it is nested more than 50 levels deep"),
        (b"9" * 5000, "is damaged: expected a run record in JSON"),
        (b" " * (2**24 + 1), "too large for a run record"),
    ],
)
def test_l6_damaged_records(data, words, tmp_path):
    path = tmp_path / "run.json"
    refusal(lambda p: read_json(p, "run record"), path, FileNotFoundError)
    path.write_bytes(data)
    assert words in refusal(lambda p: read_json(p, "run record"), path)
    _files.write_json(path, {"state": "trained", "a": [{"b": [1.5]}]})
    assert read_json(path, "run record") == {"state": "trained", "a": [{"b": [1.5]}]}


# L10: labels in tables


def test_l10_no_text_in_a_table_is_a_formula():
    rows = [["=cmd|' /C calc'!A0", "+1+1", "-0.5", "@sum", "\tx", "\rx", "V1", -0.5, 3, "1e-3", "-inf"]]
    assert [csv_text(cell) for cell in rows[0]] == [
        *("'=cmd|' /C calc'!A0", "'+1+1", "-0.5", "'@sum", "'\tx", "'\rx", "V1", -0.5, 3, "1e-3", "-inf"),
    ]
    assert csv_table([["a", "=b"], [1, "c,d"]]) == 'a,\'=b\n1,"c,d"\n'
    steps = {name: [1.0] for name in ("loss", "accuracy", "grad_norm", "stage", "seconds")}
    steps |= {"compile_seconds": [0.0], "validation_seconds": [0.0], "=a": [2.0]}
    assert "'=a" in History().extended(**steps).to_csv().splitlines()[0].split(",")


# Siblings in other formats


@pytest.mark.parametrize("name", ["parameter", "b_rec", "sign_rec", "unit_type"])
def test_weights_of_other_programs_are_listed_too(name, tmp_path):
    exchange.write_numpy(tmp_path / "w", RateRNN.dale(2, 10, 2))
    path = tmp_path / "w" / "weights.npz"
    rewrite(path, **{name: None if name != "parameter" else np.ones(3)})
    assert "which its header" in refusal(lambda _: exchange.read_numpy(tmp_path / "w"), path)


def test_weights_that_0_1_0_wrote_are_read(tmp_path):
    net = RateRNN.dale(2, 10, 2)
    (tmp_path / "w").mkdir()
    np.savez(tmp_path / "w" / "weights.npz", **exchange.to_numpy(net))
    np.testing.assert_array_equal(exchange.read_numpy(tmp_path / "w").W_rec, net.W_rec)


def test_ten_thousand_small_files_take_seconds(tmp_path):
    """L12 wants a sweep of 10,000 cells in 10 s."""
    import time

    curves = {f"curve {i}": np.arange(100.0) for i in range(10)}
    save_arrays(tmp_path / "run.npz", curves, kind="run", version=1, header={"seed": 3})
    took = []
    for _ in range(200):
        begun = time.perf_counter()
        load_arrays(tmp_path / "run.npz", kind="run", version=1)
        took.append(time.perf_counter() - begun)
    assert np.median(took) < 1e-3
