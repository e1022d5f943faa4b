import pytest

from eicon.experiments import analyze_run, create_run, parse_config, train_run

TINY = """
seed = 3
[network]
n_rec = 20
[training]
steps = 60
batch_size = 16
learning_rate = 0.01
validate_every = 20
validation_repeats = 5
checkpoint_every = 20
"""


@pytest.fixture(scope="session")
def tiny_toml():
    return TINY


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """A trained and analysed run; tests must not change it."""
    run = create_run(tmp_path_factory.mktemp("runs") / "tiny", parse_config(TINY))
    train_run(run, progress=False)
    return run, analyze_run(run, repeats=10)
