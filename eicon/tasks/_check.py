"""Checks of a user's task and of its results, on the host: each error names the array in one line."""

import inspect
import math
import numbers
from collections.abc import Mapping
from typing import Any, ClassVar, get_origin

import jax
import jax.numpy as jnp
import numpy as np

from .._numbers import whole
from ._timing import TruncatedExponential, Uniform, number

# Types are checked by name: the base class of tasks imports this module.
_METHODS = ("condition_grid", "build", "sample", "trials", "correct")
_FIELDS = ("inputs", "targets", "mask", "conditions", "epochs")
_ROUNDING = 1e-5  # of float32 scores that are means


def check_parameters(task: Any) -> None:
    """Check the types of parameters of eicon's own tasks; convert whole floats to integers where needed.

    Fields of a user's class are left unchanged.

    Raises
    ------
    TypeError
        If a parameter must be a number, a whole number or a tuple, and is not.
    """
    for owner in type(task).__mro__:
        if owner.__module__.partition(".")[0] != "eicon":
            continue
        for name, annotation in inspect.get_annotations(owner).items():
            if get_origin(annotation) is ClassVar:
                continue
            value = getattr(task, name)
            if annotation is int:
                object.__setattr__(task, name, whole(value, name))
            elif annotation is float and not isinstance(value, TruncatedExponential | Uniform | dict):
                object.__setattr__(task, name, number(name, value))
            elif (
                get_origin(annotation) is tuple
                and not isinstance(value, tuple)
                and (isinstance(value, str) or not np.ndim(value))
            ):
                one = f": with one member it is ({value!r},)" if isinstance(value, numbers.Real) else ""
                raise TypeError(f"{name} must be a tuple; got {value!r}{one}.")


def check_task(task: Any) -> None:
    """Check that an object is a task, with valid channels, step and conditions.

    Parameters
    ----------
    task : Task
        Its `condition_grid` is read; no trial is built.

    Raises
    ------
    TypeError
        If it is not a task: a class, a name, a network.
    ValueError
        If it has no channels, no step > 0, or conditions that are not columns of equal length.
    """
    if isinstance(task, type):
        raise TypeError(f"{task.__name__} is a class, but a task is an instance; call it: {task.__name__}().")
    if not all(hasattr(task, name) for name in _METHODS):
        if hasattr(task, "n_rec"):
            cause = "it is a network, which comes before the task: swap the two arguments"
        elif isinstance(task, str):
            cause = f"the task of a name is eicon.tasks.TASKS[{task!r}]()"
        else:
            cause = "your own tasks are instances of subclasses of eicon.tasks.Task"
        raise TypeError(f"expected a task; got {_kind(task)}: {cause}.")
    _check_channels(task)
    name = type(task).__name__
    if not _is_number(task.dt) or not 0 < float(task.dt) < math.inf:
        raise ValueError(f"{name}.dt must be a number of ms > 0; got {task.dt!r}.")
    for part in ("chance", "criterion", "catch_probability"):
        value = getattr(task, part, math.nan)
        most = math.inf if part == "criterion" and getattr(task, "criterion_of", "") == "loss" else 1.0
        if not _is_number(value) or float(value) < 0 or float(value) > most:
            raise ValueError(f"{name}.{part} must lie in [0, {most:g}]; got {value!r}{_per_cent(value)}")
    _check_grid(name, task.condition_grid())


