"""Initial weights: draw them, scale them, and assign them to connections."""

from ._anatomy import REMAPS as REMAPS
from ._anatomy import remap as remap
from ._distributions import DISTRIBUTIONS as DISTRIBUTIONS
from ._initial import recurrent_weights as recurrent_weights
from ._initial import spectral_radius as spectral_radius
from ._initial import with_radius as with_radius
from ._schemes import SCHEMES as SCHEMES
from ._schemes import uniform_weights as uniform_weights
