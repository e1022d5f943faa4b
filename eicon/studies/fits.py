"""Fits of networks to recordings: predictions, and the determined directions of the trained values."""

from ._fit import fit_measures as fit_measures
from ._stiffness import fixed_directions as fixed_directions
from ._stiffness import stiffness as stiffness
