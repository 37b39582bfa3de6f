#!/usr/bin/env python3
"""Bad input of serving, storage and a production day: each case ends in exit 3 and names its place; overload is told and goes on.

inference_input.py WEFT_BINARY
"""
import gzip
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = str(Path(sys.argv.pop(1)).resolve())
CLUSTER = {"node": "h800", "nodes": 22, "topology": {"kind": "mpft", "radix": 64, "planes": 8}}
STORED = {"node": {"extends": "endpoint", "storage_nic_rate": "200 Gbps"}, "nodes": 8, "topology": {"kind": "single_switch"},
          "storage": {"node": "threefs_2025", "nodes": 4}}
PREFILL = {"nodes": 1, "groups": 8, "kv_tokens": 20000, "times": {"base": "10 ms"}}
DECODE = {"nodes": 1, "groups": 8, "kv_tokens": 20000, "times": {"base": "20 ms"}}
REQUESTS = {"process": "uniform", "count": 20, "duration": "20 s", "prompt": 1000, "output": 100}
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n"
V3 = {"model": "deepseek-v3"}


def serving(**more):
    return {"kind": "serving", "requests": REQUESTS, "prefill": PREFILL, "decode": DECODE, **more}


def mooncake(*rows):
    keys = ("timestamp", "input_length", "output_length", "hash_ids")
    return "".join(json.dumps(dict(zip(keys, row))) + "\n" for row in rows)


def asked(**more):
    return {"kind": "request_trace", "requests": {**REQUESTS, **more}}


SOUND = mooncake((0, 1000, 10, [1, 2]), (1000, 1000, 10, [1, 3]))
# name of the file, its contents, what the message holds beside the file's name
TRACES = [
    ("order.jsonl", mooncake((1000, 9, 1, [1]), (0, 9, 1, [2])), ["line 2", "1 s before"]),
    ("missing.jsonl", '{"timestamp": 0, "input_length": 5}\n', ["line 1", "output_length"]),
    ("truncated.jsonl", SOUND[:-20], ["line 2", "cut off"]),
    ("empty.jsonl", "", ["the trace is empty"]),
    ("blank.jsonl", "\n\n", ["the trace is empty"]),
    ("negative.jsonl", mooncake((0, -5, 10, [1])), ["line 1", "input_length", "-5"]),
    ("past.jsonl", mooncake((-5, 9, 10, [1])), ["line 1", "timestamp", "-5"]),
    ("huge.jsonl", mooncake((0, 2**63, 10, [1])), ["line 1", "input_length", "9223372036854775808"]),
    ("wide.jsonl", mooncake((0, 10**300, 10, [1])), ["line 1", "input_length", "1e+300"]),
    ("nan.jsonl", '{"timestamp": NaN, "input_length": 5, "output_length": 5, "hash_ids": [1]}\n', ["line 1", "not JSON"]),
    ("zero.jsonl", mooncake((0, 10, 0, [1])), ["line 1", "zero tokens"]),
    ("ids.jsonl", mooncake((0, 10, 1, [1, 2, 3])), ["line 1", "3 hash_ids"]),
    ("order.csv", AZURE + "2023-11-16 18:17:01,5,5\n", ["line 4", "before"]),
    ("column.csv", "TIMESTAMP,ContextTokens\n2023-11-16 18:17:01,5\n", ["line 1", "GeneratedTokens"]),
    ("short.csv", AZURE + "2023-11-16 18:18:01,5\n", ["line 4", "3 fields"]),
    ("head.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n", ["no requests"]),
    ("word.csv", AZURE + "2023-11-16 18:18:01,5,many\n", ["line 4", "GeneratedTokens", "many"]),
    ("time.csv", AZURE + "yesterday,5,5\n", ["line 4", "TIMESTAMP"]),
    ("date.csv", AZURE + "2023-13-45 29:00:00,5,5\n", ["line 4", "TIMESTAMP"]),
    ("infinite.csv", AZURE + "2023-11-16 18:18:01,1e300,5\n", ["line 4", "ContextTokens"]),
    ("cut.jsonl.gz", gzip.compress(SOUND.encode() * 50)[:60], ["cut off"]),
    ("noise.jsonl", bytes(range(256)), ["line 1"]),
]