def check_trials(task: Any, trial: Any, *, n_trials: int | None = None, loss: str | None = None) -> None:
    """Check the trials that a task built.

    Parameters
    ----------
    task : Task
    trial : Trial
        Result of its `build`. Only shapes and types are checked of traced arrays and of `jax.ShapeDtypeStruct`.
    n_trials : int, optional
        Number of trials B requested; by default that of ``inputs``.
    loss : str, optional
        ``"mse"`` needs targets (T, B, n_out), ``"cross_entropy"`` labels (T, B). Default: only labels if the loss of
        the task is cross-entropy, else labels or targets.

    Raises
    ------
    TypeError
        If it is not a `Trial` of arrays.
    ValueError
        If an array differs in shape, type or range from its description in `Trial`. Targets may be anything where the
        mask is 0; inputs reach the network at all steps, and must be finite throughout.
    """
    name = f"{type(task).__name__}.build"
    if getattr(trial, "_fields", None) != _FIELDS:
        cause = " (is a return missing?)" if trial is None else ""
        raise TypeError(f"{name} returned {_kind(trial)}{cause}; it must return Trial({', '.join(_FIELDS)}).")
    for field in ("conditions", "epochs"):
        if not isinstance(getattr(trial, field), Mapping):
            raise TypeError(f"{name}: {field} is {_kind(getattr(trial, field))}, but must be a dict of arrays.")
    arrays: dict[str, Any] = {"inputs": trial.inputs, "targets": trial.targets, "mask": trial.mask}
    arrays |= {f"conditions[{key!r}]": values for key, values in trial.conditions.items()}
    arrays |= {f"epochs[{key!r}]": values for key, values in trial.epochs.items()}
    for field, values in arrays.items():
        if not hasattr(values, "shape") or not hasattr(values, "dtype"):
            raise TypeError(f"{name}: {field} is {_kind(values)}, but must be an array; use jnp.asarray.")

    n_steps, batch_size = _check_inputs(name, trial.inputs, task.n_in, n_trials)
    scored = _check_mask(name, trial.mask, (n_steps, batch_size))
    _check_targets(name, trial.targets, (n_steps, batch_size, task.n_out), scored, loss, task.loss)
    missing = [key for key in task.condition_grid() if key not in trial.conditions]
    if missing:
        raise ValueError(
            f"{name}: conditions lacks {', '.join(map(repr, missing))} of condition_grid; "
            "pass on the conditions given to build: conditions={**conditions, ...}."
        )
    for key, values in trial.conditions.items():
        if values.shape != (batch_size,):
            raise ValueError(
                f"{name}: conditions[{key!r}] has shape {values.shape}; it must be {(batch_size,)} = (B,), "
                "one value per trial."
            )
    for key, span in trial.epochs.items():
        _check_epoch(f"{name}: epochs[{key!r}]", span, n_steps, batch_size, task.dt)


def check_behaviour(task: Any, behaviour: Any, n_trials: int) -> None:
    """Check a `Behaviour`: its number of trials, scores in [0, 1] and choices of at least -1.

    Parameters
    ----------
    task : Task
    behaviour : Behaviour
        Result of its `behaviour`.
    n_trials : int
        Number of trials B.

    Raises
    ------
    TypeError
        If it is not a `Behaviour`.
    ValueError
        If scores are wrong (`check_scores`), or choices or times are not one number per trial.
    """
    name = f"{type(task).__name__}.behaviour"
    if getattr(behaviour, "_fields", None) != ("score", "choice", "time"):
        cause = " (is a return missing?)" if behaviour is None else ""
        raise TypeError(f"{name} returned {_kind(behaviour)}{cause}; it must return Behaviour(score, choice, time).")
    _check_scores(name, behaviour.score, n_trials)
    for part, kind, words in (
        ("choice", jnp.integer, "whole numbers from 0, -1 for none"),
        ("time", jnp.floating, "ms, NaN for none"),
    ):
        values = getattr(behaviour, part)
        if values is None:
            continue
        shape = getattr(values, "shape", None)
        if shape != (n_trials,):
            got = _kind(values) if shape is None else f"shape {tuple(shape)}"
            raise ValueError(f"{name}: {part} must be {(n_trials,)} = (B,), one per trial, or None; got {got}.")
        if not _is(values, kind):
            raise ValueError(f"{name}: {part} must be {words}; got {values.dtype}.")
    choice = None if behaviour.choice is None else _values(behaviour.choice)
    if choice is not None and choice.size and choice.min() < -1:
        raise ValueError(f"{name}: choice must be whole numbers from 0, -1 for none; got {choice.min()}.")


