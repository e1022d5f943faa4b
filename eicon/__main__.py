"""``python -m eicon`` is the ``eicon`` command."""

from .cli import main

main(prog_name="eicon")
