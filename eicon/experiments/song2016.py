"""Old path of `eicon.reproduce.song2016`; it goes in 0.3.0."""

from .._moved import moved

_NAMES = """
    FIGURES FigureResult MODELS Row Signature figure_result model_config reproduce rows summary train_models
    write_gallery
"""

__getattr__ = moved(__name__, {name: f"eicon.reproduce.song2016.{name}" for name in _NAMES.split()})
