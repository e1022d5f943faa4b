"""With JAX_ENABLE_X64=1 a network is in double precision all the way: trials, training, its record, its file."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.battery

SCRIPT = """
import json, sys
import jax, numpy as np
import eicon
from eicon.models import Drive, Leaky, Plastic, RateRNN
from eicon.training import Fixed, HessianFree, RatePenalty, Sampled, Trainer, VanishingGradient, split_trials

task = eicon.PerceptualDecision.variable(coherence=(12.8, 51.2))
folder, found = sys.argv[1], {}
NOISE = {"sigma_rec": 0.1, "sigma_in": 0.05, "seed": 1}
TRAINED = ("recurrent", "input", "readout", "tau", "gain", "U", "bias", "x0")

def plain():
    return RateRNN.dale(2, 8, 2, bias=True, train_x0=True, **NOISE)

def plastic():
    return RateRNN.dale(2, 8, 2, cell=Plastic(Leaky("softplus", gain=True)), train=TRAINED, **NOISE)

def trainer(net):
    penalties = [RatePenalty(0.1)] + ([VanishingGradient()] if isinstance(net.cell, Leaky) else [])
    made = Trainer(net, task, batch_size=4, validation_repeats=1, penalties=penalties)
    return made, made.fit(3, validate_every=1, progress=False)

def epochs(net):
    trials = split_trials(task.sample(eicon.key(0), 12), 0.5, key=eicon.key(1))
    made = Trainer(net, task, trials=Fixed(*trials, batch_size=4))
    return made, made.fit(6, progress=False)

def hessian_free(net):
    learner = HessianFree(max_cg_iterations=3, n_probes=1)
    made = Trainer(net, task, learner=learner, trials=Sampled(4), validation_repeats=1)
    return made, made.fit(3, validate_every=1, progress=False)

def precise(tree):
    "Types of all real numbers, and whether there are any that single precision does not have."
    reals = [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
    reals = [leaf for leaf in reals if leaf.dtype.kind == "f"]
    assert reals
    finer = any((leaf[np.isfinite(leaf)] != leaf[np.isfinite(leaf)].astype(np.float32)).any() for leaf in reals)
    return sorted({str(leaf.dtype) for leaf in reals}), finer

for train in (trainer, epochs, hessian_free):
    for make in (plain, plastic):
        net, name = make(), f"{train.__name__}, {make.__name__}, "
        made, history = train(net)
        found[name + "parameters"] = precise(net.parameters())
        found[name + "network"] = precise(net.network)
        for curve in ("loss", "validation_loss", "grad_norm"):
            found[name + curve] = precise(history[curve])
        made.save_checkpoint(folder + "/checkpoint.npz")
        made.resume(folder + "/checkpoint.npz")
        found[name + "resumed"] = precise(net.parameters())
        net.save(folder + "/net.npz")
        back = eicon.load(folder + "/net.npz")
        found[name + "file"] = precise(back.network)
        for before, after in zip(jax.tree.leaves(net.network), jax.tree.leaves(back.network), strict=True):
            assert np.asarray(before).tobytes() == np.asarray(after).tobytes()
        trial = task.sample(eicon.key(0), 4)
        assert trial.inputs.dtype == trial.targets.dtype == trial.mask.dtype == np.float64
        found[name + "activity"] = precise(net.predict(trial.inputs, key=eicon.key(0)))
        found[name + "perturbed"] = precise(net.perturb(trial, Drive("E", 0.1), key=eicon.key(0)))
        found[name + "one step"] = precise((net.update(trial.inputs[0, :1]), net.state))
print(json.dumps(found))
"""


@pytest.mark.parametrize("switched", ["by the environment", pytest.param("by JAX", marks=pytest.mark.battery)])
def test_everything_is_in_double_precision(switched, tmp_path):
    script = SCRIPT
    environment = {**os.environ, "JAX_ENABLE_X64": "1"}
    if switched == "by JAX":
        del environment["JAX_ENABLE_X64"]
        script = f"import jax\njax.config.update('jax_enable_x64', True)\n{SCRIPT}"
    process = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600.0,
    )
    assert process.returncode == 0, process.stderr[-4000:]
    found = json.loads(process.stdout.splitlines()[-1])
    assert len(found) > 50
    wrong = {name: what for name, what in found.items() if what != [["float64"], True]}
    assert not wrong