def check_scores(task: Any, scores: Any, n_trials: int) -> None:
    """Check that scores are one number in [0, 1], or NaN, per trial.

    Parameters
    ----------
    task : Task
    scores : array
        Result of its `correct`, or the score of its `behaviour`.
    n_trials : int
        Number of trials B.

    Raises
    ------
    ValueError
        If their shape is wrong, or they lie outside [0, 1], or are NaN in all trials.
    """
    _check_scores(f"{type(task).__name__}.correct", scores, n_trials)


def _check_scores(name: str, scores: Any, n_trials: int) -> None:
    if not hasattr(scores, "shape"):
        cause = " (is a return missing?)" if scores is None else ""
        raise ValueError(f"{name} returned {_kind(scores)}{cause}; it must return an array ({n_trials},) = (B,).")
    if scores.shape != (n_trials,):
        raise ValueError(
            f"{name} returned scores of shape {tuple(scores.shape)}; it must be {(n_trials,)} = (B,), one per trial"
            + ("; `accuracy` takes their mean." if scores.shape == () else ".")
        )
    if not (_is(scores, jnp.floating) or _is(scores, jnp.integer) or scores.dtype == bool):
        raise ValueError(f"{name} returned scores of type {scores.dtype}; they must be numbers in [0, 1].")
    values = _values(scores)
    if values is None:
        return
    values = values.astype(np.float64)
    outside = (values < -_ROUNDING) | (values > 1 + _ROUNDING)
    if outside.any():
        wrong = float(values[outside][0])
        raise ValueError(f"{name} returned a score of {wrong:g}; scores lie in [0, 1]{_per_cent(values[outside])}")
    if np.isnan(values).all():
        raise ValueError(
            f"{name} returned NaN for all {n_trials} trials; NaN is for trials without a choice (catch trials); "
            "an unanswered trial scores its chance level."
        )


def _check_channels(task: Any) -> None:
    name = type(task).__name__
    for kind, count in (("input", "n_in"), ("output", "n_out")):
        channels = getattr(task, f"{kind}_channels", None)
        if isinstance(channels, str):
            raise ValueError(
                f"{name}.{kind}_channels is the text {channels!r}; it must be a tuple of names, one per {kind}: "
                f"({channels!r},), with a comma."
            )
        try:
            n = getattr(task, count)
        except AttributeError:
            raise ValueError(f"{name} has no {kind}_channels; it must be a tuple of names, one per {kind}.") from None
        if not _is_number(n) or not isinstance(n, numbers.Integral) or n < 1:
            raise ValueError(f"{name}.{count} must be at least 1; got {n!r}: is {kind}_channels empty?")


def _check_grid(task: str, grid: Any) -> None:
    name = f"{task}.condition_grid"
    if not isinstance(grid, Mapping):
        cause = " (is a return missing?)" if grid is None else ""
        raise ValueError(f"{name} returned {_kind(grid)}{cause}; it must be a dict: name -> array (n_conditions,).")
    if not grid:
        raise ValueError(f'{name} is empty; a task without conditions has one: {{"condition": np.zeros(1)}}.')
    lengths = {}
    for key, column in grid.items():
        if not isinstance(key, str):
            raise ValueError(f"{name} has the key {key!r}; names of conditions are text.")
        try:
            shape = np.shape(column)
        except ValueError:
            raise ValueError(f"{name}[{key!r}] contains lists of unequal length; it must be (n_conditions,).") from None
        if len(shape) != 1:
            raise ValueError(
                f"{name}[{key!r}] has shape {shape}; it must be (n_conditions,), one value per condition"
                + (": a single condition is an array of one." if shape == () else ".")
            )
        lengths[key] = shape[0]
        values = _values(column)
        if values is None:
            continue
        if not (_is(values, jnp.floating) or _is(values, jnp.integer) or values.dtype == bool):
            raise ValueError(
                f"{name}[{key!r}] is of type {values.dtype}; conditions are numbers or booleans: "
                "number the levels, and keep their names elsewhere."
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{name}[{key!r}] contains NaN or infinity; conditions must be finite.")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key!r} {n}" for key, n in lengths.items())
        raise ValueError(
            f"{name} has columns of unequal length: {listed}; entry i of every column belongs to condition i "
            "(all combinations: np.meshgrid and ravel)."
        )
    if not next(iter(lengths.values())):
        raise ValueError(f"{name} has columns of length 0; at least one condition is needed.")


