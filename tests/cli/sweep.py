#!/usr/bin/env python3
"""weft sweep as a user runs it: points files over kills, full disks and two writers; shares, merge, status, fronts.

sweep.py WEFT_BINARY
"""
import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

WEFT = sys.argv.pop(1)
ROOT = Path(os.environ["WEFT_DATA"])
SCENARIO = {"title": "t", "cluster": {"node": "h800", "nodes": 8, "topology": {"kind": "mpft"}},
            "workload": [{"kind": "price"}, {"id": "a2a", "kind": "all_to_all", "sizes": ["1 KiB", "1 MiB", "1 GiB"]}]}
STUDY = {"title": "sizes and kinds", "scenario": "s.json", "set": {"/cluster/transport": "infiniband"},
         "axes": [{"/cluster/nodes": "1:25:1"}, "/cluster/topology/kind=mpft,mrft"]}
POINTS = 50


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


class Sweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        folder = Path(cls.kept.name)
        (folder / "s.json").write_text(json.dumps(SCENARIO))
        (folder / "study.json").write_text(json.dumps(STUDY))
        cls.study = str(folder / "study.json")
        cls.whole = subprocess.run([WEFT, "sweep", cls.study, "--format", "csv"], capture_output=True, text=True, timeout=300).stdout

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.points = self.folder / "points.jsonl"

    def tearDown(self):
        self.temporary.cleanup()

    def weft(self, *arguments, **more):
        return subprocess.run([WEFT, "sweep", *map(str, arguments)], capture_output=True, text=True, timeout=300, **more)

    def ok(self, *arguments, **more):
        p = self.weft(*arguments, **more)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def refused(self, code, words, *arguments, **more):
        p = self.weft(*arguments, **more)
        self.assertEqual(p.returncode, code, p.stderr)
        for w in words:
            self.assertIn(w, p.stderr)

    def started(self, least=3):
        """A sweep with two workers that has finished some points and is not done."""
        p = subprocess.Popen([WEFT, "sweep", self.study, "--points", str(self.points), "--jobs", "2", "-o", str(self.folder / "o.csv")], stderr=subprocess.PIPE, text=True)
        for _ in range(30000):
            if self.points.exists() and self.points.read_bytes().count(b"\n") > least:
                break
            time.sleep(0.001)
        return p

    def killed(self, how):
        """Ends a sweep by a signal to its parent alone: what was done, its exit, what it said. The children end with it."""
        p = self.started()
        workers = children(p.pid)
        p.send_signal(how)
        _, said = p.communicate(timeout=60)
        self.assertEqual(len(workers), 2, "the sweep was over before the signal came")
        for _ in range(500):
            if not any(map(alive, workers)):
                break
            time.sleep(0.01)
        self.assertFalse(any(map(alive, workers)))
        done = self.points.read_bytes().count(b"\n") - 1
        self.assertLess(done, POINTS)
        return done, p.returncode, said

    def gone_on_with(self, done, jobs="1"):
        p = self.weft(self.study, "--points", self.points, "--format", "csv", "--jobs", jobs)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn(f"{done} of {POINTS} points are there already", p.stderr)
        self.assertEqual(p.stdout, self.whole)
        self.assertEqual(self.ok("merge", self.points, "--format", "csv"), self.whole)

    def test_a_sweep_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(self):
        done, code, _ = self.killed(signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        self.refused(3, [f"{POINTS - done} of {POINTS} points are missing"], "merge", self.points)
        self.gone_on_with(done, jobs="2")

    def test_an_interrupted_sweep_says_that_it_can_go_on(self):
        for how, exit_code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.points.unlink(missing_ok=True)
            done, code, said = self.killed(how)
            self.assertEqual(code, exit_code)
            self.assertIn("interrupted; finished points are kept", said)
        self.gone_on_with(done)

    def test_two_writers_are_kept_apart(self):
        p = self.started()
        p.send_signal(signal.SIGSTOP)
        try:
            self.refused(1, ["another weft is writing to"], self.study, "--points", self.points)
            self.assertIn("points.jsonl", self.ok("status", self.points))   # reading is free
        finally:
            p.kill()
            p.communicate()
        self.ok(self.study, "--points", self.points)

    def test_a_full_disk_keeps_what_was_finished(self):
        self.ok(self.study, "--points", self.points)
        size = self.points.stat().st_size
        for jobs, room in (("1", size // 2), ("2", size // 3 + 17), ("1", 100)):
            self.points.unlink()
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            self.refused(1, ["cannot write", "points.jsonl: File too large", "are kept: make room"], self.study, "--points", self.points, "--jobs", jobs, preexec_fn=limit)
            text = self.points.read_bytes()
            self.assertTrue(text == b"" or text.endswith(b"\n"))
            self.assertLessEqual(len(text), room)
        self.ok(self.study, "--points", self.points)
        self.assertEqual(self.points.stat().st_size, size)

    def test_a_file_system_without_room_is_a_full_disk(self):
        mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        disk = self.folder / "disk"
        disk.mkdir()
        script = f'mount -t tmpfs -o size=32k none "{disk}" && exec "$0" "$@"'
        if subprocess.run([*mount, f'mount -t tmpfs -o size=32k none "{disk}"'], capture_output=True).returncode != 0:
            self.skipTest("no file system can be mounted here")
        p = subprocess.run([*mount, script, WEFT, "sweep", self.study, "--points", str(disk / "p.jsonl")], capture_output=True, text=True, timeout=300)
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertIn("No space left on device", p.stderr)

    def test_shares_in_a_folder_are_merged_whatever_wrote_them(self):
        for i in (1, 2, 3):
            self.ok(self.study, "--shard", f"{i}/3", "--points", self.folder / f"part{i}.jsonl", "--jobs", str(i))
            if i == 2:
                status = json.loads(self.ok("status", self.folder, "--json"))
                self.assertEqual([r["left"] for r in status["files"]], [0, 0])
                self.assertEqual(status["study"][0]["left"], 16)
                self.refused(3, ["16 of 50 points are missing"], "merge", self.folder)
                part = self.ok("merge", self.folder, "--partial", "--format", "csv")
                self.assertEqual(part.count("\n") - 1, 34 * 4)
        self.ok("merge", self.folder, "-o", self.folder / "all.csv")
        self.assertEqual((self.folder / "all.csv").read_text(), self.whole)
        lines = [json.loads(line) for line in self.ok("merge", self.folder, "--format", "jsonl").splitlines()]
        self.assertEqual(len(lines), self.whole.count("\n") - 1)
        self.assertEqual({line["table"] for line in lines}, {"price", "a2a"})
        self.assertEqual(json.loads(self.ok("merge", self.folder, "--json"))["schema"], "weft-sweep/1")

    def test_another_study_another_version_and_foreign_files_are_refused(self):
        self.ok(self.study, "--points", self.points)
        before = self.points.read_text()
        self.refused(3, ["another study", "seed is 1 there and 2 here"], self.study, "--points", self.points, "--seed", "2")
        self.refused(3, ["is the points file"], self.study, "--points", self.points, "-o", self.points)
        self.refused(3, ["is the points file"], "merge", self.points, "-o", self.folder / "." / "points.jsonl")
        self.assertEqual(self.points.read_text(), before)
        self.points.write_text(before.replace("weft-sweep/1", "weft-sweep/9", 1))
        for command in ([self.study, "--points"], ["merge"], ["status"], ["pareto", "--x", "a", "--y", "b"]):
            self.refused(3, ["is written as weft-sweep/9"], *command, self.points)
        foreign = self.folder / "s.json"
        foreign.write_text(json.dumps(SCENARIO, indent=1))
        self.refused(3, ["expected the header of a points file"], self.study, "--points", foreign)
        self.assertEqual(json.loads(foreign.read_text()), SCENARIO)
        self.refused(3, ["there is no such file"], "status", self.folder / "none.jsonl")

    def test_where_and_pareto_choose_among_rows(self):
        self.ok(self.study, "--points", self.points)
        rows = list(csv.DictReader(io.StringIO(self.ok("merge", self.points, "--format", "csv", "--where", "[/cluster/nodes] >= 24 && price_MUSD > 0"))))
        self.assertEqual({r["/cluster/nodes"] for r in rows}, {"24", "25"})
        self.assertEqual({r["table"] for r in rows}, {"price", "a2a"})
        self.refused(3, ["--where", "character 1: there is no column \"prise_MUSD\"", "did you mean \"price_MUSD\"?"], "merge", self.points, "--where", "prise_MUSD < 1")
        self.refused(3, ["--where", "character 14: expected"], self.study, "--where", "price_MUSD < ")
        front = json.loads(self.ok("pareto", self.points, "--x", "price_MUSD", "--y", "min:time_us", "--where", "workload == 'price' || size_B == 1024", "--json"))["pareto"]
        prices = [r["price.price_MUSD"] for r in front]
        times = [r["a2a.time_us"] for r in front]
        self.assertEqual(prices, sorted(prices))
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertTrue(all(r["on_front"] for r in front))
        everything = json.loads(self.ok("pareto", self.points, "--x", "price_MUSD", "--y", "min:a2a.time_us", "--all", "--json"))["pareto"]
        self.assertEqual(len(everything), POINTS * 3)
        self.assertIn("pareto", self.ok(self.study, "--points", self.points, "--pareto", "price_MUSD,min:time_us"))

    def test_axes_of_all_kinds_and_what_is_no_grid(self):
        plan = self.ok(self.study, "--vary", "/cluster/node/nic_rate=100:400:100 Gbps", "--dry-run")
        self.assertIn("200 points (25 x 2 x 4)", plan)
        s = str(Path(self.study).parent / "s.json")
        zipped = list(csv.DictReader(io.StringIO(self.ok(s, "--vary", "/cluster/nodes=2:8:log3; /cluster/topology/kind=mpft,mrft,ft2", "--format", "csv"))))
        self.assertEqual({(r["/cluster/nodes"], r["/cluster/topology/kind"]) for r in zipped}, {("2", "mpft"), ("4", "mrft"), ("8", "ft2")})
        inline = json.dumps({"scenario": SCENARIO, "axes": ["/cluster/nodes=1,2"]})
        self.assertEqual(self.ok("-", "--format", "csv", input=inline), self.ok(s, "--vary", "/cluster/nodes=1,2", "--format", "csv"))
        self.refused(3, ["a sweep needs at least one axis"], s)
        self.refused(3, ["a sweep needs at least one axis"], "-", input=json.dumps({"scenario": SCENARIO, "axes": []}))
        self.refused(3, ["/cluster/nodes has no values"], "-", input=json.dumps({"scenario": SCENARIO, "axes": [{"/cluster/nodes": []}]}))
        self.refused(3, ["no step of 1"], s, "--vary", "/cluster/nodes=8:1:1")
        self.refused(3, ["share 3/3 of 2 points is empty"], s, "--vary", "/cluster/nodes=1,2", "--shard", "3/3")
        self.refused(2, ["SCENARIO is required"])
        self.refused(2, ["FILE is required"], "merge")

    def test_the_study_of_the_readme_runs(self):
        readme = (ROOT / "scenarios/studies/README.md").read_text()
        study = json.loads(readme.split("```json\n", 1)[1].split("```", 1)[0])
        (self.folder / "my_cluster.json").write_text((ROOT / "scenarios/my_cluster.json").read_text())
        (self.folder / "study.json").write_text(json.dumps(study))
        self.assertIn("18 points (2 x 3 x 3), 1 variant each", self.ok(self.folder / "study.json", "--dry-run"))
        shown = json.loads(self.ok(self.folder / "study.json", "--shard", "1/18", "--json"))
        self.assertEqual({r["/cluster/node/nic_rate"] for r in shown["all_to_all"]}, {"200 Gbps"})
        self.assertTrue(shown["pareto"])

    def test_points_that_fail_are_rows_and_counted_to_the_end(self):
        s = str(Path(self.study).parent / "s.json")
        p = self.weft(s, "--vary", "/cluster/nodes=1,-1,2,0", "--points", self.points, "--json", "--jobs", "2")
        self.assertEqual(p.returncode, 1)
        self.assertIn("2 of 4 points failed", p.stderr)
        self.assertEqual([r["/cluster/nodes"] for r in json.loads(p.stdout)["failed"]], [-1, 0])
        again = self.weft("merge", self.points, "--json")
        self.assertEqual((again.returncode, again.stdout), (1, p.stdout))
        self.assertEqual(json.loads(self.ok("status", self.points, "--json"))["study"][0]["failed"], 2)

    def test_a_place_that_no_point_knows_ends_the_sweep_before_it_begins(self):
        s = str(Path(self.study).parent / "s.json")
        for vary, words in (("/cluster/noodes=1,2", "unknown key \"noodes\""), ("/workload/a2a/size=1,2", "unknown key \"size\""), ("/workload/b2b/sizes=1,2", "leads nowhere")):
            self.refused(3, [words], s, "--vary", vary, "--points", self.points)
            self.refused(3, [words], s, "--vary", vary, "--dry-run")
            self.assertFalse(self.points.exists())

    def test_a_points_file_is_no_scenario_and_an_incomplete_one_is_named(self):
        self.ok(self.study, "--shard", "1/2", "--points", self.points)
        self.refused(3, [f"{self.points}: 25 of 50 points are missing"], "merge", self.points)
        for command in ("run", "explain", "compare", "sensitivity", "sweep"):
            p = subprocess.run([WEFT, command, str(self.points)], capture_output=True, text=True, timeout=60)
            self.assertEqual(p.returncode, 3, p.stderr)
            self.assertIn(f"{self.points}: is a points file of weft sweep", p.stderr)
            self.assertIn("weft sweep merge", p.stderr)
            self.assertIn("weft report", p.stderr)

    def test_a_broken_line_is_told_once(self):
        self.ok(self.study, "--points", self.points)
        lines = self.points.read_text().splitlines()
        lines[2] = lines[2][:-1] + ",}"
        self.points.write_text("\n".join(lines) + "\n")
        said = self.weft("status", self.points).stderr
        self.assertIn("points.jsonl: line 3, column", said)
        self.assertNotIn("line 1", said)

    def test_help_has_examples_of_every_command(self):
        for command in ("merge", "status", "pareto"):
            self.assertIn("weft sweep " + command, self.ok(command, "--help"))


unittest.main(verbosity=1)
