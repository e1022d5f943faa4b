from importlib import resources

import numpy as np
import pytest

from eicon.models import RateRNN, verify
from eicon.runs import ConfigError, parse_config, read_config
from eicon.runs._config import demo_config
from eicon.runs.results import RunConfig
from eicon.tasks import TruncatedExponential
from eicon.tasks._table import TASKS
from eicon.training import (
    OPTIMIZERS,
    AccuracyReached,
    Curriculum,
    Gradient,
    LossReached,
    Patience,
    RatePenalty,
    Sampled,
    VanishingGradient,
)
from eicon.training.results import History
from studies import starts


def test_defaults_are_a_whole_configuration():
    task = parse_config("").make_task()
    assert type(task).__name__ == "PerceptualDecision"
    assert parse_config('[network]\nstart = "slow"') == RunConfig()


@pytest.mark.parametrize("text", ["", "[network]\nn_rec = 50\n"])
def test_a_file_that_names_no_start_was_written_for_0_1_0(text, caplog):
    config = parse_config(text, "old.toml")
    assert (config.network.start, config.network.spectral_radius) == ("balanced", 1.5)
    assert "old.toml: the network starts as in eicon 0.1.0" in caplog.text
    assert config.make_network(config.make_task()).b_out is None
    caplog.clear()
    assert parse_config(config.to_toml()) == config
    assert not caplog.text


def test_a_configuration_made_in_python_starts_as_networks_do(caplog):
    config = RunConfig()
    assert (config.network.start, config.network.spectral_radius) == ("slow", None)
    assert parse_config(config.to_toml()) == config
    assert not caplog.text
    assert config.make_network(config.make_task()).b_out is not None
    assert parse_config("[network]\nspectral_radius = 1.2").network.start == "balanced"


def test_a_radius_beside_a_slow_start_is_refused():
    config = parse_config('[network]\nstart = "slow"\nspectral_radius = 1.2')
    with pytest.raises(ValueError, match="got spectral_radius 1.2 beside it"):
        config.check()


@pytest.mark.parametrize("name", starts.SETTINGS)
def test_shipped_configurations_have_the_settings_that_tasks_need(name, caplog):
    folder = resources.files("eicon.runs").joinpath("configs")
    files = [parse_config(file.read_text(), file.name) for file in folder.iterdir() if "bio_vs" not in file.name]
    (config,) = [config for config in files if config.task["name"] == name]
    assert not caplog.text
    settings = {key: getattr(config.network, key) for key in starts.SETTINGS[name]}
    assert settings == starts.SETTINGS[name]
    assert config.network.start == "slow"
    for setting in settings:
        assert f"{setting}=" in TASKS[name].__doc__


def test_toml_round_trip_keeps_everything():
    config = parse_config(
        """
        seed = 7
        [task]
        name = "PerceptualDecision"
        dt = 10.0
        coherence = [4.0, 8.0]
        coherence_scale = "dots"
        stimulus = {mean = 330, min = 80, max = 1500}
        [network]
        activation = "softplus"
        [training]
        clip_norm = false
        stop_accuracy = 0.85
        [[training.regularizers]]
        kind = "rate"
        strength = 0.1
        """
    )
    assert config.training.clip_norm is None
    assert parse_config(config.to_toml()) == config
    task = config.make_task()
    assert task.stimulus == TruncatedExponential(330.0, 80.0, 1500.0)
    assert task.coherence == (4.0, 8.0)


