"""Directories as eicon 0.1.0 left them, and networks as it drew them; run with that eicon in a process of its own.

``python old_directories.py OUT CONNECTOME`` makes the file CONNECTOME, ``OUT/run``, ``OUT/sweep`` and, for each of the
three templates of bio_rnn_mem, ``OUT/NAME.ini``, the sweeps ``OUT/NAME`` and ``OUT/NAME.published``, and their
untrained networks ``OUT/NAME.npz`` and ``OUT/NAME.published.npz``; as published, the first template alone is trained.
With ``--long``, CONNECTOME is the name of one that is there, and the templates alone are trained, as long as
published, five times each.
"""

import sys
from pathlib import Path

import numpy as np
from eicon.experiments._sweep_run import make_network

from eicon.connectomes import Connectome
from eicon.experiments import create_run, create_sweep, parse_config, parse_sweep, read_sweep, run_sweep, train_run

RUN = """
seed = 2
[task]
name = "PerceptualDecision"
stimulus = 400.0
[network]
n_rec = 12
sigma_rec = 0.0
sigma_in = 0.0
[training]
steps = 30
batch_size = 8
validate_every = 15
validation_repeats = 2
[[training.regularizers]]
kind = "rate"
strength = 0.01
"""
SWEEP = """
seed = 4
[connectome]
name = "{connectome}"
neurons = 2
[task]
name = "SequenceMemory"
pattern_length = 2
[network]
signs = "dale"
init = "xavier"
[training]
learning_rate = 0.01
epochs = 6
repeats = 1
n_trials = 20
batch_size = 10
store_every = 2
[grid]
training.clip_norm = [0, 1]
network.spectral_radius = [0.0, 0.5]
"""
INI = """[paths]
path_to_network =
path_to_results =
pretrained =
[net]
net_name = {connectome}
rnn_size = {regions}
nr_neurons = 4
rand_partition = True
random_w = {random}
[trainvalidate]
epochs = {epochs}
iterations = {iterations}
init = {init}
freeze_layer = False
remap_w = True
[trialparams]
trial_params = {trials}
[combosparams]
combos_params = {{"lr":[{rate}], "nonlinearity":["relu","tanh"], "optimizer":["{optimizer}"], {last}}}
[pretrainedparams]
pretrained_epoch = 0
pretrained_iteration = 0
"""
TEMPLATES = {
    "seq": {
        "trials": '{"task_name":"seq_mem", "nr_of_trials":100, "train_size":0.8}',
        "last": '"pattern_length": [3]',
        **{"optimizer": "Adam", "init": "default", "random": False},
    },
    "nback": {
        "trials": '{"task_name":"nback_mem", "nr_of_trials":100, "trial_length":5, "train_size":0.8}',
        "last": '"n_back": [2]',
        **{"optimizer": "RMSprop", "init": "xavier", "random": True},
    },
    "pic_latent": {
        "trials": '{"task_name":"pic_latent_mem", "nr_of_trials":100, "trial_length":5, "rescale":True}',
        "last": '"n_back": [2]',
        **{"optimizer": "SGD", "init": "he", "random": False},
    },
}
"""As published, but for the connectome, the length and a grid of two networks."""
SHORT = {"regions": 6, "epochs": 50, "iterations": 1, "rate": 0.0001}
LONG = {"regions": 55, "epochs": 300, "iterations": 5, "rate": 0.001}
"""On the marmoset, as published."""


def untrained(path: Path, config: object) -> dict[str, np.ndarray]:
    """Weights of the untrained networks of a sweep, by the number of the run."""
    found = {}
    for number, run in enumerate(create_sweep(path, config).runs()):
        net, _ = make_network(run, run.settings.make_task())
        found |= {f"{number}/{name}": np.asarray(getattr(net, name)) for name in ("W_rec", "W_in", "W_out")}
    return found


def train(out: Path, connectome: Path) -> None:
    """Train the templates to their end, in ``OUT/NAME``."""
    for name, words in TEMPLATES.items():
        ini = out / f"{name}.ini"
        ini.write_text(INI.format(connectome=connectome, **words, **LONG))
        run_sweep(create_sweep(out / name, read_sweep(ini)), workers=0, progress=False)


def main(out: Path, connectome: Path) -> None:
    rng = np.random.default_rng(0)
    weights = rng.random((6, 6)) * (rng.random((6, 6)) < 0.7) * (1 - np.eye(6))
    Connectome(weights, tuple("ABCDEF"), name="small", species="none").save(connectome)
    train_run(create_run(out / "run", parse_config(RUN)), progress=False)
    run_sweep(create_sweep(out / "sweep", parse_sweep(SWEEP.format(connectome=connectome))), workers=0, progress=False)
    for name, words in TEMPLATES.items():
        ini = out / f"{name}.ini"
        ini.write_text(INI.format(connectome=connectome, **words, **SHORT))
        for compat, kind in (("", ""), ("bio_rnn_mem", ".published")):
            path = out / f"{name}{kind}"
            config = read_sweep(ini, compat=compat)
            np.savez(out / f"{name}{kind}.npz", allow_pickle=False, **untrained(path, config))
            if name == "seq" or not compat:
                run_sweep(create_sweep(path, config), workers=0, progress=False)


if __name__ == "__main__":
    (train if sys.argv[3:] == ["--long"] else main)(Path(sys.argv[1]), Path(sys.argv[2]))
