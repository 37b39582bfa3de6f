#!/usr/bin/env python3
"""weft schedule as a user runs it: the drawing, its colours and cuts, and the lists of cells.

schedules.py WEFT_BINARY
"""
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import unittest

WEFT = sys.argv.pop(1)


def on_a_terminal(command, variables):
    """What a program writes to a terminal of 80 columns."""
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=follower, env={**environment, "TERM": "xterm", **variables}) as p:
        os.close(follower)
        text = b""
        try:
            while part := os.read(leader, 4096):
                text += part
        except OSError:   # the other end is closed
            pass
        os.close(leader)
        assert p.wait() == 0
    return text.decode()


class Schedules(unittest.TestCase):
    def run_ok(self, *arguments):
        p = subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=120)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def test_a_schedule_is_drawn_a_row_a_rank(self):
        text = self.run_ok("schedule", "dualpipe", "--pp", "4", "--micro-batches", "8", "--width", "80")
        rows = [line for line in text.splitlines() if line.startswith("rank")]
        # Two characters a unit of time: the published order and times of rank 0, and the mirrored ones of rank 3.
        self.assertEqual(rows[0], "rank 0 F0F1F2f0i0w0f1F3-b1-. f2-B0-b2--. f3-B1-b3--I2W2I3W3")
        self.assertEqual(rows[3], "rank 3 " + rows[0][7:].swapcase())
        self.assertIn("makespan 26, bubble 2 a rank", text)
        self.assertIn("published: bubble 2, (PP/2-1)(FB+B-3W); activations 5, PP+1", text)
        self.assertNotIn("\033", text)

    def test_colours_are_asked_for_or_a_terminals(self):
        plain = self.run_ok("schedule", "1f1b", "--pp", "3", "--micro-batches", "4")
        coloured = self.run_ok("schedule", "1f1b", "--pp", "3", "--micro-batches", "4", "--color", "always")
        self.assertIn("\033[", coloured)
        rows = [[line.rstrip() for line in text.splitlines() if line.startswith("rank")] for text in (re.sub(r"\033\[[0-9;]*m", "", coloured), plain)]
        self.assertEqual(rows[0], [line.replace("-", " ").rstrip() for line in rows[1]])
        self.assertNotIn("\033[", self.run_ok("schedule", "1f1b", "--no-color"))
        for variable, colours in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
            self.assertEqual("\033[" in on_a_terminal([WEFT, "schedule", "1f1b", "--pp", "2", "--micro-batches", "2"], variable), colours, variable)

    def test_a_long_schedule_is_cut_unless_all_is_asked_for(self):
        arguments = ["schedule", "1f1b", "--pp", "2", "--micro-batches", "100", "--width", "60"]
        text = self.run_ok(*arguments)
        self.assertIn("left out (--all draws it", text)
        self.assertTrue(all(len(line) <= 60 for line in text.splitlines() if line.startswith(("rank", "time"))))
        whole = "".join(line[7:] for line in self.run_ok(*arguments, "--all").splitlines() if line.startswith("rank 1"))
        self.assertEqual([int(n) for n in re.findall(r"F(\d+)", whole)], list(range(100)))
        part = self.run_ok(*arguments, "--from", "1", "--to", "6")
        self.assertIn("rank 0 F1  .   .   B0------\n", part)

    def test_a_schedule_as_json_and_csv_has_every_cell(self):
        r = json.loads(self.run_ok("schedule", "dualpipe", "--pp", "16", "--micro-batches", "120", "--times", "58,85,25,139", "--json"))
        self.assertEqual(r["makespan"], 18333)   # C040
        self.assertEqual([rank["bubble"] for rank in r["ranks"][:8]], [986, 1015, 1044, 1073, 1102, 1131, 1160, 1160])
        for h, rank in enumerate(r["ranks"][:7]):   # C046
            count = {op: sum(o["op"] == op for o in rank["ops"]) for op in ("F", "FB", "W", "B")}
            self.assertEqual(count, {"F": 23 - h, "FB": 97 + h, "W": 15 - h, "B": 8})
            self.assertEqual(rank["bubble"], rank["bubble_closed_form"])
        lines = list(csv.DictReader(io.StringIO(self.run_ok("schedule", "zb1p", "--pp", "4", "--micro-batches", "8", "--format", "csv"))))
        self.assertEqual(len(lines), 4 * 8 * 3)
        self.assertEqual(max(float(line["end"]) for line in lines), 27)
        self.assertIn("| 3 | 9 |", self.run_ok("schedule", "1f1b", "--pp", "4", "--micro-batches", "8", "--format", "markdown"))

    def test_the_examples_of_help_work(self):
        for line in self.run_ok("schedule", "--help").split("Examples:")[1].strip().splitlines():
            self.run_ok(*line.split("|")[0].split()[1:])


unittest.main(verbosity=1)
