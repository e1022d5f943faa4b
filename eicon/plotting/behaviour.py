"""Figures for `eicon.analysis.behaviour`."""

from ._chronometry import plot_accuracy_by_duration as plot_accuracy_by_duration
from ._chronometry import plot_chronometric as plot_chronometric
from ._chronometry import plot_multisensory as plot_multisensory
from ._chronometry import plot_weibull as plot_weibull
from ._eye import plot_eye_paths as plot_eye_paths
