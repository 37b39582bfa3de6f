#!/usr/bin/env python3
"""Completion, the manual page and help: generated from the commands, so that they have all of them.

help.py WEFT_BINARY
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = str(Path(sys.argv.pop(1)).resolve())
ROOT = Path(os.environ["WEFT_DATA"])
SHELLS = ("bash", "zsh", "fish")


def weft(*arguments):
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=120)


def shell(*command, script=None, cwd=None):
    """A shell that finds weft on its path."""
    environment = {**os.environ, "PATH": f"{Path(WEFT).parent}:{os.environ['PATH']}", "HOME": str(cwd or "/nonexistent")}
    return subprocess.run(command, input=script, capture_output=True, text=True, timeout=120, env=environment, cwd=cwd)


def commands_and_options():
    """{"topology cost": {"--nodes", ...}} as the help of each command lists them."""
    found = {}

    def walk(path):
        text = weft(*path, "--help").stdout
        head = re.split(r"^Examples?:", text, flags=re.M)[0]
        found[" ".join(path)] = set(re.findall(r"^  (?:-\w,)?(--[\w-]+)", head, re.M))
        subcommands = head.split("Subcommands:\n")[1] if "Subcommands:\n" in head else ""
        for name in re.findall(r"^  (\w+)", subcommands, re.M):
            walk([*path, name])

    walk([])
    return found


class Help(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = commands_and_options()
        cls.scripts = {name: weft("completion", name).stdout for name in SHELLS}

    def ok(self, *arguments):
        p = weft(*arguments)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def test_the_walk_over_the_commands_finds_them(self):
        self.assertLessEqual({"run", "help", "completion", "topology cost", "calibrate fit"}, self.commands.keys())
        self.assertLessEqual({"--set", "--engine", "--color", "--format"}, self.commands["run"])

    def test_every_command_and_option_is_completed_in_every_shell(self):
        for name, script in self.scripts.items():
            for path, options in self.commands.items():
                for option in options:
                    wanted = [f"-l {option[2:]} ", f"-l {option[2:]}\n"] if name == "fish" else [option]
                    self.assertTrue(any(w in script for w in wanted), f"{name}: {path} {option}")
                self.assertIn(path.split(" ")[-1], script)

    def bash(self, *words):
        """What bash offers for the last word."""
        quoted = " ".join("'" + w + "'" for w in words)
        script = (f"source <(weft completion bash)\nCOMP_WORDS=({quoted})\nCOMP_CWORD={len(words) - 1}\n_weft 2>&1\n"
                  "printf '%s\\n' \"${COMPREPLY[@]}\"\n")
        p = shell("bash", "--norc", script=script, cwd=ROOT)
        self.assertEqual(p.stderr, "")
        return p.stdout.split()

    def test_bash_completes_commands_options_and_names(self):
        self.assertEqual(self.bash("weft", "ru"), ["run"])
        self.assertEqual(self.bash("weft", "run", "--en"), ["--engine"])
        kinds = self.bash("weft", "list", "")
        self.assertEqual(kinds, list(json.loads(self.ok("list", "--json"))))
        self.assertEqual(self.bash("weft", "run", "--engine", "clos"), ["closed-form"])
        self.assertEqual(self.bash("weft", "run", "--engine", "fluid", "mpft_vs"), ["mpft_vs_mrft"])
        self.assertEqual(self.bash("weft", "compare", "my_cluster", "table3_"), ["table3_topologies"])
        self.assertEqual(self.bash("weft", "run", "--format", "=", "mark"), ["markdown"])
        self.assertEqual(self.bash("weft", "show", "topology", "mpf"), ["mpft"])
        self.assertEqual(self.bash("weft", "show", "models", "deepseek-v3"), ["deepseek-v3"])
        self.assertEqual(self.bash("weft", "topology", "cost", "mpft", "--nodes", "32", "mr"), ["mrft"])
        self.assertEqual(self.bash("weft", "topology", ""), ["cost", "export"])
        self.assertEqual(self.bash("weft", "help", "exit"), ["exit-codes"])
        self.assertEqual(self.bash("weft", "run", "-o", "READ"), ["README.md"])
        self.assertEqual(self.bash("weft", "run", "--seed", ""), [])
        self.assertEqual(self.bash("weft", "schedule", "--color", "al"), ["always"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh_reads_its_script_and_knows_the_words(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "_weft"
            file.write_text(self.scripts["zsh"])
            self.assertEqual(shell("zsh", "-n", str(file)).stderr, "")
            # Without a terminal there is no completion system: the parts that it calls stand in for it.
            script = (f"_describe() {{ [[ $1 == -o ]] && shift; shift; print -l -- ${{(P)1%%:*}} ; print -l -- \"${{(@P)1}}\" }}\n"
                      f"compadd() {{ shift; print -l -- \"$@\" }}\n_files() {{ print FILES }}\nsource {file}\n"
                      "try() { words=(\"$@\"); CURRENT=$#; _weft }\n")
            offered = lambda *words: shell("zsh", "-f", script=script + "try " + " ".join(f"'{w}'" for w in words) + "\n").stdout
            self.assertIn("run:run a scenario", offered("weft", "ru"))
            self.assertIn("--engine:what simulates", offered("weft", "run", "--en"))
            self.assertEqual(offered("weft", "list", "").split(), list(json.loads(self.ok("list", "--json"))))
            self.assertIn("mpft\n", offered("weft", "show", "topology", ""))
            self.assertIn("FILES", offered("weft", "run", ""))

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish_completes_commands_options_and_names(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weft.fish"
            file.write_text(self.scripts["fish"])

            def offered(line):
                p = shell("fish", "--no-config", "-c", f"source {file}; complete -C '{line}'", cwd=folder)
                self.assertEqual(p.returncode, 0, p.stderr)
                return [w.split("\t")[0] for w in p.stdout.splitlines()]

            self.assertIn("run", offered("weft ru"))
            self.assertIn("--engine", offered("weft run --en"))
            self.assertEqual(sorted(offered("weft list ")), sorted(json.loads(self.ok("list", "--json"))))
            self.assertIn("closed-form", offered("weft run --engine "))
            self.assertEqual(offered("weft show topology mpf"), ["mpft"])

    def test_scripts_of_shells_that_are_not_here_have_their_shape(self):
        self.assertTrue(self.scripts["zsh"].startswith("#compdef weft"))
        self.assertIn("complete -c weft", self.scripts["fish"])
        self.assertEqual(subprocess.run(["bash", "-n"], input=self.scripts["bash"], capture_output=True, text=True).stderr, "")
        p = weft("completion", "tcsh")
        self.assertEqual(p.returncode, 3)
        self.assertIn("bash", p.stderr)

    def test_the_manual_page_has_every_command_and_option_and_is_sound(self):
        page = self.ok("help", "--man")
        self.assertTrue(page.startswith(".TH WEFT 1"))
        plain = page.replace("\\-", "-")
        for path, options in self.commands.items():
            if path:
                self.assertIn(f'.SS "weft {path}"', plain)
            for option in options - {"--help"}:
                self.assertIn(option, plain, path)
        if not shutil.which("groff"):
            self.skipTest("no groff")
        p = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True, text=True)
        self.assertEqual((p.returncode, p.stderr), (0, ""))

    def test_man_shows_the_page_without_warnings(self):
        if not shutil.which("man") or not shutil.which("groff"):
            self.skipTest("no man")
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write(self.ok("help", "--man"))
            file.flush()
            p = subprocess.run(["man", "--warnings", "-l", file.name], capture_output=True, text=True, env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
            self.assertEqual((p.returncode, p.stderr), (0, ""))
            self.assertIn("weft run", p.stdout)

    def test_help_on_a_command_is_its_help(self):
        for path in self.commands:
            if path:
                self.assertEqual(self.ok("help", *path.split()), self.ok(*path.split(), "--help"), path)

    def test_every_topic_is_a_page_without_holes(self):
        topics = re.findall(r"^  (\S+)", self.ok("help").split("Commands:")[0], re.M)
        self.assertLessEqual({"units", "formats", "exit-codes", "provenance", "scenario", "variants", "engines", "studies", "environment"}, set(topics))
        for topic in topics:
            text = self.ok("help", topic)
            self.assertGreater(len(text), 200)
            self.assertNotIn("{{", text)
            self.assertTrue(all(len(line) <= 160 for line in text.splitlines()), topic)

    def test_an_unknown_topic_names_the_nearest(self):
        for words, nearest in ((["unit"], "units"), (["rum"], "run"), (["topology", "cots"], "cost")):
            p = weft("help", *words)
            self.assertEqual(p.returncode, 3)
            self.assertIn(f'did you mean "{nearest}"', p.stderr)
        self.assertEqual(weft("help", "units", "more").returncode, 3)

    def test_facts_in_help_are_those_of_the_program(self):
        engines = [row["name"] for row in json.loads(self.ok("list", "engines", "--json"))["engines"]]
        text = self.ok("help", "engines")
        for name in engines:
            self.assertRegex(text, rf"(?m)^  {name} ")
        properties = json.loads(self.ok("schema"))["properties"]
        text = self.ok("help", "scenario")
        for key in ("title", "question", "source", "headline", "cluster", "workload", "variants", "expect"):
            self.assertIn(key, properties)
            self.assertRegex(text, rf"(?m)^  {key} ")
        for code in ("0", "1", "2", "3", "4", "77", "130"):
            self.assertRegex(self.ok("help", "exit-codes"), rf"(?m)^ *{code}  \w")
        for unit in ("us", "*B/s", "USD", "Gi"):
            self.assertIn(unit, self.ok("help", "units"))

    def test_the_smallest_scenario_of_help_runs(self):
        text = self.ok("help", "scenario").split("The smallest one:")[1]
        p = subprocess.run([WEFT, "run", "-"], input=text[text.index("{"):text.index("\n  }\n") + 4], capture_output=True, text=True)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("a2a", p.stdout)

    def test_every_variable_that_the_program_reads_is_explained(self):
        text = self.ok("help", "environment")
        read = set()
        for folder in ("sim", "topology", "models", "workloads", "scenarios", "reports"):
            for path in (ROOT / folder).rglob("*.cpp"):
                source = path.read_text(encoding="utf-8")
                read |= set(re.findall(r'getenv\("(\w+)"', source))
        for launcher in ("weft", "check"):
            read |= set(re.findall(r"\$\{(WEFT_\w+)", (ROOT / launcher).read_text(encoding="utf-8")))
        self.assertIn("WEFT_DATA", read)
        for name in read:
            self.assertIn(name, text)


unittest.main(verbosity=1)
