"""Roles of the columns of a table, recognised by their usual names."""

import re
from collections.abc import Sequence

ENDS = {
    "source": {"source", "src", "pre", "presyn", "presynaptic", "from", "sender", "von", "quelle"},
    "target": {"target", "tgt", "dst", "dest", "post", "postsyn", "postsynaptic", "to", "receiver", "nach", "ziel"},
}
_FILLERS = {
    *("id", "ids", "root", "pt", "body", "bodyid", "rootid", "skid", "skeleton", "segment", "seg", "segid"),
    *("neuron", "neurons", "neuronid", "cell", "cells", "node", "nodes", "unit", "region", "area", "roi"),
    *("name", "names", "label", "acronym", "synaptic"),
}
_IDS = {"id", "ids", "root", "body", "bodyid", "rootid", "skid", "segid", "neuronid"}
_WEIGHTS = {
    *("weight", "weights", "w", "strength", "connectionstrength", "value", "gewicht", "fln", "flne"),
    *("syncount", "synapsecount", "synapses", "synapse", "syn", "syns", "nsyn", "nsyns", "nsynapses", "numsyn"),
    *("numsynapses", "numberofsynapses", "nbr", "n", "count", "counts", "connections"),
    *("streamlines", "streamlinecount", "fibers", "fibres"),
}
_IDENTIFIERS = (
    {
        *("id", "rootid", "ptrootid", "bodyid", "skid", "skeletonid", "neuronid", "segid", "segmentid", "cellid"),
        *("nodeid", "regionid", "unitid"),
    },
    {
        *("name", "neuron", "node", "region", "area", "unit", "label", "roi", "cell", "acronym", "abbreviation"),
        *("instance", "neuronname", "regionname"),
    },
)
KINDS = {"type", "kind", "synapsetype", "syntype", "connectiontype", "edgetype"}
"""Columns that may indicate that a list mixes several kinds of connections."""


def unnamed(name: str) -> bool:
    """Return whether a column has no name, like the index of a data frame."""
    return not name or re.match(r"Unnamed: \d+$|__index_level_\d+__$", name) is not None


def plain(name: str) -> str:
    """Return the letters and digits of a name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def ends(header: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of columns that may be source and target; several if the names are ambiguous.

    Examples
    --------
    >>> ends(["post", "pre", "weight"]), ends(["bodyId_pre", "type_pre", "bodyId_post"]), ends(["a", "b", "w"])
    ([(1, 0)], [(0, 2)], [])
    """
    found: dict[str, dict[int, frozenset[str]]] = {role: {} for role in ENDS}
    for place, name in enumerate(header):
        words = {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}
        for role, meant in ENDS.items():
            if len(words & meant) == 1 and words - meant <= _FILLERS:
                found[role][place] = frozenset(words - meant)
    sources, targets = found["source"], found["target"]
    alike = [(i, j) for i, rest in sources.items() for j, other in targets.items() if rest == other]
    if not alike and len(sources) == len(targets) == 1:
        return [(next(iter(sources)), next(iter(targets)))]
    by_id = [pair for pair in alike if sources[pair[0]] & _IDS]
    return by_id or [pair for pair in alike if not sources[pair[0]]] or alike


def weights_in(header: Sequence[str]) -> list[int]:
    """Return the columns that may be weights; only the one called "weight" if it exists."""
    found = [i for i, name in enumerate(header) if plain(name) in _WEIGHTS]
    return [i for i in found if plain(header[i]) == "weight"] or found


def identifiers(header: Sequence[str]) -> list[int]:
    """Return the columns that may contain the ids of units, else their names."""
    tiers = [[i for i, name in enumerate(header) if plain(name) in tier] for tier in _IDENTIFIERS]
    return tiers[0] or tiers[1]
