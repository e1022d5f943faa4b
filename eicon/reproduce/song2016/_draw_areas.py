"""Figure 5: context-dependent integration by two areas with prescribed connectivity."""

from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from ... import analysis, plotting
from ...models import RateRNN, verify
from ...plotting._files import Drawing
from ...plotting._style import weight_cmap
from ...runs._recipe import Recipe
from ...runs._run import Run
from ._draw_context import Behaviour, behaviour_panels, behaviour_signature, measure_behaviour
from ._draw_panels import E_COLOR, I_COLOR, INK, MAGENTA, NEUTRAL, TEAL, handle, nothing, points, rows, title
from ._signatures import FigureResult, Signature, networks, signature, span
from ._trials import FigureTrials, attempt, by_model, measure_all, run_trials

AREAS = {"sensory": TEAL, "motor": MAGENTA}
VARIABLES = {"choice": "choice", "motion": "irrelevant\nmotion", "colour": "irrelevant\ncolour"}
ORDER = ("sensory E", "sensory I", "motor E", "motor I")


class Connections(NamedTuple):
    """Connections between populations; P populations, from rows to columns.

    Attributes
    ----------
    names : (P,)
    asked : (P, P) density in the configuration, 0 where there is no projection
    wanted : (P, P) that density in connections, autapses left out
    got : (P, P) non-zero weights after training
    pairs : (P, P) pairs of different units
    """

    names: tuple[str, ...]
    asked: np.ndarray
    wanted: np.ndarray
    got: np.ndarray
    pairs: np.ndarray


class Areas(NamedTuple):
    """Measures of a network: d' is the mean modulus over the units of an area, by area and variable."""

    behaviour: Behaviour
    d_prime: dict[str, dict[str, float]]
    connections: Connections
    outside: int
    verified: bool


def areas_figure(runs: dict[str, list[Run]], repeats: int) -> FigureResult:
    """Test the networks, and count their connections."""
    models = by_model(runs, "mante_areas")
    configs = {run.recipe.seed: run.recipe for run in models}
    example, found = measure_all(
        models, lambda run, _: run_trials(run, repeats), lambda trials: _measure(trials, configs)
    )
    caption = (
        "Recurrent weights of a network by area and type (rows: presynaptic); connection densities that were asked "
        "for, and below them those of the trained network; mean selectivity |d'| of the units of either area during "
        "the stimulus for the choice and for the modality that the context says to ignore, a point per network "
        "(filled: the example); and choices as in the figure before."
    )
    behaviour = behaviour_signature([areas.behaviour for areas in found])
    signatures = [_densities(found), behaviour, _specialised(found)]
    return FigureResult(signatures, {"areas": _draw(example, found)}, {"areas": caption})


def _measure(trials: FigureTrials, configs: dict[int, Recipe]) -> Areas:
    net = trials.net
    d_prime: dict[str, dict[str, float]] = {area: {} for area in AREAS}
    for variable in VARIABLES:
        found = attempt(_selectivity, trials.rated, variable)
        for area in AREAS:
            units = net.select({"area": area})
            d_prime[area][variable] = np.nan if found is None else float(np.abs(found[units]).mean())
    sensory = net.select({"area": "sensory"})
    motor_e = net.select({"area": "motor", "type": "E"})
    outside = np.count_nonzero(np.asarray(net.W_in)[:, ~sensory]) + np.count_nonzero(np.asarray(net.W_out)[~motor_e])
    connections = _connections(net, configs[trials.seed])
    return Areas(measure_behaviour(trials), d_prime, connections, int(outside), verify(net).ok)


def _selectivity(trials: FigureTrials, variable: str) -> np.ndarray:
    """Return d' of all units for the choice, or for a modality in the context in which it is irrelevant."""
    if variable == "choice":
        labels = trials.choice
    else:
        ignored = trials.condition("context") == (1 if variable == "motion" else 0)
        labels = np.where(ignored, (trials.condition(variable) < 0).astype(np.int64), -1)
    tuned = analysis.selectivity(trials.rates, labels, window=trials.during("stimulus"))
    return np.where(np.isfinite(tuned.d_prime), tuned.d_prime, 0.0)


def _connections(net: RateRNN, config: Recipe) -> Connections:
    weights, population = np.asarray(net.W_rec), net.units["population"]
    names = tuple(p.name for p in config.network.populations)
    shape = (len(names), len(names))
    asked, got, pairs = np.zeros(shape), np.zeros(shape, int), np.zeros(shape, int)
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            rows, columns = np.flatnonzero(population == source), np.flatnonzero(population == target)
            got[i, j] = np.count_nonzero(weights[np.ix_(rows, columns)])
            pairs[i, j] = rows.size * columns.size - (rows.size if i == j else 0)
            for projection in config.network.recurrent:
                if fnmatchcase(source, projection.source) and fnmatchcase(target, projection.target):
                    asked[i, j] = projection.density
    return Connections(names, asked, np.rint(asked * pairs).astype(int), got, pairs)


def _densities(found: list[Areas]) -> Signature:
    exact = [bool((areas.connections.wanted == areas.connections.got).all()) for areas in found]
    first = found[0].connections
    feedback = [
        float(areas.connections.got[_place(first, "motor E"), _place(first, "sensory E")])
        / areas.connections.pairs[_place(first, "motor E"), _place(first, "sensory E")]
        for areas in found
    ]
    return signature(
        "Training preserves the prescribed structure: dense within areas and forward, sparse excitation back.",
        f"The number of connections between populations is exactly as prescribed in {sum(exact)} of "
        f"{networks(len(found))} (motor to sensory excitation: density {span(feedback, '{:.3f}')}); "
        f"{sum(areas.outside for areas in found)} input or output weights outside their area; all constraints verified "
        f"in {sum(areas.verified for areas in found)}.",
        [same and not areas.outside and areas.verified for same, areas in zip(exact, found, strict=True)],
        populations=first.names,
        asked=first.asked,
        got=[areas.connections.got / areas.connections.pairs for areas in found],
        connections=[areas.connections.got for areas in found],
        verified=[areas.verified for areas in found],
    )


