"""Studies as lists of independent parts, each computed once; interrupted and killed parts are resumed.

A part is a JSON-compatible dict with a ``name``. A finished part is a line of a file, with its settings; an unfinished
one is a checkpoint in a folder.
"""

import importlib
import json
import logging
import math
import operator
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from .._files import read_json, read_text, without_nan, write_json
from ..runs._workers import run_many
from ..training import Trainer
from ..training.results import History

logger = logging.getLogger(__name__)

Part = dict[str, Any]
Measures = dict[str, Any]
MOST_BYTES = 2**28
"""Largest size of a file of results."""


class TimeUp(Exception):  # noqa: N818, nothing is wrong
    """The time limit of this process was reached; trained networks are kept."""


@dataclass(frozen=True)
class Keep:
    """Storage and time limit of a part.

    Attributes
    ----------
    folder : folder of all parts of the study, e.g. for networks that other parts read
    name : name of the part
    until : time (`time.time`) at which to stop
    """

    folder: Path
    name: str
    until: float = math.inf

    def check(self) -> None:
        """Raise `TimeUp` after the time limit."""
        if time.time() >= self.until:
            raise TimeUp

    def fit(
        self,
        trainer: Trainer,
        steps: int,
        *,
        measure: Callable[[Trainer], Measures] | None = None,
        at: Sequence[int] = (),
        stage: str = "",
        every: int = 50,
        checkpoint_every: int = 250,
        stop_when: Callable[[History], bool] | None = None,
    ) -> dict[int, Measures]:
        """Train up to ``steps`` steps in total, from the checkpoint of this part if there is one.

        Parameters
        ----------
        trainer : Trainer
        steps : int
        measure : callable, optional
            Called with the trainer at the steps ``at``, multiples of ``every``; its results are kept.
        at : sequence of int
        stage : str
            Name that distinguishes several trainings of one part.
        every, checkpoint_every : int
            Steps between validations, at which training can stop, and between checkpoints.
        stop_when : callable, optional
            Rule that ends the training before, see `Trainer.fit`.

        Returns
        -------
        dict
            Measures by step.

        Raises
        ------
        TimeUp
            At the time limit, after the checkpoint is written.
        """
        if wrong := [step for step in at if step % every]:
            raise ValueError(f"measures are made at multiples of {every} steps; got {wrong}.")
        checkpoint = self.folder / f"{self.name}{stage}.npz"
        notes = checkpoint.with_suffix(".json")
        found: dict[int, Measures] = {}
        if checkpoint.exists():
            trainer.resume(checkpoint)
            if notes.exists():
                found = {int(step): values for step, values in read_json(notes, "measures").items()}
                found = {step: values for step, values in found.items() if step <= trainer.step}

        def look(now: Trainer) -> None:
            if measure is not None and now.step in at and now.step not in found:
                found[now.step] = without_nan(measure(now))
                write_json(notes, found)
            self.check()

        look(trainer)
        left = steps - trainer.step
        if left > 0 and not (stop_when and trainer.step and stop_when(trainer.history)):
            options: dict[str, Any] = {"validate_every": every, "checkpoint_every": checkpoint_every}
            options["stop_when"] = stop_when
            trainer.fit(left, checkpoint=checkpoint, callback=look, progress=False, **options)
        look(trainer)
        return found


