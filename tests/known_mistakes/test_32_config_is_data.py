"""Mistake 32: values of a configuration file are passed to `eval`, which runs any code in them."""

import configparser
from pathlib import Path

import pytest

from eicon.runs import ConfigError, parse_recipe, read_recipe

PLAIN = """[net]
net_name = celegans
nr_neurons = 1
rnn_size = 302
rand_partition = True
random_w = False
[trainvalidate]
epochs = 5
iterations = 1
freeze_layer = False
remap_w = True
init = default
[trialparams]
trial_params = {"task_name": "seq_mem"}
[combosparams]
combos_params = {"lr": [0.1]}
[pretrainedparams]
pretrained_epoch = 0
pretrained_iteration = 0
"""
RUN_BY_THE_PUBLISHED_CODE = ("trial_params", "combos_params")
SCALARS = (
    "net_name",
    "nr_neurons",
    "rnn_size",
    "rand_partition",
    "random_w",
    "epochs",
    "iterations",
    "freeze_layer",
    "remap_w",
    "init",
    "pretrained_epoch",
    "pretrained_iteration",
)


def wrong(path: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(path)
    for section, key in (("trialparams", "trial_params"), ("combosparams", "combos_params")):
        eval(parser[section][key])  # noqa: S307


def attacks(marker: Path) -> list[tuple[str, str]]:
    """List the fields with code and the code itself, which creates a file."""
    code = f"__import__('os').system('touch {marker}')"
    inside = ["{'task_name': CODE}", "{CODE: 1}", "{'lr': [CODE]}", "{**{'lr': CODE}}", "[x for x in [CODE]]", "CODE"]
    dictionaries = [(key, text.replace("CODE", code)) for key in RUN_BY_THE_PUBLISHED_CODE for text in inside]
    return dictionaries + [(key, code) for key in SCALARS]


def check(reader, folder: Path, wanted: tuple[str, ...]) -> None:
    """Check that each config is refused with its file and line, and that no file appears."""
    marker = folder / "ran"
    for key, code in attacks(marker):
        if key not in wanted:
            continue
        lines = PLAIN.splitlines()
        (number,) = [i for i, line in enumerate(lines, 1) if line.startswith(f"{key} =")]
        lines[number - 1] = f"{key} = {code}"
        path = folder / "config.ini"
        path.write_text("\n".join(lines))
        with pytest.raises(ConfigError) as caught:
            reader(path)
        assert str(caught.value).startswith(f"{path}, line {number}: "), str(caught.value)
        assert not marker.exists(), code


def test_ours(tmp_path):
    (tmp_path / "good.ini").write_text(PLAIN)
    read_recipe(tmp_path / "good.ini")
    check(read_recipe, tmp_path, (*RUN_BY_THE_PUBLISHED_CODE, *SCALARS))


def test_paths_are_only_paths(tmp_path):
    marker = tmp_path / "ran"
    code = f"__import__('os').system('touch {marker}')"
    text = f"[paths]\npath_to_network = {code}\npath_to_results = {code}\npretrained = {code}\n{PLAIN}"
    (tmp_path / "config.ini").write_text(text)
    config = read_recipe(tmp_path / "config.ini")
    assert config.connectome.folder == config.pretrained.path == code
    assert not marker.exists()


def test_toml_is_data_too(tmp_path):
    marker = tmp_path / "ran"
    code = f"__import__('os').system('touch {marker}')"
    for text in (f"seed = {code}", f'seed = "{code}"', f'[grid]\n"{code}" = [1]', f'[grid]\nseed = ["{code}"]'):
        for first in ("format = 2\n", ""):
            with pytest.raises(ConfigError):
                parse_recipe(first + text, kind="sweep")
    assert not marker.exists()


@pytest.mark.parametrize("key", RUN_BY_THE_PUBLISHED_CODE)
def test_the_wrong_version_fails(key, tmp_path):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check(wrong, tmp_path, (key,))
    assert (tmp_path / "ran").exists(), "the code was not run"
