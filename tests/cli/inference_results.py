#!/usr/bin/env python3
"""Results of the inference and storage scenarios hang together, whatever their values: no NaN, no negative time, percentiles in order, tokens conserved.

inference_results.py WEFT_BINARY
"""
import json
import math
import os
import subprocess
import sys
import unittest
from pathlib import Path

WEFT = str(Path(sys.argv.pop(1)).resolve())
ROOT = Path(os.environ["WEFT_DATA"])
SCENARIOS = ["decode_ep128_profile", "decode_ep144", "ep_speed_limit", "eplb_imbalance", "inference_memory", "kv_read_vs_ep", "local_inference_pc", "mtp",
             "prefill_ep32", "production_day", "requests_of_a_day", "serving_capacity", "serving_hour", "threefs_graysort", "threefs_peak_read"]
QUICK = ["--set", "/workload/hour/requests/count=10000", "--set", "/workload/hour/requests/duration=180 s", "--set", "/workload/hour/every=20 s"]
FROM_DISK = ["--set", "/cluster/storage={\"node\": \"threefs_2025\", \"nodes\": 2}", "--set", "/workload/hour/prefix_cache={\"write_back\": true}"]
DECODE_NODES, PREFILL_NODES = 18, 4
MAY_BE_NEGATIVE = ("margin_pct", "_error_pct", "gap_pct")   # gap_pct has its own test
ROUNDING = 1e-9


def run_text(scenario, *more):
    p = subprocess.run([WEFT, "run", str(ROOT / "scenarios" / (scenario + ".json")), "--set", "/variants=[]", "--format", "json", *more],
                       capture_output=True, text=True, timeout=120)
    if p.returncode != 0:
        raise AssertionError(f"{scenario}: exit {p.returncode}: {p.stderr[:400]}")
    return p.stdout


def not_a_number(word):
    raise AssertionError(f"{word} in the result")


def rows_of(text):
    return json.loads(text, parse_constant=not_a_number)["result"]["rows"]


