"""Version and release date of eicon, in one place: for the package, the files that it writes, and the wheel."""

import time
from pathlib import Path

__version__ = "0.2.0"
__date__ = "unreleased"
"""Release date (YYYY-MM-DD), equal to ``date-released`` in CITATION.cff, which is absent until the release."""


def version_line() -> str:
    """Return version, release date and, in a clone, the commit."""
    commit = _commit()
    return f"{__version__} ({__date__}{f'; commit {commit}' if commit else ''})"


def utc_now() -> str:
    """Return date and time in UTC, as ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _commit() -> str:
    """Return hash and date of the commit that is checked out; empty outside a clone of eicon."""
    import subprocess  # here, so that importing eicon stays fast

    root = Path(__file__).parents[1]
    if not (root / ".git").exists():  # an installed package may lie in someone else's repository
        return ""
    words = ["git", "-C", str(root), "log", "-1", "--format=%h of %cs"]
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
