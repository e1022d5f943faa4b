import pytest

from eicon.experiments import ConfigError, RunConfig, demo_config, parse_config, read_config
from eicon.tasks import TruncatedExponential


def test_defaults_are_a_whole_configuration():
    task = parse_config("").make_task()
    assert type(task).__name__ == "PerceptualDecision"
    assert parse_config("") == RunConfig()


def test_toml_round_trip_keeps_everything():
    config = parse_config(
        """
        seed = 7
        [task]
        name = "PerceptualDecision"
        dt = 10.0
        coherence = [4.0, 8.0]
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
    assert trainer.batch_size == 4
    assert type(trainer.optimizer).__name__ == "SGD"
    assert (trainer.regularizers[0].power, trainer.regularizers[0].strength) == (1, 2.0)


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
        ("[[training.regularizers]]\nkind = 'size'\nstrength = 1", r"training\.regularizers.*'weight', 'rate'"),
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
