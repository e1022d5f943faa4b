"""Scale of the coherence in configurations; new files always name it, so that each has one meaning."""

import logging
from collections.abc import Mapping
from typing import Any

KEY, SCALE = "coherence", "coherence_scale"


def scale_of_file(tables: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the tables of a file; without a stated scale, coherence has that of eicon 0.1.0."""
    if not _says_no_scale(tables):
        return tables
    logging.getLogger(__name__).warning(
        "%s: task.coherence is read on the scale of Song et al. (2016), as in eicon 0.1.0. State the scale explicitly: "
        'coherence_scale = "dots" (per cent of dots) or coherence_scale = "song2016".',
        source,
    )
    return {**tables, "task": {**tables.get("task", {}), SCALE: "song2016"}}


def _says_no_scale(tables: Mapping[str, Any]) -> bool:
    """Return whether the task, its stages or the grid contain a coherence but none of them its scale."""
    grid, stages = tables.get("grid"), tables.get("stages")
    grid = grid if isinstance(grid, Mapping) else {}  # anything but a table is rejected elsewhere
    stages = stages if isinstance(stages, list | tuple) else ()
    places = [tables.get("task"), grid.get("task")]
    places += [stage.get("task") if isinstance(stage, Mapping) else getattr(stage, "task", None) for stage in stages]
    said = {key for place in places if isinstance(place, Mapping) for key in place}
    said |= {str(key).removeprefix("task.") for key in grid if str(key).startswith("task.")}
    return KEY in said and SCALE not in said and isinstance(tables.get("task", {}), Mapping)
