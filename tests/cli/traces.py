#!/usr/bin/env python3
"""weft import and weft export, and programs in text form, as a user runs them.

traces.py WEFT_BINARY
"""
import json
import os
import tempfile
import unittest
from pathlib import Path

from program import RunsWeft, weft

ROOT = Path(os.environ["WEFT_DATA"])
EXAMPLE = str(ROOT / "scenarios/programs/two_micro_batches.weft")
GOAL = """num_ranks 16
rank 0 {
l1: calc 1000000
l2: send 50000000b to 8 tag 3
l2 requires l1
}
rank 8 {
l1: recv 50000000b from 0 tag 3
l2: calc 2000000
l2 requires l1
}
"""


class Traces(RunsWeft):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def scenario(self, workload, nodes=2, name="s.json", **more):
        path = self.folder / name
        path.write_text(json.dumps({"title": "t", "cluster": {"node": "h800", "nodes": nodes, "topology": {"kind": "mpft"}, "transport": "ideal"},
                                    "workload": workload, **more}))
        return str(path)

    def time_us(self, program):
        rows = json.loads(self.run_ok("run", self.scenario([{"kind": "program", "file": str(program)}], name="time.json"), "--json"))["result"]["rows"]
        return rows[0]["time_us"]

    def refused(self, *arguments, says=(), **more):
        p = weft(*arguments, **more)
        self.assertEqual(p.returncode, 3, p.stderr)
        self.assertEqual(p.stdout, "")
        for part in says:
            self.assertIn(part, p.stderr)

    def test_the_example_takes_six_milliseconds(self):
        # 1 ms + 1 ms over the NIC + 2 ms + 2 ms: scenarios/programs/two_micro_batches.weft works it out.
        self.assertAlmostEqual(self.time_us("scenarios/programs/two_micro_batches.weft"), 6000, delta=1e-5)

    def test_a_result_of_a_program_names_the_bytes_of_its_file(self):
        out = json.loads(self.run_ok("run", self.scenario([{"kind": "program", "file": EXAMPLE}]), "--json"))
        self.assertRegex(out["input"]["resolved"][0]["workload"][0]["digest"], r"^fnv1a64:[0-9a-f]{16}$")
        result = self.folder / "r.json"
        result.write_text(json.dumps(out))
        self.assertEqual(json.loads(self.run_ok("run", str(result), "--json")), out)

    def test_goal_is_imported_and_runs(self):
        trace, program = self.folder / "job.goal", self.folder / "job.weft"
        trace.write_text(GOAL)
        p = weft("import", "goal", trace, "-o", program)
        self.assertEqual((p.returncode, p.stdout), (0, ""), p.stderr)
        self.assertIn("3 operations of 16 ranks: 1 transfers, 2 computes, 0 markers", p.stderr)
        # 1 ms, 50 MB at 50 GB/s, 2 ms.
        self.assertAlmostEqual(self.time_us(program), 4000, delta=1e-5)
        self.assertEqual(self.run_ok("import", "goal", "-", "-q", stdin=GOAL), program.read_text())

    def test_a_program_goes_through_goal_and_chakra_and_takes_its_time_still(self):
        goal, again = self.folder / "x.goal", self.folder / "again.weft"
        self.run_ok("export", "goal", EXAMPLE, "-o", goal)
        self.run_ok("import", "goal", goal, "-o", again)
        self.assertAlmostEqual(self.time_us(again), 6000, delta=1e-5)
        self.run_ok("export", "chakra", EXAMPLE, "-o", self.folder / "job")
        self.assertEqual(len(list(self.folder.glob("job.*.et"))), 16)
        for name in ("job", "job.0.et", "job.7.et"):
            self.run_ok("import", "chakra", self.folder / name, "-o", again)
            self.assertAlmostEqual(self.time_us(again), 6000, delta=1e-5)

    def test_what_gets_lost_on_the_way_is_told(self):
        text = ("weft-program 1\nranks 16 per-node 8\nkernel k nic 44 GB/s\na: compute 0.5 ns rank 0 stream s\n"
                "b: transfer 1 MB from gpu 8 via gpu 9 to gpu 1 kernel k weight 2 after a\n")
        told = weft("export", "goal", "-", stdin=text).stderr
        for part in ("empty messages", "limits of their kernel", "weight", "lost their way inside nodes", "rounded to whole ns"):
            self.assertIn(part, told)

    def test_text_is_exported_as_it_is_imported(self):
        text = self.run_ok("export", "program", EXAMPLE)
        self.assertEqual(self.run_ok("import", "program", "-", stdin=text), text)

    def test_a_workload_of_a_scenario_is_recorded(self):
        s = self.scenario([{"id": "a2a", "kind": "all_to_all", "gpus": 16, "sizes": ["1 MiB", "1 GiB"]}, {"id": "price", "kind": "price"}])
        self.refused("export", "goal", "--scenario", s, says=["--of", "this scenario runs 2 simulations", "t/a2a[gpus=16"])
        self.refused("export", "goal", "--scenario", s, "--of", "a2b", says=["--of", "a2a"])
        rows = json.loads(self.run_ok("run", s, "--json"))["result"]["rows"]
        name = weft("export", "goal", "--scenario", s).stderr.split('--of: "')[1].split('"')[0]
        program = self.folder / "a2a.weft"
        self.run_ok("export", "program", "--scenario", s, "--of", name, "-o", program)
        self.assertAlmostEqual(self.time_us(program) / rows[0]["time_us"], 1, delta=1e-9)
        self.assertEqual(self.run_ok("export", "program", "--scenario", s, "--of", name), program.read_text())

    def test_a_recorded_kernel_takes_exactly_its_time(self):
        s = self.scenario([{"kind": "deepep_dispatch", "ep": 16, "tokens": 256}])
        rows = json.loads(self.run_ok("run", s, "--json"))["result"]["rows"]
        program = self.folder / "dispatch.weft"
        self.run_ok("export", "program", "--scenario", s, "-o", program)
        self.assertAlmostEqual(self.time_us(program) / rows[0]["time_us"], 1, delta=1e-9)

    def test_a_training_step_is_recorded_with_its_end_and_takes_exactly_its_time(self):
        # The optimiser's update is added by formula: all else of the step is operations.
        s = self.scenario([{"kind": "training_step", "model": "deepseek-v3", "pp": 2, "ep": 8, "micro_batches": 4}])
        row = json.loads(self.run_ok("run", s, "--json"))["result"]["rows"][0]
        program = self.folder / "step.weft"
        self.run_ok("export", "program", "--scenario", s, "-o", program)
        self.assertIn("then2.", program.read_text())
        self.assertAlmostEqual(self.time_us(program) * 1e-6 / (row["step_time_s"] - row["update_s"]), 1, delta=1e-9)
        self.run_ok("export", "chakra", program, "-o", self.folder / "step")

    def test_bad_input_is_refused_with_its_place(self):
        empty, loop = self.folder / "empty.weft", self.folder / "loop.weft"
        empty.write_text("")
        loop.write_text("weft-program 1\nranks 8 per-node 8\na: marker after b\nb: marker after a\n")
        self.refused("run", self.scenario([{"kind": "program", "file": str(loop)}]), says=["loop.weft:", '"a" waits for "b"'])
        self.refused("run", self.scenario([{"kind": "program", "file": EXAMPLE}], nodes=1), says=["/workload/0/file", "16 ranks", "8"])
        self.refused("run", self.scenario([{"kind": "program"}]), says=["/workload/0/file"])
        self.refused("import", "gaol", "x", says=["FORMAT", "goal"])
        self.refused("import", "goal", empty, says=["empty.weft", "empty"])
        self.refused("import", "program", empty, says=["empty"])
        self.refused("import", "chakra", self.folder / "none", says=["none.0.et"])
        self.refused("import", "chakra", empty, says=["PREFIX.0.et"])
        self.refused("import", "goal", "-", "--eager", "64", stdin=GOAL, says=["--eager", "a size"])
        self.refused("import", "goal", "-", stdin=GOAL.replace("tag 3\nl2", "tag 4\nl2", 1), says=["standard input:8", "with tag 3", "no send"])
        self.refused("export", "goal", says=["which program"])
        self.refused("export", "chakra", EXAMPLE, says=["-o", "several files"])
        (self.folder / "gap.0.et").write_bytes(b"\x00")
        (self.folder / "gap.2.et").write_bytes(b"\x00")
        self.refused("import", "chakra", self.folder / "gap", says=["2 files", "rank 2"])
        (self.folder / "cut.0.et").write_bytes(b"\x07\x0a\x050.0.4\x15\x08")
        self.refused("import", "chakra", self.folder / "cut", says=["cut.0.et", "byte"])

    def test_help_shows_formats_and_examples(self):
        for command in ("import", "export"):
            text = self.run_ok(command, "--help")
            for part in ("goal", "chakra", "Examples:"):
                self.assertIn(part, text)


unittest.main(verbosity=1)
