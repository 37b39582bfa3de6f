#!/usr/bin/env python3
"""weft report as a user runs it: a page of results and scenarios, what it refuses, and a weft without the chart library.

report.py WEFT_BINARY WEFT_WITHOUT_LIBRARY
"""
import html.parser
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT, WITHOUT = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
ROOT = Path(os.environ["WEFT_DATA"])
EVIL = "</script><script>alert('1')</script><img src=x onerror=\"a\">"
SMALL = {"title": "Planes & rails " + EVIL, "question": "q", "source": "s",
         "cluster": {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}, "prices": "table3-calibrated"},
         "workload": [{"kind": "price"}, {"id": "a2a", "kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 KiB", "1 MiB", "1 GiB"]}],
         "variants": [{"name": "MPFT"}, {"name": "MRFT", "set": {"/cluster/topology/kind": "mrft"}}],
         "expect": [{"of": "MPFT/price/switches", "value": 1, "tolerance_pct": 1, "source": "nobody", "known_miss": "a made-up number"}]}
VOID = {"meta"}


class Reader(html.parser.HTMLParser):
    """Elements closed in order; ids once; links inside the page; texts; elements by name."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.texts, self.tags, self.wrong = [], [], [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += ["never closed: " + t for t in self.open]
        self.wrong += ["id twice: " + i for i in {i for i in self.ids if self.ids.count(i) > 1}]
        self.wrong += ["leads nowhere: " + i for i in self.links if i not in self.ids]
        self.text = "\n".join(self.texts)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value.removeprefix("#"))
            if name.startswith("on") or name in ("src", "style"):
                self.wrong.append(f"<{tag} {name}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("closed out of order: " + tag)

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def weft(*arguments, binary=WEFT, cwd=None, stdin=None):
    return subprocess.run([binary, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=600, cwd=cwd)


class Page(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.file = self.path / "s.json"
        self.file.write_text(json.dumps(SMALL))
        self.result = self.path / "r.json"

    def tearDown(self):
        self.folder.cleanup()

    def ok(self, *arguments, **more):
        p = weft(*arguments, cwd=self.path, **more)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def refused(self, *arguments, code=3, **more):
        p = weft(*arguments, cwd=self.path, **more)
        self.assertEqual(p.returncode, code, p.stderr)
        self.assertEqual(p.stdout, "")
        self.assertFalse((self.path / "report.html").exists())
        return p.stderr

    def page(self, *arguments):
        text = self.ok("report", *arguments, "-o", "-")
        page = Reader(text)
        self.assertEqual(page.wrong, [])
        return text, page

    def write_result(self):
        self.ok("run", self.file, "--json", "-o", self.result)
        return json.loads(self.result.read_text())

    def test_a_page_of_a_result_shows_all_that_the_result_holds(self):
        result = self.write_result()
        text, page = self.page(self.result)
        for constant in result["result"]["constants"]:
            for key in ("name", "value", "source"):
                self.assertIn(constant[key], page.text)
        for columns in result["result"]["columns"].values():
            for name in columns:
                if any(name in row for row in result["result"]["rows"]):
                    self.assertIn(name, page.text)
        self.assertIn(result["input"]["digest"], page.text)
        self.assertIn(SMALL["title"], page.text)
        self.assertIn("1 GiB", page.text)
        data = json.loads(re.search(r'<script type="application/json" id="weft-data">(.*?)</script>', text, re.S)[1])
        self.assertEqual(len(data["parts"]), 1)
        self.assertGreaterEqual(len(data["parts"][0]["curves"]), 2)
        figures = [a for tag, a in page.tags if tag == "figure"]
        self.assertGreaterEqual(len(figures), 3)
        for figure in figures:
            value = data
            for key in figure["data-of"].split("/")[1:]:
                value = value[int(key)] if isinstance(value, list) else value[key]
            self.assertTrue(value)

    def test_markup_in_a_scenario_is_text(self):
        text, page = self.page(self.file)
        self.assertNotIn("<script>alert", text)
        self.assertNotIn("<img", text)
        self.assertEqual(sum(tag == "script" for tag, _ in page.tags), 2)

    def test_a_scenario_and_its_result_give_the_same_numbers_and_misses(self):
        self.write_result()
        scenario, result = self.page(self.file)[1].text, self.page(self.result)[1].text
        for words in ("known miss: a made-up number", "1 known miss"):
            self.assertIn(words, scenario)
            self.assertIn(words, result)

    def commands(self, page):
        """What the page says repeats it: lists of arguments, a line each."""
        return [shlex.split(line)[1:] for text in page.texts for line in text.split("\n") if re.match("weft (run|report) ", line)]

    def test_the_commands_of_a_page_repeat_its_numbers_and_its_bytes(self):
        self.ok("run", self.file, "--set", "/cluster/nodes=8", "--seed", "7", "--time-tolerance", "0.001", "--json", "-o", self.result)
        rows = json.loads(self.result.read_text())["result"]["rows"]
        options = ("--of", "MRFT/a2a[gpus=16,size_B=1024]", "--no-timeline")
        text, page = self.page(self.result, *options)
        run, report, from_here = self.commands(page)
        self.assertEqual(json.loads(self.ok(*run, "--json", "-q"))["result"]["rows"], rows)
        self.ok(*report, "-q")
        self.assertEqual((self.path / "report.html").read_text(), self.page(self.result.name, *options)[0])
        scenario = next(t for t in page.texts if t.startswith("{") and '"digest"' in t)
        (self.path / "scenario.json").write_text(scenario)
        again = json.loads(self.ok(*from_here, "--json", "-q"))
        self.assertEqual(again["result"]["rows"], rows)
        self.assertEqual(again["system"]["seed"], 7)
        self.assertEqual(again["input"]["digest"], json.loads(self.result.read_text())["input"]["digest"])

    def test_a_page_of_several_files_says_what_makes_it_again(self):
        self.ok("sweep", self.file, "--vary", "/cluster/nodes=4,8", "--points", "p.jsonl", "-q")
        arguments = ("s.json", "table5_latency", "p.jsonl", "--x", "price_MUSD", "--y", "price.endpoints", "--no-why")
        text, page = self.page(*arguments)
        report = self.commands(page)[-1]
        self.ok(*report, "-q")
        self.assertEqual((self.path / "report.html").read_text(), text)

    def test_verdicts_are_those_of_the_result_and_doubted_where_its_rows_say_otherwise(self):
        changed = self.write_result()
        self.assertNotIn("its own rows give", self.page(self.result)[1].text)
        changed["result"]["expectations"][0].update({"pass": True, "known_miss": ""})
        self.result.write_text(json.dumps(changed))
        text = self.page(self.result)[1].text
        self.assertIn("1 of 1 expected values met", text)
        self.assertIn("the result calls MPFT/price/switches met, but its own rows give", text)

    def test_the_same_input_gives_the_same_bytes(self):
        self.assertEqual(self.page(self.file, "--jobs", "1")[0], self.page(self.file, "--jobs", "2")[0])

    def test_the_page_goes_to_report_html_or_where_it_is_told(self):
        self.ok("report", self.file, "-q")
        self.ok("report", self.file, "-q", "-o", "other.html")
        self.assertEqual((self.path / "report.html").read_bytes(), (self.path / "other.html").read_bytes())

    def test_several_results_are_parts_of_one_page(self):
        self.write_result()
        text, page = self.page(self.result, "table5_latency")
        self.assertIn("2 results", page.text)
        self.assertIn("RoCE/network", self.page(self.result, "table5_latency", "--of", "RoCE/network[pair=cross_leaf]")[1].text)
        self.assertIn("p2-results", page.ids)

    def test_standard_input_is_a_scenario(self):
        self.assertIn("Planes &amp; rails", self.ok("report", "-", "-o", "-", stdin=self.file.read_text()))

    def stories(self, *arguments):
        text = self.page(*arguments)[0]
        return json.loads(re.search(r'id="weft-data">(.*?)</script>', text, re.S)[1])["parts"][0].get("stories", [])

    def test_the_longest_case_of_the_first_variant_is_told_in_full(self):
        self.write_result()
        rows = [r for r in json.loads(self.result.read_text())["result"]["rows"] if r["variant"] == "MPFT" and "time_us" in r]
        longest = max(rows, key=lambda r: r["time_us"])
        story = self.stories(self.result)[0]
        self.assertTrue(story["of"].startswith(f"MPFT/a2a[gpus={longest['gpus']},size_B={longest['size_B']}"), story["of"])
        # The phases of the critical path are the whole case.
        self.assertAlmostEqual(sum(p["time_us"] for p in story["phases"]) / longest["time_us"], 1, delta=1e-4)
        self.assertTrue(story["network"]["switches"])
        self.assertTrue(story["timeline"]["slices"])
        self.assertNotIn("timeline", self.stories(self.result, "--no-timeline")[0])

    def test_a_case_is_told_by_name_and_none_with_no_why(self):
        story, = self.stories(self.file, "--of", "MRFT/a2a[gpus=16,size_B=1024]")
        self.assertTrue(story["of"].startswith("MRFT/a2a[gpus=16,size_B=1024"))
        self.assertEqual(self.stories(self.file, "--no-why"), [])
        message = self.refused("report", self.file, "--of", "gpus=16")
        self.assertIn("MRFT/a2a[gpus=16,size_B=1024", message)
        self.refused("report", self.file, "--of", "absent")
        self.refused("report", self.file, "table5_latency", "--of", "absent")

    def test_a_result_that_was_changed_by_hand_is_refused(self):
        changed = self.write_result()
        changed["input"]["digest"] = "fnv1a64:0"
        self.result.write_text(json.dumps(changed))
        self.assertIn("digest", self.refused("report", self.result))

    def test_a_result_of_other_data_is_refused_with_what_differs(self):
        changed = self.write_result()
        changed["input"]["cluster"]["nodes"] = 5
        self.result.write_text(json.dumps(changed))
        message = self.refused("report", self.result)
        self.assertIn("MPFT/cluster/nodes: 4 is" if "nodes: 4 is" in message else "/cluster/nodes", message)
        self.assertIn("weft run", message)

    def test_a_number_that_does_not_come_out_any_more_is_named(self):
        changed = self.write_result()
        changed["result"]["rows"][-1]["time_us"] *= 1.01
        self.result.write_text(json.dumps(changed))
        message = self.refused("report", self.result)
        self.assertIn("time_us", message)
        self.assertIn("another version", message)

    def test_other_schemas_and_other_files_are_refused_with_a_way_out(self):
        for text, words in (('{"schema": "weft-result/2", "input": {}}', "weft-result/1"), ('{"schema": "weft-result/1"}', "without its input"),
                            ('{"a": 1}', "neither a result nor a scenario"), ("[1]", "expected a result or a scenario"), ("", "s.json"), ("{", "s.json"),
                            ('{"schema": "weft-sweep/9"}\n{"a": 1}\n', "weft-sweep/1"),
                            ('{"schema": "weft-result/1", "input": {"scenarios": {}}, "result": {}}', "weft report A.json B.json")):
            self.file.write_text(text)
            self.assertIn(words, self.refused("report", self.file), text)
        self.assertIn("absent.json", self.refused("report", "absent.json"))

    def test_a_folder_that_is_not_there_is_told_before_anything_runs(self):
        self.refused("report", self.file, "-o", "absent/page.html", code=1)

    def test_axes_come_in_pairs_and_need_a_sweep(self):
        self.assertIn("--y", self.refused("report", self.file, "--x", "price_MUSD"))
        self.assertIn("sweep", self.refused("report", self.file, "--x", "price_MUSD", "--y", "time_us"))

    def test_a_sensitivity_is_drawn_beside_a_result(self):
        rows = [{"input": "nic_rate", "low": "200 Gbps", "high": "800 Gbps", "change_low_pct": 90.5, "change_high_pct": -40.25, "elasticity": -0.9, "origin": "published"}]
        (self.path / "t.json").write_text(json.dumps({"schema": "weft-sensitivity/1", "answer": [{"cell": "MPFT/a2a/time_us", "value": 5.5}], "sensitivity": rows}))
        text, page = self.page(self.file, "t.json")
        self.assertIn("-40.25", page.text)
        self.assertIn('data-chart="tornado"', text)

    def test_a_sweep_is_drawn_as_points_with_their_front(self):
        self.ok("sweep", self.file, "--vary", "/cluster/nodes=4,8,12", "--points", "p.jsonl", "-q")
        text, page = self.page("p.jsonl", "--x", "price_MUSD", "--y", "price.endpoints")
        cloud = json.loads(re.search(r'id="weft-data">(.*?)</script>', text, re.S)[1])["sweeps"][0]
        self.assertEqual(len(cloud["x"]), 6)
        self.assertEqual(cloud["x"], sorted(cloud["x"]))
        # More endpoints cost more: of each number of nodes the cheaper network is on the front.
        self.assertGreaterEqual(sum(cloud["front"]), 3)
        self.assertIn("/cluster/nodes", page.text)
        self.assertIn("prise", self.refused("report", "p.jsonl", "--x", "prise", "--y", "endpoints"))
        self.assertIn("price_MUSD", self.page("p.jsonl")[1].text)

    def test_without_the_chart_library_weft_says_why_and_exits_77(self):
        message = self.refused("report", self.file, binary=WITHOUT, code=77)
        self.assertIn("configured with -Dreport=disabled", message)
        self.assertEqual(weft("run", self.file, "--json", binary=WITHOUT).stdout, weft("run", self.file, "--json").stdout)


if __name__ == "__main__":
    if weft("report", "--help").returncode == 0 and weft("report", "table5_latency", "-o", "-", "--no-why").returncode == 77:
        print("skipped: this weft was built without the chart library", file=sys.stderr)
        sys.exit(77)
    unittest.main()
