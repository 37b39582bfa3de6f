// A timeline to zoom into: ranks and their streams from top to bottom, time from left to right. Data: timeline_data() of reports/page/picture_data.h.
import * as scale from "./scale.js";
import * as tips from "./tip.js";
import * as slices from "./timeline_data.js";

const MAP = 34, AXIS = 24, HEAD = 20, LANE = 15, TALLEST = 60, GAP = 3, CLOSEST_US = 0.01;

/** Places of rows: a rank's name above its rows; lanes of a row share its height. */
function layoutOf(model, width) {
  const narrow = width < 560, left = narrow ? 0 : Math.min(170, 16 + 6.6 * Math.max(...model.rows.map((r) => r.name.length)));
  const rows = [];
  let y = 0, rank = null;
  for (const row of model.rows) {
    const head = row.rank !== rank ? { y, text: row.rank } : null;
    if (head) y += HEAD;
    const label = narrow ? 14 : 0, tall = Math.max(LANE, Math.min(TALLEST, row.lanes.length * LANE));
    rows.push({ row, head, y: y + label, h: tall, lane: tall / row.lanes.length });
    y += tall + GAP + label;
    rank = row.rank;
  }
  return { narrow, left, width, plot: width - left, rows, height: y + AXIS };
}

/** A colour for each name: those that take most time have one of their own. */
function coloursOf(model, theme) {
  const order = [...model.names].sort((a, b) => b.time - a.time), own = order.slice(0, theme.series.length - 1);
  const colours = model.names.map(() => theme.series[theme.series.length - 1]);
  own.forEach((n, i) => { colours[n.i] = theme.series[i]; });
  return { colours, entries: own.map((n) => [colours[n.i], n.name + (n.moves ? " (transfer)" : "")]).concat(order.length > own.length ? [[theme.series[theme.series.length - 1], (order.length - own.length) + " others"]] : []) };
}

class Timeline {
  constructor(element, data, page) {
    Object.assign(this, { element, page, model: slices.read(data) });
    this.view = { from: 0, to: this.model.to };
    this.map = page.html("canvas", { class: "map", "aria-hidden": "true" });
    this.canvas = page.html("canvas", { class: "tracks", tabindex: 0, role: "img", "aria-label": this.summary(), "aria-keyshortcuts": "+ - ArrowLeft ArrowRight 0" });
    this.range = page.html("output", { class: "range", "aria-live": "polite" });
    this.said = page.html("p", { class: "readout", "aria-live": "polite" }, "Point at or tap a bar to read it.");
    this.wide = page.html("div", { class: "canvases" }, this.map, this.canvas);
    this.legend = page.html("div", {});
    element.replaceChildren(this.buttons(), this.wide, this.legend, this.said, this.hint());
    this.tip = tips.tipIn(this.wide, page);
    this.listen();
  }

  summary() {
    const top = [...this.model.names].sort((a, b) => b.time - a.time).slice(0, 3).map((n) => n.name).join(", ");
    return "Timeline of " + new Set(this.model.rows.map((r) => r.rank)).size + " ranks over " + this.page.time(this.model.to) + "; most time goes to " + top + ".";
  }

  hint() {
    const left = this.model.left_out;
    return this.page.html("p", { class: "muted hint" }, "Drag to move; Ctrl and wheel, two fingers, or + and - to zoom; 0 shows all." +
      (left > 0 ? " " + left.toLocaleString("en-US") + " shorter slices are left out." : ""));
  }

  buttons() {
    const button = (text, label, act) => {
      const b = this.page.html("button", { type: "button", "aria-label": label, title: label }, text);
      b.addEventListener("click", act);
      return b;
    };
    return this.page.html("div", { class: "tools", role: "group", "aria-label": "Zoom of the timeline" },
      button("+", "Zoom in", () => this.zoom(0.5)), button("\u2212", "Zoom out", () => this.zoom(2)),
      button("\u2190", "Earlier", () => this.move(-0.25)), button("\u2192", "Later", () => this.move(0.25)),
      button("All", "Show all", () => this.show(0, this.model.to)), this.range);
  }

  /** Shows from..to, as far as there is anything; redraws. */
  show(from, to) {
    const span = Math.min(this.model.to, Math.max(CLOSEST_US, to - from));
    this.view.from = Math.min(Math.max(0, from), this.model.to - span);
    this.view.to = this.view.from + span;
    this.paint();
  }
  /** Keeps the time at `part` of the width in place. */
  zoom(factor, part = 0.5) {
    const span = this.view.to - this.view.from, at = this.view.from + span * part;
    this.show(at - span * factor * part, at + span * factor * (1 - part));
  }
  move(part) {
    const by = part * (this.view.to - this.view.from);
    this.show(this.view.from + by, this.view.to + by);
  }

