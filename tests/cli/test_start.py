"""Commands that need no network import nothing heavy: what is wrong is told at once."""

import json
import subprocess
import sys

import pytest

HEAVY = ("jax", "brainpy", "sklearn", "matplotlib", "dask", "pandas", "scipy", "xarray", "tqdm", "jinja2")
CHECKED = ("pydantic", "numpy")
CODE = f"""
import json, sys
from eicon.cli import main
try:
    main(sys.argv[1:], prog_name="eicon")
except SystemExit as end:
    found = [name for name in {(*HEAVY, *CHECKED)} if name in sys.modules]
    print(json.dumps([end.code, found]))
"""
FILES = {
    "misspelt.toml": '[network]\nactivation = "relu"\nsigma = 0.1\n',
    "misspelt_penalty.toml": '[[training.regularizers]]\nkind = "rate"\nstrenth = 1.0\n',
    "sweep.toml": '[network]\ninit = "he"\nspectral = 1.0\n',
    "grid.toml": '[network]\ninit = "he"\n[grid]\nnetwork.activatoin = ["relu"]\n',
    "config.ini": "[net]\nnet_nam = celegans\n",
    "run/config.toml": "[training]\nstep = 10\n",
    "recipe.toml": "format = 2\n[learner]\nlearning_rat = 0.1\n",
    "no_format.toml": "[learner]\nlearning_rate = 0.1\n",
}
COMMANDS = {
    "--help": (0, "Train excitatory-inhibitory", set()),
    "--version": (0, "version", set()),
    "train --help": (0, "Train a network", set()),
    "analyze missing": (1, "there is no run directory missing.", set()),
    "report missing": (1, "there is no run directory missing.", set()),
    "explore missing": (1, "there is no run directory missing.", set()),
    "condense missing --to 10": (1, "there is no run directory missing.", set()),
    "perturb missing --silence I": (1, "there is no run directory missing.", set()),
    "perturb missing": (2, "give at least one of --silence, --drive and --cut.", set()),
    "dt-report missing": (1, "there is no run directory missing.", set()),
    "export missing --to mat": (1, "there is no run directory missing.", set()),
    "compare a b": (1, "there is no run directory a.", set()),
    "train --resume missing": (1, "there is no run directory missing.", set()),
    "train missing.toml": (1, "there is no recipe missing.toml.", set()),
    "train sweep.toml --out run": (1, "run already exists and is not empty", set()),
    "demo --out grid.toml": (1, "grid.toml already exists and is not empty", set()),
    "train misspelt.toml": (1, "network.sigma: unknown key; allowed: dale, n_rec", {"pydantic"}),
    "train misspelt_penalty.toml": (
        1,
        "training.regularizers.0.rate.strenth: unknown key; allowed: kind, strength.",
        {"pydantic"},
    ),
    "analyze run": (1, "training.step: unknown key; allowed: stop, ", {"pydantic"}),
    "train recipe.toml": (1, "learner.learning_rat: unknown key; allowed: optimizer, learning_rate", {"pydantic"}),
    "train no_format.toml": (
        1,
        "without it, the file is read as one of eicon 0.1.0, which has no table [learner]",
        {"pydantic"},
    ),
    "recipe --explain missing.toml": (1, "there is no recipe missing.toml.", set()),
    "recipe --explain": (2, "--explain needs RECIPE.", set()),
    "sweep missing.toml": (1, "there is no recipe missing.toml.", set()),
    "sweep sweep.toml": (1, "network.spectral: unknown key; allowed: activation, init", {"pydantic"}),
    "sweep grid.toml": (1, "grid: network.activatoin: unknown key; allowed: activation, init", {"pydantic"}),
    "sweep config.ini": (1, "[net] net_nam: unknown key; allowed: net_name", {"pydantic"}),
    "plot missing": (1, "there is no directory missing; eicon plot takes directories of sweeps, or of runs.", set()),
    "reproduce song2016 --figure 10": (1, "there is no figure 10; allowed: 1, 2, 3", {"numpy"}),
    "connectomes list": (0, "celegans", {"numpy"}),
    "completion bash": (0, "_EICON_COMPLETE", set()),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("start")
    for name, text in FILES.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text(text)
    return path


@pytest.mark.parametrize("words", COMMANDS)
def test_nothing_heavy_is_imported(words, folder):
    code, said, may = COMMANDS[words]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words.split()], cwd=folder, capture_output=True, text=True, check=True
    )
    ended, imported = json.loads(done.stdout.splitlines()[-1])
    assert ended == code
    assert said in " ".join((done.stdout + done.stderr).split())
    assert set(imported) <= may
