"""Figures for `eicon.analysis.coding`, of decoding, and of trajectories in state space."""

from ._decoding import plot_decoding as plot_decoding
from ._decoding import plot_generalisation as plot_generalisation
from ._dimensionality import plot_dimensionality as plot_dimensionality
from ._epoch_selectivity import plot_dprime_by_epoch as plot_dprime_by_epoch
from ._psth import plot_psth as plot_psth
from ._psth import plot_psth_heatmap as plot_psth_heatmap
from ._regression_axes import plot_state_space as plot_state_space
from ._timescales import plot_timescales as plot_timescales
from ._tuning import plot_tuned_by_epoch as plot_tuned_by_epoch
from ._tuning import plot_tuning as plot_tuning
from ._tuning import plot_tuning_correlation as plot_tuning_correlation
from ._tuning import plot_tuning_map as plot_tuning_map
