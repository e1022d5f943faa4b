"""Checked tables of configurations, and errors that name the key, the given and the allowed values."""

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import PydanticKnownError

from .. import tasks
from .._hints import meant
from ._own_code import is_own, load_own
from ._text import ConfigError

PositiveInt = Annotated[int, Field(ge=1, lt=2**31)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _rate(value: Any, validate: Any) -> Any:
    if not isinstance(value, dict):
        return TypeAdapter(Positive).validate_python(value)
    from ..training.schedules import SCHEDULES  # brings JAX

    options = dict(value)
    name = options.pop("schedule", None)
    if name not in SCHEDULES:
        raise ValueError(f"unknown schedule {name!r}; allowed: {', '.join(SCHEDULES)}.")
    known = [field.name for field in dataclasses.fields(SCHEDULES[name])]
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(f"schedule {name!r} has no {unknown[0]!r}; allowed: schedule, {', '.join(known)}.")
    TypeAdapter(SCHEDULES[name]).validate_python(options)
    return value


Rate = Annotated[float | dict[str, Any], WrapValidator(_rate)]
"""Learning rate: a number > 0, or the table of a schedule."""


class Section(BaseModel):
    """Immutable table that rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """Return the keys that the table sets, as data."""
        return {name: value for name, value in self.model_dump(exclude_unset=True).items() if value not in (None, ())}

    def given_or_default(self) -> dict[str, Any]:
        """Return the keys that the table sets or that have a default, as data."""
        return {name: value for name, value in self.model_dump().items() if value not in (None, (), {})}


@lru_cache(maxsize=64)
def _adapter(task_type: Any) -> Any:
    return TypeAdapter(task_type)


def make_task(table: dict[str, Any], recorded: Mapping[str, str] | None = None) -> "tasks.Task":
    """Make the task of a ``[task]`` table with ``name`` and parameters.

    ``recorded`` contains the checksums of files of user code, if there are any; see `load_own`.
    """
    options = dict(table)
    name = options.pop("name", None)
    if is_own(name):
        return _own_task(name, options, recorded or {})
    if not isinstance(name, str) or name not in tasks.TASKS:
        own = "file.py:Class or module:Class of your own"
        hint = meant(name, tasks.TASKS)
        raise ConfigError(f"task.name: got {name!r}; allowed: {', '.join(tasks.TASKS)}, or {own}.{hint}")
    return _made_task(tasks.TASKS[name], options)


def _made_task(task_type: Any, options: dict[str, Any]) -> "tasks.Task":
    known = [field.name for field in dataclasses.fields(task_type)]
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise ConfigError(_unknown_key(f"task.{unknown[0]}", ["name", *known]))
    try:
        return _adapter(task_type).validate_python(options)
    except ValidationError as error:
        raise ConfigError(explain(error, prefix="task.")) from error
    except (OSError, ImportError) as error:
        raise ConfigError(f"task: {error}") from error


def _own_task(name: str, options: dict[str, Any], recorded: Mapping[str, str]) -> "tasks.Task":
    """Make the task of a user-defined class or function."""
    make = load_own(name, recorded, "task.name")
    if isinstance(make, type) and issubclass(make, tasks.Task):
        return _made_task(make, options)
    known = list(inspect.signature(make).parameters)
    if unknown := sorted(options.keys() - set(known)):
        raise ConfigError(_unknown_key(f"task.{unknown[0]}", ["name", *known]))
    try:
        made = make(**options)
    except (TypeError, ValueError, OSError, ImportError) as error:
        raise ConfigError(f"task: {error}") from error
    if not isinstance(made, tasks.Task):
        raise ConfigError(f"task.name: {name} made {made!r:.80}, which is not an eicon.tasks.Task.")
    return made


def free_tables(model: type[BaseModel], name: str) -> list[str]:
    """Return the keys of a model's table whose values are tables with arbitrary keys."""
    (table,) = _models_in(model.model_fields[name].annotation)
    return [key for key, field in table.model_fields.items() if "dict[" in str(field.annotation)]


def among(table: str, *first: str) -> PlainValidator:
    """Allow only names of a table (given by its dotted path) and those in ``first``.

    The table is imported only when there is a value to check, because most tables import JAX and BrainPy.
    """

    def check(value: Any) -> str:
        home, _, name = table.rpartition(".")
        allowed = (*first, *getattr(importlib.import_module(home), name))
        if not isinstance(value, str) or value not in allowed:
            *others, last = (f"'{known}'" for known in allowed)
            raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}"})
        return value

    return PlainValidator(check)


def refuse_unknown_keys(model: type[BaseModel], data: dict[str, Any], source: str) -> None:
    """Reject unknown keys before any value is checked, so that typing errors are reported immediately.

    Raises
    ------
    ConfigError
        With the text of `explain`.
    """
    lines = list(_unknown(model, data, (), model))
    if lines:
        raise ConfigError(f"{source}: {' '.join(lines)}")


