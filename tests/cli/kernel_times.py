#!/usr/bin/env python3
"""Kernel times in scenarios as a user asks for them: cost models, calibrations, bands, refusals.

kernel_times.py WEFT_BINARY
"""
import json
import os
import tempfile
import unittest
from pathlib import Path

from program import RunsWeft, weft

ROOT = Path(os.environ["WEFT_DATA"])
CLUSTER = {"node": "endpoint", "nodes": 1, "topology": {"kind": "single_switch"}}


class KernelTimes(RunsWeft):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.scenario("h800")

    def scenario(self, gpu, **more):
        work = {"kind": "kernel", "gpu": gpu, "family": "gemm", "shape": {"m": [64, 4096], "n": 7168, "k": 16384}, **more}
        path = self.folder / f"{gpu}.json"
        path.write_text(json.dumps({"title": "t", "cluster": CLUSTER, "workload": [work]}))
        return path

    def rows(self, *arguments):
        return json.loads(self.run_ok("run", *arguments, "--json", "--quiet"))["result"]["rows"]

    def refused(self, parts, *arguments, code=3):
        p = weft(*arguments)
        self.assertEqual((p.returncode, p.stdout), (code, ""), p.stderr)
        for part in parts:
            self.assertIn(part, p.stderr)

    def test_the_cost_model_is_chosen_and_named_in_every_row(self):
        for name in ["roofline", "fitted", "measured"]:
            for row in self.rows(self.file, "--cost-model", name):
                self.assertEqual(row["cost_model"], name)
                self.assertEqual("calibration" in row, name != "roofline")
        self.assertEqual(self.rows(self.file), self.rows(self.file, "--cost-model", "measured"))
        self.refused(["--cost-model", "there is no cost model", "measured"], "run", self.file, "--cost-model", "measurd")
        self.refused(["--cost-model"], "sweep", self.file, "--vary", "/workload/kernel/gpu=h800", "--cost-model", "measurd")

    def test_a_calibration_is_a_name_or_a_file_and_travels_with_the_result(self):
        mine = self.folder / "mine.json"
        mine.write_text((ROOT / "models/calibrations/h800_training.json").read_text())
        result = self.folder / "result.json"
        self.run_ok("run", self.file, "--calibration", mine, "--cost-model", "fitted", "--json", "-o", result)
        system = json.loads(result.read_text())["system"]
        self.assertEqual((system["cost_model"], system["calibration_files"]), ("fitted", [str(mine)]))
        self.assertIn("calibration mine", system["calibrations"])
        self.assertEqual(json.loads(self.run_ok("run", result, "--json"))["result"]["rows"], json.loads(result.read_text())["result"]["rows"])
        by_name = self.rows(self.file, "--calibration", "h800_training", "--cost-model", "fitted")
        self.assertEqual([r["time_us"] for r in by_name], [r["time_us"] for r in json.loads(result.read_text())["result"]["rows"]])
        self.refused(["--calibration", "h800_training"], "run", self.file, "--calibration", "h800_trainin")
        self.refused(["no_such.json"], "run", self.file, "--calibration", self.folder / "no_such.json")

    def test_a_calibration_of_another_gpu_is_refused_unless_forced(self):
        other = self.scenario("h100")
        self.refused(["h800_inference is of h800", "--force"], "run", other, "--calibration", "h800_inference")
        r = json.loads(self.run_ok("run", other, "--calibration", "h800_inference", "--force", "--json"))
        self.assertTrue(r["system"]["forced"])
        self.assertIn("calibration h800_inference (of h800, forced)", r["system"]["calibrations"])

    def test_a_family_without_a_calibration_is_told_once_on_stderr(self):
        p = weft("run", self.scenario("h800", variant="fp8"))
        self.assertEqual(p.stderr.count("no calibration of h800 has gemm/fp8"), 1)
        self.assertIn("roofline", p.stdout)
        self.assertEqual(weft("run", self.file, "--quiet").stderr, "")

    def test_bands_do_not_depend_on_jobs_and_come_again_with_the_result(self):
        one = self.run_ok("run", self.file, "--uncertainty", "30", "--jobs", "1", "--json")
        self.assertEqual(one, self.run_ok("run", self.file, "--uncertainty", "30", "--jobs", "2", "--json"))
        r = json.loads(one)
        self.assertEqual(r["system"]["draws"], 30)
        for row in r["result"]["rows"]:
            self.assertLess(row["time_us_p5"], row["time_us_p95"])
            self.assertNotIn("roofline_us_p5", row)
        plain = self.rows(self.file)
        self.assertEqual([row["time_us"] for row in plain], [row["time_us"] for row in r["result"]["rows"]])
        result = self.folder / "result.json"
        result.write_text(one)
        self.assertEqual(json.loads(self.run_ok("run", result, "--json"))["result"], r["result"])
        usual = json.loads(self.run_ok("run", self.file, "--json", "--uncertainty"))
        self.assertEqual(usual["system"]["draws"], 100)

    def test_a_run_without_kernel_times_says_that_nothing_is_uncertain(self):
        p = weft("run", ROOT / "scenarios/table3_topologies.json", "--uncertainty")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("nothing here is uncertain", p.stderr)
        system = json.loads(self.run_ok("run", ROOT / "scenarios/table3_topologies.json", "--json"))["system"]
        self.assertNotIn("cost_model", system)

    def test_draws_that_make_no_sense_are_refused(self):
        for text in ["0", "-1", "many", "1.5", "100001"]:
            self.refused(["--uncertainty", "1 to 100000"], "run", self.file, f"--uncertainty={text}")
        self.refused(["--check-against"], "run", self.file, "--uncertainty", "--check-against", "closed-form")

    def test_variants_and_sweeps_hold_cost_models_against_each_other(self):
        document = json.loads(self.file.read_text())
        document["variants"] = [{"name": "measured"}, {"name": "roofline", "set": {"/workload/kernel/cost_model": "roofline"}}]
        self.file.write_text(json.dumps(document))
        rows = json.loads(self.run_ok("compare", self.file, "--json"))["result"]["comparison"]["rows"]
        ratios = [r["ratio"] for r in rows if r["column"] == "time_us"]
        self.assertEqual(len(ratios), 2)
        self.assertTrue(all(r < 1 for r in ratios))
        swept = json.loads(self.run_ok("sweep", self.file, "--set", "/variants=[]", "--vary", "/workload/kernel/shape/m=64,128,256", "--cost-model", "fitted", "--json"))
        self.assertEqual([r["cost_model"] for r in swept["kernel"]], ["fitted"] * 3)
        self.assertEqual(sorted(r["time_us"] for r in swept["kernel"]), [r["time_us"] for r in swept["kernel"]])


if __name__ == "__main__":
    unittest.main(verbosity=1)
