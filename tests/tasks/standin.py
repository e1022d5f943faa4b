"""A small trial-based environment with the interface of neurogym's, for machines without neurogym."""

import numpy as np


class Box:
    def __init__(self, name):
        self.name = name
        self.shape = (max(np.max(list(np.ravel(places))) for places in name.values()) + 1,)

    def sample(self):
        return np.zeros(self.shape, np.float32)


class Discrete:
    def __init__(self, n, name, start=0):
        self.n, self.name, self.start = n, name, start


class Random:
    """Duration in ms, equally probable between two bounds."""

    def __init__(self, vmin, vmax):
        self.vmin, self.vmax, self.rng = vmin, vmax, np.random.RandomState()

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)

    def __call__(self):
        return self.rng.uniform(self.vmin, self.vmax)


class Decision:
    """Which of two inputs was stronger, said after a delay of random length; ``cue`` is the fixation input until then.

    Parameters
    ----------
    cue : bool
        False: nothing tells when the delay is over, as in neurogym's ContextDecisionMaking.
    timing : mapping, optional
        Durations in ms that replace the defaults.
    sigma : float
        Noise of the stimulus.
    """

    def __init__(self, *, cue=True, timing=None, sigma=0.3, dt=20):
        self.cue, self.sigma, self.dt = cue, sigma, dt
        self.timing = {"fixation": 100, "stimulus": 160, "delay": Random(40, 320), "decision": 100} | (timing or {})
        self.observation_space = Box({"fixation": 0, "stimulus": [1, 2]})
        self.action_space = Discrete(3, {"fixation": 0, "choice": [1, 2]})
        self.rng = np.random.RandomState()
        self.start_t, self.end_t, self.start_ind, self.end_ind = {}, {}, {}, {}

    @property
    def unwrapped(self):
        return self

    def seed(self, seed=None):
        self.rng = np.random.RandomState(seed)
        for duration in self.timing.values():
            if hasattr(duration, "seed"):
                duration.seed(seed)
        return [seed]

    def add_periods(self):
        now = 0
        for name, duration in self.timing.items():
            steps = int((duration() if callable(duration) else duration) // self.dt)
            self.start_ind[name], self.end_ind[name] = now, now + steps
            self.start_t[name], self.end_t[name] = now * self.dt, (now + steps) * self.dt
            now += steps
        self.ob, self.gt = np.zeros((now, 3), np.float32), np.zeros(now, int)

    def during(self, name):
        return slice(self.start_ind[name], self.end_ind[name])

    def add_randn(self, mu=0, sigma=1, period=None, where=None):
        view = self.ob[self.during(period)]
        view[:, where] += mu + sigma * self.rng.randn(*view[:, where].shape)

    def draw(self):
        return {
            "ground_truth": self.rng.choice([1, 2]),
            "coh": float(self.rng.choice([12.8, 51.2])),
            "side": str(self.rng.choice(["left", "right"])),
            "pair": (int(self.rng.choice([3, 4])), 5),
            "note": {"not": "a number"},
        }

    def new_trial(self, **kwargs):
        self.trial = trial = self.draw() | kwargs
        self.add_periods()
        self.ob[: self.start_ind["decision"] if self.cue else self.end_ind["fixation"], 0] = 1
        self.ob[self.during("stimulus"), trial["ground_truth"]] = 0.5 + trial["coh"] / 200
        self.ob[self.during("stimulus"), 3 - trial["ground_truth"]] = 0.5 - trial["coh"] / 200
        self.add_randn(0, self.sigma, "stimulus", [1, 2])
        self.gt[self.during("decision")] = trial["ground_truth"]
        return trial


class Wrapper:
    """What gymnasium's wrappers look like from outside."""

    def __init__(self, env):
        self.env = env

    @property
    def unwrapped(self):
        return self.env.unwrapped


class OrderEnforcing(Wrapper):
    pass


class Noise(Wrapper):
    pass
