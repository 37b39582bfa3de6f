#!/usr/bin/env python3
"""weft calibrate import as a user runs it: what it shows, what it writes, how it refuses.

import_measurements.py WEFT_BINARY
"""
import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = sys.argv.pop(1)
PUBLISHED = Path(os.environ["WEFT_DATA"]) / "models" / "measurements" / "deepgemm_2025_02_25.json"


def weft(*arguments, stdin=None):
    return subprocess.run([WEFT, "calibrate", "import", *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=60)


class Import(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_ok(self, *arguments, **more):
        p = weft(*arguments, **more)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def refused(self, parts, *arguments, **more):
        p = weft(*arguments, **more)
        self.assertEqual((p.returncode, p.stdout), (3, ""), p.stderr)
        for part in parts:
            self.assertIn(part, p.stderr)

    def test_the_summary_counts_families_and_shares(self):
        rows = {(r["family"], r.get("variant")): r for r in json.loads(self.run_ok(PUBLISHED, "--json"))["kernels"]}
        self.assertEqual(rows["gemm", "fp8_block"]["kernels"], 18)
        self.assertEqual(rows["grouped_gemm", "fp8_masked"]["with_shape"], 6)
        self.assertEqual(rows["total", None]["kernels"], 28)
        self.assertAlmostEqual(sum(r["share_pct"] for k, r in rows.items() if k[0] != "total"), 100, places=9)
        self.assertIn("digest of the file: fnv1a64:", self.run_ok(PUBLISHED))

    def test_what_is_written_is_read_again_with_the_same_rows(self):
        one, two = self.folder / "one.csv", self.folder / "two.json"
        self.assertEqual(self.run_ok(PUBLISHED, "-o", one), "")
        self.run_ok(one, "-o", two)
        shipped, back = json.loads(PUBLISHED.read_text())["rows"], json.loads(two.read_text())["rows"]
        self.assertEqual([(r["m"], r["n"], r["k"], r["time_us"]) for r in shipped], [(r["m"], r["n"], r["k"], r["time_us"]) for r in back])
        self.assertEqual(len(list(csv.DictReader(one.read_text().splitlines()))), 28)

    def test_only_keeps_what_has_the_text_in_its_label(self):
        table = self.folder / "t.csv"
        table.write_text("family,m,n,k,time_us,label\ngemm,1,1,1,5,attn(F) o\ngemm,1,1,1,7,attn(B) o_dgrad\n")
        out = self.folder / "o.json"
        self.run_ok(table, "--only", "dgrad", "-o", out)
        self.assertEqual([r["time_us"] for r in json.loads(out.read_text())["rows"]], [7])
        self.refused(["--only", "wgrad"], table, "--only", "wgrad")

    def test_standard_input_is_a_file_too(self):
        self.assertIn("launch", self.run_ok("-", stdin="family,time_ms\nlaunch,1\n"))

    def test_refusals_name_file_and_line(self):
        self.refused(["standard input:2: time_us: the time is negative"], "-", stdin="family,time_us\nlaunch,-1\n")
        self.refused(["the column \"latency\" does not say its unit", "time_us"], "-", stdin="family,latency\nlaunch,1\n")
        self.refused(["no reader knows this file", "kineto", "deepgemm"], "-", stdin="hello\n")
        self.refused(["--from", "did you mean \"kineto\""], PUBLISHED, "--from", "kinetto")
        self.refused(["there is no such file"], self.folder / "gone.json")
        self.refused(["the file is empty"], "-", stdin="")
        self.refused(["cut off"], "-", stdin='{"traceEvents": [{"ph": "X", "na')
        self.refused(["-o", "json or -o FILE.csv"], PUBLISHED, "-o", self.folder / "o.md")

    def test_a_trace_without_shapes_is_shown_and_not_written(self):
        trace = '[{"ph":"X","cat":"kernel","name":"mine","ts":1,"dur":2,"args":{}}]'
        self.assertIn("other", self.run_ok("-", stdin=trace))
        self.refused(["no measurement with a shape"], "-", "-o", self.folder / "o.json", stdin=trace)


unittest.main(verbosity=1)
