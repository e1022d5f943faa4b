"""Folders that both eicon and bio2art read, written without pickle."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from eicon import connectomes
from eicon.connectomes import Connectome, read_bio2art, write_bio2art
from eicon.connectomes._bio2art import FILES
from eicon.connectomes._write_bio2art import listed

SHARED = Path(__file__).parents[2].parent / "shared" / "connectomes" / "bio2art"
WEIGHTS = np.array([[0.0, 1.0, 2.0], [0.0, 0.25, 3.0], [0.1, 0.0, 0.0]])
NAMES = ("V1", "Stri-Aäü", "9/46d")


def made(**fields):
    return Connectome(WEIGHTS, NAMES, **({"name": "Mine", "densities": np.array([1e5, np.nan, 2.5])} | fields))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("rows", ["source", "target"])
def test_round_trip(rows, tmp_path):
    write_bio2art(tmp_path, made(), rows=rows)
    assert set(contents(tmp_path)) == {"C_Mine.npy", "ND_Mine.npy", "Names_Mine.lst", "Rows_Mine.txt"}
    back = read_bio2art("Mine", tmp_path, rows=rows)
    assert back.digest == made().digest
    assert back.weights[0, 1] == 1.0
    assert f"rows={rows!r}" in (tmp_path / "Rows_Mine.txt").read_text()
    turned = np.load(tmp_path / "C_Mine.npy")
    np.testing.assert_array_equal(turned, WEIGHTS if rows == "source" else WEIGHTS.T)


def test_symmetric_connectomes(tmp_path):
    both = WEIGHTS + WEIGHTS.T
    write_bio2art(tmp_path, Connectome(both, NAMES, name="Both"), rows="symmetric")
    np.testing.assert_array_equal(read_bio2art("Both", tmp_path, rows="symmetric").weights, both)
    assert "contains no directions" in (tmp_path / "Rows_Both.txt").read_text()
    with pytest.raises(ValueError, match="rows='symmetric' needs a symmetric connectome"):
        write_bio2art(tmp_path, made(), rows="symmetric")
    with pytest.raises(ValueError, match="rows must be 'source', 'target' or 'symmetric'; got 'rows'"):
        connectomes._write_bio2art._rows("Mine", made(), "rows")


@pytest.mark.parametrize(
    "names", [NAMES, ["a\nb", "back\\slash", "'quoted'", "日本", "x" * 300], [f"r{i}" for i in range(2000)]]
)
def test_bio2arts_own_reader_gets_the_names(names):
    """It unpickles them."""
    assert pickle.loads(listed(names)) == list(names)  # noqa: S301


def test_names_are_read_back_without_unpickling(tmp_path):
    write_bio2art(tmp_path, made(), name="Other")
    assert read_bio2art("Other", tmp_path, rows="source").names == NAMES


def test_what_is_there_is_replaced_only_if_asked(tmp_path):
    write_bio2art(tmp_path, made())
    (tmp_path / "C_Another.npy").write_bytes(b"not mine")
    before = contents(tmp_path)
    less = made(densities=None)
    with pytest.raises(FileExistsError, match="already contains C_Mine.npy, ND_Mine.npy, Names_Mine.lst, Rows_Mine.t"):
        write_bio2art(tmp_path, less)
    assert contents(tmp_path) == before
    write_bio2art(tmp_path, less, overwrite=True)
    assert read_bio2art("Mine", tmp_path, rows="source").densities is None  # no densities of the one before
    assert (tmp_path / "C_Another.npy").read_bytes() == b"not mine"


def test_densities_that_lie_there_alone_are_not_taken_for_ours(tmp_path):
    np.save(tmp_path / "ND_Mine.npy", np.ones(3))
    with pytest.raises(FileExistsError, match="already contains ND_Mine.npy"):
        write_bio2art(tmp_path, made(densities=None))


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden"])
def test_names_that_files_cannot_have(name, tmp_path):
    with pytest.raises(ValueError, match="name must be a valid file name"):
        write_bio2art(tmp_path, made(), name=name)
    assert not contents(tmp_path)


def test_names_of_bio2arts_own_data_sets_are_kept_for_them(tmp_path):
    with pytest.raises(ValueError, match="the rows of Macaque_Normalized are 'source' in bio2art; got rows='target'"):
        write_bio2art(tmp_path, made(), name="macaque", rows="target")
    with pytest.raises(ValueError, match="is not the file bundled with bio2art.*expected 29 regions"):
        write_bio2art(tmp_path, made(), name="macaque")
    assert not contents(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the connectome folder of bio2art is not at {SHARED}")
@pytest.mark.parametrize("name", FILES)
def test_the_real_files_come_out_as_they_went_in(name, tmp_path):
    connectome = read_bio2art(name, SHARED)
    write_bio2art(tmp_path, connectome)
    assert read_bio2art(name, tmp_path).digest == connectome.digest
    np.testing.assert_array_equal(np.load(tmp_path / f"C_{name}.npy"), np.load(SHARED / f"C_{name}.npy"))
    names = [pickle.loads((folder / f"Names_{name}.lst").read_bytes()) for folder in (tmp_path, SHARED)]  # noqa: S301
    assert names[0] == names[1]
