// A network: switches in tiers, cables coloured by how full they are, what has failed crossed out. Data: network_data() of reports/page/picture_data.h.
import * as scale from "./scale.js";
import * as tips from "./tip.js";
import * as layout from "./network_layout.js";

const UNUSED = 0.0005;   // below a twentieth of a percent nothing was carried

/** Points of the way half way down a quadratic curve (or straight line): two curves that meet. */
function halves(a, c, b) {
  const mid = (p, q) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
  const ac = mid(a, c), cb = mid(c, b), m = mid(ac, cb);
  const xy = ([x, y]) => x.toFixed(1) + " " + y.toFixed(1);
  const path = (p, q, r) => "M" + xy(p) + "Q" + xy(q) + " " + xy(r);
  return { first: path(a, ac, m), second: path(m, cb, b), middle: m };
}

function cross(page, [x, y], size, colour) {
  return page.svg("path", { class: "cross", d: `M${x - size} ${y - size}L${x + size} ${y + size}M${x - size} ${y + size}L${x + size} ${y - size}`, stroke: colour, "stroke-width": 2, fill: "none" });
}

/** One drawing of one part (a plane, or all). */
class Panel {
  constructor(shape, paint, page) { Object.assign(this, { shape, paint, page }); }

  half(path, used, wide) {
    const idle = used < UNUSED;
    return this.page.svg("path", { d: path, stroke: idle ? this.paint.theme.line : this.paint.colour(used), "stroke-width": idle ? Math.min(1, wide) : wide, fill: "none" });
  }

  bundle(b) {
    const from = this.shape.at(b.from), to = this.shape.at(b.to);
    if (b.from === b.to) return null;
    const way = this.shape.way(from, to), { first, second, middle } = halves(way[0], way[1], way[2]);
    const wide = Math.min(this.shape.thickest, 0.8 + 0.5 * Math.sqrt(b.cables));
    const g = this.page.svg("g", { class: "cable", "data-bundle": b.number });
    if (b.failed === b.cables) {
      g.append(this.page.svg("path", { d: first + " " + second, stroke: this.paint.theme.bad, "stroke-width": Math.min(1.2, wide + 0.3), "stroke-dasharray": "4 3", fill: "none" }));
      if (!from.failed && !to.failed) g.append(cross(this.page, middle, 4, this.paint.theme.bad));
      return g;
    }
    g.append(this.half(first, b.up, wide), this.half(second, b.down, wide));
    if (b.failed > 0) g.append(cross(this.page, middle, 3, this.paint.theme.bad));
    return g;
  }

  box(s) {
    const { page, paint } = this, place = this.shape.at(s.number), { x, y, w, h } = place;
    const idle = Math.max(s.out, s.in) < UNUSED, fill = this.shape.ring && !idle && !s.failed ? paint.colour(Math.max(s.out, s.in)) : paint.theme.surface;
    const stroke = s.failed ? paint.theme.bad : place.inside > UNUSED ? paint.colour(place.inside) : paint.theme.muted;
    const g = page.svg("g", { class: "switch", "data-switch": s.number },
      page.svg("rect", { x: x - w / 2, y: y - h / 2, width: w, height: h, rx: Math.min(3, w / 3), fill, stroke, "stroke-width": w < 6 ? 1 : place.inside > UNUSED ? 2.5 : 1.2, "stroke-dasharray": s.failed ? "3 2" : null }));
    if (s.failed) g.append(cross(page, [x, y], Math.max(4, Math.min(7, h / 2)), paint.theme.bad));
    else if (place.label) g.append(page.svg("text", { x, y: y + 4, "text-anchor": "middle", "font-size": 11, fill: paint.theme.ink }, place.label));
    return g;
  }

