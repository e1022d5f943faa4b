"""Neurons of a network from a wiring diagram, with the choices of the table ``[connectome]``."""

from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..connectomes import Connectome, neurons_per_region, read_units
from ..connectomes import load as load_connectome
from ._published import published_neurons
from ._recipe_tables import ConnectomeTable, JoinTable
from ._seeds import Seeds
from ._text import ConfigError, under

_EXPANSION = ("target_sparsity", "intrinsic_share", "intrinsic_sparsity", "intrinsic_of", "partition")


def prepared(table: ConnectomeTable, seeds: Seeds, compat: str = "") -> Connectome:
    """Return neurons with the label ``region``, applying choices in the order of `ConnectomeTable`.

    Raises
    ------
    ConfigError
        If the connectome is missing, or a choice does not fit it; the text names the key.
    """
    regions = checked(table)
    if compat:
        return _as_published(regions, table, seeds)
    neurons = _expanded(regions, table, seeds)
    if table.null != "none":
        neurons = under(
            "connectome.null", lambda: neurons.rewired(table.null, seed=seeds.generator("null"), **table.null_options)
        )
    if table.orientation == "reversed":
        neurons = neurons.reversed()
    if table.signs == "free":
        neurons = neurons._with(sign=None, edge_sign=None)
    if table.sign_by:
        neurons = under("connectome.sign_by", lambda: neurons.signed(by=table.sign_by))
    if table.signs == "dale":
        neurons = neurons.signed(table.e_ratio, seed=seeds.generator("signs"))
    return _with_regions(neurons)


def checked(table: ConnectomeTable) -> Connectome:
    """Return the connectome of a table before anything is drawn, and check that the table fits it."""
    connectome = _read(table.model_dump_json(include=set(_READ)))
    if table.regions and table.regions != connectome.n:
        raise ConfigError(
            f"connectome.regions (rnn_size): {table.name} has {connectome.n} regions; got {table.regions}."
        )
    if isinstance(table.neurons, str):
        under("connectome.neurons", lambda: _counts(table, connectome))
    if isinstance(table.neurons, tuple) and len(table.neurons) != connectome.n:
        raise ConfigError(
            f"connectome.neurons: must be one number, or one for each of the {connectome.n} regions of {table.name}; "
            f"got {len(table.neurons)}."
        )
    if "distance" in table.null and connectome.coordinates is None and "coordinates" not in table.null_options:
        raise ConfigError(f"connectome.null: {table.null!r} needs coordinates, and {table.name} has none.")
    return connectome


_READ = ("name", "folder", "rows", "read", "join", "where", "at_least", "density", "symmetrise")


@lru_cache(maxsize=8)
def _read(as_json: str) -> Connectome:
    """Read and reduce the connectome of a table, once, using only keys without randomness."""
    table = ConnectomeTable.model_validate_json(as_json)
    rows = {} if table.rows is None else {"rows": table.rows}
    found = under("connectome.name", lambda: load_connectome(table.name, table.folder or None, **rows, **table.read))
    for i, entry in enumerate(table.join):
        found = under(f"connectome.join.{i}", partial(_joined, found, entry))
    if table.where is not None:
        found = under(
            "connectome.where", lambda: found.subset({key: _listed(kept) for key, kept in (table.where or {}).items()})
        )
    threshold = {"at_least": table.at_least, "density": None if table.density == 1 else table.density}
    if threshold := {name: value for name, value in threshold.items() if value is not None}:
        found = under(f"connectome.{next(iter(threshold))}", lambda: found.thresholded(**threshold))
    if (how := table.symmetrise) is not None and how != "none":
        found = under("connectome.symmetrise", lambda: found.symmetrised(how))
    return found


def _joined(connectome: Connectome, entry: JoinTable) -> Connectome:
    return connectome.joined(read_units(entry.file, **entry.read))


def _listed(kept: str | tuple[str, ...]) -> str | list[str]:
    return kept if isinstance(kept, str) else list(kept)


def _expanded(regions: Connectome, table: ConnectomeTable, seeds: Seeds) -> Connectome:
    if table.neurons == 1:
        neurons = regions if table.autapses else regions.without_autapses()
        # In eicon 0.1.0 every unit was its own region before signs were drawn within regions.
        return neurons if seeds.repeat is None else _with_regions(neurons)
    options = {name: value for name in _EXPANSION if (value := getattr(table, name)) is not None}
    intrinsic = table.intrinsic
    if intrinsic in (None, True) and bool((regions.source == regions.target).any()):
        intrinsic = "measured"  # keep measured weights within regions
    if intrinsic is False:
        regions = regions.without_autapses()
    if intrinsic is not None:
        options["intrinsic"] = intrinsic
    counts = _counts(table, regions)
    return under(
        "connectome.neurons",
        lambda: regions.expanded(counts, autapses=table.autapses, seed=seeds.generator("expansion"), **options),
    )


def _with_regions(neurons: Connectome) -> Connectome:
    """Return units with the label ``region``, by default their name."""
    return neurons if "region" in neurons.labels else neurons._with(labels={**neurons.labels, "region": neurons.names})


def _counts(table: ConnectomeTable, connectome: Connectome) -> np.ndarray:
    if not isinstance(table.neurons, str):
        return np.broadcast_to(table.neurons, (connectome.n,))
    if connectome.densities is None:
        raise ValueError(f"{table.neurons!r} needs densities, and {table.name} has none.")
    given: dict[str, Any] = {"smallest": table.smallest, "missing": table.missing}
    options = {name: value for name, value in given.items() if value is not None}
    return neurons_per_region(
        connectome.densities, total=table.total or None, method=table.neurons, names=connectome.names, **options
    )


def _as_published(regions: Connectome, table: ConnectomeTable, seeds: Seeds) -> Connectome:
    """Return the neurons of bio2art, from the matrix as it is in its file."""
    expansion_seed = int(np.random.default_rng([seeds.seed, 0]).integers(2**32))
    stored = regions.weights.T if regions.turned else regions.weights
    counts = _counts(table, regions)
    names = np.repeat(regions.names, counts).tolist()
    neurons = Connectome(
        published_neurons(stored, counts, table.partition or "equal", expansion_seed),
        [f"{name}/{i}" for name, count in zip(regions.names, counts, strict=True) for i in range(1, count + 1)],
        sign=np.repeat(regions.sign, counts),
        labels={"region": names},
        coordinates=None if regions.coordinates is None else np.repeat(regions.coordinates, counts, axis=0),
    )
    if table.null != "none":
        neurons = neurons.rewired(table.null, seed=seeds.generator("null"))
    return neurons.reversed() if table.orientation == "reversed" else neurons
