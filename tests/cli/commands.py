#!/usr/bin/env python3
"""The program as a user runs it: exit codes, formats, files, determinism.

commands.py WEFT_BINARY
"""
import csv
import io
import json
import os
import re
import tempfile
import unittest
from pathlib import Path

from program import RunsWeft, weft

ROOT = Path(os.environ["WEFT_DATA"])
SMALL = {"title": "t", "question": "q", "source": "s",
         "cluster": {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}},
         "workload": [{"kind": "price"}, {"id": "a2a", "kind": "all_to_all", "gpus": [16, 32], "sizes": ["1 KiB", "1 GiB"]},
                      {"kind": "deepep_dispatch", "ep": 16, "tokens": 256}],
         "variants": [{"name": "MPFT"}, {"name": "MRFT", "set": {"/cluster/topology/kind": "mrft"}}]}


class Commands(RunsWeft):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "s.json"
        self.file.write_text(json.dumps(SMALL))

    def tearDown(self):
        self.folder.cleanup()

    def test_json_has_the_three_parts_and_no_nulls(self):
        r = json.loads(self.run_ok("run", str(self.file), "--json"))
        self.assertEqual(r["schema"], "weft-result/1")
        self.assertTrue(r["input"]["digest"])
        self.assertTrue(r["system"]["version"])
        rows = r["result"]["rows"]
        self.assertEqual(len(rows), 2 * (1 + 4 + 1))
        for row in rows:
            self.assertNotIn(None, row.values())
            if "time_us" in row:
                self.assertGreaterEqual(row["time_us"], row["bound_us"] * (1 - 1e-9))

    def test_csv_is_the_same_rows(self):
        rows = json.loads(self.run_ok("run", str(self.file), "--json"))["result"]["rows"]
        lines = list(csv.DictReader(io.StringIO(self.run_ok("run", str(self.file), "--format", "csv"))))
        self.assertEqual(len(lines), len(rows))
        for line, row in zip(lines, rows):
            for key, value in row.items():
                self.assertIn(key, line)
                if isinstance(value, float):
                    self.assertEqual(float(line[key]), value)

    def test_same_seed_gives_the_same_bytes_whatever_the_jobs(self):
        one = self.run_ok("run", str(self.file), "--json", "--seed", "7", "--jobs", "1")
        self.assertEqual(one, self.run_ok("run", str(self.file), "--json", "--seed", "7", "--jobs", "2"))
        self.assertNotEqual(one, self.run_ok("run", str(self.file), "--json", "--seed", "8"))

    def test_classes_do_not_change_the_result(self):
        one = json.loads(self.run_ok("run", str(self.file), "--json"))["result"]["rows"]
        two = json.loads(self.run_ok("run", str(self.file), "--json", "--no-classes"))["result"]["rows"]
        for a, b in zip(one, two):
            for key, value in a.items():
                if isinstance(value, float) and key != "gap_pct":
                    self.assertAlmostEqual(b[key] / value if value else 1.0, 1.0, delta=1e-9, msg=key)

    def test_standard_input_is_a_scenario_too(self):
        self.assertIn("MRFT", self.run_ok("run", "-", stdin=json.dumps(SMALL)))

    def test_a_result_can_be_run_again(self):
        out = Path(self.folder.name) / "r.json"
        self.run_ok("run", str(self.file), "-o", str(out))
        again = json.loads(self.run_ok("run", str(out), "--json"))
        self.assertEqual(again, json.loads(out.read_text()))

    def test_output_goes_to_the_file_alone_and_by_its_suffix(self):
        out = Path(self.folder.name) / "r.csv"
        self.assertEqual(self.run_ok("run", str(self.file), "-o", str(out)), "")
        self.assertTrue(out.read_text().startswith("variant,workload"))
        self.assertEqual([p.name for p in Path(self.folder.name).iterdir() if p.suffix == ".tmp"], [])

    def test_a_file_that_cannot_be_written_is_a_failed_run(self):
        p = weft("run", str(self.file), "-o", "/nonexistent/r.json")
        self.assertEqual(p.returncode, 1)
        self.assertIn("cannot write", p.stderr)

    def test_a_missed_expectation_is_told_and_fails_only_when_strict(self):
        bad = dict(SMALL, expect=[{"of": "MPFT/price/switches", "value": 1, "source": "nobody"}])
        self.file.write_text(json.dumps(bad))
        p = weft("run", str(self.file))
        self.assertEqual(p.returncode, 0)
        self.assertIn("nobody", p.stderr)
        self.assertEqual(weft("run", str(self.file), "--strict").returncode, 4)

    def test_set_changes_the_answer_and_dry_run_runs_nothing(self):
        base = json.loads(self.run_ok("run", str(self.file), "--json"))["result"]["rows"]
        half = json.loads(self.run_ok("run", str(self.file), "--json", "--set", "/cluster/node/nic_rate=200 Gbps"))["result"]["rows"]
        self.assertGreater(half[2]["time_us"], base[2]["time_us"])
        plan = self.run_ok("run", str(self.file), "--dry-run")
        self.assertIn("all_to_all", plan)
        self.assertNotIn("time_us", plan)

    def test_sensitivity_says_what_moves_the_answer(self):
        text = self.run_ok("sensitivity", str(self.file), "--of", "a2a[gpus=32,size_B=1073741824]/time_us", "--inputs", "*nic_rate")
        self.assertTrue(text.startswith("time_us of MPFT/a2a[gpus=32,size_B=1073741824"), text)
        self.assertIn("kernel nccl_all_to_all: nic_rate", text)

    def test_compare_shows_what_differs(self):
        text = self.run_ok("compare", str(self.file))
        self.assertIn("MRFT", text)
        self.assertIn("/cluster/topology/kind", text)

    def test_compare_takes_several_files(self):
        other = Path(self.folder.name) / "other.json"
        one = {k: v for k, v in SMALL.items() if k != "variants"}
        self.file.write_text(json.dumps(one))
        other.write_text(json.dumps({**one, "cluster": {**one["cluster"], "topology": {"kind": "mrft"}}}))
        text = self.run_ok("compare", str(self.file), str(other))
        self.assertIn("other", text)

    def test_sweep_is_a_grid_and_jobs_do_not_change_it(self):
        arguments = ["sweep", str(self.file), "--vary", "/cluster/nodes=4,8", "--vary", "/cluster/topology/kind=ft2,mpft", "--set", "/variants=[]", "--format", "csv"]
        one = self.run_ok(*arguments)
        self.assertEqual(one, self.run_ok(*arguments, "--jobs", "3"))
        rows = [r for r in csv.DictReader(io.StringIO(one)) if r.get("workload") == "price"]
        self.assertEqual(len(rows), 4)
        self.assertEqual({r["/cluster/nodes"] for r in rows}, {"4", "8"})

    def test_an_axis_that_a_variant_sets_itself_is_refused(self):
        p = weft("sweep", str(self.file), "--vary", "/cluster/topology/kind=ft2,mpft")
        self.assertEqual(p.returncode, 3)
        self.assertIn("MRFT", p.stderr)

    def test_two_files_compare_as_json_too(self):
        other = Path(self.folder.name) / "deeper" / "s.json"
        other.parent.mkdir()
        other.write_text(json.dumps(SMALL))
        r = json.loads(self.run_ok("compare", str(self.file), str(other), "--json"))
        self.assertEqual(len(r["input"]["scenarios"]), 2)

    def test_a_result_is_run_again_with_its_own_seed(self):
        out = Path(self.folder.name) / "r.json"
        self.run_ok("run", str(self.file), "--seed", "7", "-o", str(out))
        self.assertEqual(json.loads(self.run_ok("run", str(out), "--json")), json.loads(out.read_text()))

    def test_a_result_of_another_version_is_refused(self):
        out = Path(self.folder.name) / "r.json"
        self.run_ok("run", str(self.file), "-o", str(out))
        out.write_text(out.read_text().replace("weft-result/1", "weft-result/9", 1))
        for command in (["run"], ["compare"], ["explain"], ["sensitivity"], ["sweep", "--vary", "/cluster/nodes=1,2"]):
            p = weft(*command, str(out))
            self.assertEqual(p.returncode, 3, p.stderr)
            self.assertIn('/schema: expected "weft-result/1", got "weft-result/9"', p.stderr)
            self.assertIn("another version of weft wrote it", p.stderr)

    def test_options_may_stand_before_the_file(self):
        more = ["--set", "/cluster/node/nic_rate=200 Gbps"]
        for command in (["run"], ["compare"], ["sensitivity", "--inputs", "/cluster/nodes"], ["sweep", "--vary", "/cluster/nodes=8,16"]):
            self.assertEqual(self.run_ok(*command, *more, str(self.file), "--json"), self.run_ok(command[0], str(self.file), *command[1:], *more, "--json"))

    def test_tables_of_a_command_are_no_scenario_and_say_so(self):
        out = Path(self.folder.name) / "tables.json"
        for command in (["explain"], ["sensitivity", "--inputs", "/cluster/node/nic_rate"]):
            out.write_text(self.run_ok(*command, str(self.file), "--json"))
            p = weft("run", str(out))
            self.assertEqual(p.returncode, 3, p.stderr)
            self.assertIn("holds tables that a command of weft wrote", p.stderr)
            self.assertEqual(len(p.stderr.splitlines()), 1)

    def test_what_variants_hide_from_set_is_told(self):
        told = " ".join(self.run_ok("run", str(self.file), "--set", "/cluster/topology/kind=ft2").split())
        self.assertIn('--set /cluster/topology/kind does not wholly reach "MRFT"', told)

    def test_a_mistyped_option_is_named_whatever_it_swallows(self):
        for arguments, told in ((["explain", str(self.file), "--off", "MPFT"], '"--off" is not an option of weft explain (did you mean --of?)'),
                                (["run", str(self.file), "--nodes", "64"], '"--nodes" is not an option of weft run (weft run --help lists them; what'),
                                (["run", str(self.file), "--dryrun"], "did you mean --dry-run?"),
                                (["sweep", "merge", "--wher=x", "a"], '"--wher" is not an option of weft sweep merge (did you mean --where?)'),
                                (["run", str(self.file), "--seed", "-1"], '"-1" is no seed')):
            p = weft(*arguments)
            self.assertEqual(p.returncode, 2, p.stderr)
            self.assertIn(told, p.stderr)
            self.assertLess(len(p.stderr), 200)

    def test_results_carry_bounds_calibrations_and_constants(self):
        r = json.loads(self.run_ok("run", str(self.file), "--json"))
        self.assertIn("kernel nccl_all_to_all", r["system"]["calibrations"])
        self.assertTrue(r["result"]["bounds"])
        half = json.loads(self.run_ok("run", str(self.file), "--json", "--set", "/cluster/node/nic_rate=200 Gbps"))
        self.assertNotEqual(r["input"]["resolved"][0]["cluster"]["constants"], half["input"]["resolved"][0]["cluster"]["constants"])
        self.assertEqual(half["result"].get("expectations", []), [])

    def test_devices_and_links_are_written_through(self):
        real, link = Path(self.folder.name) / "real.json", Path(self.folder.name) / "link.json"
        real.write_text("old")
        link.symlink_to(real)
        self.run_ok("run", str(self.file), "-o", str(link))
        self.assertTrue(link.is_symlink())
        self.assertIn("weft-result", real.read_text())
        self.run_ok("run", str(self.file), "--json", "-o", "/dev/null")
        self.assertTrue(Path("/dev/null").is_char_device())

    def test_a_shipped_scenario_goes_by_its_name(self):
        self.assertIn("RoCE", self.run_ok("run", "table5_latency"))

    def test_the_examples_of_help_work(self):
        for arguments in (["run", "scenarios/mpft_vs_mrft.json", "--set", "/workload/all_to_all/gpus=256", "--json"],
                          ["compare", "scenarios/mpft_vs_mrft.json", "--set", "/cluster/nodes=128", "--format", "markdown"],
                          ["sweep", "scenarios/my_cluster.json", "--vary", "/workload/all_to_all/gpus=64,128,256", "--format", "csv"]):
            self.run_ok(arguments[0], str(ROOT / arguments[1]), *arguments[2:])

    def test_a_failed_point_is_a_row_and_the_others_go_on(self):
        p = weft("sweep", str(self.file), "--vary", "/cluster/nodes=4,-1", "--json", "--jobs", "2")
        self.assertEqual(p.returncode, 1)
        r = json.loads(p.stdout)
        self.assertEqual(len(r["failed"]), 1)
        self.assertIn("/cluster/nodes", r["failed"][0]["error"])
        self.assertTrue(r["price"])

    def test_the_engine_is_chosen_by_name_and_named_in_the_result(self):
        fluid = json.loads(self.run_ok("run", str(self.file), "--json"))
        bound = json.loads(self.run_ok("run", str(self.file), "--json", "--engine", "closed-form"))
        self.assertEqual([fluid["system"]["engine"], bound["system"]["engine"]], ["fluid", "closed-form"])
        for a, b in zip(fluid["result"]["rows"], bound["result"]["rows"]):
            if "time_us" in a:
                self.assertLessEqual(b["time_us"], a["time_us"] * (1 + 1e-9))
        self.assertIn("contention", bound["result"]["notes"][0])
        for command in (["compare", str(self.file)], ["sweep", str(self.file), "--vary", "/cluster/nodes=4,8"]):
            self.assertEqual(self.run_ok(*command, "--engine", "fluid", "--format", "csv"), self.run_ok(*command, "--format", "csv"))
        p = weft("run", str(self.file), "--engine", "fluidd")
        self.assertEqual(p.returncode, 3)
        self.assertIn("known: fluid", p.stderr)

    def test_folding_does_not_change_the_result(self):
        one = json.loads(self.run_ok("run", str(self.file), "--json"))
        two = json.loads(self.run_ok("run", str(self.file), "--json", "--no-fold"))
        self.assertNotIn("folded", two["system"])
        for a, b in zip(one["result"]["rows"], two["result"]["rows"]):
            for key, value in a.items():
                if isinstance(value, float) and key != "gap_pct":
                    self.assertAlmostEqual(b[key] / value if value else 1.0, 1.0, delta=1e-9, msg=key)

    def test_a_time_tolerance_is_marked_and_kept_with_the_result(self):
        out = Path(self.folder.name) / "r.json"
        self.run_ok("run", str(self.file), "--time-tolerance", "1e-3", "-o", str(out))
        r = json.loads(out.read_text())
        self.assertEqual(r["system"]["time_tolerance"], 1e-3)
        self.assertTrue(r["result"]["notes"][0].startswith("approximate: "))
        self.assertEqual(json.loads(self.run_ok("run", str(out), "--json")), r)
        self.assertNotIn("time_tolerance", json.loads(self.run_ok("run", str(self.file), "--json"))["system"])
        self.assertEqual(weft("run", str(self.file), "--time-tolerance", "0.5").returncode, 2)

    def test_an_engine_is_checked_against_another_one(self):
        rows = json.loads(self.run_ok("run", str(self.file), "--check-against", "closed-form", "--json"))["check"]
        self.assertEqual(len(rows), 2 * (4 + 1))   # the price is not simulated
        for row in rows:
            self.assertGreater(row["operations"], 0)
            self.assertEqual([row["start_deviation"], row["finish_deviation"]], [0, 0])
        self.assertEqual(weft("run", str(self.file), "--check-against", "fluid").returncode, 3)
        self.assertEqual(weft("run", str(self.file), "--check-against", "gut feeling").returncode, 3)
        p = weft("run", str(self.file), "--check-against", "simgrid", "--json")
        self.assertIn(p.returncode, (0, 77), p.stderr)   # 77: SimGrid is not installed, or left out of this build
        if p.returncode == 77:
            self.assertIn("simgrid", p.stderr.lower())
        else:
            for row in json.loads(p.stdout)["check"]:
                self.assertLess(max(row["start_deviation"], row["finish_deviation"]), 1e-9)

    def test_every_shipped_scenario_can_be_planned(self):
        for path in sorted((ROOT / "scenarios").glob("*.json")):
            self.run_ok("run", str(path), "--dry-run")

    def test_the_schema_accepts_what_the_loader_accepts(self):
        schema = json.loads(self.run_ok("schema"))
        for path in sorted((ROOT / "scenarios").glob("*.json")):
            self.assertEqual(list(violations(schema, json.loads(re.sub(r"(?m)^\s*//.*$", "", path.read_text())))), [], path.name)
        wrong = [dict(SMALL, extra=1), dict(SMALL, cluster={}), dict(SMALL, workload=[{"kind": "nothing"}]), dict(SMALL, workload=[]),
                 dict(SMALL, title=7), dict(SMALL, workload=[{"kind": "all_to_all", "gpus": 16, "sizes": "1 KiB", "misspelt": 1}]),
                 dict(SMALL, workload=[{"kind": "all_to_all"}]), dict(SMALL, workload=[{"kind": "all_to_all", "gpus": 16, "sizes": "1 KiB", "pxn": "no"}]),
                 dict(SMALL, cluster={"topology": {"kind": "mpft", "radiks": 4}}), dict(SMALL, variants=[{"set": {}}]), dict(SMALL, schema="x")]
        for document in wrong:
            self.assertTrue(list(violations(schema, document)), document)
            self.assertEqual(weft("run", "-", "--dry-run", stdin=json.dumps(document)).returncode, 3, document)


