"""The one network class: the rate equation as a BrainPy dynamical system with trainable weights."""

import os
from collections.abc import Mapping
from typing import Any

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ..tasks import Trial
from ._activations import Activation, as_activation
from ._condensed import Condensed, condensed
from ._connectivity import Connectivity
from ._constructors import Constructors
from ._equation import CONSTANTS, Activity, Parameters, RateEquation
from ._held import held_step
from ._initial import feedforward_weights, recurrent_weights
from ._parts import RAW, Parts
from ._perturbation import Perturbation, perturb
from ._storage import write
from ._thread import ensure_defaults
from ._units import Units, select, unit_labels


class RateRNN(Constructors, bp.DynamicalSystem):
    r"""Continuous-time rate network, Song, Yang & Wang (2016) eqs. 1-3.

    .. math::

        \tau \dot x = -x + r W_{rec} + u W_{in} + b + \sqrt{2 \tau \sigma_{rec}^2}\, \xi, \qquad
        r = f(x), \qquad z = r W_{out} + b_{out}

    Whether it is a Dale network, a connectome network or an unconstrained one is data, in the three
    `Connectivity` objects; `dale` builds the common case. With ``tau == dt`` and no noise it is an Elman
    network. Weight matrices are ``[pre, post]``: the row is the source.

    Parameters
    ----------
    recurrent, input, readout : Connectivity
        Of shape (N, N), (n_in, N) and (N, n_out).
    activation : str, mapping or Activation
        See `eicon.models.Activation`.
    tau : float or array (N,)
        Time constant in ms, one or one per unit.
    dt : float
        Step in ms, at most ``tau``.
    sigma_rec, sigma_in : float
        Standard deviation of recurrent and input noise (independent of ``dt``), >= 0.
    bias, readout_bias : bool
        Whether units and outputs have a trainable bias (initially 0).
    x0 : float or array (N,)
        Current at the beginning of a trial.
    train_x0 : bool
        Whether ``x0`` is trained.
    noise_covariance : array (N, N), optional
        Of the recurrent noise over units, in units of ``sigma_rec ** 2``; by default units are independent.
    spectral_radius : float
        Of the initial effective recurrent matrix; Song et al. (2016) start from 1.5.
    distribution : {"gamma", "lognormal", "normal", "uniform"}, optional
        Of the sizes of initial weights; by default gamma under Dale's law and normal where weights are free.
    weights : mapping, optional
        Initial *effective* weights for any of ``"recurrent"``, ``"input"``, ``"readout"``; the others are drawn.
    units : mapping of str to array (N,), optional
        Labels of the units beside their type, e.g. ``{"region": [...]}``.
    seed : int
        Fixes the initial weights, and the noise of `update`.
    name, mode
        As for every BrainPy system.

    Raises
    ------
    ValueError
        For shapes that do not fit, ``tau <= 0``, ``dt`` outside (0, tau], negative noise, an unknown
        activation, or a spectral radius that cannot be reached.

    Examples
    --------
    >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=2, seed=1)
    >>> activity = net.predict(np.ones((5, 3, 2), np.float32), noise=False)
    >>> activity.outputs.shape
    (5, 3, 2)
    """

    def __init__(
        self,
        recurrent: Connectivity,
        input: Connectivity,
        readout: Connectivity,
        *,
        activation: Activation | str | Mapping[str, Any] = "relu",
        tau: ArrayLike = 100.0,
        dt: float = 20.0,
        sigma_rec: float = 0.0,
        sigma_in: float = 0.0,
        noise_covariance: ArrayLike | None = None,
        bias: bool = False,
        readout_bias: bool = False,
        x0: ArrayLike = 0.1,
        train_x0: bool = False,
        spectral_radius: float = 1.0,
        distribution: str | None = None,
        weights: Mapping[str, ArrayLike] | None = None,
        units: Mapping[str, ArrayLike] | None = None,
        seed: int = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        ensure_defaults()
        super().__init__(name=name, mode=mode)
        self.equation = RateEquation(
            recurrent,
            input,
            readout,
            activation=as_activation(activation),
            tau=np.asarray(tau, float),
            dt=dt,
            sigma_rec=sigma_rec,
            sigma_in=sigma_in,
            noise_covariance=None if noise_covariance is None else np.asarray(noise_covariance),
        )
        key_rec, key_in, key_out, key_noise = jax.random.split(jax.random.key(seed), 4)
        given = dict(weights or {})
        for unknown in sorted(given.keys() - RAW.keys()):
            raise ValueError(f"weights has no entry {unknown!r}; allowed: {', '.join(RAW)}.")
        if "recurrent" not in given:
            given["recurrent"] = recurrent_weights(recurrent, spectral_radius, key=key_rec, distribution=distribution)
        if "input" not in given:
            given["input"] = feedforward_weights(input, key=key_in, distribution=distribution)
        if "readout" not in given:
            given["readout"] = feedforward_weights(readout, key=key_out, distribution=distribution)
        for role, connectivity in (("input", input), ("recurrent", recurrent), ("readout", readout)):
            raw = connectivity.raw(np.asarray(given[role]))
            setattr(self, RAW[role], _variable(raw, connectivity.trainable))
        n = recurrent.shape[0]
        self.x0 = _variable(np.broadcast_to(np.asarray(x0, float), (n,)), train_x0)
        self.b_rec = _variable(np.zeros(n), True) if bias else None
        self.b_out = _variable(np.zeros(readout.shape[1]), True) if readout_bias else None
        self.units = unit_labels(units, recurrent.sign)
        self.noise_key = bm.Variable(jax.random.key_data(key_noise))
        self.reset_state(self.mode)

    n_in = property(lambda self: self.equation.n_in, doc="Number of input channels.")
    n_rec = property(lambda self: self.equation.n_rec, doc="Number of recurrent units.")
    n_out = property(lambda self: self.equation.n_out, doc="Number of outputs.")
    dt = property(lambda self: self.equation.dt, doc="Step in ms.")
    tau = property(lambda self: self.equation.tau, doc="Time constants in ms, shape (N,).")
    sigma_rec = property(lambda self: self.equation.sigma_rec, doc="Recurrent noise.")
    sigma_in = property(lambda self: self.equation.sigma_in, doc="Input noise.")
    activation = property(lambda self: self.equation.activation, doc="Transfer function.")

    @property
    def is_excitatory(self) -> np.ndarray:
        """Whether each unit excites, shape (N,); all False in a network without Dale's law."""
        return self.equation.recurrent.sign > 0

    @property
    def W_rec(self) -> jax.Array:  # noqa: N802
        """Effective recurrent weights ``[pre, post]``, shape (N, N)."""
        return self.equation.recurrent.effective(self.raw_rec.value)

    @property
    def W_in(self) -> jax.Array:  # noqa: N802
        """Effective input weights, shape (n_in, N)."""
        return self.equation.input.effective(self.raw_in.value)

    @property
    def W_out(self) -> jax.Array:  # noqa: N802
        """Effective readout weights, shape (N, n_out)."""
        return self.equation.readout.effective(self.raw_out.value)

    def variables(self) -> dict[str, bm.Variable]:
        """All parameters by name: raw weights, ``x0`` and the biases there are (state is not among them)."""
        names = (*RAW.values(), "x0", "b_rec", "b_out")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def trainable_variables(self) -> dict[str, bm.TrainVar]:
        """Those of `variables` that learn."""
        return {name: variable for name, variable in self.variables().items() if isinstance(variable, bm.TrainVar)}

    def parameters(self) -> Parameters:
        """Values of `variables`, as `RateEquation` takes them."""
        return {name: variable.value for name, variable in self.variables().items()}

    def parts(self) -> Parts:
        """What makes this network: equation, parameters, labels."""
        return Parts(self.equation, self.parameters(), frozenset(self.trainable_variables()), self.units)

    @classmethod
    def of_parts(cls, parts: Parts, *, mode: bm.Mode | None = None, **changes: Any) -> "RateRNN":
        """Network with exactly these parameter values, bit for bit (nothing is drawn), and maybe other constants."""
        connectivities = {role: getattr(parts.equation, role) for role in RAW}
        constants = {name: getattr(parts.equation, name) for name in CONSTANTS}
        net = cls(
            **connectivities,
            **{**constants, **changes},
            bias="b_rec" in parts.values,
            readout_bias="b_out" in parts.values,
            train_x0="x0" in parts.trainable,
            units={name: labels for name, labels in parts.units.items() if name != "type"},
            weights={role: connectivity.fixed for role, connectivity in connectivities.items()},
            mode=mode,
        )
        for name, variable in net.variables().items():
            value = parts.values[name]
            if np.shape(value) != variable.shape:
                raise ValueError(f"{name} must have shape {variable.shape}; got {np.shape(value)}.")
            variable.value = jnp.asarray(value, variable.dtype)
        net.reset_state(net.mode)
        return net

    def reset_state(self, batch_or_mode: int | bm.Mode | None = None, *, key: jax.Array | None = None) -> None:
        """Put ``x`` (B, N) back to ``x0`` for a batch of trials (default 1); a ``key`` also restarts the noise."""
        if isinstance(batch_or_mode, bm.Mode):
            batch_or_mode = batch_or_mode.batch_size if isinstance(batch_or_mode, bm.BatchingMode) else None
        if key is not None:
            self.noise_key.value = jax.random.key_data(key)
        x = jnp.broadcast_to(self.x0.value, (int(batch_or_mode or 1), self.n_rec))
        self.x = bm.Variable(x, batch_axis=0)

    def update(self, inputs: ArrayLike) -> jax.Array:
        """One Euler step from the state ``x``.

        The noise is new at every step, trial and unit; `reset_state` with a key restarts it.

        Parameters
        ----------
        inputs : array, shape (B, n_in), or (n_in,) for a single trial

        Returns
        -------
        jax.Array, shape (B, n_out)
        """
        parameters = self.parameters()
        inputs = jnp.atleast_2d(_as_input(inputs, parameters["x0"].dtype))
        if inputs.shape != (self.x.shape[0], self.n_in):
            raise ValueError(
                f"inputs of one step must have shape (B, n_in) = ({self.x.shape[0]}, {self.n_in}); got {inputs.shape}. "
                "reset_state(B) sets the number of trials."
            )
        key = None
        if self.equation.noisy:
            key, following = jax.random.split(jax.random.wrap_key_data(self.noise_key.value))
            self.noise_key.value = jax.random.key_data(following)
        self.x.value = self.equation.step(parameters, self.x.value, inputs, key)
        return self.equation.read_out(parameters, self.rates)

    @property
    def rates(self) -> jax.Array:
        """Rates of the present state, shape (B, N)."""
        return self.activation(self.x.value)

    def predict(
        self,
        inputs: ArrayLike,
        *,
        key: jax.Array | None = None,
        noise: bool = True,
        forward_mode: bool = False,
    ) -> Activity:
        """Run whole trials from ``x0``, on the fast path; the state of `update` is left alone.

        Parameters
        ----------
        inputs : array, shape (T, B, n_in)
        key : jax.Array, optional
            Random key of the noise; a noisy network asks for it.
        noise : bool
            False runs the network without noise.
        forward_mode : bool
            Take the plain scan, for users of `jax.jvp`.

        Returns
        -------
        Activity
            outputs (T, B, n_out), rates (T, B, N) and currents (T, B, N).

        Raises
        ------
        ValueError
            For inputs of another shape or with NaN, or if the network is noisy and no key is given.
        """
        inputs = self._checked(inputs, key, noise)
        return self.equation.simulate(self.parameters(), inputs, key if noise else None, forward_mode=forward_mode)

    def _checked(self, inputs: ArrayLike, key: jax.Array | None, noise: bool) -> jax.Array:
        inputs = _as_input(inputs, self.x0.dtype)
        if inputs.ndim != 3 or inputs.shape[2] != self.n_in or not inputs.shape[0]:
            raise ValueError(f"inputs must have shape (T, B, n_in) = (T, B, {self.n_in}); got {inputs.shape}.")
        if not isinstance(inputs, jax.core.Tracer) and not bool(jnp.isfinite(inputs).all()):
            raise ValueError("inputs must be finite; got NaN or infinity.")
        if noise and self.equation.noisy and key is None:
            raise ValueError(
                f"this network is noisy (sigma_rec {self.sigma_rec:g}, sigma_in {self.sigma_in:g}): "
                "pass key=jax.random.key(0), or noise=False for a run without noise."
            )
        return inputs

    def held(self, inputs: ArrayLike | None = None) -> jax.tree_util.Partial:
        """One step of the network by itself: without noise, its inputs held; for the analyses of dynamics.

        Parameters
        ----------
        inputs : array, shape (n_in,), optional
            Input at all times; None is no input.

        Returns
        -------
        callable
            Currents (..., N) to those ``dt`` ms later, shape (..., N), in the precision of what it is given; its
            weights are those that the network has now. Networks of one size and activation share compiled code.

        Raises
        ------
        ValueError
            If the inputs do not have shape (n_in,) or are not finite.

        Examples
        --------
        >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=2, sigma_rec=0.15)
        >>> step = net.held([0.2, 0.2])
        >>> step(np.zeros((3, 10), np.float32)).shape
        (3, 10)
        """
        return held_step(self.equation, self.parameters(), inputs)

    def select(self, units: Units) -> np.ndarray:
        """Which units are meant.

        Parameters
        ----------
        units : str, mapping, bool mask (N,) or indices
            A type (``"E"`` or ``"I"``), labels (``{"area": "motor", "type": "I"}``, all of which must agree; a list
            of values is any of them), a mask, or indices.

        Returns
        -------
        ndarray of bool, shape (N,)

        Raises
        ------
        ValueError
            For a label that units do not have, labels that no unit has, or indices out of range.
        """
        return select(self.units, units)

    def perturb(
        self, trial: Trial, *perturbations: Perturbation, key: jax.Array | None = None, noise: bool = True
    ) -> Activity:
        """Run trials while units are silenced or driven, or projections cut; the network stays as it is.

        With the same ``key`` the noise is that of `predict`, so that trials can be compared one by one.

        Parameters
        ----------
        trial : Trial
        *perturbations : Silence, Drive or Cut
            All act, each in its epoch.
        key : jax.Array, optional
            Random key of the noise; a noisy network asks for it.
        noise : bool
            False runs the network without noise.

        Returns
        -------
        Activity
            As of `predict`; rates of silenced units are 0.

        Raises
        ------
        ValueError
            As for `predict`, and for units or an epoch that do not exist, a current that is not finite, or
            connections that are cut in two different epochs.

        Examples
        --------
        >>> from eicon.models import Drive, Silence
        >>> from eicon.tasks import PerceptualDecision
        >>> task = PerceptualDecision()
        >>> net = RateRNN.dale(task.n_in, 10, task.n_out)
        >>> trial = task.sample(jax.random.key(0), 4)
        >>> activity = net.perturb(trial, Silence("I", epoch="stimulus"), Drive("E", 0.5, epoch="decision"))
        >>> float(activity.rates[5:45, :, 8:].max())
        0.0
        """
        trial = trial._replace(inputs=self._checked(trial.inputs, key, noise))
        given = self.equation, self.parameters(), self.units
        return perturb(*given, trial, perturbations, key=key if noise else None)

    def with_settings(self, **changes: Any) -> "RateRNN":
        """Copy of the network with other constants (``dt``, ``sigma_rec``, ``sigma_in``, ``tau``, ...)."""
        for unknown in sorted(changes.keys() - set(CONSTANTS)):
            raise ValueError(f"{unknown!r} cannot be changed in a network; allowed: {', '.join(CONSTANTS)}.")
        copy = self.of_parts(self.parts(), mode=self.mode, **changes)
        copy.noise_key.value = self.noise_key.value
        return copy

    def condensed(self, condensation: Condensed) -> "RateRNN":
        """Smaller network of the canonical units of a condensation; this one stays as it is.

        All pairs of canonical units can be connected, autapses among them: a canonical unit also stands for
        connections between the units that it replaces. Rows keep their signs wherever the condensed weights do
        (always, where signs were given to `eicon.analysis.condense`), and are free elsewhere. Fixed entries can be
        trained afterwards, unless the whole matrix was fixed. Biases that the condensation asks for are added.

        Parameters
        ----------
        condensation : eicon.analysis.results.Condensation

        Raises
        ------
        ValueError
            If it is a condensation of a network of other size.
        """
        return self.of_parts(condensed(self.parts(), condensation), mode=self.mode)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one npz file; see `eicon.models.save`."""
        write(path, self.parts())


def _variable(value: np.ndarray, trainable: bool) -> bm.Variable:
    array = jnp.asarray(value, dtype=jnp.result_type(float))
    return bm.TrainVar(array) if trainable else bm.Variable(array)


def _as_input(inputs: Any, dtype: Any) -> jax.Array:
    return jnp.asarray(bm.as_jax(inputs), dtype)
