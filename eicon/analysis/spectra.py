"""Eigenvalues of the linearised dynamics, along trajectories and through training."""

from ._spectrum import jacobian as jacobian
from ._spectrum import jacobian_spectrum as jacobian_spectrum
from ._trajectory_spectra import training_spectra as training_spectra
from ._trajectory_spectra import trajectory_spectra as trajectory_spectra