def _check_inputs(name: str, inputs: Any, n_in: int, n_trials: int | None) -> tuple[int, int]:
    shape = tuple(inputs.shape)
    wanted = f"(T, {'B' if n_trials is None else n_trials}, {n_in}) = (T, B, n_in)"
    if len(shape) != 3:
        raise ValueError(f"{name}: inputs has shape {shape}; it must be {wanted}.")
    if n_trials is not None and shape[1] != n_trials:
        cause = "time comes first: jnp.swapaxes(inputs, 0, 1)" if shape[0] == n_trials else "B is the number of trials"
        raise ValueError(f"{name}: inputs has shape {shape}; it must be {wanted}; {cause}.")
    if shape[2] != n_in:
        raise ValueError(f"{name}: inputs has shape {shape}; it must be {wanted}, as input_channels has {n_in} names.")
    if not shape[0]:
        raise ValueError(f"{name}: inputs has shape {shape}; trials need at least one step.")
    _check_real(name, "inputs", inputs)
    values = _values(inputs)
    if values is not None and not np.isfinite(values).all():
        t, b, i = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"{name}: inputs is {values[t, b, i]} at step {t} of trial {b}, channel {i}; inputs must be finite at "
            "all steps, even after the end of a trial, because the network receives them."
        )
    return shape[0], shape[1]


def _check_mask(name: str, mask: Any, wanted: tuple[int, int]) -> np.ndarray | None:
    shape = tuple(mask.shape)
    if shape != wanted:
        cause = "one weight per step and trial, 1 where outputs are scored and 0 elsewhere"
        if shape == wanted[::-1]:
            cause = "time comes first: mask.T"
        elif shape == (wanted[1],):
            cause += "; to score a whole trial use a column of ones"
        elif shape == (*wanted, 1):
            cause = "without the last axis: mask[..., 0]"
        raise ValueError(f"{name}: mask has shape {shape}; it must be {wanted} = (T, B), {cause}.")
    if mask.dtype != bool:
        _check_real(name, "mask", mask)
    values = _values(mask)
    if values is None:
        return None
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: mask contains NaN or infinity; it is 1 where outputs are scored and 0 elsewhere.")
    if (values < 0).any():
        raise ValueError(f"{name}: mask contains {float(values.min()):g}; weights of steps must be >= 0.")
    if not values.any():
        raise ValueError(
            f"{name}: mask is 0 everywhere; no output would be scored, and the loss would be 0; "
            "it must be 1 where outputs are scored."
        )
    return values != 0