def test_settings_reach_network_and_trainer():
    config = parse_config(
        """
        seed = 5
        [network]
        n_rec = 12
        e_ratio = 0.5
        tau = 50.0
        sigma_rec = 0.3
        [training]
        batch_size = 4
        optimizer = "sgd"
        learning_rate = 0.5
        [[training.regularizers]]
        kind = "weight"
        power = 1
        strength = 2.0
        """
    )
    task = config.make_task()
    net = config.make_network(task)
    trainer = config.make_trainer(net, task)
    assert (net.n_rec, int(net.is_excitatory.sum()), net.sigma_rec, set(net.tau)) == (12, 6, 0.3, {50.0})
    assert trainer.trials == Sampled(4)
    assert trainer.learner == Gradient("sgd", 0.5)
    assert (trainer.penalties[0].power, trainer.penalties[0].strength) == (1, 2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nlearning_rte = 1", r"training\.learning_rte: unknown key; allowed: steps, batch_size"),
        ("[network]\nn_recs = 1", r"network\.n_recs: unknown key; allowed: dale, n_rec, e_ratio"),
        ("sed = 1", r"sed: unknown key; allowed: seed, task, network, training"),
        ("[network]\nn_rec = 'many'", r"network\.n_rec: .*valid integer.*got 'many'"),
        ("[network]\ne_ratio = 1.2", r"network\.e_ratio: .*less than 1; got 1\.2"),
        ("[network]\nsigma_rec = -0.1", r"network\.sigma_rec: .*greater than or equal to 0; got -0\.1"),
        ("[network]\nactivation = 'rellu'", r"network\.activation: .*'relu', 'tanh'.*got 'rellu'"),
        ("[training]\noptimizer = 'lion'", r"training\.optimizer: .*'adam'.*got 'lion'"),
        (
            "[[training.regularizers]]\nkind = 'size'\nstrength = 1",
            r"training\.regularizers.*'weight', 'rate', 'vanishing_gradient'",
        ),
        (
            "[[training.regularizers]]\nkind = 'vanishing_gradient'\nbuond = 1",
            r"buond: unknown key; allowed: kind, strength, bound",
        ),
        ("[[training.regularizers]]\nkind = 'vanishing_gradient'\nbound = -1", r"bound: .*or equal to 0; got -1"),
        ("[network]\ndistribution = 'beta'", r"network\.distribution: .*'gamma', 'lognormal', .*; got 'beta'"),
        ("[training]\nstop_worst_accuracy = 1.1", r"training\.stop_worst_accuracy: .*or equal to 1; got 1\.1"),
        ("[training]\nlearning_rate = -1", r"training\.learning_rate: .*greater than 0; got -1"),
        (
            "[training]\nlearning_rate = {schedule = 'linear'}",
            r"learning_rate: unknown schedule 'linear'; allowed: warm",
        ),
        (
            "[training]\nlearning_rate = {schedule = 'cosine', rate = 0.1, stesp = 5}",
            r"learning_rate: schedule 'cosine' has no 'stesp'; allowed: schedule, rate, steps, warm_up, end",
        ),
        ("[training]\nlearning_rate = {schedule = 'cosine', rate = 0.1}", r"learning_rate\.steps: Field required"),
        ("[training]\nrestore = 'first'", r"training\.restore: .*'last' or 'best'; got 'first'"),
        ("[training]\npatience = 0", r"training\.patience: .*or equal to 1; got 0"),
        ("[training]\nstop = 'soon'", r"training\.stop: .*'criterion'; got 'soon'"),
        ("[[stages]]\ntask = {fixation = 200.0}", r"stage 0 of a curriculum has no criterion"),
        ("[[stages]]\ntask = {fixatoin = 1.0}\nstop_accuracy = 0.9", r"task\.fixatoin: unknown key"),
        ("[[stages]]\nstop_acuracy = 0.9", r"stages\.0\.stop_acuracy: unknown key; allowed: task, stop, stop_accuracy"),
        ("[training]\nstop_loss = 0.0", r"training\.stop_loss: .*greater than 0; got 0\.0"),
        (
            "[[network.populations]]\nnme = 'E'\nn = 100",
            r"network\.populations\.0\.name: Field required.*network\.populations\.0\.nme: unknown key; "
            r"allowed: name, n, type, area",
        ),
        ("[[network.populations]]\nname = 'E'\nn = 0", r"network\.populations\.0\.n: .*or equal to 1; got 0"),
        (
            "[[network.populations]]\nname = 'E'\nn = 100\ntype = 'e'",
            r"network\.populations\.0\.type: .*'E', 'I' or ''; got 'e'",
        ),
        (
            "[[network.populations]]\nname = 'E'\nn = 60",
            r"network: n_rec is 100, but the populations have 60 units together",
        ),
        (
            "[[network.input]]\nsource = 'E'",
            r"network: recurrent, input and readout list projections between populations; there are none",
        ),
        ("[[network.recurrent]]\ndensity = 0.0", r"network\.recurrent\.0\.density: .*greater than 0; got 0\.0"),
        ("[[network.readout]]\nfrom = 'E'", r"readout\.0\.from: unknown key; allowed: source, target, density, weight"),
        ("[[training.regularizers]]\nkind = 'rate'\nstrenth = 1", r"strenth: unknown key; allowed: kind, strength"),
        ("task = {name = 'Chess'}", r"task\.name: got 'Chess'; allowed: PerceptualDecision"),
        ("task = {name = 'PerceptualDecision', coherance = [1.0]}", r"task\.coherance: unknown key; allowed: name, dt"),
        ("task = {name = 'PerceptualDecision', coherence = []}", r"the task is empty: coherence holds no level"),
        ("task = {name = 'PerceptualDecision', dt = 'x'}", r"task\.dt: .*valid number.*got 'x'"),
        ("task = {name = 'PerceptualDecision', fixation = 5.0}", r"fixation of 5 ms is empty"),
        ("seed = \n[network]", r"not valid TOML.*line 1"),
    ],
)
def test_bad_configurations_name_the_key(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(text)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(ConfigError, match="there is no configuration file"):
        read_config(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        read_config(tmp_path / "binary.toml")


def test_nothing_in_a_configuration_is_evaluated(tmp_path):
    marker = tmp_path / "ran"
    with pytest.raises(ConfigError):
        parse_config(f"seed = \"__import__('pathlib').Path('{marker}').touch()\"")
    assert not marker.exists()


def test_demo_configuration_is_the_song_network():
    config = demo_config(seed=4)
    assert (config.seed, config.network.sigma_rec, config.network.e_ratio) == (4, 0.15, 0.8)
    assert 50 <= config.network.n_rec <= 100


AREAS = """
seed = 3
[network]
n_rec = 14
spectral_radius = 0.8
bias = true
distribution = "uniform"
positive = "softplus"
[[network.populations]]
name = "sensory E"
n = 6
type = "E"
area = "S"
[[network.populations]]
name = "motor E"
n = 5
type = "E"
area = "M"
[[network.populations]]
name = "I"
n = 2
type = "I"
[[network.populations]]
name = "free"
n = 1
[[network.recurrent]]
source = "sensory E"
[[network.recurrent]]
source = "motor E"
target = "sensory E"
density = 0.2
[[network.recurrent]]
source = "I"
target = "[ms]*"
weight = 0.25
[[network.input]]
source = "evidence for 0"
target = "sensory E"
[[network.input]]
source = "evidence for 1"
target = "I"
[[network.readout]]
source = "motor E"
target = "choice 1"
"""


def test_populations_and_projections_reach_the_network():
    config = parse_config(AREAS)
    assert parse_config(config.to_toml()) == config
    net = config.make_network(config.make_task())
    names = ["sensory E"] * 6 + ["motor E"] * 5 + ["I"] * 2 + ["free"]
    assert net.units["population"].tolist() == names
    assert net.units["area"].tolist() == ["S"] * 6 + ["M"] * 5 + [""] * 3
    assert net.units["type"].tolist() == ["E"] * 11 + ["I"] * 2 + [""]
    w_rec, w_in, w_out = (np.asarray(w) for w in (net.W_rec, net.W_in, net.W_out))
    assert (w_rec[:6] != 0).tolist() == (~np.eye(14, dtype=bool)[:6]).tolist()
    assert (w_rec[6:11, :6] != 0).sum() == 6
    assert not w_rec[6:11, 6:].any()
    assert (w_rec[11:13, :11] == -0.25).all()
    assert not w_rec[11:13, 11:].any()
    assert not w_rec[13].any()
    assert [np.flatnonzero(row).tolist() for row in w_in] == [list(range(6)), [11, 12]]
    assert [np.flatnonzero(column).tolist() for column in w_out.T] == [[], list(range(6, 11))]
    certificate = verify(net)
    assert certificate.ok
    assert certificate.spectral_radius == pytest.approx(0.8, rel=1e-5)
    assert net.recurrent.connectivity.positive == "softplus"
    assert net.b_rec is not None
    assert w_in[0, :6].max() < 2 / 1, "one source: uniform between 0 and 2"
    config.check()
    same = config.make_network(config.make_task())
    assert same.constants == net.constants
    assert same.raw_rec.value.tolist() == net.raw_rec.value.tolist()


def test_populations_without_projections_are_all_to_all():
    units = "populations = [{name = 'E', n = 8, type = 'E'}, {name = 'I', n = 2, type = 'I'}]"
    config = parse_config(f"[network]\nn_rec = 10\ndale = false\ne_ratio = 0.1\n{units}")
    assert parse_config(config.to_toml()) == config
    task = config.make_task()
    dale = RateRNN.dale(2, 10, 2, sigma_rec=0.15, sigma_in=0.01, spectral_radius=1.5, train_x0=True)
    found = config.make_network(task)
    assert found.recurrent.connectivity.digest == dale.recurrent.connectivity.digest
    assert found.input.connectivity.digest == dale.input.connectivity.digest
    assert (found.readout.connectivity.mask == dale.readout.connectivity.mask).all()


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("populations = [{name = '', n = 10}]", "a population needs a name"),
        ("populations = [{name = 'a', n = 5}, {name = 'a', n = 5}]", "two populations are called 'a'"),
        ("populations = [{name = 'a', n = 10}]\ninput = [{target = 'b'}]", "no population is called 'b'"),
        ("populations = [{name = 'a', n = 10}]\nrecurrent = [{weight = 0.0}]", "must be finite and not 0; got 0.0"),
    ],
)
def test_what_only_the_network_can_refuse_is_refused_by_the_check(listed, message):
    config = parse_config(f"[network]\nn_rec = 10\n{listed}")
    with pytest.raises(ValueError, match=message):
        config.check()


