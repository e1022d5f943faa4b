"""Files as users write them, trained on real tasks, and everything that eicon does with a network done with theirs."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eicon
from eicon import studies
from eicon.models import Cut, Drive, Leaky, Silence

from . import low_rank_memory, tired

pytestmark = pytest.mark.battery

HERE = Path(__file__).parent
FILES = [HERE / "tired.py", HERE / "low_rank_memory.py"]
PUBLIC = {"eicon", "eicon.models", "eicon.models.cells", "jax.numpy", "dataclasses"}
KEY = jax.random.key(0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_users_files_use_public_names_alone(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module)
            if node.module.startswith("eicon"):
                offered = dir(sys.modules[node.module])
                assert all(alias.name in offered for alias in node.names)
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), node.attr
        elif isinstance(node, ast.Name):
            assert not node.id.startswith("_"), node.id
    assert imported <= PUBLIC
    assert {"eicon", "dataclasses"} < imported


@pytest.mark.parametrize(("path", "name"), [(FILES[0], "Tired"), (FILES[1], "SlowSynapse")])
def test_a_cell_takes_few_lines(path, name):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    cell = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    code = [node for part in cell.body for node in ast.walk(part) if isinstance(node, ast.Return | ast.Assign)]
    assert len(code) <= 10


def test_a_file_may_be_a_script_and_a_module():
    """Its activation is then defined twice, by one function."""
    source = FILES[0].read_text(encoding="utf-8")
    again, first = {"__name__": "__main__"}, tired.elu().function
    exec(compile(source, FILES[0], "exec"), again)  # noqa: S102
    try:
        assert again["elu"](alpha=2.0).to_dict() == tired.elu(alpha=2.0).to_dict()
    finally:
        eicon.models.activation(first)


def test_a_name_that_another_file_has_given_is_refused():
    def relu(x):
        return x

    with pytest.raises(ValueError, match="'relu' is already defined in eicon.*; rename this function"):
        eicon.models.activation(relu)


# Units that tire, with Dale's law, time constants and gains that are trained


@pytest.fixture(scope="module")
def task():
    return eicon.PerceptualDecision()


@pytest.fixture(scope="module")
def trained(task):
    return tired.train(task, n=25, steps=150)


@pytest.fixture(scope="module")
def net(trained):
    return trained[0]


@pytest.fixture(scope="module")
def trial(task):
    return task.trials(2, key=KEY)


def test_tired_units_learn_to_decide(trained):
    _, history = trained
    assert history.loss[-10:].mean() < 0.2 * history.loss[:10].mean()
    assert history.validation_accuracy[-1] > 0.75


def test_time_constants_and_gains_are_trained_and_legal(net):
    for name, initial in (("tau", 100.0), ("gain", 1.0)):
        found = net.parameter(name)
        assert found.std() > 0.02 * initial
        assert (np.abs(found / initial - 1) > 1e-3).all()
    assert (net.tau >= net.dt).all()
    assert (net.parameter("gain") > 0).all()
    certificate = eicon.verify(net)
    assert certificate.ok
    assert (certificate.n_excitatory, certificate.n_inhibitory) == (20, 5)
    assert (np.asarray(net.W_rec)[:20] >= 0).all()
    assert (np.asarray(net.W_rec)[20:] <= 0).all()


def test_it_prints_in_three_lines(net):
    lines = repr(net).splitlines()
    assert len(lines) == 3
    assert "25 units (20 E, 5 I)" in lines[0]
    assert "Tired(activation=" in lines[1]
    assert "gain" in lines[2]
    assert "tau" in lines[2]


def test_fixed_points_of_all_variables(net, task):
    found = studies.dynamics_of(net, task, key=KEY, epoch="stimulus", candidates=30, max_steps=60)
    points = found.points.positions
    assert points.shape[1] == 2 * net.n_rec
    assert found.points.counts().get("stable", 0) >= 1
    fixed = points[np.asarray(found.points.q) < 1e-8]
    assert len(fixed)
    step = net.held(found.held.inputs)
    with jax.enable_x64(True):
        np.testing.assert_allclose(step(fixed), fixed, atol=1e-3)
    a, x = np.split(fixed, 2, axis=1)
    rates = net.network.rate({"x": jnp.asarray(x, jnp.float32), "a": jnp.asarray(a, jnp.float32)})
    np.testing.assert_allclose(rates, a, atol=0.02)  # at rest, the trace is the rate


def test_lyapunov_exponents(net, task):
    found = studies.exponents_of(net, task, key=KEY, n_exponents=3, n_steps=300)
    assert found.autonomous.exponents.shape == found.driven.shape == (3,)
    assert np.isfinite(found.driven).all()
    assert found.autonomous.exponents[0] < 0.01


def test_condensation(net, trial):
    small = studies.condense_network(net, trial.inputs, 15, mask=trial.inside)
    assert small.net.cell == net.cell
    assert small.net.n_rec == 15
    assert eicon.verify(small.net).ok
    assert small.condensation.measured_error < 0.5
    assert set(small.net.parameter("gain")) <= set(net.parameter("gain"))


def test_perturbations(net, task, trial):
    named = {
        "no inhibition": [Silence("I", epoch="stimulus")],
        "drive": [Drive([0, 1], 0.5)],
        "cut": [Cut("E", "I", epoch="decision")],
    }
    effects = studies.perturbation_effects(net, task, named, repeats=2, key=KEY)
    assert [effect.name for effect in effects] == ["none", *named]
    assert len({effect.mean_rate for effect in effects}) == 4
    silenced = net.perturb(trial, *named["no inhibition"], key=KEY)
    during = np.asarray(trial.during("stimulus"))
    assert (np.asarray(silenced.rates)[during][:, 20:] == 0).all()
    assert set(silenced.states) == {"x", "a"}


def test_comparison(net, task):
    other, _ = tired.train(task, n=25, steps=1)
    found = studies.compare_networks(net, other, task, repeats=2)
    assert found.similarity["output_nrmse"] > 0.1
    itself = studies.compare_networks(net, net, task, repeats=2)
    assert itself.similarity["output_nrmse"] == 0


def test_finer_steps(net, task):
    rows = studies.dt_report(net, task, (20.0, 5.0), repeats=2)
    assert [row.dt for row in rows] == [20.0, 5.0]
    assert rows[1].mean_rate == pytest.approx(rows[0].mean_rate, rel=0.2)


def test_export_is_refused_in_one_line(net):
    with pytest.raises(ValueError, match=r"a network of Tired\(.*\) cannot be exported") as refusal:
        eicon.exchange.to_numpy(net)
    assert "\n" not in str(refusal.value)


def test_saved_and_loaded_without_and_with_the_file(net, trial, tmp_path):
    """In a fresh process, in which the file has not been imported or, later, is imported from elsewhere."""
    leaky = eicon.RateRNN.dale(2, 10, 2, cell=Leaky(tired.elu(alpha=0.5)))
    paths = {"tired": tmp_path / "tired.npz", "leaky": tmp_path / "leaky.npz"}
    for one, path in zip((net, leaky), paths.values(), strict=True):
        eicon.save(one, path)
        loaded = eicon.load(path)
        for ours, expected in zip(
            jax.tree.leaves(loaded.predict(trial.inputs, noise=False)),
            jax.tree.leaves(one.predict(trial.inputs, noise=False)),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, expected)
    np.save(tmp_path / "inputs.npy", trial.inputs)
    program = f"""
