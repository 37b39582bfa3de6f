// A small box that says what is under the pointer.

/** `element` is where it may lie; returns {show(x, y, lines), hide()}, places in pixels of the element. The first line is the title. */
export function tipIn(element, page) {
  const tip = page.html("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  element.append(tip);
  return {
    show(x, y, lines) {
      tip.replaceChildren(page.html("strong", {}, lines[0]), ...lines.slice(1).map((line) => page.html("div", {}, line)));
      tip.hidden = false;
      const room = element.clientWidth - tip.offsetWidth;
      tip.style.left = Math.max(0, Math.min(room, x + 12)) + "px";
      const above = y - tip.offsetHeight - 10;
      tip.style.top = (above >= 0 ? above : Math.min(y + 18, Math.max(0, element.clientHeight - tip.offsetHeight))) + "px";
    },
    hide() { tip.hidden = true; },
  };
}
