import shutil

import matplotlib.pyplot as plt
import pytest

from eicon.reproduce.song2016 import reproduce


@pytest.fixture(scope="session")
def quick(once, tmp_path_factory):
    """Two quick networks of figure 9, trained and drawn; tests must not change it."""

    def fill(folder):
        open_before = plt.get_fignums()
        reproduce(folder / "quick", [9], seeds=1, quick=True, workers=0, progress=False)
        assert plt.get_fignums() == open_before

    return shutil.copytree(once("song2016", fill) / "quick", tmp_path_factory.mktemp("suite") / "quick")
