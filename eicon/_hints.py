"""Parts of messages: commands, quoted for pasting into a shell, the name that was probably meant, and lists."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from typing import Any


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


def meant(given: Any, allowed: Iterable[Any]) -> str:
    """Return the sentence `` Did you mean ...?``, with the allowed name that is most like the given one, or no text.

    Examples
    --------
    >>> meant("celegan", ["larva", "celegans"]), meant("x", ["larva"])
    (' Did you mean celegans?', '')
    """
    from difflib import get_close_matches

    names = {str(name).lower(): str(name) for name in allowed}
    said = str(given).lower()
    found = get_close_matches(said, names, n=1) or [name for name in names if len(said) > 2 and name.startswith(said)]
    return f" Did you mean {names[found[0]]}?" if found else ""


def listed(names: Iterable[Any], most: int = 8) -> str:
    """List the first names, and the number of further ones.

    Examples
    --------
    >>> listed("abcde", most=3)
    'a, b, c and 2 more'
    """
    texts = [str(name) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
