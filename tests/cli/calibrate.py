#!/usr/bin/env python3
"""weft calibrate fit, check and diff as a user runs them, and measuring on the simulated device before them.

calibrate.py WEFT_BINARY
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
KEYS = ["family", "rows", "mean_error_pct", "median_error_pct", "p90_error_pct", "max_error_pct"]


def weft(*arguments):
    return subprocess.run([WEFT, "calibrate", *map(str, arguments)], capture_output=True, text=True, timeout=120)


def copies(start_us, bytes_per_us, device="NVIDIA H800", wrong=1.0):
    """Copies of memory: a start and a rate, 3 % up and down by turns."""
    lines = ["family,variant,bytes,time_us,device"]
    for i in range(24):
        size = 10 ** (5 + i / 5)
        lines.append(f"memory,copy,{size:.0f},{wrong * (start_us + size / bytes_per_us) * (1.03 if i % 2 else 0.97):.6f},{device}")
    return "\n".join(lines) + "\n"


class Calibrate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def run_ok(self, *arguments):
        p = weft(*arguments)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def refused(self, parts, *arguments, code=3):
        p = weft(*arguments)
        self.assertEqual((p.returncode, p.stdout), (code, ""), p.stderr)
        for part in parts:
            self.assertIn(part, p.stderr)

    def fitted(self, name="mine.json", text=None):
        data = self.write(name + ".csv", text or copies(3, 2e6))
        self.run_ok("fit", data, "-o", self.folder / name, "--date", "2026-01-01", "-q")
        return self.folder / name

    def test_fit_finds_the_parameters_and_writes_what_it_was_made_of(self):
        c = json.loads(self.fitted().read_text())
        self.assertEqual((c["gpu"], c["device"], c["date"], c["data"]), ("h800", "NVIDIA H800", "2026-01-01", ["mine.json.csv"]))
        self.assertTrue(c["digest"].startswith("fnv1a64:"))
        entry, = c["entries"]
        p = {x["name"]: x for x in entry["parameters"]}
        self.assertAlmostEqual(p["t0"]["value"] / 3, 1, delta=0.05)
        self.assertAlmostEqual(p["bandwidth"]["value"] * 3.35e6 / 2e6, 1, delta=0.05)   # of 3.35 TB/s
        for x in p.values():
            self.assertLess(x["low_90"], x["value"])
            self.assertGreater(x["high_90"], x["value"])
        self.assertEqual(len(entry["rows"]), 24)
        self.assertAlmostEqual(entry["errors"]["in_sample"]["mean_error_pct"], 3, delta=0.5)

    def test_the_same_data_give_the_same_bytes(self):
        self.assertEqual(self.fitted("a.json").read_text().replace("a.json.csv", "b.json.csv"), self.fitted("b.json").read_text())

    def test_check_as_json_has_the_promised_keys_first(self):
        out = json.loads(self.run_ok("check", self.fitted(), self.write("other.csv", copies(3, 2e6, wrong=1.1)), "--json"))
        family, = out["families"]
        self.assertEqual(list(family)[:len(KEYS)], KEYS)
        self.assertEqual((family["family"], family["rows"]), ("memory/copy", 24))
        self.assertAlmostEqual(family["bias_pct"], -9.1, delta=3.1)   # 1 / 1.1, and 3 % by turns
        self.assertLessEqual(family["median_error_pct"], family["p90_error_pct"])
        self.assertLessEqual(family["p90_error_pct"], family["max_error_pct"])

    def test_check_fails_above_the_limit_with_exit_4_and_still_prints(self):
        mine, far = self.fitted(), self.write("far.csv", copies(3, 2e6, wrong=1.5))
        self.run_ok("check", mine, far, "--fail-above", "40")
        p = weft("check", mine, far, "--fail-above", "10", "--json")
        self.assertEqual(p.returncode, 4, p.stderr)
        self.assertIn("memory/copy", p.stderr)
        self.assertEqual(json.loads(p.stdout)["families"][0]["rows"], 24)

    def test_another_gpu_is_refused_unless_forced(self):
        mine, other = self.fitted(), self.write("h100.csv", copies(3, 2e6, device="NVIDIA H100 80GB HBM3"))
        self.refused(["is of h800", "--force"], "check", mine, other)
        self.assertIn("memory/copy", self.run_ok("check", mine, other, "--force"))

    def test_fidelities_differ_and_are_named(self):
        mine, other = self.fitted(), self.write("other.csv", copies(3, 2e6))
        said = {f: json.loads(self.run_ok("check", mine, other, "--cost-model", f, "--json"))["families"][0] for f in ("roofline", "fitted")}
        self.assertEqual({f: r["cost_model"] for f, r in said.items()}, {"roofline": "roofline", "fitted": "fitted"})
        self.assertGreater(said["roofline"]["mean_error_pct"], 30)   # 2 of 3.35 TB/s, and no start
        self.assertLess(said["fitted"]["mean_error_pct"], 4)
        self.refused(["did you mean \"fitted\""], "check", mine, other, "--cost-model", "fited")

    def test_every_format(self):
        mine, other = self.fitted(), self.write("other.csv", copies(3, 2e6))
        self.assertEqual(json.loads(self.run_ok("check", mine, other, "--format", "json"))["families"][0]["rows"], 24)
        row, = csv.DictReader(io.StringIO(self.run_ok("check", mine, other, "--format", "csv")))
        self.assertEqual((row["family"], row["rows"]), ("memory/copy", "24"))
        self.assertIn("| memory/copy", self.run_ok("check", mine, other, "--format", "markdown"))
        self.assertIn("memory/copy", self.run_ok("check", mine, other, "--format", "table"))
        self.assertIn("memory/copy", self.run_ok("fit", other, "--format", "markdown"))
        self.refused(["jsn"], "check", mine, other, "--format", "jsn")

    def test_diff_sets_parameters_beside_each_other(self):
        a, b = self.fitted("a.json"), self.fitted("b.json", copies(6, 2e6))
        rows = {r["parameter"]: r for r in json.loads(self.run_ok("diff", a, b, "--json"))["parameters"]}
        self.assertAlmostEqual(rows["t0"]["ratio"], 2, delta=0.1)
        self.assertGreater(rows["t0"]["apart"], 2)
        self.assertAlmostEqual(rows["bandwidth"]["ratio"], 1, delta=0.05)
        self.assertIn("only in B", self.run_ok("diff", a, "h800_training"))

    def test_unknown_names_are_answered_with_the_nearest(self):
        data = self.write("d.csv", copies(3, 2e6))
        self.refused(["streaming"], "fit", data, "--form", "streeming")
        self.refused(["--hold", "memory.t0"], "fit", data, "--hold", "memory.t00=1")
        self.refused(["--hold", "NUMBER"], "fit", data, "--hold", "memory.t0=fast")
        self.refused(["h800_training"], "check", "h800_trainin", data)
        self.refused(["--gpu", "h800"], "fit", data, "--gpu", "h80")

    def test_what_a_fit_misses_is_said(self):
        few = "\n".join(copies(3, 2e6).splitlines()[:3]) + "\n"
        self.refused(["2 shapes are too few"], "fit", self.write("few.csv", few))
        one = "family,variant,bytes,time_us,device\n" + "memory,copy,1000,5,NVIDIA H800\n" * 9
        self.refused(["have one shape"], "fit", self.write("one.csv", one))
        self.refused(["which GPU", "--gpu"], "fit", self.write("none.csv", copies(3, 2e6, device="")))
        self.refused(["weft knows no GPU", "Voodoo"], "fit", self.write("odd.csv", copies(3, 2e6, device="Voodoo 2")))
        both = copies(3, 2e6) + "\n".join(copies(3, 2e6, device="NVIDIA H200").splitlines()[1:]) + "\n"
        self.refused(["2 devices", "one device at a time"], "fit", self.write("both.csv", both))
        self.refused(["there is no such file"], "fit", self.folder / "gone.csv")

    def test_rows_without_a_device_beside_rows_with_one_are_told(self):
        named, nameless = self.write("named.csv", copies(3, 2e6)), self.write("nameless.csv", copies(3, 2e6, device="", wrong=1.01))
        p = weft("fit", nameless, named)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn(f"24 of 48 rows do not name their device (the first: {nameless}:2); they are taken for NVIDIA H800", p.stderr)
        self.assertNotIn("name their device", weft("fit", named).stderr)
        self.assertNotIn("name their device", weft("fit", nameless, "--gpu", "h800").stderr)

    def test_a_broken_calibration_tells_all_its_problems(self):
        mine = self.fitted()
        broken = json.loads(mine.read_text())
        broken["schema"] = "other/1"
        del broken["gpu"]
        broken["entries"][0]["form"] = "streeming"
        data = self.write("d.csv", copies(3, 2e6))
        self.refused(["/schema", "gpu", "streeming"], "check", self.write("broken.json", json.dumps(broken)), data)
        self.refused(["torn.json"], "check", self.write("torn.json", mine.read_text()[:300]), data)

    def test_a_fit_that_fails_leaves_the_file_as_it_was_and_nothing_beside_it(self):
        there = self.write("there.json", "precious")
        self.refused([], "fit", self.write("bad.csv", "family,variant,bytes,time_us\nmemory,copy,1e6,nan\n"), "--gpu", "h800", "-o", there)
        self.assertEqual(there.read_text(), "precious")
        p = weft("fit", self.write("d.csv", copies(3, 2e6)), "-o", self.folder / "no such folder" / "c.json")
        self.assertNotEqual(p.returncode, 0)
        self.fitted("there.json")
        self.assertEqual(sorted(x.name for x in self.folder.iterdir()), ["bad.csv", "d.csv", "there.json", "there.json.csv"])

    def test_a_calibration_goes_to_standard_output_too(self):
        out = self.run_ok("fit", self.write("d.csv", copies(3, 2e6)), "-o", "-", "-q")
        self.assertEqual(json.loads(out)["schema"], "weft-calibration/1")

    def test_measured_on_a_simulated_device_the_known_parameters_come_back(self):
        # start_us 4 and 2 TB/s; 1 % of noise, 1 % of outliers at five times: what is measured is the median.
        shapes = self.write("shapes.csv", "family,variant,bytes\n" + "".join(f"memory,{v},{10 ** (6 + i / 4):.0f}\n" for v in ("copy", "read") for i in range(13)))
        measured = self.folder / "measured.jsonl"
        self.run_ok("measure", "--backend", "simulated:start_us=4,bandwidth=2e12,device=NVIDIA H800", "--shapes", shapes, "-o", measured)
        mine = self.folder / "mine.json"
        self.run_ok("fit", measured, "--gpu", "h800", "-o", mine, "-q")
        entries = json.loads(mine.read_text())["entries"]
        self.assertEqual({e["variant"] for e in entries}, {"copy", "read"})
        for entry in entries:
            p = {x["name"]: x["value"] for x in entry["parameters"]}
            self.assertAlmostEqual(p["t0"] / 4, 1, delta=0.03)
            self.assertAlmostEqual(p["bandwidth"] * 3.35 / 2, 1, delta=0.03)
        families = json.loads(self.run_ok("check", mine, measured, "--gpu", "h800", "--json"))["families"]
        self.assertEqual([f["rows"] for f in families], [13, 13])
        for f in families:
            self.assertLess(f["max_error_pct"], 3)


unittest.main(verbosity=1)
