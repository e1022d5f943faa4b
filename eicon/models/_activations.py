"""The transfer functions ``r = f(x)`` from synaptic current to rate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp


def _power_law(x: jax.Array, exponent: float, gain: float) -> jax.Array:
    # The inner where keeps the gradient of a fractional power finite at and below zero.
    positive = x > 0
    return jnp.where(positive, gain * jnp.where(positive, x, 1.0) ** exponent, 0.0)


_FUNCTIONS: dict[str, tuple[Callable[..., jax.Array], dict[str, float]]] = {
    "relu": (jax.nn.relu, {}),
    "tanh": (jnp.tanh, {}),
    "softplus": (jax.nn.softplus, {}),
    "sigmoid": (jax.nn.sigmoid, {}),
    "rectified_tanh": (lambda x: jnp.tanh(jax.nn.relu(x)), {}),
    "power_law": (_power_law, {"exponent": 2.0, "gain": 1.0}),
}

ACTIVATIONS: tuple[str, ...] = tuple(_FUNCTIONS)
"""Names that `Activation` accepts."""


@dataclass(frozen=True)
class Activation:
    r"""A named transfer function, comparable and storable.

    ==================  =============================================
    name                :math:`f(x)`
    ==================  =============================================
    ``relu``            :math:`[x]_+`
    ``tanh``            :math:`\tanh x`
    ``softplus``        :math:`\log(1 + e^x)`
    ``sigmoid``         :math:`1 / (1 + e^{-x})`
    ``rectified_tanh``  :math:`\tanh [x]_+`
    ``power_law``       :math:`\mathrm{gain} \, [x]_+^{\mathrm{exponent}}`
    ==================  =============================================

    Parameters
    ----------
    name : str
        One of `ACTIVATIONS`.
    parameters : tuple of (str, float), optional
        Values that replace the defaults (``power_law``: ``exponent`` 2, ``gain`` 1).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> cubic = Activation("power_law", (("exponent", 3.0),))
    >>> float(cubic(jnp.array(2.0)))
    8.0
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in _FUNCTIONS:
            raise ValueError(f"unknown activation {self.name!r}; allowed: {', '.join(ACTIVATIONS)}.")
        allowed = _FUNCTIONS[self.name][1]
        for key, value in self.parameters:
            if key not in allowed:
                listed = ", ".join(allowed) or "none"
                raise ValueError(f"activation {self.name!r} has no parameter {key!r}; allowed: {listed}.")
            if not value > 0:
                raise ValueError(f"activation {self.name!r}: {key} must be > 0; got {value}.")

    def __call__(self, x: jax.Array) -> jax.Array:
        """Rate of a current, elementwise."""
        function, defaults = _FUNCTIONS[self.name]
        return function(x, **(defaults | dict(self.parameters)))

    def derivative(self, x: jax.Array) -> jax.Array:
        """Gain ``f'(x)``, elementwise."""
        return jax.jvp(self, (x,), (jnp.ones_like(x),))[1]

    def to_dict(self) -> dict[str, Any]:
        """Form that JSON and TOML can hold; `as_activation` reads it back."""
        return {"name": self.name, **dict(self.parameters)}


def as_activation(value: "Activation | str | Mapping[str, Any]") -> Activation:
    """Make an `Activation` from its name, or from ``{"name": ..., parameter: value}``."""
    if isinstance(value, Activation):
        return value
    if isinstance(value, str):
        return Activation(value)
    fields = dict(value)
    name = fields.pop("name", None)
    if name is None:
        raise ValueError(f"an activation needs a 'name'; got only {sorted(fields)}.")
    return Activation(name, tuple(sorted((key, float(number)) for key, number in fields.items())))