def _unknown(
    model: type[BaseModel], data: dict[str, Any], where: tuple[str, ...], whole: type[BaseModel]
) -> Iterator[str]:
    unknown = [key for key in data if key not in model.model_fields]
    for name, field in model.model_fields.items():
        if name not in data and field.is_required() and unknown:  # this key may be the misspelt one
            yield f"{'.'.join((*where, name))}: is missing; got {data!r}."
        inner = list(_models_in(field.annotation))
        for place, table in _tables_in(data.get(name), (*where, name)):
            kind = table.get("kind")
            if len(inner) == 1:
                yield from _unknown(inner[0], table, place, whole)
            elif (one := _of_kind(inner, kind)) is not None:
                yield from _unknown(one, table, (*place, str(kind)), whole)
    for key in unknown:
        said = _unknown_key(".".join((*where, key)), model.model_fields)
        yield said if said.endswith("?") or ".".join((*where, key)) in _MEANT else said + _elsewhere(key, whole)


def _unknown_key(where: str, allowed: Iterable[str]) -> str:
    """Return the sentence about an unknown key, with the one that was probably meant."""
    allowed = list(allowed)
    hint = f" {_MEANT[where]}" if where in _MEANT else meant(where.rpartition(".")[2], allowed)
    return f"{where}: unknown key; allowed: {', '.join(allowed)}.{hint}"


_MEANT = {
    "connectome.file": "The path of your own file belongs in connectome.name.",
    "connectome.path": "The path of your own file belongs in connectome.name.",
    **dict.fromkeys(
        (f"network.{name}" for name in ("n_units", "n_hidden", "n", "N", "size", "units")),
        "The number of units is network.n_rec.",
    ),
    "network.dale": "Dale's law is set by network.kind, 'dale' or 'free'.",
}
"""Names of keys that others use, each with the key of a recipe."""


def _elsewhere(key: str, whole: type[BaseModel]) -> str:
    """Return the sentence ``Did you mean TABLE.KEY?`` if another table has the key."""
    tables = {name: list(_models_in(field.annotation)) for name, field in whole.model_fields.items()}
    homes = [name for name, models in tables.items() if any(key in model.model_fields for model in models)]
    return f" Did you mean {' or '.join(f'{home}.{key}' for home in homes)}?" if homes else ""


def _tables_in(value: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        yield where, value
    elif isinstance(value, list | tuple):
        yield from (((*where, str(i)), item) for i, item in enumerate(value) if isinstance(item, dict))


def _of_kind(models: list[type[BaseModel]], kind: Any) -> type[BaseModel] | None:
    return next((m for m in models if kind in typing.get_args(m.model_fields["kind"].annotation)), None)


def explain(error: ValidationError, model: type[BaseModel] | None = None, prefix: str = "") -> str:
    """Return sentences that name each wrong key with its table, the given and the allowed values."""
    lines = []
    for where, problem in _by_key(error, prefix):
        if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            table = None if model is None else _table(model, problem["loc"][:-1])
            lines.append(f"{where}: unknown key." if table is None else _unknown_key(where, table.model_fields))
        elif problem["type"] == "value_error":
            lines.append(f"{where}: {problem['ctx']['error']}".removeprefix(": "))
        elif problem["type"] == "tuple_type":
            lines.append(f"{where}: must be a list of values; got {problem['input']!r}.")
        else:
            allowed = str(problem.get("ctx", {}).get("expected", "")).replace(" or ", ", ").split(", ")
            hint = meant(problem["input"], (name.strip("'") for name in allowed))
            lines.append(f"{where}: {problem['msg']}; got {problem['input']!r}.{hint}")
    return " ".join(lines)


_WORDS = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "missing": "is missing",
}
"""Words for pydantic's types of errors; others keep their own."""
_BRANCHES = ("bool", "float", "int", "str", "constrained-int", "constrained-float")


def _by_key(error: ValidationError, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield problems with their keys; alternatives of a union count as one problem."""
    found: dict[str, list[Any]] = {}
    for problem in error.errors():
        said = _WORDS.get(problem["type"], problem["msg"]).replace("Input should be", "must be")
        problem = {**problem, "msg": said}
        parts = [str(part) for part in problem["loc"]]
        key = ".".join(part for part in parts if "[" not in part and part not in _BRANCHES)
        found.setdefault((prefix + key).rstrip("."), []).append(problem)
    for where, problems in found.items():
        if where.rpartition(".")[0] in found and {problem["type"] for problem in problems} == {"dataclass_type"}:
            continue  # a distribution in place of the number that the other sentence asks for
        kept = [problem for problem in problems if problem["type"] not in ("dict_type", "tuple_type")] or problems[:1]
        if len(kept) > 1 and len({repr(problem["input"]) for problem in kept}) == 1:
            first, *others = (problem["msg"] for problem in kept if problem["type"] != "value_error")
            more = "".join(f", or {other.removeprefix('must be ')}" for other in dict.fromkeys(others))
            kept = [{**kept[0], "msg": f"{first}{more}"}]
        yield from ((where, problem) for problem in kept)


def _table(model: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel]:
    for part in location:
        if part in model.model_fields:
            candidates = list(_models_in(model.model_fields[part].annotation))
            model = candidates[0] if len(candidates) == 1 else model
        elif isinstance(part, str):
            model = _of_kind(candidates, part) or model
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
