"""Tasks by name."""

import dataclasses
from typing import Any

from ._base import Task
from ._context_integration import ContextIntegration
from ._cue_set_go import CueSetGo
from ._delayed_match_to_category import DelayedMatchToCategory
from ._delayed_match_to_sample import DelayedMatchToSample
from ._delayed_response import DelayedResponse
from ._flip_flop import FlipFlop
from ._hex_motion import HexMotion
from ._multisensory_integration import MultisensoryIntegration
from ._n_back import NBack
from ._parametric_memory import ParametricMemory
from ._perceptual_decision import PerceptualDecision
from ._picture_n_back import PictureNBack
from ._pulse_accumulation import PulseAccumulation
from ._reaction_time_decision import ReactionTimeDecision
from ._ready_set_go import ReadySetGo
from ._sequence_execution import SequenceExecution
from ._sequence_memory import SequenceMemory
from ._sine_wave import SineWave

TASKS: dict[str, type[Task]] = {
    "PerceptualDecision": PerceptualDecision,
    "SequenceMemory": SequenceMemory,
    "NBack": NBack,
    "PictureNBack": PictureNBack,
    "CueSetGo": CueSetGo,
    "ReactionTimeDecision": ReactionTimeDecision,
    "ParametricMemory": ParametricMemory,
    "ContextIntegration": ContextIntegration,
    "MultisensoryIntegration": MultisensoryIntegration,
    "SequenceExecution": SequenceExecution,
    "SineWave": SineWave,
    "DelayedMatchToSample": DelayedMatchToSample,
    "DelayedMatchToCategory": DelayedMatchToCategory,
    "DelayedResponse": DelayedResponse,
    "ReadySetGo": ReadySetGo,
    "FlipFlop": FlipFlop,
    "PulseAccumulation": PulseAccumulation,
    "HexMotion": HexMotion,
}
"""Tasks that a configuration can name."""


def make(name: str, **options) -> Task:
    """Make a task by name, e.g. ``make("PerceptualDecision", dt=10.)``.

    Parameters
    ----------
    name : str
        One of `TASKS`.
    **options
        Parameters of the task.

    Returns
    -------
    Task

    Raises
    ------
    ValueError
        If there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"unknown task {name!r}; allowed: {', '.join(TASKS)}.")
    return TASKS[name](**options)


def describe() -> dict[str, dict[str, Any]]:
    """List the tasks that a configuration can name, with their default parameters, in JSON-compatible form.

    Returns
    -------
    dict of str to dict
        For each task: ``summary``, ``n_in``, ``n_out``, ``n_conditions`` and ``parameters``.
    """
    found = {}
    for name, task_type in TASKS.items():
        task = task_type()
        found[name] = {
            "summary": (task_type.__doc__ or "").strip().splitlines()[0],
            "n_in": task.n_in,
            "n_out": task.n_out,
            "n_conditions": task.n_conditions,
            "parameters": dataclasses.asdict(task),
        }
    return found
