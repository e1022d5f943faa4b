"""One way or many: similarity of networks that differ only in their seeds, large and condensed.

    python -m studies.one_way --workers 2

Twelve networks of 100 units under Dale's law are trained on each of three tasks until they reach its criterion, and
each is condensed to 40 units; all are compared with each other in seven respects.

Budget: 2 hours of two cores; ``--minutes`` stops earlier, and the next call resumes from there.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import jax
import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster import hierarchy
from sklearn.metrics import silhouette_score

from eicon.models import load
from eicon.plotting.similarity import plot_profiles
from eicon.reproduce._parts import Keep, Measures, Part
from eicon.studies import profiles
from eicon.studies._profile import RESPECTS
from eicon.tasks import TASKS
from studies.common import Places, run_study
from studies.how_small import EVERY, OF_THE_WORM, condensed, network, rule_of, score_of, trainer_of

KIND = "dale"
LARGE, SMALL = "large", "condensed"
GROUPS = (2, 3, 4)
"""Numbers of groups that are tried."""
DRAWS = 999
"""Number of draws for the null of groups, and of bootstrapped seeds."""


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    tasks: tuple[str, ...] = OF_THE_WORM
    seeds: int = 12
    n: int = 100
    to: int = 40
    steps: tuple[int, int] = (1000, 4000)
    retrain: tuple[int, int] = (200, 1000)
    repeats: int = 10
    trials: int = 1000
    candidates: int = 64
    permutations: int = 39


FULL = Sizes()
QUICK = Sizes(
    OF_THE_WORM[:1],
    3,
    n=24,
    to=6,
    steps=(50, 1000),
    retrain=(50, 100),
    repeats=2,
    trials=20,
    candidates=4,
    permutations=3,
)


def stages(sizes: Sizes) -> list[list[Part]]:
    """List the networks of a task and then their comparison, which needs all of them, task by task."""
    same = {name: getattr(sizes, name) for name in ("n", "repeats", "trials")}
    same |= {"to": [sizes.to], "steps": list(sizes.steps), "retrain": list(sizes.retrain)}
    compared = {name: getattr(sizes, name) for name in ("n", "to", "repeats", "candidates", "permutations")}
    found: list[list[Part]] = []
    for task in sizes.tasks:
        found.append(
            [
                {"name": f"{task}-{seed}", "makes": f"{task}-{seed}-{SMALL}.npz", "task": task, "seed": seed, **same}
                for seed in range(sizes.seeds)
            ]
        )
        found.append([{"name": f"compare-{task}", "task": task, "seeds": sizes.seeds, **compared}])
    return found


def do(part: Part, keep: Keep) -> Measures:
    """Make a network and its condensation, or compare all of a task."""
    task = TASKS[part["task"]]()
    if "seeds" in part:
        return _compare(part, keep)
    seed, (least, most) = part["seed"], part["steps"]
    large, rule = network(KIND, task, part["n"], seed), rule_of(task, least)
    trainer = trainer_of(large, task, seed)
    keep.fit(trainer, most, every=EVERY, stop_when=rule)
    trial = task.trials(part["repeats"], key=jax.random.key(1000 + seed))
    (small,) = condensed(large, task, trial, part, "condensed")
    large.save(keep.folder / f"{part['task']}-{seed}-{LARGE}.npz")
    small.save(keep.folder / part["makes"])
    return {
        "steps": trainer.step,
        "reached": rule(trainer.history),
        "score": score_of(large, task, part["trials"], seed),
        "score_condensed": score_of(small, task, part["trials"], seed),
    }


def _compare(part: Part, keep: Keep) -> Measures:
    seeds, task = range(part["seeds"]), TASKS[part["task"]]()
    nets = {
        f"{kind} {seed}": load(keep.folder / f"{part['task']}-{seed}-{kind}.npz")
        for kind in (LARGE, SMALL)
        for seed in seeds
    }
    pairs = [(f"{kind} {a}", f"{kind} {b}") for kind in (LARGE, SMALL) for a, b in combinations(seeds, 2)]
    pairs += [(f"{LARGE} {seed}", f"{SMALL} {seed}") for seed in seeds]
    options: dict[str, Any] = {"repeats": part["repeats"], "candidates": part["candidates"]}
    found = profiles(nets, task, pairs=pairs, n_permutations=part["permutations"], **options)
    return {respect: np.round(found.matrix(respect), 4).tolist() for respect in RESPECTS}


def overall(matrices: Mapping[str, Any]) -> np.ndarray:
    """Return the mean similarity of each pair over the respects in which there is something to compare."""
    every = np.array([matrices[respect] for respect in RESPECTS], float)
    known = np.isfinite(every)
    return np.where(known, every, 0.0).sum(axis=0) / _counted(known.sum(axis=0))


def among(matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return mean similarities of pairs: of all seeds, then of seeds resampled with replacement, (1 + draws,)."""
    n = len(matrix)
    drawn = np.concatenate([np.arange(n)[None], rng.integers(n, size=(DRAWS, n))])
    values = matrix[drawn[:, :, None], drawn[:, None, :]]
    kept = np.isfinite(values) & (drawn[:, :, None] != drawn[:, None, :])
    return np.where(kept, values, 0.0).sum(axis=(1, 2)) / _counted(kept.sum(axis=(1, 2)))


