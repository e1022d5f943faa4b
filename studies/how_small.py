"""Number of units that a task needs, and whether the small network solves it in the same way.

    python -m studies.how_small --workers 2

Networks of 100 units on ten tasks, free and under Dale's law, and the worm's connectome on three of them, are trained
to the task's criterion, and condensed to 40, 20, 10 and 5 units. They are compared with networks of these sizes that
are trained on the task from scratch, trained on only the outputs of the large network, or made of randomly chosen units
and retrained.

Budget: 10 hours on two cores; ``--minutes`` stops earlier, and the next call resumes from there.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import jax
import jax.numpy as jnp
import numpy as np

from eicon import connectomes
from eicon.models import Connectivity, RateRNN
from eicon.plotting._fits import seed_intervals
from eicon.reproduce._parts import Keep, Measures, Part
from eicon.studies import condense_network, match_noise, profiles
from eicon.studies._profile import RESPECTS
from eicon.studies._responses import behaviour_of
from eicon.tasks import TASKS, Task, Trial
from eicon.training import ActivityMatch, NonFiniteLoss, Trainer
from eicon.training._curriculum import criterion_of
from eicon.training.results import History
from studies.common import Places, run_study

NAMES = (
    "PerceptualDecision",
    "ContextIntegration",
    "DelayedResponse",
    "DelayedMatchToSample",
    "DelayedMatchToCategory",
    "ParametricMemory",
    "MultisensoryIntegration",
    "FlipFlop",
    "CueSetGo",
    "ReadySetGo",
)
OF_THE_WORM = ("PerceptualDecision", "DelayedResponse", "FlipFlop")
WAYS = {
    "condensed": "condensed, retrained",
    "random": "random units, retrained",
    "scratch": "trained from scratch",
    "distilled": "trained on the outputs",
}
RETRAIN_RATE, MATCH = 5e-4, 1.0
EVERY = 50
"""Steps between validations."""
BELOW = 0.05
"""Largest difference in score by which a sufficient network may fall short of the large one."""


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    tasks: tuple[str, ...] = NAMES
    worm: tuple[str, ...] = OF_THE_WORM
    kinds: tuple[str, ...] = ("free", "dale")
    seeds: int = 3
    n: int = 100
    to: tuple[int, ...] = (40, 20, 10, 5)
    steps: tuple[int, int] = (1000, 4000)
    retrain: tuple[int, int] = (200, 1000)
    repeats: int = 8
    trials: int = 1000
    candidates: int = 32
    permutations: int = 39


FULL = Sizes()
QUICK = Sizes(
    NAMES[:1],
    worm=(),
    kinds=("dale",),
    seeds=1,
    n=24,
    to=(6,),
    steps=(50, 1000),
    retrain=(50, 100),
    repeats=2,
    trials=20,
    candidates=4,
    permutations=3,
)


def parts_of(sizes: Sizes) -> list[Part]:
    """List the parts, one large network each with everything made from it; all of one seed before the next."""
    settings = {name: getattr(sizes, name) for name in ("n", "repeats", "trials", "candidates", "permutations")}
    settings |= {name: list(getattr(sizes, name)) for name in ("to", "steps", "retrain")}
    wanted = [(kind, task) for task in sizes.tasks for kind in sizes.kinds] + [("worm", task) for task in sizes.worm]
    return [
        {"name": f"{task}-{kind}-{seed}", "kind": kind, "task": task, "seed": seed, **settings}
        for seed in range(sizes.seeds)
        for kind, task in wanted
    ]


def network(kind: str, task: Task, n: int, seed: int) -> RateRNN:
    """Make an untrained network of relu units with recurrent noise."""
    options: dict[str, Any] = {"sigma_rec": 0.1, "dt": task.dt, "seed": seed}
    if kind == "worm":
        return RateRNN.from_connectome(connectomes.load("celegans"), task.n_in, task.n_out, **options)
    if kind == "dale":
        return RateRNN.dale(task.n_in, n, task.n_out, **options)
    shapes = ((n, n), (task.n_in, n), (n, task.n_out))
    return RateRNN(*(Connectivity.dense(*shape) for shape in shapes), bias=True, readout_bias=True, **options)


def trainer_of(net: RateRNN, task: Task, seed: int, **options: Any) -> Trainer:
    """Make the trainer, which is the same for all."""
    return Trainer(net, task, validation_repeats=2, seed=seed, **options)


def rule_of(task: Task, least: int) -> Callable[[History], bool]:
    """Return the rule that ends training: the task's criterion, but not before this number of steps."""
    criterion = criterion_of(task)
    return lambda history: history.n_steps >= least and criterion(history)


