#!/usr/bin/env python3
"""weft replay as a user runs it.

replay.py WEFT_BINARY
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

WEFT = sys.argv.pop(1)
TRACE = "deepseek_v3_train"


def weft(*arguments, code=0):
    p = subprocess.run([WEFT, "replay", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert p.returncode == code, (p.returncode, p.stderr)
    return p


def replay(*arguments):
    return json.loads(weft(*arguments, "--json", "--quiet").stdout)


class Replay(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_json_has_span_hidden_communication_and_phases(self):
        r = replay(TRACE)
        self.assertAlmostEqual(r["recorded_span_s"], 0.129012, 9)
        self.assertLess(abs(r["replayed_span_s"] / 0.129012 - 1), 0.01)
        self.assertLess(abs(r["hidden_communication_pct"] - 96.3), 1)
        self.assertEqual(len(r["phases"]), 40)
        for phase in r["phases"]:
            self.assertEqual(set(phase), {"name", "layer", "recorded_s", "replayed_s"})
            self.assertLess(abs(phase["replayed_s"] / phase["recorded_s"] - 1), 0.03)

    def test_the_published_trace_itself_takes_less_than_a_second(self):
        path = Path(os.environ.get("WEFT_REFERENCE", "")) / "data" / "train.json"
        if not path.exists():
            self.skipTest("no reference files")
        began = time.monotonic()
        r = replay(path)
        self.assertLess(time.monotonic() - began, 1)
        self.assertEqual(r, replay(TRACE))

    def test_a_slower_operation_moves_what_depends_on_it(self):
        before, after = replay(TRACE, "--operations"), replay(TRACE, "--operations", "--slow", "100=+5ms")
        shift = [b["start_s"] - a["start_s"] for a, b in zip(before["operations"], after["operations"])]
        self.assertTrue(all(abs(s) < 1e-9 for s in shift[:101]))
        self.assertAlmostEqual(shift[101], 5e-3, 9)     # the next kernel of its stream
        self.assertAlmostEqual(after["replayed_span_s"] - before["replayed_span_s"], 5e-3, 4)

    def test_networks_are_options_settings_or_files(self):
        by_option, by_setting = replay(TRACE, "--nic-rate", "200 Gbps"), replay(TRACE, "--set", "/cluster/node/nic_rate=200 Gbps")
        self.assertEqual(by_option, by_setting)
        self.assertGreater(by_option["replayed_span_s"], 0.14)
        file = self.folder / "cluster.json"
        file.write_text(json.dumps({"node": {"extends": "h800", "nic_rate": "200 Gbps"}, "nodes": 8, "topology": {"kind": "mpft", "radix": 64},
                                    "routing": {"policy": "adaptive"}, "transport": "infiniband"}))
        self.assertEqual(by_option["replayed_span_s"], replay(TRACE, "--cluster", file)["replayed_span_s"])
        self.assertLess(replay(TRACE, "--topology", "mrft")["replayed_span_s"], 0.131)

    def test_predicted_layers_are_within_eight_percent(self):
        self.assertLess(abs(replay(TRACE, "--predicted")["replayed_span_s"] / 0.129012 - 1), 0.08)

    def test_facts_can_be_written_and_replayed(self):
        facts = self.folder / "facts.json"
        self.assertEqual(replay(TRACE, "--facts", facts), replay(facts))

    def test_bad_input_is_refused_with_its_place(self):
        empty = self.folder / "empty.json"
        empty.write_text("")
        for arguments, parts in [(["no_such_trace"], ["no_such_trace", TRACE]), ([empty], ["empty"]), ([TRACE, "--slow", "5=3"], ["--slow"]), ([TRACE, "--slow", "9999=+1ms"], ["--slow", "982"]),
                                 ([TRACE, "--slow", "3=-1s"], ["--slow"]), ([TRACE, "--gpu", "h801"], ["--gpu", "h800"]), ([TRACE, "--comm-sms", "132"], ["--comm-sms"]),
                                 ([TRACE, "--nic-rate", "800"], ["nic_rate"]), ([TRACE, "--topology", "star"], ["topology"]), ([TRACE, "--set", "/cluster/nodes=2"], ["64 ranks"])]:
            with self.subTest(arguments):
                p = weft(*arguments, code=3)
                self.assertEqual(p.stdout, "")
                for part in parts:
                    self.assertIn(part, p.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
