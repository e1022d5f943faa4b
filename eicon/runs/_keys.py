"""All keys of recipes, with type, default and meaning, taken from the constructors."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ..models import RateRNN
from ..training import Fixed, Gradient, HessianFree, Sampled, Trainer
from . import _recipe
from ._recipe_tables import (
    HESSIAN_FREE,
    KINDS,
    ConnectomeTable,
    LearnerTable,
    LesionTable,
    NetworkTable,
    PretrainedTable,
    RecipeTables,
    RecordingTable,
    StageTable,
    TrainingTable,
    TrialsTable,
    keys_of_kind,
)
from ._schema import Section

EXAMPLE = ({"name": "E", "n": 80, "type": "E"}, {"name": "I", "n": 20, "type": "I"})
"""Populations of a recipe to start from."""


class Key(NamedTuple):
    """A key of a recipe.

    Attributes
    ----------
    table, name : its table and name
    type : allowed types, in words
    default : default as TOML; empty if there is none
    means : meaning, a sentence from the docstring of its constructor
    kinds : kinds of networks, trials or learners that have it; empty for all
    """

    table: str
    name: str
    type: str
    default: str
    means: str
    kinds: tuple[str, ...] = ()


TABLES: dict[str, type[Section]] = {
    "network": NetworkTable,
    "connectome": ConnectomeTable,
    "recording": RecordingTable,
    "trials": TrialsTable,
    "learner": LearnerTable,
    "training": TrainingTable,
    "stages": StageTable,
    "pretrained": PretrainedTable,
    "lesion": LesionTable,
}
_TOP = ("seed", "compat", "continued_from", "repeat", "format")


def all_keys() -> list[Key]:
    """Return all keys, in the order of the tables.

    The keys of ``[task]`` are the parameters of the task, which `eicon tasks` lists.
    """
    found = [
        Key(
            "",
            name,
            _type(RecipeTables.model_fields[name].annotation),
            _toml(RecipeTables.model_fields[name].default),
            "",
        )
        for name in _TOP
    ]
    for table, model in TABLES.items():
        found += list(_keys(table, model))
    return [key._replace(means=_SAID.get((key.table, key.name)) or _of_stage(key) or key.means) for key in found]


def _of_stage(key: Key) -> str:
    """Return the meaning of a key that ends a stage, which is that of the same key of ``[training]``."""
    return _SAID.get(("training", key.name), "") if key.table == "stages" else ""


def _keys(table: str, model: type[Section]) -> Iterator[Key]:
    constructors: tuple[Callable[..., Any], ...] = {
        "network": (RateRNN.dale, RateRNN.from_connectome, RateRNN.from_populations, RateRNN),
        "connectome": (_expand(), _load(), _per_region(), _thresholded(), _signed()),
        "trials": (Sampled, Fixed),
        "learner": (Gradient, HessianFree),
        "training": (Trainer, Trainer.fit),
    }.get(table, ())
    own = _attributes(model)
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        says = next((make for make in constructors if name in inspect.signature(make).parameters), None)
        if default is None and says is not None:
            default = inspect.signature(says).parameters[name].default
        if (table, name) in _DEFAULTS:
            default = _DEFAULTS[table, name]()
        shown = _of_kinds(name) if table == "network" else _toml(default)
        means = (_parameters(says).get(name, "") if says is not None else "") or own.get(name, "")
        yield Key(table, name, _type(field.annotation), shown, means, _kinds(table, name))


def network_of(kind: str) -> dict[str, Any]:
    """Return the smallest valid table ``[network]`` of a kind."""
    return {"kind": kind, **({"populations": EXAMPLE} if kind == "populations" else {})}


@lru_cache
def _defaults_of(kind: str) -> NetworkTable:
    return _recipe.Recipe.model_validate({"network": network_of(kind)}).completed().network


def network_default(kind: str, name: str) -> str:
    """Return the default of a key of ``[network]`` for a kind, as TOML."""
    return "" if name == "populations" else _toml(getattr(_defaults_of(kind), name))


def _of_kinds(name: str) -> str:
    """Return the default of a key of ``[network]``, for each kind if they differ."""
    kinds: dict[str, list[str]] = {}
    for kind in KINDS:
        if name in keys_of_kind(kind) and name != "kind":
            kinds.setdefault(network_default(kind, name), []).append(kind)
    if len(kinds) < 2:
        return next(iter(kinds), _toml(NetworkTable.model_fields[name].default))
    return ", ".join(f"{said} ({', '.join(having)})" for said, having in kinds.items() if said)


def _kinds(table: str, name: str) -> tuple[str, ...]:
    if table == "network":
        having = tuple(kind for kind in KINDS if name in keys_of_kind(kind))
        return () if len(having) == len(KINDS) else having
    if table == "trials" and name in TrialsTable.OF_FIXED:
        return ("fixed",)
    if table == "learner" and name in inspect.signature(HessianFree).parameters:
        return (HESSIAN_FREE,)
    return ()


_DEFAULTS: dict[tuple[str, str], Callable[[], Any]] = {
    ("trials", "n"): lambda: _recipe.N_TRIALS,
    ("trials", "train_size"): lambda: _recipe.TRAIN_SIZE,
    ("learner", "learning_rate"): lambda: _recipe.LEARNING_RATE,
    ("training", "steps"): lambda: _recipe.STEPS,
    ("training", "epochs"): lambda: _recipe.EPOCHS,
}
_SAID = {
    ("", "seed"): "Fixes weights, trials, noise, null models and splits.",
    ("", "format"): "Format of the file. Files without it are those of eicon 0.1.0.",
    ("", "compat"): "Published code whose networks are reproduced exactly, including its bugs.",
    ("", "continued_from"): "Run whose trained network is the start of this training; `eicon train --from` sets it.",
    ("", "repeat"): "Repeat of a sweep of eicon 0.1.0, with its random numbers.",
    ("network", "kind"): "Kind of network.",
    ("network", "n_rec"): "Number of units.",
    ("network", "rank"): "Rank of the recurrent weights; without it they have full rank.",
    ("network", "input_to"): 'Units that receive input: a type ("E", "I") or labels, such as `{region = "V1"}`; '
    "without it, all.",
    ("network", "readout_from"): "Units that are read out, in the form of `input_to`; without it, all.",
    (
        "network",
        "populations",
    ): 'Populations, in the order of their units: tables with `name`, `n`, `type` ("E", "I") and `area`.',
    ("network", "share"): "Label whose units share a value, for each shared parameter or bias, such as "
    '`{gain = "cell_type"}`; "all": one for all units.',
    (
        "network",
        "parameters",
    ): 'Values of the cell\'s parameters, and of "bias" and "readout_bias": one number, one for '
    "each unit, or, where units share them, one for each label.",
    (
        "network",
        "gain",
    ): 'Recurrent weights are synapse counts times a gain, trained unless `freeze`: "all", '
    'one for all connections, or a label such as "cell_type", one for each pair of its values.',
    (
        "network",
        "init",
    ): 'Initialisation of weights: "balanced", or a scheme of `eicon.models.initial.uniform_weights`.',
    ("network", "recurrent"): "Projections between populations; without them, all to all.",
    ("network", "input"): "Projections from input channels to populations; without them, all to all.",
    ("network", "readout"): "Projections from populations to outputs; without them, from all excitatory ones.",
    ("network", "free_input"): "Input weights may have either sign, instead of being non-negative.",
    ("network", "free_readout"): "Readout weights may have either sign, instead of being non-negative.",
    ("network", "activation"): "Transfer function of a leaky cell.",
    ("network", "tau"): "Time constant in ms: one number, or one for each label.",
    (
        "network",
        "cell",
    ): 'Cell of the units, or several, starting from the outermost: "leaky", "adapting", "plastic", or '
    "your own as `file.py:Class` or `module:Class`.",
    ("network", "cell_options"): "Options of the cells, such as `gain` of leaky ones and `hz` of plastic ones.",
    ("network", "train"): 'Names of trained parameters: "recurrent", "input" and "readout" (the default), '
    'parameters of the cell, "bias" and "readout_bias".',
    ("network", "sigma_rec"): "Standard deviation of the recurrent noise, independent of the time step.",
    ("network", "sigma_in"): "Standard deviation of the input noise, independent of the time step.",
    ("network", "bias"): "Units have a trained bias.",
    ("network", "readout_bias"): "Outputs have a trained bias.",
    ("network", "x0"): "Initial state of the units.",
    ("network", "train_x0"): "The initial state is trained.",
    (
        "network",
        "start",
    ): 'Scheme for drawing the weights: "slow", the default, or "balanced", that of eicon 0.1.0 and '
    "the default with a `spectral_radius`.",
    ("network", "spectral_radius"): "Spectral radius of the initial recurrent weights; 1 on a connectome, where "
    '"drawn" keeps that of the drawn weights.',
    ("network", "distribution"): "Distribution of the initial weights.",
    ("connectome", "density"): "Fraction of the pairs of different units that stay connected, the strongest ones; "
    "1 keeps all connections.",
    ("connectome", "read"): "Options of the reader of the file, such as `decimal` or `sign`.",
    ("connectome", "rows"): "Meaning of a row of the file; required for files that eicon does not know.",
    (
        "connectome",
        "null",
    ): 'Null model, such as "rewire", "permute", "strength", "types" and "shuffle_weights", or "none"; '
    "see `Connectome.rewired`.",
    ("connectome", "null_options"): "Options of the null model, such as `label`.",
    ("recording", "order"): 'Which units are fitted: "random", drawn with the seed, or a list of names.',
    ("recording", "loss"): 'Weighting of errors: "mse", "variance" (each divided by the variance of its unit) or '
    '"poisson", the default for counts.',
    ("recording", "beside_task"): "Strength of the fit as a penalty added to the loss of `[task]`; without it there is "
    "no task.",
    ("trials", "kind"): '"sampled": new trials at every step; "fixed": one set of trials for the whole training.',
    ("trials", "n"): "Trials of each condition.",
    ("trials", "train_size"): "Fraction of the trials for training; the others are for validation.",
    ("learner", "optimizer"): 'Name of an optimiser, or "hessian_free".',
    ("learner", "learning_rate"): "Number, or a table with the name of a schedule and its parameters: "
    '`{schedule = "cosine", rate = 0.01, steps = 1000}`.',
    ("learner", "clip_norm"): "Largest norm of the whole gradient; false: no clipping.",
    ("learner", "options"): "Options of the optimiser, or a table for each of several optimisers.",
    ("learner", "factors"): "Factors by which the learning rate of some parameters differs, such as `{b_rec = 2.0}`.",
    ("learner", "curvature_trials"): "Number of a step's trials for the computation of the curvature; without it, all.",
    ("learner", "max_cg_iterations"): "Largest number of iterations of conjugate gradients.",
    ("learner", "damping"): "Initial strength of the Levenberg-Marquardt damping; 0 turns it off.",
    ("learner", "structural_damping"): "Strength of the structural damping.",
    ("training", "steps"): "Steps of the whole training.",
    ("training", "epochs"): "Passes through the fixed trials, instead of steps.",
    ("training", "loss"): "Loss, instead of the task's own.",
    ("training", "penalties"): 'List of tables with a `kind` ("weight", "rate" or "vanishing_gradient") and its '
    "settings.",
    ("training", "validate_every"): "Steps between validations; without it, an epoch of fixed trials, and otherwise "
    "as many as make validation take about a tenth of the time.",
    ("training", "validation_repeats"): "Trials of each condition in a validation; without it, up to 20.",
    ("training", "checkpoint_every"): "Steps between checkpoints.",
    ("training", "snapshots"): "Keep the network of every `checkpoint_every` steps.",
    ("training", "store_every"): "Keep the network every this many epochs.",
    ("training", "restore"): "Final network of the run: the last, or the best by validation.",
    ("training", "patience"): "End after this many validations without a new smallest loss.",
    ("training", "stop"): "End when the task's own criterion is met.",
    ("training", "stop_accuracy"): "End when the mean accuracy (for a fit, the explained variance) reaches this value.",
    ("training", "stop_worst_accuracy"): "End when the accuracy in the worst condition reaches this value.",
    ("training", "stop_loss"): "End when the loss falls to this value.",
    ("training", "stop_window"): "Number of validations over which these criteria average.",
    ("stages", "task"): "Parameters that differ from `[task]` in this stage.",
    ("pretrained", "path"): "Network file, run or sweep to start from.",
    ("pretrained", "epoch"): "Epoch of the network, counted from 0; -1 is the last.",
    ("pretrained", "repeat"): "Seed or repeat of the network, by its index.",
    ("pretrained", "keep"): 'Reused parts: "weights" (recurrent and input weights, biases, initial state), or "all", '
    "the whole network, in which `network.train` is trained.",
    ("pretrained", "shuffle"): 'Parameters of units, such as "gain" and "bias", whose values are permuted, each '
    "independently, with the seed.",
    ("pretrained", "shuffle_by"): "Label within whose values they are permuted.",
    ("lesion", "path"): "Run or network file of the network from which units are removed.",
    ("lesion", "units"): "Units that are removed: a type, labels, or indices.",
    ("lesion", "cells"): "Fraction of these units that is removed, drawn at random.",
    ("lesion", "seed"): "Seed of the choice of units.",
}
"""Meanings for recipes that replace sentences from docstrings for Python."""


def _expand() -> Callable[..., Any]:
    from ..connectomes import expand

    return expand


def _load() -> Callable[..., Any]:
    from ..connectomes import load

    return load


def _per_region() -> Callable[..., Any]:
    from ..connectomes import neurons_per_region

    return neurons_per_region


def _thresholded() -> Callable[..., Any]:
    from ..connectomes import Connectome

    return Connectome.thresholded


def _signed() -> Callable[..., Any]:
    from ..connectomes import Connectome

    return Connectome.signed


def _parameters(make: Callable[..., Any]) -> dict[str, str]:
    """Return the first sentence of a numpydoc docstring on each parameter."""
    return _described(inspect.getdoc(make) or "", "Parameters")


def _attributes(model: type[Section]) -> dict[str, str]:
    """Return the meanings of a table's keys from its docstring."""
    text = inspect.getdoc(model) or ""
    found: dict[str, str] = {}
    for line in text.splitlines():
        names, colon, said = line.partition(" : ")
        if colon and re.fullmatch(r"[\w, ]+", names):
            sentence = f"{said[0].upper()}{said[1:]}.".replace("``", "`")
            found |= {name.strip(): sentence for name in names.split(",")}
    return found


def _described(text: str, section: str) -> dict[str, str]:
    lines, inside = text.splitlines(), False
    found: dict[str, str] = {}
    names: list[str] = []
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch("-+", below.strip()) and below.strip():
            inside, names = line.strip() == section, []
        elif inside and line and not line.startswith(" "):
            names = [name.strip() for name in line.partition(":")[0].split(",")]
        elif inside and names and line.startswith(" "):
            for name in names:
                found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    sentences = {name: re.split(r"(?<=[a-z)`\]\"0-9])\.(?:\s|$)", said)[0] for name, said in found.items()}
    return {name: sentence.rstrip(".:").replace("``", "`") + "." for name, sentence in sentences.items()}


def _type(annotation: Any) -> str:
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(inside[0])
    if origin is typing.Literal:
        return ", ".join(_toml(value) for value in inside)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in inside if part is not type(None)))
    if origin in (list, tuple):
        return f"list of {_type(inside[0])}"
    if origin is dict or annotation is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "table"
    names = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    return names.get(annotation, "value")


def _toml(value: Any) -> str:
    if value is None or value is inspect.Parameter.empty or value == () or value == {}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value) if isinstance(value, int | float) else ""
