"""Transfer functions ``r = f(x)`` from synaptic current to rate: an open table."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from .._users import users_code

_TABLE: dict[str, tuple[Callable[..., jax.Array], dict[str, float]]] = {}


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

    Functions registered with `activation` can be used as well.

    Parameters
    ----------
    name : str
        One of `ACTIVATIONS`, or a registered one.
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
    # Compared, so that a function redefined in a notebook is compiled again.
    function: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.name not in _TABLE:
            raise ValueError(
                f"unknown activation {self.name!r}; allowed: {', '.join(_TABLE)}, "
                "or your own function, registered with eicon.models.activation."
            )
        function, allowed = _TABLE[self.name]
        object.__setattr__(self, "function", function)
        for key, value in self.parameters:
            if key not in allowed:
                listed = ", ".join(allowed) or "none"
                raise ValueError(f"activation {self.name!r} has no parameter {key!r}; allowed: {listed}.")
            if not math.isfinite(value) or (self.name in ACTIVATIONS and not value > 0):
                wanted = "> 0" if self.name in ACTIVATIONS else "finite"
                raise ValueError(f"activation {self.name!r}: {key} must be {wanted}; got {value}.")

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the rate for a current, elementwise."""
        with users_code(f"the activation `{self.name}`"):
            return self.function(x, **(_TABLE[self.name][1] | dict(self.parameters)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Activation, (self.name, self.parameters)

    def derivative(self, x: jax.Array) -> jax.Array:
        """Return the gain ``f'(x)``, elementwise."""
        return jax.jvp(self, (x,), (jnp.ones_like(x),))[1]

    def to_dict(self) -> dict[str, Any]:
        """Convert to a form for JSON and TOML; `as_activation` reverses the conversion."""
        return {"name": self.name, **dict(self.parameters)}


def activation(function: Callable[..., jax.Array]) -> Callable[..., Activation]:
    """Register a transfer function ``f(x, **numbers)`` under its name.

    The name is then accepted wherever an activation is, in code and in configurations. Networks are saved with only
    the name and the numbers; the file that defines the function must be imported before loading.

    Parameters
    ----------
    function : callable
        Elementwise, from currents to rates, written with `jax.numpy`; all other parameters are numbers and have
        defaults.

    Returns
    -------
    callable
        Function that makes an `Activation` from numbers given by name.

    Raises
    ------
    ValueError
        If a parameter lacks a number as its default, or a different file has registered this name.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> @activation
    ... def saturating(x, top=1.0):
    ...     return jnp.clip(x, 0.0, top)
    >>> saturating(top=2.0)
    Activation(name='saturating', parameters=(('top', 2.0),))
    """
    name = function.__name__
    given = list(inspect.signature(function).parameters.values())[1:]
    defaults = {}
    for parameter in given:
        if not isinstance(parameter.default, int | float):
            raise ValueError(f"activation {name!r}: parameter {parameter.name!r} needs a number as its default.")
        defaults[parameter.name] = float(parameter.default)
    if name in _TABLE and _origin(_TABLE[name][0]).isdisjoint(_origin(function)):
        raise ValueError(
            f"activation {name!r} is already defined in {_TABLE[name][0].__module__}; rename this function."
        )
    _TABLE[name] = (function, defaults)

    def make(**numbers: float) -> Activation:
        return Activation(name, tuple(sorted((key, float(value)) for key, value in numbers.items())))

    make.__name__, make.__doc__ = name, function.__doc__
    return make


def _origin(function: Callable[..., Any]) -> set[str]:
    """Return module and file of a function; a script that is also imported is two modules in one file."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return {function.__module__} if code is None else {function.__module__, code.co_filename}


def known_activations() -> tuple[str, ...]:
    """Return the names of all activations currently registered."""
    return tuple(_TABLE)


def as_activation(value: "Activation | str | Mapping[str, Any] | Callable[..., Activation]") -> Activation:
    """Make an `Activation` from a name, ``{"name": ..., parameter: value}``, or the result of `activation`."""
    if isinstance(value, Activation):
        return value
    if isinstance(value, str):
        return Activation(value)
    if isinstance(value, Mapping):
        fields = dict(value)
        name = fields.pop("name", None)
        if name is None:
            raise ValueError(f"an activation needs a 'name'; got only {sorted(fields)}.")
        return Activation(name, tuple(sorted((key, float(number)) for key, number in fields.items())))
    made = value() if getattr(value, "__name__", None) in _TABLE else None
    if not isinstance(made, Activation):
        raise ValueError(f"an activation is a name, a mapping or an Activation; got {value!r:.80}.")
    return made


def _relu(x: jax.Array) -> jax.Array:
    return jax.nn.relu(x)


def _tanh(x: jax.Array) -> jax.Array:
    return jnp.tanh(x)


@jax.custom_jvp
def _softplus(x: jax.Array) -> jax.Array:
    return jax.nn.softplus(x)


@_softplus.defjvp
def _softplus_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
    # Takes half the time of the derivative of jax.nn.softplus, which is that of logaddexp.
    (x,), (dx,) = primals, tangents
    return _softplus(x), jax.nn.sigmoid(x) * dx


def _sigmoid(x: jax.Array) -> jax.Array:
    return jax.nn.sigmoid(x)


def _rectified_tanh(x: jax.Array) -> jax.Array:
    return jnp.tanh(jax.nn.relu(x))


def _power_law(x: jax.Array, exponent: float, gain: float) -> jax.Array:
    # The inner where keeps the gradient of a fractional power finite at and below zero.
    positive = x > 0
    return jnp.where(positive, gain * jnp.where(positive, x, 1.0) ** exponent, 0.0)


ACTIVATIONS: tuple[str, ...] = ("relu", "tanh", "softplus", "sigmoid", "rectified_tanh", "power_law")
"""Names of the activations bundled with eicon."""

_TABLE |= {
    "relu": (_relu, {}),
    "tanh": (_tanh, {}),
    "softplus": (_softplus, {}),
    "sigmoid": (_sigmoid, {}),
    "rectified_tanh": (_rectified_tanh, {}),
    "power_law": (_power_law, {"exponent": 2.0, "gain": 1.0}),
}
