"""Constructors of rate networks: dense under Dale's law, of named populations, on a wiring diagram."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._key import key as key_of
from .._key import split
from .._numbers import whole
from .._readable import readable
from ..connectomes import Connectome
from ..tasks import Task
from ._anatomy import remap as remap_weights
from ._connectivity import Connectivity
from ._initial import feedforward_weights, recurrent_weights, with_radius
from ._populations import Population, Projection, labels
from ._schemes import SCHEMES, uniform_bias, uniform_weights
from ._units import Units, select, unit_labels
from ._wiring import MOST_EXACT, STORAGES, Wiring, counted_weights, drawn_weights, edges_are_faster, wiring_of

_N = TypeVar("_N", bound="Constructors")


@readable
class Constructors:
    """Constructors of `RateRNN`, the only subclass."""

    @classmethod
    def dale(
        cls: type[_N],
        n_in: int | float,
        n_rec: int | float,
        n_out: int | float,
        *,
        e_ratio: float = 0.8,
        free_input: bool = False,
        free_readout: bool = False,
        autapses: bool = False,
        positive: str = "abs",
        **options: Any,
    ) -> _N:
        """Make a dense excitatory-inhibitory network with a readout from only the excitatory units.

        Parameters
        ----------
        n_in, n_rec, n_out : int
            Numbers of input channels, units and outputs.
        e_ratio : float
            Fraction of excitatory units, in (0, 1), which come first.
        free_input : bool
            Whether input weights may have either sign; by default they are non-negative.
        free_readout : bool
            Whether readout weights may have either sign; by default they are non-negative.
        autapses : bool
            Whether to keep self-connections.
        positive : {"abs", "relu", "softplus"}
            Map that keeps constrained weights non-negative.
        **options
            Options of `RateRNN`.
        """
        n_in, n_rec, n_out = whole(n_in, "n_in"), whole(n_rec, "n_rec"), whole(n_out, "n_out")
        for name, n in {"n_in": n_in, "n_rec": n_rec, "n_out": n_out}.items():
            if n < 1:
                raise ValueError(f"{name} must be at least 1; got {n}.")
        recurrent = Connectivity.dale(n_rec, e_ratio, autapses=autapses, positive=positive)
        readout_sign = np.where(recurrent.sign > 0, 0 if free_readout else 1, -1)
        mask = np.repeat((recurrent.sign > 0)[:, None], n_out, axis=1)
        return cast(Any, cls)(
            recurrent,
            Connectivity.dense(n_in, n_rec, sign=0 if free_input else 1, positive=positive),
            Connectivity(readout_sign, mask, np.zeros(mask.shape), positive),
            **options,
        )

    @classmethod
    def from_populations(
        cls: type[_N],
        populations: Sequence[Population],
        n_in: int | float | Sequence[str],
        n_out: int | float | Sequence[str],
        *,
        recurrent: Sequence[Projection] = (Projection(),),
        input: Sequence[Projection] = (Projection(),),
        readout: Sequence[Projection] | None = None,
        free_input: bool = False,
        free_readout: bool = False,
        autapses: bool = False,
        positive: str = "abs",
        seed: int | float = 0,
        **options: Any,
    ) -> _N:
        """Make a network of named populations, e.g. areas, with only the listed projections.

        Parameters
        ----------
        populations : sequence of Population
            Populations in the order of units, which are labelled with their ``population`` and ``area``.
        n_in, n_out : int or sequence of str
            Input channels and outputs, or their names (``task.input_channels``), which projections can use.
        recurrent, input : sequence of Projection
            Projections between populations, and from input channels to populations; by default all to all.
        readout : sequence of Projection, optional
            Projections from populations to outputs; by default from all excitatory ones, or all if there are none.
        free_input, free_readout, autapses, positive
            Same as for `dale`.
        seed : int
            Fixes the weights and the connections of sparse projections.
        **options
            Options of `RateRNN`.

        Raises
        ------
        ValueError
            In the same cases as `Connectivity.areas`.

        Examples
        --------
        >>> from eicon.models import RateRNN
        >>> units = [Population("sensory", 8, "E", "S"), Population("motor", 8, "E", "M"), Population("I", 4, "I")]
        >>> net = RateRNN.from_populations(
        ...     units,
        ...     n_in=2,
        ...     n_out=["left", "right"],
        ...     recurrent=[
        ...         Projection("sensory"),
        ...         Projection("I"),
        ...         Projection("motor", "[mI]*"),
        ...         Projection("motor", "sensory", density=0.25),
        ...     ],
        ...     input=[Projection("*", "sensory")],
        ...     readout=[Projection("motor")],
        ... )
        >>> int((net.W_rec[8:16, :8] != 0).sum()), sorted(set(net.units["area"].tolist()))
        (16, ['', 'M', 'S'])
        """
        seed = whole(seed, "a seed")
        key_of(seed)  # rejects an invalid seed before anything is drawn
        populations = list(populations)
        channels = _named(n_in, "input", "" if free_input else "E")
        outputs = _named(n_out, "output", "")
        if readout is None:
            excitatory = [Projection(_literal(p.name)) for p in populations if p.type == "E"]
            readout = excitatory or [Projection()]
        read = Connectivity.areas(populations, outputs, readout, autapses=True, positive=positive, seed=seed + 2)
        if free_readout:
            read = dataclasses.replace(read, sign=np.zeros_like(read.sign))
        return cast(Any, cls)(
            Connectivity.areas(populations, populations, recurrent, autapses=autapses, positive=positive, seed=seed),
            Connectivity.areas(channels, populations, input, autapses=True, positive=positive, seed=seed + 1),
            read,
            units=labels(populations),
            seed=seed,
            **options,
        )

    @classmethod
    def from_connectome(
        cls: type[_N],
        connectome: Connectome | ArrayLike,
        n_in: int | float | Task,
        n_out: int | float | None = None,
        *,
        sign: ArrayLike | None = None,
        input_to: Units | None = None,
        readout_from: Units | None = None,
        init: str = "balanced",
        remap: str = "magnitude",
        distribution: str | None = None,
        spectral_radius: float | str | None = None,
        gain: str | None = None,
        storage: str | None = None,
        freeze: bool = False,
        positive: str = "abs",
        bias: bool = True,
        readout_bias: bool = True,
        x0: ArrayLike | None = None,
        units: Mapping[str, ArrayLike] | None = None,
        seed: int | float = 0,
        **options: Any,
    ) -> _N:
        """Make a network on a wiring diagram, with strong initial weights for strong connections.

        Parameters
        ----------
        connectome : Connectome, or array of shape (N, N)
            Connectome of neurons, whose labels become labels of the units (with their names as ``name``; a label
            ``type`` is renamed ``cell_type``, because the type of a unit is E or I), and whose signs are kept; unknown
            signs are free. Or anatomical weights ``[source, target]``, >= 0; connections exist where they are > 0.
        n_in, n_out : int, or the task in place of both
            Numbers of input channels and outputs, and the step ``dt``; input and readout weights may have either sign.
        sign : int or array (N,), optional
            For an array: +1 or -1 for units under Dale's law, 0 (the default) for free ones.
        input_to, readout_from : str, mapping, bool mask (N,) or indices, optional
            Units that receive input, and units that are read out, in any form accepted by `RateRNN.select`: by type
            (``"E"``), by labels in `units` (``{"region": "V1"}``), as a mask or as indices; by default all.
        init : {"balanced", "default", "he", "xavier"}
            Scheme for drawing weights; "balanced" as in `RateRNN`, the others as in
            `eicon.models.initial.uniform_weights`, which also draws the biases, within 1 / sqrt(N).
        remap : {"magnitude", "signed", "off"}
            Assignment of drawn recurrent weights to the connections; see `eicon.models.initial.remap`.
        distribution : str, optional
            Same as for `RateRNN`, only for "balanced".
        spectral_radius : float or "drawn", optional
            Spectral radius of the initial recurrent matrix, after the remapping; "drawn" keeps the drawn matrix (with
            "balanced", 1 before the remapping). By default 1 for a `Connectome`, and "drawn" for an array.
        gain : str, optional
            Use recurrent weights as counted: anatomical weight, relative to its mean, x sign x one gain, trained
            (or kept, with ``freeze``): ``"all"`` for one gain, or a label, such as ``"cell_type"``, for one gain per
            pair of its values, in the order of the sources' labels, then of the targets'. All gains start equal, at
            `spectral_radius`, 1 by default.
        storage : {"dense", "edges"}, optional
            Storage of recurrent weights: as a matrix, or as a list of connections. For a `Connectome` the default
            is the faster one in training (edges for more than 5,000 units, or from 500 units if fewer than 5 % of the
            pairs are connected), and edges for a gain or units with both signs; an array is stored as a matrix. Up to
            2,000 units both have the same initial weights.
        freeze : bool
            Whether to keep the initial recurrent weights.
        positive, bias, readout_bias, x0, units, seed
            Same as for `RateRNN`.
        **options
            Options of `RateRNN`.

        Raises
        ------
        ValueError
            If the anatomy is not square, negative or empty, a radius cannot be reached, units do not exist, or a
            remapping contradicts the signs.

        Examples
        --------
        >>> from eicon.models import RateRNN
        >>> net = RateRNN.from_connectome([[0, 2, 1], [1, 0, 0], [0, 1, 0]], n_in=2, n_out=1, seed=1)
        >>> (np.asarray(net.W_rec) != 0).astype(int).tolist()
        [[0, 1, 1], [1, 0, 0], [0, 1, 0]]

        Input enters one region, and a different one is read out:

        >>> regions = {"region": ["V1", "LM", "MOs"]}
        >>> net = RateRNN.from_connectome(
        ...     [[0, 2, 1], [1, 0, 0], [0, 1, 0]],
        ...     n_in=2,
        ...     n_out=1,
        ...     units=regions,
        ...     input_to={"region": "V1"},
        ...     readout_from={"region": "MOs"},
        ... )
        >>> (np.asarray(net.W_in) != 0).astype(int).tolist(), (np.asarray(net.W_out) != 0).astype(int).tolist()
        ([[1, 0, 0], [1, 0, 0]], [[0], [0], [1]])
        """
        if isinstance(connectome, str | os.PathLike):
            said = os.fspath(connectome)
            raise TypeError(f"expected a connectome; got {said!r}. Load it first, eicon.connectomes.load({said!r}).")
        if isinstance(connectome, Task):
            raise TypeError(f"expected a connectome, then the task; got {type(connectome).__name__} as the connectome.")
        n_in, n_out, options = _sized(n_in, n_out, options)
        if init not in ("balanced", *SCHEMES):
            raise ValueError(f"unknown initialisation {init!r}; allowed: balanced, {', '.join(SCHEMES)}.")
        if "start" in options:
            raise ValueError(f"weights are drawn according to `init`; got start {options['start']!r} as well.")
        if distribution is not None and init != "balanced":
            raise ValueError(f"initialisation {init!r} has its own distribution; got {distribution!r} as well.")
        if x0 is None and "x0" not in (options.get("parameters") or {}):
            x0 = 0.0
        wiring = wiring_of(connectome, sign)
        n, of_array = wiring.n, not isinstance(connectome, Connectome)
        if remap == "signed" and wiring.signs.any():
            raise ValueError(
                "remap 'signed' also assigns negative weights by rank, but the signs of "
                f"{np.unique(wiring.source[wiring.signs != 0]).size} of the {n} units are given; use 'magnitude', or "
                "a connectome without signs."
            )
        storage = _stored(storage, wiring, gain, of_array)
        units = {**wiring.labels, **(units or {})}
        labels = unit_labels(units, wiring.sign)
        roles: dict[str, Any] = {
            "input": _feedforward((n_in, n), _chosen(labels, input_to)[None, :]),
            "readout": _feedforward((n, n_out), _chosen(labels, readout_from)[:, None]),
        }
        names = ("recurrent", "input", "readout", "bias", "readout_bias")
        keys = dict(zip(names, split(key_of(seed), 5), strict=True))
        how: dict[str, Any] = {"positive": positive, "trainable": not freeze}
        if spectral_radius is None:
            spectral_radius = "drawn" if of_array else 1.0
        if isinstance(spectral_radius, str) and spectral_radius != "drawn":
            raise ValueError(f"spectral_radius is a number or 'drawn'; got {spectral_radius!r}.")
        radius = 1.0 if isinstance(spectral_radius, str) else spectral_radius
        if init == "balanced":
            weights = {
                role: feedforward_weights(roles[role], key=keys[role], distribution=distribution) for role in roles
            }
        else:
            weights = {role: uniform_weights(c, init, n_rec=n, key=keys[role]) for role, c in roles.items()}
        key = keys["recurrent"]
        if gain is not None:
            drawn, shared = counted_weights(wiring, radius, gain=gain, labels=labels)
            roles["recurrent"] = wiring.edges(drawn, **shared, **how)
        elif storage == "edges" and (n > MOST_EXACT or wiring.mixed):
            if init != "balanced":
                raise ValueError(f"edges of over {MOST_EXACT} units, or with both signs, are 'balanced'; got {init!r}.")
            drawn = drawn_weights(wiring, radius, key=key, distribution=distribution, remap=remap)
            roles["recurrent"] = wiring.edges(drawn, **how)
        else:
            anatomy = wiring.anatomy()
            recurrent = Connectivity.from_connectome(anatomy, sign=wiring.sign, positive=positive)
            if init == "balanced":
                drawn = recurrent_weights(recurrent, 1.0, key=key, distribution=distribution)
            else:
                drawn = uniform_weights(recurrent, init, n_rec=n, key=key)
            drawn = remap_weights(drawn, anatomy, remap)
            if spectral_radius != "drawn":
                drawn = with_radius(drawn, radius)
            if storage == "edges":
                roles["recurrent"] = wiring.edges(drawn[wiring.source, wiring.target], **how)
            else:
                roles["recurrent"] = recurrent.frozen(drawn) if freeze else recurrent
                weights["recurrent"] = drawn
        net = cast(Any, cls)(
            roles["recurrent"],
            roles["input"],
            roles["readout"],
            weights=weights,
            bias=bias,
            readout_bias=readout_bias,
            x0=x0,
            units=units,
            seed=seed,
            **options,
        )
        if init != "balanced":
            for variable, name in ((net.b_rec, "bias"), (net.b_out, "readout_bias")):
                if variable is not None:
                    variable.value = jnp.asarray(uniform_bias(len(variable), n, key=keys[name]), variable.dtype)
        return net


def _sized(
    n_in: int | float | Task, n_out: int | float | None, options: dict[str, Any]
) -> tuple[int, int, dict[str, Any]]:
    """Return numbers of inputs and outputs, and the options with the step of the task, if one was given."""
    if isinstance(n_in, Task):
        if n_out is not None:
            raise ValueError(f"{type(n_in).__name__} defines the number of outputs; got n_out {n_out} as well.")
        return n_in.n_in, n_in.n_out, {"dt": n_in.dt, **options}
    if isinstance(n_in, type):
        raise ValueError(f"{n_in.__name__} is a class; pass an instance, {n_in.__name__}().")
    if n_out is None:
        raise ValueError("n_out is missing: give the numbers of inputs and outputs, or a task in place of both.")
    return whole(n_in, "n_in"), whole(n_out, "n_out"), options


def _stored(storage: str | None, wiring: Wiring, gain: str | None, of_array: bool) -> str:
    needs = "a gain" if gain is not None else "units with connections of both signs" if wiring.mixed else ""
    if storage is None:
        faster = not of_array and edges_are_faster(wiring.n, wiring.source.size)
        return "edges" if needs or faster else "dense"
    if storage not in STORAGES:
        raise ValueError(f"unknown storage {storage!r}; allowed: {', '.join(STORAGES)}.")
    if storage == "dense" and needs:
        raise ValueError(f"{needs} can be stored only as edges; got storage 'dense'.")
    return storage


def _chosen(labels: Mapping[str, np.ndarray], units: Units | None) -> np.ndarray:
    return np.ones(len(labels["type"]), bool) if units is None else select(labels, units)


def _feedforward(shape: tuple[int, int], exists: np.ndarray) -> Connectivity:
    return Connectivity(np.zeros(shape[0]), np.broadcast_to(exists, shape), np.zeros(shape))


def _named(channels: int | float | Sequence[str], what: str, type: str) -> list[Population]:
    if isinstance(channels, int | float | np.number | str):  # a text would become one name per letter
        names: Sequence[str] = [f"{what} {i}" for i in range(whole(channels, f"the number of {what}s"))]
    else:
        names = channels
    return [Population(name, 1, type) for name in names]


def _literal(name: str) -> str:
    """Return a pattern that matches only this name."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
