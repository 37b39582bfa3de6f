#!/usr/bin/env python3
"""Bad input, table-driven: each case ends in exit 3 (2 for a wrong command line), names the place, and never crashes or hangs.

bad_input.py WEFT_BINARY
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

WEFT = sys.argv[1]
PING = {"kind": "ping", "size": "64 B"}
PIPELINE = {"kind": "pipeline", "pp": 4, "micro_batches": 8, "times": {"forward": "1 ms", "backward_input": "1 ms", "weight": "1 ms"}}
STEP = {"kind": "training_step", "model": "deepseek-v3", "pp": 2, "ep": 16, "micro_batches": 8}
A2A = {"kind": "all_to_all", "gpus": 16, "sizes": "1 MiB"}


def scenario(cluster=None, workload=None, **more):
    base = {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}}
    base.update(cluster or {})
    return json.dumps({"title": "t", "cluster": {k: v for k, v in base.items() if v is not None},
                       "workload": workload if workload is not None else [PING], **more})


# name, text of the scenario, exit code, parts that the message must hold
CASES = [
    ("empty file", "", 3, ["the file is empty"]),
    ("only blanks", " \n\n", 3, ["the file is empty"]),
    ("cut off", '{"title": "t", "cluster": {', 3, ["cut off", "line 1"]),
    ("not JSON", "title: t", 3, ["not JSON"]),
    ("a list", "[1, 2]", 3, ["expected a scenario as an object"]),
    ("a number", "7", 3, ["expected a scenario"]),
    ("nothing in it", "{}", 3, ["/title", "/cluster", "/workload"]),
    ("deep nesting", "[" * 100000, 3, ["nested deeper"]),
    ("NaN", '{"title": NaN}', 3, ["not JSON"]),
    ("infinite number", '{"title": "t", "n": 1e999}', 3, ["finite"]),
    ("duplicate key", '{"title": "a", "title": "b"}', 3, ["/title", "twice"]),
    ("binary", "\x00\x01\x02", 3, ["not JSON"]),
    ("unknown key", scenario(extra=1), 3, ["/extra", "unknown key"]),
    ("unknown topology", scenario({"topology": {"kind": "mpfd"}}), 3, ["/cluster/topology/kind", 'did you mean "mpft"']),
    ("no topology kind", scenario({"topology": {}}), 3, ["/cluster/topology/kind"]),
    ("topology is a number", scenario({"topology": 7}), 3, ["/cluster/topology"]),
    ("unknown node", scenario({"node": "h80"}), 3, ["/cluster/node", "h800"]),
    ("unknown transport", scenario({"transport": "infinband"}), 3, ["/cluster/transport", "infiniband"]),
    ("unknown prices", scenario({"prices": "table3"}), 3, ["/cluster/prices", "table3-calibrated"]),
    ("radix that cannot hold the endpoints", scenario({"nodes": 256, "topology": {"kind": "mpft", "radix": 16}}), 3,
     ["/cluster/topology/radix", "256"]),
    ("radix zero", scenario({"topology": {"kind": "mpft", "radix": 0}}), 3, ["/cluster/topology/radix"]),
    ("negative nodes", scenario({"nodes": -4}), 3, ["/cluster/nodes"]),
    ("nodes as text", scenario({"nodes": "many"}), 3, ["/cluster/nodes", "whole number"]),
    ("nodes with a fraction", scenario({"nodes": 2.5}), 3, ["/cluster/nodes"]),
    ("far too many nodes", scenario({"nodes": 10**12}), 3, ["/cluster/nodes"]),
    ("bare rate", scenario({"node": {"extends": "h800", "nic_rate": 400}}), 3, ["/cluster/node/nic_rate", "bits or bytes"]),
    ("zero rate", scenario({"node": {"extends": "h800", "nic_rate": "0 Gbps"}}), 3, ["/cluster/node/nic_rate", "positive"]),
    ("negative rate", scenario({"node": {"extends": "h800", "nvlink_rate": "-1 GB/s"}}), 3, ["/cluster/node/nvlink_rate"]),
    ("time for a rate", scenario({"node": {"extends": "h800", "nic_rate": "4 us"}}), 3, ["/cluster/node/nic_rate", "rate"]),
    ("extends nothing known", scenario({"node": {"extends": "h8000"}}), 3, ["h800"]),
    ("GPU count that is no multiple of the node", scenario(workload=[{**A2A, "gpus": 12}]), 3, ["/workload/0/gpus", "8"]),
    ("more GPUs than the cluster has", scenario(workload=[{**A2A, "gpus": 64}]), 3, ["/workload/0/gpus"]),
    ("one GPU alone", scenario(workload=[{**A2A, "gpus": 1}]), 3, ["/workload/0/gpus"]),
    ("a plane without path", scenario(workload=[{**A2A, "pxn": False}]), 3, ["pxn"]),
    ("size zero", scenario(workload=[{**A2A, "sizes": "0 B"}]), 3, ["/workload/0/sizes"]),
    ("size without unit", scenario(workload=[{**A2A, "sizes": 1024}]), 3, ["/workload/0/sizes", "bare number"]),
    ("empty list of sizes", scenario(workload=[{**A2A, "sizes": []}]), 3, ["/workload/0/sizes"]),
    ("misspelt parameter", scenario(workload=[{**A2A, "size": "1 MiB"}]), 3, ["/workload/0/size", "sizes"]),
    ("unknown workload", scenario(workload=[{"kind": "all_too_all"}]), 3, ["/workload/0/kind", "all_to_all"]),
    ("no workload", scenario(workload=[]), 3, ["/workload"]),
    ("workload is a word", scenario(workload=["ping"]), 3, ["/workload/0"]),
    ("two workloads of one id", scenario(workload=[PING, PING]), 3, ["/workload/1/id"]),
    ("a failed link that partitions a flow",
     scenario({"nodes": 64, "failed": ["plane0.spine0"]}, [{**A2A, "gpus": 512}]), 3, ["/cluster/failed"]),
    ("unknown failed part", scenario({"failed": ["plane0.spin0"]}), 3, ["/cluster/failed/0"]),
    ("failed is no list", scenario({"failed": "plane0"}), 3, ["/cluster/failed"]),
    ("event without a part", scenario({"events": [{"at": "1 ms"}]}), 3, ["/cluster/events/0"]),
    ("event on nothing", scenario({"events": [{"at": "1 ms", "fail": "nothing"}]}), 3, ["/cluster/events/0", "nothing"]),
    ("unknown policy", scenario({"routing": {"policy": "adaptiv"}}), 3, ["/cluster/routing/policy", "adaptive"]),
    ("zero QPs", scenario({"routing": {"qps": 0}}), 3, ["/cluster/routing/qps"]),
    ("Slim Fly that does not exist", scenario({"nodes": None, "topology": {"kind": "slim_fly", "q": 28}}), 3, ["prime power"]),
    ("ep larger than the cluster", scenario(workload=[{"kind": "deepep_dispatch", "ep": 64}]), 3, ["/workload/0/ep"]),
    ("too few micro-batches for DualPipe", scenario(workload=[{**STEP, "micro_batches": 2}]), 3, ["/workload/0/micro_batches", "micro-batches"]),
    ("pp that does not divide the GPUs", scenario(workload=[{**STEP, "schedule": "1f1b", "pp": 3}]), 3, ["/workload/0/pp", "32"]),
    ("ep that does not divide the experts", scenario(workload=[{**STEP, "ep": 24}]), 3, ["/workload/0/ep", "24"]),
    ("tp beyond a node", scenario(workload=[{**STEP, "pp": 1, "ep": 32, "tp": 16, "sequence_parallel": True}]), 3, ["/workload/0/tp", "16"]),
    ("all SMs communicate", scenario(workload=[{**STEP, "communication_sms": 132}]), 3, ["/workload/0/communication_sms", "132"]),
    ("unequal experts without draws", scenario(workload=[{**STEP, "imbalance": 0.3}]), 3, ["/workload/0/imbalance", "drawn"]),
    ("negative jitter", scenario(workload=[{**STEP, "jitter": -0.1}]), 3, ["/workload/0/jitter"]),
    ("a time of the optimiser without unit", scenario(workload=[{**STEP, "optimizer_time": 0.29}]), 3, ["/workload/0/optimizer_time"]),
    ("stages that leave out a layer", scenario(workload=[{**STEP, "stages": [{"embedding": True, "dense_layers": 3, "moe_layers": 28}, {"moe_layers": 29, "mtp_modules": 1, "heads": 2}]}]), 3,
     ["/workload/0/stages"]),
    ("a batch that its ranks cannot share", scenario(workload=[{"kind": "training_step", "model": "deepseek-v3", "pp": 2, "ep": 16, "global_batch": 100}]), 3,
     ["/workload/0/global_batch", "100"]),
    ("more experts a token than experts", scenario(workload=[{"kind": "deepep_dispatch", "ep": 16, "topk": 300}]), 3, ["/workload/0/topk"]),
    ("unknown gate", scenario(workload=[{"kind": "deepep_dispatch", "ep": 16, "gate": "v4"}]), 3, ["/workload/0/gate"]),
    ("variant without a name", scenario(variants=[{"set": {}}]), 3, ["/variants/0/name"]),
    ("two variants of one name", scenario(variants=[{"name": "a"}, {"name": "a"}]), 3, ["/variants/1/name"]),
    ("variant that sets nothing there is", scenario(variants=[{"name": "a", "set": {"/clutser/nodes": 3}}]), 3, ["/variants/0/set", "cluster"]),
    ("expectation of nothing", scenario(expect=[{"of": "t/ping/x", "value": 1, "source": "s"}]), 3, ["/expect/0/of"]),
    ("masks that leave nothing", scenario(workload=[{"kind": "deepep_low_latency", "ep": 16, "tokens": 1, "masked": 8}]), 3, ["/workload/0/masked"]),
    ("a rate of no sensible magnitude", scenario({"node": {"extends": "h800", "nic_rate": "1e-295 bps"}}), 3, ["/cluster/node/nic_rate"]),
    ("full size that is no whole number of nodes", scenario({"nodes": None, "topology": {"kind": "slim_fly", "q": 5, "p": 3}}), 3, ["/cluster/nodes"]),
    ("full size beyond all measure", scenario({"nodes": None, "topology": {"kind": "dragonfly", "radix": 4096}}), 3, ["/cluster"]),
    ("one id, two kinds", scenario(variants=[{"name": "a"}, {"name": "b", "set": {"/workload/0": {"id": "ping", "kind": "price"}}}]), 3,
     ["/workload/0/kind"]),
    ("ugal without its share", scenario({"routing": {"paths": "ugal"}}), 3, ["ugal_minimal_share"]),
    ("experts on GPUs that are no whole nodes", scenario(workload=[{"kind": "expert_balance", "ep": 12}]), 3, ["/workload/0/ep", "whole nodes of 8"]),
    ("experts that do not divide", scenario(workload=[{"kind": "expert_balance", "ep": 144, "redundant": 31}]), 3, ["/workload/0/redundant", "do not divide over 144"]),
    ("loads that are not there", scenario(workload=[{"kind": "expert_balance", "balance": {"loads": "/nowhere.json"}}]), 3, ["/workload/0/balance/loads", "no such file"]),
    ("a schedule that nobody knows", scenario(workload=[{**PIPELINE, "schedules": "2f2b"}]), 3, ["/workload/0/schedules", "1f1b"]),
    ("micro-batches that DualPipe cannot halve", scenario(workload=[{**PIPELINE, "micro_batches": 9}]), 3, ["/workload/0/micro_batches", "dualpipe"]),
    ("times without a unit", scenario(workload=[{**PIPELINE, "times": {"forward": 1, "backward_input": 1, "weight": 1}}]), 3, ["/workload/0/times/forward"]),
    ("several mistakes at once", scenario({"nodes": -1, "transport": "x", "topology": {"kind": "y"}}), 3,
     ["/cluster/nodes", "/cluster/transport", "/cluster/topology/kind"]),
]

# name, arguments, exit code, parts of stderr
COMMANDS = [
    ("no such file", ["run", "/nonexistent/x.json"], 3, ["no such file"]),
    ("a folder", ["run", "/tmp"], 3, ["folder"]),
    ("no subcommand", [], 2, []),
    ("unknown subcommand", ["rum"], 2, []),
    ("unknown option", ["run", "x.json", "--sed", "3"], 2, []),
    ("seed that is no number", ["run", "x.json", "--seed", "three"], 2, []),
    ("unknown format", ["list", "--format", "tabel"], 3, ["table"]),
    ("unknown kind of list", ["list", "topologys"], 3, ["topologies"]),
    ("unknown name to show", ["show", "topology", "mpftt"], 3, ["mpft"]),
    ("unknown model", ["show", "model", "deepseek-v4"], 3, ["deepseek-v3"]),
    ("no such config", ["show", "model", "./nowhere/config.json"], 3, ["no such file"]),
    ("ops without a phase", ["show", "model", "deepseek-v3", "--ep", "64"], 3, ["--ep", "--phase"]),
    ("unknown phase", ["show", "model", "deepseek-v3", "--phase", "trian"], 3, ["--phase", "train"]),
    ("experts that do not divide", ["show", "model", "deepseek-v3", "--phase", "train", "--ep", "48"], 3, ["--ep", "--redundant"]),
    ("half a token", ["show", "model", "deepseek-v3", "--phase", "train", "--tokens", "0.5"], 3, ["--tokens", "whole"]),
    ("experts of a dense model", ["show", "model", "llama-3.1-405b", "--phase", "train", "--ep", "8"], 3, ["--ep", "no experts"]),
    ("an option of models for hardware", ["show", "hardware", "h800", "--ep", "8"], 3, ["--ep", "hardware"]),
    ("unknown export format", ["topology", "export", "mpft", "--nodes", "2", "--format", "dots"], 3, ["dot"]),
    ("unknown topology to price", ["topology", "cost", "fat"], 3, ["NAME"]),
    ("unknown schedule", ["schedule", "dualpip"], 3, ["NAME", 'did you mean "dualpipe"']),
    ("odd ranks for DualPipe", ["schedule", "dualpipe", "--pp", "5"], 3, ["--pp", "even"]),
    ("too few micro-batches", ["schedule", "dualpipe", "--pp", "8", "--micro-batches", "14"], 3, ["--micro-batches", "16"]),
    ("micro-batches that fill no group", ["schedule", "interleaved_1f1b", "--pp", "8", "--micro-batches", "20"], 3, ["--micro-batches", "multiple"]),
    ("chunks of a schedule without", ["schedule", "1f1b", "--chunks", "2"], 3, ["--chunks", "interleaved_1f1b"]),
    ("no ranks", ["schedule", "gpipe", "--pp", "0"], 3, ["--pp"]),
    ("ranks beyond all measure", ["schedule", "gpipe", "--pp", "4000000000", "--micro-batches", "4000000000"], 3, ["--micro-batches", "cells"]),
    ("negative ranks", ["schedule", "gpipe", "--pp", "-4"], 2, []),
    ("two times", ["schedule", "1f1b", "--times", "1,2"], 3, ["--times", "F,b,w"]),
    ("a time that is none", ["schedule", "1f1b", "--times", "1,nan,1"], 3, ["--times", "nan"]),
    ("a time of zero", ["schedule", "1f1b", "--times", "1,0,1"], 3, ["--times", "0"]),
    ("an empty time", ["schedule", "1f1b", "--times", "1,,1"], 3, ["--times"]),
    ("a negative hop", ["schedule", "1f1b", "--hop", "-1"], 3, ["--hop"]),
    ("a part that ends before it begins", ["schedule", "1f1b", "--from", "5", "--to", "4"], 3, ["--from", "--to"]),
    ("a part from nowhere", ["schedule", "1f1b", "--from", "nan"], 3, ["--from"]),
    ("a schedule in no format", ["schedule", "1f1b", "--format", "svg"], 3, ["--format"]),
    ("unknown topic", ["validate", "--topic", "table33"], 3, ["table3"]),
    ("a setting without a value", ["run", "x.json", "--set", "/cluster/nodes"], 3, ["--set", "expected /pointer=value"]),
]


def check(name, arguments, want, parts, stdin=None):
    try:
        p = subprocess.run([WEFT, *arguments], input=stdin, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return f"{name}: hangs"
    told = p.stderr.decode(errors="replace")
    if p.returncode != want:
        return f"{name}: exit {p.returncode}, expected {want}; said: {told[:300]}"
    if p.stdout:
        return f"{name}: wrote to stdout: {p.stdout[:100]!r}"
    if want == 3 and not told.strip():
        return f"{name}: says nothing"
    missing = [part for part in parts if part not in told]
    if missing:
        return f"{name}: does not say {missing}; said: {told[:400]}"
    return None


def main():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text, want, parts in CASES:
            file = Path(folder) / "scenario.json"
            file.write_bytes(text.encode("latin-1", errors="replace"))
            wrong.append(check(name, ["run", str(file)], want, parts))
        huge = Path(folder) / "huge.json"
        huge.write_bytes(b"[" + b"1," * (9 << 20) + b"1]")
        wrong.append(check("huge file", ["run", str(huge)], 3, ["larger than"]))
        unreadable = Path(folder) / "latin1.json"
        unreadable.write_bytes('{"title": "é"}'.encode("latin-1"))
        wrong.append(check("not UTF-8", ["run", str(unreadable)], 3, ["not JSON"]))
    for name, arguments, want, parts in COMMANDS:
        wrong.append(check(name, arguments, want, parts))
    wrong = [w for w in wrong if w]
    print("\n".join(wrong))
    print(f"{len(CASES) + len(COMMANDS) + 2 - len(wrong)} of {len(CASES) + len(COMMANDS) + 2} cases as they should be")
    sys.exit(1 if wrong else 0)


main()
