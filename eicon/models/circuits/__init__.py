"""Small circuits for building intuition: a spiking neuron, two neurons, the respiratory rhythm, ring attractors.

Each is a BrainPy dynamical system with one input array per step; `simulate` runs any of them. Time is in ms, arrays
are time-major (T, B, N) and weights ``W[pre, post]``. Noise is off unless ``sigma`` is given.
"""

from ..._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": "Simulation RingBump Bump Modes Condition",
        "_circuit": "Circuit METHODS",
        "_spiking_inputs": "CHANNELS",
        "_two_neuron": "PULSES",
    },
)
