"""The networks of the suite: what each is trained on, until when, and in which figure it appears."""

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ...runs import parse_config
from ...runs._config import RunConfig


@dataclass(frozen=True)
class Model:
    """A row of the table.

    Attributes
    ----------
    title : what the network does
    asked : criterion of the paper, in words; the configuration says it in numbers
    seeds : how many networks are trained by default
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
"""Models of each figure; 2 to 8 follow the paper, 1 is pycog's first example, 9 compares the ways of training."""

QUICK: dict[str, Any] = {"steps": 40, "batch_size": 8, "validate_every": 8, "validation_repeats": 2}
QUICK_UNITS = 5


def model_config(name: str, seed: int, *, quick: bool = False) -> RunConfig:
    """Configuration of one network.

    ``quick`` makes networks of a fifth of the units that train for 40 steps: it shows that everything runs.
    """
    text = resources.files(__package__).joinpath("configs", f"{name}.toml").read_text("utf-8")
    config = parse_config(text, f"{name}.toml").model_copy(update={"seed": seed})
    if not quick:
        return config
    network = tomllib.loads(text)["network"]
    for population in network.get("populations", []):
        population["n"] = max(2, population["n"] // QUICK_UNITS)
    network["n_rec"] = sum(p["n"] for p in network.get("populations", [])) or network["n_rec"] // QUICK_UNITS
    return config.model_copy(
        update={
            "network": type(config.network).model_validate(network),
            "training": config.training.model_copy(update=QUICK),
        }
    )