  /** The cables of a switch to its NICs, as one: near the switch what arrives in NICs, away from it what leaves them. */
  stub(s) {
    const { x, y, w, h } = this.shape.at(s.number), [end, wide] = this.shape.stub(x, y, w, h);
    if (!s.endpoints || !end) return null;
    const middle = [(x + end[0]) / 2, (y + h / 2 + end[1]) / 2], start = this.shape.ring ? [x, y] : [x, y + h / 2];
    if (this.shape.ring) middle[1] = (y + end[1]) / 2;
    const line = (a, b) => `M${a[0].toFixed(1)} ${a[1].toFixed(1)}L${b[0].toFixed(1)} ${b[1].toFixed(1)}`;
    const g = this.page.svg("g", { class: "nics", "data-switch": s.number }, this.half(line(start, middle), s.in, wide), this.half(line(middle, end), s.out, wide));
    if (s.endpoints_down > 0) g.append(cross(this.page, middle, 3, this.paint.theme.bad));
    return g;
  }

  draw() {
    const { page, paint, shape } = this;
    const cables = shape.bundles.map((b) => [Math.max(b.up, b.down), this.bundle(b)]).filter(([, g]) => g).sort((a, b) => a[0] - b[0]).map(([, g]) => g);
    const texts = shape.texts.map((t) => page.svg("text", { x: t.x, y: t.y, "text-anchor": t.anchor || "start", "font-size": t.size || 11, "font-weight": t.bold ? 600 : null, fill: t.strong ? paint.theme.ink : paint.theme.muted }, t.text));
    const strip = shape.strip && [page.svg("rect", { x: shape.strip.x, y: shape.strip.y, width: shape.strip.w, height: shape.strip.h, rx: 3, fill: paint.theme.line, "fill-opacity": 0.6 }),
      page.svg("text", { x: shape.strip.x + shape.strip.w / 2, y: shape.strip.y + 13, "text-anchor": "middle", "font-size": 11, fill: paint.theme.ink }, shape.strip.text)];
    return page.svg("svg", { class: "panel", width: shape.width, height: shape.height, viewBox: "0 0 " + shape.width + " " + shape.height, role: "img", "aria-label": shape.said, "font-family": paint.theme.font },
      cables, shape.switches.map((s) => this.stub(s)), strip || [], shape.switches.map((s) => this.box(s)), texts);
  }
}

function read(data) {
  const switches = data.switches.map(([name, tier, group, endpoints, endpoints_down, members, failed, out, into], number) =>
    ({ number, name, tier, group, endpoints, endpoints_down, members, failed: failed === 1, out, in: into }));
  const bundles = data.bundles.map(([from, to, cables, failed, up, down], number) => ({ number, from, to, cables, failed, up, down }));
  return { ...data, switches, bundles };
}

function many(count, what) { return count.toLocaleString("en-US") + " " + what + (count === 1 ? "" : "s"); }

function linesOf(event, net, page) {
  const hit = event.target.closest("[data-bundle],[data-switch]");
  if (!hit) return null;
  if (hit.dataset.bundle !== undefined) {
    const b = net.bundles[hit.dataset.bundle];
    return [net.switches[b.from].name + " to " + net.switches[b.to].name, many(b.cables, "cable") + (b.failed ? ", " + b.failed + " down" : ""),
      "fullest: " + page.percent(b.up) + " there, " + page.percent(b.down) + " back"];
  }
  const s = net.switches[hit.dataset.switch];
  return [s.name + (s.failed ? " (down)" : ""), ...(s.members > 1 ? [many(s.members, "switch") .replace("switchs", "switches") + " drawn as one"] : []),
    ...(s.endpoints ? [many(s.endpoints, "NIC") + (s.endpoints_down ? ", " + s.endpoints_down + " cut off" : ""), "fullest: " + page.percent(s.out) + " out, " + page.percent(s.in) + " in"] : [])];
}

function tableOf(net) {
  const rows = net.bundles.map((b) => [net.switches[b.from].name, net.switches[b.to].name, b.cables, b.failed, 100 * b.up, 100 * b.down]);
  for (const s of net.switches) if (s.endpoints) rows.push(["NICs", s.name, s.endpoints, s.endpoints_down, 100 * s.out, 100 * s.in]);
  rows.sort((a, b) => (b[3] > 0) - (a[3] > 0) || Math.max(b[4], b[5]) - Math.max(a[4], a[5]));
  const most = 200, shown = rows.slice(0, most), rest = rows.slice(most);
  const note = rest.length ? " (the first " + most + " of " + rows.length.toLocaleString("en-US") + "; the others are at most " + Math.round(Math.max(...rest.map((r) => Math.max(r[4], r[5])))) + " % full)" : "";
  return { rows: shown, title: "As a table: cables, those with failures and the fullest first" + note };
}

