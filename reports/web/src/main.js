// Draws every chart of the page into its place. The tables and texts stand there already: what fails here costs a picture, no number.
import * as page from "./page.js";
import charts from "charts";

function at(data, pointer) {
  return pointer.split("/").slice(1).reduce((value, key) => (value === undefined ? undefined : value[key]), data);
}

function drawOne(figure, data) {
  const value = at(data, figure.dataset.of);
  const element = figure.querySelector(".plot");
  if (value === undefined || !element) return;
  try {
    charts[figure.dataset.chart](element, value, page);
    figure.dataset.drawn = "yes";
  } catch (error) {
    figure.dataset.drawn = "no";
    element.removeAttribute("role");   // a text, no picture
    element.textContent = "This chart could not be drawn; its numbers are in the table.";
    console.error(figure.dataset.chart, figure.dataset.of, error);
  }
}

function openForPrint() {
  const closed = [...document.querySelectorAll("details:not([open])")];
  for (const d of closed) d.open = true;
  page.redrawAll();
  addEventListener("afterprint", () => { for (const d of closed) d.open = false; }, { once: true });
}

const data = JSON.parse(document.getElementById("weft-data").textContent);
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  if (charts[figure.dataset.chart]) drawOne(figure, data);
}
addEventListener("beforeprint", openForPrint);
document.documentElement.dataset.ready = "yes";