def score_of(net: RateRNN, task: Task, trials: int, seed: int) -> float:
    """Return the mean score under noise in about this many trials, balanced over conditions."""
    key_trial, key_noise = jax.random.split(jax.random.key(3000 + seed))
    trial = task.trials(-(-trials // task.n_conditions), key=key_trial)
    return float(np.nanmean(behaviour_of(task, net.predict(trial.inputs, key=key_noise).outputs, trial).score))


def do(part: Part, keep: Keep) -> Measures:
    """Train a large network, make small ones in every way, and compare each with the large one."""
    task, seed, (least, most) = TASKS[part["task"]](), part["seed"], part["steps"]
    large, rule = network(part["kind"], task, part["n"], seed), rule_of(task, least)
    trainer = trainer_of(large, task, seed)
    keep.fit(trainer, most, every=EVERY, stop_when=rule)
    trained = {"steps": trainer.step, "reached": rule(trainer.history)}
    keep.check()
    trial = task.trials(part["repeats"], key=jax.random.key(1000 + seed))
    nets = {"large": large}
    for way in ("condensed", "random"):
        nets |= {f"{way} {small.n_rec}": small for small in condensed(large, task, trial, part, way)}
    small_kind = "free" if part["kind"] == "free" else "dale"
    for way, options in (("scratch", {}), ("distilled", {"loss": _distilling(large)})):
        for size in part["to"]:
            net = network(small_kind, task, size, seed)
            fit = {"validate_every": EVERY, "stop_when": rule, "progress": False}
            with contextlib.suppress(NonFiniteLoss):  # the network stays as it was before
                trainer_of(net, task, seed, **options).fit(most, **fit)
            nets[f"{way} {size}"] = net
    active = {name: net for name, net in nets.items() if _active(net, trial)}
    if "large" not in active:
        return trained | {"pairs": {name: None for name in nets if name != "large"}}
    scores = {name: score_of(net, task, part["trials"], seed) for name, net in active.items()}
    options = {name: part[name] for name in ("repeats", "candidates")} | {"n_permutations": part["permutations"]}
    pairs = [("large", name) for name in active if name != "large"]
    found = profiles(active, task, pairs=pairs, seed=seed, **options).pairs
    alike = {
        name: {respect: pair.likeness(respect) for respect in RESPECTS} | {"score": [scores["large"], scores[name]]}
        for (_, name), pair in found.items()
    }
    return trained | {"pairs": {name: alike.get(name) for name in nets if name != "large"}}


def condensed(large: RateRNN, task: Task, trial: Trial, part: Part, way: str) -> Iterator[RateRNN]:
    """Make one network after the other, in order of decreasing size."""
    net, units, mask, seed = large, np.arange(large.n_rec), np.asarray(trial.inside), part["seed"]
    least, most = part["retrain"]
    fit: dict[str, Any] = {"validate_every": EVERY, "stop_when": rule_of(task, least), "progress": False}
    for number, size in enumerate(part["to"]):
        key_run, key_match = jax.random.split(jax.random.key(2000 + 100 * seed + number))
        method = "subset" if way == "condensed" else "random"
        net, made = condense_network(net, trial.inputs, size, mask=mask, key=key_run, method=method)
        units = units[made.kept]
        penalties = [ActivityMatch(large, units, MATCH)] if way == "condensed" else []
        with contextlib.suppress(NonFiniteLoss):
            trainer_of(net, task, seed, learning_rate=RETRAIN_RATE, penalties=penalties).fit(most, **fit)
        net = match_noise(net, large, units, trial.inputs, mask=mask, key=key_match)[0]
        yield net


def _distilling(large: RateRNN) -> Any:
    network = large.network

    def distilled(outputs: jax.Array, trial: Trial) -> jax.Array:
        wanted = network.run(trial.inputs.astype(network.dtype)).outputs
        missed = jnp.where(trial.inside[:, :, None], outputs - wanted, 0.0) ** 2
        return jnp.sum(missed) / (jnp.sum(trial.inside) * outputs.shape[2])

    return distilled


def _active(net: RateRNN, trial: Trial) -> bool:
    rates = np.asarray(net.predict(trial.inputs, noise=False).rates)
    return bool(np.isfinite(rates).all() and np.ptp(rates) > 0)


def needed(sizes: Sequence[int], below: Sequence[float], bound: float = BELOW) -> float:
    """Return the size from which on all networks are within the bound; inf if the largest is not."""
    enough = float("inf")
    for size, gap in sorted(zip(sizes, below, strict=True), reverse=True):
        if not gap <= bound:
            break
        enough = size
    return enough


def page(lines: Sequence[Mapping[str, Any]], figure: str) -> str:
    """Make the page, with tables and text."""
    settings = lines[0]["settings"]
    sizes = settings["to"]
    least, most = settings["steps"]
    every_group: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        every_group.setdefault((line["settings"]["task"], line["settings"]["kind"]), []).append(line["measures"])
    groups = {name: [m["pairs"] for m in found if m["reached"]] for name, found in every_group.items()}
    groups = {name: found for name, found in groups.items() if found}
    failed = [f"{task}, {kind}" for (task, kind), found in every_group.items() for m in found if not m["reached"]]
    text = [
        "# How many units does a task need?",
        "",
        f"Networks of {settings['n']} relu units with recurrent noise 0.1 (the worm: its {worm_size()} neurons) "
        f"are trained from the default initial weights until they reach the task's criterion, for {least} to {most} "
        f"steps, and reduced to {', '.join(map(str, sizes))} units in four ways:",
        "",
        f"- *condensed, retrained*: `eicon.studies.condense_network`, one size after the other, each followed "
        f"by training with a penalty that preserves activity until the criterion is reached, for "
        f"{' to '.join(map(str, settings['retrain']))} steps, and by noise matching;",
        "- *random units, retrained*: the same with randomly chosen units, without the penalty;",
        "- *trained from scratch*: a new network of this size, trained on the task as the large one was;",
        "- *trained on the outputs*: a new network of this size, trained in the same way on the outputs of the large "
        "network.",
        "",
        f"{len(lines) - len(failed)} of {len(lines)} large networks reached the criterion, and are the ones that are "
        f"counted below{'' if not failed else '; those that did not: ' + '; '.join(failed)}.",
        "",
        "## Number of units needed",
        "",
        f"Smallest size from which on the mean score under noise, in {settings['trials']} trials, is at most {BELOW} "
        "below that of the large network: median over seeds, and range. A silent network does not count as sufficient.",
        "",
        f"| task | network | seeds | score, large | {' | '.join(WAYS.values())} |",
        "|---|---|---|---|" + "---|" * len(WAYS),
    ]
    for (task, kind), found in groups.items():
        cells = []
        for way in WAYS:
            enough = [needed(sizes, [gap(pairs[f"{way} {size}"]) for size in sizes]) for pairs in found]
            low, middle, high = (_units(value, sizes) for value in (min(enough), np.median(enough), max(enough)))
            cells.append(middle if low == high else f"{middle} ({low} to {high})")
        large = np.nanmean([one["score"][0] for pairs in found for one in pairs.values() if one])
        text.append(f"| {task} | {kind} | {len(found)} | {large:.2f} | {' | '.join(cells)} |")
    text += [
        "",
        "## The same, or merely as good?",
        "",
        "Similarity to the large network in seven respects (`eicon.studies.profile`): 0 is the mean of the null, 1 the "
        f"ceiling; measures whose ceiling does not exceed the null's 95 % limit are left out. Means over the "
        f"{sum(map(len, groups.values()))} large networks, with 95 % intervals.",
        "",
        f"![Score and similarity against size]({figure})",
        "",
        "*Difference in score from the large network, and similarity in seven respects, against size. Means over large "
        "networks, with 95 % intervals.*",
        "",
    ]
    every = [pairs for found in groups.values() for pairs in found]
    for size in sizes:
        text += [f"{size} units:", "", f"| | {' | '.join(WAYS.values())} |", "|---|" + "---|" * len(WAYS)]
        for respect in (*RESPECTS, "mean"):
            cells = [_cell(values_of(every, way, size, respect)) for way in WAYS]
            text.append(f"| {respect.replace('_', ' ')} | {' | '.join(cells)} |")
        text.append("")
    text += [
        f"## By task, {sizes[len(sizes) // 2]} units",
        "",
        "Mean similarity over the seven respects; means over seeds.",
        "",
        f"| task | network | {' | '.join(WAYS.values())} |",
        "|---|---|" + "---|" * len(WAYS),
    ]
    for (task, kind), found in groups.items():
        cells = [_cell(values_of(found, way, sizes[len(sizes) // 2], "mean")) for way in WAYS]
        text.append(f"| {task} | {kind} | {' | '.join(cells)} |")
    return "\n".join(text) + "\n"


def gap(pair: Mapping[str, Any] | None) -> float:
    """Return the score of the large network minus that of the small one; NaN for a silent one."""
    return float("nan") if pair is None else pair["score"][0] - pair["score"][1]


def values_of(found: Sequence[Mapping[str, Any]], way: str, size: int, respect: str) -> np.ndarray:
    """Return one respect, their mean, or the gap in score for each large network; silent ones count as the null, 0."""
    values = []
    for pairs in found:
        pair = pairs[f"{way} {size}"]
        if respect == "gap":
            values.append(gap(pair))
        elif pair is None:
            values.append(0.0)
        else:
            known = [v for name in RESPECTS if (v := pair[name]) is not None and np.isfinite(v)]
            one = pair[respect] if respect != "mean" else float(np.mean(known)) if known else None
            values.append(float("nan") if one is None else one)
    return np.array(values, float)


def _cell(values: np.ndarray) -> str:
    mean, low, high = (float(one[0]) for one in seed_intervals(values[:, None]))
    if not np.isfinite(mean):
        return "none"
    return f"{mean:.2f}" if not np.isfinite(low) else f"{mean:.2f} [{low:.2f}, {high:.2f}]"


def _units(value: float, sizes: Sequence[int]) -> str:
    return f"> {max(sizes)}" if np.isinf(value) else f"{value:g}"


def worm_size() -> int:
    """Return the number of neurons of the bundled connectome."""
    return connectomes.load("celegans").n


def draw(lines: Sequence[Mapping[str, Any]]) -> Any:
    """Draw the score and each respect against size, with a line for each way."""
    import matplotlib.pyplot as plt

    from eicon.plotting import style

    found = [line["measures"]["pairs"] for line in lines if line["measures"]["reached"]]
    sizes = lines[0]["settings"]["to"]
    with style("paper"):
        figure, axes = plt.subplots(2, 4, figsize=(7.1, 3.6), sharex=True, layout="constrained")
        for ax, respect in zip(axes.ravel(), ("gap", *RESPECTS), strict=True):
            for place, (way, words) in enumerate(WAYS.items()):
                values = np.stack([values_of(found, way, size, respect) for size in sizes], axis=1)
                mean, low, high = seed_intervals(values)
                x = np.array(sizes) * 1.03 ** (place - 1.5)
                bars = np.nan_to_num([mean - low, high - mean])
                ax.errorbar(x, mean, bars, label=words, marker="o", markersize=3, linewidth=1)
            ax.set_xscale("log")
            ax.set_xticks(sizes, labels=list(map(str, sizes)))
            ax.minorticks_off()
            ax.set_title("score lost" if respect == "gap" else respect.replace("_", " "))
            if respect != "gap":
                ax.axhline(1.0, color="0.6", linewidth=0.6, linestyle=":")
        figure.supxlabel("units")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def write(lines: Sequence[Mapping[str, Any]], where: Places, footer: str) -> None:
    """Write the page and its figure for the finished parts."""
    if not any(line["measures"]["reached"] for line in lines):
        print("No large network has reached the criterion: there is nothing to compare.")
        return
    draw(lines).savefig(where.images / "how_small.png", dpi=150)
    (where.pages / "how_small.md").write_text(page(lines, "../images/how_small.png") + footer, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study."""
    return run_study("how_small", __doc__, lambda quick: [parts_of(QUICK if quick else FULL)], do, write, argv)


if __name__ == "__main__":
    sys.exit(main())
