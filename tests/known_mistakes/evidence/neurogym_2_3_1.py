"""Known mistakes 14, 24, 25 and 26 in neurogym 2.3.1, with the package itself.

Commands:

    python3.11 -m venv env && env/bin/pip install neurogym==2.3.1
    env/bin/python neurogym_2_3_1.py
"""

# ruff: noqa: T201

import neurogym as ngym
import numpy as np
from neurogym.utils.plotting import run_env

TASK = "PerceptualDecisionMaking-v0"


def first_batch(seed: int) -> np.ndarray:
    """Return the first inputs of a data set that was given a seed in the way that it offers."""
    data = ngym.Dataset(TASK, batch_size=4, seq_len=50)
    data.seed(seed)
    return data()[0]


def cues_and_delays() -> tuple[float, list[int]]:
    """Return the largest mean input that distinguishes delay from decision, and lengths of the delay in steps."""
    env = ngym.make("ContextDecisionMaking-v0", sigma=0.0).unwrapped
    env.reset()
    delays, difference = [], 0.0
    for _ in range(100):
        env.new_trial()
        delay, decision = env.view_ob("delay"), env.view_ob("decision")
        delays.append(len(delay))
        difference = max(difference, float(np.abs(delay.mean(axis=0) - decision.mean(axis=0)).max()))
    return difference, delays


def cut_trials() -> tuple[int, int]:
    """Return how many of 64 windows of 100 steps contain no step of a decision, and how many parts a batch has."""
    data = ngym.Dataset(TASK, env_kwargs={"dt": 20}, batch_size=64, seq_len=100)
    batch = data()
    return int((batch[1] == 0).all(axis=0).sum()), len(batch)


def shift() -> int:
    """Return by how many steps recorded observations are ahead of the recorded targets."""
    env = ngym.make(TASK, dt=100, timing={"fixation": 500, "stimulus": 1000, "decision": 500})
    record = run_env(env, num_trials=1, def_act=0)
    stimulus = np.flatnonzero(np.asarray(record["ob"])[:, 1:].any(axis=1))  # from this step on there is a stimulus
    answer = np.flatnonzero(np.asarray(record["gt"]))
    steps_between = env.unwrapped.start_ind["decision"] - env.unwrapped.start_ind["stimulus"]
    return int(answer[0] - stimulus[0]) - int(steps_between)


def main() -> None:
    """Print one line for each mistake."""
    print(f"14: two data sets, seed(0) each: first batches equal: {np.array_equal(first_batch(0), first_batch(0))}")
    difference, delays = cues_and_delays()
    print(f"24: largest difference of an input, delay and decision: {difference:.3f}", end="")
    print(f"; the delay lasts {min(delays)} to {max(delays)} steps")
    cut, parts = cut_trials()
    print(f"25: {cut} of 64 windows of 100 steps contain no decision; a batch has {parts} parts: inputs and targets")
    print(f"26: recorded observations are {shift()} step ahead of recorded targets")


if __name__ == "__main__":
    main()
