"""Figures for `eicon.analysis.spectra`."""

from ._trajectory_spectra import plot_training_spectra as plot_training_spectra
from ._trajectory_spectra import plot_trajectory_spectra as plot_trajectory_spectra
