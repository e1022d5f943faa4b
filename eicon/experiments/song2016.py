"""Old path of `eicon.reproduce.song2016`; it goes in 0.3.0."""

from .._moved import moved

_HOMES = {
    "eicon.reproduce.song2016": "FIGURES MODELS figure_result model_config reproduce rows summary train_models",
    "eicon.reproduce.song2016.results": "FigureResult Row Signature",
    "eicon.reproduce.song2016._reproduce": "write_gallery",
}

__getattr__ = moved(__name__, {name: f"{home}.{name}" for home, names in _HOMES.items() for name in names.split()})
