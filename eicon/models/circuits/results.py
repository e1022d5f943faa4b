"""Results of the functions of `eicon.models.circuits`, and the conditions of the respiratory rhythm."""

from ._rate_ring import RingBump as RingBump
from ._respiratory import Condition as Condition
from ._ring import Bump as Bump
from ._simulate import Simulation as Simulation
from ._two_neuron import Modes as Modes
