"""Return types of `eicon.runs`: runs and sweeps."""

from ._run import Run as Run
from ._sweep_directory import Sweep as Sweep
