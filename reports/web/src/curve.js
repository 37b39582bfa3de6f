// A curve over a column, one line a variant, beside expected points with their tolerance. Data: Curve of reports/page/page.h.
import uPlot from "uplot";
import * as page from "./page.js";

const HEIGHT = 300;
const LEAST_RANGE = 0.05;   // of the values
const MARGIN = 0.06;   // of the range (or its logarithm), above and below

/** Lines and the ends of their bands as one table for uPlot: x ascending, null where a line has no point. */
function joined(curve) {
  const tables = curve.lines.map((line) => [line.x, line.y, ...(line.low.length ? [line.low, line.high] : [])]);
  tables.push([[...new Set(curve.published.map((p) => p.x))].sort((a, b) => a - b)]);
  const sorted = tables.map(([x, ...ys]) => {
    const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
    return [order.map((i) => x[i]), ...ys.map((y) => order.map((i) => y[i]))];
  });
  return uPlot.join(sorted);
}

function seriesOf(curve, colours) {
  const series = [{}], bands = [];
  curve.lines.forEach((line, i) => {
    const stroke = colours[i % colours.length];
    const dash = i < colours.length ? undefined : [6, 4];
    series.push({ label: line.name, stroke, width: 2, dash, spanGaps: true, points: { show: true, size: 7, fill: stroke } });
    if (line.low.length === 0) return;
    const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
    series.push({ ...edge }, { ...edge });
    bands.push({ series: [series.length - 1, series.length - 2], fill: stroke + "33" });
  });
  return { series, bands };
}

function ends(p) {
  const part = p.tolerance_pct / 100;
  return [p.y - Math.abs(p.y) * part, p.y + Math.abs(p.y) * part];
}

/** Least and greatest y with a margin; on a log axis nothing below 0. */
function rangeOf(values, log) {
  const used = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let low = Math.min(...used), high = Math.max(...used);
  if (log) {
    const pad = Math.pow(high / low || 1, MARGIN) * (high === low ? 1.5 : 1);
    return [low / pad, high * pad];
  }
  if (low > 0 && low < 0.5 * high) low = 0;
  // Differences below a percent or two are not drawn as if they were mountains.
  const least = LEAST_RANGE * Math.max(Math.abs(low), Math.abs(high)), lacking = least - (high - low);
  if (lacking > 0) { low -= lacking / 2; high += lacking / 2; }
  const pad = (high - low || Math.abs(high) || 1) * MARGIN;
  return [low === 0 ? 0 : low - pad, high + pad];
}

/** Ticks at the x that were computed, as many as fit. */
function ticksAt(xs, log) {
  return (u, axis, min, max) => {
    const shown = xs.filter((x) => x >= min * (1 - 1e-9) && x <= max * (1 + 1e-9));
    const chosen = [];
    for (const x of shown) {
      const at = u.valToPos(x, "x");
      if (chosen.length === 0 || at - u.valToPos(chosen[chosen.length - 1], "x") > 58) chosen.push(x);
    }
    return chosen;
  };
}

/** Ticks of a logarithmic y axis: powers of ten, and 2 and 5 times them where there are few. */
function powers(u, axis, min, max) {
  const from = Math.floor(Math.log10(min)), to = Math.ceil(Math.log10(max)), out = [];
  for (let p = from; p <= to; ++p) for (const m of to - from > 3 ? [1] : [1, 2, 5]) out.push(m * 10 ** p);
  return out.filter((v) => v >= min && v <= max);
}

