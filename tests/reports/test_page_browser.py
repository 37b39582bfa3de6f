#!/usr/bin/env python3
"""The page of `weft report` in headless Chromium: nothing goes wrong, every chart is drawn, can be zoomed, read aloud, printed, and fits a phone.

test_page_browser.py WEFT_BINARY FOLDER_FOR_SCREENSHOTS
Ends with 77 where there is no Chromium, or weft has been built without the page.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import browser

WEFT, SHOTS = sys.argv.pop(1), Path(sys.argv.pop(1))
ROOT = Path(os.environ["WEFT_DATA"])
WIDE, PHONE = 1280, 360   # the narrowest in use
STEP = {"title": "A small training step", "question": "Where does a step of 64 GPUs go?",
        "cluster": {"node": "h800", "nodes": 8, "topology": {"kind": "mpft"}},
        "workload": [{"id": "step", "kind": "training_step", "model": "deepseek-v3", "gpu": "h800", "schedule": "dualpipe", "pp": 4, "ep": 16, "global_batch": 640}]}
MOST_BYTES = 2_000_000


def weft(*arguments):
    return subprocess.run([WEFT, *map(str, arguments)], capture_output=True, text=True, timeout=240)


def make_page(folder, name, scenario, *settings):
    """The HTML file of a scenario that is run first; None when weft draws no pages."""
    result, page = folder / f"{name}.json", folder / f"{name}.html"
    p = weft("run", scenario, *settings, "-q", "-o", result)
    assert p.returncode == 0, p.stderr
    p = weft("report", result, "-o", page)
    if p.returncode == browser.SKIPPED:
        return None
    assert p.returncode == 0, p.stderr
    return page


# Marks: what a chart puts where its data are. A canvas is blank when all of its points look alike.
MARKS = """[...document.querySelectorAll('figure[data-chart]')].map((figure) => {
  const shapes = figure.querySelectorAll('.plot svg :is(path, rect, circle, line, polygon)').length;
  const painted = [...figure.querySelectorAll('.plot canvas')].filter((c) => c.width && c.height).map((c) => {
    const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(c, 0, 0);
    const points = new Uint32Array(copy.getImageData(0, 0, c.width, c.height).data.buffer);
    return points.some((p) => p !== points[0]);
  });
  return { chart: figure.dataset.chart, of: figure.dataset.of, drawn: figure.dataset.drawn, shapes, painted };
})"""

# Text without other elements in it, its colour against the first opaque background behind it.
CONTRASTS = """(() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const found = new Map();
  for (const e of document.querySelectorAll('h1,h2,h3,h4,p,li,a,td,th,dt,dd,figcaption,figcaption small,summary,caption,button,.badge,.readout')) {
    if (!e.textContent.trim() || e.closest('.tip') || !e.getClientRects().length) continue;
    const [a, b] = [light(channels(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.set(e.tagName + '.' + e.className, ratio.toFixed(2) + ' ' + e.textContent.trim().slice(0, 40));
  }
  return [...found].map(([k, v]) => k + ': ' + v);
})()"""

# What leads to a wider page than the window, if anything does; boxes that scroll may hold more.
TOO_WIDE = """[...document.querySelectorAll('body *')].filter((e) => {
  if (e.closest('.hidden, .skip') || e.parentElement.closest('.scroll, pre, nav, svg')) return false;
  const r = e.getBoundingClientRect();
  return r.width > 0 && r.right > innerWidth + 1;
}).slice(0, 5).map((e) => e.tagName + '.' + (e.className.baseVal ?? e.className))"""


class PageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        folder = Path(cls.temporary.name)
        step = folder / "step_scenario.json"
        step.write_text(json.dumps(STEP))
        cls.files = {"step": make_page(folder, "step", step)}
        if cls.files["step"] is None:
            print("weft has been built without the page")
            sys.exit(browser.SKIPPED)
        cls.files["networks"] = make_page(folder, "networks", ROOT / "scenarios" / "mpft_vs_mrft.json")
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.opened = {}

    def page(self, name, width=WIDE, dark=False):
        """Opened once for each look."""
        key = (name, width, dark)
        if key not in self.opened:
            self.opened[key] = self.browser.open(self.files[name], width=width, dark=dark, touch=width == PHONE)
            self.opened[key].label = "%s, %d wide%s" % (name, width, ", dark" if dark else "")
        self.opened[key].settle()
        return self.opened[key]

    def each(self, **look):
        return [self.page(name, **look) for name in self.files]

    def timeline(self, width=WIDE):
        """The page of the step with its timeline in view, and where that is."""
        page = self.page("step", width)
        box = page.js("""(() => { const c = document.querySelector('figure[data-chart=timeline] canvas.tracks'); c.scrollIntoView({ block: 'center', behavior: 'instant' });
          document.querySelector('figure[data-chart=timeline] .tools button:nth-of-type(5)').click();
          const r = c.getBoundingClientRect(); return [r.left, r.top, r.width, Math.min(r.height, innerHeight - r.top)]; })()""")
        page.settle()
        return page, box

    @staticmethod
    def shown(page):
        return page.js("(() => { const d = document.querySelector('figure[data-chart=timeline] .plot').dataset; return [+d.from, +d.to]; })()")

    def test_nothing_goes_wrong_and_nothing_is_asked_of_a_network(self):
        for width in (WIDE, PHONE):
            for page in self.each(width=width):
                self.assertEqual(page.js("document.documentElement.dataset.ready"), "yes", page.label)
                self.assertEqual(page.errors, [], page.label)
                self.assertEqual(len(page.requests), 1, page.requests)
                self.assertTrue(page.requests[0].startswith("file:"), page.requests)

    def test_every_chart_has_marks(self):
        for width in (WIDE, PHONE):
            for page in self.each(width=width):
                charts = page.js(MARKS)
                self.assertTrue({"network", "heatmap"} <= {c["chart"] for c in charts}, (page.label, charts))
                for c in charts:
                    self.assertEqual(c["drawn"], "yes", (page.label, c))
                    self.assertTrue(c["shapes"] > 2 or any(c["painted"]), (page.label, c))
        self.assertIn("timeline", [c["chart"] for c in self.page("step").js(MARKS)])
        self.assertIn("curve", [c["chart"] for c in self.page("networks").js(MARKS)])

    def test_every_chart_has_its_numbers_as_text_and_says_what_it_is(self):
        for page in self.each():
            for chart, rows, said in page.js("""[...document.querySelectorAll('figure[data-chart]')].map((f) => [f.dataset.of,
                  f.querySelectorAll('details table tbody tr').length, f.querySelector('.plot').getAttribute('aria-label') || ''])"""):
                self.assertGreater(rows, 0, (page.label, chart))
                self.assertGreater(len(said), 10, (page.label, chart))

    def test_a_timeline_is_zoomed_and_moved_by_buttons_keys_wheel_and_drag(self):
        page, (x, y, w, h) = self.timeline()
        button = "document.querySelector('figure[data-chart=timeline] .tools button:nth-of-type(%d)').click()"
        whole = self.shown(page)
        self.assertEqual(whole[0], 0)
        text = page.js("document.querySelector('figure[data-chart=timeline] .range').textContent")
        page.js(button % 1)
        half = self.shown(page)
        self.assertAlmostEqual((half[1] - half[0]) / whole[1], 0.5, 6)
        self.assertNotEqual(page.js("document.querySelector('figure[data-chart=timeline] .range').textContent"), text)
        page.js("document.querySelector('figure[data-chart=timeline] canvas.tracks').focus({ preventScroll: true })")
        page.key("+")
        quarter = self.shown(page)
        self.assertAlmostEqual((quarter[1] - quarter[0]) / whole[1], 0.25, 6)
        page.key("ArrowRight")
        self.assertGreater(self.shown(page)[0], quarter[0])
        page.key("0")
        self.assertEqual(self.shown(page), whole)
        page.mouse("mouseWheel", x + w / 2, y + h / 2, deltaX=0, deltaY=-120, modifiers=2)
        wheeled = self.shown(page)
        self.assertLess(wheeled[1] - wheeled[0], whole[1])
        page.drag(x + w / 2, y + h / 2, -100)
        dragged = self.shown(page)
        self.assertGreater(dragged[0], wheeled[0])
        self.assertAlmostEqual(dragged[1] - dragged[0], wheeled[1] - wheeled[0], 3)

    def test_a_timeline_says_what_is_under_the_pointer(self):
        page, (x, y, w, h) = self.timeline()
        told = set()
        for part in (0.3, 0.45, 0.5, 0.55, 0.7):
            for down in (30, 60, 90):
                page.mouse("mouseMoved", x + w * part, y + down)
                told.add(page.js("document.querySelector('figure[data-chart=timeline] .readout').textContent"))
        self.assertTrue([t for t in told if re.search(r"; [\d.]+ (us|ms|s), from .*; rank \d+", t)], told)

    def test_two_fingers_zoom_a_timeline_on_a_phone(self):
        page, (x, y, w, h) = self.timeline(PHONE)
        whole = self.shown(page)
        points = lambda apart: [{"x": x + w / 2 - apart, "y": y + 40, "id": 1}, {"x": x + w / 2 + apart, "y": y + 40, "id": 2}]
        page.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=points(30))
        for apart in (50, 70, 90):
            page.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=points(apart))
        page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        page.settle()
        shown = self.shown(page)
        self.assertLess(shown[1] - shown[0], 0.6 * whole[1])

    def test_a_heat_map_is_read_with_arrow_keys(self):
        page = self.page("step")
        page.js("document.querySelector('figure[data-chart=heatmap] .plot svg').focus()")
        page.key("ArrowRight")
        first = page.js("document.querySelector('figure[data-chart=heatmap] .readout').textContent")
        page.key("End")
        last = page.js("document.querySelector('figure[data-chart=heatmap] .readout').textContent")
        self.assertRegex(first, r"^.+: [\d.e-]+ % full, .+ to .+")
        self.assertNotEqual(first, last)

    def test_what_has_failed_is_crossed_out(self):
        failed = self.page("networks").js("""[...document.querySelectorAll('figure[data-chart=network]')].filter((f) => f.querySelector('.failed'))
          .map((f) => f.querySelectorAll('.cross').length)""")
        for crosses in failed:
            self.assertGreater(crosses, 0)

    def test_a_phone_shows_it_without_sideways_scrolling(self):
        for page in self.each(width=PHONE):
            self.assertLessEqual(page.js("document.documentElement.scrollWidth"), PHONE, (page.label, page.js(TOO_WIDE)))
            self.assertEqual(page.js(TOO_WIDE), [], page.label)

    def test_what_a_table_is_called_can_be_read_on_a_phone(self):
        for width in (PHONE, 390):
            for page in self.each(width=width):
                self.assertLessEqual(page.js("document.documentElement.scrollWidth - innerWidth"), 0, page.label)
                captions = page.js("[...document.querySelectorAll('caption span')].filter((e) => e.getClientRects().length).map((e) => [e.textContent, e.getBoundingClientRect().right])")
                self.assertGreater(len(captions), 2)
                self.assertEqual([c for c in captions if c[1] > width], [], page.label)

    def test_the_key_of_a_picture_is_read_aloud(self):
        for page in self.each():
            self.assertGreater(page.js("document.querySelectorAll('figure[data-chart] .legend').length"), 0, page.label)
            self.assertEqual(page.js("""[...document.querySelectorAll('[role=img] :is(.legend, .key, p, table, button)')].map((e) => e.closest('figure').dataset.chart + ': ' + e.textContent)"""), [], page.label)

    def test_answer_reason_and_doubt_are_seen_without_scrolling_and_no_long_table_is_open(self):
        for page in self.each():
            self.assertEqual(page.js("[...document.querySelectorAll('.card .lead')].filter((e) => e.getBoundingClientRect().bottom + scrollY > innerHeight).length"), 0, page.label)
            self.assertEqual(page.js("[...document.querySelectorAll('table')].filter((t) => t.tBodies[0].rows.length > 30 && !t.closest('details:not([open])')).map((t) => t.caption?.textContent)"), [], page.label)

    def test_text_stands_out_from_what_is_behind_it_by_day_and_by_night(self):
        for dark in (False, True):
            for page in self.each(dark=dark):
                self.assertEqual(page.js(CONTRASTS), [], page.label)
        backgrounds = [self.page("step", dark=dark).js("getComputedStyle(document.body).backgroundColor") for dark in (False, True)]
        self.assertNotEqual(*backgrounds)

    def test_nothing_moves_for_those_who_do_not_want_it(self):
        page = self.page("step")
        page.media(reduced_motion=True)
        self.assertEqual(page.js("getComputedStyle(document.documentElement).scrollBehavior"), "auto")
        page.media()

    def test_it_can_be_printed(self):
        for name in self.files:
            page = self.browser.open(self.files[name], width=WIDE)
            self.assertGreater(browser.pages_of_pdf(page.pdf()), 1, name)
            self.assertEqual(page.errors, [])
            page.close()

    def test_a_screen_reader_finds_its_way(self):
        for page in self.each():
            nodes = page.accessibility()
            roles = [n["role"] for n in nodes]
            self.assertEqual(roles.count("main"), 1, page.label)
            self.assertEqual([n["level"] for n in nodes if n["role"] == "heading"].count(1), 1, page.label)
            self.assertGreater(roles.count("heading"), 4, page.label)
            self.assertGreater(roles.count("table"), 0, page.label)
            wanting = ("image", "img", "heading", "button", "link", "region", "navigation")
            self.assertEqual([n for n in nodes if n["role"] in wanting and not n["name"].strip()], [], page.label)

    def test_it_is_small(self):
        for name, file in self.files.items():
            self.assertLess(file.stat().st_size, MOST_BYTES, name)

    def test_screenshots_are_not_blank(self):
        SHOTS.mkdir(parents=True, exist_ok=True)
        for width in (WIDE, PHONE):
            for name in self.files:
                page = self.page(name, width)
                page.js("scrollTo(0, 0)")
                page.screenshot(SHOTS / f"{name}_{width}.png")
                colours = browser.colours_of_png(page.screenshot(scale=0.2, height=6000))
                self.assertGreater(len(colours), 200, (name, width))
                self.assertLess(max(colours.values()) / sum(colours.values()), 0.97, (name, width))


if __name__ == "__main__":
    if browser.find_chromium() is None:
        print("there is no Chromium here: apt-get install chromium")
        sys.exit(browser.SKIPPED)
    unittest.main()
