"""Figures of what a network does and what it learned; a file bears the name of the analysis that it draws.

Matplotlib is imported here, and for the panels of papers in `eicon.reproduce`.

Functions draw into the Axes they are given or make a figure of their own in the house style, and return what
they drew into. None of them shows, saves or closes anything; `save_figures` and `save_png`
write drawings and close them.
"""

from ._activity import plot_activity as plot_activity
from ._activity import plot_outputs as plot_outputs
from ._animation import Inline as Inline
from ._animation import inline as inline
from ._animation import save_animation as save_animation
from ._chronometric import plot_chronometric as plot_chronometric
from ._circuit_motion import animate_membrane as animate_membrane
from ._circuit_motion import animate_respiration as animate_respiration
from ._circuit_motion import animate_ring as animate_ring
from ._circuit_motion import animate_two_neurons as animate_two_neurons
from ._circuits import plot_membrane as plot_membrane
from ._circuits import plot_respiration as plot_respiration
from ._circuits import plot_ring as plot_ring
from ._circuits import plot_two_neurons as plot_two_neurons
from ._circuits import spike_shape as spike_shape
from ._compare import PAIR_COLORS as PAIR_COLORS
from ._compare import plot_pair as plot_pair
from ._condense import plot_error_curves as plot_error_curves
from ._condense import plot_unit_space as plot_unit_space
from ._connectivity import plot_connectivity as plot_connectivity
from ._connectome import plot_connectome as plot_connectome
from ._decoding import plot_decoding as plot_decoding
from ._decoding import plot_generalisation as plot_generalisation
from ._dimensionality import plot_dimensionality as plot_dimensionality
from ._dsa import plot_dynamical_similarity as plot_dynamical_similarity
from ._duration import plot_accuracy_by_duration as plot_accuracy_by_duration
from ._epoch_selectivity import plot_dprime_by_epoch as plot_dprime_by_epoch
from ._eye import plot_eye_paths as plot_eye_paths
from ._files import Drawing as Drawing
from ._files import save_figures as save_figures
from ._files import save_png as save_png
from ._fixed_points import plot_fixed_points as plot_fixed_points
from ._fixed_points import plot_modes as plot_modes
from ._fixed_points_page import fixed_points_page as fixed_points_page
from ._interval_timing import plot_produced_times as plot_produced_times
from ._interval_timing import plot_ramp_index as plot_ramp_index
from ._learning import plot_loss as plot_loss
from ._lyapunov import plot_lyapunov as plot_lyapunov
from ._multisensory import SENSE_COLORS as SENSE_COLORS
from ._multisensory import plot_multisensory as plot_multisensory
from ._overview import plot_overview as plot_overview
from ._pca import plot_pc_trajectories as plot_pc_trajectories
from ._pca import plot_variance_explained as plot_variance_explained
from ._phase_plane import NULLCLINE_COLORS as NULLCLINE_COLORS
from ._phase_plane import plot_phase_plane as plot_phase_plane
from ._psth import plot_psth as plot_psth
from ._psth import plot_psth_heatmap as plot_psth_heatmap
from ._psychometric import plot_psychometric as plot_psychometric
from ._ramps import plot_outputs_grid as plot_outputs_grid
from ._ramps import plot_ramps as plot_ramps
from ._ramps import plot_units as plot_units
from ._regression_axes import plot_state_space as plot_state_space
from ._selectivity import plot_selectivity as plot_selectivity
from ._spectrum import plot_spectrum as plot_spectrum
from ._style import E_COLOR as E_COLOR
from ._style import I_COLOR as I_COLOR
from ._style import coherence_cmap as coherence_cmap
from ._style import style as style
from ._style import weight_cmap as weight_cmap
from ._sweep import plot_loss_boxes as plot_loss_boxes
from ._sweep import plot_loss_curves as plot_loss_curves
from ._sweep import run_milestones as run_milestones
from ._timescales import plot_timescales as plot_timescales
from ._trajectory_spectra import plot_training_spectra as plot_training_spectra
from ._trajectory_spectra import plot_trajectory_spectra as plot_trajectory_spectra
from ._tuning import plot_tuning as plot_tuning
from ._tuning import plot_tuning_correlation as plot_tuning_correlation
from ._weibull import plot_weibull as plot_weibull
