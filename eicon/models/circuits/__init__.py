"""Small circuits to build intuition with: a spiking neuron, two neurons, the respiratory rhythm, ring attractors.

Each is a BrainPy dynamical system with one input array per step; `simulate` runs any of them. Time is in ms, arrays
are time-major (T, B, N) and weights ``W[pre, post]``. Noise is off unless ``sigma`` is given.
"""

from ._bump_ring import BumpRing as BumpRing
from ._circuit import METHODS as METHODS
from ._circuit import Circuit as Circuit
from ._rate_ring import RateRing as RateRing
from ._rate_ring import RingBump as RingBump
from ._respiratory import CONDITIONS as CONDITIONS
from ._respiratory import POPULATIONS as POPULATIONS
from ._respiratory import Condition as Condition
from ._respiratory import RespiratoryRhythm as RespiratoryRhythm
from ._rhythm import onsets as onsets
from ._rhythm import period as period
from ._rhythm import phases as phases
from ._ring import Bump as Bump
from ._ring import bump as bump
from ._ring import ring_distance as ring_distance
from ._simulate import Simulation as Simulation
from ._simulate import simulate as simulate
from ._spiking_inputs import CHANNELS as CHANNELS
from ._spiking_inputs import poisson_events as poisson_events
from ._spiking_inputs import random_drive as random_drive
from ._spiking_inputs import spiking_inputs as spiking_inputs
from ._spiking_neuron import ExponentialDriveNeuron as ExponentialDriveNeuron
from ._spiking_neuron import SpikingNeuron as SpikingNeuron
from ._two_neuron import PULSES as PULSES
from ._two_neuron import Modes as Modes
from ._two_neuron import TwoNeuron as TwoNeuron
from ._two_neuron import pulse_protocol as pulse_protocol
