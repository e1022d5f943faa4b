"""Reader of the ``config.ini`` of bio_rnn_mem (A. Goulas), as data: nothing in it is evaluated."""

import ast
import configparser
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._format1 import of_sweep
from ._text import ConfigError

if TYPE_CHECKING:
    import eicon.runs._recipe

ALLOWED: dict[str, tuple[str, ...]] = {
    "paths": ("path_to_network", "path_to_results", "pretrained", "path_to_latents"),
    "net": ("net_name", "rnn_size", "nr_neurons", "rand_partition", "random_w"),
    "trainvalidate": ("epochs", "iterations", "init", "freeze_layer", "remap_w"),
    "trialparams": ("trial_params",),
    "combosparams": ("combos_params",),
    "pretrainedparams": ("pretrained_epoch", "pretrained_iteration"),
}
TASK_NAMES = {
    "seq_mem": "SequenceMemory",
    "nback_mem": "NBack",
    "pic_latent_mem": "PictureNBack",
    "pic_mem": "PictureNBack",
}
TASK_KEYS = {
    "seq_mem": ("pattern_length", "low", "high"),
    "nback_mem": ("n_back", "trial_length"),
    "pic_latent_mem": ("n_back", "trial_length", "rescale"),
    "pic_mem": ("n_back", "trial_length", "rescale"),
}
GRID_KEYS = {
    "lr": "training.learning_rate",
    "nonlinearity": "network.activation",
    "optimizer": "training.optimizer",
    "pattern_length": "task.pattern_length",
    "n_back": "task.n_back",
}
LINES = {
    "connectome.name": ("net", "net_name"),
    "connectome.folder": ("paths", "path_to_network"),
    "connectome.neurons": ("net", "nr_neurons"),
    "connectome.regions": ("net", "rnn_size"),
    "network.init": ("trainvalidate", "init"),
    "training.epochs": ("trainvalidate", "epochs"),
    "training.repeats": ("trainvalidate", "iterations"),
    "pretrained.epoch": ("pretrainedparams", "pretrained_epoch"),
    "pretrained.repeat": ("pretrainedparams", "pretrained_iteration"),
    **dict.fromkeys(GRID_KEYS.values(), ("combosparams", "combos_params")),
    "learner": ("combosparams", "combos_params"),
    "trials": ("trialparams", "trial_params"),
    "training": ("trialparams", "trial_params"),
    "task": ("trialparams", "trial_params"),
}
"""Places of eicon's keys in the file; the first match counts."""

OPTIMIZER_NAMES = {"Adam": "adam", "RMSprop": "rmsprop", "SGD": "sgd"}
LONGEST_VALUE = 10_000
TYPE_NAMES = {
    int: "a whole number",
    bool: "True or False",
    dict: "a dictionary",
    list: "a list",
    tuple: "a tuple",
}

LATENTS = "digits-latents"
"""Pictures of ``pic_latent_mem`` if the file names none (bio_rnn_mem loads its own file)."""


