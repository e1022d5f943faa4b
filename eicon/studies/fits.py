"""Fits of networks to recordings: what they predict, and which directions of their values are determined."""

from ._fit import fit_measures as fit_measures
from ._stiffness import fixed_directions as fixed_directions
from ._stiffness import stiffness as stiffness
