"""Parts of each figure, their sizes, and the function that computes a part."""

from collections.abc import Sequence
from typing import NamedTuple

from .._parts import Keep, Measures, Part
from ._dimension import fit_rotating
from ._known import find_numbers, known_parts
from ._stiff import measure_stiffness
from ._students import fit_student
from ._teachers import teach
from ._wiring import fit_on_circuit, teach_larva, wiring_parts

TITLES = {
    1: "students trained on the readout alone",
    2: "students that record M units",
    3: "dimension, not size",
    4: "stiff directions, and which units to record",
    5: "real wiring",
    6: "known structure, unknown numbers",
}
"""Figures; 5 and 6 need wiring diagrams that eicon does not contain."""
OF_CIRCUITS = (5, 6)
RATES = {"teacher": 0.004, "recorded": 0.03, "readout": 0.03, "unconstrained": 0.002, "rotating": 0.01}
"""Initial learning rates of Adam, which decrease along half a cosine."""


class Sizes(NamedTuple):
    """Sizes of networks, trials and trainings.

    Attributes
    ----------
    n, n_steps, trials, batch : units, steps of a trial, fitted trials, trials of a training step
    seeds : teachers, each with its students
    more_seeds : additional ones, for students that record the readout or the fewest units, whose errors vary most
    teacher_steps, steps, at : updates of teachers and students, and updates at which students are measured
    recorded, controls : M of students, and of those with unconstrained weights
    rates : M of students that record rates
    ordered : M of students that record chosen units, and those chosen as the worst
    used : trials for the computation of stiffness
    sizes, rotating_seeds : N of teachers of rank two, and number of each
    rotating, rotating_steps, rotating_at : M and updates of their students
    """

    n: int = 300
    n_steps: int = 200
    trials: int = 60
    batch: int = 20
    seeds: int = 3
    more_seeds: int = 3
    teacher_steps: int = 1800
    steps: int = 7000
    at: tuple[int, ...] = (0, 100, 500, 1000, 2000, 4000, 7000)
    recorded: tuple[int, ...] = (1, 4, 10, 20, 40, 100)
    controls: tuple[int, ...] = (20, 100)
    rates: tuple[int, ...] = (40,)
    ordered: tuple[int, ...] = (4, 10, 20)
    used: int = 20
    sizes: tuple[int, ...] = (100, 200, 400)
    rotating_seeds: int = 10
    rotating: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    rotating_steps: int = 3000
    rotating_at: tuple[int, ...] = (0, 100, 500, 1000, 2000, 3000)


FULL = Sizes()
QUICK = Sizes(
    n=30, n_steps=80, trials=6, batch=3, seeds=2, more_seeds=0, teacher_steps=50, steps=50, at=(0, 50),
    recorded=(1, 10), controls=(10,), rates=(10,), ordered=(1,), used=3,
    sizes=(20, 40), rotating_seeds=2, rotating=(1, 4), rotating_steps=50, rotating_at=(0, 50),
)  # fmt: skip


def stages(figure: int, *, quick: bool = False) -> list[list[Part]]:
    """Return the parts of a figure by stage; each stage needs all previous ones.

    Raises
    ------
    ValueError
        For a figure that does not exist.
    """
    sizes = QUICK if quick else FULL
    more = sizes._replace(seeds=sizes.seeds + sizes.more_seeds)
    if figure == 1:
        return [_teachers(more), _students(more, "readout", (0,))]
    if figure == 2:
        students = [*_students(sizes, "recorded", sizes.recorded), *_students(more, "recorded", sizes.recorded[:1])]
        controls = [_students(sizes, "unconstrained", sizes.controls), _students(sizes, "rates", sizes.rates)]
        known = {part["name"]: part for part in (*students, *controls[0], *controls[1])}
        return [_teachers(more), list(known.values())]
    if figure == 3:
        return [_rotating(sizes)]
    if figure == 4:
        ordered = [part for order in ("chosen", "worst") for part in _students(sizes, order, sizes.ordered)]
        students = _students(sizes, "recorded", sizes.recorded)
        return [_teachers(sizes), students + ordered, _stiff(sizes, students)]
    if figure == 5:
        return wiring_parts(quick=quick)
    if figure == 6:
        return [known_parts(quick=quick)]
    raise ValueError(f"the figures of this study are {', '.join(map(str, TITLES))}; got {figure}.")


def do_part(part: Part, keep: Keep) -> Measures:
    """Compute a part of `stages`; parts of circuits have no group and are recognised by their settings."""
    kinds = {"teacher": teach, "student": fit_student, "rotating": fit_rotating, "stiffness": measure_stiffness}
    if "group" in part:
        return kinds[part["group"]](part, keep)
    of_circuit = find_numbers if "window" in part else fit_on_circuit if "recorded" in part else teach_larva
    return of_circuit(part, keep)


def _teachers(sizes: Sizes) -> list[Part]:
    return [
        {"name": f"teacher{seed}", "group": "teacher", "makes": f"teacher{seed}_network.npz", "seed": seed}
        | {"n": sizes.n, "n_steps": sizes.n_steps, "trials": sizes.trials, "batch": sizes.batch}
        | {"steps": sizes.teacher_steps, "rate": RATES["teacher"]}
        for seed in range(sizes.seeds)
    ]


def _students(sizes: Sizes, what: str, recorded: Sequence[int]) -> list[Part]:
    """Return the students of a kind: ``what`` is the recorded quantity or the order of units."""
    kind = what if what in ("readout", "unconstrained") else "recorded"
    order = what if what in ("chosen", "worst") else "random"
    prefix = "student" if what == "recorded" else what
    made: list[Part] = [
        {"name": f"{prefix}-seed{seed}" if what == "readout" else f"{prefix}-M{m}-seed{seed}", "group": "student"}
        | {"kind": kind, "observed": "rate" if what == "rates" else "current", "m": m, "order": order, "seed": seed}
        | {"n": sizes.n, "n_steps": sizes.n_steps, "trials": sizes.trials, "batch": sizes.batch}
        | {"steps": sizes.steps, "at": list(sizes.at), "rate": RATES[kind]}
        for seed in range(sizes.seeds)
        for m in recorded
    ]
    return [part | {"makes": f"{part['name']}_network.npz"} for part in made] if what == "recorded" else made


def _rotating(sizes: Sizes) -> list[Part]:
    return [
        {"name": f"rotating-N{n}-M{m}-seed{seed}", "group": "rotating", "kind": "recorded", "observed": "current"}
        | {"m": m, "order": "random", "seed": seed, "n": n, "n_steps": sizes.n_steps, "trials": sizes.trials}
        | {"batch": sizes.batch, "steps": sizes.rotating_steps, "at": list(sizes.rotating_at)}
        | {"rate": RATES["rotating"]}
        for seed in range(sizes.rotating_seeds)
        for n in sizes.sizes
        for m in sizes.rotating
    ]


def _stiff(sizes: Sizes, students: Sequence[Part]) -> list[Part]:
    return [
        {"name": f"stiffness-M{part['m']}-seed{part['seed']}", "group": "stiffness", "student": part["name"]}
        | {name: part[name] for name in ("m", "seed", "n", "n_steps", "trials")}
        | {"used": sizes.used}
        for part in students
    ]