class InferenceResults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = {name: rows_of(run_text(name)) for name in SCENARIOS}
        cls.quick = run_text("serving_hour", *QUICK)
        cls.disk = rows_of(run_text("serving_hour", *QUICK, *FROM_DISK))

    def every_row(self):
        for name, rows in self.rows.items():
            for i, row in enumerate(rows):
                yield f"{name} row {i}", row
        for i, row in enumerate(self.disk):
            yield f"serving from disk row {i}", row

    def test_all_scenarios_have_rows_of_sound_numbers(self):
        for where, row in self.every_row():
            for column, value in row.items():
                with self.subTest(where=where, column=column):
                    self.assertIsNotNone(value)
                    if isinstance(value, str):
                        self.assertNotIn(value.lower(), ("", "nan", "inf", "-inf"))
                    elif isinstance(value, float):
                        self.assertTrue(math.isfinite(value))
                        if not column.endswith(MAY_BE_NEGATIVE):
                            self.assertGreaterEqual(value, 0)
                    else:
                        self.assertGreaterEqual(value, 0)

    def test_nothing_is_faster_than_its_bound(self):
        bounded = 0
        for where, row in self.every_row():
            if "gap_pct" in row:
                bounded += 1
                self.assertGreaterEqual(row["gap_pct"], -100 * ROUNDING, where)
                self.assertIn("bound_us", row, where)
        self.assertGreater(bounded, 15)

    def test_shares_are_shares(self):
        for where, row in self.every_row():
            for column in ("prefill_busy_pct", "decode_busy_pct", "kv_mean_pct", "kv_peak_pct", "hit_pct", "goodput_pct", "client_nic_use_pct", "storage_nic_use_pct",
                           "ssd_use_pct", "cached_pct"):
                if column in row:
                    # Rates of storage are counted from one end of a read to another, of 900 and more: up to one read too many or too few.
                    rounding = 1 / 900 if column.endswith("_use_pct") else 1e-6
                    self.assertLessEqual(row[column], 100 * (1 + rounding), f"{where}: {column}")
            for column in row:
                if column.endswith("max_over_mean") or column.endswith("imbalance") and row.get("part") == "all":
                    self.assertGreaterEqual(row[column], 1 - ROUNDING, f"{where}: {column}")

    def test_percentiles_are_in_order(self):
        met = set()
        for where, row in self.every_row():
            for column, p50 in row.items():
                if "_p50" not in column:
                    continue
                in_order = [p50] + [row[column.replace("_p50", q)] for q in ("_p90", "_p99") if column.replace("_p50", q) in row]
                self.assertGreater(len(in_order), 1, f"{where}: {column}")
                self.assertEqual(in_order, sorted(in_order), f"{where}: {column}")
                met.add(column.split("_p50")[0])
        self.assertLessEqual({"ttft", "tpot", "itl", "e2e", "queue", "kv_transfer", "decode_wait", "cache_read", "prompt", "output"}, met)

    def test_a_part_of_a_latency_is_no_longer_than_the_whole(self):
        # For each request reading the cache lies in the wait for prefill, that in the time to the first token, and that in the whole: so do means and percentiles.
        for rows in (self.disk, self.rows["serving_hour"]):
            row = rows[0]
            for q in ("mean", "p50", "p90", "p99"):
                if f"cache_read_{q}_ms" in row:
                    self.assertLessEqual(row[f"cache_read_{q}_ms"], row[f"queue_{q}_ms"] * (1 + ROUNDING))
                self.assertLessEqual(row[f"queue_{q}_ms"], row[f"ttft_{q}_ms"] * (1 + ROUNDING))
                self.assertLessEqual(row[f"kv_transfer_{q}_ms"], row[f"ttft_{q}_ms"] * (1 + ROUNDING))
                self.assertLessEqual(row[f"ttft_{q}_ms"], row[f"e2e_{q}_s"] * 1e3 * (1 + ROUNDING))
            self.assertLessEqual(row["queue_mean_ms"] + row["kv_transfer_mean_ms"] + row["decode_wait_mean_ms"], row["ttft_mean_ms"] * (1 + ROUNDING))
        self.assertGreater(self.disk[0]["cache_read_mean_ms"], 0)

    def test_a_server_loses_no_request_and_no_token(self):
        for name, rows in (("an hour", self.rows["serving_hour"]), ("quick", rows_of(self.quick)), ("from disk", self.disk)):
            with self.subTest(name):
                whole, parts = rows[0], rows[1:]
                self.assertEqual(whole["requests"], whole["finished"] + whole["turned_away"] + whole["refused"] + whole["unfinished"])
                seconds = [r["until_s"] - r["from_s"] for r in parts]
                out = sum(r["decode_tps_node"] * s for r, s in zip(parts, seconds)) * DECODE_NODES
                self.assertAlmostEqual(out / whole["output_tokens"], 1, delta=1e-9)
                self.assertAlmostEqual(sum(r["served_rps"] * s for r, s in zip(parts, seconds)) / whole["finished"], 1, delta=1e-9)
                self.assertAlmostEqual(sum(r["offered_rps"] * s for r, s in zip(parts, seconds)) / whole["requests"], 1, delta=1e-9)
                self.assertEqual([r["from_s"] for r in parts[1:]], [r["until_s"] for r in parts[:-1]])
                self.assertAlmostEqual(parts[-1]["until_s"], whole["simulated_s"], delta=1e-6)
                self.assertEqual(parts[-1]["waiting_prefill"] + parts[-1]["waiting_decode"] + parts[-1]["decoding"], 0)

    def test_tokens_of_a_step_are_what_drafts_give(self):
        # One draft, accepted in 85 of 100 steps: 1.85 tokens a step; the last step of an answer gives what is left, a little less in the mean.
        row = self.rows["serving_hour"][0]
        self.assertLess(row["tokens_per_step"], 1.85)
        self.assertGreater(row["tokens_per_step"], 1.84)
        # All waits between deliveries of a request are the time from its first token to its last.
        deliveries = (row["output_tokens"] - row["finished"]) / row["tokens_per_step"]
        since_first_ms = row["finished"] * (row["e2e_mean_s"] * 1e3 - row["ttft_mean_ms"])
        self.assertAlmostEqual(row["itl_mean_ms"] * deliveries / since_first_ms, 1, delta=1e-6)

    def test_parts_of_a_production_day_add_up(self):
        day = [r for r in self.rows["production_day"] if r["hour"] == "day"][0]
        hours = [r for r in self.rows["production_day"] if r["hour"] != "day"]
        self.assertEqual(len(hours), 24)
        for column in ("income_kUSD", "cost_kUSD", "energy_MWh", "freed_gpu_hours"):
            self.assertAlmostEqual(sum(r[column] for r in hours), day[column], delta=1e-9 * day[column])
        for column in ("nodes", "prefill_nodes", "decode_nodes", "input_Mtps", "output_Mtps"):
            self.assertAlmostEqual(sum(r[column] for r in hours) / 24, day[column], delta=1e-9 * day[column])
        for r in hours:
            self.assertAlmostEqual(r["prefill_nodes"] + r["decode_nodes"], r["nodes"], delta=1e-9 * r["nodes"])
            self.assertAlmostEqual(r["margin_pct"], 100 * (r["income_kUSD"] / r["cost_kUSD"] - 1), delta=1e-6)

    def test_a_pass_is_no_shorter_than_its_parts(self):
        for name in ("prefill_ep32", "decode_ep144", "decode_ep128_profile", "mtp"):
            for row in self.rows[name]:
                self.assertAlmostEqual(row["layers_ms"] + row["outside_ms"], row["pass_ms"], delta=1e-9 * row["pass_ms"])
                self.assertAlmostEqual(row["computing_us"] + row["exposed_us"], row["layer_us"], delta=1e-6 * row["layer_us"])
                self.assertAlmostEqual(row["layers_ms"], row["layer_us"] * 58e-3, delta=1e-9 * row["layers_ms"])   # V3 has 58 layers with experts

    def test_kernels_are_those_measured_under_the_same_conditions_first(self):
        # Decode's as in the published tables of single kernels; prefill's beside communication, as in the training profile.
        for name, first in (("decode_ep144", "h800_inference"), ("prefill_ep32", "h800_training")):
            workload = json.loads(run_text(name))["input"]["resolved"][0]["workload"][0]
            self.assertEqual(workload["calibration"][0], first)
            self.assertEqual(sorted(workload["calibration"]), ["h800_inference", "h800_training"])

    def test_the_same_seed_gives_the_same_bytes(self):
        self.assertEqual(self.quick, run_text("serving_hour", *QUICK))
        for name in ("serving_hour", "prefill_ep32", "threefs_graysort", "eplb_imbalance", "requests_of_a_day"):
            more = QUICK if name == "serving_hour" else []
            with self.subTest(name):
                self.assertEqual(run_text(name, *more, "--jobs", "1"), run_text(name, *more, "--jobs", "2"))

    def test_jobs_do_not_change_variants(self):
        variants = ["--set", '/variants=[{"name": "a"}, {"name": "b", "set": {"/workload/hour/policy/decode_balance": "in_turn"}}]']
        self.assertEqual(run_text("serving_hour", *QUICK, *variants, "--jobs", "1"), run_text("serving_hour", *QUICK, *variants, "--jobs", "2"))

    def test_another_seed_gives_other_requests(self):
        other = rows_of(run_text("serving_hour", *QUICK, "--seed", "2"))
        mine = rows_of(self.quick)
        self.assertNotEqual([r["offered_rps"] for r in mine], [r["offered_rps"] for r in other])
        self.assertNotEqual(mine[0]["ttft_mean_ms"], other[0]["ttft_mean_ms"])
        self.assertNotEqual(rows_of(run_text("requests_of_a_day", "--seed", "2")), self.rows["requests_of_a_day"])
        self.assertNotEqual(rows_of(run_text("eplb_imbalance", "--seed", "2")), self.rows["eplb_imbalance"])


unittest.main(verbosity=1)
