"""Configuration in, run directory out: training runs, their analysis, reports, and the command line."""

from ._analyze import Recording as Recording
from ._analyze import analyze_run as analyze_run
from ._analyze import record as record
from ._config import RunConfig as RunConfig
from ._config import demo_config as demo_config
from ._config import parse_config as parse_config
from ._config import read_config as read_config
from ._report import write_report as write_report
from ._run import Run as Run
from ._run import create_run as create_run
from ._run import open_run as open_run
from ._run import train_run as train_run
from ._schema import ConfigError as ConfigError
from ._sweep import Sweep as Sweep
from ._sweep import SweepError as SweepError
from ._sweep import create_sweep as create_sweep
from ._sweep import open_sweep as open_sweep
from ._sweep import run_sweep as run_sweep
from ._sweep_config import SweepConfig as SweepConfig
from ._sweep_config import override as override
from ._sweep_config import parse_sweep as parse_sweep
from ._sweep_config import read_sweep as read_sweep
from ._sweep_config import results_path as results_path
from ._sweep_results import sweep_results as sweep_results
