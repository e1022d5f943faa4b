"""Lyapunov exponents with known answers: random networks, the Lorenz system, a driven network.

    python -m studies.lyapunov

Budget: half an hour on two cores.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eicon.analysis import lyapunov
from eicon.analysis.results import Lyapunov
from studies.common import Places, told, write_study

TAU, DT = 100.0, 10.0
GAINS = (0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5)


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    steps: dict[int, int]
    """Steps of the runs of random networks, by number of units."""
    seeds: int
    spectrum: tuple[int, int]
    """Units and steps."""
    lorenz: int
    driven: tuple[int, int]


FULL = Sizes({250: 30_000, 1000: 30_000}, 3, (50, 20_000), 400_000, (200, 10_000))
QUICK = Sizes({10: 200, 20: 200}, 1, (5, 200), 4_000, (10, 200))
CLEAR = 0.002
"""An exponent times tau above this by two standard errors is positive; those of cycles are 0 except for noise."""


def random_weights(n: int, seed: int) -> np.ndarray:
    """Independent normal weights of variance 1/n."""
    return np.random.default_rng(seed).normal(size=(n, n)) / np.sqrt(n)


def lorenz(x: jax.Array) -> jax.Array:
    """One Runge-Kutta step of 0.01 of the Lorenz system (10, 28, 8/3)."""

    def flow(x: jax.Array) -> jax.Array:
        return jnp.stack([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])

    a = flow(x)
    b = flow(x + 0.005 * a)
    c = flow(x + 0.005 * b)
    return x + 0.01 / 6 * (a + 2 * b + 2 * c + flow(x + 0.01 * c))


class Network:
    """One Euler step of ``tau dx/dt = -x + gain J tanh(x) (+ input)``; new weights need no new compilation."""

    def __init__(self, n: int, seed: int, gain: float = 1.0):
        self.J, self.gain = random_weights(n, seed), gain

    def __call__(self, x: jax.Array, u: jax.Array | None = None) -> jax.Array:
        """Return the next state."""
        received = jnp.tanh(x) @ (self.gain * self.J)
        return x + DT / TAU * (-x + received + (0.0 if u is None else u))


def crossing(gains: np.ndarray, exponents: np.ndarray, errors: np.ndarray) -> float:
    """Return the gain where the exponent is 0, between the last not clearly positive one and the next; NaN if none."""
    last = int(np.flatnonzero(exponents - 2 * np.nan_to_num(errors) <= CLEAR).max())
    if last == len(gains) - 1:
        return np.nan
    rise = exponents[last + 1] - exponents[last]
    return float(gains[last] + (gains[last + 1] - gains[last]) * np.clip(-exponents[last] / rise, 0, 1))


def sweep(network: Network, x0: np.ndarray, n_steps: int) -> list[Lyapunov]:
    """Leading exponent at each gain."""
    found = []
    for gain in GAINS:
        network.gain = gain
        found.append(lyapunov(network, x0, dt=DT, n_steps=n_steps, transient=n_steps // 2, n_exponents=1, qr_every=10))
    return found


def lyapunov_study(where: Places, quick: bool) -> str:
    """Random networks by gain, size and seed; the sum of a whole spectrum; the Lorenz system; a driven network."""
    sizes = QUICK if quick else FULL
    gains = np.array(GAINS)
    head = [
        "# Lyapunov exponents",
        "",
        "## Random networks",
        "",
        f"`tau dx/dt = -x + g J tanh(x)`, J normal with variance 1/N, Euler steps of tau/10, tau = {TAU:g} ms. Leading",
        "exponent times tau, at the origin (where the network is silent) and on the attractor that it reaches from a",
        "random state. At the origin it is also known analytically, from the factor `1 + (l - 1) / 10` of largest",
        "modulus, where `l`",
        "is an eigenvalue of `g J`. `0 at` is the gain at which it changes sign, interpolated between the last gain",
        f"in the table at which it does not exceed {CLEAR} by two standard errors and the next.",
        "",
        "| N | seed | where | " + " | ".join(f"g = {gain:g}" for gain in GAINS) + " | 0 at |",
        "|---|---|---|" + "---|" * (len(GAINS) + 1),
    ]
    rows = told(_random_rows(gains, sizes))
    others = (*_spectrum(*sizes.spectrum), *_lorenz(sizes.lorenz), *_driven(*sizes.driven))
    return "\n".join([*head, *rows, "", *READING, *others]) + "\n"


READING = [
    "The silent state becomes unstable at gain 1, within 5 %, as predicted by the circular law. Chaos starts at",
    "larger gains: between the two transitions there are other fixed points (negative exponents) and cycles (0), in a",
    "range of gains that is wide at N = 250 and narrower at N = 1000. The two transitions coincide for large N",
    "(Sompolinsky, Crisanti & Sommers 1988, Phys Rev Lett 61:259).",
    "",
]


def _random_rows(gains: np.ndarray, sizes: Sizes) -> Iterator[str]:
    for n, n_steps in sizes.steps.items():
        for seed in range(sizes.seeds):
            network = Network(n, seed)
            eigenvalues = np.linalg.eigvals(network.J)
            known = [np.log(np.abs(1 + DT / TAU * (gain * eigenvalues - 1)).max()) / DT * TAU for gain in gains]
            yield _row(n, seed, "origin, eigenvalue", gains, np.array(known), np.zeros(len(gains)))
            start = np.random.default_rng(seed + 50).normal(size=n)
            for where, x0, steps in (("origin", np.zeros(n), n_steps // 5), ("attractor", start, n_steps)):
                found = sweep(network, x0, steps)
                values, errors = (
                    np.array([getattr(one, name)[0] for one in found]) * TAU for name in ("exponents", "standard_error")
                )
                yield _row(n, seed, where, gains, values, errors)


def _row(n: int, seed: int, where: str, gains: np.ndarray, values: np.ndarray, errors: np.ndarray) -> str:
    cells = [
        f"{value:+.4f}" + (f" ± {error:.4f}" if error else "") for value, error in zip(values, errors, strict=True)
    ]
    zero = crossing(gains, values, errors)
    shown = f"{zero:.3f}" if np.isfinite(zero) else f"above {gains[-1]:g}"
    return f"| {n} | {seed} | {where} | " + " | ".join(cells) + f" | {shown} |"


def _spectrum(n: int, n_steps: int) -> list[str]:
    network = Network(n, 0, 6.0)
    found = lyapunov(network, np.random.default_rng(0).normal(size=n), dt=DT, n_steps=n_steps, transient=n_steps // 4)
    shown = ", ".join(f"{value * TAU:+.4f}" for value in found.exponents[:5])
    return [
        "## A complete spectrum",
        "",
        f"N = {n}, g = 6: the leading exponents times tau are {shown};",
        f"Kaplan-Yorke dimension {found.kaplan_yorke:.2f}.",
        f"All {n} add up to {found.exponents.sum() * TAU:.10f} / tau; the mean of log |det J| over the steps is",
        f"{found.mean_log_det * TAU:.10f} / tau.",
        "",
    ]


def _lorenz(n_steps: int) -> list[str]:
    found = lyapunov(lorenz, [1.0, 1.0, 1.0], dt=0.01, n_steps=n_steps, transient=n_steps // 80, qr_every=10)
    pairs = zip(found.exponents, found.standard_error, strict=True)
    return [
        "## Lorenz system",
        "",
        f"Runge-Kutta steps of 0.01, {n_steps:,} of them: {', '.join(f'{a:.4f} ± {b:.4f}' for a, b in pairs)} (known:",
        f"0.9056, 0, -14.572). Sum {found.exponents.sum():.5f}; the divergence of the flow is -(10 + 1 + 8/3) =",
        f"{-(11 + 8 / 3):.5f}. Kaplan-Yorke dimension {found.kaplan_yorke:.4f} (known: 2.062).",
        "",
    ]


def _driven(n: int, n_steps: int) -> list[str]:
    network = Network(n, 0, 2.0)
    start, rng = np.random.default_rng(0).normal(size=n), np.random.default_rng(1)
    phases, transient = rng.uniform(0, 2 * np.pi, n), n_steps // 2
    time = np.arange(transient + n_steps)[:, None] * DT
    wave = np.cos(2 * np.pi * time / (5 * TAU) + phases)
    cells = []
    for strength in (0.0, 0.5, 1.0, 2.0, 4.0):
        found = lyapunov(
            network,
            start,
            dt=DT,
            n_steps=n_steps,
            transient=transient,
            n_exponents=1,
            qr_every=10,
            inputs=strength * wave,
        )
        cells.append(f"{strength:g}: {found.exponents[0] * TAU:+.4f} ± {found.standard_error[0] * TAU:.4f}")
    return [
        "## Input suppresses chaos",
        "",
        f"N = {n}, g = 2, each unit driven by a cosine of period 5 tau with its own phase. Amplitude and leading",
        f"conditional exponent times tau: {'; '.join(cells)}.",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page."""
    return write_study("lyapunov", __doc__, lyapunov_study, argv)


if __name__ == "__main__":
    sys.exit(main())
