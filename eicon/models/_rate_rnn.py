"""Network class: a rate network as a BrainPy dynamical system whose trained numbers are variables."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._brainpy import bm, bp
from .._device import on_device
from .._given import as_inputs, numbers
from .._key import as_key, split
from .._key import key as key_of
from .._readable import readable
from ..tasks import Trial
from ._activations import Activation
from ._cells import Cell, State, activation_of, as_cell
from ._condensed import Condensed, condensed
from ._connectivity import Connectivity
from ._constructors import Constructors
from ._lesion import lesioned
from ._make import checked_size, made_parts, start_of, train_names, with_short_forms
from ._network import BIASES, ROLES, Activity, Network, Parameters, held_step, state_names
from ._noise import Noise
from ._parts import Parts, changed, describe
from ._perturbation import Perturbation, drawn_units, perturb
from ._storage import write
from ._thread import ensure_defaults
from ._units import Units, select, unit_labels
from ._weights import Weights

SETTINGS = ("activation", "cell", "dt", "sigma_rec", "sigma_in", "noise_covariance")
"""Settings that `RateRNN.with_settings` changes, in addition to the parameters of the cell."""


@readable
class RateRNN(Constructors, bp.DynamicalSystem):
    r"""Continuous-time rate network, Song, Yang & Wang (2016) eqs. 1-3.

    .. math::

        \tau \dot x = -x + r W_{rec} + u W_{in} + b + \sqrt{2 \tau \sigma_{rec}^2}\, \xi, \qquad
        r = f(x), \qquad z = r W_{out} + b_{out}

    This is the equation of the leaky cell; a different ``cell`` has its own. Depending on its weights, or on the
    `Connectivity` objects for which they are drawn, a network obeys Dale's law, a connectome or no constraint; `dale`
    builds the common case. With ``tau == dt`` and no noise it is an Elman network. Weight matrices are ``[pre, post]``:
    the row is the source.

    Parameters
    ----------
    recurrent, input, readout : Connectivity or Weights
        Weights of shape (N, N), (n_in, N) and (N, n_out). Weights are drawn for a `Connectivity`; `Edges` and `LowRank`
        already have values.
    cell : Cell, optional
        Dynamics of the units, e.g. ``Adapting(Leaky("tanh"))``; by default `Leaky` with an ``activation``.
    activation : str, mapping or Activation, optional
        Transfer function of the leaky cell; by default ``"relu"``. See `eicon.models.Activation`.
    tau : float or array (N,), optional
        Time constant in ms, one or one per unit; shorthand for an entry of ``parameters``.
    dt : float
        Step in ms, at most ``tau``.
    parameters : mapping, optional
        Values of the cell's parameters by name, and of ``"bias"`` and ``"readout_bias"``: one number, one per unit,
        or, if units share them, one per label.
    share : mapping of str to str, optional
        Label whose units share a value, for each shared parameter or ``"bias"``: ``{"gain": "cell_type"}``; ``"all"``:
        one value for all units.
    train : sequence of str, optional
        Names of the trained values: ``"recurrent"``, ``"input"``, ``"readout"`` (these three by default), parameters of
        the cell, ``"bias"`` and ``"readout_bias"``.
    sigma_rec, sigma_in : float
        Standard deviation of recurrent and input noise (independent of ``dt``), >= 0.
    bias, readout_bias : bool
        Whether units and outputs have a trainable bias (initially 0, or as in ``parameters``). By default units have
        none, and outputs have one in the slow start if readout weights are non-negative, because outputs could not
        otherwise fall below 0, unless ``train`` is given.
    x0 : float or array (N,), optional
        Current at the start of a trial; by default 0.1.
    train_x0 : bool
        Whether ``x0`` is trained.
    noise_covariance : array (N, N), optional
        Covariance of the recurrent noise over units, in units of ``sigma_rec ** 2``; by default units are independent.
    start : {"slow", "balanced"}, optional
        Scheme for drawing weights, see Notes; by default "slow", but "balanced", the start of 0.1.0, if a
        ``spectral_radius`` or recurrent weights are given.
    spectral_radius : float, optional
        Spectral radius of the initial effective recurrent matrix in the balanced start, by default 1; Song et al.
        (2016) start from 1.5.
    distribution : {"gamma", "lognormal", "normal", "uniform"}, optional
        Distribution of the magnitudes of initial weights; by default gamma under Dale's law, normal for free weights.
    weights : mapping, optional
        Initial *effective* weights for any of ``"recurrent"``, ``"input"``, ``"readout"``; the others are drawn.
    units : mapping of str to array (N,), optional
        Labels of the units in addition to their type, e.g. ``{"region": [...]}``.
    seed : int
        Fixes the initial weights, and the noise of `update`.
    name, mode
        Same as for every BrainPy system.

    Raises
    ------
    ValueError
        If shapes do not fit, ``dt`` is outside (0, tau], a parameter is out of range, noise is negative, a name is
        unknown, or a spectral radius cannot be reached or is combined with ``start="slow"``.

    Notes
    -----
    *slow*: the network forgets as slowly as possible without growing. Magnitudes of weights under Dale's law are drawn
    from gamma distributions of shape 0.4 (recurrent) and 0.3 (input); excitation and inhibition of each unit are
    balanced, and inhibition and the excitation of inhibitory units are then made 1.15 times as strong. The scale of the
    recurrent weights is the smallest at which small perturbations neither decay nor grow on average over eight constant
    inputs drawn from U(0, 1), with the activation, time constants and input weights of the network (the largest
    Lyapunov exponent is 0; at rest, the leading real part of slope x weights is 1), or the largest at which no
    current exceeds 30 for any of these inputs, if that is less. Input weights have mean square 1 / n_in, and readout
    weights are scaled to outputs with a median magnitude of 0.45 for such inputs. Broadly distributed weights have a
    small mean relative to their spread, so the sum over all sources, which an optimiser changes fastest, does not make
    the network unstable in the first steps. Because outputs already have the magnitude of their targets, these steps do
    not erase the traces of inputs either.

    *balanced* is the start of 0.1.0: gamma distribution of shape 2, exact balance, a spectral radius of the whole
    matrix regardless of which units are active, and input weights of mean 1 / n_in.

    Examples
    --------
    >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=2, seed=1)
    >>> activity = net.predict(np.ones((5, 3, 2), np.float32), noise=False)
    >>> activity.outputs.shape
    (5, 3, 2)
    """

    def __init__(
        self,
        recurrent: Connectivity | Weights,
        input: Connectivity | Weights,
        readout: Connectivity | Weights,
        *,
        cell: Cell | None = None,
        activation: Activation | str | Mapping[str, Any] | None = None,
        tau: ArrayLike | Mapping[str, float] | None = None,
        dt: float = 20.0,
        parameters: Mapping[str, Any] | None = None,
        share: Mapping[str, str] | None = None,
        train: Iterable[str] | None = None,
        sigma_rec: float = 0.0,
        sigma_in: float = 0.0,
        noise_covariance: ArrayLike | None = None,
        bias: bool = False,
        readout_bias: bool | None = None,
        x0: ArrayLike | Mapping[str, float] | None = None,
        train_x0: bool = False,
        start: str | None = None,
        spectral_radius: float | None = None,
        distribution: str | None = None,
        weights: Mapping[str, ArrayLike] | None = None,
        units: Mapping[str, ArrayLike] | None = None,
        seed: int | float = 0,
        name: str | None = None,
        mode: bm.Mode | None = None,
    ):
        key_rec, key_in, key_out, key_noise = split(key_of(seed), 4)
        drawn = isinstance(recurrent, Connectivity) and recurrent.trainable and "recurrent" not in (weights or {})
        start, radius = start_of(start, spectral_radius, drawn=drawn)
        if readout_bias is None:  # outputs of only excitatory units could not fall below 0
            readout_bias = start == "slow" and train is None and bool((np.asarray(readout.sign) > 0).any())
        n = checked_size(recurrent, input, readout)
        parts = made_parts(
            {"recurrent": recurrent, "input": input, "readout": readout},
            dict(weights or {}),
            cell=as_cell(cell, activation),
            dt=dt,
            parameters=with_short_forms(parameters, tau=tau, x0=x0),
            share=share or {},
            wanted=train_names(train, bias=bias, readout_bias=readout_bias, x0=train_x0),
            noise=Noise.of(sigma_rec, sigma_in, noise_covariance, n),
            units=units,
            start=start,
            spectral_radius=radius,
            distribution=distribution,
            keys=(key_rec, key_in, key_out),
        )
        self._assemble(parts, key_noise, name, mode)

    def _assemble(self, parts: Parts, key: jax.Array, name: str | None, mode: bm.Mode | None) -> None:
        """Wrap a network; trained values, weights, biases and x0 become variables."""
        ensure_defaults()
        super().__init__(name=name, mode=mode)
        self._network, self.units = parts.network, unit_labels(parts.units, parts.network.recurrent.sign)
        self.noise_key = bm.Variable(jax.random.key_data(key))
        self._names: dict[str, str] = {}
        taken = {*dir(type(self)), *vars(self), *map(_of_state, state_names(parts.network))}
        dtype = jnp.result_type(float)
        constant = parts.network.parameters.keys() - {"x0", *BIASES} - parts.trained
        for variable, value in parts.network.values().items():
            if variable not in constant:
                self._names[variable] = f"raw_{variable}" if variable in taken else variable
                kind = bm.TrainVar if variable in parts.trained else bm.Variable
                setattr(self, self._names[variable], kind(on_device(value, dtype)))
        for variable in ("x0", *BIASES):
            if variable not in self._names:
                setattr(self, variable, None)
        self.reset_state(self.mode)

    n_in = property(lambda self: self._network.n_in, doc="Number of input channels.")
    n_rec = property(lambda self: self._network.n_rec, doc="Number of recurrent units.")
    n_out = property(lambda self: self._network.n_out, doc="Number of outputs.")
    dt = property(lambda self: self._network.dt, doc="Step in ms.")
    cell = property(lambda self: self._network.cell, doc="Dynamics of the units.")
    tau = property(lambda self: self.parameter("tau"), doc="Time constants in ms, shape (N,).")
    sigma_rec = property(lambda self: self._network.noise.sigma_rec or 0.0, doc="Recurrent noise.")
    sigma_in = property(lambda self: self._network.noise.sigma_in or 0.0, doc="Input noise.")
    noise_covariance = property(lambda self: self._network.noise.covariance, doc="Covariance of the noise, or None.")
    activation = property(lambda self: activation_of(self._network.cell), doc="Transfer function of the cell.")
    recurrent = property(lambda self: self.network.recurrent, doc="Current recurrent `Weights`.")
    input = property(lambda self: self.network.input, doc="Current input `Weights`.")
    readout = property(lambda self: self.network.readout, doc="Current readout `Weights`.")

    @property
    def network(self) -> Network:
        """Network as a value, with the current values of the variables."""
        return self._network.replaced(self.parameters())

    def parameter(self, name: str) -> np.ndarray:
        """Return effective values (N,) of a parameter of the cell, e.g. ``"tau"`` or ``"gain"``.

        Raises
        ------
        ValueError
            If the cell has no such parameter.
        """
        parameters = self._network.parameters
        if name not in parameters:
            raise ValueError(f"the cell has no parameter {name!r}; it has {', '.join(parameters)}.")
        given = parameters[name]
        if name not in self._names and given.group is None:
            return np.asarray(given.raw)
        return np.asarray(self.network.parameters[name].effective(self.dt, jnp.result_type(float)))

    @property
    def is_excitatory(self) -> np.ndarray:
        """Mask of excitatory units, shape (N,); all False in a network without Dale's law."""
        return self._network.recurrent.sign > 0

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("W_rec", "W_in", "W_out"):
            raise AttributeError(
                f"{name} is computed from raw weights, signs and masks, and cannot be set. Pass effective weights to "
                f"the constructor, weights={{'recurrent': ...}}, or change the raw ones, net.raw_{name[2:]}.value."
            )
        super().__setattr__(name, value)

    @property
    def W_rec(self) -> jax.Array:  # noqa: N802
        """Effective recurrent weights ``[pre, post]``, shape (N, N)."""
        return self.recurrent.matrix()

    @property
    def W_in(self) -> jax.Array:  # noqa: N802
        """Effective input weights, shape (n_in, N)."""
        return self.input.matrix()

    @property
    def W_out(self) -> jax.Array:  # noqa: N802
        """Effective readout weights, shape (N, n_out)."""
        return self.readout.matrix()

    def variables(self) -> dict[str, bm.Variable]:
        """Weights before their constraints, ``x0``, biases and trained parameters by name (no state)."""
        return {name: getattr(self, attribute) for name, attribute in self._names.items()}

    def trainable_variables(self) -> dict[str, bm.TrainVar]:
        """Variables that are trained."""
        return {name: variable for name, variable in self.variables().items() if isinstance(variable, bm.TrainVar)}

    def parameters(self) -> Parameters:
        """Return the values of `variables`, in the form for `Network.replaced`."""
        return {name: variable.value for name, variable in self.variables().items()}

    def parts(self) -> Parts:
        """Parts of this network: the network as a value, the names of trained values, labels."""
        return Parts(self.network, frozenset(self.trainable_variables()), self.units)

    @property
    def constants(self) -> dict[str, Any]:
        """Describe everything except the values of `variables`, JSON-compatible; equal for equal constraints."""
        names = sorted(self.variables())
        return {**self.network.constants(names), "trained": sorted(self.trainable_variables())}

    @classmethod
    def of_parts(cls, parts: Parts, *, mode: bm.Mode | None = None) -> "RateRNN":
        """Make a network with exactly these values, bit for bit; nothing is drawn."""
        net = cls.__new__(cls)
        net._assemble(parts, split(key_of(0), 4)[3], None, mode)
        return net

    def __repr__(self) -> str:
        return describe(self.parts())

    def __reduce__(self) -> tuple[Any, ...]:
        parts = self.parts()
        key, state = np.asarray(self.noise_key.value), jax.device_get(self.state)
        return _rebuilt, (type(self), parts.numpy(), self.mode, key, state)

    def __deepcopy__(self, memo: Any) -> "RateRNN":
        function, arguments = self.__reduce__()
        return function(*arguments)

    def reset_state(self, batch_or_mode: int | bm.Mode | None = None, *, key: jax.Array | int | None = None) -> None:
        """Reset the state to the start of a batch of trials (default 1); a ``key`` also restarts the noise.

        Each variable of the cell is a `bm.Variable` (B, N): ``x``, and the others with the prefix ``state_``.
        """
        if isinstance(batch_or_mode, bm.Mode):
            batch_or_mode = batch_or_mode.batch_size if isinstance(batch_or_mode, bm.BatchingMode) else None
        if key is not None:
            self.noise_key.value = jax.random.key_data(as_key(key))
        self._set_state(self.network.initial((int(batch_or_mode or 1),)))

    def _set_state(self, state: State) -> None:
        for name, value in state.items():
            setattr(self, _of_state(name), bm.Variable(value, batch_axis=0))
        self._state = tuple(state)

    @property
    def state(self) -> State:
        """Variables of the cell by name, each (B, N)."""
        return {name: getattr(self, _of_state(name)).value for name in self._state}

    def update(self, inputs: ArrayLike) -> jax.Array:
        """Advance the current state by one Euler step.

        New noise is drawn for every step, trial and unit; `reset_state` with a key restarts the noise.

        Parameters
        ----------
        inputs : array, shape (B, n_in), or (n_in,) for a single trial

        Returns
        -------
        jax.Array, shape (B, n_out)
        """
        network, state = self.network, self.state
        inputs = jnp.atleast_2d(_as_input(inputs, network.dtype))
        batch = next(iter(state.values())).shape[0]
        if inputs.shape != (batch, self.n_in):
            raise ValueError(
                f"inputs of one step must have shape (B, n_in) = ({batch}, {self.n_in}); got {inputs.shape}. "
                "reset_state(B) sets the number of trials."
            )
        key = None
        if network.noisy:
            key, following = jax.random.split(jax.random.wrap_key_data(self.noise_key.value))
            self.noise_key.value = jax.random.key_data(following)
        state = network.step(state, inputs, key)
        for name, value in state.items():
            getattr(self, _of_state(name)).value = value
        return network.read_out(network.rate(state))

    @property
    def rates(self) -> jax.Array:
        """Rates in the current state, shape (B, N)."""
        return self.network.rate(self.state)

    def predict(
        self,
        inputs: Any,
        *,
        key: jax.Array | int | None = None,
        noise: bool = True,
        forward_mode: bool = False,
    ) -> Activity:
        """Run whole trials from the start, on the fast path; the state of `update` does not change.

        Parameters
        ----------
        inputs : array, shape (T, B, n_in)
            Or an object with such inputs, e.g. a `Trial`; the axes of an xarray DataArray are time, trial, input.
        key : jax.Array, optional
            Random key of the noise; required if the network is noisy.
        noise : bool
            False runs the network without noise.
        forward_mode : bool
            Use the plain scan, which `jax.jvp` can differentiate.

        Returns
        -------
        Activity
            Outputs (T, B, n_out), rates (T, B, N), and the states of the units, each (T, B, N).

        Raises
        ------
        ValueError
            If inputs have the wrong shape or contain NaN, or the network is noisy and no key is given.
        """
        inputs = self._checked(inputs, key, noise)
        return self.network.run(inputs, key if noise else None, forward_mode=forward_mode)

    def _checked(self, inputs: Any, key: jax.Array | int | None, noise: bool) -> jax.Array:
        inputs = _as_input(as_inputs(inputs), self._network.dtype)
        if inputs.ndim != 3 or inputs.shape[2] != self.n_in or not inputs.shape[0]:
            raise ValueError(f"inputs must have shape (T, B, n_in) = (T, B, {self.n_in}); got {inputs.shape}.")
        if not isinstance(inputs, jax.core.Tracer) and not bool(jnp.isfinite(inputs).all()):
            raise ValueError("inputs must be finite; got NaN or infinity.")
        if noise and self._network.noisy and key is None:
            raise ValueError(
                f"this network is noisy (sigma_rec {self.sigma_rec:g}, sigma_in {self.sigma_in:g}): "
                "pass key=eicon.key(0), or noise=False for a run without noise."
            )
        return inputs

    def held(self, inputs: ArrayLike | None = None) -> jax.tree_util.Partial:
        """Return one step of the autonomous network, without noise and with constant inputs, to analyse dynamics.

        Parameters
        ----------
        inputs : array, shape (n_in,), optional
            Input at all times; None: no input.

        Returns
        -------
        callable
            Map from states to those ``dt`` ms later, in the precision of its argument. States are vectors (..., S N) of
            the S variables of the cell in alphabetical order (for the leaky cell: currents). Weights are the current
            ones of the network. Networks of the same size and cell share compiled code.

        Raises
        ------
        ValueError
            If the inputs do not have shape (n_in,) or are not finite, or the network is sparse and large.

        Examples
        --------
        >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=2, sigma_rec=0.15)
        >>> step = net.held([0.2, 0.2])
        >>> step(np.zeros((3, 10), np.float32)).shape
        (3, 10)
        """
        given = np.zeros(self.n_in) if inputs is None else numbers("inputs", inputs)
        if given.shape != (self.n_in,) or not np.isfinite(given).all():
            raise ValueError(
                f"held inputs must be finite and have shape (n_in,) = ({self.n_in},); got shape {given.shape}. "
                "Pass the input at a single step of a single trial."
            )
        return held_step(self.network, given)

    def select(self, units: Units) -> np.ndarray:
        """Return a mask of the selected units.

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
            If a label is unknown, no unit has a value, or an index is out of range.
        """
        return select(self.units, units)

    def perturb(
        self, trial: Trial, *perturbations: Perturbation, key: jax.Array | int | None = None, noise: bool = True
    ) -> Activity:
        """Run trials while units are silenced or driven, or projections cut; the network does not change.

        With the same ``key`` the noise is that of `predict`, so that trials can be compared one by one.

        Parameters
        ----------
        trial : Trial
        *perturbations : Silence, Drive or Cut
            Perturbations that act together, each in its epoch or window, trials and units. Networks, windows, trials,
            units and doses of the same shapes share compiled code.
        key : jax.Array, optional
            Random key of the noise; required if the network is noisy.
        noise : bool
            False runs the network without noise.

        Returns
        -------
        Activity
            Same as for `predict`; rates of silenced units are 0.

        Raises
        ------
        ValueError
            In the same cases as `predict`; and if units, trials or an epoch do not exist, a window contains no step, a
            current is not finite, a fraction is outside [0, 1], or connections are cut twice at once.

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
        if not hasattr(trial, "conditions"):
            raise TypeError(f"`trial` must be trials, as task.sample returns them; got {type(trial).__name__}.")
        trial = trial._replace(inputs=self._checked(trial.inputs, key, noise))
        return perturb(self.network, self.units, trial, perturbations, key=key if noise else None)

    def without(self, units: Units, *, cells: float | int = 1.0, seed: int | float = 0) -> "RateRNN":
        """Make a network without some units, which can be trained further; this network does not change.

        All values of the other units, and their labels, are kept. Without noise the other units have the same activity
        as when the removed units are silenced.

        Parameters
        ----------
        units : str, mapping, bool mask (N,) or indices
            See `select`.
        cells : float
            Fraction of these units that is removed, drawn at random.
        seed : int
            Fixes which units are drawn.

        Raises
        ------
        ValueError
            In the same cases as `select`, and if no unit, or no connection of a sparse network, would be left.

        Examples
        --------
        >>> net = RateRNN.dale(n_in=2, n_rec=10, n_out=2)
        >>> net.without("I").n_rec, net.without("E", cells=0.5).n_rec
        (8, 6)
        """
        removed = drawn_units(self.units, units, cells, seed)
        return self.of_parts(lesioned(self.parts(), removed), mode=self.mode)

    def with_settings(self, **changes: Any) -> "RateRNN":
        """Copy the network with new settings: ``dt``, noise, activation, or constants of the cell such as ``tau``.

        Trained parameters keep their values.

        Raises
        ------
        ValueError
            If a setting does not exist, a value is illegal, or a cell has different parameters.
        """
        copy = self.of_parts(changed(self.parts(), changes), mode=self.mode)
        copy.noise_key.value = self.noise_key.value
        return copy

    def condensed(self, condensation: Condensed) -> "RateRNN":
        """Make the smaller network that a condensation describes; this one does not change.

        All pairs of canonical units can be connected, including autapses, unless the condensation keeps labels
        apart: a canonical unit also represents connections between the units that it replaces. Rows keep their signs
        wherever the condensed weights do (always, if signs were given to `eicon.analysis.condense`), and are free
        elsewhere. Fixed entries can be trained afterwards, unless the whole matrix was fixed. Parameters of cells and
        noise are combined in the same way as the currents; biases of the condensation are added. The label
        ``represents`` lists the units that each canonical unit represents, joined by ``", "``: by their names (the
        label ``name``, ``unit`` or ``neuron``), or by their indices if names are missing, not unique, or contain
        commas. When a condensed network is condensed again, these are still the units of the first network. A unit that
        is not represented is in no label; see ``unrepresented`` of the condensation.

        Parameters
        ----------
        condensation : eicon.analysis.results.Condensation

        Raises
        ------
        ValueError
            If the condensation belongs to a network of a different size.
        """
        return self.of_parts(condensed(self.parts(), condensation), mode=self.mode)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one npz file; see `eicon.models.save`."""
        write(path, self.parts())


def _rebuilt(kind: type[RateRNN], parts: Parts, mode: bm.Mode, key: np.ndarray, state: Any) -> RateRNN:
    weights: Any = {role: jax.tree.map(jnp.asarray, getattr(parts.network, role)) for role in ROLES}
    net = kind.of_parts(parts._replace(network=replace(parts.network, **weights)), mode=mode)
    net.noise_key.value = jnp.asarray(key)
    net._set_state({name: jnp.asarray(value) for name, value in state.items()})
    return net


def _of_state(name: str) -> str:
    """Return the attribute name of a variable of the cell."""
    return name if name == "x" else f"state_{name}"


def _as_input(inputs: Any, dtype: Any) -> jax.Array:
    return jnp.asarray(bm.as_jax(inputs), dtype)
