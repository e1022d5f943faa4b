"""Atomic writing of files and folders, without replacing anything unless requested."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def refuse_existing(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """Return the path, after checking that it may be written.

    Raises
    ------
    FileExistsError
        If it exists and ``overwrite`` is False.
    """
    path = Path(path)
    if not overwrite and (path.exists() or path.is_symlink()):
        raise FileExistsError(f"{path} already exists; nothing was written. Use another name, or overwrite=True.")
    return path


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], overwrite: bool, *, marker: str = "") -> Iterator[Path]:
    """Yield a temporary path for a file or folder, which replaces ``path`` once it is complete.

    After an error the previous contents are unchanged. A folder is replaced as a whole if it contains only files that
    the new one contains, or a file of the name ``marker``.

    Raises
    ------
    FileExistsError
        If ``path`` exists and ``overwrite`` is False, or it is a folder with other contents.
    """
    target = refuse_existing(path, overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part"))
    try:
        made = workshop / target.name
        yield made
        if target.is_dir() and not target.is_symlink():
            if not (marker and (target / marker).is_file()):
                _refuse_foreign(target, made)
            os.replace(target, workshop / "before")
        os.replace(made, target)
    except BaseException:
        before = workshop / "before"
        if before.exists() and not target.exists():
            os.replace(before, target)
        raise
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _refuse_foreign(old: Path, new: Path) -> None:
    """Check that a folder to be replaced resembles the new one: a wrong name must not delete other files."""
    made = {entry.name for entry in new.iterdir()} if new.is_dir() else set()
    kept = sorted({entry.name for entry in old.iterdir()} - made - {"__pycache__"})
    if not new.is_dir() or kept:
        raise FileExistsError(
            f"{old} is a folder that contains other files ({', '.join(kept[:3])}), and was left unchanged; "
            "choose a different name."
        )
