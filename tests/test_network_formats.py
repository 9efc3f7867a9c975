"""Whether programs of other people open our graph files, and read in them what the JSON says."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.dom.minidom import parseString

import networkx as nx
import pytest

from app.formats.graphs import graphs
from tests.base import KnowledgeBase
from tests.brute import actor

TOOLS = Path(__file__).resolve().parent.parent / "tools"
NAMES = [
    "Ünï \"quoted\" & <tagged> 'single'",
    "]]> <!-- --> <?php ?> &amp; &#0;",
    "line\nbreak\ttab\rreturn",
    "bell\x07 escape\x1b delete\x7f next\x85 end\ufffe\uffff",
    "日本 🎌 e\u0301 \u202eright to left",
]
FORMATS = pytest.mark.parametrize("format", ["gexf", "graphml"])


@pytest.fixture
def named(kb: KnowledgeBase) -> KnowledgeBase:
    """A knowledge base whose actors have hostile names, all tied to one."""
    relation = {"kind": "encourages", "status": "hypothetical", "via": None, "gloss": None, "evidence": []}
    kb.put(
        ("actor", actor("hub")),
        *[("actor", {**actor(f"a{n}"), "name": name}) for n, name in enumerate(NAMES)],
        *[("relation", {"id": f"r{n}", "subject": "hub", "object": f"a{n}", **relation}) for n in range(len(NAMES))],
    )
    return kb


def xml_can_hold(text: str) -> str:
    return re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


def read(format: str, body: bytes) -> nx.Graph:
    """A graph file as networkx reads it, with each node's name as `label` and each edge's number of records as `weight`."""
    graph = nx.read_gexf(io.BytesIO(body), version="1.3") if format == "gexf" else nx.read_graphml(io.BytesIO(body))
    assert not graph.is_directed()
    return graph


@FORMATS
def test_networkx_reads_the_nodes_and_edges_that_the_json_has(seeded: KnowledgeBase, format: str) -> None:
    path = "/v1/network?actor=japan&depth=2"
    told, graph = seeded.json(path), read(format, seeded.get(f"{path}&format={format}").content)

    assert {
        id: (data["label"], data.get("kind"), data["distance"], data["self_link"])
        for id, data in graph.nodes(data=True)
    } == {node["id"]: (node["name"], node["kind"], node["distance"], node["self"]) for node in told["nodes"]}
    assert graph.number_of_edges() == len(told["edges"]) > 5
    for edge in told["edges"]:
        data = graph.edges[edge["source"], edge["target"]]
        assert data["weight"] == data["n"] == edge["n"]
        assert data["hypothetical"] is edge["hypothetical"]
        assert {kind: data[f"{kind}_n"] for kind in edge["counts"]} == edge["counts"]
        assert data["items"].split(" ") == [tie["items"] for tie in edge["ties"]]
        assert data.get("first") == edge["first"]


@FORMATS
def test_hostile_names_come_through_but_for_what_xml_cannot_hold(named: KnowledgeBase, format: str) -> None:
    answer = named.get(f"/v1/network?actor=hub&format={format}")

    parseString(answer.content)  # noqa: S318 - ours
    assert {data["label"] for _, data in read(format, answer.content).nodes(data=True)} == {
        named.json("/v1/actors/hub")["name"],
        *(xml_can_hold(name) for name in NAMES),
    }


@FORMATS
def test_graphology_reads_the_same_graph(named: KnowledgeBase, format: str) -> None:
    if shutil.which("node") is None or not (TOOLS / "node_modules" / "graphology").is_dir():
        pytest.skip("Node.js or its packages are not here: `make spectral` installs them.")
    answer = named.get(f"/v1/network?actor=hub&format={format}")
    done = subprocess.run(["node", TOOLS / "read_graph.cjs", format], input=answer.content, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    graph: dict[str, Any] = json.loads(done.stdout)

    told = named.json("/v1/network?actor=hub")
    assert {node["key"] for node in graph["nodes"]} == {node["id"] for node in told["nodes"]}
    assert {node["attributes"]["label"] for node in graph["nodes"]} >= {xml_can_hold(NAMES[0]), xml_can_hold(NAMES[4])}
    assert {(edge["source"], edge["target"]) for edge in graph["edges"]} == {
        (edge["source"], edge["target"]) for edge in told["edges"]
    }
    assert all(edge["attributes"]["hypothetical"] is True for edge in graph["edges"])


@FORMATS
def test_a_graph_file_is_asked_for_by_parameter_or_accept_and_has_its_own_etag(
    seeded: KnowledgeBase, format: str
) -> None:
    media = graphs()[format].media_type
    by_name = seeded.get(f"/v1/network?actor=japan&format={format}")
    by_accept = seeded.get("/v1/network?actor=japan", Accept=media)
    plain = seeded.get("/v1/network?actor=japan")

    assert by_name.content == by_accept.content
    assert by_name.headers["content-type"].startswith(media)
    assert f"network-r{seeded.latest}.{format}" in by_name.headers["content-disposition"]
    assert by_accept.headers["etag"] != plain.headers["etag"]
    tag = by_name.headers["etag"]
    assert seeded.get(f"/v1/network?actor=japan&format={format}", If_None_Match=tag).status_code == 304


@FORMATS
def test_a_network_of_nobody_is_an_empty_graph(seeded: KnowledgeBase, format: str) -> None:
    graph = read(format, seeded.get(f"/v1/network?actor=nobody-at-all&format={format}").content)

    assert graph.number_of_nodes() == 0


@pytest.mark.parametrize("path", ["/v1/network?actor=japan", "/v1/paths?from_actor=japan&to_actor=ukraine"])
def test_what_there_is_no_representation_for_is_406(seeded: KnowledgeBase, path: str) -> None:
    assert seeded.get(path, Accept="text/csv").status_code == 406