  context(canvas, width, height) {
    const ratio = Math.min(3, devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = width + "px";
      canvas.style.height = height + "px";
    }
    const c = canvas.getContext("2d");
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    return c;
  }

  resize(width) {
    this.theme = this.page.theme();
    this.layout = layoutOf(this.model, width);
    const { colours, entries } = coloursOf(this.model, this.theme);
    this.colours = colours;
    this.inks = colours.map((c) => scale.textOn(c));
    this.legend.replaceChildren(this.page.legend(entries));
    this.paint();
  }

  paint() {
    if (!this.layout) return;
    const step = (this.view.to - this.view.from) / 1000;
    this.element.dataset.from = this.view.from;
    this.element.dataset.to = this.view.to;
    this.range.textContent = scale.timeText(this.view.from, step, this.view.to) + " to " + scale.timeText(this.view.to, step) + " of " + scale.timeText(this.model.to, this.model.to / 1000);
    this.paintMap();
    this.paintTracks();
  }

  paintMap() {
    const { left, plot, width } = this.layout, c = this.context(this.map, width, MAP), theme = this.theme, n = Math.max(1, Math.floor(plot / 2));
    if (!this.dense || this.dense[0].length !== n) this.dense = slices.density(this.model, n);
    const most = this.dense[0].reduce((m, v, i) => Math.max(m, v + this.dense[1][i]), 1e-9), tall = MAP - 6;
    for (let i = 0; i < n; ++i) {
      const work = this.dense[0][i] / most * tall, moved = this.dense[1][i] / most * tall, x = left + i * plot / n;
      c.fillStyle = theme.muted;
      c.fillRect(x, MAP - 4 - work, plot / n, work);
      c.globalAlpha = 0.45;
      c.fillRect(x, MAP - 4 - work - moved, plot / n, moved);
      c.globalAlpha = 1;
    }
    const a = left + plot * this.view.from / this.model.to, b = left + plot * this.view.to / this.model.to;
    c.strokeStyle = theme.accent;
    c.lineWidth = 2;
    c.strokeRect(a + 1, 1, Math.max(2, b - a - 2), MAP - 4);
    c.fillStyle = theme.surface;
    c.globalAlpha = 0.6;
    c.fillRect(left, 0, Math.max(0, a - left), MAP);
    c.fillRect(b, 0, Math.max(0, left + plot - b), MAP);
    c.globalAlpha = 1;
  }

  paintTracks() {
    const { rows, left, plot, width, height, narrow } = this.layout, c = this.context(this.canvas, width, height), theme = this.theme;
    const x = (us) => left + (us - this.view.from) / (this.view.to - this.view.from) * plot;
    const { ticks, unit } = scale.timeTicks(this.view.from, this.view.to, Math.max(2, plot / 100));
    c.textBaseline = "middle";
    c.strokeStyle = theme.line;
    c.lineWidth = 1;
    for (const t of ticks) {
      c.beginPath();
      c.moveTo(Math.round(x(t.at)) + 0.5, 0);
      c.lineTo(Math.round(x(t.at)) + 0.5, height - AXIS);
      c.stroke();
    }
    for (const r of rows) {
      c.font = "600 12px " + theme.font;
      c.fillStyle = theme.ink;
      c.textAlign = "left";
      if (r.head) c.fillText(r.head.text, 0, r.head.y + HEAD / 2 + 1);
      c.font = "12px " + theme.font;
      c.fillStyle = theme.muted;
      if (narrow) c.fillText(r.row.name, 0, r.y - 7);
      else {
        c.textAlign = "right";
        c.fillText(r.row.name, left - 8, r.y + r.h / 2);
      }
      r.row.lanes.forEach((lane, i) => this.paintLane(c, lane, r.y + i * r.lane, r.lane, x));
    }
    c.font = "11px " + theme.font;
    c.fillStyle = theme.muted;
    ticks.forEach((t, i) => {
      const text = t.text + (i === ticks.length - 1 ? " " + unit : ""), half = c.measureText(text).width / 2;
      c.textAlign = "center";
      c.fillText(text, Math.min(width - half, Math.max(left + half, x(t.at))), height - AXIS / 2);
    });
  }

  /** Slices narrower than half a pixel that fall on one that is drawn are left to it. */
  paintLane(c, lane, y, tall, x) {
    const { left, width } = this.layout, h = tall > 4 ? tall - 1 : tall;
    let drawn = -1;
    c.textAlign = "left";
    c.font = Math.min(11, h - 2) + "px " + this.theme.font;
    for (let i = slices.firstAfter(lane, this.view.from); i < lane.start.length && lane.start[i] < this.view.to; ++i) {
      const a = Math.max(left, x(lane.start[i])), b = Math.min(width, x(lane.end[i]));
      if (b - a < 0.5 && b <= drawn) continue;
      const w = Math.max(0.75, b - a - (b - a > 3 ? 0.5 : 0)), colour = this.colours[lane.name[i]];
      c.fillStyle = colour;
      c.fillRect(a, y, w, h);
      if (lane.moves[i] && h >= 11 && w > 5) this.hatch(c, a, y, w, h);
      if (h >= 11 && w > 26) this.label(c, this.model.names[lane.name[i]].name, a, y, w, h, this.inks[lane.name[i]], lane.moves[i]);
      drawn = a + w;
    }
  }

