"""Old path of `eicon.reproduce.song2016`, to be removed in 0.3.0."""

from .._moved import moved

_HOMES = {
    "eicon.reproduce.song2016": "FIGURES MODELS figure_result reproduce rows summary train_models",
    "eicon.reproduce.song2016.results": "FigureResult Row Signature",
    "eicon.reproduce.song2016._reproduce": "write_gallery",
}

_NAMES = {name: f"{home}.{name}" for home, names in _HOMES.items() for name in names.split()}

__getattr__ = moved(__name__, {**_NAMES, "model_config": "eicon.reproduce.song2016.model_recipe"})
