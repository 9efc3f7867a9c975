// Draws a timeline on a canvas: every entry of the answer, up to ten thousand, with zoom and pan that stay in the address bar.

const MOST = 10_000;
const LANES = ["event", "agreement", "statement", "claim"];
const DAY = 86_400_000;
const RADIUS = 4;
const ROW = 76; // pixels of a lane; one alone has twice as many
const PILE = 6; // marks that fit above each other in it; where there are more, columns say how many

const figure = document.querySelector("[data-timeline]");
if (figure !== null) start(figure);

async function start(figure) {
  const d3 = window.d3;
  const canvas = figure.querySelector("canvas");
  const said = figure.querySelector(".said");
  const under = figure.querySelector(".under");
  figure.hidden = false;
  const entries = [];
  let scale = null;
  let view = null;
  let marks = [];

  let lanes = [];
  const tall = () => (lanes.length === 1 ? 2 * ROW : ROW);
  const lane = (entry) => lanes.indexOf(entry.type);
  const colours = () => {
    const style = getComputedStyle(figure);
    return Object.fromEntries(["strong", "faint", "line", "card"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  };

  // What of an answer has a place in time; the rest stands in the list.
  function take(items) {
    for (const item of items) {
      if (item.date === null || (item.date.first === null && item.date.last === null)) continue;
      const first = Date.parse(item.date.first ?? item.date.last);
      const last = Date.parse(item.date.last ?? item.date.first) + DAY;
      if (!lanes.includes(item.type)) lanes = LANES.filter((name) => name === item.type || lanes.includes(name));
      entries.push({ ...item, from: first, to: last, exact: item.date.first === item.date.last });
    }
  }

  function size() {
    const width = Math.max(320, figure.clientWidth);
    const height = lanes.length * tall() + 34;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    // Through the object model: an attribute would be an inline style.
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    return { width, height, ratio };
  }

  // What is in the window, in which column of pixels, and how many the fullest column of each lane holds.
  function placed(x, width) {
    const piles = new Map();
    const seen = [];
    const most = lanes.map(() => 0);
    for (const entry of entries) {
      const left = x(entry.from);
      const right = x(entry.to);
      if (right < 0 || left > width) continue;
      const middle = Math.min(Math.max((left + right) / 2, 6), width - 6);
      const row = lane(entry);
      const column = row * 100_000 + Math.round(middle / (RADIUS * 2));
      let pile = piles.get(column);
      if (pile === undefined) piles.set(column, (pile = { n: 0, exact: 0 }));
      pile.n += 1;
      if (entry.exact) pile.exact += 1;
      most[row] = Math.max(most[row], pile.n);
      seen.push({ entry, left, right, middle, column, pile });
    }
    return { seen, most };
  }

  // One entry: full where its day is known, hollow with a bar over the days it can be, dashed where it is not real.
  function mark(context, colour, one, y, width) {
    const unreal = one.entry.status === "planned" || one.entry.status === "hypothetical";
    context.setLineDash(unreal ? [2, 2] : []);
    context.strokeStyle = colour.strong;
    context.fillStyle = one.entry.exact && !unreal ? colour.strong : colour.card;
    if (!one.entry.exact && one.right - one.left > RADIUS * 2) {
      context.beginPath();
      context.moveTo(Math.max(one.left, 0), y);
      context.lineTo(Math.min(one.right, width), y);
      context.stroke();
    }
    context.beginPath();
    context.arc(one.middle, y, RADIUS, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }

  // Where a lane is crowded: how many fall in each column, as high as their number.
  function columns(context, colour, marks, most) {
    context.setLineDash([]);
    const drawn = new Set();
    for (const one of marks) {
      if (one.crowd === undefined || drawn.has(one.crowd)) continue;
      drawn.add(one.crowd);
      const high = Math.max(2, (one.crowd.n / most[lane(one.entry)]) * (tall() - 30));
      const left = Math.round(one.x / (RADIUS * 2)) * RADIUS * 2 - RADIUS;
      context.fillStyle = one.crowd.exact * 2 >= one.crowd.n ? colour.strong : colour.faint;
      context.fillRect(left, one.y - high, RADIUS * 2 - 1, high);
    }
  }

  function draw() {
    if (scale === null) return;
    const began = performance.now();
    const { width, height, ratio } = size();
    const colour = colours();
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "12px system-ui, sans-serif";
    const x = view.copy().range([8, width - 8]);
    context.fillStyle = colour.faint;
    context.strokeStyle = colour.line;
    const format = x.tickFormat();
    for (const tick of x.ticks(Math.max(2, width / 110))) {
      context.beginPath();
      context.moveTo(x(tick), 0);
      context.lineTo(x(tick), height - 24);
      context.stroke();
      if (x(tick) < width - 56) context.fillText(format(tick), x(tick) + 3, height - 8);
    }
    const { seen, most } = placed(x, width);
    marks = [];
    const level = new Map();
    for (const one of seen) {
      const row = lane(one.entry);
      const foot = (row + 1) * tall() - 10;
      if (most[row] > PILE) {
        marks.push({ x: one.middle, y: foot, entry: one.entry, crowd: one.pile });
        continue;
      }
      const up = level.get(one.column) ?? 0;
      level.set(one.column, up + 1);
      const y = foot - up * (RADIUS * 2);
      marks.push({ x: one.middle, y, entry: one.entry });
      mark(context, colour, one, y, width);
    }
    columns(context, colour, marks, most);
    lanes.forEach((name, n) => {
      const words = most[n] > PILE ? `${name}s, up to ${most[n].toLocaleString("en")} in a column` : `${name}s`;
      context.fillStyle = colour.card;
      context.fillRect(8, n * tall() + 2, context.measureText(words).width + 6, 16);
      context.fillStyle = colour.faint;
      context.fillText(words, 10, n * tall() + 14);
    });
    context.setLineDash([]);
    figure.dataset.drawn = String(marks.length);
    figure.dataset.took = (performance.now() - began).toFixed(2); // milliseconds of one redraw
    said.textContent = `${marks.length.toLocaleString("en")} of ${entries.length.toLocaleString("en")} dated entries`;
  }

  let waiting = false;
  function soon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  function whole() {
    const from = Math.min(...entries.map((entry) => entry.from));
    const to = Math.max(...entries.map((entry) => entry.to));
    const margin = Math.max(DAY, (to - from) * 0.02);
    return [from - margin, to + margin];
  }

  const iso = (time) => new Date(time).toISOString().slice(0, 10);

  // The address always holds the window that is seen, so that it can be sent to somebody.
  function remember() {
    const address = new URL(location.href);
    const [from, to] = view.domain().map(Number);
    const [first, last] = whole();
    if (Math.abs(from - first) < DAY && Math.abs(to - last) < DAY) address.searchParams.delete("window");
    else address.searchParams.set("window", `${iso(from)}/${iso(to)}`);
    history.replaceState(null, "", address);
  }

  function show(from, to) {
    if (!(to - from > DAY / 4)) return;
    view = scale.copy().domain([from, to]);
    soon();
    remember();
  }

  function span() {
    const [from, to] = view.domain().map(Number);
    return to - from;
  }

  function around(factor, middle = 0.5) {
    const [from, to] = view.domain().map(Number);
    const at = from + (to - from) * middle;
    show(at - (at - from) * factor, at + (to - at) * factor);
  }

  function nearest(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    for (const mark of marks) {
      if (mark.crowd !== undefined) {
        if (Math.abs(mark.x - x) <= RADIUS && y <= mark.y + RADIUS && y > mark.y - tall() + 20) return { ...mark, distance: 0 };
        continue;
      }
      const distance = (mark.x - x) ** 2 + (mark.y - y) ** 2;
      if (distance < 144 && (best === null || distance < best.distance)) best = { ...mark, distance };
    }
    return best;
  }

  const steps = { in: () => around(0.5), out: () => around(2), all: () => show(...whole()) };
  steps.earlier = () => shift(-0.5);
  steps.later = () => shift(0.5);
  function shift(share) {
    const [from, to] = view.domain().map(Number);
    show(from + (to - from) * share, to + (to - from) * share);
  }
  for (const button of figure.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => view && steps[button.dataset.zoom]());

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (view === null || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      around(event.deltaY > 0 ? 1.2 : 1 / 1.2, event.offsetX / canvas.clientWidth);
    },
    { passive: false },
  );
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, domain: view.domain().map(Number), moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held !== null) {
      const [from, to] = held.domain;
      const by = ((held.x - event.clientX) / canvas.clientWidth) * (to - from);
      if (Math.abs(held.x - event.clientX) > 3) held.moved = true;
      if (held.moved) show(from + by, to + by);
      return;
    }
    const mark = nearest(event);
    canvas.style.cursor = mark === null ? "grab" : "pointer";
    if (mark?.crowd !== undefined) under.textContent = `${mark.crowd.n.toLocaleString("en")} around ${iso(mark.entry.from)}; click to look closer`;
    else under.textContent = mark === null ? "" : `${mark.entry.date.edtf ?? ""} ${mark.entry.gloss ?? mark.entry.id}`;
  });
  canvas.addEventListener("pointerup", (event) => {
    const moved = held?.moved;
    held = null;
    const mark = moved ? null : nearest(event);
    if (mark?.crowd !== undefined && mark.crowd.n > 1 && span() > 3 * DAY) around(0.25, event.offsetX / canvas.clientWidth);
    else if (mark !== null) location.href = mark.entry.self.replace("/v1/", "/") + kept();
  });
  addEventListener("resize", soon);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);

  function kept() {
    const given = new URLSearchParams(location.search);
    const view = new URLSearchParams();
    for (const name of ["as_of", "enrichment"]) if (given.has(name)) view.set(name, given.get(name));
    return view.size ? `?${view}` : "";
  }

  // A page at a time, drawn as it comes.
  let address = new URL(figure.dataset.timeline, location.href);
  address.searchParams.set("limit", "500");
  let cursor = null;
  do {
    const page = new URL(address);
    if (cursor !== null) page.searchParams.set("cursor", cursor);
    const answer = await fetch(page);
    if (!answer.ok) break;
    const content = await answer.json();
    take(content.items);
    cursor = content.next_cursor;
    if (entries.length > 0) {
      scale = d3.scaleUtc();
      const asked = new URLSearchParams(location.search).get("window")?.split("/").map(Date.parse);
      const valid = asked?.length === 2 && asked.every(Number.isFinite) && asked[0] < asked[1];
      view = scale.copy().domain(valid ? asked : whole());
      soon();
    }
  } while (cursor !== null && entries.length < MOST);
  if (entries.length === 0) figure.hidden = true;
  figure.dataset.ready = "true";
}
