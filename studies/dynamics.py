"""Dynamics of trained networks: the memory of flip-flops, and integration along a line.

    python -m studies.dynamics

Budget: 10 minutes on two cores.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from eicon import plotting
from eicon.models import RateRNN
from eicon.plotting._files import save_png
from eicon.runs import Recipe, parse_recipe
from eicon.studies import dynamics_of, exponents_of
from eicon.tasks import FlipFlop, Task
from studies.common import Places, shrunk, told, write_study

SEEDS, CONTEXT_SEEDS = range(5), range(3)
CANDIDATES = 1024
PICTURE = "fixed_points_flip_flop.png"

CONTEXT = """
[task]
name = "ContextIntegration"
baseline = 0.0
stimulus = 1600.0
[network]
dale = false
n_rec = 100
activation = "tanh"
sigma_rec = 0.05
sigma_in = 0.1
spectral_radius = 1.0
x0 = 0.0
train_x0 = false
bias = true
[training]
steps = 2500
batch_size = 64
learning_rate = 0.002
validate_every = 100
validation_repeats = 10
"""


def trained(recipe: Recipe) -> tuple[RateRNN, Task, float, float]:
    """Network, task, accuracy in validation and seconds of training."""
    task = recipe.make_task()
    net = recipe.make_network(task)
    trainer = recipe.make_trainer(net, task)
    begin = time.perf_counter()
    settings = recipe.training
    trainer.fit(settings.steps, validate_every=settings.validate_every, stop_when=recipe.criterion(), progress=False)
    return net, task, float(trainer.history.validation_accuracy[-1]), time.perf_counter() - begin


def _recipe(text: str, seed: int, quick: bool) -> Recipe:
    recipe = parse_recipe(text).model_copy(update={"seed": seed})
    return shrunk(recipe, 12, steps=10, validate_every=10) if quick else recipe


def flip_flop_rows(picture: Path, quick: bool) -> Iterator[str]:
    """A line of the table for each seed; the points of the first network are drawn."""
    text = resources.files("eicon.runs").joinpath("configs", "flip_flop.toml").read_text(encoding="utf-8")
    candidates = 16 if quick else CANDIDATES
    for seed in SEEDS[:1] if quick else SEEDS:
        net, task, accuracy, seconds = trained(_recipe(text, seed, quick))
        assert isinstance(task, FlipFlop)
        begin = time.perf_counter()
        found = dynamics_of(net, task, key=jax.random.key(seed), candidates=candidates, jitter=1.0)
        searching = time.perf_counter() - begin
        points, words = found.points, np.array(found.points.stability)
        signs = {
            tuple(sign) for sign in np.asarray(task.bits(jnp.asarray(found.outputs[words == "stable"]))).astype(int)
        }
        corners = len(signs & set(itertools.product((-1, 1), repeat=task.n_bits)))
        saddles = " / ".join(str(np.count_nonzero(words == f"saddle-{k}")) for k in (1, 2, 3))
        fixed = ("stable", "saddle-1", "saddle-2", "saddle-3")
        others = {name: number for name, number in points.counts().items() if name not in fixed}
        exponents = exponents_of(net, task, key=jax.random.key(seed), n_steps=20 if quick else 4000)
        free, driven = exponents.autonomous.exponents[0], exponents.driven[0]
        yield (
            f"| {seed} | {accuracy:.3f} | {np.count_nonzero(words == 'stable')} | {corners} | {saddles} "
            f"| {', '.join(f'{number} {name}' for name, number in others.items()) or '-'} "
            f"| {points.q[points.kind == 'fixed'].max():.0e} | {free * 1000:+.2f} "
            f"| {driven * 1000:+.2f} ± {exponents.driven_error[0] * 1000:.2f} | {seconds:.0f}, {searching:.0f} |"
        )
        if seed == SEEDS[0]:
            _draw(found, picture)


def _draw(found, picture: Path) -> None:
    ratio = found.components.explained_ratio
    ax = plotting.plot_fixed_points(
        found.points,
        axes=found.components.components,
        origin=found.components.mean,
        dimensions=3,
        names=[f"PC {i + 1} ({100 * ratio[i]:.0f} %)" for i in range(3)],
    )
    with picture.open("wb") as stream:
        save_png(ax, stream)


def context_rows(quick: bool) -> Iterator[str]:
    """A line of the table for each seed and context."""
    candidates = 16 if quick else 512
    for seed in CONTEXT_SEEDS[:1] if quick else CONTEXT_SEEDS:
        net, task, accuracy, seconds = trained(_recipe(CONTEXT, seed, quick))
        for context in (0,) if quick else (0, 1):
            found = dynamics_of(
                net,
                task,
                key=jax.random.key(seed),
                epoch="stimulus",
                conditions={"context": context},
                candidates=candidates,
            )
            shape = found.manifold
            counts = ", ".join(f"{number} {name}" for name, number in found.points.counts().items())
            leading = found.points.flow_eigenvalues[0, :2].real
            constants = ", ".join(f"{1 / abs(value):.0f}" if value else "infinite" for value in leading)
            yield (
                f"| {seed} | {accuracy:.3f} | {'motion' if context == 0 else 'colour'} | {counts} | {constants} "
                f"| {'none' if shape is None else shape.shape} "
                f"| {0 if shape is None or shape.shape == 'points' else len(shape.members)} of {len(found.flat)} "
                f"| {len(found.still.q)} | {seconds:.0f} |"
            )


def dynamics_study(where: Places, quick: bool) -> str:
    """Fixed points of flip-flops over seeds, and slow points of context-dependent integration."""
    memory, integration = told(flip_flop_rows(where.images / PICTURE, quick)), told(context_rows(quick))
    on_lines = sum("| line |" in row for row in integration)
    lines = [
        "# Dynamics of trained networks",
        "",
        "## Memory in a flip-flop",
        "",
        "`eicon/runs/configs/flip_flop.toml`: three bits, 100 tanh units without Dale's law. Input held at 0,",
        f"the median of the epoch; searches from {CANDIDATES} states that the network visits, with a jitter of one",
        "standard deviation of each unit. *Corners*: the number of different bit combinations, of eight, that the",
        "outputs represent at the stable points. A memory of three independent bits has 8 stable points, and between",
        "them 12 saddles with one unstable direction, 6 with two and 1 with three: 27 = 3^3. *q*: the largest value",
        "of any fixed point.",
        "Lyapunov exponents: the leading one with input held, and along ten trials with their pulses (mean ± s.e.).",
        "",
        "| seed | accuracy | stable | corners | saddle-1 / -2 / -3 | others | q | held (1/s) | along trials (1/s) "
        "| training, search (s) |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *memory,
        "",
        "![Fixed points of seed 0](../images/fixed_points_flip_flop.png)",
        "",
        "## Is integration a line attractor?",
        "",
        "`ContextIntegration` with a stimulus of 1600 ms and noisy evidence (`sigma_in` 0.1), 100 tanh units without",
        "Dale's law, 2500 steps of training. The input is held at the cue of one context without evidence; 512",
        "searches.",
        "*Points*: where the network stands still, and the time constants (ms) of the two slowest modes of the first.",
        "*Shape*: shape of the points with q < 0.01 at which the same number of searches end if they do not follow",
        "directions slower than 0.05 / tau; *along it*: the connected points; *ends*: the number of different end",
        "points of these searches.",
        "",
        "| seed | accuracy | context | points | slowest modes (ms) | shape | along it | ends | training (s) |",
        "|---|---|---|---|---|---|---|---|---|",
        *integration,
        "",
        f"A line attractor in {on_lines} of {len(integration)} networks. In the others evidence leaks away, at the",
        "rate of the slowest modes of the points.",
    ]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page and the figure."""
    return write_study("dynamics", __doc__, dynamics_study, argv)


if __name__ == "__main__":
    sys.exit(main())
