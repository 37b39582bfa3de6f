// Points of a sweep in two columns, and the front of those that nothing beats in both. Data: {x_name, y_name, x, y, front, names}, x ascending.
import uPlot from "uplot";
import * as page from "./page.js";

const HEIGHT = 380;

function padded(u, low, high) {
  const pad = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - pad, high + pad];
}

export function draw(element, data) {
  const front = data.y.map((y, i) => (data.front[i] ? y : null));
  let plot = null;
  page.onResize(element, (width) => {
    if (plot) plot.destroy();
    const theme = page.theme();
    const axis = { stroke: theme.muted, grid: { stroke: theme.line, width: 1 }, ticks: { stroke: theme.line, width: 1 }, font: "12px " + theme.font, labelFont: "12px " + theme.font, labelSize: 22 };
    const tip = page.html("div", { class: "tip", hidden: true });
    const show = (u) => {
      const { idx, left } = u.cursor;
      tip.hidden = idx === null || idx === undefined || left < 0;
      if (tip.hidden) return;
      tip.textContent = `${data.names[idx]}: ${data.x_name} ${page.number(data.x[idx])}, ${data.y_name} ${page.number(data.y[idx])}`;
      tip.style.left = Math.max(0, Math.min(element.clientWidth - tip.offsetWidth, u.over.offsetLeft + left + 10)) + "px";
      tip.style.top = Math.max(0, u.valToPos(data.y[idx], "y") - tip.offsetHeight) + "px";
    };
    element.replaceChildren();
    plot = new uPlot({
      width, height: HEIGHT, legend: { show: false }, padding: [8, 16, 0, 0],
      cursor: { drag: { x: true, y: true, uni: 20, setScale: true } },
      scales: { x: { time: false, range: padded }, y: { range: padded } },
      series: [{}, { stroke: theme.series[0], paths: () => null, points: { show: true, size: 6, fill: theme.series[0] } },
        { stroke: theme.series[1], width: 2, spanGaps: true, points: { show: true, size: 9, fill: theme.series[1] } }],
      axes: [{ ...axis, label: data.x_name, values: (u, ticks) => page.ticks(ticks) }, { ...axis, label: data.y_name, size: 60, values: (u, ticks) => page.ticks(ticks) }],
      hooks: { setCursor: [show] },
    }, [data.x, data.y, front], element);
    element.append(tip);
    page.legendBelow(element, [[theme.series[0], "points"], ...(data.front.includes(1) ? [[theme.series[1], "front"]] : [])]);
  });
}