import sys
import numpy as np
import eicon
for name in ("tired", "leaky"):
    try:
        eicon.load(name + ".npz")
    except ValueError as error:
        print(error)
sys.path.insert(0, {str(HERE)!r})
import tired
for name in ("tired", "leaky"):
    net = eicon.load(name + ".npz")
    np.save(name + ".npy", net.predict(np.load("inputs.npy"), noise=False).outputs)
print(type(eicon.load("tired.npz").cell) is tired.Tired)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(eicon.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    by_cell, by_activation, same = done.stdout.splitlines()
    assert re.fullmatch(
        r".*tired.npz was saved with the cell Tired of the module .*; "
        r"import the file that defines it first \(tired.py\)\.",
        by_cell,
    )
    assert re.fullmatch(
        r".*leaky.npz was saved with activation 'elu', which is not registered; "
        r"import the file that defines it first \(tired.py\)\.",
        by_activation,
    )
    assert same == "True"
    for one, path in zip((net, leaky), paths.values(), strict=True):
        expected = one.predict(trial.inputs, noise=False).outputs
        np.testing.assert_allclose(np.load(path.with_suffix(".npy")), expected, rtol=1e-5, atol=1e-5)


# Two variables for each unit, and connections of low rank


@pytest.fixture(scope="module")
def flips():
    return eicon.tasks.FlipFlop(n_bits=1)


@pytest.fixture(scope="module")
def remembers(flips):
    return low_rank_memory.train(flips, n=30, steps=100)


def test_slow_synapses_of_low_rank_learn_to_remember(remembers):
    net, history = remembers
    assert history.loss[-10:].mean() < 0.1 * history.loss[:10].mean()
    assert history.validation_accuracy[-1] > 0.9
    assert np.linalg.matrix_rank(net.W_rec) == 2
    assert {"left_rec", "right_rec", "tau", "tau_s"} < net.trainable_variables().keys()
    for name, initial in (("tau", 50.0), ("tau_s", 80.0)):
        assert (np.abs(net.parameter(name) - initial) > 1e-2).all()
        assert (net.parameter(name) >= net.dt).all()
    assert eicon.verify(net).ok


def test_a_memory_is_two_stable_states(remembers, flips):
    net, _ = remembers
    found = studies.dynamics_of(net, flips, key=KEY, candidates=40, max_steps=60)
    assert found.points.counts()["stable"] == 2
    stable = (found.points.kind == "fixed") & (found.points.n_unstable == 0)
    s, x = np.split(found.points.positions[stable], 2, axis=1)
    np.testing.assert_allclose(s, np.tanh(x), atol=1e-3)
    np.testing.assert_allclose(np.sort(found.outputs[stable, 0]), [-1, 1], atol=0.3)


def test_a_memory_is_saved_and_condensed(remembers, flips, tmp_path):
    net, _ = remembers
    net.save(tmp_path / "net.npz")
    loaded = eicon.load(tmp_path / "net.npz")
    trial = flips.trials(1, key=KEY)
    np.testing.assert_array_equal(loaded.predict(trial.inputs).outputs, net.predict(trial.inputs).outputs)
    assert loaded.constants == net.constants
    small = studies.condense_network(net, trial.inputs, 8, mask=trial.inside)
    assert small.net.n_rec == 8
    assert eicon.verify(small.net).ok
