"""Excitatory-inhibitory connectome networks: build, train and dissect rate RNNs, on BrainPy.

Names are imported on first use, so that ``import eicon`` alone costs nothing.
"""

import importlib
from typing import Any

from ._lazy import lazy_room
from ._version import __version__ as __version__

_find, __dir__, __all__ = lazy_room(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name == "experiments":  # as in 0.1.0; a module of moved names, which warn
        return importlib.import_module(".experiments", __name__)
    return _find(name)
