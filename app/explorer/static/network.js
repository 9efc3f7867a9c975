// Draws a network: actors as circles, ties as lines, dashed where they are only planned or hypothetical.

// On a phone the drawing is as narrow as the screen, so that its names stay as large as other words.
const WIDTH = window.innerWidth < 600 ? 400 : 900;
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

  const force = d3
    .forceSimulation(nodes)
    .force("tie", d3.forceLink(edges).id((node) => node.id).distance(110).strength(0.15))
    .force("apart", d3.forceManyBody().strength(-420))
    .force("room", d3.forceCollide((node) => radius(node.degree) + 6))
    .force("x", d3.forceX(WIDTH / 2).strength(0.06))
    .force("y", d3.forceY(HEIGHT / 2).strength(0.09))
    .stop();
  // Laid out before it is shown: nothing jumps under a reader's hand.
  force.tick(nodes.length > 150 ? 120 : 250);
  fit(nodes);

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
  label(nodes, 1);

  const zoom = d3
    .zoom()
    .scaleExtent([0.4, 8])
    .filter((event) => event.type !== "wheel" || event.ctrlKey || event.metaKey || event.shiftKey)
    .on("zoom", (event) => {
      const began = performance.now();
      layer.attr("transform", event.transform);
      figure.dataset.took = (performance.now() - began).toFixed(2); // milliseconds of one redraw
    })
    .on("end", (event) => {
      label(nodes, event.transform.k);
      remember(event.transform);
    });
  svg.call(zoom);
  const asked = new URLSearchParams(location.search).get("view")?.split(",").map(Number);
  if (asked?.length === 3 && asked.every(Number.isFinite) && asked[0] >= 0.4 && asked[0] <= 8)
    svg.call(zoom.transform, d3.zoomIdentity.translate(asked[1], asked[2]).scale(asked[0]));
  const steps = { in: 1.5, out: 1 / 1.5 };
  for (const button of figure.querySelectorAll("[data-zoom]"))
    button.addEventListener("click", () => {
      if (button.dataset.zoom === "all") svg.call(zoom.transform, d3.zoomIdentity);
      else svg.call(zoom.scaleBy, steps[button.dataset.zoom]);
    });

  // The names that have room, those of the best connected first; the others show when they are pointed at.
  function label(nodes, scale) {
    const taken = [];
    const unlabelled = new Set();
    for (const node of [...nodes].sort((a, b) => a.distance - b.distance || b.degree - a.degree)) {
      const half = (Math.min(node.name.length, 28) * 6.6) / 2;
      const top = node.y - radius(node.degree) - 16;
      const box = [node.x - half, top, node.x + half, top + 15];
      if (taken.some((one) => box[0] < one[2] && box[2] > one[0] && box[1] < one[3] && box[3] > one[1])) unlabelled.add(node.id);
      else taken.push(box);
    }
    shown.classed("unlabelled", (node) => scale < 2 && unlabelled.has(node.id));
  }

  // The address holds what is seen of the drawing, so that it can be sent to somebody.
  function remember({ k, x, y }) {
    const address = new URL(location.href);
    if (Math.abs(k - 1) < 0.01 && Math.abs(x) < 1 && Math.abs(y) < 1) address.searchParams.delete("view");
    else address.searchParams.set("view", `${k.toFixed(2)},${Math.round(x)},${Math.round(y)}`);
    history.replaceState(null, "", address);
  }
  const said = figure.querySelector(".said");
  said.textContent = `${nodes.length} of ${content.nodes.length} actors and ${edges.length} ties are drawn`;
  figure.dataset.ready = "true";

  // The same question around another actor.
  function going(id) {
    const address = new URL(location.href);
    address.searchParams.delete("actor");
    address.searchParams.delete("view");
    address.searchParams.set("actor", id);
    return `${address.pathname}${address.search}`;
  }
}

// Spread the layout over the whole drawing, with room for names at its edges.
function fit(nodes) {
  const reach = (name) => [Math.min(...nodes.map((node) => node[name])), Math.max(...nodes.map((node) => node[name]))];
  const [left, right] = reach("x");
  const [top, bottom] = reach("y");
  for (const node of nodes) {
    node.x = right > left ? 104 + ((node.x - left) / (right - left)) * (WIDTH - 208) : WIDTH / 2;
    node.y = bottom > top ? 44 + ((node.y - top) / (bottom - top)) * (HEIGHT - 74) : HEIGHT / 2;
  }
}
