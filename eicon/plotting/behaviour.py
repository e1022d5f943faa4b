"""Figures for `eicon.analysis.behaviour`, and of the outcomes of sweeps."""

from ._by_condition import plot_accuracy_by_condition as plot_accuracy_by_condition
from ._by_condition import plot_times as plot_times
from ._choices import plot_choices as plot_choices
from ._choices import plot_interactions as plot_interactions
from ._chronometric import plot_chronometric as plot_chronometric
from ._duration import plot_accuracy_by_duration as plot_accuracy_by_duration
from ._eye import plot_eye_paths as plot_eye_paths
from ._multisensory import plot_multisensory as plot_multisensory
from ._paired import plot_paired_differences as plot_paired_differences
from ._perturb import plot_perturbations as plot_perturbations
from ._weibull import plot_weibull as plot_weibull
