"""Figures for `eicon.analysis.behaviour`."""

from ._by_condition import plot_accuracy_by_condition as plot_accuracy_by_condition
from ._by_condition import plot_times as plot_times
from ._chronometric import plot_chronometric as plot_chronometric
from ._duration import plot_accuracy_by_duration as plot_accuracy_by_duration
from ._eye import plot_eye_paths as plot_eye_paths
from ._multisensory import plot_multisensory as plot_multisensory
from ._weibull import plot_weibull as plot_weibull
