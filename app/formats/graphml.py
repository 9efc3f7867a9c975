"""How a network is said as GraphML, which most graph tools read: the same attributes as the GEXF."""

from __future__ import annotations

from collections.abc import Iterator

from app.formats.graphs import EDGE, NODE, Attribute, GraphFormat, Item, described, text, values

TYPES = {"string": "string", "integer": "int", "boolean": "boolean"}
LABEL = Attribute("label", "string", lambda node: node["name"])
NODES = (LABEL, *NODE)
WEIGHT = Attribute("weight", "integer", lambda edge: edge["n"])
EDGES = (WEIGHT, *EDGE)


def write(network: Item) -> Iterator[bytes]:
    """The document, in pieces."""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
        f"{declared('node', NODES)}{declared('edge', EDGES)}"
        '<graph id="network" edgedefault="undirected">\n'
        f"<desc>{text(described(network))[1:-1]}</desc>\n"
    ).encode()
    for node in network["nodes"]:
        yield f"<node id={text(node['id'])}>{data('node', NODES, node)}</node>\n".encode()
    for number, edge in enumerate(network["edges"]):
        ends = f'id="e{number}" source={text(edge["source"])} target={text(edge["target"])}'
        yield f"<edge {ends}>{data('edge', EDGES, edge)}</edge>\n".encode()
    yield b"</graph>\n</graphml>\n"


def declared(what: str, some: tuple[Attribute, ...]) -> str:
    """The attributes that nodes or edges have."""
    return "".join(
        f'<key id="{what}_{one.name}" for="{what}" attr.name="{one.name}" attr.type="{TYPES[one.type]}"/>\n'
        for one in some
    )


def data(what: str, some: tuple[Attribute, ...], item: Item) -> str:
    """The values of an item."""
    return "".join(f'<data key="{what}_{name}">{text(value)[1:-1]}</data>' for name, value in values(some, item))


FORMAT = GraphFormat("graphml", "application/graphml+xml", "graphml", write)
