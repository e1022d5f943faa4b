"""The version, in one place: of the package, of what it writes, and of the wheel."""

__version__ = "0.2.0"
