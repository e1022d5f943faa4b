"""Noise of condensed networks: three remedies, for networks of 200 units that are condensed to 40.

    python -m studies.condensed_noise --workers 2

Budget: 4 hours of one core; ``--minutes`` stops earlier, and the next call resumes from there.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import jax
import numpy as np

from eicon.models import RateRNN
from eicon.plotting._fits import seed_intervals
from eicon.reproduce._parts import Keep, Measures, Part
from eicon.studies import condense_network, match_noise
from eicon.studies._condense import Reference, output_error, performance, reference
from eicon.tasks import CueSetGo
from eicon.training import ActivityMatch, Trainer
from eicon.training._losses import LOSSES
from studies.common import Places, run_study
from studies.condensation import network, train

LEARNING_RATE, MATCH = 3e-4, 1.0
GOAL = 0.03
REMEDIES = {
    "own": "own noise",
    "scaled": "noise of each unit scaled",
    "correlated": "correlated noise",
    "own, retrained": "own noise, retrained",
    "scaled, retrained": "scaled, retrained, scaled again",
    "correlated, retrained": "correlated, retrained, fitted again",
}


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    kinds: tuple[str, ...] = ("free", "dale")
    activations: tuple[str, ...] = ("relu", "softplus", "tanh")
    seeds: int = 5
    n: int = 200
    size: int = 40
    steps: int = 3000
    retrain: int = 400
    repeats: int = 10
    noises: int = 4
    """Number of runs of each test trial, each with different noise."""


FULL = Sizes()
QUICK = Sizes(("free",), ("relu",), seeds=2, n=12, size=6, steps=4, retrain=2, repeats=1, noises=1)


def parts_of(sizes: Sizes) -> list[Part]:
    """List the parts, one network each."""
    settings = {name: getattr(sizes, name) for name in ("n", "size", "steps", "retrain", "repeats", "noises")}
    return [
        {"name": f"{kind}-{activation}-{seed}", "kind": kind, "activation": activation, "seed": seed, **settings}
        for seed in range(sizes.seeds)
        for activation in sizes.activations
        for kind in sizes.kinds
    ]


def do(part: Part, keep: Keep) -> Measures:
    """Train a network, condense it, and measure it under noise with every remedy."""
    seed, task = part["seed"], CueSetGo()
    net = train(network(part["kind"], part["activation"], seed, part["n"]), seed, part["steps"]).net
    keep.check()
    key_trial, key_run, key_match = jax.random.split(jax.random.key(1000 + seed), 3)
    trial = task.trials(part["repeats"], key=key_trial)
    mask = np.asarray(trial.inside)
    test = reference(net, task, seed, part["repeats"])
    found: Measures = {"original": measured(net, test, part["noises"])}
    for remedy in REMEDIES:
        small, condensation = condense_network(net, trial.inputs, part["size"], mask=mask, key=key_run)
        form, _, retrained = remedy.partition(", ")
        misfit = None
        for again in range(2 if retrained else 1):
            if again:
                penalty = ActivityMatch(net, condensation.kept, MATCH)
                options = {"learning_rate": LEARNING_RATE, "batch_size": 32, "seed": seed}
                Trainer(small, task, penalties=[penalty], **options).fit(part["retrain"], progress=False)
            if form != "own":
                small, _, misfit, _ = match_noise(
                    small, net, condensation.kept, trial.inputs, mask=mask, form=form, key=key_match
                )
        found[remedy] = measured(small, test, part["noises"]) | {"misfit": misfit}
    return found


def measured(net: RateRNN, test: Reference, noises: int) -> dict[str, float]:
    """Measure accuracy and timing error under noise, the noise in the outputs, and the error without noise."""
    task, trial, loss = test.task, test.trial, LOSSES[test.task.loss]
    inside = np.asarray(trial.inside)
    still = np.asarray(net.predict(trial.inputs, noise=False).outputs)
    runs = [np.asarray(net.predict(trial.inputs, key=key).outputs) for key in jax.random.split(test.key, noises)]
    under = [performance(task, trial, outputs, loss) for outputs in runs]
    return {
        "accuracy": float(np.mean([one["accuracy"] for one in under])),
        "timing_error": float(np.mean([one["timing_error"] for one in under])),
        "noise": float(np.sqrt(np.mean([(outputs - still)[inside] ** 2 for outputs in runs]))),
        "error": output_error(test.outputs, still, mask=inside),
        "accuracy_without_noise": performance(task, trial, still, loss)["accuracy"],
    }


def page(lines: Sequence[Mapping[str, Any]]) -> str:
    """Make the page, with tables of all remedies and whether the goal is reached."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        groups.setdefault((line["settings"]["kind"], line["settings"]["activation"]), []).append(line["measures"])
    size, n = (lines[0]["settings"][name] for name in ("size", "n"))
    text = [
        "# Noise of condensed networks",
        "",
        f"Cue-set-go networks of {n} units with recurrent noise 0.05, condensed to {size} in one step. How accurate "
        "are they under noise, compared with the original network? The table shows the difference in accuracy, mean "
        f"over seeds with its 95 % interval; the goal is at most {GOAL} below the original.",
        "",
        "- *own noise*: each kept unit keeps its noise.",
        "- *scaled*, *correlated*: `eicon.studies.match_noise`, which matches the response to noise to that of the "
        "original network, by scaling the noise of each unit or by correlated noise.",
        f"- *retrained*: {lines[0]['settings']['retrain']} steps of training with noise, and with a penalty that "
        "preserves the activity of the original network.",
        "",
        "| network | seeds | original | " + " | ".join(REMEDIES.values()) + " |",
        "|---|---|---|" + "---|" * len(REMEDIES),
    ]
    reached: dict[str, list[str]] = {remedy: [] for remedy in REMEDIES}
    for (kind, activation), found in groups.items():
        original = np.array([m["original"]["accuracy"] for m in found])
        cells = []
        for remedy in REMEDIES:
            differences = np.array([m[remedy]["accuracy"] for m in found]) - original
            mean, low, high = (float(value[0]) for value in seed_intervals(differences[:, None]))
            cells.append(f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]")
            if mean >= -GOAL:
                reached[remedy].append(f"{kind} {activation}")
        text.append(f"| {kind}, {activation} | {len(found)} | {original.mean():.3f} | " + " | ".join(cells) + " |")
    text += ["", f"The mean is at most {GOAL} below the original:", ""]
    text += [f"- {words}: {', '.join(reached[remedy]) or 'nowhere'}." for remedy, words in REMEDIES.items()]
    text += [
        "",
        "Standard deviation of the noise in the outputs, and error of the outputs without noise, means over seeds:",
        "",
        "| network | original: noise | " + " | ".join(f"{words}: noise, error" for words in REMEDIES.values()) + " |",
        "|---|---|" + "---|" * len(REMEDIES),
    ]
    for (kind, activation), found in groups.items():
        cells = [
            ", ".join(f"{np.mean([m[remedy][name] for m in found]):.3f}" for name in ("noise", "error"))
            for remedy in REMEDIES
        ]
        noise = np.mean([m["original"]["noise"] for m in found])
        text.append(f"| {kind}, {activation} | {noise:.3f} | " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def write(lines: Sequence[Mapping[str, Any]], where: Places, footer: str) -> None:
    """Write the page for the finished parts."""
    (where.pages / "condensed_noise.md").write_text(page(lines) + footer, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study."""
    return run_study("condensed_noise", __doc__, lambda quick: [parts_of(QUICK if quick else FULL)], do, write, argv)


if __name__ == "__main__":
    sys.exit(main())
