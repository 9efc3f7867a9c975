// Draws a network: actors as circles, ties as lines, dashed where they are only planned or hypothetical.

const WIDTH = 900;
const HEIGHT = 560;
const MOST = 400;

const figure = document.querySelector("[data-network]");
if (figure !== null) start(figure);

async function start(figure) {
  const d3 = window.d3;
  const answer = await fetch(figure.dataset.network);
  if (!answer.ok) return;
  const content = await answer.json();
  const kept = content.nodes.slice(0, MOST);
  const known = new Set(kept.map((node) => node.id));
  const nodes = kept.map((node) => ({ ...node }));
  const edges = content.edges.filter((edge) => known.has(edge.source) && known.has(edge.target)).map((edge) => ({ ...edge }));
  const svg = d3.select(figure).select("svg").attr("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  figure.hidden = false;
  const width = d3.scaleSqrt([1, d3.max(edges, (edge) => edge.n) ?? 1], [1.2, 9]);
  const radius = d3.scaleSqrt([0, d3.max(nodes, (node) => node.degree) ?? 1], [5, 18]);

  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const force = d3
    .forceSimulation(nodes)
    .force("tie", d3.forceLink(edges).id((node) => node.id).distance(90).strength(0.3))
    .force("apart", d3.forceManyBody().strength(-260))
    .force("room", d3.forceCollide((node) => radius(node.degree) + 6))
    .force("x", d3.forceX(WIDTH / 2).strength(0.06))
    .force("y", d3.forceY(HEIGHT / 2).strength(0.09))
    .stop();
  // Laid out before it is shown: nothing jumps under a reader's hand.
  force.tick(nodes.length > 150 ? 120 : 250);
  for (const node of nodes) {
    node.x = Math.max(24, Math.min(WIDTH - 24, node.x));
    node.y = Math.max(20, Math.min(HEIGHT - 20, node.y));
  }

  const layer = svg.append("g");
  const lines = layer
    .selectAll("line")
    .data(edges)
    .join("line")
    .attr("class", (edge) => (edge.hypothetical ? "tie unreal" : "tie"))
    .attr("stroke-width", (edge) => width(edge.n));
  lines.append("title").text((edge) => `${edge.source.name} and ${edge.target.name}: ${edge.n}`);
  const shown = layer
    .selectAll("a")
    .data(nodes)
    .join("a")
    .attr("href", (node) => going(node.id))
    .attr("class", (node) => (node.distance === 0 ? "node start" : "node"));
  shown.append("circle").attr("r", (node) => radius(node.degree));
  shown
    .append("text")
    .attr("dy", (node) => -radius(node.degree) - 3)
    .attr("text-anchor", "middle")
    .text((node) => (node.name.length > 28 ? `${node.name.slice(0, 27)}…` : node.name));
  shown.append("title").text((node) => `${node.name}${node.kind ? `, ${node.kind}` : ""}: ${node.n} records`);

  function place() {
    lines
      .attr("x1", (edge) => edge.source.x)
      .attr("y1", (edge) => edge.source.y)
      .attr("x2", (edge) => edge.target.x)
      .attr("y2", (edge) => edge.target.y);
    shown.attr("transform", (node) => `translate(${node.x},${node.y})`);
  }
  place();
  if (!still) {
    svg.call(
      d3
        .zoom()
        .scaleExtent([0.4, 8])
        .filter((event) => event.type !== "wheel" || event.ctrlKey || event.metaKey || event.shiftKey)
        .on("zoom", (event) => layer.attr("transform", event.transform)),
    );
  }
  const said = figure.querySelector(".said");
  said.textContent = `${nodes.length} of ${content.nodes.length} actors and ${edges.length} ties are drawn`;
  figure.dataset.ready = "true";

  // The same question around another actor.
  function going(id) {
    const address = new URL(location.href);
    address.searchParams.set("actor", id);
    return `${address.pathname}${address.search}`;
  }
}
