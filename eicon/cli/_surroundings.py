"""Environment of a command, which may be unusual: consoles, and settings meant for other programs."""

import io
import logging
import os
import sys

PLATFORMS = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")


def use_console() -> None:
    """Prevent errors from characters that the console cannot show, and from a closed console."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, until the process ends
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def use_settings() -> None:
    """Draw into files, even if matplotlib's variables were set for another program, such as a notebook."""
    if "matplotlib" not in sys.modules:
        os.environ["MPLBACKEND"] = "agg"
    # Matplotlib warns if its settings folder cannot be written; the only consequence is a slower start.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def why_no_platform() -> str | None:
    """Explain why JAX cannot compute, if the environment requests a platform that is not available."""
    asked = [f"{name}={os.environ[name]}" for name in PLATFORMS if os.environ.get(name)]
    if not asked or "jax" not in sys.modules:
        return None
    import jax

    try:
        jax.devices()
    except Exception:  # platforms raise errors of different types
        return (
            f"JAX has no such platform here: the environment sets {' and '.join(asked)}. Unset it, or set it to cpu; a "
            "GPU needs a jaxlib that was built for it."
        )
    return None