function drawPublished(u, curve, theme) {
  const ctx = u.ctx, ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(u.bbox.left - 8 * ratio, u.bbox.top, u.bbox.width + 16 * ratio, u.bbox.height);
  ctx.clip();
  for (const p of curve.published) {
    const x = u.valToPos(p.x, "x", true), y = u.valToPos(p.y, "y", true);
    const [low, high] = ends(p).map((v) => u.valToPos(curve.y_log && v <= 0 ? u.scales.y.min : v, "y", true));
    const cap = 5 * ratio, r = 5 * ratio;
    ctx.strokeStyle = p.pass ? theme.ink : theme.bad;
    ctx.fillStyle = theme.surface;
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(x, low); ctx.lineTo(x, high);
    ctx.moveTo(x - cap, low); ctx.lineTo(x + cap, low);
    ctx.moveTo(x - cap, high); ctx.lineTo(x + cap, high);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, y - r); ctx.lineTo(x + r, y); ctx.lineTo(x, y + r); ctx.lineTo(x - r, y); ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

/** What stands under the pointer, as a small box. */
function tipper(element, curve, lineAt) {
  const tip = page.html("div", { class: "tip", hidden: true });
  element.append(tip);
  return (u) => {
    const { idx, left, top } = u.cursor;
    if (idx === null || idx === undefined || left < 0) { tip.hidden = true; return; }
    const x = u.data[0][idx];
    const lines = curve.lines.map((line, i) => [line.name, u.data[lineAt[i]][idx]]).filter(([, y]) => y !== null && y !== undefined);
    const known = curve.published.filter((p) => p.x === x).map((p) => ["expected", p.y]);
    tip.replaceChildren(page.html("strong", {}, curve.x_name + " " + page.number(x)),
      ...[...lines, ...known].map(([name, y]) => page.html("div", {}, name + ": " + page.number(y))));
    tip.hidden = false;
    const room = element.clientWidth - tip.offsetWidth;
    tip.style.left = Math.max(0, Math.min(room, u.over.offsetLeft + left + 12)) + "px";
    tip.style.top = Math.max(0, u.over.offsetTop + top - tip.offsetHeight - 8) + "px";
  };
}

export function draw(element, curve) {
  let plot = null;
  const data = joined(curve);
  const lineAt = [];   // place of each line among uPlot's series
  let next = 1;
  for (const line of curve.lines) { lineAt.push(next); next += line.low.length ? 3 : 1; }
  page.onResize(element, (width) => {
    if (plot) plot.destroy();
    element.replaceChildren();
    const theme = page.theme();
    const { series, bands } = seriesOf(curve, theme.series);
    const values = curve.lines.flatMap((l) => [...l.y, ...l.low, ...l.high]).concat(curve.published.flatMap((p) => [p.y, ...ends(p)]));
    const [low, high] = rangeOf(values, curve.y_log);
    const axis = { stroke: theme.muted, grid: { stroke: theme.line, width: 1 }, ticks: { stroke: theme.line, width: 1 }, font: "12px " + theme.font, labelFont: "12px " + theme.font };
    plot = new uPlot({
      width, height: HEIGHT, series, bands, legend: { show: false },
      padding: [8, 26, 0, 0],
      cursor: { y: false, drag: { x: true, y: false, setScale: true } },
      scales: {
        x: { time: false, distr: curve.x_log ? 3 : 1, range: (u, min, max) => (min === max ? rangeOf([min], curve.x_log) : [min, max]) },
        y: { distr: curve.y_log ? 3 : 1, range: () => [low, high] },
      },
      axes: [
        { ...axis, label: curve.x_name, labelSize: 22, splits: ticksAt(data[0], curve.x_log), filter: (u, ticks) => ticks, values: (u, ticks) => ticks.map((v) => page.inColumn(curve.x_name, v)) },
        { ...axis, label: curve.y_name, labelSize: 22, size: 56, ...(curve.y_log ? { splits: powers, filter: (u, ticks) => ticks } : {}), values: (u, ticks) => page.ticks(ticks) },
      ],
      hooks: { draw: [(u) => drawPublished(u, curve, theme)], setCursor: [(u) => tip(u)] },
    }, data, element);
    const tip = tipper(element, curve, lineAt);
    const entries = curve.lines.map((line, i) => [theme.series[i % theme.series.length], line.name]);
    if (curve.published.length) entries.push([theme.ink, "expected, with tolerance"]);
    if (curve.published.some((p) => !p.pass)) entries.push([theme.bad, "expected, out of tolerance"]);
    page.legendBelow(element, entries);
  });
}