TYPES = {"string": str, "boolean": bool, "array": list, "object": dict}


def has_type(name, value):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def violations(schema, value, place=""):
    """Where a value breaks a JSON Schema; knows the keywords that weft's schema uses, and refuses others."""
    known = {"$schema", "title", "description", "type", "enum", "const", "minimum", "minItems", "required", "properties",
             "additionalProperties", "items", "anyOf", "allOf", "if", "then"}
    assert set(schema) <= known, set(schema) - known
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(t, value) for t in types):
        yield f"{place}: no {types}"
        return
    if "enum" in schema and value not in schema["enum"] or "const" in schema and value != schema["const"]:
        yield f"{place}: not an allowed value"
    if "minimum" in schema and value < schema["minimum"] or "minItems" in schema and len(value) < schema["minItems"]:
        yield f"{place}: too small"
    if "anyOf" in schema and not any(not list(violations(s, value, place)) for s in schema["anyOf"]):
        yield f"{place}: none of the alternatives"
    for part in schema.get("allOf", []):
        yield from violations(part, value, place)
    if "if" in schema and not list(violations(schema["if"], value, place)):
        yield from violations(schema["then"], value, place)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from violations(schema.get("items", {}), item, f"{place}/{index}")
    if isinstance(value, dict):
        yield from (f"{place}/{key}: missing" for key in schema.get("required", []) if key not in value)
        for key, item in value.items():
            if key in schema.get("properties", {}):
                yield from violations(schema["properties"][key], item, f"{place}/{key}")
            elif schema.get("additionalProperties") is False:
                yield f"{place}/{key}: unknown"


unittest.main(verbosity=1)
