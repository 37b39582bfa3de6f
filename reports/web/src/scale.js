// Scales that drawings share: utilisation as a colour, times on an axis.

// Magma (matplotlib, CC0) in ten steps: lightness rises evenly from one end to the other, so that more looks like more to every eye and in grey print.
const MAGMA = [[0, 0, 4], [20, 14, 54], [59, 15, 112], [100, 26, 128], [140, 41, 129], [183, 55, 121], [222, 73, 104], [247, 112, 92], [254, 159, 109], [254, 207, 146], [252, 253, 191]];

function rgb(colour) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = colour;
  const hex = probe.fillStyle;
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** 0 to 1: how light a colour is to the eye. */
export function luminance(colour) {
  const [r, g, b] = rgb(colour).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** A function of utilisation, 0 to 1, that gives a colour: what is full stands out from the page, light or dark. */
export function heat(theme) {
  const dark = luminance(theme.surface) < 0.3;
  const [empty, full] = dark ? [0.2, 1] : [0.93, 0.12];
  const colours = [];
  for (let i = 0; i <= 100; ++i) {
    const at = 10 * (empty + (full - empty) * i / 100), below = Math.min(9, Math.floor(at));
    colours.push("#" + [0, 1, 2].map((c) => Math.round(MAGMA[below][c] + (MAGMA[below + 1][c] - MAGMA[below][c]) * (at - below)).toString(16).padStart(2, "0")).join(""));
  }
  return (utilisation) => colours[Math.round(100 * Math.min(1, Math.max(0, utilisation)))];
}

/** Black or white, whichever can be read on a colour. */
export function textOn(colour) { return luminance(colour) > 0.3 ? "#000000" : "#ffffff"; }

const UNITS = [[1e6, "s"], [1e3, "ms"], [1, "us"], [1e-3, "ns"]];

/** Ticks of a time axis at round times, `most` of them or fewer: {step, unit, ticks: [{at, text}]}; times in us, the unit stands apart. */
export function timeTicks(from, to, most) {
  const rough = (to - from) / Math.max(1, most), power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= rough * (1 - 1e-9)) || 10);
  const [size, unit] = UNITS.find(([u]) => Math.max(Math.abs(from), Math.abs(to)) >= u) || UNITS[3];
  const digits = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to * (1 + 1e-12) + step * 1e-9; ++i) {
    const at = i * step + 0;   // no -0
    ticks.push({ at, text: (at / size).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) });
  }
  return { step, unit, ticks };
}

/** A moment as precise as a step of the axis wants it: "3.1415 ms"; in the unit that fits `like`. */
export function timeText(at, step, like = at) {
  const [size, unit] = UNITS.find(([u]) => Math.abs(like) >= u) || UNITS[3];
  const digits = Math.min(9, Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9)));
  return (at / size).toLocaleString("en-US", { maximumFractionDigits: digits }) + " " + unit;
}

/** The key of heat(): a strip from 0 to 100 %, and what else a drawing wants to say in `more` (elements). */
export function heatKey(page, theme, what, ...more) {
  const colour = heat(theme), width = 160;
  const steps = Array.from({ length: 20 }, (_, i) => page.svg("rect", { x: i * width / 20, y: 0, width: width / 20 + 0.5, height: 10, fill: colour((i + 0.5) / 20) }));
  const texts = [[0, "0", "start"], [width / 2, "50", "middle"], [width, "100 %", "end"]].map(([x, text, anchor]) =>
    page.svg("text", { x, y: 23, "text-anchor": anchor, "font-size": 11, fill: theme.muted }, text));
  const strip = page.svg("svg", { width, height: 26, viewBox: "0 0 " + width + " 26", "aria-hidden": "true" }, steps, texts);
  return page.html("div", { class: "key" }, page.html("span", {}, what), strip, more);
}
