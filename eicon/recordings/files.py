"""Recordings in files."""

from ._files import write as write
from ._read import read as read
