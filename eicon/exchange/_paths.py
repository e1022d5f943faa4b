"""Files and folders that appear whole or not at all, and replace nothing unless that is asked for."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def refuse_existing(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """Path, if nothing would be replaced that may not be.

    Raises
    ------
    FileExistsError
        If it exists and ``overwrite`` is False.
    """
    path = Path(path)
    if not overwrite and (path.exists() or path.is_symlink()):
        raise FileExistsError(f"{path} already exists, and nothing was written; choose another name, or overwrite it.")
    return path


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], overwrite: bool, *, marker: str = "") -> Iterator[Path]:
    """Path to write a file or folder to, which takes the place of ``path`` once it is complete.

    After an error, what was there before is there still. A folder is replaced as a whole if it holds nothing but what
    the new one holds, or a file of the name ``marker``.

    Raises
    ------
    FileExistsError
        If ``path`` exists and ``overwrite`` is False, or it is a folder of something else.
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
    """Only a folder that looks like the new one may be replaced as a whole: a wrong name must not delete a home."""
    made = {entry.name for entry in new.iterdir()} if new.is_dir() else set()
    kept = sorted({entry.name for entry in old.iterdir()} - made - {"__pycache__"})
    if not new.is_dir() or kept:
        raise FileExistsError(
            f"{old} is a folder that holds other things ({', '.join(kept[:3])}), and was left as it is; "
            "choose another name."
        )