def run_parts(
    parts: Sequence[Part],
    do: Callable[[Part, Keep], Measures],
    results: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    workers: int = 1,
    minutes: float | None = None,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Compute all unfinished parts, and return the lines of finished ones.

    Parameters
    ----------
    parts : sequence of dict
        JSON-compatible, with a unique ``name``; a part with ``makes`` is finished only if a file of that name is in the
        folder.
    do : callable
        Function of a part and `Keep` that returns JSON-compatible measures, in a module that other processes can
        import. It trains with `Keep.fit`.
    results : path
        File of JSON lines, to which finished parts are added.
    folder : path
        Folder of checkpoints.
    workers : int
        Number of processes, each with one thread; 0: this process.
    minutes : float, optional
        Time after which no part is started, and running ones stop at a checkpoint.
    progress : bool
        Print on standard error what is finished and how long the rest may take.

    Returns
    -------
    list of dict
        ``name``, ``settings``, ``seconds``, ``commit`` and ``measures`` of each finished part of this list.

    Raises
    ------
    ValueError
        If a part of that name was computed with different settings.
    RuntimeError
        If parts failed, after all others are finished.
    """
    results, folder = Path(results), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done = {line["name"]: line for line in read_results(results)}
    _refuse_other(parts, done, results)
    missing = [part for part in parts if not _is_done(part, done, folder)]
    until = math.inf if minutes is None else time.time() + 60 * minutes
    shared = {"do": _name(do), "folder": str(folder), "until": until if minutes is not None else None}
    items = [{**shared, "part": part} for part in missing]
    begun, revision, failed, finished = time.time(), commit(), {}, 0
    _tell(progress, f"{len(parts) - len(missing)} of {len(parts)} parts are finished.")
    with closing(run_many(_do, items, workers=workers)) as answers:
        for index, answer in answers:
            part = missing[index]
            name = part["name"]
            if "error" in answer:
                failed[name] = answer["error"]
                _tell(progress, f"{name} failed: {answer['error']}")
                continue
            if "measures" not in answer:
                continue
            settings = {key: value for key, value in part.items() if key != "name"}
            line = {"name": name, "settings": settings, "commit": revision, **answer}
            append_result(results, line)
            done[name] = line
            finished += 1
            left = len(missing) - finished - len(failed)
            rest = (time.time() - begun) / finished * left / 60
            _tell(progress, f"{name}: finished in {answer['seconds']:.0f} s; {left} parts left, about {rest:.0f} min")
    if left := len(missing) - finished - len(failed):
        _tell(progress, f"{left} parts are not finished; repeat the same call to resume.")
    if failed:
        raise RuntimeError("; ".join(f"{name} failed: {why}" for name, why in failed.items()))
    return [done[part["name"]] for part in parts if part["name"] in done]


def read_results(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """Read a file of results, the last line of each name; empty if there is no file.

    Raises
    ------
    ValueError
        If a line is not a JSON object with a name.
    """
    if not Path(path).exists():
        return []
    lines = {}
    text = read_text(path, "file of results", largest=MOST_BYTES)
    for number, row in enumerate(text[: text.rfind("\n") + 1].splitlines(), 1):  # the last line may be incomplete
        try:
            line = json.loads(row)
            _ = line["settings"], line["measures"]
            lines[line["name"]] = line
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}, line {number}: not the result of a part ({error}).") from error
    return list(lines.values())


def append_result(path: str | os.PathLike[str], line: Mapping[str, Any]) -> None:
    """Add a line to a file of results, which other processes may extend; an incomplete last line is dropped."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as stream:
        stream.seek(0)
        there = stream.read()
        if not there.endswith(b"\n"):
            stream.truncate(there.rfind(b"\n") + 1)
        stream.write(json.dumps(line).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def commit() -> str | None:
    """Return the revision of eicon's own clone, with ``-dirty`` if it has changes; None for an installed package."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _do(item: dict[str, Any]) -> dict[str, Any]:
    """Compute one part, in any process; the answer is empty if there was no time."""
    module, _, name = item["do"].partition(":")
    part, begun = item["part"], time.time()
    keep = Keep(Path(item["folder"]), part["name"], math.inf if item["until"] is None else item["until"])
    try:
        keep.check()
        measures = operator.attrgetter(name)(importlib.import_module(module))(part, keep)
    except TimeUp:
        return {}
    except Exception as error:
        logger.exception("%s failed", part["name"])
        return {"error": f"{type(error).__name__}: {error}"}
    return {"seconds": round(time.time() - begun, 1), "measures": without_nan(measures)}


def _name(do: Callable[..., Any]) -> str:
    """Return module and name of a function; ``__main__`` gets the name that it has in other processes."""
    module = do.__module__
    if module == "__main__":
        main = sys.modules[module]
        module = main.__spec__.name if main.__spec__ else Path(main.__file__ or "").stem
    return f"{module}:{do.__qualname__}"


def _is_done(part: Part, done: Mapping[str, Any], folder: Path) -> bool:
    return part["name"] in done and ("makes" not in part or (folder / part["makes"]).exists())


def _refuse_other(parts: Sequence[Part], done: Mapping[str, Any], results: Path) -> None:
    names = [part["name"] for part in parts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"parts must have unique names; got {', '.join(sorted(twice))} more than once.")
    for part in json.loads(json.dumps(parts)):
        line = done.get(part["name"])
        settings = {key: value for key, value in part.items() if key != "name"}
        if line is not None and line["settings"] != settings:
            raise ValueError(
                f"{results} contains {part['name']} with different settings (from --quick, or an older version); "
                "choose another --out, or remove that line."
            )


def _tell(progress: bool, line: str) -> None:
    if progress:
        tqdm.write(line, file=sys.stderr)
