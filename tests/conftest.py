"""Shared by all rooms: silent broadcasting is refused, and float64 is a fixture."""

import signal
from collections.abc import Iterator

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def x64() -> Iterator[None]:
    """Run the test in float64."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def interrupts_raise() -> Iterator[None]:
    """SIGINT raises here and in child processes; a shell's background jobs would ignore it and pass that on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
