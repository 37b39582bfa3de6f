#!/usr/bin/env python3
"""What weft knows, as a user asks for it: list, show, topology, validate, and the help of every command.

listings.py WEFT_BINARY
"""
import json
import os
import tempfile
import unittest
from pathlib import Path

from program import RunsWeft, weft

ROOT = Path(os.environ["WEFT_DATA"])


class Listings(RunsWeft):
    def test_list_and_show_every_name(self):
        for kind, rows in json.loads(self.run_ok("list", "--json")).items():
            if kind == "notes":
                continue
            self.assertTrue(rows, kind)
            for row in rows:
                self.assertTrue(self.run_ok("show", kind, row["name"]).strip())

    def test_topology_cost_prints_table_3(self):
        rows = json.loads(self.run_ok("topology", "cost", "--json"))["cost"]
        by_name = {r["topology"]: r for r in rows}
        self.assertEqual(by_name["dragonfly"]["switch_links"], 384272)
        self.assertEqual(round(by_name["ft3"]["price_MUSD"]), 491)

    def test_topology_export_gives_graphs(self):
        self.assertIn("<graphml", self.run_ok("topology", "export", "mpft", "--nodes", "2"))
        self.assertIn("graph", self.run_ok("topology", "export", "mrft", "--nodes", "2", "--format", "dot"))
        self.assertIn("<platform", self.run_ok("topology", "export", "ft2", "--nodes", "2", "--format", "simgrid-xml"))

    def test_a_model_is_shown_by_name_and_from_its_config(self):
        shown = json.loads(self.run_ok("show", "model", "deepseek-v3", "--json"))
        self.assertEqual(shown["parameters"][-1]["total"], 671026419200)
        self.assertNotIn("kernels", shown)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        config = Path(folder.name) / "config.json"
        config.write_text(json.dumps(json.loads((ROOT / "models/llms/deepseek-v3.json").read_text())["config"]))
        mine = json.loads(self.run_ok("show", "model", str(config), "--json"))
        self.assertEqual([mine["parameters"], mine["flops"]], [shown["parameters"], shown["flops"]])
        decode = json.loads(self.run_ok("show", "model", str(config), "--phase", "decode", "--tokens", "128", "--queries", "2", "--ep", "128", "--json"))
        core = next(r for r in decode["ops_moe_layer"] if r["op"] == "core_attention")
        self.assertAlmostEqual(core["GFLOP"], 146.03, places=2)
        self.assertEqual({r["pass"] for r in decode["kernels"]}, {"forward"})
        train = json.loads(self.run_ok("show", "model", "deepseek-v3", "--phase", "train", "--ep", "64", "--json"))
        self.assertAlmostEqual(train["ops_moe_layer"][-1]["input_gradient_GFLOP"], 6581.5, places=1)

    def test_the_phases_of_training_are_shown_with_their_times_for_a_gpu(self):
        shown = json.loads(self.run_ok("show", "model", "deepseek-v3", "--phase", "train", "--ep", "64", "--gpu", "h800", "--sms", "112", "--json"))
        moe = {r["phase"]: r["time_ms"] for r in shown["phases"] if r["piece"] == "MoE layer"}
        self.assertEqual(len(moe), 6)
        # A layer of DeepSeek's trace: 31.61 ms, with 32,320 rows of routed experts; balanced ones are 32,768.
        self.assertAlmostEqual(sum(moe.values()) / 31.61, 1, delta=0.04)
        o = next(r for r in shown["phase_kernels"] if r["piece"] == "MoE layer" and r["kernel"] == "o")
        self.assertEqual((o["family"], o["variant"], o["shape"]), ("gemm", "fp8_block", "m=4096 n=7168 k=16384"))
        self.assertTrue(all(r["origin"] in ("measured", "derived") and r["source"] for r in shown["kernel_constants"]))
        for wrong in (["--gpu", "h800"], ["--phase", "train", "--sms", "112"],
                      ["--phase", "train", "--gpu", "h800", "--sms", "500"]):
            self.assertEqual(weft("show", "model", "deepseek-v3", *wrong).returncode, 3)

    def test_the_phases_of_serving_are_shown_with_their_times_for_a_gpu(self):
        shown = json.loads(self.run_ok("show", "model", "deepseek-v3", "--phase", "decode", "--tokens", "128", "--queries", "2", "--ep", "128", "--gpu", "h800", "--json"))
        core = [r for r in shown["phase_kernels"] if r["kernel"] == "attention"]
        self.assertEqual([(r["family"], r["shape"]) for r in core], [("mla_decode", "batch=64 heads=128 s_q=2 kv=4096")])
        # FlashMLA's own figures at this shape: 580 (February 2025) to 660 TFLOPS of 146.03 GFLOP.
        self.assertTrue(146.03e3 / 660 < core[0]["time_us"] < 146.03e3 / 580 * 1.05)
        self.assertIn("dispatch_send", {r["phase"] for r in shown["phases"]})
        prefill = json.loads(self.run_ok("show", "model", "deepseek-v3", "--phase", "prefill", "--tokens", "8192", "--ep", "32", "--redundant", "32", "--gpu", "h800", "--sms", "108", "--json"))
        self.assertNotIn("dispatch_send", {r["phase"] for r in prefill["phases"]})

    def test_a_gpu_is_shown_with_its_node(self):
        names = [r["name"] for r in json.loads(self.run_ok("show", "hardware", "h800", "--json"))["constants"]]
        self.assertIn("GPU h800: sms", names)
        self.assertIn("node h800: nic_rate", names)

    def test_numbers_that_nobody_can_compute_are_shown_and_not_missed(self):
        rows = json.loads(self.run_ok("validate", "--topic", "models", "--json"))
        shown = {r["id"]: r for r in rows["rows"] if "not_reproducible" in r}
        self.assertEqual(set(shown), {"T1.LLaMA.multiplier", "T2.Qwen.train"})
        for row in shown.values():
            self.assertNotIn("pass", row)
            self.assertGreater(row["error_pct"], 0.5)
        notes = {r["id"]: r.get("note") for r in rows["rows"]}
        self.assertEqual(notes["V3.mtp_params"], "11.61 from its own list of tensors")
        self.assertIn(notes["V3.mtp_params"], self.run_ok("validate", "--topic", "models", "--format", "csv"))
        self.assertEqual(rows["summary"][0]["not_reproducible"], 2)
        self.assertEqual(rows["summary"][0]["failed"], 0)
        self.assertIn("not reproducible", self.run_ok("run", str(ROOT / "scenarios/tables_1_2_models.json")))
        self.run_ok("run", str(ROOT / "scenarios/tables_1_2_models.json"), "--strict")

    def test_help_shows_examples(self):
        for sub in ["run", "compare", "sweep", "replay", "validate", "list", "show", "schedule", "eplb", "support", "schema"]:
            self.assertIn("weft " + sub, self.run_ok(sub, "--help").split("\nExamples:\n", 1)[-1])


unittest.main(verbosity=1)