@dataclass(frozen=True)
class _Ini:
    """Parsed file with the line of each value."""

    source: str
    parser: configparser.ConfigParser
    lines: list[str]

    def text(self, section: str, key: str) -> str | None:
        """Return the text of a value, or None."""
        value = self.parser.get(section, key, fallback="").strip()
        return value or None

    def refuse(self, section: str, key: str, why: str) -> ConfigError:
        """Return an error that names file, line and key, or the section of a missing key."""
        inside, number = "", 0
        for i, line in enumerate(self.lines, 1):
            if heading := re.match(r"\[(.+)\]", line.strip()):
                inside = heading.group(1)
            elif inside == section and re.match(rf"\s*{re.escape(key)}\s*[=:]", line, re.IGNORECASE):
                number = i
        return ConfigError(f"{self.source}, {f'line {number}: ' if number else ''}[{section}] {key}: {why}")

    def literal(self, section: str, key: str, wanted: type | tuple[type, ...], default: Any = None) -> Any:
        """Return a value as a Python literal of a type; reject anything that needs evaluation."""
        text = self.text(section, key)
        if text is None:
            return default
        if len(text) > LONGEST_VALUE:
            raise self.refuse(section, key, f"is longer than {LONGEST_VALUE} characters.")
        shown = " ".join(text.split())
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        types = wanted if isinstance(wanted, tuple) else (wanted,)
        names = " or ".join(TYPE_NAMES[t] for t in types)
        try:
            with warnings.catch_warnings(action="ignore"):  # warnings of the parser about code that is rejected anyway
                tree = ast.parse(text, mode="eval")
            value = ast.literal_eval(tree)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            raise self.refuse(section, key, f"must be {names}; expressions are not evaluated; got {shown}") from None
        if type(value) not in types:
            raise self.refuse(section, key, f"must be {names}; got {shown}")
        if repeated := _repeated_key(tree):
            raise self.refuse(section, key, f"the key {repeated} occurs twice in one dictionary.")
        return value


