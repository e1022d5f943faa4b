"""Two networks side by side; figures for `eicon.analysis.similarity`."""

from ._compare import plot_outputs as plot_outputs
from ._compare import plot_pair as plot_pair
from ._compare import plot_produced_times as plot_produced_times
from ._compare import plot_ramp_index as plot_ramp_index
from ._compare import plot_variance_explained as plot_variance_explained
from ._dsa import plot_dynamical_similarity as plot_dynamical_similarity
