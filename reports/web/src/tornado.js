// A tornado: how far the answer moves to either side when one input does. Data: {bars: [{input, low_pct, high_pct, low, high, origin}]}, the longest first.
import * as page from "./page.js";

const ROW = 26, AXIS = 26;

/** What nobody measured or published says so: "(assumed)", and "(default)" of what nobody chose. */
function mark(b) { return b.origin === "assumed" || b.origin === "default" ? ` (${b.origin})` : ""; }

/** A name that fits: the mark stays. */
function label(b, room) {
  const most = Math.floor(room / 6.9) - mark(b).length;
  return (b.input.length > most ? b.input.slice(0, most - 1) + "…" : b.input) + mark(b);
}

function signed(value) { return (value > 0 ? "+" : "") + page.short(value) + " %"; }

/** Where names stand: beside the bars where there is room, else above them. */
function layout(width, bars) {
  const longest = Math.max(...bars.map((b) => b.input.length));
  const beside = width > 560;
  const left = beside ? Math.min(longest * 7.2 + 12, width / 2.5) : 0;
  return { beside, left, row: beside ? ROW : ROW + 18, span: width - left - 110 };
}

function drawBar(b, at, box, most, theme) {
  const zero = box.left + 55 + box.span / 2;
  const scale = most > 0 ? box.span / 2 / most : 0;
  const top = at * box.row + (box.beside ? 4 : 20), height = 17;
  const side = (value, text, fill) => page.svg("rect", { x: zero + Math.min(0, value * scale), y: top, width: Math.max(1, Math.abs(value * scale)), height, fill },
    page.svg("title", {}, `${b.input}${text ? " = " + text : ""}: ${signed(value)}`));
  const out = [
    page.svg("text", box.beside ? { x: box.left, y: top + 13, "text-anchor": "end", "font-size": 12.5, fill: theme.ink } : { x: 0, y: top - 6, "font-size": 12.5, fill: theme.ink },
      label(b, box.beside ? box.left : box.span + 110)),
    page.svg("g", { class: "mark" }, side(b.low_pct, b.low, theme.series[0]), side(b.high_pct, b.high, theme.series[1])),
  ];
  for (const direction of [-1, 1]) {
    const ends = [b.low_pct, b.high_pct].filter((v) => v * direction > 0);
    if (ends.length === 0) continue;
    const value = direction * Math.max(...ends.map(Math.abs));
    out.push(page.svg("text", { x: zero + value * scale + direction * 5, y: top + 13, "text-anchor": direction < 0 ? "end" : "start", "font-size": 11.5, fill: theme.muted }, signed(value)));
  }
  return out;
}

export function draw(element, data) {
  if (data.bars.length === 0) { element.after(page.html("p", {}, "No input moved the answer.")); return; }
  const most = Math.max(...data.bars.flatMap((b) => [Math.abs(b.low_pct), Math.abs(b.high_pct)]));
  page.onResize(element, (width) => {
    const theme = page.theme(), box = layout(width, data.bars.map((b) => ({ input: b.input + mark(b) })));
    const height = data.bars.length * box.row + AXIS;
    const zero = box.left + 55 + box.span / 2;
    const image = page.svg("svg", { width, height, "aria-hidden": "true" }, page.svg("line", { x1: zero, x2: zero, y1: 0, y2: height - AXIS + 4, stroke: theme.line }),
      page.svg("text", { x: zero, y: height - 8, "text-anchor": "middle", "font-size": 11.5, fill: theme.muted }, "as it is"));
    data.bars.forEach((b, i) => image.append(...drawBar(b, i, box, most, theme)));
    element.replaceChildren(image);
    page.legendBelow(element, [[theme.series[0], "input lowered"], [theme.series[1], "input raised"]]);
  });
}
