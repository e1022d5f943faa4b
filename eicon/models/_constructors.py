"""Ways to make a rate network: dense under Dale's law, of named populations, on a wiring diagram."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from .._key import key as key_of
from .._key import split
from .._numbers import whole
from .._readable import readable
from ._anatomy import remap as remap_weights
from ._connectivity import Connectivity
from ._initial import feedforward_weights, recurrent_weights, with_radius
from ._populations import Population, Projection, labels
from ._schemes import SCHEMES, uniform_bias, uniform_weights
from ._units import Units, select, unit_labels

_N = TypeVar("_N", bound="Constructors")


@readable
class Constructors:
    """Constructors of `RateRNN`, which is the only class that has them."""

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
        """Dense excitatory-inhibitory network whose excitatory units alone are read out.

        Parameters
        ----------
        n_in, n_rec, n_out : int
            Numbers of input channels, units and outputs.
        e_ratio : float
            Fraction of excitatory units, in (0, 1); they come first.
        free_input : bool
            Input weights of either sign; by default they are non-negative.
        free_readout : bool
            Readout weights of either sign; by default they are non-negative.
        autapses : bool
            Keep self-connections.
        positive : {"abs", "relu", "softplus"}
            How constrained weights are kept non-negative.
        **options
            As for `RateRNN`.
        """
        n_in, n_rec, n_out = whole(n_in, "n_in"), whole(n_rec, "n_rec"), whole(n_out, "n_out")
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
        """Network of named populations, e.g. areas, with the listed projections only.

        Parameters
        ----------
        populations : sequence of Population
            In the order of units, which are labelled with their ``population`` and ``area``.
        n_in, n_out : int or sequence of str
            Input channels and outputs, or their names (``task.input_channels``), which projections can use.
        recurrent, input : sequence of Projection
            Between populations, and from input channels to populations; by default all to all.
        readout : sequence of Projection, optional
            From populations to outputs; by default all excitatory ones, or all if there are none.
        free_input, free_readout, autapses, positive
            As for `dale`.
        seed : int
            Fixes the connections of sparse projections too.
        **options
            As for `RateRNN`.

        Raises
        ------
        ValueError
            As for `Connectivity.areas`.

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
        key_of(seed)  # refuses what is no seed, before anything is drawn
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
        anatomy: ArrayLike,
        n_in: int | float,
        n_out: int | float,
        *,
        sign: ArrayLike = 0,
        input_to: Units | None = None,
        readout_from: Units | None = None,
        init: str = "balanced",
        remap: str = "magnitude",
        distribution: str | None = None,
        spectral_radius: float | None = None,
        freeze: bool = False,
        positive: str = "abs",
        bias: bool = True,
        readout_bias: bool = True,
        x0: ArrayLike | None = None,
        units: Mapping[str, ArrayLike] | None = None,
        seed: int | float = 0,
        **options: Any,
    ) -> _N:
        """Network on a wiring diagram, whose strong connections start strong.

        Parameters
        ----------
        anatomy : array, shape (N, N)
            Anatomical weights ``[source, target]`` of neurons, >= 0; connections exist where they are > 0.
        n_in, n_out : int
            Numbers of input channels and outputs; input and readout weights are of either sign.
        sign : int or array (N,)
            +1 or -1 for units under Dale's law, 0 for free ones; see `eicon.connectomes.assign_signs`.
        input_to, readout_from : str, mapping, bool mask (N,) or indices, optional
            Units that receive input, and units that are read out, as `RateRNN.select` takes them: by type (``"E"``), by
            their labels in `units` (``{"region": "V1"}``), as a mask or as indices; by default all.
        init : {"balanced", "default", "he", "xavier"}
            How weights are drawn; "balanced" as in `RateRNN`, the others as in `eicon.models.initial.uniform_weights`,
            which draws the biases within 1 / sqrt(N) too.
        remap : {"magnitude", "signed", "off"}
            How drawn recurrent weights are handed out to the connections; see `eicon.models.initial.remap`.
        distribution : str, optional
            As for `RateRNN`, for "balanced" alone.
        spectral_radius : float, optional
            Of the initial recurrent matrix, after the remapping; None leaves what was drawn (with "balanced": 1).
        freeze : bool
            Keep the initial recurrent weights.
        positive, bias, readout_bias, x0, units, seed
            As for `RateRNN`.
        **options
            As for `RateRNN`.

        Raises
        ------
        ValueError
            For an anatomy that is not square, negative or empty, a radius that cannot be reached, or units that
            do not exist.

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
        n_in, n_out = whole(n_in, "n_in"), whole(n_out, "n_out")
        if init not in ("balanced", *SCHEMES):
            raise ValueError(f"unknown initialisation {init!r}; allowed: balanced, {', '.join(SCHEMES)}.")
        if "start" in options:
            raise ValueError(f"weights are drawn as `init` says; got start {options['start']!r} too.")
        if distribution is not None and init != "balanced":
            raise ValueError(f"initialisation {init!r} has a distribution of its own; got {distribution!r} beside it.")
        if x0 is None and "x0" not in (options.get("parameters") or {}):
            x0 = 0.0
        anatomy = np.asarray(anatomy, np.float64)
        recurrent = Connectivity.from_connectome(anatomy, sign=sign, positive=positive)
        if not recurrent.trainable or not (np.isfinite(anatomy).all() and (anatomy >= 0).all()):
            raise ValueError("anatomy must hold finite weights >= 0, and at least one connection.")
        n = len(anatomy)
        labels = unit_labels(units, recurrent.sign)
        roles = {
            "recurrent": recurrent,
            "input": _feedforward((n_in, n), _chosen(labels, input_to)[None, :]),
            "readout": _feedforward((n, n_out), _chosen(labels, readout_from)[:, None]),
        }
        keys = dict(zip((*roles, "bias", "readout_bias"), split(key_of(seed), 5), strict=True))
        if init == "balanced":
            weights = {
                role: feedforward_weights(roles[role], key=keys[role], distribution=distribution)
                for role in ("input", "readout")
            }
            weights["recurrent"] = recurrent_weights(recurrent, 1.0, key=keys["recurrent"], distribution=distribution)
        else:
            weights = {role: uniform_weights(c, init, n_rec=n, key=keys[role]) for role, c in roles.items()}
        weights["recurrent"] = remap_weights(weights["recurrent"], anatomy, remap)
        if spectral_radius is not None:
            weights["recurrent"] = with_radius(weights["recurrent"], spectral_radius)
        if freeze:
            roles["recurrent"] = recurrent.frozen(weights["recurrent"])
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


def _chosen(labels: Mapping[str, np.ndarray], units: Units | None) -> np.ndarray:
    return np.ones(len(labels["type"]), bool) if units is None else select(labels, units)


def _feedforward(shape: tuple[int, int], exists: np.ndarray) -> Connectivity:
    return Connectivity(np.zeros(shape[0]), np.broadcast_to(exists, shape), np.zeros(shape))


def _named(channels: int | float | Sequence[str], what: str, type: str) -> list[Population]:
    if isinstance(channels, int | float | np.number | str):  # a text would be a name per letter
        names: Sequence[str] = [f"{what} {i}" for i in range(whole(channels, f"the number of {what}s"))]
    else:
        names = channels
    return [Population(name, 1, type) for name in names]


def _literal(name: str) -> str:
    """Pattern that matches this name alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