def groups(matrix: np.ndarray, rng: np.random.Generator) -> tuple[int, float, float]:
    """Find the number of groups with the best silhouette, and return it with the silhouette and its p.

    The null has the same number of points from one Gaussian cloud with the extent of the networks in each direction
    (classical scaling of 1 minus the similarity), so an elongated cloud does not count as groups.
    """
    apart = np.clip(1.0 - matrix, 0.0, None)
    np.fill_diagonal(apart, 0.0)
    k, value = _best(apart)
    centred = np.eye(len(apart)) - 1 / len(apart)
    lengths = np.linalg.eigvalsh(-0.5 * centred @ apart**2 @ centred)
    points = rng.standard_normal((DRAWS, *apart.shape)) * np.sqrt(np.clip(lengths, 0.0, None) / len(apart))
    null = [_best(np.linalg.norm(one[:, None] - one[None], axis=2))[1] for one in points]
    return k, value, (1 + np.count_nonzero(np.array(null) >= value)) / (1 + DRAWS)


def _best(apart: np.ndarray) -> tuple[int, float]:
    tree = hierarchy.linkage(apart[np.triu_indices(len(apart), 1)], "average")
    found = {k: hierarchy.fcluster(tree, k, "maxclust") for k in GROUPS if k < len(apart)}
    values = {
        k: silhouette_score(apart, labels, metric="precomputed")
        for k, labels in found.items()
        if 1 < len(np.unique(labels)) < len(apart)
    }
    return max(values.items(), key=lambda item: item[1]) if values else (1, float("nan"))


def page(lines: Sequence[Mapping[str, Any]], figures: Mapping[str, str]) -> str:
    """Make the page, with tables and text."""
    compared = {line["settings"]["task"]: line for line in lines if line["name"].startswith("compare-")}
    made = [line for line in lines if not line["name"].startswith("compare-")]
    first = next(iter(compared.values()))["settings"]
    n, steps = first["seeds"], made[0]["settings"]["steps"]
    text = [
        "# One way or many?",
        "",
        f"{n} networks of {first['n']} relu units under Dale's law, with recurrent noise 0.1, are trained on each task "
        f"until they reach its criterion, for {steps[0]} to {steps[1]} steps, and differ only in their seeds; each is "
        f"condensed to {first['to']} units and retrained, as in "
        "[How many units does a task need?](how_small.md). Networks are compared in seven respects "
        "(`eicon.studies.profiles`): 0 is the mean of the null, 1 the ceiling; pairs whose ceiling does not exceed the "
        "null's 95 % limit are left out. The 95 % intervals are percentiles over seeds resampled with replacement.",
    ]
    rng = np.random.default_rng(0)
    for task, line in compared.items():
        matrices = line["measures"] | {"mean": overall(line["measures"]).tolist()}
        of_task = [one["measures"] for one in made if one["settings"]["task"] == task]
        kept = np.flatnonzero([m["reached"] for m in of_task])
        score, small = (np.mean([of_task[i][name] for i in kept]) for name in ("score", "score_condensed"))
        text += [
            "",
            f"## {task}",
            "",
            f"{len(kept)} of {n} networks reached the criterion, after "
            f"{np.median([m['steps'] for m in of_task]):.0f} steps (median); only they are counted below. "
            f"Mean score under noise {score:.3f}, "
            f"condensed {small:.3f}.",
            "",
            "| respect | large networks | condensed networks | condensed minus large | large with its condensed |",
            "|---|---|---|---|---|",
        ]
        for respect in (*RESPECTS, "mean"):
            matrix = np.array(matrices[respect], float)
            seed = rng.integers(2**32)  # the same draws for both, so that their difference is of the same seeds
            large, condensed_ones = (
                among(matrix[np.ix_(of, of)], np.random.default_rng(seed)) for of in (kept, n + kept)
            )
            own = matrix[kept, n + kept]
            text.append(
                f"| {respect.replace('_', ' ')} | {_interval(large)} | {_interval(condensed_ones)} | "
                f"{_interval(condensed_ones - large, '+')} | {_interval(_means(own, np.random.default_rng(seed)))} |"
            )
        mean = overall(line["measures"])
        for words, of in (("large", kept), ("condensed", n + kept)):
            k, value, p = groups(mean[np.ix_(of, of)], rng)
            text += ["", f"Best number of groups among the {words} networks: {k}, silhouette {value:.2f}, p = {p:.3f}."]
        text += [
            "",
            f"![Similarity of {n} networks on {task}]({figures[task]})",
            "",
            f"*Similarity of each pair of the {n} large networks, ordered by a tree of their mean similarity.*",
        ]
    return "\n".join(text) + "\n"


def _means(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = np.concatenate([values[None], values[rng.integers(len(values), size=(DRAWS, len(values)))]])
    known = np.isfinite(drawn)
    return np.where(known, drawn, 0.0).sum(axis=1) / _counted(known.sum(axis=1))


def _counted(n: np.ndarray) -> np.ndarray:
    return np.where(n > 0, n, np.nan)


def _interval(values: np.ndarray, sign: str = "") -> str:
    """Format the value of all seeds with the percentiles of the resampled ones."""
    if not np.isfinite(values[0]):
        return "none"
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return f"{values[0]:{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"


def write(lines: Sequence[Mapping[str, Any]], where: Places, footer: str) -> None:
    """Write the page and its figures for the tasks that are compared."""
    figures = {}
    for line in lines:
        task = line["settings"]["task"]
        if line["name"] != f"compare-{task}":
            continue
        n = line["settings"]["seeds"]
        matrices = {
            respect.replace("_", " "): np.array(line["measures"][respect], float)[:n, :n] for respect in RESPECTS
        }
        figure = plot_profiles(matrices, [f"seed {seed}" for seed in range(n)])
        figures[task] = f"../images/one_way_{task}.png"
        figure.savefig(where.images / f"one_way_{task}.png", dpi=150, bbox_inches="tight")
        plt.close(figure)
    if figures:
        (where.pages / "one_way.md").write_text(page(lines, figures) + footer, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study."""
    return run_study("one_way", __doc__, lambda quick: stages(QUICK if quick else FULL), do, write, argv)


if __name__ == "__main__":
    sys.exit(main())
