// What every chart of the page is given: colours, numbers as text, drawing helpers, and when to draw again.

/** Colours and font of the page as it is shown now (light or dark, screen or paper). Ask again at each drawing. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue("--" + name).trim();
  return {
    ink: colour("ink"),            // text
    muted: colour("muted"),        // second text, axes
    line: colour("line"),          // grid, borders
    soft: colour("soft"),          // behind what is empty
    surface: colour("surface"),    // behind a chart
    accent: colour("accent"),
    good: colour("good"),
    warn: colour("warn"),
    bad: colour("bad"),
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => colour("series-" + i)),
    heat: [0, 1, 2, 3, 4, 5].map((i) => colour("heat-" + i)),   // 0: nothing, 5: full
    font: style.getPropertyValue("--font").trim(),
  };
}

const watched = new Map();   // element -> {draw, width}

function redraw(element, always) {
  const entry = watched.get(element);
  const width = Math.floor(element.clientWidth);
  if (width === 0 || (!always && width === entry.width)) return;
  entry.width = width;
  entry.draw(width);
}

const observer = typeof ResizeObserver === "undefined" ? null
  : new ResizeObserver((entries) => requestAnimationFrame(() => entries.forEach((e) => watched.has(e.target) && redraw(e.target, false))));

/** Calls draw(width in CSS pixels) now, whenever the element's width changes (also from hidden to shown), and when colours change. */
export function onResize(element, draw) {
  watched.set(element, { draw, width: 0 });
  redraw(element, true);
  if (observer) observer.observe(element);
}

export function redrawAll() {
  for (const element of watched.keys()) redraw(element, true);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

export function reducedMotion() { return matchMedia("(prefers-reduced-motion: reduce)").matches; }

/** As `weft run` writes numbers: five digits that count, thousands apart: 2,048; 58.123; 4.2e-5. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "-";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e15) return value.toExponential(2).replace(/\.?0+e/, "e");
  const digits = Math.max(0, 5 - (Math.floor(Math.log10(size)) + 1));
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

/** Short, for axes: 1.5k, 20M, 3G. */
export function short(value, digits = 3) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit) return trimmed(value / unit, digits) + letter;
  }
  if (size !== 0 && size < 1e-3) return value.toExponential(digits - 2).replace(".0e", "e");
  return trimmed(value, digits);
}
/** Ticks of an axis: as short as tells them apart. */
export function ticks(values) {
  for (let digits = 3; digits < 9; ++digits) {
    const texts = values.map((v) => (v === null || v === undefined ? "" : short(v, digits)));
    const shown = texts.filter((t) => t !== "");
    if (new Set(shown).size === shown.length || digits === 8) return texts;
  }
}
function trimmed(value, digits = 3) { return String(Number(value.toPrecision(digits))); }

/** Bytes with binary units, as weft reads them: "16 KiB". */
export function bytes(value) {
  for (const [unit, name] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (Math.abs(value) >= unit) return trimmed(value / unit) + " " + name;
  }
  return trimmed(value) + " B";
}

/** A value of a column, by the unit at the end of its name: `size_B` in bytes. */
export function inColumn(column, value) {
  if (value === null || value === undefined) return "";   // a tick without a label
  return column.endsWith("_B") ? bytes(value) : short(value);
}

export function percent(ratio) { return trimmed(100 * ratio) + " %"; }

/** "12.5 us", "3.2 ms", "1.8 s". */
export function time(us) {
  const size = Math.abs(us);
  if (size >= 1e6) return trimmed(us / 1e6) + " s";
  if (size >= 1e3) return trimmed(us / 1e3) + " ms";
  return trimmed(us) + " us";
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    node.append(child.nodeType ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** An HTML element. Texts are texts: nothing in them is read as HTML. */
export function html(tag, attributes, ...children) { return fill(document.createElement(tag), attributes, children); }

/** An SVG element. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** The text equivalent of a chart: a table in a <details> below it; numbers are written by number(). Drawn once for each element. */
export function textTable(element, headers, rows, title = "As a table") {
  const figure = element.closest("figure") || element.parentElement;
  if (figure.querySelector("details.as-table")) return;
  const numeric = headers.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"));
  const cell = (value, i) => html("td", { class: numeric[i] ? "number" : null }, typeof value === "number" ? number(value) : value);
  figure.append(html("details", { class: "as-table" },
    html("summary", {}, title),
    html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      html("table", {},
        html("thead", {}, html("tr", {}, headers.map((h, i) => html("th", { scope: "col", class: numeric[i] ? "number" : null }, h)))),
        html("tbody", {}, rows.map((row) => html("tr", {}, row.map(cell))))))));
}

/** The key of a chart that is a picture: below it, where screen readers find it, in place of the one before. */
export function legendBelow(element, entries) {
  const key = legend(entries), next = element.nextElementSibling;
  if (next && next.matches("ul.legend")) next.replaceWith(key);
  else element.after(key);
}

/** A small key of colours: entries [[colour, text], ...]. */
export function legend(entries) {
  return html("ul", { class: "legend" }, entries.map(([colour, text]) =>
    html("li", {}, svg("svg", { width: 12, height: 12, "aria-hidden": "true" }, svg("rect", { width: 12, height: 12, rx: 2, fill: colour })), " ", text)));
}
