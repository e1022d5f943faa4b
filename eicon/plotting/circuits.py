"""Figures and animations of the circuits in `eicon.models.circuits`."""

from ._animation import inline as inline
from ._animation import save_animation as save_animation
from ._circuit_motion import animate_membrane as animate_membrane
from ._circuit_motion import animate_respiration as animate_respiration
from ._circuit_motion import animate_ring as animate_ring
from ._circuit_motion import animate_two_neurons as animate_two_neurons
from ._circuits import plot_membrane as plot_membrane
from ._circuits import plot_respiration as plot_respiration
from ._circuits import plot_ring as plot_ring
from ._circuits import plot_two_neurons as plot_two_neurons
from ._circuits import spike_shape as spike_shape
