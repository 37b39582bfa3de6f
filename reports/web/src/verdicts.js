// Expected values and how far the results are from them, with their tolerance. Data: {rows: [{name, error_pct, tolerance_pct, verdict}]}; verdict: met, missed, known, open.
import * as page from "./page.js";

const ROW = 24, AXIS = 30, TOP = 6, MOST_PCT = 50;   // of the axis; what lies beyond stands at its end with an arrow

function reach(rows) {
  const wanted = Math.max(1, ...rows.map((r) => Math.max(Math.abs(r.error_pct), r.tolerance_pct)));
  return Math.min(MOST_PCT, wanted * 1.08);
}

function layout(width, rows) {
  const beside = width > 640;
  const left = beside ? Math.min(width * 0.5, 12 + 7.2 * Math.max(...rows.map((r) => r.name.length))) : 0;
  const each = beside ? ROW : ROW + 16;
  return { beside, left, each, middle: left + (width - left) / 2, half: (width - left) / 2 - 26, height: TOP + rows.length * each + AXIS };
}

function drawRow(row, i, box, most, theme) {
  const y = TOP + i * box.each + (box.beside ? ROW / 2 : 16 + ROW / 2);
  const x = (pct) => box.middle + box.half * Math.max(-1, Math.min(1, pct / most));
  const colour = { met: theme.good, missed: theme.bad, known: theme.warn, open: theme.muted }[row.verdict];
  const room = Math.floor((box.beside ? box.left - 12 : box.middle * 2) / 7.2);
  const name = row.name.length > room ? row.name.slice(0, room - 1) + "…" : row.name;
  const beyond = Math.abs(row.error_pct) > most;
  const at = x(row.error_pct), side = Math.sign(row.error_pct);
  const mark = row.verdict === "met" ? page.svg("circle", { cx: at, cy: y, r: 5, fill: colour })
    : beyond ? page.svg("path", { d: `M${at} ${y - 6}L${at + side * 9} ${y}L${at} ${y + 6}Z`, fill: colour })
      : page.svg("path", { d: `M${at} ${y - 6}L${at + 6} ${y}L${at} ${y + 6}L${at - 6} ${y}Z`, fill: colour });
  return page.svg("g", { class: "mark" },
    page.svg("title", {}, `${row.name}: ${row.error_pct > 0 ? "+" : ""}${page.short(row.error_pct)} %, tolerance ${page.short(row.tolerance_pct)} %`),
    page.svg("text", box.beside ? { x: box.left - 8, y: y + 4, "text-anchor": "end", "font-size": 12, fill: theme.ink } : { x: 0, y: y - ROW / 2 - 2, "font-size": 12, fill: theme.ink }, name),
    page.svg("line", { x1: x(-row.tolerance_pct), x2: x(row.tolerance_pct), y1: y, y2: y, stroke: theme.muted, "stroke-width": 7, opacity: 0.35 }),
    mark);
}

export function draw(element, data) {
  page.onResize(element, (width) => {
    const theme = page.theme(), box = layout(width, data.rows), most = reach(data.rows);
    const base = box.height - AXIS + 4, text = { y: base + 16, "font-size": 11.5, fill: theme.muted };
    const image = page.svg("svg", { width, height: box.height, "aria-hidden": "true" },
      page.svg("line", { x1: box.middle, x2: box.middle, y1: 0, y2: base, stroke: theme.ink }),
      page.svg("text", { ...text, x: box.middle, "text-anchor": "middle" }, "as expected"),
      page.svg("text", { ...text, x: box.middle - box.half, "text-anchor": "middle" }, "-" + page.short(most) + " %"),
      page.svg("text", { ...text, x: box.middle + box.half, "text-anchor": "middle" }, "+" + page.short(most) + " %"));
    data.rows.forEach((row, i) => image.append(drawRow(row, i, box, most, theme)));
    const key = [["met", theme.good, "within tolerance"], ["known", theme.warn, "out of tolerance, for a known reason"], ["missed", theme.bad, "out of tolerance"], ["open", theme.muted, "not reproducible"]];
    element.replaceChildren(image);
    page.legendBelow(element, [...key.filter(([v]) => data.rows.some((r) => r.verdict === v)).map(([, colour, words]) => [colour, words]), [theme.line, "tolerance"]]);
  });
}