def _check_targets(
    name: str, targets: Any, wanted: tuple[int, int, int], scored: np.ndarray | None, loss: str | None, declared: Any
) -> None:
    shape, n_out = tuple(targets.shape), wanted[2]
    whole = _is(targets, jnp.integer)
    if "cross_entropy" in (loss, declared if loss is None else None):
        labels = True
    else:
        labels = loss is None and whole and shape == wanted[:2]
    values = _values(targets)
    if labels:
        if shape != wanted[:2] or not whole:
            cause = "the loss is cross_entropy"
            if shape == wanted:
                cause += ", which takes labels: jnp.argmax(targets, axis=-1)"
            elif shape == wanted[:2]:
                cause += ": targets.astype(int)"
            raise ValueError(
                f"{name}: targets has shape {shape} and type {targets.dtype}; it must be integers of shape "
                f"{wanted[:2]} = (T, B), in 0..{n_out - 1}; {cause}."
            )
        if values is not None and scored is not None:
            wrong = values[scored & ((values < 0) | (values >= n_out))]
            if wrong.size:
                raise ValueError(
                    f"{name}: targets contains the label {wrong[0]} where the mask is not 0; labels are in "
                    f"0..{n_out - 1}, one for each of the {n_out} outputs"
                    + ("; subtract 1 from labels that count from 1." if wrong.max() == n_out else ".")
                )
        return
    if shape != wanted:
        cause = f"as output_channels has {n_out} {'name' if n_out == 1 else 'names'}"
        if shape == wanted[:2]:
            cause = (
                'integer labels need loss = "cross_entropy"' if whole else "one value per output: targets[..., None]"
            )
        elif shape == (wanted[1], wanted[0], wanted[2]):
            cause = "time comes first: jnp.swapaxes(targets, 0, 1)"
        raise ValueError(f"{name}: targets has shape {shape}; it must be {wanted} = (T, B, n_out); {cause}.")
    if targets.dtype != bool:
        _check_real(name, "targets", targets)
    if values is not None and scored is not None:
        wrong = scored & ~np.isfinite(values).all(axis=-1)
        if wrong.any():
            t, b = np.argwhere(wrong)[0]
            raise ValueError(
                f"{name}: targets is NaN or infinite at step {t} of trial {b}, where the mask is not 0; "
                "targets must be finite, or the mask 0."
            )


def _check_epoch(name: str, span: Any, n_steps: int, batch_size: int, dt: float) -> None:
    shape = tuple(span.shape)
    if shape != (batch_size, 2):
        cause = "the first step and the step after the last one, of each trial"
        if shape == (2, batch_size):
            cause += "; transpose it"
        raise ValueError(f"{name} has shape {shape}; it must be {(batch_size, 2)} = (B, 2): {cause}.")
    values = _values(span)
    if not _is(span, jnp.integer):
        raise ValueError(
            f"{name} is of type {span.dtype}; epochs are whole steps, not ms: jnp.round(ms / self.dt).astype(int)."
        )
    if values is None or not values.size:
        return
    first, last = values[:, 0], values[:, 1]
    wrong = ~((first >= 0) & (first <= last) & (last <= n_steps))
    if wrong.any():
        b = int(np.argmax(wrong))
        in_ms = values.min() >= 0 and n_steps < values.max() <= (n_steps + 1) * dt
        cause = f"; in ms? Epochs are steps: divide by dt, {dt:g} ms" if in_ms else ""
        raise ValueError(
            f"{name} is {values[b].tolist()} in trial {b}; 0 <= first <= last <= {n_steps} is needed, the number of "
            f"steps{cause}."
        )


def _check_real(name: str, field: str, values: Any) -> None:
    if not (_is(values, jnp.floating) or _is(values, jnp.integer) or values.dtype == bool):
        raise ValueError(f"{name}: {field} is of type {values.dtype}; it must be real numbers.")


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is(values: Any, kind: Any) -> bool:
    return bool(jnp.issubdtype(values.dtype, kind))


def _values(array: Any) -> np.ndarray | None:
    """Return an array on the host; None if it is traced, or only a shape."""
    return None if isinstance(array, jax.core.Tracer | jax.ShapeDtypeStruct) else np.asarray(array)


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{value!r}" if isinstance(value, str | int | float) else f"an object of type {type(value).__name__}"


def _per_cent(values: Any) -> str:
    """Return the likely cause, if numbers go up to 100."""
    return "; in per cent?" if np.max(values) > 1 and np.max(values) <= 100 and np.min(values) >= 0 else "."
