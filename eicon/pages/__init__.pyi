from . import results as results
from ._compare import compare_runs as compare_runs
from ._compare_text import comparison_tables as comparison_tables
from ._explore import explore_network as explore_network
from ._explore import explore_run as explore_run
from ._report import write_report as write_report