def _place(connections: Connections, name: str) -> int:
    return connections.names.index(name)


def _specialised(found: list[Areas]) -> Signature:
    texts = []
    for variable in VARIABLES:
        means = [f"{span([areas.d_prime[area][variable] for areas in found])} in the {area} area" for area in AREAS]
        texts.append(f"for {'the choice' if variable == 'choice' else f'irrelevant {variable}'} {' and '.join(means)}")
    flags = []
    for areas in found:
        sensory, motor = (areas.d_prime[area] for area in AREAS)
        more = [sensory[name] > motor[name] for name in ("motion", "colour")]
        purer = [sensory[name] / sensory["choice"] > motor[name] / motor["choice"] for name in ("motion", "colour")]
        flags.append(all(more) and all(purer))
    return signature(
        "The sensory area is selective for the stimuli and the choice, the motor area for little but the choice.",
        f"Mean |d'| {'; '.join(texts)} ({networks(len(found))}; holds: irrelevant modalities more in the sensory area, "
        "absolutely and relative to the choice).",
        flags,
        d_prime={area: {v: [a.d_prime[area][v] for a in found] for v in VARIABLES} for area in AREAS},
    )


def _draw(trials: FigureTrials, found: list[Areas]) -> Drawing:
    with plotting.style():
        figure, (above, below) = rows((3, 4), (10.0, 6.0), height_ratios=[1.2, 1.0])
        _matrix(trials.net, above[0])
        _table(found[0].connections, above[1])
        _points(found, above[2])
        behaviour_panels(below.reshape(2, 2), [areas.behaviour for areas in found])
        for ax in below[1:]:
            ax.set_ylabel("")
    return figure


def _matrix(net: RateRNN, ax: Axes) -> None:
    weights, population = np.asarray(net.W_rec), net.units["population"]
    members = [np.flatnonzero(population == name) for name in ORDER]
    order, ends = np.concatenate(members), np.cumsum([group.size for group in members])
    size = np.abs(weights[weights != 0])
    limit = float(np.percentile(size, 98)) if size.size else 1.0
    image = ax.imshow(
        weights[np.ix_(order, order)], cmap=weight_cmap(), vmin=-limit, vmax=limit, interpolation="nearest"
    )
    bar = ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0.0, 0.045, 1.0)), extend="both")
    bar.set_label("effective weight", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    for end, width in zip(ends[:-1], (0.5, 1.4, 0.5), strict=True):
        ax.axhline(end - 0.5, color="black", linewidth=width)
        ax.axvline(end - 0.5, color="black", linewidth=width)
    _name_populations(ax, (ends - [group.size for group in members] + ends - 1) / 2)
    ax.spines[:].set_visible(True)
    title(ax, "recurrent weights")


def _table(connections: Connections, ax: Axes) -> None:
    places = [_place(connections, name) for name in ORDER]
    cells = np.ix_(places, places)
    got = (connections.got / connections.pairs)[cells]
    asked = connections.asked[cells]
    ax.imshow(got, cmap="Greys", vmin=0, vmax=3)
    for i in range(len(ORDER)):
        for j in range(len(ORDER)):
            ax.text(j, i, f"{asked[i, j]:g}\n{got[i, j]:.3f}", ha="center", va="center", fontsize=8, color=INK)
    ax.axhline(1.5, color="black", linewidth=1.4)
    ax.axvline(1.5, color="black", linewidth=1.4)
    _name_populations(ax, np.arange(len(ORDER)))
    ax.spines[:].set_visible(True)
    title(ax, "densities: asked (above), got")


def _name_populations(ax: Axes, places: np.ndarray) -> None:
    ax.set_xticks(places, [name.replace(" ", "\n") for name in ORDER])
    ax.set_yticks(places, [name.replace(" ", "\n") for name in ORDER])
    ax.tick_params(length=0, labelsize=8)
    for texts in (ax.get_xticklabels(), ax.get_yticklabels()):
        for text, name in zip(texts, ORDER, strict=True):
            text.set_color(E_COLOR if name.endswith("E") else I_COLOR)
    ax.set_xlabel("to")
    ax.set_ylabel("from")


def _points(found: list[Areas], ax: Axes) -> None:
    values = [areas.d_prime[area][name] for areas in found for area in AREAS for name in VARIABLES]
    if not np.isfinite(values).any():
        nothing(ax, "no choices")
        return
    for i, variable in enumerate(VARIABLES):
        for shift, (area, colour) in zip((-0.2, 0.2), AREAS.items(), strict=True):
            points(ax, i + shift, [areas.d_prime[area][variable] for areas in found], colour)
    ax.set_xticks(range(len(VARIABLES)), list(VARIABLES.values()))
    ax.set_xlim(-0.5, len(VARIABLES) - 0.5)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("mean |d'| of units")
    handles = [handle(f"{area} area", colour, linestyle="none", marker="o") for area, colour in AREAS.items()]
    ax.legend(handles=handles, loc="upper right", fontsize=8, labelcolor=NEUTRAL, handletextpad=0.2)
    title(ax, "selectivity by area")
