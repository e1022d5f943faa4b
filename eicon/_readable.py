"""Signatures with types as in the source; otherwise ``help`` would print the definition of ``ArrayLike``."""

import inspect
import types
from typing import Any, TypeVar, Union, get_args, get_origin

from numpy.typing import ArrayLike

_T = TypeVar("_T", bound=type)
_ARRAY_LIKE = set(get_args(ArrayLike))


class _Shown:
    """Annotation with a given text."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def readable(kind: _T) -> _T:
    """Decorate a class so that signatures of methods show types as in the source; annotations are unchanged."""
    for member in vars(kind).values():
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function):
            function.__signature__ = _shown(inspect.signature(function))  # type: ignore[attr-defined]
    return kind


def _shown(signature: inspect.Signature) -> inspect.Signature:
    parameters = [p.replace(annotation=_annotation(p.annotation)) for p in signature.parameters.values()]
    return signature.replace(parameters=parameters, return_annotation=_annotation(signature.return_annotation))


def _annotation(value: Any) -> Any:
    return value if value is inspect.Parameter.empty else _Shown(_text(value))


def _text(value: Any) -> str:
    if value is None or value is type(None):
        return "None"
    if value is Ellipsis:
        return "..."
    if isinstance(value, str):
        return value
    if isinstance(value, list):  # the arguments of a Callable
        return f"[{', '.join(map(_text, value))}]"
    origin, arguments = get_origin(value), get_args(value)
    if origin in (Union, types.UnionType):
        names = []
        if _ARRAY_LIKE and set(arguments) >= _ARRAY_LIKE:  # NumPy 2.5 keeps the name
            names, arguments = ["ArrayLike"], tuple(a for a in arguments if a not in _ARRAY_LIKE)
        return " | ".join([*names, *map(_text, arguments)])
    if arguments:
        return f"{_text(origin)}[{', '.join(map(_text, arguments))}]"
    return getattr(value, "__name__", repr(value)).rpartition(".")[2]
