"""Two networks side by side; figures for `eicon.analysis.similarity`."""

from ._activity import plot_outputs as plot_outputs
from ._compare import plot_pair as plot_pair
from ._compare import plot_similarities as plot_similarities
from ._compare import plot_similarity_matrix as plot_similarity_matrix
from ._dsa import plot_dynamical_similarity as plot_dynamical_similarity
from ._interval_timing import plot_produced_times as plot_produced_times
from ._interval_timing import plot_ramp_index as plot_ramp_index
from ._pca import plot_variance_explained as plot_variance_explained
from ._profiles import plot_profiles as plot_profiles
