"""Tests marked ``unchecked``, in a process without the check of types that all other tests run under."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent


def test_what_annotations_forbid_is_refused_by_eicon_itself():
    files = [path for path in TESTS.rglob("test_*.py") if "pytest.mark.unchecked" in path.read_text(encoding="utf-8")]
    options = ["-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-q", "-m", "unchecked"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, files)], capture_output=True, text=True, cwd=TESTS.parent
    )
    assert len(files) > 1
    assert done.returncode == 0, done.stdout[-4000:]
