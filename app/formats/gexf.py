"""How a network is said as GEXF 1.3, which Gephi opens: counts, days and statuses as attributes, how many records as weight."""

from __future__ import annotations

from collections.abc import Iterator

from app.formats.graphs import EDGE, NODE, Attribute, GraphFormat, Item, described, text, values


def write(network: Item) -> Iterator[bytes]:
    """The document, in pieces."""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gexf xmlns="http://gexf.net/1.3" version="1.3">\n'
        f"<meta><creator>Chancery</creator><description>{inner(described(network))}</description></meta>\n"
        '<graph mode="static" defaultedgetype="undirected">\n'
        f"{declared('node', NODE)}{declared('edge', EDGE)}<nodes>\n"
    ).encode()
    for node in network["nodes"]:
        yield f"<node id={text(node['id'])} label={text(node['name'])}>{attributes(NODE, node)}</node>\n".encode()
    yield b"</nodes>\n<edges>\n"
    for number, edge in enumerate(network["edges"]):
        ends = f'id="{number}" source={text(edge["source"])} target={text(edge["target"])} weight="{edge["n"]}"'
        yield f"<edge {ends}>{attributes(EDGE, edge)}</edge>\n".encode()
    yield b"</edges>\n</graph>\n</gexf>\n"


def declared(what: str, some: tuple[Attribute, ...]) -> str:
    """The attributes that nodes or edges have."""
    each = "".join(f'<attribute id="{one.name}" title="{one.name}" type="{one.type}"/>' for one in some)
    return f'<attributes class="{what}">{each}</attributes>\n'


def attributes(some: tuple[Attribute, ...], item: Item) -> str:
    """The values of an item."""
    each = "".join(f'<attvalue for="{name}" value={text(value)}/>' for name, value in values(some, item))
    return f"<attvalues>{each}</attvalues>"


def inner(words: str) -> str:
    """Text between tags."""
    return text(words)[1:-1]


FORMAT = GraphFormat("gexf", "application/gexf+xml", "gexf", write)
