"""Mistake 16: names are stored as pickles, and unpickling runs any code in them."""

import contextlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from eicon.connectomes import read_bio2art
from eicon.connectomes._names import read_names

NAMES = ["V1", "LM", "Stri-Aäü", "9/46d"]
FOLDER = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"


class Malicious:
    """Object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def write(folder: Path, content: object) -> Path:
    path = folder / "Names_x.lst"
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


def check(read, folder: Path) -> None:
    """Check that ``read(path)`` returns the names of a list, and runs nothing."""
    assert list(read(write(folder, NAMES))) == NAMES
    trap = folder / "trap"
    with contextlib.suppress(ValueError):
        read(write(folder, ["V1", Malicious(trap)]))
    assert not trap.exists()


def wrong(path: Path):
    return pickle.loads(path.read_bytes())  # noqa: S301


def test_ours(tmp_path):
    check(read_names, tmp_path)


def test_the_wrong_version_fails(tmp_path):
    with pytest.raises(AssertionError):
        check(wrong, tmp_path)
    assert (tmp_path / "trap").exists()


def test_a_malicious_file_is_refused_by_the_reader_of_connectomes(tmp_path):
    np.save(tmp_path / "C_x.npy", np.eye(2))
    write(tmp_path, ["V1", Malicious(tmp_path / "trap")])
    with pytest.raises(
        ValueError, match=r"Names_x.lst is not a plain list of names: .* instruction \w+, and was not exec"
    ):
        read_bio2art("x", tmp_path, rows="source")
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_reads(protocol, tmp_path):
    path = tmp_path / "Names_x.lst"
    path.write_bytes(pickle.dumps(NAMES, protocol=protocol))
    assert read_names(path) == tuple(NAMES)


@pytest.mark.parametrize(
    "content",
    [{"V1": 1}, ("V1", "LM"), [1, 2], ["V1", None], [["V1"], ["LM"]], "V1", np.array(["V1"]), [b"V1"]],
    ids=repr,
)
def test_anything_but_a_list_of_texts_is_refused(content, tmp_path):
    with pytest.raises(ValueError, match="not a plain list of names|must contain one list"):
        read_names(write(tmp_path, content))


@pytest.mark.parametrize("data", [b"", b"\x80\x02]q\x00(X\x02\x00", b"not a pickle"], ids=["empty", "cut", "text"])
def test_a_damaged_file_is_refused(data, tmp_path):
    (tmp_path / "Names_x.lst").write_bytes(data)
    with pytest.raises(ValueError, match="damaged|not a plain list"):
        read_names(tmp_path / "Names_x.lst")


def test_arrays_of_objects_are_refused(tmp_path):
    """Test an npy file, which can also contain a pickle."""
    np.save(tmp_path / "C_x.npy", np.array([[Malicious(tmp_path / "trap")]], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="contains Python objects, which are never loaded"):
        read_bio2art("x", tmp_path, rows="source")
    assert not (tmp_path / "trap").exists()


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the connectome folder of bio2art is not at {FOLDER}")
def test_the_real_files():
    """Check that files known to be harmless give the same names when unpickled."""
    files = sorted(FOLDER.glob("Names_*.lst"))
    assert len(files) == 6
    for path in files:
        assert list(read_names(path)) == wrong(path)
