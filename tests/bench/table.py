#!/usr/bin/env python3
"""Runs the benchmarks and prints their table in Markdown: table.py BUILD [WORD]... (only figures whose name has one of the words).

Each figure is measured in a process of its own: CPU time (user and system, so that other work on the machine counts little) as the
median of several, and the largest memory of that process. Exits 1 when a figure misses its target.
"""
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPARE = {"title": "all-to-all of 2,048 GPUs", "question": "-", "source": "-",
           "cluster": {"node": "h800", "nodes": 256, "topology": {"kind": "mpft", "radix": 64}, "transport": "infiniband"},
           "workload": [{"id": "all_to_all", "kind": "all_to_all", "sizes": "1 GiB"}],
           "variants": [{"name": "MPFT", "set": {}}, {"name": "MRFT", "set": {"/cluster/topology/kind": "mrft"}}]}


def run(command, text=None):
    """Runs to the end: what it printed, CPU seconds, wall seconds, MB at most."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as given:
        given.write(text or "")
        given.seek(0)
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=given, stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, "WEFT_DATA": str(ROOT)})
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begin
        out.seek(0)
        if child.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: exit {child.returncode}")
        return out.read(), used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024


class Bench:
    """Benchmarks of one program by name, each run once."""

    def __init__(self, build):
        self.folder = Path(build).resolve() / "tests" / "bench"
        self.known = {}

    def __call__(self, program, name, times=5):
        if (program, name) not in self.known:
            runs = []
            for _ in range(times):
                text, _, _, memory = run([self.folder / program, f"--benchmark_filter=^{name}$", "--benchmark_min_time=0.01",
                                          "--benchmark_format=json"])
                found = json.loads(text)["benchmarks"]
                if not found:
                    sys.exit(f"{program} has no benchmark {name}")
                unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[found[0]["time_unit"]]
                runs.append({**found[0], "cpu": found[0]["cpu_time"] * unit, "real": found[0]["real_time"] * unit, "MB": memory})
            self.known[program, name] = {key: statistics.median(r[key] for r in runs) for key, value in runs[0].items()
                                         if isinstance(value, (int, float))}
        return self.known[program, name]


def figures(bench, weft):
    """Each: name, a function that measures, [(word, value key, target, at most or at least)]."""

    def flat(nodes, classes, jitter, times=5):
        return lambda: bench("bench_engine", f"flat_all_to_all/nodes:{nodes}/classes:{classes}/jitter:{jitter}", times)

    def exchanges(distinct, threads):
        def measure():
            m = bench("bench_parts", f"exchanges/rounds:100/distinct:{distinct}/threads:{threads}/process_time/real_time", 3)
            return {**m, "rate": 3200 / m["real"], "cpu_rate": 3200 / m["cpu"]}
        return measure

    def compute():
        m = bench("bench_engine", "compute_pipeline/ranks:2048/steps:4883", 3)
        return {**m, "rate": 2048 * 4883 / m["cpu"] / 1e6}

    def command(arguments, text=None, times=5):
        def measure():
            runs = [run([weft, *arguments], text)[1:] for _ in range(times)]
            return dict(zip(("cpu", "real", "MB"), (statistics.median(r[i] for r in runs) for i in range(3))))
        return measure

    def wire():
        text = run([weft, "run", "scenarios/all_to_all_bound.json", "--quiet", "--format", "json"])[0]
        rows = json.loads(text)["result"]["rows"]
        return {**command(["run", "scenarios/all_to_all_bound.json", "--quiet"], times=3)(), "gap": max(r["gap_pct"] for r in rows)}

    def timeline(gzip):
        def measure():
            m = bench("bench_trace", f"timeline/rounds:610/gzip:{gzip}/real_time", 3)
            return {**m, "rate": m["bytes_per_second"] / 1e6, "cpu_rate": m["bytes_per_second"] * m["real"] / m["cpu"] / 1e6}
        return measure

    build = lambda name: lambda: bench("bench_topology", f"build/{name}", 3)
    counts = lambda: {"cpu": max(bench("bench_topology", f"count/{c}", 1)["cpu"] for c in all_counts(bench))}
    seconds, memory = ("s", "cpu", "most"), ("MB", "MB", "most")
    yield "all-to-all, 2,048 GPUs, 4.19 million flows, classes", flat(256, 1, 0, 3), [(*seconds, 1), (*memory, 100)]
    yield "the same without classes", flat(256, 0, 0, 1), [(*seconds, 15), (*memory, 1200)]
    yield "all-to-all, 256 GPUs, sizes jittered by 1 %, exact", flat(32, 1, 10, 1), [(*seconds, 10)]
    for distinct, word, target in ((0, "uniform", 4000), (1, "every size different", 1200)):
        for threads, how in ((0, "undivided"), (1, "in parts"), (2, "in parts, two threads")):
            yield (f"exchanges of 32 EP64 groups, {word}, {how}", exchanges(distinct, threads),
                   [("a second (wall)", "rate", "least", target), ("a CPU second", "cpu_rate", None, None)])
    yield "10 million computations on 2,048 ranks", compute, [("million a second", "rate", "least", 5), ("MB", "MB", "most", 2048)]
    yield "EPLB, 61 layers of 256 experts on 288 slots", lambda: bench("bench_eplb", "place/global_ep144", 3), [(*seconds, 0.05)]
    yield "building an MPFT of 16,384 endpoints", build("mpft 16,384 endpoints"), [(*seconds, 0.3)]
    yield "building a Dragonfly of 261,632 endpoints", build("dragonfly 261,632 endpoints"), [(*seconds, 5)]
    yield "counting any topology (the slowest)", counts, [(*seconds, 1e-3)]
    for gzip, how in ((0, "as it is"), (1, "compressed")):
        yield (f"timeline of 10 million transfers, written {how}", timeline(gzip),
               [("MB/s (wall)", "rate", None if gzip else "least", 100), ("MB a CPU second", "cpu_rate", None, None), ("MB of memory", "MB", None, None)])
    yield "`weft --version`", command(["--version"], times=21), [("s (wall)", "real", "most", 0.01), ("s", "cpu", None, None)]
    yield ("`scenarios/all_to_all_bound.json`, all four", wire,
           [(*seconds, 1), ("s (wall)", "real", None, None), ("% above the wire", "gap", "most", 3)])
    yield "`weft compare`, all-to-all of 2,048 GPUs, MPFT and MRFT", command(["compare", "-", "--quiet"], json.dumps(COMPARE), 3), [(*seconds, 2)]


def all_counts(bench):
    text = run([bench.folder / "bench_topology", "--benchmark_list_tests", "--benchmark_filter=^count/"])[0]
    return [line.removeprefix("count/") for line in text.splitlines() if line]


GROWTH = [("all-to-all, classes", "flat_all_to_all/nodes:{}/classes:1/jitter:0", (8, 64, 256)),
          ("all-to-all without classes", "flat_all_to_all/nodes:{}/classes:0/jitter:0", (8, 64, 256)),
          ("all-to-all, jittered", "flat_all_to_all/nodes:{}/classes:1/jitter:10", (8, 16, 32)),
          ("dispatch, all sizes different", "dispatch/nodes:{}", (4, 8, 16, 32))]


def exponent(points):
    """Slope of the least squares line through (log x, log y)."""
    xs, ys = zip(*((math.log(x), math.log(y)) for x, y in points))
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def short(value):
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bench, words = Bench(sys.argv[1]), sys.argv[2:]
    wanted = lambda name: not words or any(w in name for w in words)
    os.chdir(ROOT)
    missed = 0
    cpu = next((l.split(":")[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")), platform.machine())
    print(f"{os.cpu_count()} cores of {cpu}, {os.getloadavg()[0]:.1f} other tasks on average before\n")
    print("| figure | measured | target | |\n|---|---|---|---|")
    for name, measure, parts in figures(bench, bench.folder.parents[1] / "sim" / "cli" / "weft"):
        if not wanted(name):
            continue
        m = measure()
        met = all((m[key] <= target) if side == "most" else (m[key] >= target) for _, key, side, target in parts if side)
        missed += not met
        said = ", ".join(f"{short(m[key])} {unit}" for unit, key, _, _ in parts)
        target = ", ".join(f"at {side} {short(t)} {unit}" for unit, _, side, t in parts if side)
        print(f"| {name} | {said} | {target} | {'met' if met else '**missed**'} |", flush=True)
    if wanted("growth"):
        print("\n| growth | CPU time against flows | exponent |\n|---|---|---|")
        for name, pattern, sizes in GROWTH:
            points = [(m["flows"], m["cpu"]) for m in (bench("bench_engine", pattern.format(n), 1) for n in sizes)]
            print(f"| {name} | {', '.join(f'{x:,.0f}: {short(y)} s' for x, y in points)} | {exponent(points):.2f} |", flush=True)
    if wanted("floor"):
        triad, chase = bench("bench_memory", "triad", 3), bench("bench_memory", "chase", 3)
        bandwidth = 24 * 2**25 / triad["cpu"]
        print(f"\nMemory: {bandwidth / 1e9:.1f} GB/s in order (triad), {chase['cpu'] * 1e9:.0f} ns for a line that is in no cache.\n")
        print("| floor | flows | bytes a flow | written and read once | measured | ratio |\n|---|---|---|---|---|---|")
        for name, pattern, sizes in GROWTH:
            m = bench("bench_engine", pattern.format(sizes[-1]), 1)
            least = 2 * m["MB"] * 2**20 / bandwidth
            print(f"| {name} | {m['flows']:,.0f} | {m['MB'] * 2**20 / m['flows']:,.0f} | {short(least)} s | {short(m['cpu'])} s | {short(m['cpu'] / least)} |",
                  flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
