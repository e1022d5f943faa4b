"""Excitatory-inhibitory connectome networks: build, train and dissect rate RNNs, on BrainPy.

Names are imported on first use, so that ``import eicon`` alone costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    import jax

    from . import analysis as analysis
    from . import connectomes as connectomes
    from . import exchange as exchange
    from . import models as models
    from . import pages as pages
    from . import plotting as plotting
    from . import reproduce as reproduce
    from . import runs as runs
    from . import studies as studies
    from . import tasks as tasks
    from . import training as training
    from .models import Connectivity as Connectivity
    from .models import RateRNN as RateRNN
    from .models import load as load
    from .models import save as save
    from .models import verify as verify
    from .tasks import CueSetGo as CueSetGo
    from .tasks import PerceptualDecision as PerceptualDecision
    from .training import AccuracyReached as AccuracyReached
    from .training import HessianFree as HessianFree
    from .training import Trainer as Trainer

_ROOMS = (
    "analysis",
    "connectomes",
    "exchange",
    "models",
    "pages",
    "plotting",
    "reproduce",
    "runs",
    "studies",
    "tasks",
    "training",
)
_HOME = {
    "Connectivity": "models",
    "RateRNN": "models",
    "load": "models",
    "save": "models",
    "verify": "models",
    "CueSetGo": "tasks",
    "HessianFree": "training",
    "PerceptualDecision": "tasks",
    "AccuracyReached": "training",
    "Trainer": "training",
}


def key(seed: int) -> "jax.Array":
    """Random key, for whatever takes ``key``: one seed gives the same numbers each time.

    Parameters
    ----------
    seed : int

    Returns
    -------
    jax.Array
        As of ``jax.random.key``.

    Examples
    --------
    >>> import eicon
    >>> eicon.PerceptualDecision().sample(eicon.key(0), 4).inputs.shape
    (60, 4, 2)
    """
    import jax

    return jax.random.key(seed)


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f".{name}", __name__)
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module 'eicon' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*_ROOMS, *_HOME, "__version__", "key"])
