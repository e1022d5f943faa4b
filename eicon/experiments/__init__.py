"""Configuration in, run directory out: training runs, their analysis, reports, and the command line."""

from ._analyze import Recording as Recording
from ._analyze import analyze_run as analyze_run
from ._analyze import record as record
from ._config import ConfigError as ConfigError
from ._config import RunConfig as RunConfig
from ._config import demo_config as demo_config
from ._config import parse_config as parse_config
from ._config import read_config as read_config
from ._report import write_report as write_report
from ._run import Run as Run
from ._run import create_run as create_run
from ._run import open_run as open_run
from ._run import train_run as train_run
