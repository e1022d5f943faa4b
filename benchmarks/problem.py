"""The training problem that every variant solves: sizes, constants and the fixed batches.

The network is the rate network of Song, Yang & Wang (2016) with 80 % excitatory units. The trials are a
synthetic two-choice task with the shape of ``RatePerceptualDecisionMaking(dt=20)``. They are made once,
before the clock starts, because the comparison excludes making data.
"""

import numpy as np

T = 110
B = 16
N_IN = 3
N_OUT = 3
E_RATIO = 0.8
TAU = 100.0
DT = 20.0
ALPHA = DT / TAU
SIGMA_REC = 0.15
LEARNING_RATE = 1e-3
SEED = 0

N_BATCHES = 8
T_FIXATION = 5
T_STIMULUS = 100
SIGMA_INPUT = 0.1


def batches(seed: int = SEED) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return `N_BATCHES` pairs of inputs ``(T, B, N_IN)`` float32 and class labels ``(T, B)`` int32.

    Channel 0 is the fixation cue; channels 1 and 2 carry the two choices. The label is 0 while the network
    has to fixate and the index of the stronger choice after the stimulus.
    """
    rng = np.random.default_rng(seed)
    made = []
    go = T_FIXATION + T_STIMULUS
    for _ in range(N_BATCHES):
        choice = rng.integers(0, 2, B)
        coherence = rng.choice([0.064, 0.128, 0.256, 0.512], B)
        evidence = np.where(choice == 0, coherence, -coherence)
        xs = np.zeros((T, B, N_IN))
        xs[:go, :, 0] = 1.0
        xs[T_FIXATION:go, :, 1] = (1 + evidence) / 2
        xs[T_FIXATION:go, :, 2] = (1 - evidence) / 2
        xs += SIGMA_INPUT * rng.standard_normal(xs.shape)
        ys = np.zeros((T, B), dtype=np.int32)
        ys[go:] = choice + 1
        made.append((xs.astype(np.float32), ys))
    return made


def recurrent_flops(n_rec: int) -> int:
    """Return the flops of the three recurrent products in one training step, ``3 * 2 * T * B * N^2``."""
    return 3 * 2 * T * B * n_rec**2
