#!/usr/bin/env python3
"""What a second worker brings to a sweep, and a kill in the middle: sweep.py WEFT [--points N] [--whole] [--skip-kill].

Sweeps scenarios/mpft_vs_mrft.json over N (default 1,000) sizes of its latency test, once with one process and once with two, and prints wall and CPU time of both. Without
--whole the scenario's other workloads are cut down to what a point does in some tens of milliseconds. Then it kills a run with SIGKILL in the middle, goes on, and compares
the merged CSV byte for byte. Exits 1 when two processes run at less than 85 % of twice the rate of one, or a byte differs.

The rate means something on a machine that does nothing else: the script prints how much of the wall time its processes had a core, and the load before.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WANTED = 0.85
SMALL = ["--set", "/workload/all_to_all/gpus=[16,32]", "--set", "/workload/all_to_all/sizes=[\"1 MiB\"]", "--set", "/workload/dispatch/ep=[16]",
         "--set", "/workload/whole_cluster_at_line_rate/gpus=16"]


def timed(command):
    """Wall and CPU seconds (children among them) of a command that must succeed."""
    before, begin = os.times(), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "WEFT_DATA": str(ROOT)})
    after = os.times()
    return time.monotonic() - begin, after.children_user + after.children_system - before.children_user - before.children_system


def main():
    a = argparse.ArgumentParser()
    a.add_argument("weft")
    a.add_argument("--points", type=int, default=1000)
    a.add_argument("--whole", action="store_true")
    a.add_argument("--skip-kill", action="store_true")
    a = a.parse_args()
    sweep = [a.weft, "sweep", str(ROOT / "scenarios/mpft_vs_mrft.json"), "--vary", f"/workload/latency/size=64:{64 * a.points}:64 B", *([] if a.whole else SMALL)]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return str(Path(folder) / name)
        print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        rate, cpu = {}, {}
        for jobs in (1, 2):
            wall, cpu[jobs] = timed([*sweep, "--jobs", str(jobs), "--points", path(f"{jobs}.jsonl"), "-o", path(f"{jobs}.csv"), "-q"])
            rate[jobs] = a.points / wall
            print(f"{jobs} process{'es' if jobs > 1 else ''}: {wall:.2f} s, {rate[jobs]:.1f} points a second, {1e3 * cpu[jobs] / a.points:.2f} CPU ms a point, "
                  f"on a core {100 * cpu[jobs] / wall / jobs:.0f} % of the time")
        part = rate[2] / (2 * rate[1])
        print(f"two processes: {100 * part:.1f} % of twice the rate of one (wanted: {100 * WANTED:.0f} %); by CPU time a point {100 * cpu[1] / cpu[2]:.1f} %")
        wrong += part < WANTED
        same = Path(path("1.csv")).read_bytes() == Path(path("2.csv")).read_bytes()
        print("the same bytes with one and two processes:", same)
        wrong += not same
        if not a.skip_kill:
            points = Path(path("killed.jsonl"))
            p = subprocess.Popen([*sweep, "--jobs", "2", "--points", str(points), "-o", path("killed.csv"), "-q"], env={**os.environ, "WEFT_DATA": str(ROOT)})
            while p.poll() is None and (not points.exists() or points.read_bytes().count(b"\n") <= a.points // 2):
                time.sleep(0.05)
            p.send_signal(signal.SIGKILL)
            p.wait()
            done = points.read_bytes().count(b"\n") - 1
            timed([*sweep, "--jobs", "2", "--points", str(points), "-o", path("killed.csv"), "-q"])
            timed([a.weft, "sweep", "merge", str(points), "-o", path("merged.csv"), "-q"])
            same = Path(path("merged.csv")).read_bytes() == Path(path("1.csv")).read_bytes() == Path(path("killed.csv")).read_bytes()
            print(f"killed after {done} points, gone on with, merged; the same bytes: {same}")
            wrong += not same
    return 1 if wrong else 0


sys.exit(main())
