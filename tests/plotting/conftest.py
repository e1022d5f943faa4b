from collections.abc import Iterator

import matplotlib
import pytest


@pytest.fixture(autouse=True)
def agg() -> Iterator[None]:
    """Draw without a screen, and leave no figure behind."""
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    plt.switch_backend("Agg")
    yield
    plt.close("all")
    plt.switch_backend(before)
