"""What is trained: tasks, one per file, sampled on the device."""

import dataclasses
from typing import Any

from ._base import NO_CHOICE as NO_CHOICE
from ._base import Task as Task
from ._base import Trial as Trial
from ._base import consecutive as consecutive
from ._base import forced_choice as forced_choice
from ._base import score_choice as score_choice
from ._base import within as within
from ._brainpy_datasets import BrainPyDatasetsTask as BrainPyDatasetsTask
from ._brainpy_datasets import from_brainpy_datasets as from_brainpy_datasets
from ._context_integration import ContextIntegration as ContextIntegration
from ._cue_set_go import CueSetGo as CueSetGo
from ._delayed_match_to_category import DelayedMatchToCategory as DelayedMatchToCategory
from ._delayed_match_to_sample import DelayedMatchToSample as DelayedMatchToSample
from ._delayed_response import DelayedResponse as DelayedResponse
from ._flip_flop import FlipFlop as FlipFlop
from ._multisensory_integration import MultisensoryIntegration as MultisensoryIntegration
from ._n_back import NBack as NBack
from ._neurogym import NeurogymTask as NeurogymTask
from ._neurogym import from_neurogym as from_neurogym
from ._parametric_memory import ParametricMemory as ParametricMemory
from ._perceptual_decision import PerceptualDecision as PerceptualDecision
from ._picture_n_back import PictureNBack as PictureNBack
from ._pictures import Pictures as Pictures
from ._pictures import load_pictures as load_pictures
from ._pulse_accumulation import PulseAccumulation as PulseAccumulation
from ._reaction_time_decision import ReactionTimeDecision as ReactionTimeDecision
from ._ready_set_go import ReadySetGo as ReadySetGo
from ._sequence_execution import SequenceExecution as SequenceExecution
from ._sequence_memory import SequenceMemory as SequenceMemory
from ._sine_wave import SineWave as SineWave
from ._timing import TruncatedExponential as TruncatedExponential
from ._timing import Uniform as Uniform
from ._timing import whole_steps as whole_steps

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
}
"""Tasks that a configuration can name."""


def make(name: str, **options) -> Task:
    """Task by name, e.g. ``make("PerceptualDecision", dt=10.)``.

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
    """Tasks that a configuration can name, with their default parameters, in JSON-compatible form.

    Returns
    -------
    dict of str to dict
        By task: ``summary``, ``n_in``, ``n_out``, ``n_conditions`` and ``parameters``.
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
