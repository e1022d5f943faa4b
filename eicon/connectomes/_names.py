"""Lists of names from pickle files, without unpickling them."""

import os
import pickletools
from pathlib import Path

_TEXT = {
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
}
_LIST = {"EMPTY_LIST", "LIST"}
_HARMLESS = {
    *("PROTO", "FRAME", "MARK", "APPEND", "APPENDS", "STOP"),
    *("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
}


def read_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names from a pickled list of str, or from a ``.txt`` file with one name per line.

    The pickle is never run: its instructions are only listed, and a file with any instruction beyond those
    that make up one list of texts is refused. Unpickling a file runs whatever its author put into it.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds anything but one list of str.
    """
    path = Path(path)
    if path.suffix == ".txt":
        return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    names, lists = [], 0
    try:
        for opcode, argument, _ in pickletools.genops(path.read_bytes()):
            if opcode.name in _TEXT:
                names.append(str(argument))
            elif opcode.name in _LIST:
                lists += 1
            elif opcode.name not in _HARMLESS:
                raise _RefusedError(opcode.name)
    except _RefusedError as refused:
        raise ValueError(
            f"{path} is no plain list of names: it holds the pickle instruction {refused}, and was not executed. "
            "Only a list of str is read; write one name per line into a .txt file beside it instead."
        ) from None
    except (ValueError, EOFError, UnicodeError) as error:
        raise ValueError(f"{path} is damaged and cannot be read as a list of names ({error}).") from error
    if lists != 1:
        raise ValueError(f"{path} must hold one list of names; it holds {lists} lists.")
    return tuple(names)


class _RefusedError(Exception):
    """An instruction outside the allowed ones."""
