"""Graphs of GraphML and GEXF files and of networkx, as lists of connections."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from .._files import MOST_PACKED, SMALL, check_unpacked, named
from ._tables import Table, as_text, columns_table, unpacker

Node = Mapping[str, str]
Edge = tuple[str, str, bool, Mapping[str, Any]]
"""Ends, whether it is directed, and its attributes."""


class Graph(NamedTuple):
    """Connections from source to target, with all nodes and their labels."""

    table: Table
    nodes: list[str] | None
    labels: dict[str, tuple[str, ...]]


def graph_file(path: Path) -> Graph:
    """Read a GraphML or GEXF file; entities, which could be bombs or refer to other files, are rejected."""

    def refuse(*_: Any) -> None:
        raise ValueError("it declares a document type or entities: save it without them")

    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = refuse
    with named(path, "GraphML or GEXF file"):
        packed = path.stat().st_size
        with unpacker(path)(path, "rb") as stream:
            text = stream.read(max(SMALL, MOST_PACKED * packed) + 1)
        check_unpacked(path, len(text), packed)
        checker.Parse(text, True)
        root = ElementTree.fromstring(text)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        graphs = root.findall("graph")
        if root.tag not in ("graphml", "gexf") or len(graphs) != 1:
            raise ValueError(
                f"{path} is XML with {len(graphs)} graphs in <{root.tag}>; expected one, in GraphML or GEXF."
            )
        return _graph(path.name, *_read(root, graphs[0]))


def graph_of_object(graph: Any) -> Graph:
    """Convert a graph of networkx, directed or not."""
    nodes = {str(node): {k: as_text(v) for k, v in about.items()} for node, about in graph.nodes(data=True)}
    if len(nodes) < graph.number_of_nodes():
        raise ValueError("several nodes of the graph have the same name when written as text; rename them.")
    edges = [(str(a), str(b), graph.is_directed(), dict(about)) for a, b, about in graph.edges(data=True)]
    return _graph("the graph", nodes, edges)


def _graph(origin: str, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Graph:
    unknown = sorted({end for edge in edges for end in edge[:2]} - nodes.keys())
    if unknown:
        raise ValueError(f"{origin} has edges to or from nodes that are not listed: {', '.join(unknown[:5])}")
    both = [*edges, *((b, a, directed, about) for a, b, directed, about in edges if not directed and a != b)]
    keys = list(dict.fromkeys(key for edge in edges for key in edge[3] if key not in ("source", "target", "id", "key")))
    attributes = list(dict.fromkeys(key for about in nodes.values() for key in about))
    labels = {key: tuple(about.get(key, "") for about in nodes.values()) for key in attributes}
    names = list(nodes)
    better = labels.get("name", labels.get("label"))
    counted = {re.sub(r"^\D{0,5}", "", name) for name in names} <= {str(i) for i in range(len(names) + 1)}
    if better is None or not counted or "" in better or len(set(better)) < len(names):
        better = tuple(names)
    called = dict(zip(names, better, strict=True))
    labels = {key: column for key, column in labels.items() if column != better}
    columns: dict[str, list[Any]] = {"source": [called[e[0]] for e in both], "target": [called[e[1]] for e in both]}
    columns |= {key: [edge[3].get(key) for edge in both] for key in keys}
    return Graph(columns_table(origin, columns), list(better), labels)


def _read(root: Any, graph: Any) -> tuple[dict[str, Node], list[Edge]]:
    """Read nodes and edges; the file declares the name and default value of each attribute under an id."""
    names: dict[tuple[str, str], str] = {}
    usual: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
    declared = [(key.get("for", "all"), key, "attr.name") for key in root.iter("key")]
    declared += [(group.get("class"), key, "title") for group in graph.iter("attributes") for key in group]
    for tag, key, name in ((tag, key, name) for which, key, name in declared for tag in usual if which in (tag, "all")):
        names[tag, key.get("id")] = key.get(name, key.get("id"))
        if (text := key.findtext("default")) is not None:
            usual[tag][names[tag, key.get("id")]] = text
    if gexf := root.tag == "gexf":
        usual["edge"]["weight"] = "1"

    def about(element: Any) -> dict[str, str]:
        tag, own = element.tag, "label" if element.tag == "node" else "weight"
        given = {own: element.get(own)} if gexf and element.get(own) is not None else {}
        texts = [(d.get("key"), d.text or "") for d in element.findall("data")]
        texts += [(v.get("for"), v.get("value", "")) for v in element.findall("attvalues/attvalue")]
        return usual[tag] | given | {names[tag, key]: text.strip() for key, text in texts}

    word = "defaultedgetype" if gexf else "edgedefault"
    default = graph.get(word, "undirected" if gexf else "directed")
    kinds = {"true": "directed", "false": "undirected"}
    edges: list[Edge] = []
    for edge in graph.iter("edge"):
        kind = edge.get("type" if gexf else "directed", default)
        edges.append((edge.get("source"), edge.get("target"), kinds.get(kind, kind) == "directed", about(edge)))
    nodes: dict[str, Node] = {node.get("id"): about(node) for node in graph.iter("node")}
    return nodes, edges
