"""Files and folders appear whole or not at all."""

import pytest

from eicon.exchange._paths import refuse_existing, replacing


def tree(folder):
    return {str(p.relative_to(folder)): p.read_text() if p.is_file() else None for p in folder.rglob("*")}


def test_a_file_appears_only_when_it_is_complete(tmp_path):
    with replacing(tmp_path / "deep" / "a.txt", overwrite=False) as made:
        made.write_text("new")
        assert not (tmp_path / "deep" / "a.txt").exists()
    assert tree(tmp_path) == {"deep": None, "deep/a.txt": "new"}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_error_while_writing_leaves_what_was_there(kind, tmp_path):
    target = tmp_path / "a"
    if kind == "file":
        target.write_text("old")
    else:
        target.mkdir()
        (target / "x").write_text("old")
    before = tree(tmp_path)

    def write():
        with replacing(target, overwrite=True) as made:
            if kind == "folder":
                made.mkdir()
            (made if kind == "file" else made / "x").write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write()
    assert tree(tmp_path) == before


def replace_folder(target, names):
    with replacing(target, overwrite=True) as made:
        made.mkdir()
        for name in names:
            (made / name).write_text("new")


def test_a_folder_of_the_same_files_is_replaced_as_a_whole(tmp_path):
    replace_folder(tmp_path / "a", ["x", "y"])
    (tmp_path / "a" / "x").write_text("old")
    (tmp_path / "a" / "__pycache__").mkdir()  # what running a simulator there leaves
    replace_folder(tmp_path / "a", ["x", "y", "z"])
    assert tree(tmp_path) == {"a": None, "a/x": "new", "a/y": "new", "a/z": "new"}


def test_a_folder_with_other_things_is_never_replaced(tmp_path):
    replace_folder(tmp_path / "home", ["x"])
    (tmp_path / "home" / "thesis").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(FileExistsError, match=r"home is a folder that contains other files \(thesis\), and was left"):
        replace_folder(tmp_path / "home", ["x"])
    with (
        pytest.raises(FileExistsError, match="is a folder that contains other files"),
        replacing(tmp_path / "home", overwrite=True) as made,
    ):
        made.write_text("a file in its place")
    assert tree(tmp_path) == before


def test_a_folder_of_the_same_kind_may_hold_other_names(tmp_path):
    replace_folder(tmp_path / "a", [".zgroup", "old"])
    with replacing(tmp_path / "a", overwrite=True, marker=".zgroup") as made:
        made.mkdir()
        (made / "new").write_text("new")
    assert tree(tmp_path) == {"a": None, "a/new": "new"}
    with (
        pytest.raises(FileExistsError, match=r"contains other files \(new\)"),
        replacing(tmp_path / "a", overwrite=True, marker=".zgroup") as made,
    ):
        made.mkdir()


def test_a_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    from eicon.exchange import _paths

    replace_folder(tmp_path / "a", ["x"])
    (tmp_path / "a" / "x").write_text("old")
    before, real, calls = tree(tmp_path), _paths.os.replace, []

    def second_fails(source, target):
        calls.append(source)
        if len(calls) == 2:
            raise OSError("no")
        real(source, target)

    monkeypatch.setattr(_paths.os, "replace", second_fails)
    with pytest.raises(OSError, match="no"):
        replace_folder(tmp_path / "a", ["x"])
    assert tree(tmp_path) == before


def test_what_exists_is_refused(tmp_path):
    assert refuse_existing(tmp_path / "new", False) == tmp_path / "new"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("", "link"):
        with pytest.raises(FileExistsError, match="already exists; nothing was written"):
            refuse_existing(tmp_path / name, False)
