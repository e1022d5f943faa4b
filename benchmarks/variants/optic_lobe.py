"""Train the optic lobe with eicon or flyvis, as requested on stdin; the first line written describes the build.

    python benchmarks/variants/optic_lobe.py eicon 15
    python benchmarks/variants/optic_lobe.py flyvis 15

This file imports only eicon from this repository, because flyvis may need a separate interpreter.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

FRAMES, TRIALS, DT = 19, 4, 0.02
"""Frames, trials and dt (s) of a training step as published."""
REST, RATE = 0.5, 5e-5
"""Initial resting potential of all cells, the same for both libraries, and learning rate."""

Runs = dict[str, Callable[[], float]]


def light(n_columns: int) -> np.ndarray:
    """Luminance of columns, (trials, frames, columns)."""
    return np.random.default_rng(0).random((TRIALS, FRAMES, n_columns), np.float32)


def eicon_runs(extent: int) -> tuple[float, Runs]:
    """Return the seconds for making the connectome and the network, and the available runs."""
    import jax
    import jax.numpy as jnp

    from eicon.connectomes import optic_lobe
    from eicon.models import optic_lobe_network

    start = time.perf_counter()
    net = optic_lobe_network(
        optic_lobe(extent),
        train=("recurrent", "tau", "bias"),
        parameters={"tau": 50.0, "bias": REST, "x0": REST},
        dt=1e3 * DT,
    )
    values: Any = jax.block_until_ready({name: variable.value for name, variable in net.trainable_variables().items()})
    built, made = time.perf_counter() - start, net.network
    inputs = jnp.asarray(light(net.n_in).transpose(1, 0, 2))

    def loss(values: Any, fixed: Any, made: Any, inputs: Any) -> jax.Array:
        return (made.replaced({**fixed, **values}).run(inputs).rates ** 2).mean()

    def gradient(*names: str) -> Callable[[], float]:
        one = jax.jit(jax.grad(loss))
        return lambda: float(jnp.sum(jax.tree.leaves(one({n: values[n] for n in names}, values, made, inputs))[0]))

    @jax.jit
    def step(values: Any, moments: Any, k: Any, made: Any, inputs: Any) -> Any:
        error, by = jax.value_and_grad(loss)(values, {}, made, inputs)
        first, second = (
            jax.tree.map(lambda m, g, b=b, p=p: b * m + (1 - b) * g**p, moment, by)
            for moment, b, p in zip(moments, (0.9, 0.999), (1, 2), strict=True)
        )
        moved = jax.tree.map(
            lambda v, m, s: v - RATE * m / (1 - 0.9**k) / (jnp.sqrt(s / (1 - 0.999**k)) + 1e-8), values, first, second
        )
        return error, moved, (first, second)

    k, moments = 0, (jax.tree.map(jnp.zeros_like, values),) * 2

    def train() -> float:
        nonlocal values, moments, k
        k += 1
        error, values, moments = step(values, moments, k, made, inputs)
        return float(jax.block_until_ready((error, values))[0])

    forward = jax.jit(loss)
    return built, {
        "step": train,
        "forward": lambda: float(forward(values, {}, made, inputs)),
        "rest": gradient("b_rec"),
        "time constants": gradient("tau"),
        "strengths": gradient("raw_rec"),
    }


def flyvis_runs(extent: int) -> tuple[float, Runs]:
    """Return the same as `eicon_runs`, for flyvis's own network and training step; it builds in an empty folder."""
    parts = ["torchvision", "torchvision.transforms", "torchvision.transforms.functional"]
    made = [ModuleType(name) for name in parts]  # for rendering, which is not used here
    made[0].transforms, made[1].functional = made[1:]  # type: ignore[attr-defined]
    for name, module in zip(parts, made, strict=True):
        sys.modules.setdefault(name, module)
    os.environ["FLYVIS_ROOT_DIR"] = tempfile.mkdtemp()
    import torch
    from flyvis.network import Network

    start = time.perf_counter()
    connectome = {
        "type": "ConnectomeFromAvgFilters",
        "file": "fib25-fib19_v2.2.json",
        "extent": extent,
        "n_syn_fill": 1,
    }
    net = Network(connectome=connectome)
    built = time.perf_counter() - start
    net.nodes_bias.data[:] = REST
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    inputs = torch.as_tensor(light(len(net.stimulus.input_index.reshape(8, -1)[0])))[:, :, None]

    def loss() -> Any:
        net.stimulus.zero(TRIALS, FRAMES)
        net.stimulus.add_input(inputs)
        return (torch.relu(net(net.stimulus(), DT)) ** 2).mean()

    def train() -> float:
        optimizer.zero_grad()
        error = loss()
        error.backward()
        optimizer.step()
        return float(error.detach())

    def forward() -> float:
        with torch.no_grad():
            return float(loss())

    return built, {"step": train, "forward": forward}


def peak_mb() -> float:
    """Return the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def main() -> None:
    """Build; then run the part that each line of stdin names, as often as requested, and report the duration."""
    name, extent = sys.argv[1], int(sys.argv[2])
    built, runs = {"eicon": eicon_runs, "flyvis": flyvis_runs}[name](extent)
    start = time.perf_counter()
    first = runs["step"]()
    print(json.dumps({"built": built, "first": time.perf_counter() - start, "loss": first}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "peak" in request:
            print(peak_mb(), flush=True)
            continue
        start = time.perf_counter()
        for _ in range(request["times"]):
            runs[request["run"]]()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
