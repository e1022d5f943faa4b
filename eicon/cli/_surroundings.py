"""What a command finds when it starts, and does not rely on: consoles, and settings for other programs."""

import io
import logging
import os
import sys

PLATFORMS = ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")


def use_console() -> None:
    """Let a character that the console cannot show, or a console that is closed, be no error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, until the process ends
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def use_settings() -> None:
    """Draw into files, whatever other program, such as a notebook, the variables of matplotlib were set for."""
    if "matplotlib" not in sys.modules:
        os.environ["MPLBACKEND"] = "agg"
    # It warns of a folder for its settings that cannot be written, and is only slower without.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def why_no_platform() -> str | None:
    """Why JAX computes nothing, if that is because the environment asks for a platform that is not there."""
    asked = [f"{name}={os.environ[name]}" for name in PLATFORMS if os.environ.get(name)]
    if not asked or "jax" not in sys.modules:
        return None
    import jax

    try:
        jax.devices()
    except Exception:  # whatever a platform makes of it
        return (
            f"JAX has no such platform here: {' and '.join(asked)} in the environment. Unset it, or set it to cpu; a "
            "GPU needs a jaxlib that was built for it."
        )
    return None
