// How full the links of each role were over time: a row a role, a column a stretch of time. Data: {total_us, groups: [{name, utilisation: []}]}.
import * as scale from "./scale.js";
import * as tips from "./tip.js";

const AXIS = 34, GAP = 3;

/** Neighbours that look alike are one rectangle. */
function runs(values) {
  const out = [];
  values.forEach((value, i) => {
    const shade = value > 0 ? Math.max(1, Math.round(100 * value)) : 0, last = out[out.length - 1];
    if (last && last.shade === shade) last.end = i + 1;
    else out.push({ shade, start: i, end: i + 1 });
  });
  return out;
}

/** Roles that differ by a number alone and are equally full all the time (planes of one fabric) are one row. */
function joined(groups) {
  const rows = new Map();
  for (const g of groups) {
    const key = g.name.replace(/\d+/g, "#") + " " + g.utilisation.join();
    if (rows.has(key)) ++rows.get(key).more;
    else rows.set(key, { name: g.name, utilisation: g.utilisation, more: 0 });
  }
  return [...rows.values()].map((r) => ({ name: r.more ? r.name + " and " + r.more + " alike" : r.name, utilisation: r.utilisation }));
}

function shape(groups, width) {
  const narrow = width < 520;
  const longest = Math.max(...groups.map((g) => g.name.length));
  const left = narrow ? 0 : Math.min(260, 12 + 6.7 * longest);
  const row = narrow ? 38 : Math.max(18, Math.min(30, 260 / groups.length));
  return { narrow, left, row, plot: width - left - 10, height: groups.length * row + AXIS };
}

function rowOf(group, at, s, colour, theme, page) {
  const top = at * s.row + (s.narrow ? 16 : 0), tall = s.row - GAP - (s.narrow ? 16 : 0), bin = s.plot / group.utilisation.length;
  const label = s.narrow ? page.svg("text", { x: 0, y: at * s.row + 12, "font-size": 12, fill: theme.ink }, group.name)
    : page.svg("text", { x: s.left - 8, y: top + tall / 2 + 4, "text-anchor": "end", "font-size": 12, fill: theme.ink }, group.name);
  const cells = runs(group.utilisation).filter((r) => r.shade > 0).map((r) =>
    page.svg("rect", { class: "cell", "shape-rendering": "crispEdges", x: s.left + r.start * bin, y: top, width: (r.end - r.start) * bin, height: tall, fill: colour(r.shade / 100) }));
  return [label, page.svg("rect", { x: s.left, y: top, width: s.plot, height: tall, fill: theme.soft }), ...cells];
}

function axis(s, total, theme, page) {
  const base = s.height - AXIS + 2, { ticks, unit } = scale.timeTicks(0, total, Math.max(2, s.plot / 90));
  const x = (us) => s.left + s.plot * us / total;
  const parts = ticks.flatMap(({ at, text }) => [
    page.svg("line", { x1: x(at), x2: x(at), y1: base, y2: base + 5, stroke: theme.muted }),
    page.svg("text", { x: x(at), y: base + 17, "text-anchor": at === 0 ? "start" : x(at) > s.left + s.plot - 14 ? "end" : "middle", "font-size": 11, fill: theme.muted }, text)]);
  return [page.svg("line", { x1: s.left, x2: s.left + s.plot, y1: base, y2: base, stroke: theme.muted }), ...parts,
    page.svg("text", { x: s.left + s.plot / 2, y: base + 31, "text-anchor": "middle", "font-size": 11, fill: theme.muted }, "time in " + unit)];
}

function mean(values) { return values.reduce((a, b) => a + b, 0) / values.length; }

/** The first time that a row is at its fullest. */
function peak(values) {
  const most = Math.max(...values);
  return { most, at: values.indexOf(most) };
}

