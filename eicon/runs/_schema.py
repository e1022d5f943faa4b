"""What all configurations share: checked tables, and errors that name the key, what was got and what is allowed."""

import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..tasks import TASKS, Task

PositiveInt = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ConfigError(ValueError):
    """A configuration says something that it may not; one line per problem."""


class Section(BaseModel):
    """A table: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def make_task(table: dict[str, Any]) -> Task:
    """Task that a ``[task]`` table describes: its ``name`` and its own parameters."""
    options = dict(table)
    name = options.pop("name", None)
    if name not in TASKS:
        raise ConfigError(f"task.name: got {name!r}; allowed: {', '.join(TASKS)}.")
    task_type = TASKS[name]
    known = [field.name for field in dataclasses.fields(task_type)]
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise ConfigError(f"task.{unknown[0]}: unknown key; allowed: name, {', '.join(known)}.")
    try:
        return TypeAdapter(task_type).validate_python(options)
    except ValidationError as error:
        raise ConfigError(explain(error, prefix="task.")) from error
    except (OSError, ImportError) as error:
        raise ConfigError(f"task: {error}") from error


def read_text(path: Path) -> str:
    """Text of a configuration file."""
    if not path.is_file():
        raise ConfigError(f"there is no configuration file {path}.")
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows editors put a byte order mark first
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not a text file in UTF-8.") from error
    if "\0" in text:
        raise ConfigError(f"{path} is not a text file: it holds zero bytes.")
    return text


def explain(error: ValidationError, model: type[BaseModel] | None = None, prefix: str = "") -> str:
    """Sentences that say which key of which table is wrong, what was got and what is allowed."""
    lines = []
    for problem in error.errors():
        where = (prefix + ".".join(str(part) for part in problem["loc"])).rstrip(".")
        if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            table = None if model is None else _table(model, problem["loc"][:-1])
            allowed = "" if table is None else f"; allowed: {', '.join(table.model_fields)}"
            lines.append(f"{where}: unknown key{allowed}.")
        elif problem["type"] == "value_error":
            lines.append(f"{where}: {problem['ctx']['error']}")
        else:
            lines.append(f"{where}: {problem['msg']}; got {problem['input']!r}.")
    return " ".join(lines)


def _table(model: type[BaseModel], location: tuple[Any, ...]) -> type[BaseModel]:
    for part in location:
        if part in model.model_fields:
            candidates = list(_models_in(model.model_fields[part].annotation))
            model = candidates[0] if len(candidates) == 1 else model
        elif isinstance(part, str):
            model = next((m for m in candidates if part in typing.get_args(m.model_fields["kind"].annotation)), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
