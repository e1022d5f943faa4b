"""Timings of a training step, side by side: run ``python -m benchmarks``."""
