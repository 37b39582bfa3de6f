// Stacked bars: rows of parts, one colour a group. Data: {unit, rows: [{name, parts: [{name, group, value}]}]}.
import * as page from "./page.js";

const BAR = 26, ROW = 58, PART = 90;   // px: a bar, its row, the least width that a part needs to bear its name

/** What a critical path waits for has one colour on the whole page, whatever else there is; links between switches share theirs. */
const RESOURCES = { SMs: 0, HBM: 1, "NIC out": 2, "NIC in": 3, NVLink: 4, uplinks: 5, downlinks: 5, PCIe: 6, storage: 6, latency: 7, "rate cap": 7, dependency: 7 };

function total(row) { return row.parts.reduce((sum, p) => sum + p.value, 0); }

function amount(unit, value) { return unit === "us" ? page.time(value) : page.number(value) + " " + unit; }

function drawRow(data, row, at, scale, colour, theme) {
  const top = at * ROW, all = total(row);
  const out = [page.svg("text", { x: 0, y: top + 16, "font-size": 13, fill: theme.ink },
    row.name, page.svg("tspan", { dx: 10, fill: theme.muted }, amount(data.unit, all)))];
  let x = 0;
  for (const part of row.parts) {
    const width = part.value * scale;
    const share = all > 0 ? page.percent(part.value / all) : "";
    const cell = page.svg("g", { class: "mark" },
      page.svg("title", {}, `${part.name}: ${amount(data.unit, part.value)} (${share})`),
      page.svg("rect", { x, y: top + 24, width: Math.max(0.5, width - 0.75), height: BAR, fill: colour(part.group) }));
    if (width > PART) {
      const room = Math.floor((width - 10) / 7);
      const text = part.name.length > room ? part.name.slice(0, room - 1) + "…" : part.name;
      cell.append(page.svg("text", { x: x + 6, y: top + 24 + BAR / 2 + 4, "font-size": 12, fill: theme.surface }, text));
    }
    out.push(cell);
    x += width;
  }
  return out;
}

export function draw(element, data) {
  const sums = new Map();
  for (const part of data.rows.flatMap((r) => r.parts)) sums.set(part.group, (sums.get(part.group) ?? 0) + part.value);
  const groups = [...sums.keys()];
  const resources = groups.every((g) => g in RESOURCES);
  const legend = resources ? groups.sort((a, b) => sums.get(b) - sums.get(a)) : groups;
  page.onResize(element, (width) => {
    const theme = page.theme();
    const colour = (group) => theme.series[(resources ? RESOURCES[group] : groups.indexOf(group)) % theme.series.length];
    const most = Math.max(...data.rows.map(total));
    const scale = most > 0 ? width / most : 0;
    const image = page.svg("svg", { width, height: data.rows.length * ROW, "aria-hidden": "true" });
    data.rows.forEach((row, i) => image.append(...drawRow(data, row, i, scale, colour, theme)));
    element.replaceChildren(image);
    page.legendBelow(element, legend.map((g) => [colour(g), g]));
  });
}
