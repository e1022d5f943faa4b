"""Networks of the suite: task, criterion and figures of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from ...runs import parse_recipe

if TYPE_CHECKING:
    import eicon.runs._recipe


@dataclass(frozen=True)
class Model:
    """Row of the table.

    Attributes
    ----------
    title : task of the network
    asked : criterion of the paper, in words; the configuration contains the numbers
    seeds : default number of networks
    """

    title: str
    asked: str
    seeds: int = 3


ACCURACY = "accuracy {} over the last 5 validations"

MODELS: dict[str, Model] = {
    "rdm_varstim": Model("Perceptual decision, variable stimulus", ACCURACY.format("85 %"), 5),
    "rdm_rt": Model("Perceptual decision, reaction time", ACCURACY.format("85 %"), 5),
    "rdm_nodale": Model("Perceptual decision, without Dale's law", ACCURACY.format("85 %"), 5),
    "rdm_dense": Model("Perceptual decision, dense under Dale's law", ACCURACY.format("85 %"), 5),
    "rdm_fixed": Model("Perceptual decision, structured", ACCURACY.format("85 %"), 5),
    "rdm_sgd": Model("Perceptual decision, published gradient descent", ACCURACY.format("85 %"), 5),
    "mante": Model("Context-dependent integration", ACCURACY.format("90 %")),
    "mante_areas": Model("Context-dependent integration, two areas", ACCURACY.format("90 %")),
    "multisensory": Model("Multisensory integration", ACCURACY.format("90 %")),
    "romo": Model("Parametric working memory", ACCURACY.format("in the worst condition 85 %")),
    "lee": Model("Eye-movement sequences", "RMSE 0.05 over the last 5 validations"),
    "sinewave": Model("Sine wave", "RMSE 0.05 over the last 5 validations"),
}

FIGURES: dict[int, tuple[str, ...]] = {
    1: ("sinewave",),
    2: ("rdm_varstim", "rdm_rt"),
    3: ("rdm_nodale", "rdm_dense", "rdm_fixed"),
    4: ("mante",),
    5: ("mante_areas",),
    6: ("multisensory",),
    7: ("romo",),
    8: ("lee",),
    9: ("rdm_dense", "rdm_sgd"),
}
"""Models of each figure; 2 to 8 follow the paper, 1 is pycog's first example, 9 compares training methods."""

QUICK: dict[str, Any] = {"steps": 40, "batch_size": 8, "validate_every": 8, "validation_repeats": 2}
QUICK_UNITS = 5


def models_of(figures: Sequence[int]) -> list[str]:
    """Return the models that some figures need, each once.

    Raises
    ------
    ValueError
        If there is no such figure.
    """
    for figure in figures:
        if figure not in FIGURES:
            raise ValueError(f"there is no figure {figure}; allowed: {', '.join(map(str, FIGURES))}.")
    wanted = {name for figure in figures for name in FIGURES[figure]}
    return [name for name in MODELS if name in wanted]


def model_recipe(name: str, seed: int, *, quick: bool = False) -> "eicon.runs._recipe.Recipe":
    """Return the recipe of one network.

    ``quick`` makes networks with a fifth of the units and 40 training steps, to check that everything runs.
    """
    text = resources.files(__package__).joinpath("configs", f"{name}.toml").read_text("utf-8")
    recipe = parse_recipe(text, f"{name}.toml").model_copy(update={"seed": seed})
    if not quick:
        return recipe
    network = recipe.network.given()
    changes: dict[str, Any] = {f"training.{key}": value for key, value in QUICK.items() if key != "batch_size"}
    if "populations" in network:
        small = [{**p, "n": max(2, p["n"] // QUICK_UNITS)} for p in network["populations"]]
        changes["network.populations"] = small
    else:
        changes["network.n_rec"] = network["n_rec"] // QUICK_UNITS
    return recipe.with_changes({**changes, "trials.batch_size": QUICK["batch_size"]})
