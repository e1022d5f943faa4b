r"""Known structure, unknown numbers: strengths, time constants, gains and biases from the activity of all units.

A teacher on a real wiring diagram is driven by smooth random inputs, with process noise, and the currents of all its
units are recorded, with measurement noise. A student has the connections, their signs, and the inputs. It runs without
noise in windows of the recording, each starting from the previously recorded current: windows of one step are the
regression of the next step on the recorded one, and a window as long as a trial is a whole rollout, from the initial
state of trials.

Currents determine gains only in products with outgoing weights, :math:`g_i W_{ij}`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ...analysis.fits import effective_connectivity, recovery
from ...models import Leaky, Network, RateRNN
from ...models.results import Activity
from ...recordings import Recording
from ...tasks import Trial
from ...training import Gradient, Trainer
from ...training.schedules import Cosine
from .._parts import Keep, Measures, Part
from ._circuits import LARVA, ZEBRAFISH, circuit_network, linear, signed_circuit, with_leading

SEEDS = (0, 1, 2)
NOISE = ((0.0, 0.0), (0.05, 0.0), (0.5, 0.0), (0.05, 0.1), (0.05, 0.2))
"""Standard deviations of process noise, added to currents, and of measurement noise, relative to each unit's."""
WINDOWS = (1, 20, 200)
N_STEPS, DT = 200, 10.0
TRIALS = {LARVA: 30, ZEBRAFISH: 15}
SMOOTH, DRIVE = 20.0, 3.0
"""Width in ms of the Gaussian kernel of the inputs, one for each unit, and their standard deviation."""
LEADING = {LARVA: 0.5, ZEBRAFISH: 0.9}
"""Largest real part of an eigenvalue of weights times gains. Softplus halves it at rest."""
STEPS, RATE = {LARVA: 600, ZEBRAFISH: 300}, 0.06
CELLS = {LARVA: Leaky("softplus", gain=True), ZEBRAFISH: Leaky(linear(), gain=True)}
TRAINED = ("recurrent", "gain", "bias", "tau")


