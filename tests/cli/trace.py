#!/usr/bin/env python3
"""weft run --trace as a user runs it: files that are whole or not there, gzip, ranks, which case, mistakes.

trace.py WEFT_BINARY
"""
import gzip
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from program import WEFT, weft

ROOT = Path(os.environ["WEFT_DATA"])
CLUSTER = {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}}
ONE = {"title": "t", "cluster": CLUSTER, "workload": [{"kind": "price"}, {"id": "d", "kind": "deepep_dispatch", "ep": 16, "tokens": 64}]}
SEVERAL = {**ONE, "workload": [*ONE["workload"], {"id": "a2a", "kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 KiB", "1 MiB"]}],
           "variants": [{"name": "MPFT"}, {"name": "MRFT", "set": {"/cluster/topology/kind": "mrft"}}]}
# Draws 25.6 million tokens and takes many seconds; stopped long before.
LONG = {**ONE, "cluster": {**CLUSTER, "nodes": 32}, "workload": [{"kind": "deepep_dispatch", "ep": 256, "tokens": 100000}]}


class Trace(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.out = self.folder / "out" / "t.json"
        self.out.parent.mkdir()
        self.one = self.write("one.json", ONE)
        self.several = self.write("several.json", SEVERAL)

    def tearDown(self):
        self.temporary.cleanup()

    def write(self, name, scenario):
        path = self.folder / name
        path.write_text(json.dumps(scenario))
        return path

    def drawn(self, *arguments, path=None):
        p = weft("run", *arguments, "--trace", path or self.out)
        self.assertEqual(p.returncode, 0, p.stderr)
        return json.loads((path or self.out).read_text()), p

    def refused(self, code, *arguments, says=()):
        p = weft("run", *arguments)
        self.assertEqual(p.returncode, code, p.stderr)
        for part in says:
            self.assertIn(part, p.stderr)
        self.assertEqual(list(self.out.parent.iterdir()), [])
        return p

    def slices(self, trace):
        return [e for e in trace["traceEvents"] if e["ph"] == "X"]

    def test_the_only_case_is_drawn_and_the_result_is_told_as_always(self):
        trace, p = self.drawn(self.one, "--json")
        self.assertEqual(trace["otherData"]["title"], "t")
        self.assertTrue(trace["otherData"]["case"].startswith("t/d[ep=16"))
        self.assertEqual({e["pid"] for e in self.slices(trace)}, set(range(16)))
        self.assertIn("operations of 16 ranks", p.stderr)
        plain = json.loads(weft("run", self.one, "--json").stdout)["result"]["rows"]
        for with_trace, without in zip(json.loads(p.stdout)["result"]["rows"], plain):
            for key, value in without.items():
                if isinstance(value, float) and key != "gap_pct":
                    self.assertAlmostEqual(with_trace[key] / value if value else 1.0, 1.0, delta=1e-9, msg=key)

    def test_a_slice_has_the_fields_of_the_profiler(self):
        trace, _ = self.drawn(self.one)
        for e in self.slices(trace):
            self.assertEqual(set(e), {"ph", "cat", "name", "pid", "tid", "ts", "dur", "args"})
            self.assertEqual(e["cat"], "kernel")
            self.assertEqual(e["args"]["device"], e["pid"])
        names = {e["name"] for e in trace["traceEvents"] if e["ph"] == "M"}
        self.assertEqual(names, {"process_name", "process_labels", "process_sort_index", "thread_name", "thread_sort_index"})

    def test_the_last_slice_ends_with_the_result(self):
        trace, p = self.drawn(self.one, "--json")
        row = next(r for r in json.loads(p.stdout)["result"]["rows"] if "time_us" in r)
        self.assertAlmostEqual(max(e["ts"] + e["dur"] for e in self.slices(trace)), row["time_us"], delta=0.002)

    def test_a_file_called_gz_is_gzip(self):
        plain, _ = self.drawn(self.one)
        path = self.folder / "t.json.gz"
        p = weft("run", self.one, "--trace", path)
        self.assertEqual(p.returncode, 0, p.stderr)
        with gzip.open(path, "rt", encoding="utf-8") as f:
            self.assertEqual(json.load(f), plain)

    def test_the_same_bytes_every_time_and_whatever_the_jobs(self):
        texts = set()
        for jobs in (1, 2, 2):
            self.drawn(self.several, "--trace-of", "MRFT/a2a[gpus=32,size_B=1048576]", "--jobs", jobs)
            texts.add(self.out.read_bytes())
        self.assertEqual(len(texts), 1)

    def test_only_the_ranks_asked_for_are_drawn(self):
        everything, _ = self.drawn(self.one)
        trace, _ = self.drawn(self.one, "--trace-ranks", "0-2,9")
        self.assertEqual({e["pid"] for e in trace["traceEvents"]}, {0, 1, 2, 9})
        wanted = [e for e in self.slices(everything) if e["pid"] in (0, 1, 2, 9)]
        self.assertEqual(len(self.slices(trace)), len(wanted))
        trace, p = self.drawn(self.one, "--trace-ranks", "31")
        self.assertEqual(trace["traceEvents"], [])
        self.assertIn("nothing happens on these ranks", p.stderr)

    def test_one_of_several_cases_is_named(self):
        p = self.refused(3, self.several, "--trace", self.out, says=["10 simulations", "--trace-of", "MPFT/a2a[gpus=16,size_B=1024,pxn=true]"])
        self.assertNotIn("price", p.stderr)
        self.refused(3, self.several, "--trace", self.out, "--trace-of", "a2a[gpus=16]", says=["4 simulations"])
        self.refused(3, self.several, "--trace", self.out, "--trace-of", "MPFT/nothing", says=["nothing here is called", "MPFT/d["])
        trace, _ = self.drawn(self.several, "--trace-of", "MRFT/a2a[gpus=16,size_B=1024]")
        self.assertEqual(trace["otherData"]["case"], "MRFT/a2a[gpus=16,size_B=1024,pxn=true]")

    def test_mistakes_are_told_before_anything_runs_and_leave_nothing(self):
        self.refused(3, self.one, "--trace", self.folder / "no" / "t.json", says=["--trace: cannot write", "there is no folder"])
        self.refused(3, self.one, "--trace", self.folder, says=["this is a folder"])
        self.refused(3, self.one, "--trace", "", says=["--trace"])
        self.refused(3, self.one, "--trace", self.out, "-o", self.out, says=["cannot be one file"])
        for ranks in ("x", "3-", "5-2", "1,,2"):
            self.refused(3, self.one, "--trace", self.out, "--trace-ranks", ranks, says=["--trace-ranks"])
        self.refused(3, self.one, "--trace", self.out, "--trace-ranks", "0,32", says=["there is no rank 32", "0 to 31"])
        self.refused(2, self.one, "--trace-ranks", "0", says=["--trace"])
        self.refused(2, self.one, "--trace-of", "d", says=["--trace"])
        self.refused(3, self.one, "--trace", self.out, "--check-against", "closed-form", says=["--trace"])
        self.refused(3, self.one, "--trace", self.out, "--engine", "simgrid", says=["--trace"])
        only_price = self.write("price.json", {**ONE, "workload": ONE["workload"][:1]})
        self.refused(3, only_price, "--trace", self.out, says=["nothing in this scenario is simulated"])

    def test_a_run_that_fails_leaves_what_was_there(self):
        self.out.write_text("old")
        unreachable = {**SEVERAL, "workload": [ONE["workload"][1], {"kind": "all_to_all", "gpus": 16, "sizes": "1 KiB", "pxn": False}]}
        p = weft("run", self.write("bad.json", unreachable), "--trace", self.out, "--trace-of", "MPFT/d")
        self.assertEqual(p.returncode, 3)
        self.assertEqual([f.name for f in self.out.parent.iterdir()], ["t.json"])
        self.assertEqual(self.out.read_text(), "old")

    def test_a_full_disk_is_a_failed_run(self):
        p = weft("run", self.one, "--trace", "/dev/full")
        self.assertEqual(p.returncode, 1)
        self.assertIn("cannot write /dev/full: No space left", p.stderr)

    def test_a_run_that_is_interrupted_leaves_nothing(self):
        scenario = self.write("long.json", LONG)
        for number in (signal.SIGINT, signal.SIGTERM):
            p = subprocess.Popen([WEFT, "run", str(scenario), "--trace", str(self.out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            end = time.monotonic() + 60
            while not list(self.out.parent.iterdir()) and p.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            self.assertIsNone(p.poll())
            p.send_signal(number)
            p.communicate(timeout=60)
            self.assertEqual(p.returncode, 128 + number)
            self.assertEqual(list(self.out.parent.iterdir()), [])

    def test_links_and_devices_are_written_through(self):
        real, link = self.folder / "real.json", self.folder / "link.json"
        real.write_text("old")
        link.symlink_to(real)
        self.drawn(self.one, path=link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(weft("run", self.one, "--trace", "/dev/null").returncode, 0)
        self.assertTrue(Path("/dev/null").is_char_device())

    def test_the_examples_of_help_work(self):
        for scenario, *more in (("table5_latency", "--trace-of", "RoCE/network[pair=cross_leaf]"),
                                ("mpft_vs_mrft", "--trace-of", "MPFT/all_to_all[gpus=128,size_B=1073741824]", "--trace-ranks", "0-15,64")):
            trace, _ = self.drawn(ROOT / f"scenarios/{scenario}.json", *more)
            self.assertTrue(self.slices(trace))

    def test_a_dry_run_draws_nothing(self):
        self.assertEqual(weft("run", self.one, "--trace", self.out, "--dry-run").returncode, 0)
        self.assertEqual(list(self.out.parent.iterdir()), [])


unittest.main(verbosity=1)