@pytest.mark.parametrize("kind", ["dale = true", "dale = false", "populations = [{name = 'a', n = 30}]"])
def test_distribution_reaches_every_kind_of_network(kind):
    sizes = {}
    for line in ("", "distribution = 'uniform'", "distribution = 'lognormal'"):
        config = parse_config(f"seed = 1\n[network]\nn_rec = 30\n{line}\n{kind}")
        assert parse_config(config.to_toml()) == config
        net = config.make_network(config.make_task())
        sizes[line] = np.abs(np.asarray(net.W_in)).ravel()
    uniform, lognormal = sizes["distribution = 'uniform'"], sizes["distribution = 'lognormal'"]
    assert uniform.max() / uniform.mean() < 2.6
    assert lognormal.max() / lognormal.mean() > 2.6
    assert (sizes[""] != uniform).all()


def test_vanishing_gradient_reaches_the_trainer():
    text = "[network]\nn_rec = 10\n[training]\nbatch_size = 4\nvalidation_repeats = 1\n"
    kinds = "kind = 'vanishing_gradient'", "kind = 'vanishing_gradient'\nstrength = 0.5\nbound = 1e-3"
    config = parse_config(text + "".join(f"[[training.regularizers]]\n{kind}\n" for kind in kinds))
    assert parse_config(config.to_toml()) == config
    task = config.make_task()
    trainer = config.make_trainer(config.make_network(task), task, penalties=[RatePenalty(0.1)])
    assert trainer.penalties == (VanishingGradient(2.0, 1e-20), VanishingGradient(0.5, 1e-3), RatePenalty(0.1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_and_schedules(name):
    config = parse_config(
        f"[network]\nn_rec = 5\n[training]\noptimizer = '{name}'\nvalidation_repeats = 1\n"
        "learning_rate = {schedule = 'cosine', rate = 0.01, steps = 100, warm_up = 10}"
    )
    assert parse_config(config.to_toml()) == config
    task = config.make_task()
    learner = config.make_trainer(config.make_network(task), task).learner
    table = {"schedule": "cosine", "rate": 0.01, "steps": 100, "warm_up": 10}
    assert learner == Gradient(name, table)


def test_how_often_to_validate_is_left_to_the_trainer():
    """But a file of version 0.1.0, which spells all out, keeps its meaning."""
    assert (parse_config("").training.validate_every, parse_config("").training.validation_repeats) == (None, None)
    stated = parse_config("[training]\nvalidate_every = 50\nvalidation_repeats = 20")
    assert (stated.training.validate_every, stated.training.validation_repeats) == (50, 20)
    task = stated.make_task()
    trainer = stated.make_trainer(stated.make_network(task), task)
    assert trainer._evaluations[0].trial.batch_size == 20 * task.n_conditions


def test_stages_come_before_the_task():
    config = parse_config(
        """
        [task]
        name = "DelayedMatchToSample"
        delay = 1000.0
        [training]
        stop = "criterion"
        patience = 7
        [[stages]]
        task = {delay = 200.0}
        stop_accuracy = 0.75
        stop_window = 2
        [[stages]]
        task = {delay = 500.0}
        stop = "criterion"
        """
    )
    assert parse_config(config.to_toml()) == config
    curriculum = config.make_curriculum()
    assert isinstance(curriculum, Curriculum)
    assert [stage.task.delay for stage in curriculum.stages] == [200.0, 500.0, 1000.0]
    good, bad = validated([0.75, 0.75], [0.0, 0.0], [1.0, 1.0]), validated([0.7, 0.75], [0.0, 0.0], [1.0, 1.0])
    first = curriculum.stages[0].criterion
    assert first(good)
    assert not first(bad)
    assert curriculum.stages[2].criterion is not None, "that of the last stage ends the training"
    assert config.stop_when() == (Patience(7),), "and no other stage"
    assert type(parse_config("").make_curriculum()).__name__ == "PerceptualDecision"


def test_the_criterion_of_the_task_itself():
    config = parse_config("[training]\nstop = 'criterion'")
    task, stop = config.make_task(), config.criterion()
    n = 5
    for accuracy in (task.criterion - 0.01, task.criterion):
        assert stop(validated([accuracy] * n, [accuracy] * n, [0.0] * n)) == (accuracy >= task.criterion)


def validated(accuracy, worst, loss):
    n = len(accuracy)
    return History().extended(
        validation_step=np.arange(n), validation_accuracy=accuracy, validation_worst=worst, validation_loss=loss
    )


def test_criteria_must_all_be_met():
    good, bad = [0.0, 0.75, 0.75], [0.75, 0.75, 0.5]
    few, many = [9.0, 0.125, 0.125], [0.125, 0.125, 0.25]
    assert parse_config("").criterion() is None
    assert parse_config("[training]\nstop_window = 2").criterion() is None
    for lines, reached in {
        "stop_accuracy = 0.75": lambda a, w, x: a,
        "stop_worst_accuracy = 0.75": lambda a, w, x: w,
        "stop_loss = 0.125": lambda a, w, x: x,
        "stop_accuracy = 0.75\nstop_loss = 0.125": lambda a, w, x: a and x,
        "stop_accuracy = 0.75\nstop_worst_accuracy = 0.75\nstop_loss = 0.125": lambda a, w, x: a and w and x,
    }.items():
        config = parse_config(f"[training]\nstop_window = 2\n{lines}")
        assert parse_config(config.to_toml()) == config
        stop = config.criterion()
        for a, w, x in np.ndindex(2, 2, 2):
            history = validated(good if a else bad, good if w else bad, few if x else many)
            assert stop(history) == bool(reached(a, w, x)), (lines, a, w, x)
        assert not stop(History())
        assert not stop(validated([1.0], [1.0], [0.0])), "the window is 2"


def test_criteria_have_the_default_window():
    stop = parse_config("[training]\nstop_worst_accuracy = 0.5\nstop_loss = 1.0").criterion()
    for n in (4, 5):
        history = validated([0.0] * n, [0.6] * n, [0.9] * n)
        alone = AccuracyReached(0.5, worst=True)(history), LossReached(1.0)(history)
        assert stop(history) == all(alone) == (n == 5)


FOLDER = resources.files("eicon.reproduce.song2016") / "configs"
SUITE = sorted((file for file in FOLDER.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)


def test_there_is_a_configuration_for_each_published_network():
    assert len(SUITE) >= 12
    assert {file.name for file in SUITE} >= {"rdm_dense.toml", "mante_areas.toml", "romo.toml", "lee.toml"}


@pytest.mark.parametrize("file", SUITE, ids=lambda file: file.name)
def test_published_configurations_make_networks_that_keep_their_constraints(file):
    config = parse_config(file.read_text(encoding="utf-8"), file.name)
    text = config.to_toml()
    assert parse_config(text) == config
    assert parse_config(text).to_toml() == text
    config.check()
    task = config.make_task()
    net = config.make_network(task)
    certificate = verify(net)
    assert certificate.ok, certificate.problems()
    assert certificate.spectral_radius == pytest.approx(config.network.spectral_radius, rel=1e-4)
    assert (net.n_in, net.n_rec, net.n_out, net.dt) == (task.n_in, config.network.n_rec, task.n_out, task.dt)
    assert (certificate.n_free == 0) == config.network.dale
    assert (certificate.matrices["recurrent"].autapses > 0) == (not config.network.dale)
    assert config.criterion() is not None


def test_areas_of_the_context_network_are_connected_as_in_the_paper():
    """Feedback is a fifth of the pairs, and inhibition does not leave its area (Song et al. 2016, fig. 6)."""
    file = next(file for file in SUITE if file.name == "mante_areas.toml")
    config = parse_config(file.read_text(encoding="utf-8"))
    net = config.make_network(config.make_task())
    there, name = np.asarray(net.W_rec) != 0, net.units["population"]
    count = {(a, b): int(there[np.ix_(name == a, name == b)].sum()) for a in set(name) for b in set(name)}
    for a, b in count:
        n_a, n_b = (name == a).sum(), (name == b).sum()
        if a.split()[0] == b.split()[0]:
            wanted = n_a * n_b - (n_a if a == b else 0)
        else:
            wanted = {"sensory E": n_a * n_b, "motor E": round(0.2 * n_a * n_b)}.get(a, 0)
        assert count[a, b] == wanted, (a, b)
    assert not np.asarray(net.W_in)[:, net.units["area"] == "motor"].any()
    assert set(np.flatnonzero(np.asarray(net.W_out).any(axis=1))) == set(np.flatnonzero(name == "motor E"))
