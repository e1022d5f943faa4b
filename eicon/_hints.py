"""Commands in messages, quoted for pasting into a shell."""

import os
import shlex
import subprocess
import sys


def hint(*words: str | os.PathLike[str]) -> str:
    """Return a command with its words quoted where a shell needs it.

    A path, unlike a word, never starts with a dash, which would make it an option.

    Parameters
    ----------
    *words : str, path

    Returns
    -------
    str

    Examples
    --------
    >>> from pathlib import Path
    >>> hint("eicon", "train", "--resume", Path("my runs/first"))
    "eicon train --resume 'my runs/first'"
    >>> hint("eicon", "analyze", Path("-run"))
    'eicon analyze ./-run'
    """
    said = [word if isinstance(word, str) else _path(os.fspath(word)) for word in words]
    return subprocess.list2cmdline(said) if sys.platform == "win32" else shlex.join(said)


def _path(path: str) -> str:
    return os.path.join(os.curdir, path) if path.startswith("-") else path
