"""What is compared of a stored network; shared by the script that made the data and the tests that read them."""

from pathlib import Path
from typing import Any

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np

import eicon
from eicon.tasks import Trial
from eicon.training import cross_entropy, mean_squared_error

DATA = Path(__file__).with_name("data")
WEIGHTS = ("W_rec", "W_in", "W_out")
ACTIVITY = ("outputs", "rates", "currents")


def quantities(net_file: Path, stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Everything that binds, computed by the eicon at hand from a network's file and its stored inputs.

    ``float64/quiet`` is without noise: activity, loss and gradients, in which rounding is some eight orders of
    magnitude below the tolerance; ``float64/noisy`` is the same with noise, for networks whose data ask for it.
    ``float32`` is activity with noise, for which eicon has a generator of its own in that precision, and ``weights``
    are the effective ones.
    """
    key = eicon.key(int(stored["noise_seed"]))
    found: dict[str, Any] = {}
    with jax.enable_x64(True):
        net = eicon.load(net_file)
        found |= {f"weights/{name}": getattr(net, name) for name in WEIGHTS}
        for kind, noise in (("quiet", None), ("noisy", key)):
            if noise is None or stored["gradients_with_noise"]:
                loss, activity, by_parameter = loss_and_gradients(net, stored, noise)
                found[f"float64/{kind}/loss"] = loss
                found |= {f"float64/{kind}/{name}": getattr(activity, name) for name in ACTIVITY}
                found |= {f"float64/{kind}/gradient/{name}": value for name, value in by_parameter.items()}
        found = {name: np.asarray(value) for name, value in found.items()}
    activity = eicon.load(net_file).predict(stored["inputs"], key=key)
    found |= {f"float32/{name}": np.asarray(getattr(activity, name)) for name in ACTIVITY}
    return found


def loss_and_gradients(
    net: Any, stored: dict[str, np.ndarray], key: jax.Array | None
) -> tuple[jax.Array, Any, dict[str, jax.Array]]:
    """Loss of the stored trials, the activity in them, and the loss's gradient by every trainable parameter.

    The loss is the masked one of training, and as much of rates and currents as gives each of them a gradient of its
    own. This is the one function here that knows how gradients are taken.
    """
    inputs = jnp.asarray(stored["inputs"], net.x0.dtype)
    trial = Trial(inputs, jnp.asarray(stored["targets"]), jnp.asarray(stored["mask"]), {}, {})
    loss = mean_squared_error if trial.targets.ndim == 3 else cross_entropy

    def objective(inputs: jax.Array) -> tuple[jax.Array, Any]:
        activity = net.predict(inputs, key=key, noise=key is not None)
        value = loss(activity.outputs, trial)
        return value + 0.1 * jnp.mean(activity.rates**2) + 0.01 * jnp.mean(activity.currents**2), activity

    gradient = bm.grad(objective, grad_vars=net.trainable_variables(), return_value=True, has_aux=True)
    by_parameter, value, activity = bm.jit(gradient)(inputs)
    return value, activity, by_parameter


def deviation(found: np.ndarray, stored: np.ndarray) -> float:
    """Largest difference, as a fraction of the largest stored entry; NaN if anything found is not finite."""
    if not np.isfinite(found).all():
        return float("nan")
    difference = np.abs(np.asarray(found, np.float64) - stored).max()
    return float(difference / (np.abs(stored).max() or 1.0))