def _repeated_key(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = [ast.unparse(key) for key in node.keys if key is not None]
            for key in keys:
                if keys.count(key) > 1:
                    return key
    return ""


def parse_ini(text: str, source: str = "config.ini", *, compat: str = "") -> "eicon.runs._recipe.Recipe":
    """Make a recipe from the text of a ``config.ini``; every key is applied or rejected.

    Parameters
    ----------
    text, source : str
        Contents and name of the file.
    compat : {"", "bio_rnn_mem"}
        "" computes correctly what the file describes; "bio_rnn_mem" reproduces the published code, including its
        bugs.

    Raises
    ------
    ConfigError
        With file and line, for unknown sections or keys, values that are not data, and invalid combinations.
    """
    parser = _parser(text, source)
    ini = _Ini(source, parser, text.splitlines())
    for section in parser.sections():
        if section not in ALLOWED:
            raise ConfigError(f"{source}: unknown section [{section}]; allowed: {', '.join(ALLOWED)}.")
        for key in parser[section]:
            if key not in ALLOWED[section]:
                raise ini.refuse(section, key, f"unknown key; allowed: {', '.join(ALLOWED[section])}.")
    task, trial_settings = _task(ini)
    data = {
        "compat": compat,
        "connectome": _connectome(ini),
        "network": _network(ini),
        "training": {**_training(ini), **trial_settings},
        "task": task,
        "grid": _grid(ini),
        "pretrained": {
            "path": ini.text("paths", "pretrained") or "",
            "epoch": ini.literal("pretrainedparams", "pretrained_epoch", int, 0),
            "repeat": ini.literal("pretrainedparams", "pretrained_iteration", int, 0),
        },
    }
    from ._recipe import checked, validated

    try:
        return checked(validated(of_sweep(data, source)[0], source), source)
    except ConfigError as error:
        raise _with_line(ini, error) from error


def _with_line(ini: _Ini, error: ConfigError) -> ConfigError:
    """Return the same error, with the line of the file and the key there."""
    full = str(error).removeprefix(f"{ini.source}: ")
    text = full.removeprefix("grid: ")
    for ours, where in LINES.items():
        if text.startswith((f"{ours}:", f"{ours}.", f"grid.{ours}:")) and ini.text(*where) is not None:
            return ini.refuse(*where, text)
    if full.startswith(("grid: ", "grid.")):
        return ini.refuse("combosparams", "combos_params", text)
    return error


def named_results(text: str) -> Path | None:
    """Return the results folder named in a ``config.ini``."""
    named = _parser(text, "config.ini").get("paths", "path_to_results", fallback="").strip()
    return Path(named) if named else None


def _parser(text: str, source: str) -> configparser.ConfigParser:
    # no section is called "\0", so none passes its keys to the others, as [DEFAULT] would
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(text, source)
    except configparser.Error as error:
        raise ConfigError(f"{source} is not a valid INI file: {' '.join(str(error).split())}") from error
    return parser


def _connectome(ini: _Ini) -> dict[str, Any]:
    name = ini.text("net", "net_name")
    if name is None:
        raise ConfigError(f"{ini.source}: [net] net_name is missing.")
    if not re.fullmatch(r"[\w./\\: +-]+", name):
        raise ini.refuse("net", "net_name", f"must be the name of a connectome; got {name}")
    neurons = ini.literal("net", "nr_neurons", (int, list, tuple), 1)
    random_partition = ini.literal("net", "rand_partition", bool, False)
    return {
        "name": name,
        "folder": ini.text("paths", "path_to_network") or "",
        "neurons": neurons,
        "regions": ini.literal("net", "rnn_size", int, 0),
        "partition": "random" if random_partition else "equal",
        "null": "permute" if ini.literal("net", "random_w", bool, False) else "none",
    }


def _network(ini: _Ini) -> dict[str, Any]:
    remap = ini.literal("trainvalidate", "remap_w", bool, False)
    return {
        "init": ini.text("trainvalidate", "init") or "default",
        "freeze": ini.literal("trainvalidate", "freeze_layer", bool, False),
        "remap": "magnitude" if remap else "off",
    }


def _training(ini: _Ini) -> dict[str, Any]:
    epochs = ini.literal("trainvalidate", "epochs", int)
    if epochs is None:
        raise ConfigError(f"{ini.source}: [trainvalidate] epochs is missing.")
    return {"epochs": epochs, "repeats": ini.literal("trainvalidate", "iterations", int, 1)}


def _task(ini: _Ini) -> tuple[dict[str, Any], dict[str, Any]]:
    where = ("trialparams", "trial_params")
    given = dict(ini.literal(*where, dict, {}))
    name = given.pop("task_name", None)
    if not isinstance(name, str) or name not in TASK_NAMES:
        raise ini.refuse(*where, f"task_name must be one of {', '.join(TASK_NAMES)}; got {name!r}.")
    given.pop("trial_matching", None)  # both kinds of trials are always made, in bio_rnn_mem and here
    training = {}
    for key, ours in (("nr_of_trials", "n_trials"), ("train_size", "train_size")):
        if key in given:
            training[ours] = given.pop(key)
    task: dict[str, Any] = {"name": TASK_NAMES[name]}
    for key, value in given.items():
        if key not in TASK_KEYS[name]:
            allowed = ("task_name", "nr_of_trials", "train_size", "trial_matching", *TASK_KEYS[name])
            raise ini.refuse(*where, f"unknown key {key!r} for {name}; allowed: {', '.join(allowed)}.")
        task[key] = value
    if name == "pic_latent_mem":
        task["pictures"] = ini.text("paths", "path_to_latents") or LATENTS
    elif name == "pic_mem":
        task["pictures"] = ini.text("paths", "path_to_latents") or "digits"
    return task, training


def _grid(ini: _Ini) -> dict[str, Any]:
    where = ("combosparams", "combos_params")
    grid: dict[str, Any] = {}
    for key, values in ini.literal(*where, dict, {}).items():
        if key not in GRID_KEYS:
            raise ini.refuse(*where, f"unknown key {key!r}; allowed: {', '.join(GRID_KEYS)}.")
        if not isinstance(values, list | tuple) or not values:
            raise ini.refuse(*where, f"{key!r} must be a list of at least one value; got {values!r}.")
        if not all(isinstance(value, str | int | float) for value in values):
            raise ini.refuse(*where, f"{key!r} must contain numbers or text; got {values!r}.")
        if key == "optimizer":
            unknown = [value for value in values if value not in OPTIMIZER_NAMES]
            if unknown:
                raise ini.refuse(*where, f"unknown optimiser {unknown[0]!r}; allowed: {', '.join(OPTIMIZER_NAMES)}.")
            values = [OPTIMIZER_NAMES[value] for value in values]
        grid[GRID_KEYS[key]] = list(values)
    return grid
