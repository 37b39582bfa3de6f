#!/usr/bin/env python3
"""weft calibrate measure as a user runs it: without a GPU, on the simulated device, interrupted and gone on with.

calibrate_measure.py WEFT_BINARY
"""
import json
import os
import pty
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = sys.argv.pop(1)


def weft(*arguments, **more):
    environment = {**os.environ, **more}
    return subprocess.run([WEFT, "calibrate", "measure", *arguments], capture_output=True, text=True, timeout=120, env=environment)


class Measure(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "made_up.jsonl"

    def simulated(self, *arguments, parameters=""):
        return weft("--backend", "simulated" + (":" + parameters if parameters else ""), "--plan", "quick", "-o", str(self.file), *arguments)

    def rows(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()][1:]

    def test_without_the_module_it_says_so_in_one_sentence_and_exits_77(self):
        for arguments in (["-o", str(self.file)], []):
            answer = weft(*arguments, WEFT_MODULES=str(self.folder))
            self.assertEqual(answer.returncode, 77, answer.stderr)
            self.assertEqual(answer.stdout, "")
            self.assertEqual(answer.stderr.count("\n"), 1)
            self.assertIn(f"weft_cuda.so in $WEFT_MODULES ({self.folder})", answer.stderr)
            self.assertNotIn("nvcc", answer.stderr)
            self.assertFalse(self.file.exists())

    def test_without_a_gpu_nothing_else_that_is_missing_matters(self):
        for arguments in ([], ["--plan", "quik"], ["--shapes", str(self.folder / "gone.csv")]):
            answer = weft("--backend", "simulated:trouble=no_gpu", *arguments)
            self.assertEqual(answer.returncode, 77, answer.stderr)
            self.assertEqual(answer.stderr.count("\n"), 1)
            self.assertIn("no GPU", answer.stderr)

    def test_a_plan_without_a_kernel_is_named_as_what_it_is(self):
        table, plan = self.folder / "mine.csv", self.folder / "mine.json"
        table.write_text("family,variant,m,n,k\n")
        plan.write_text('{"kernels": []}')
        memory = self.folder / "memory.csv"
        memory.write_text("family,bytes\nmemory,4096\n")
        for arguments, words in ((["--shapes", str(table)], "mine.csv: there is a header and no row below it"),
                                 (["--plan", str(plan)], f"--plan: the plan {plan} has no kernel"),
                                 (["--shapes", str(memory), "--families", "gemm"], f"--families: {memory} has none of these")):
            answer = weft("--backend", "simulated", "-o", str(self.file), *arguments)
            self.assertEqual(answer.returncode, 3, answer.stderr)
            self.assertIn(words, answer.stderr)
            self.assertFalse(self.file.exists())

    def test_a_file_of_other_parameters_is_left_alone(self):
        self.simulated("--families", "gemm", parameters="flops=1e15")
        before = self.file.read_bytes()
        answer = self.simulated(parameters="flops=1e14")
        self.assertEqual(answer.returncode, 3, answer.stderr)
        self.assertIn("parameters", answer.stderr)
        self.assertEqual(self.file.read_bytes(), before)

    def test_without_a_gpu_it_says_so_in_one_sentence_and_exits_77(self):
        for trouble, word in (("no_gpu", "no GPU"), ("old_driver", "driver is too old")):
            answer = self.simulated(parameters="trouble=" + trouble)
            self.assertEqual(answer.returncode, 77)
            self.assertEqual(answer.stderr.count("\n"), 1)
            self.assertIn(word, answer.stderr)
            self.assertFalse(self.file.exists())

    def test_the_simulated_device_is_measured_marked_and_the_same_each_time(self):
        answer = self.simulated()
        self.assertEqual((answer.returncode, answer.stdout), (0, ""), answer.stderr)
        first = self.file.read_bytes()
        self.assertTrue(all(row["simulated"] and row["device"] == "simulated" for row in self.rows()))
        self.file.unlink()
        self.simulated()
        self.assertEqual(self.file.read_bytes(), first)

    def test_it_goes_on_after_a_cut_and_measures_nothing_twice(self):
        self.simulated()
        whole = self.file.read_bytes()
        self.file.write_bytes(whole[:len(whole) // 2])
        answer = self.simulated()
        self.assertEqual(answer.returncode, 0)
        self.assertIn("cut off", answer.stderr)
        self.assertEqual(self.file.read_bytes(), whole)
        self.assertIn("0 kernels measured", self.simulated().stderr)

    def test_families_shapes_and_a_dry_run(self):
        self.simulated("--families", "memory,gemm/bfloat16")
        self.assertEqual({(r["family"], r["variant"]) for r in self.rows()},
                         {("memory", "copy"), ("memory", "triad"), ("memory", "read"), ("gemm", "bfloat16")})
        table = self.folder / "mine.csv"
        table.write_text("family,variant,m,n,k\ngemm,fp8,16,32,64\n")
        self.file.unlink()
        self.simulated("--shapes", str(table))
        self.assertEqual([(r["m"], r["n"], r["k"]) for r in self.rows()], [(16, 32, 64)])
        plan = weft("--dry-run", "--backend", "simulated", "--json", "--shapes", str(table))
        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertIn("m=16 n=32 k=64", plan.stdout)

    def test_a_kernel_that_disagrees_fails_the_run_after_all_others(self):
        answer = self.simulated(parameters="fails=router")
        self.assertEqual(answer.returncode, 4)
        self.assertIn("router/topk", answer.stderr)
        self.assertNotIn("router", {r["family"] for r in self.rows()})
        self.assertIn("gemm", {r["family"] for r in self.rows()})

    def test_bad_input_is_named_and_exits_3(self):
        for arguments, words in ((["--backend", "rocm", "-o", "x"], 'there is no backend "rocm"'),
                                 (["--backend", "simulated:noise", "-o", "x"], "expected name=value"),
                                 (["--backend", "simulated:noise=-1", "-o", "x"], "at least 0"),
                                 (["--backend", "simulated", "--plan", "quik", "-o", "x"], 'did you mean "quick"'),
                                 (["--backend", "simulated", "--families", "gem", "-o", "x"], 'did you mean "gemm"'),
                                 (["--backend", "simulated"], "a file is needed")):
            answer = weft(*arguments)
            self.assertEqual(answer.returncode, 3, answer.stderr)
            self.assertIn(words, answer.stderr)
        self.file.write_text("hello\n")
        answer = self.simulated()
        self.assertEqual(answer.returncode, 3)
        self.assertIn("line 1", answer.stderr)
        self.assertEqual(self.file.read_text(), "hello\n")

    def test_a_file_that_cannot_be_written_is_a_failed_run(self):
        answer = weft("--backend", "simulated", "--plan", "quick", "-o", "/nonexistent/x.jsonl")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("cannot write", answer.stderr)

    def test_progress_is_drawn_on_a_terminal_alone(self):
        self.assertNotIn("\r", self.simulated().stderr)
        self.file.unlink()
        try:
            ours, theirs = pty.openpty()
        except OSError:
            self.skipTest("this machine has no terminals to lend")
        process = subprocess.Popen([WEFT, "calibrate", "measure", "--backend", "simulated", "--plan", "quick", "-o", str(self.file)], stderr=theirs)
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # the other end is closed and all is read
            pass
        os.close(ours)
        self.assertEqual(process.wait(60), 0)
        self.assertIn(b"\r\x1b[Kweft: 0 of ", said)
        self.assertIn(b"left: ", said)

    def test_what_was_measured_can_be_imported(self):
        self.simulated()
        answer = subprocess.run([WEFT, "calibrate", "import", str(self.file), "--json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("gemm", answer.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
