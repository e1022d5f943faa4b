"""Excitatory-inhibitory connectome networks on BrainPy."""

__version__ = "0.1.0"
