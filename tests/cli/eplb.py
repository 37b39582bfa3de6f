#!/usr/bin/env python3
"""weft eplb as a user runs it: the published example, all formats of loads, placements for an engine, and bad input.

eplb.py WEFT_BINARY
"""
import csv
import io
import json
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = str(Path(sys.argv.pop(1)).resolve())
# README.md of deepseek-ai/EPLB at d52c72d.
WEIGHT = [[90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86], [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27]]
PHY2LOG = [[5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1], [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1]]
SHAPE = ["--replicas", "16", "--groups", "4", "--nodes", "2", "--gpus", "8"]


class Eplb(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.loads = self.file("loads.json", json.dumps(WEIGHT))

    def tearDown(self):
        self.folder.cleanup()

    def file(self, name, text):
        path = Path(self.folder.name) / name
        path.write_text(text)
        return str(path)

    def weft(self, *arguments, stdin=None):
        return subprocess.run([WEFT, "eplb", *arguments], input=stdin, capture_output=True, text=True, timeout=120, cwd=self.folder.name)

    def run_ok(self, *arguments, stdin=None):
        p = self.weft(*arguments, stdin=stdin)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def refused(self, *arguments, code=3, stdin=None):
        p = self.weft(*arguments, stdin=stdin)
        self.assertEqual(p.returncode, code, p.stderr)
        self.assertEqual(p.stdout, "")
        return p.stderr

    def test_the_published_example_has_a_row_a_layer(self):
        rows = list(csv.DictReader(io.StringIO(self.run_ok(self.loads, *SHAPE, "--format", "csv"))))
        self.assertEqual([r["layer"] for r in rows], ["0", "1"])
        # C093: fullest GPUs 156 and 179.5, means 129.125 and 144.5.
        self.assertAlmostEqual(float(rows[0]["max_over_mean"]), 156 / 129.125, places=12)
        self.assertAlmostEqual(float(rows[1]["balancedness"]), 144.5 / 179.5, places=12)
        self.assertEqual(rows[0]["hottest_copies"], "2")
        self.assertEqual(rows[0]["hottest_expert"], "10")   # of those with two copies the most popular, 183
        # Unplaced: slots 0-11 and then experts 0-3 again; GPU 5 has experts 10 and 11, 183 + 86 whole.
        self.assertAlmostEqual(float(rows[0]["before_max_over_mean"]), (183 + 86) / 129.125, places=12)
        text = self.run_ok(self.loads, *SHAPE)
        self.assertIn("12 experts on 16 slots of 8 GPUs, hierarchical policy", text)
        self.assertIn("mean over 2 layers", text)

    def test_the_placement_is_what_eplb_returns(self):
        out = str(Path(self.folder.name) / "placement.json")
        self.run_ok(self.loads, *SHAPE, "--placement", out)
        p = json.loads(Path(out).read_text())
        self.assertEqual(p["phy2log"], PHY2LOG)
        self.assertEqual(p["policy"], "hierarchical")
        for layer, counts, log2phy in zip(p["phy2log"], p["expert_count"], p["log2phy"]):
            self.assertEqual(counts, [layer.count(e) for e in range(12)])
            for e, slots in enumerate(log2phy):
                self.assertEqual(len(slots), 2)
                self.assertEqual(sorted(s for s in slots if s >= 0), [s for s in range(16) if layer[s] == e])
        whole = json.loads(self.run_ok(self.loads, *SHAPE, "--json"))
        self.assertEqual(whole["placement"], p)
        self.assertEqual(len(whole["layers"]), 2)
        self.assertEqual(json.loads(self.run_ok(self.loads, *SHAPE, "--placement", "-", "-o", "rows.csv")), p)

    def test_every_format_of_the_same_loads_gives_the_same(self):
        due = self.run_ok(self.loads, *SHAPE, "--format", "csv")
        steps = [[[w - w // 2 for w in row] for row in WEIGHT], [[w // 2 for w in row] for row in WEIGHT]]
        self.assertEqual(self.run_ok("-", *SHAPE, "--format", "csv", stdin=json.dumps({"logical_count": steps})), due)
        self.assertEqual(self.run_ok("-", *SHAPE, "--format", "csv", stdin=json.dumps({"weight": WEIGHT})), due)
        lines = ["layer," + ",".join(f"e{e}" for e in range(12))] + [f"{i}," + ",".join(map(str, row)) for i, row in enumerate(WEIGHT)]
        self.assertEqual(self.run_ok(self.file("loads.csv", "\n".join(lines)), *SHAPE, "--format", "csv"), due)
        # One choice a token: as many tokens of an expert as its load; both layers need the same number of tokens, -1 fills up.
        chosen = [[e for e, w in enumerate(row) for _ in range(w)] for row in WEIGHT]
        most = max(map(len, chosen))
        tokens = [[[layer[t] if t < len(layer) else -1] for layer in chosen] for t in range(most)]
        self.assertEqual(self.run_ok("-", *SHAPE, "--experts", "12", "--format", "csv", stdin=json.dumps(tokens)), due)
        rows = ["token,layer,k0"] + [f"{t},{i},{ids[0]}" for t, token in enumerate(tokens) for i, ids in enumerate(token)]
        self.assertEqual(self.run_ok("-", *SHAPE, "--experts", "12", "--format", "csv", stdin="\n".join(rows)), due)

    def test_a_half_life_forgets_old_steps(self):
        steps = {"logical_count": [[[0, 0, 0, 64]], [[1, 1, 1, 1]]]}
        shape = ["--replicas", "6", "--groups", "1", "--nodes", "1", "--gpus", "2", "--format", "csv"]
        forgotten = list(csv.DictReader(io.StringIO(self.run_ok("-", *shape, "--half-life", "0.01", stdin=json.dumps(steps)))))
        summed = list(csv.DictReader(io.StringIO(self.run_ok("-", *shape, stdin=json.dumps(steps)))))
        self.assertEqual((forgotten[0]["hottest_copies"], summed[0]["hottest_copies"]), ("2", "3"))

    def test_the_policy_may_be_said(self):
        self.assertIn("global policy", self.run_ok(self.loads, *SHAPE, "--policy", "global"))
        self.assertIn("--groups: 4 groups do not divide over 3 nodes", self.refused(self.loads, "--replicas", "18", "--groups", "4", "--nodes", "3", "--gpus", "9", "--policy", "hierarchical"))

    def test_bad_input_names_its_place(self):
        def shape(replicas=16, groups=4, nodes=2, gpus=8):
            return ["--replicas", str(replicas), "--groups", str(groups), "--nodes", str(nodes), "--gpus", str(gpus)]
        self.assertIn("--replicas: 12 experts do not fit into 8 slots", self.refused(self.loads, *shape(replicas=8)))
        self.assertIn("--replicas: 17 slots do not divide over 8 GPUs", self.refused(self.loads, *shape(replicas=17)))
        self.assertIn("--groups: 12 experts do not divide into 5 groups", self.refused(self.loads, *shape(groups=5)))
        self.assertIn("--gpus", self.refused(self.loads, *shape(replicas=14, gpus=7)))
        self.refused(self.loads, *shape(gpus=0), code=2)
        self.refused(self.loads, *shape(replicas=-4), code=2)
        self.refused(self.loads, code=2)                              # nothing says over what
        self.assertIn("no such file", self.refused("nowhere.json", *SHAPE))
        self.assertIn("empty", self.refused("-", *SHAPE, stdin=""))
        self.assertIn("not JSON", self.refused("-", *SHAPE, stdin="[[1, 2"))
        self.assertIn("/1: 1 loads where the first row has 2", self.refused("-", *SHAPE, stdin="[[1, 2], [3]]"))
        self.assertIn("/0/1: expected a load of zero or more, got -2", self.refused("-", *SHAPE, stdin="[[1, -2]]"))
        self.assertIn("nothing says how many experts", self.refused("-", *SHAPE, stdin="[[[0, 1]]]"))
        self.assertIn("expected an expert from 0 to 11, got 12", self.refused("-", *SHAPE, "--experts", "12", stdin="[[[0, 12]]]"))
        self.assertIn("rows of 12 numbers, but there are 256 experts", self.refused(self.loads, *SHAPE, "--experts", "256"))
        self.assertIn("--half-life", self.refused(self.loads, *SHAPE, "--half-life", "-1"))
        self.assertIn("weighs steps", self.refused(self.loads, *SHAPE, "--half-life", "2"))
        self.assertIn("--placement", self.refused(self.loads, *SHAPE, "--placement", "-"))
        self.assertIn("there is no folder", self.refused(self.loads, *SHAPE, "--placement", "none/such.json", code=1))
        self.refused(self.loads, *SHAPE, "--policy", "best", code=2)

    def test_the_examples_of_help_work(self):
        self.file("loads.json", json.dumps([[e % 7 + 1 for e in range(256)]] * 3))
        self.file("recorded.json", json.dumps({"logical_count": [[[e % 7 + s for e in range(256)]] for s in range(3)]}))
        self.file("topk.csv", "token,layer," + ",".join(f"k{k}" for k in range(8)) + "\n" + "\n".join(f"{t},0," + ",".join(str(8 * t + k) for k in range(8)) for t in range(32)))
        for line in self.run_ok("--help").split("Examples:")[1].strip().splitlines():
            words, _, given = line.partition("<")
            stdin = (Path(self.folder.name) / given.strip()).read_text() if given else None
            self.run_ok(*shlex.split(words)[2:], stdin=stdin)


unittest.main(verbosity=1)