  /** Transfers are striped at their lower edge: not by colour alone. */
  hatch(c, a, y, w, h) {
    c.save();
    c.globalAlpha = 0.55;
    c.strokeStyle = this.theme.surface;
    c.setLineDash([3, 3]);
    c.lineWidth = 1.5;
    c.beginPath();
    c.moveTo(a, y + h - 0.75);
    c.lineTo(a + w, y + h - 0.75);
    c.stroke();
    c.restore();
  }

  label(c, text, a, y, w, h, ink, moves) {
    const room = w - 6, whole = c.measureText(text).width;
    let shown = text;
    if (whole > room) {
      const keep = Math.floor(text.length * room / whole) - 1;
      if (keep < 2) return;
      shown = text.slice(0, keep) + "\u2026";
    }
    c.fillStyle = ink;
    c.fillText(shown, a + 3, y + h / 2 + (moves ? -1 : 0.5));
  }

  /** The slice at a place of the canvas. */
  at(px, py) {
    const { rows, left, plot } = this.layout, row = rows.find((r) => py >= r.y && py < r.y + r.h);
    if (!row || px < left) return null;
    const lane = row.row.lanes[Math.min(row.row.lanes.length - 1, Math.floor((py - row.y) / row.lane))], us = (this.view.to - this.view.from) / plot;
    const at = this.view.from + (px - left) * us, i = slices.firstAfter(lane, at - 2 * us);
    if (i >= lane.start.length || lane.start[i] > at + 2 * us) return null;
    const took = lane.end[i] - lane.start[i];
    return [this.model.names[lane.name[i]].name + (lane.parts[i] > 1 ? ", " + lane.parts[i] + " at the same time" : ""), this.page.time(took) + ", from " + scale.timeText(lane.start[i], Math.max(took, 1e-3) / 100), row.row.rank + ", " + row.row.name];
  }

  tell(event) {
    const r = this.canvas.getBoundingClientRect(), w = this.wide.getBoundingClientRect(), lines = this.at(event.clientX - r.left, event.clientY - r.top);
    if (!lines) return this.tip.hide();
    this.said.textContent = lines.join("; ");
    this.tip.show(event.clientX - w.left, event.clientY - w.top, lines);
  }

  part(event) {
    const r = this.canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - r.left - this.layout.left) / this.layout.plot));
  }

  listen() {
    this.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 100), this.part(event));
      else this.move(event.deltaX / this.layout.plot);
    }, { passive: false });
    this.canvas.addEventListener("keydown", (event) => {
      const act = { "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), ArrowLeft: () => this.move(-0.2), ArrowRight: () => this.move(0.2), 0: () => this.show(0, this.model.to), Home: () => this.show(0, this.model.to) }[event.key];
      if (!act || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      act();
    });
    const fingers = new Map();
    this.canvas.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      this.canvas.setPointerCapture(event.pointerId);
      this.tell(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return this.tell(event);
      if (fingers.size === 1) {
        if (event.clientX !== before.clientX) this.tip.hide();
        this.move((before.clientX - event.clientX) / this.layout.plot);
      } else {
        const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
        const was = Math.abs(before.clientX - other.clientX), is = Math.abs(event.clientX - other.clientX);
        if (was > 8 && is > 8) this.zoom(was / is, (this.part(event) + this.part(other)) / 2);
      }
      fingers.set(event.pointerId, event);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) this.canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));
    this.canvas.addEventListener("pointerleave", () => this.tip.hide());
    const jump = (event) => {
      if (event.type === "pointermove" && event.buttons === 0) return;
      const at = this.part(event) * this.model.to, half = (this.view.to - this.view.from) / 2;
      this.show(at - half, at + half);
    };
    this.map.addEventListener("pointerdown", jump);
    this.map.addEventListener("pointermove", jump);
  }
}

export function draw(element, data, page) {
  element.setAttribute("role", "group");
  const timeline = new Timeline(element, data, page);
  element.setAttribute("aria-label", timeline.summary());
  page.onResize(element, (width) => timeline.resize(width));
  const rows = slices.totals(timeline.model), most = 100;
  page.textTable(element, ["rank", "line", "operation", "count", "time, us", "first start, us"], rows.slice(0, most).map((r) => [r.rank, r.row, r.name, r.count, r.time, r.first]),
    "As a table: time by operation" + (rows.length > most ? ", the " + most + " longest of " + rows.length : ""));
}
