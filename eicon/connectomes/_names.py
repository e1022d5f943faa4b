"""Lists of names from pickle files, without unpickling them."""

import os
import pickletools
from pathlib import Path

from .._files import named
from ._tables import check_packed, text_lines

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
    """Read names from a pickled list of str, or from a text file (``.txt``, ``.csv``, ``.tsv``), one per line.

    The pickle is never run: its instructions are only listed, and a file with any instruction other than those
    that make up one list of texts is rejected. Unpickling a file would run any code its author put into it.

    Parameters
    ----------
    path : path

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or contains anything but one list of str.
    """
    path = Path(path)
    if path.suffix.lower() in (".txt", ".csv", ".tsv"):
        check_packed(path)
        return tuple(line.strip(' \t"') for _, lines in text_lines(path) for line in lines)
    data = path.read_bytes()
    with named(path, "list of names"):
        steps = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(data)]
    foreign = next((step for step, _ in steps if step not in _TEXT | _LIST | _HARMLESS), None)
    if foreign is not None:
        raise ValueError(
            f"{path} is not a plain list of names: it contains the pickle instruction {foreign}, and was not "
            "executed. Only a list of str is read; write one name per line into a .txt file next to it instead."
        )
    if (lists := sum(step in _LIST for step, _ in steps)) != 1:
        raise ValueError(f"{path} must contain one list of names; it contains {lists} lists.")
    return tuple(str(argument) for step, argument in steps if step in _TEXT)