# what it is, the cluster, the workload, what the message holds
CASES = [
    ("a prompt longer than decode's memory", CLUSTER, serving(requests={**REQUESTS, "prompt": 30000}), ["/workload/0/requests", "request 1", "30000", "20000", "decode group"]),
    ("a prompt longer than prefill's memory", CLUSTER, serving(requests={**REQUESTS, "prompt": 15000}, prefill={**PREFILL, "kv_tokens": 10000}),
     ["/workload/0/requests", "15000", "10000", "prefill group"]),
    ("a prompt longer than the context", CLUSTER, serving(context=1050, requests={**REQUESTS, "too_long": "refuse"}), ["1000", "100", "1050"]),
    ("both a process and a trace", CLUSTER, asked(trace="x"), ["/workload/0/requests", "both"]),
    ("no requests", CLUSTER, {"kind": "request_trace"}, ["/workload/0/requests", "missing"]),
    ("requests that are null", CLUSTER, {"kind": "request_trace", "requests": None}, ["/workload/0/requests", "null"]),
    ("rates that are no list", CLUSTER, asked(process="diurnal", curve={"rates": 3}), ["/workload/0/requests/curve/rates", "list"]),
    ("rates of zero", CLUSTER, asked(process="diurnal", curve={"rates": [0, 0]}), ["/workload/0/requests/curve/rates", "above zero"]),
    ("weights that are no list", CLUSTER, asked(output={"distribution": "table", "values": [1], "weights": 1}), ["/workload/0/requests/output/weights", "list"]),
    ("values that are no list", CLUSTER, asked(output={"distribution": "table", "values": "x", "weights": [1]}), ["/workload/0/requests/output/values", "list"]),
    ("more weights than values", CLUSTER, asked(output={"distribution": "table", "values": [1], "weights": [1, 2]}), ["/workload/0/requests/output/weights", "as many"]),
    ("hits beyond all", CLUSTER, asked(cache={"hit": 2}), ["/workload/0/requests/cache/hit", "2"]),
    ("a warm-up beyond the horizon", CLUSTER, serving(warm_up="30 s", horizon="10 s"), ["/workload/0/warm_up", "horizon"]),
    ("acceptance above one", CLUSTER, serving(acceptance=1.5, decode={**DECODE, "drafts": 1}), ["/workload/0/acceptance", "1.5"]),
    ("acceptance below zero", CLUSTER, {"kind": "decode", "ep": 144, "mtp": 1, "acceptance": -0.1}, ["/workload/0/acceptance", "-0.1"]),
    ("acceptance without drafts", CLUSTER, serving(acceptance=0.5), ["/workload/0/acceptance", "no draft tokens", "mtp"]),
    ("acceptance without MTP", CLUSTER, {"kind": "decode", "ep": 144, "acceptance": 0.5}, ["/workload/0/acceptance", "no draft tokens"]),
    ("EP144 without copies", CLUSTER, {"kind": "decode", "ep": 144, "redundant": 0}, ["/workload/0/redundant", "do not divide", "144", "32"]),
    ("EP10 without copies", CLUSTER, {"kind": "decode", "ep": 10, "redundant": 0}, ["/workload/0/redundant", "do not divide", "10"]),
    ("EP10 that is no whole nodes", CLUSTER, {"kind": "decode", "ep": 10, "check_memory": False}, ["/workload/0/ep", "8 or 16"]),
    ("EP52 in serving", CLUSTER, serving(decode={**V3, "ep": 52}), ["/workload/0/decode/ep", "48 or 56"]),
    ("balance of EP144 without copies", CLUSTER, {"kind": "expert_balance", "ep": 144, "redundant": 0}, ["/workload/0/redundant", "do not divide"]),
    ("EP beyond the cluster", {**CLUSTER, "nodes": 4}, {"kind": "decode", "ep": 144}, ["/workload/0/ep", "144", "32"]),
    ("units beyond the cluster", CLUSTER, serving(decode={**DECODE, "units": 30}), ["/workload/0/decode/units", "22"]),
    ("groups beyond a node", CLUSTER, serving(decode={**DECODE, "groups": 9}), ["/workload/0/decode", "9 groups"]),
    ("heads that do not divide", CLUSTER, {"kind": "decode", "ep": 144, "tp": 3}, ["/workload/0/tp", "128 heads"]),
    ("a unit that does not fit", CLUSTER, serving(decode={**V3, "ep": 8}), ["/workload/0/decode", "does not fit", "GB too much", "ep 16"]),
    ("prefill that does not fit", CLUSTER, {"kind": "prefill", "ep": 8}, ["/workload/0/tokens_per_gpu", "GB too much"]),
    ("a batch that does not fit", CLUSTER, {"kind": "decode", "ep": 144, "requests": 500}, ["/workload/0/requests/0", "GB too much", "it would fit with", "requests"]),
    ("a balance with an unknown key", CLUSTER, {"kind": "decode", "ep": 144, "balance": {"sigmaa": 1}}, ["/workload/0/balance/sigmaa", '"sigma"']),
    ("a negative sigma", CLUSTER, {"kind": "decode", "ep": 144, "balance": {"sigma": -1}}, ["/workload/0/balance/sigma", "-1"]),
    ("a negative drift", CLUSTER, serving(decode={**V3, "ep": 144, "balance": {"drift": -0.1}}), ["/workload/0/decode/balance/drift", "-0.1"]),
    ("a balance below one", CLUSTER, {"kind": "prefill", "ep": 32, "balance": 0.5}, ["/workload/0/balance", "0.5"]),
    ("a negative sigma of expert_balance", CLUSTER, {"kind": "expert_balance", "balance": {"sigma": -1}}, ["/workload/0/balance/sigma"]),
    ("write-back to nothing", CLUSTER, serving(prefix_cache={"write_back": True}), ["/workload/0/prefix_cache/write_back", "storage"]),
    ("KV cache from nothing", CLUSTER, {"kind": "kv_read_vs_ep", "kv_from": "storage"}, ["/workload/0/kv_from", "storage"]),
    ("no storage nodes", {**STORED, "storage": {"node": "threefs_2025", "nodes": 0}}, {"kind": "storage_read"}, ["/cluster/storage/nodes"]),
    ("storage that nodes cannot reach", {**STORED, "node": "endpoint"}, {"kind": "storage_read"}, ["/cluster/storage", "storage_nic_rate"]),
    ("more replicas than storage nodes", STORED, {"kind": "graysort", "replicas": 5}, ["/workload/0/replicas", "5", "4"]),
    ("more clients than nodes", STORED, {"kind": "graysort", "clients": 9}, ["/workload/0/clients", "9", "8"]),
    ("tasks beyond a node", STORED, {"kind": "graysort", "cores": 4}, ["/workload/0/cores_per_task", "8 cores"]),
    ("negative records", STORED, {"kind": "graysort", "records": "-1 TiB"}, ["/workload/0/records", "-1 TiB"]),
    ("reads beyond all measure", STORED, {"kind": "storage_read", "reads": 2**40}, ["/workload/0/reads"]),
    ("a negative price of a GPU", CLUSTER, {"kind": "production_day", "gpu_price": "-2 USD"}, ["/workload/0/gpu_price", "-2 USD"]),
    ("a negative price of tokens", CLUSTER, {"kind": "production_day", "token_prices": {"cached": "-0.14 USD", "input": "0.55 USD", "output": "2.19 USD"}},
     ["/workload/0/token_prices/cached", "-0.14 USD"]),
    ("a price without a unit", CLUSTER, {"kind": "production_day", "gpu_price": 2}, ["/workload/0/gpu_price", "no unit"]),
    ("unsorted steps of nodes", CLUSTER, {"kind": "production_day", "nodes": {"edges_h": [0, 12, 8, 24], "values": [98, 128, 278]}}, ["/workload/0/nodes/edges_h/2", "8 follows 12"]),
    ("unsorted steps of load", CLUSTER, {"kind": "production_day", "load": {"edges_h": [0, 12, 8, 24], "load": [1, 2, 3]}}, ["/workload/0/load/edges_h/2", "8 follows 12"]),
    ("edges that are no list", CLUSTER, {"kind": "production_day", "load": {"edges_h": 7, "load": [1, 2, 3]}}, ["/workload/0/load/edges_h", "list"]),
    ("edges that are none", CLUSTER, {"kind": "production_day", "load": {"edges_h": [], "load": [1, 2, 3]}}, ["/workload/0/load/edges_h", "empty"]),
    ("no load at all", CLUSTER, {"kind": "production_day", "load": {"load": [0, 0]}}, ["/workload/0/load/load", "zero"]),
    ("no nodes", CLUSTER, {"kind": "production_day", "nodes": 0}, ["/workload/0/nodes", "0"]),
    ("nodes that are no whole cells", CLUSTER, {"kind": "production_day", "nodes": 100}, ["/workload/0/nodes", "98 or 128"]),
    ("a cell of nothing", CLUSTER, {"kind": "production_day", "cell": {"prefill_unit": 0, "decode_unit": 18, "prefill_units": 3, "decode_units": 1, "fixed_prefill_units": 2}},
     ["/workload/0/cell/prefill_unit"]),
    ("more cached than came", CLUSTER, {"kind": "production_day", "cached_tokens": 1e12}, ["/workload/0/cached_tokens"]),
    ("negative bytes of a weight", CLUSTER, {"kind": "local_inference", "models": "deepseek-v2", "machines": "m4_max", "weight": "-0.5 B"}, ["/workload/0/weight"]),
    ("negative parameters", CLUSTER, {"kind": "local_inference", "models": {"name": "x", "total_parameters": -1, "activated_parameters": 1}, "machines": "m4_max"},
     ["/workload/0/models/total_parameters"]),
    ("more parameters activated than there are", CLUSTER, {"kind": "local_inference", "models": {"name": "x", "total_parameters": 2, "activated_parameters": 3}, "machines": "m4_max"},
     ["/workload/0/models/activated_parameters"]),
    ("a model without a name", CLUSTER, {"kind": "local_inference", "models": {"name": "", "total_parameters": 2, "activated_parameters": 1}, "machines": "m4_max"},
     ["/workload/0/models/name", "empty"]),
    ("a negative context", CLUSTER, {"kind": "local_inference", "models": "deepseek-v2", "machines": "m4_max", "context": -4}, ["/workload/0/context"]),
    ("a network without a name", CLUSTER, {"kind": "ep_speed_limit", "networks": [{"name": "", "rate": "50 GB/s"}]}, ["/workload/0/networks/0/name", "empty"]),
]
STORAGE_KINDS = ["storage_read", "storage_write", "kv_cache_read", "graysort", "dataset_load", "embedding_search", "checkpoint"]
# A count that no machine has: where it stands, and the workload that holds it.
COUNTS = [
    ("/requests/count", lambda n: serving(requests={**REQUESTS, "count": n})),
    ("/requests/prompt", lambda n: serving(requests={**REQUESTS, "prompt": n})),
    ("/requests/limit", lambda n: asked(limit=n)),
    ("/decode/units", lambda n: serving(decode={**DECODE, "units": n})),
    ("/decode/groups", lambda n: serving(decode={**DECODE, "groups": n})),
    ("/decode/nodes", lambda n: serving(decode={**DECODE, "nodes": n})),
    ("/decode/kv_tokens", lambda n: serving(decode={**DECODE, "kv_tokens": n})),
    ("/policy/max_tokens", lambda n: serving(policy={"max_tokens": n})),
    ("/prefix_cache/stripes", lambda n: serving(prefix_cache={"stripes": n})),
    ("/ep", lambda n: {"kind": "decode", "ep": n}),
    ("/redundant", lambda n: {"kind": "decode", "ep": 32, "redundant": n}),
    ("/requests", lambda n: {"kind": "decode", "ep": 32, "requests": n}),
    ("/context", lambda n: {"kind": "decode", "ep": 32, "context": n}),
    ("/prompt", lambda n: {"kind": "prefill", "ep": 32, "prompt": n}),
    ("/tokens_per_gpu", lambda n: {"kind": "prefill", "ep": 32, "tokens_per_gpu": n}),
    ("/layers", lambda n: {"kind": "expert_balance", "layers": n}),
    ("/context", lambda n: {"kind": "inference_memory", "gpu": "h800", "model": "deepseek-v3", "context": n}),
    ("/partitions", lambda n: {"kind": "graysort", "partitions": n}),
    ("/clients", lambda n: {"kind": "storage_read", "clients": n}),
    ("/input_tokens", lambda n: {"kind": "production_day", "input_tokens": n}),
    ("/nodes", lambda n: {"kind": "production_day", "nodes": n}),
    ("/layers", lambda n: {"kind": "ep_speed_limit", "layers": n}),
]


class InferenceInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def run_of(self, workload, cluster=CLUSTER):
        text = json.dumps({"title": "t", "cluster": cluster, "workload": [workload]})
        return subprocess.run([WEFT, "run", "-", "--format", "json"], input=text, capture_output=True, text=True, timeout=60)

    def refused(self, workload, cluster, parts):
        p = self.run_of(workload, cluster)
        self.assertEqual(p.returncode, 3, p.stderr[:400])
        self.assertEqual(p.stdout, "")
        for part in parts:
            self.assertIn(part, p.stderr)
        self.assertNotIn("bug in weft", p.stderr)
        for word in p.stderr.replace("(", " ").replace(",", " ").split():
            self.assertNotIn(word.lower(), ("nan", "inf", "-inf", "-nan"), p.stderr)

    def trace(self, name, contents):
        path = Path(self.folder.name) / name
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return str(path)

    def test_a_trace_that_is_wrong_names_file_and_line(self):
        for name, contents, parts in TRACES:
            with self.subTest(name):
                path = self.trace(name, contents)
                self.refused({"kind": "request_trace", "requests": {"trace": path}}, CLUSTER, [path, *parts])
                self.refused(serving(requests={"trace": path}), CLUSTER, [path, *parts])

    def test_a_sound_trace_asked_for_the_wrong_way(self):
        path = self.trace("sound.jsonl", SOUND)
        for more, parts in [({"start": "1 h"}, [path, "3600 s"]), ({"repeat": 0}, ["/workload/0/requests/repeat"]), ({"rate_factor": 0}, ["/workload/0/requests/rate_factor"]),
                            ({"max_context": 512}, [path, "line 1", "1010", "512"]), ({"prompt": 5}, ["/workload/0/requests/prompt"])]:
            with self.subTest(more):
                self.refused({"kind": "request_trace", "requests": {"trace": path, **more}}, CLUSTER, parts)
        self.refused({"kind": "request_trace", "requests": {"trace": path + "x"}}, CLUSTER, ["/workload/0/requests/trace", path + "x"])
        self.refused({"kind": "request_trace", "requests": {"trace": self.folder.name}}, CLUSTER, [self.folder.name, "folder"])

    def test_bad_input_names_its_place(self):
        for name, cluster, workload, parts in CASES:
            with self.subTest(name):
                self.refused(workload, cluster, parts)

    def test_storage_kinds_need_storage(self):
        without = {k: v for k, v in STORED.items() if k != "storage"}
        for kind in STORAGE_KINDS:
            with self.subTest(kind):
                self.refused({"kind": kind, **({"state": "1 TB"} if kind == "checkpoint" else {})}, without, ["/cluster/storage", "has none"])

    def test_huge_counts_name_their_place(self):
        for place, workload in COUNTS:
            for count in (1e300, 2**63, -1):
                with self.subTest(place=place, count=count):
                    w = workload(count)
                    self.refused(w, STORED if w["kind"] in STORAGE_KINDS else CLUSTER, ["/workload/0" + place])

    def test_a_unit_says_by_how_much_it_does_not_fit(self):
        told = self.run_of({"kind": "decode", "ep": 144, "requests": 500, "context": 4096}).stderr
        # 500 requests of 4,096 tokens of 70,272 B: 143.9 GB (arXiv:2505.09343 Table 1).
        self.assertIn("143.9 GB for the cache of 500 requests of 4096 tokens", told)
        words = told.replace(",", "").split()
        weights, cache = float(words[words.index("needs") + 1]), 143.9
        usable = float(words[words.index("may") - 5])
        over = float(words[words.index("too") - 2])
        self.assertAlmostEqual(over, weights + cache - usable, delta=0.16)   # four numbers rounded to 0.1

    def test_eplb_has_as_many_slots_as_experts_at_least(self):
        loads = self.trace("loads.json", json.dumps([[1] * 256]))
        for replicas, gpus, part in [(255, 5, "256 experts do not fit into 255 slots"), (288, 7, "288 slots do not divide over 7 GPUs"), (290, 144, "290 slots do not divide over 144 GPUs")]:
            p = subprocess.run([WEFT, "eplb", loads, "--replicas", str(replicas), "--groups", "8", "--nodes", "1" if gpus < 9 else "18", "--gpus", str(gpus)],
                               capture_output=True, text=True, timeout=60)
            self.assertEqual(p.returncode, 3, p.stderr)
            self.assertIn(part, p.stderr)
            self.assertEqual(p.stdout, "")

    def test_arrivals_beyond_capacity_are_told_with_the_point(self):
        # Prefill: prompts of 1,000 of which 342/608 are cached leave 437.5 new ones, 900 us each; 8 groups: 20.3 requests a second less 10 ms a pass, of 40 that come.
        # Decode: 8 groups of 4 requests, 399 steps of 20 ms after the first token: 4.01 a second.
        prefill = serving(requests={**REQUESTS, "process": "poisson", "count": 4000, "duration": "100 s", "output": 2}, prefill={**PREFILL, "times": {"base": "10 ms", "per_token": "900 us"}})
        decode = serving(requests={**REQUESTS, "process": "poisson", "count": 2000, "duration": "100 s", "output": 400}, policy={"max_requests": 4})
        for stage, workload, most in [("prefill", prefill, 20.4), ("decode", decode, 4.02)]:
            with self.subTest(stage):
                p = self.run_of(workload)
                self.assertEqual(p.returncode, 0, p.stderr)
                self.assertIn("queues grow without bound from", p.stderr)
                row = json.loads(p.stdout)["result"]["rows"][0]
                self.assertTrue(row["overloaded"])
                self.assertEqual(row["overloaded_stage"], stage)
                self.assertGreater(row["overloaded_from_s"], 0)
                self.assertLess(row["overloaded_from_s"], 50)
                self.assertGreater(row["sustained_rps"], 0.9 * most)
                self.assertLessEqual(row["sustained_rps"], most)
                self.assertGreater(row["load"], 1.5)

    def test_a_sweep_tells_which_points_are_beyond_capacity(self):
        # Decode sustains 4.01 requests a second (above): 2 a second are served, 20 are not.
        one = serving(id="x", requests={**REQUESTS, "count": 200, "duration": "100 s", "output": 400}, policy={"max_requests": 4})
        scenario = Path(self.folder.name) / "sweep.json"
        scenario.write_text(json.dumps({"title": "t", "cluster": CLUSTER, "workload": [one]}))
        p = subprocess.run([WEFT, "sweep", str(scenario), "--vary", "/workload/x/requests/count=200,2000", "--format", "csv"], capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stderr)
        told = [line for line in p.stderr.splitlines() if "queues grow without bound" in line]
        self.assertEqual(len(told), 1, p.stderr)
        self.assertIn("/workload/x/requests/count=2000: ", told[0])

    def test_a_run_that_counts_nothing_says_so(self):
        p = self.run_of(serving(warm_up="30 s"))
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("none is counted", p.stderr)
        p = self.run_of(serving(requests={**REQUESTS, "process": "poisson", "count": 1, "duration": "100 s"}, horizon="1 ms"))
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("no request came", p.stderr)


unittest.main(verbosity=1)