/** What a screen reader is told. */
function summary(net, page) {
  const most = [...net.bundles].sort((a, b) => Math.max(b.up, b.down) - Math.max(a.up, a.down))[0];
  const nic = [...net.switches].sort((a, b) => Math.max(b.out, b.in) - Math.max(a.out, a.in))[0];
  return net.title + ". " + (most ? "Fullest cables between switches: " + net.switches[most.from].name + " to " + net.switches[most.to].name + ", " + page.percent(Math.max(most.up, most.down)) + ". " : "") +
    (nic ? "Fullest NICs: at " + nic.name + ", " + page.percent(Math.max(nic.out, nic.in)) + ". " : "") + (net.failed.length ? "Down: " + net.failed.join(", ") + "." : "");
}

function notes(net, page) {
  const out = [];
  if (net.failed.length) out.push(page.html("p", { class: "failed" }, page.html("strong", {}, "Down from the start: "), net.failed.slice(0, 12).join(", ") + (net.failed.length > 12 ? " and " + (net.failed.length - 12) + " more" : "") + "."));
  const merged = Math.max(...net.switches.map((s) => s.members));
  if (merged > 1) out.push(page.html("p", { class: "muted" }, "Too large to draw each switch: a box stands for up to " + many(merged, "switch").replace("switchs", "switches") + ", a line for all cables between two boxes and is as full as the fullest of them."));
  return out;
}

function key(net, ring, page, theme) {
  const bad = net.failed.length || net.bundles.some((b) => b.failed) || net.switches.some((s) => s.failed || s.endpoints_down);
  const sample = (child) => page.svg("svg", { width: 28, height: 14, viewBox: "0 0 28 14", "aria-hidden": "true" }, child);
  const more = [page.html("span", {}, sample(page.svg("path", { d: "M2 7H26", stroke: theme.line, "stroke-width": 2 })), " unused")];
  if (bad) more.push(page.html("span", {}, sample([page.svg("path", { d: "M2 7H26", stroke: theme.bad, "stroke-width": 1.2, "stroke-dasharray": "4 3" }), cross(page, [14, 7], 4, theme.bad)]), " down"));
  const dots = ring ? " A dot is a router or several, as full as the fullest cable to one of its NICs." : " Below the leaves: their cables to NICs.";
  return [scale.heatKey(page, theme, "Utilisation of the fullest cable", ...more),
    page.html("p", { class: "muted hint" }, "Each half of a line shows what leaves the end that it touches; thicker lines are more cables." + dots)];
}

export function draw(element, data, page) {
  const net = read(data);
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", summary(net, page));
  page.onResize(element, (width) => {
    const theme = page.theme(), paint = { theme, colour: scale.heat(theme) };
    const shapes = layout.panels(net, width), panels = shapes.map((shape) => new Panel(shape, paint, page).draw());
    element.replaceChildren(page.html("div", { class: "panels" }, panels), ...key(net, shapes.some((s) => s.ring), page, theme), ...notes(net, page));
    const tip = tips.tipIn(element, page);
    const point = (event) => {
      const lines = linesOf(event, net, page), r = element.getBoundingClientRect();
      if (lines) tip.show(event.clientX - r.left, event.clientY - r.top, lines);
      else tip.hide();
    };
    element.firstChild.addEventListener("pointermove", point);
    element.firstChild.addEventListener("pointerdown", point);
    element.firstChild.addEventListener("pointerleave", () => tip.hide());
  });
  const table = tableOf(net);
  page.textTable(element, ["from", "to", "cables", "down", "fullest there, %", "fullest back, %"], table.rows, table.title);
}
