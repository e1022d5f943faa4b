"""Graphs of GraphML and GEXF files and of networkx, as lists of connections."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from ._formats import damaged
from ._tables import Table, as_text, columns_table, unpacker

Node = Mapping[str, str]
Edge = tuple[str, str, bool, Mapping[str, Any]]
"""Ends, whether it is directed, and its attributes."""


class Graph(NamedTuple):
    """Connections from source to target, with all nodes and what is known of them."""

    table: Table
    nodes: list[str] | None
    labels: dict[str, tuple[str, ...]]


def is_graph(value: Any) -> bool:
    """Whether an object is a graph of networkx, of which nothing is imported."""
    return all(hasattr(value, name) for name in ("nodes", "edges", "is_directed"))


def graph_file(path: Path) -> Graph:
    """Graph of a GraphML or GEXF file; entities, which could be bombs or point to other files, are refused."""

    def refuse(*_: Any) -> None:
        raise ValueError("it declares a document type or entities: save it again without")

    checker = expat.ParserCreate()
    checker.StartDoctypeDeclHandler = refuse
    with damaged(path, "GraphML or GEXF file"):
        with unpacker(path)(path, "rb") as stream:
            checker.ParseFile(stream)
        with unpacker(path)(path, "rb") as stream:
            root = ElementTree.parse(stream).getroot()
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    read = {"graphml": _graphml, "gexf": _gexf}.get(root.tag)
    graphs = root.findall("graph")
    if read is None or len(graphs) != 1:
        raise ValueError(
            f"{path} is XML with {len(graphs)} graphs in <{root.tag}>; one graph in GraphML or GEXF is read."
        )
    with damaged(path, "GraphML or GEXF file"):
        return _graph(path.name, *read(root, graphs[0]))


def graph_of_object(graph: Any) -> Graph:
    """Graph of networkx, directed or not."""
    nodes = {str(node): {k: as_text(v) for k, v in about.items()} for node, about in graph.nodes(data=True)}
    if len(nodes) < graph.number_of_nodes():
        raise ValueError("nodes of the graph have the same name when written as text; rename them.")
    edges = [(str(a), str(b), graph.is_directed(), dict(about)) for a, b, about in graph.edges(data=True)]
    return _graph("the graph", nodes, edges)


def _graph(origin: str, nodes: Mapping[str, Node], edges: Sequence[Edge]) -> Graph:
    unknown = sorted({end for edge in edges for end in edge[:2]} - nodes.keys())
    if unknown:
        raise ValueError(f"edges of {origin} end at nodes that it does not list: {', '.join(unknown[:5])}")
    both = [*edges, *((b, a, directed, about) for a, b, directed, about in edges if not directed and a != b)]
    keys = list(dict.fromkeys(key for edge in edges for key in edge[3] if key not in ("source", "target", "id", "key")))
    columns: dict[str, list[Any]] = {"source": [e[0] for e in both], "target": [e[1] for e in both]}
    columns |= {key: [edge[3].get(key) for edge in both] for key in keys}
    attributes = list(dict.fromkeys(key for about in nodes.values() for key in about))
    labels = {key: tuple(about.get(key, "") for about in nodes.values()) for key in attributes}
    names = list(nodes)
    better = next((labels[key] for key in ("name", "label") if key in labels), None)
    counted = {re.sub(r"^\D{0,5}", "", name) for name in names} <= {str(i) for i in range(len(names) + 1)}
    if better is not None and counted and "" not in better and len(set(better)) == len(names):
        renamed = dict(zip(names, better, strict=True))
        columns["source"], columns["target"] = (
            [renamed[end] for end in columns[role]] for role in ("source", "target")
        )
        names = list(better)
    labels = {key: column for key, column in labels.items() if list(column) != names}
    return Graph(columns_table(origin, columns), names, labels)


def _graphml(root: Any, graph: Any) -> tuple[dict[str, Node], list[Edge]]:
    keys = {key.get("id"): key for key in root.iter("key")}
    named = {number: key.get("attr.name", number) for number, key in keys.items()}
    defaults = {number: key.findtext("default") for number, key in keys.items()}

    def about(element: Any) -> dict[str, str]:
        meant = [number for number, key in keys.items() if key.get("for", "all") in (element.tag, "all")]
        usual = {named[number]: text for number in meant if (text := defaults[number]) is not None}
        return usual | {named[data.get("key")]: (data.text or "").strip() for data in element.findall("data")}

    default = graph.get("edgedefault") != "undirected"
    return _parts(graph, about, lambda edge: edge.get("directed", str(default).lower()) == "true")


def _gexf(root: Any, graph: Any) -> tuple[dict[str, Node], list[Edge]]:
    titles = {
        (group.get("class"), attribute.get("id")): attribute.get("title", attribute.get("id"))
        for group in graph.iter("attributes")
        for attribute in group.iter("attribute")
    }

    def about(element: Any) -> dict[str, str]:
        usual = {"label": element.get("label", "")} if element.tag == "node" else {"weight": element.get("weight", "1")}
        return usual | {titles[element.tag, v.get("for")]: v.get("value", "") for v in element.iter("attvalue")}

    default = graph.get("defaultedgetype", "undirected")
    return _parts(graph, about, lambda edge: edge.get("type", default) == "directed")


def _parts(
    graph: Any, about: Callable[[Any], dict[str, str]], directed: Callable[[Any], bool]
) -> tuple[dict[str, Node], list[Edge]]:
    nodes: dict[str, Node] = {node.get("id"): about(node) for node in graph.iter("node")}
    return nodes, [(e.get("source"), e.get("target"), directed(e), about(e)) for e in graph.iter("edge")]