/** Says what a cell is; moved by pointer and arrow keys. */
class Cursor {
  constructor(element, data, page) {
    Object.assign(this, { element, data, page, row: 0, bin: 0 });
    this.said = page.html("p", { class: "readout", "aria-live": "polite" }, "Point at a cell, or move with the arrow keys, to read it.");
    this.box = page.svg("rect", { class: "cursor", fill: "none", "stroke-width": 2, visibility: "hidden" });
  }
  put(row, bin) {
    const { groups, total_us: total } = this.data, values = groups[this.row = Math.max(0, Math.min(groups.length - 1, row))].utilisation;
    this.bin = Math.max(0, Math.min(values.length - 1, bin));
    const each = total / values.length, from = this.bin * each, s = this.shape, wide = s.plot / values.length;
    this.text = [groups[this.row].name, this.page.percent(values[this.bin]) + " full", scale.timeText(from, each / 10, from + each) + " to " + scale.timeText(from + each, each / 10)];
    this.said.textContent = this.text[0] + ": " + this.text[1] + ", " + this.text[2];
    this.element.dataset.cell = this.row + "," + this.bin;
    const top = this.row * s.row + (s.narrow ? 16 : 0);
    for (const [k, v] of Object.entries({ x: s.left + this.bin * wide, y: top, width: Math.max(2, wide), height: s.row - GAP - (s.narrow ? 16 : 0), visibility: "visible" })) this.box.setAttribute(k, v);
  }
  at(x, y) {
    const s = this.shape;
    if (x < s.left || x >= s.left + s.plot || y < 0 || y >= this.data.groups.length * s.row) return false;
    const row = Math.floor(y / s.row);
    this.put(row, Math.floor((x - s.left) / s.plot * this.data.groups[row].utilisation.length));
    return true;
  }
  key(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9], End: [0, 1e9] }[event.key];
    if (!step) return;
    event.preventDefault();
    this.put(this.row + step[0], this.bin + step[1]);
  }
}

function summary(data, page) {
  const fullest = data.groups.map((g) => [g.name, mean(g.utilisation)]).sort((a, b) => b[1] - a[1])[0];
  return "How full links were over " + page.time(data.total_us) + ", by role: " + fullest[0] + " most, " + page.percent(fullest[1]) + " on average.";
}

export function draw(element, all, page) {
  const data = { ...all, groups: joined(all.groups) };
  const cursor = new Cursor(element, data, page);
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", summary(data, page));
  element.addEventListener("keydown", (event) => cursor.key(event));
  page.onResize(element, (width) => {
    const theme = page.theme(), colour = scale.heat(theme), s = cursor.shape = shape(data.groups, width);
    cursor.box.setAttribute("stroke", theme.accent);
    cursor.box.setAttribute("visibility", "hidden");
    const image = page.svg("svg", { width, height: s.height, viewBox: "0 0 " + width + " " + s.height, role: "img", "aria-label": summary(data, page), tabindex: 0, "font-family": theme.font },
      data.groups.flatMap((g, i) => rowOf(g, i, s, colour, theme, page)), axis(s, data.total_us, theme, page), cursor.box);
    element.replaceChildren(image, scale.heatKey(page, theme, "Mean utilisation of the role's links"), cursor.said);
    const tip = tips.tipIn(element, page);
    const point = (event) => {
      const r = image.getBoundingClientRect();
      if (cursor.at(event.clientX - r.left, event.clientY - r.top)) tip.show(event.clientX - r.left, event.clientY - r.top, cursor.text);
      else tip.hide();
    };
    image.addEventListener("pointermove", point);
    image.addEventListener("pointerdown", point);
    image.addEventListener("pointerleave", () => tip.hide());
  });
  page.textTable(element, ["links", "mean utilisation, %", "fullest, %", "fullest from"], all.groups.map((g) => {
    const { most, at } = peak(g.utilisation), each = data.total_us / g.utilisation.length;
    return [g.name, 100 * mean(g.utilisation), 100 * most, scale.timeText(at * each, each / 10)];
  }));
}
