#!/usr/bin/env python3
"""weft sensitivity as a user runs it: sentence and bars, JSON for programs, lists, and what is wrong with a question.

sensitivity.py WEFT_BINARY
"""
import csv
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = sys.argv.pop(1)
SMALL = {"title": "t", "cluster": {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}},
         "workload": [{"kind": "price"}, {"id": "a2a", "kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 KiB", "1 GiB"]}],
         "variants": [{"name": "MPFT"}, {"name": "MRFT", "set": {"/cluster/topology/kind": "mrft"}}]}
CELL = "a2a[gpus=32,size_B=1073741824]/time_us"


def weft(*arguments, stdin=None):
    return subprocess.run([WEFT, *arguments], input=stdin, capture_output=True, text=True, timeout=300)


class SensitivityOfAScenario(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "s.json"
        self.file.write_text(json.dumps(SMALL))

    def tearDown(self):
        self.folder.cleanup()

    def run_ok(self, *arguments, **more):
        p = weft("sensitivity", *arguments, **more)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def refused(self, *arguments):
        p = weft("sensitivity", str(self.file), *arguments)
        self.assertEqual(p.returncode, 3, p.stdout + p.stderr)
        self.assertEqual(p.stdout, "")
        return p.stderr

    def test_a_sentence_comes_first_then_inputs_by_rank_with_a_bar(self):
        lines = self.run_ok(str(self.file), "--of", CELL).splitlines()
        self.assertTrue(lines[0].startswith("time_us of MPFT/a2a[gpus=32,size_B=1073741824"), lines[0])
        ranked = [line for line in lines if line.strip().startswith("1  ")]
        self.assertIn("|", ranked[0])
        self.assertFalse(any("nvlink_store_latency  " in line for line in lines))
        self.assertTrue(any("nvlink_store_latency  " in line for line in self.run_ok(str(self.file), "--of", CELL, "--all").splitlines()))

    def test_programs_get_every_row_and_the_same_bytes_on_any_number_of_threads(self):
        one = self.run_ok(str(self.file), "--of", CELL, "--json", "--jobs", "1")
        self.assertEqual(one, self.run_ok(str(self.file), "--of", CELL, "--json", "--jobs", "2"))
        r = json.loads(one)
        self.assertEqual(r["schema"], "weft-sensitivity/1")
        self.assertEqual(r["answer"][0]["inputs"], len(r["sensitivity"]))
        self.assertEqual([row["rank"] for row in r["sensitivity"]], list(range(1, len(r["sensitivity"]) + 1)))
        self.assertTrue(any(row["input"] == "node h800: nvlink_store_latency" and row["swing_pct"] == 0 for row in r["sensitivity"]))
        for row in r["sensitivity"]:
            self.assertNotIn(None, row.values())
            if "answer_high" in row:
                self.assertAlmostEqual(row["change_high_pct"], 100 * (row["answer_high"] / r["answer"][0]["value"] - 1), places=6)

    def test_what_it_says_of_a_value_is_what_set_gives(self):
        row = json.loads(self.run_ok(str(self.file), "--of", CELL, "--inputs", "/workload/a2a/kernel/nic_rate", "--json"))["sensitivity"][0]
        kernel = row["pointer"].rsplit("/", 1)[0]   # a default, which is named before one of its numbers changes
        p = weft("run", str(self.file), "--set", f"{kernel}=nccl_all_to_all", "--set", f"{row['pointer']}={row['high']}", "--json")
        rows = json.loads(p.stdout)["result"]["rows"]
        same = [r for r in rows if r["variant"] == "MPFT" and r.get("gpus") == 32 and r.get("size_B") == 1 << 30]
        self.assertEqual(same[0]["time_us"], row["answer_high"])

    def test_the_list_runs_nothing_more_and_names_places(self):
        r = json.loads(self.run_ok(str(self.file), "--of", CELL, "--list", "--double", "--json"))
        nic = next(row for row in r["inputs"] if row["input"] == "node h800: nic_rate")
        self.assertEqual((nic["low"], nic["base"], nic["high"]), ("200 Gbps", "400 Gbps", "800 Gbps"))
        self.assertIn("ConnectX-7", nic["source"])

    def test_set_and_standard_input_and_csv(self):
        text = self.run_ok("-", "--of", "price_MUSD", "--set", "/cluster/nodes=256", "--inputs", "/cluster/prices/*", "--by", "20%", "--format", "csv",
                           stdin=json.dumps(SMALL))
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertTrue(any(row.get("high") == "69600 USD" for row in rows), text)

    def test_bad_questions_are_refused(self):
        self.assertIn("--of", self.refused("--of", "nothing"))
        self.assertIn("may be any of 4 rows", self.refused("--of", "a2a/time_us"))
        self.assertIn("did you mean", self.refused("--of", CELL, "--inputs", "/cluster/node/nic_rat"))
        self.assertIn("--together", self.refused("--of", CELL, "--together", "/x,/y"))
        self.assertIn("--by", self.refused("--of", CELL, "--by", "ten"))
        self.assertIn("--format", self.refused("--of", CELL, "--format", "xml"))
        self.assertIn("/cluster/nodes", self.refused("--set", "/cluster/nodes=-1"))
        self.assertNotEqual(weft("sensitivity", str(self.file), "--by", "10%", "--double").returncode, 0)
        self.assertEqual(weft("sensitivity", str(self.file), "-o", "/nonexistent/s.json").returncode, 1)


unittest.main(verbosity=1)
