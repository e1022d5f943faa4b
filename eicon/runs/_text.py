"""Text of configuration files, read without importing their parsers."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


class ConfigError(ValueError):
    """A configuration is invalid; one line per problem."""


def under(key: str, make: Callable[[], Made]) -> Made:
    """Make the value of a configuration key; errors name the key."""
    try:
        return make()
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise ConfigError(f"{key}: {error}") from error


def read_text(path: Path) -> str:
    """Return the text of a configuration file."""
    if not path.is_file():
        raise ConfigError(f"there is no recipe {path}.")
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows editors put a byte order mark first
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8.") from error
    if "\0" in text:
        raise ConfigError(f"{path} is not a text file: it contains zero bytes.")
    return text
