"""Cache of compiled programs between processes of the command, based on JAX's own cache."""

import contextlib
import hashlib
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

FOLDER, LEAST_SECONDS = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
PREFIX = "jax-"
MOST_BYTES = 512 * 2**20
"""Largest size of one folder; the oldest files are removed first."""


def use_cache() -> None:
    """Cache programs that take 0.1 s or more to compile, in this process and its children.

    If JAX is imported already, nothing changes. ``EICON_CACHE=off`` turns the cache off; it is also off in SLURM jobs,
    whose machines may differ, unless ``EICON_CACHE=on``.
    """
    if "jax" not in sys.modules:
        os.environ.update(cache_settings(os.environ))
        # A damaged or full cache only makes the start slower.
        warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")


def cache_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which a process uses the cache; empty if it is off or not writable."""
    asked, given = environment.get("EICON_CACHE", "").lower(), environment.get(FOLDER, "")
    if asked == "off" or (asked != "on" and "SLURM_JOB_ID" in environment):
        return {}
    if given and not Path(given).name.startswith(PREFIX):
        return {}  # the user's own cache
    try:
        folder = _root(environment) / "eicon" / (PREFIX + _kind(environment))
        folder.mkdir(parents=True, exist_ok=True)
        _bound(folder)
    except (OSError, RuntimeError):  # the latter without a home directory
        return {}
    if not os.access(folder, os.W_OK):
        return {}
    return {FOLDER: str(folder), LEAST_SECONDS: environment.get(LEAST_SECONDS, "0.1")}


def _root(environment: Mapping[str, str]) -> Path:
    """Return the folder for caches of this user."""
    if given := environment.get("XDG_CACHE_HOME"):
        return Path(given)
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _kind(environment: Mapping[str, str]) -> str:
    """Identify what compiled programs depend on: JAX, the processor, and the number of threads."""
    from importlib import metadata  # here, so that help is shown without delay

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = [environment.get(name, "") for name in ("NPROC", "PJRT_NPROC", "OMP_NUM_THREADS")]
    described = repr((metadata.version("jaxlib"), platform.machine(), _processor(), threads, said))
    return f"{metadata.version('jax')}-{hashlib.sha256(described.encode()).hexdigest()[:12]}"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.partition(":")[0].strip().lower() in ("flags", "features"):
                return " ".join(sorted(line.partition(":")[2].split()))
    return platform.processor()


def _bound(folder: Path) -> None:
    files = [(path, path.stat()) for path in folder.iterdir()]
    excess = sum(about.st_size for _, about in files) - MOST_BYTES
    for path, about in sorted(files, key=lambda file: file[1].st_mtime):
        if excess > 0:
            path.unlink(missing_ok=True)
            excess -= about.st_size
