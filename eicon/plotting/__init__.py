"""Figures of what a network does and what it learned; the only room that imports matplotlib.

Functions draw into the Axes they are given or make a figure of their own in the house style, and return what
they drew into. None of them shows, saves or closes anything.
"""

from ._activity import plot_activity as plot_activity
from ._activity import plot_pc_trajectories as plot_pc_trajectories
from ._behaviour import plot_loss as plot_loss
from ._behaviour import plot_psychometric as plot_psychometric
from ._chronometry import SENSE_COLORS as SENSE_COLORS
from ._chronometry import plot_accuracy_by_duration as plot_accuracy_by_duration
from ._chronometry import plot_chronometric as plot_chronometric
from ._chronometry import plot_multisensory as plot_multisensory
from ._chronometry import plot_weibull as plot_weibull
from ._compare import PAIR_COLORS as PAIR_COLORS
from ._compare import plot_outputs as plot_outputs
from ._compare import plot_pair as plot_pair
from ._compare import plot_produced_times as plot_produced_times
from ._compare import plot_ramp_index as plot_ramp_index
from ._compare import plot_variance_explained as plot_variance_explained
from ._condensing import plot_error_curves as plot_error_curves
from ._condensing import plot_unit_space as plot_unit_space
from ._connectivity import plot_connectivity as plot_connectivity
from ._connectivity import plot_selectivity as plot_selectivity
from ._connectivity import plot_spectrum as plot_spectrum
from ._connectome import plot_connectome as plot_connectome
from ._epoch_selectivity import plot_dprime_by_epoch as plot_dprime_by_epoch
from ._eye import plot_eye_paths as plot_eye_paths
from ._files import Drawing as Drawing
from ._files import save_png as save_png
from ._overview import plot_overview as plot_overview
from ._psth import plot_psth as plot_psth
from ._psth import plot_psth_heatmap as plot_psth_heatmap
from ._ramps import plot_outputs_grid as plot_outputs_grid
from ._ramps import plot_ramps as plot_ramps
from ._ramps import plot_units as plot_units
from ._state_space import plot_state_space as plot_state_space
from ._style import E_COLOR as E_COLOR
from ._style import I_COLOR as I_COLOR
from ._style import coherence_cmap as coherence_cmap
from ._style import style as style
from ._style import weight_cmap as weight_cmap
from ._sweep import plot_loss_boxes as plot_loss_boxes
from ._sweep import plot_loss_curves as plot_loss_curves
from ._sweep import run_milestones as run_milestones
from ._tuning import plot_tuning as plot_tuning
from ._tuning import plot_tuning_correlation as plot_tuning_correlation
