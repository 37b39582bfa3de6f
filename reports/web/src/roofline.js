// Kernels under the roofs of memory (slopes) and tensor cores (flat). Data: {roofs: [{name, slope_GBps, flat_tflops}], points: [{group, name, x, y}]}.
import * as page from "./page.js";

const HEIGHT = 360, LEFT = 56, BOTTOM = 40, TOP = 10, RIGHT = 14;

function powers(low, high) {
  const out = [];
  for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); ++p) for (const m of [1, 2, 5]) out.push(m * 10 ** p);
  return out.filter((v) => v >= low * 0.999 && v <= high * 1.001);
}

/** Ranges of both axes with half an octave of room, and where a value is drawn. */
function axes(data, width) {
  const xs = data.points.map((p) => p.x), ys = data.points.map((p) => p.y).concat(data.roofs.filter((r) => r.flat_tflops > 0).map((r) => r.flat_tflops));
  const x = [Math.min(...xs) / 1.5, Math.max(...xs) * 1.5], y = [Math.min(...ys) / 1.5, Math.max(...ys) * 1.5];
  const at = (v, [low, high], from, to) => from + (to - from) * Math.log(v / low) / Math.log(high / low);
  return { x, y, px: (v) => at(v, x, LEFT, width - RIGHT), py: (v) => at(v, y, HEIGHT - BOTTOM, TOP) };
}

function thin(values, place, room) {
  const out = [];
  for (const v of values) if (out.length === 0 || Math.abs(place(v) - place(out[out.length - 1])) >= room) out.push(v);
  return out;
}

function grid(a, theme, width) {
  const text = { "font-size": 11.5, fill: theme.muted };
  const xs = thin(powers(...a.x), a.px, 42), ys = thin(powers(...a.y), a.py, 26);
  return [
    ...xs.map((v) => page.svg("g", {}, page.svg("line", { x1: a.px(v), x2: a.px(v), y1: TOP, y2: HEIGHT - BOTTOM, stroke: theme.line }),
      page.svg("text", { ...text, x: a.px(v), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, page.short(v)))),
    ...ys.map((v) => page.svg("g", {}, page.svg("line", { x1: LEFT, x2: width - RIGHT, y1: a.py(v), y2: a.py(v), stroke: theme.line }),
      page.svg("text", { ...text, x: LEFT - 6, y: a.py(v) + 4, "text-anchor": "end" }, page.short(v)))),
    page.svg("text", { ...text, x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, "FLOP per byte"),
    page.svg("text", { ...text, x: 12, y: (TOP + HEIGHT - BOTTOM) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(TOP + HEIGHT - BOTTOM) / 2})` }, "TFLOP/s"),
  ];
}

/** A flat roof begins where the steepest slope reaches it; a slope ends at the highest flat one. */
function roof(r, data, a, theme) {
  const slopes = data.roofs.filter((o) => o.slope_GBps > 0).map((o) => o.slope_GBps), flats = data.roofs.filter((o) => o.flat_tflops > 0).map((o) => o.flat_tflops);
  const top = flats.length ? Math.max(...flats) : a.y[1];
  let x1 = a.x[0], x2 = a.x[1], y1 = r.flat_tflops, y2 = r.flat_tflops;
  if (r.slope_GBps > 0) {
    x1 = Math.max(x1, 1e3 * a.y[0] / r.slope_GBps);
    x2 = Math.min(x2, 1e3 * top / r.slope_GBps);
    [y1, y2] = [x1, x2].map((x) => x * r.slope_GBps / 1e3);
  } else if (slopes.length) {
    x1 = Math.max(x1, 1e3 * r.flat_tflops / Math.max(...slopes));
  }
  return page.svg("line", { x1: a.px(x1), y1: a.py(y1), x2: a.px(x2), y2: a.py(y2), stroke: theme.ink, "stroke-width": 1.5 }, page.svg("title", {}, r.name));
}

export function draw(element, data) {
  const groups = [...new Set(data.points.map((p) => p.group))];
  page.onResize(element, (width) => {
    const theme = page.theme(), a = axes(data, width);
    const colour = (g) => theme.series[groups.indexOf(g) % theme.series.length];
    const image = page.svg("svg", { width, height: HEIGHT, "aria-hidden": "true" }, ...grid(a, theme, width), ...data.roofs.map((r) => roof(r, data, a, theme)));
    for (const p of data.points) {
      image.append(page.svg("circle", { class: "mark", cx: a.px(p.x), cy: a.py(p.y), r: 4.5, fill: colour(p.group), stroke: theme.surface },
        page.svg("title", {}, `${p.group}, ${p.name}: ${page.number(p.y)} TFLOP/s at ${page.number(p.x)} FLOP per byte`)));
    }
    element.replaceChildren(image);
    page.legendBelow(element, [...groups.map((g) => [colour(g), g]), ...data.roofs.map((r) => [theme.ink, "roof: " + r.name])]);
  });
}