@dataclass(frozen=True, eq=False, repr=False)
class FollowWindows:
    r"""Distance of currents from recorded ones in windows that start from recorded currents.

    .. math:: \frac1N \sum_i \frac{\langle (\hat x_i - x_i)^2 \rangle}{\langle (x_i - x_i^{start})^2 \rangle}

    Parameters
    ----------
    recording : Recording
        Currents of all units.
    length : int
        Steps of a window, a divisor of the recording's steps.
    start : float
        Current at the start of trials.
    """

    recording: Recording
    length: int
    start: float = 0.0

    def __post_init__(self) -> None:
        if self.recording.n_steps % self.length:
            raise ValueError(
                f"windows must divide the {self.recording.n_steps} steps of a trial; got windows of {self.length}."
            )

    def __repr__(self) -> str:
        return f"FollowWindows({self.recording!r}, length={self.length})"

    @cached_property
    def windows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inputs (L, K, n_in), currents (L, K, N) and previous currents (K, N)."""
        activity, inputs = (np.asarray(a, np.float32) for a in (self.recording.activity, self.recording.inputs))
        before = np.concatenate([np.full_like(activity[:1], self.start), activity[:-1]])[:: self.length]
        return self._cut(inputs), self._cut(activity), before.reshape(-1, activity.shape[2])

    def _cut(self, values: np.ndarray) -> np.ndarray:
        pieces = values.reshape(-1, self.length, *values.shape[1:]).swapaxes(0, 1)
        return np.ascontiguousarray(pieces.reshape(self.length, -1, values.shape[2]))

    @cached_property
    def scale(self) -> np.ndarray:
        """Mean squared change of each unit since the start of a window, (N,); infinite without changes."""
        _, activity, before = self.windows
        moved = ((activity - before) ** 2).mean(axis=(0, 1))
        return np.where(moved > 0, moved, np.inf)

    def __call__(self, network: Network, activity: Activity, trial: Trial) -> jax.Array:
        """Return the distance, a scalar."""
        inputs, target, before = (jnp.asarray(a, network.dtype) for a in self.windows)
        missed = network.run(inputs, initial={"x": before}).currents - target
        return jnp.mean(jnp.mean(missed**2, axis=(0, 1)) / jnp.asarray(self.scale, network.dtype))


def true_network(name: str, seed: int, folder: Path, process: float) -> RateRNN:
    """Make a teacher: strengths proportional to synapse counts, and random parameters of units."""
    connectome = signed_circuit(name, folder, seed)
    rng = np.random.default_rng([seed, 10])
    n = connectome.n
    gain, tau, bias = rng.uniform(0.5, 1.5, n), rng.uniform(50.0, 150.0, n), rng.normal(0.0, 0.3, n)
    weights = with_leading(connectome.weights * connectome.sign[:, None], LEADING[name], gain)
    options: dict[str, Any] = {"cell": CELLS[name], "parameters": {"gain": gain, "bias": bias}, "sigma_rec": process}
    return circuit_network(name, weights, connectome, DRIVE * np.eye(n), train=(), tau=tau, dt=DT, **options)


def recorded_currents(net: RateRNN, name: str, seed: int, measurement: float) -> Recording:
    """Return measured currents of all units of a teacher with smooth random inputs."""
    rng = np.random.default_rng([seed, 11])
    inputs = gaussian_filter1d(rng.standard_normal((N_STEPS, TRIALS[name], net.n_in)), SMOOTH / DT, axis=0)
    inputs /= inputs.std()
    activity = net.predict(inputs, key=seed if net.network.noisy else None)
    currents = np.asarray(activity.currents, np.float64)
    noise = rng.standard_normal(currents.shape) * currents.std(axis=(0, 1)) * measurement
    return Recording(currents + noise, dt=DT, inputs=inputs, observed="current")


def blank_network(name: str, seed: int, folder: Path) -> RateRNN:
    """Make a student with known connections, signs and inputs, equal strengths and equal units."""
    connectome = signed_circuit(name, folder, seed)
    weights = with_leading((connectome.weights > 0) * connectome.sign[:, None].astype(float), LEADING[name])
    w_in = DRIVE * np.eye(connectome.n)
    return circuit_network(
        name, weights, connectome, w_in, train=TRAINED, tau=100.0, dt=DT, cell=CELLS[name], bias=True
    )


def recovered(net: RateRNN, teacher: RateRNN) -> Measures:
    """Return R2 of the parameters of a student."""
    ours, theirs = (np.asarray(one.W_rec, np.float64) for one in (net, teacher))
    products = [effective_connectivity(w, one.parameter("gain")) for w, one in ((ours, net), (theirs, teacher))]
    exists = theirs != 0
    sends = exists.any(axis=1)
    pairs = {
        "product": (products[0][exists], products[1][exists]),
        "weights": (ours[exists], theirs[exists]),
        "gain": (net.parameter("gain")[sends], teacher.parameter("gain")[sends]),
        "tau": (net.parameter("tau"), teacher.parameter("tau")),
        "bias": (np.asarray(net.b_rec), np.asarray(teacher.b_rec)),
    }
    found = {name: recovery(*pair) for name, pair in pairs.items()}
    return {
        **{name: one.r2 for name, one in found.items()},
        "product_r": found["product"].r,
        "product_slope": found["product"].slope,
        "tau_slope": found["tau"].slope,
    }


def find_numbers(part: Part, keep: Keep) -> Measures:
    """Fit all parameters of one circuit in windows of one length, at one noise level."""
    name, seed, steps = part["circuit"], part["seed"], part["steps"]
    teacher = true_network(name, seed, keep.folder, part["process"])
    recording = recorded_currents(teacher, name, seed, part["measurement"])
    net = blank_network(name, seed, keep.folder)
    size = float(np.abs(np.asarray(net.W_rec)).max())
    schedule = Cosine(RATE, steps, warm_up=min(20, steps // 2), end=RATE / 50)
    follow = FollowWindows(recording, part["window"])
    trainer = Trainer(
        net, _nothing(net), learner=Gradient("adam", schedule, factors={"raw_rec": size}), penalties=follow, seed=seed
    )

    def measure(now: Trainer) -> Measures:
        loss = float(now.history["loss"][-1]) if now.step else None
        return {"loss": loss, **recovered(now.net, teacher)}

    at = sorted({step for step in (0, 100, 300) if step < steps} | {steps})
    found = keep.fit(trainer, steps, measure=measure, at=at)
    spread = float(np.median(recording.activity.std(axis=(0, 1))))
    return {"spread": spread, "by_step": {str(step): found[step] for step in at}}


def _nothing(net: RateRNN) -> Recording:
    """Return two steps of a readout without weights, because a trainer needs trials, which always start at ``x0``.

    Its loss is a constant of 1e-12, not 0, because the explained variance of a constant is undefined.
    """
    silence = np.array([1e-6, -1e-6])[:, None, None]
    return Recording(silence, dt=net.dt, inputs=np.zeros((2, 1, net.n_in)), observed="output")


def known_parts(*, quick: bool = False) -> list[Part]:
    """Return the fits of both circuits at each noise level, in windows of each length."""
    noise, windows = (NOISE[1::3], WINDOWS[::2]) if quick else (NOISE, WINDOWS)
    return [
        {
            "name": f"known-{name}-process{process:g}-measured{measurement:g}-window{window}-seed{seed}",
            "circuit": name,
            "process": process,
            "measurement": measurement,
            "window": window,
            "seed": seed,
            "steps": 50 if quick else STEPS[name],
        }
        for name in ((LARVA,) if quick else (LARVA, ZEBRAFISH))
        for seed in SEEDS[: 2 if quick else None]
        for process, measurement in noise
        for window in windows
    ]
