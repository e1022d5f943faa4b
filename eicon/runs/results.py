"""What the functions of `eicon.runs` return: runs, sweeps and their configurations."""

from ._config import RunConfig as RunConfig
from ._run import Run as Run
from ._sweep import Sweep as Sweep
from ._sweep_config import SweepConfig as SweepConfig
