#!/usr/bin/env python3
"""An hour of 200,000 requests is served request by request in seconds, and twice as many take about twice the time.

serving_speed.py WEFT_BINARY
"""
import json
import os
import resource
import subprocess
import sys
import unittest
from pathlib import Path

WEFT = str(Path(sys.argv.pop(1)).resolve())
ROOT = Path(os.environ["WEFT_DATA"])
CPU_S, MEMORY_B = 20, 2 << 30
TIMES, TRIES = 2.3, 3


class Served:
    def __init__(self, *more):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [WEFT, "run", str(ROOT / "scenarios" / "serving_hour.json"), "--set", "/variants=[]", "--quiet", "--format", "json", *more]
        p = subprocess.run(command, capture_output=True, text=True, timeout=250)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if p.returncode != 0:
            raise AssertionError(p.stderr[:400])
        self.cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.memory_b = after.ru_maxrss * 1024
        self.row = json.loads(p.stdout)["result"]["rows"][0]


def best(*more):
    return min((Served(*more) for _ in range(TRIES)), key=lambda s: s.cpu_s)


class ServingSpeed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hour = best()

    def test_an_hour_of_200_000_requests(self):
        self.assertGreater(self.hour.row["requests"], 198_000)   # drawn: 200,000 in the mean, deviation 447
        self.assertEqual(self.hour.row["finished"], self.hour.row["requests"])
        self.assertFalse(self.hour.row["overloaded"])
        self.assertLess(self.hour.cpu_s, CPU_S)
        self.assertLess(self.hour.memory_b, MEMORY_B)

    def twice(self, *more):
        two = best("--set", "/workload/hour/requests/count=400000", *more)
        self.assertAlmostEqual(two.row["requests"] / self.hour.row["requests"], 2, delta=0.02)
        self.assertEqual(two.row["finished"], two.row["requests"])
        self.assertFalse(two.row["overloaded"])
        self.assertLess(two.cpu_s, TIMES * self.hour.cpu_s)
        self.assertLess(two.memory_b, MEMORY_B)

    def test_twice_as_many_in_two_hours(self):
        self.twice("--set", "/workload/hour/requests/duration=7200 s")

    def test_twice_as_many_on_twice_the_units(self):
        self.twice("--set", "/workload/hour/prefill/units=2", "--set", "/workload/hour/decode/units=2", "--set", "/cluster/nodes=44")


unittest.main(verbosity=1)
