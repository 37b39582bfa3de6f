#!/usr/bin/env python3
"""What a person at a terminal sees: headline, colours, bars, progress, the screen without arguments.

terminal.py WEFT_BINARY
"""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

WEFT = sys.argv.pop(1)
ROOT = Path(os.environ["WEFT_DATA"])
STEPS = {"title": "t", "question": "q", "source": "s", "cluster": {"node": "h800", "nodes": 4, "topology": {"kind": "mpft"}},
         "workload": [{"id": "a2a", "kind": "all_to_all", "gpus": [8, 16, 32], "sizes": ["256 MiB"]}],
         "variants": [{"name": "MPFT"}, {"name": "slow", "set": {"/cluster/node": {"extends": "h800", "nic_rate": "100 Gbps"}}}]}


def weft(*arguments, **more):
    return subprocess.run([WEFT, *arguments], capture_output=True, text=True, timeout=600, **more)


class Terminal:
    """A program whose stdout or stderr is a terminal of 120 columns."""

    def __init__(self, arguments, stream, **variables):
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LC_ALL", "LC_CTYPE")}
        environment.update({"TERM": "xterm", "LANG": "C.UTF-8", **variables})
        self.leader, follower = pty.openpty()
        subprocess.run(["stty", "cols", "120", "-onlcr"], stdin=follower, check=True)
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: follower}
        self.program = subprocess.Popen([WEFT, *arguments], env=environment, **streams)
        os.close(follower)
        self.text = b""

    def read(self, until=None):
        """Reads until the program ends, or until what it writes holds `until`."""
        try:
            while until is None or until not in self.text:
                part = os.read(self.leader, 4096)
                if not part:
                    break
                self.text += part
        except OSError:   # the other end is closed
            pass
        return self.text.decode()

    def end(self):
        text = self.read()
        os.close(self.leader)
        return self.program.wait(timeout=60), text


def left_standing(text):
    """What still stands on the terminal when each "\\r\\033[K" has taken the line that it is on."""
    *cleared, last = text.split("\r\033[K")
    return "".join(part[:part.rfind("\n") + 1] for part in cleared) + last


class AtATerminal(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "s.json"

    def scenario(self, **more):
        self.file.write_text(json.dumps({**STEPS, **more}))
        return str(self.file)

    def shown(self, arguments, **variables):
        code, text = Terminal(arguments, "stdout", **variables).end()
        self.assertEqual(code, 0, text)
        return text

    def hours(self, variants, requests=50000):
        """A scenario of so many runs, each of half a second."""
        s = json.loads((ROOT / "scenarios/serving_hour.json").read_text(encoding="utf-8"))
        s.pop("expect", None)
        s["workload"][0]["requests"].update(count=requests, duration=f"{requests * 0.018} s")
        s["variants"] = [{"name": f"{i}"} for i in range(variants)]
        self.file.write_text(json.dumps(s))
        return str(self.file)

    def test_the_headline_stands_first_and_everywhere(self):
        headline = "{MPFT/a2a[gpus=32]/time_us:.3g} us, {slow/a2a[gpus=32]/time_us:longer|shorter MPFT/a2a[gpus=32]/time_us}"
        file = self.scenario(headline=headline)
        said = json.loads(weft("run", file, "--json").stdout)
        first = said["result"]["headline"]
        self.assertRegex(first, r"^[\d,]+ us, [\d,]+ % longer$")
        self.assertEqual(said["input"]["headline"], headline)
        self.assertEqual(weft("run", file).stdout.splitlines()[0], first)
        self.assertEqual(weft("compare", file).stdout.splitlines()[0], first)
        self.assertIn(f"**{first}**", weft("run", file, "--format", "markdown").stdout)

    def test_without_a_template_or_its_cells_the_run_says_what_changed_most(self):
        changed = r'^"slow" takes [\d.]+ times as long as "MPFT" in a2a \(gpus 32\)'
        self.assertRegex(weft("run", self.scenario()).stdout, changed)
        self.assertRegex(weft("run", self.scenario(headline="{gone/a2a/time_us} us")).stdout, changed)
        self.assertRegex(weft("run", self.scenario(headline="{slow/a2a[gpus=8]/time_us}"), "--set", "/variants=[]").stdout, r"^a2a takes ")

    def test_two_files_are_compared_in_a_headline(self):
        other = self.file.with_name("other.json")
        other.write_text(json.dumps({k: v for k, v in STEPS.items() if k != "variants"} | {"cluster": {**STEPS["cluster"], "node": {"extends": "h800", "nic_rate": "100 Gbps"}}}))
        one = self.scenario()
        self.file.write_text(json.dumps({k: v for k, v in STEPS.items() if k != "variants"}))
        self.assertRegex(weft("compare", one, str(other)).stdout, r'^"other" takes [\d.]+ times as long as "s" in a2a')

    def test_a_bad_headline_is_bad_input(self):
        p = weft("run", self.scenario(headline="{a/b"))
        self.assertEqual(p.returncode, 3)
        self.assertIn("/headline", p.stderr)

    def test_colours_are_a_terminals_or_asked_for(self):
        file = self.scenario(headline="{MPFT/a2a[gpus=8]/time_us} us", expect=[{"of": "MPFT/a2a[gpus=8]/time_us", "value": 1, "source": "nobody"}])
        text = self.shown(["run", file])
        self.assertTrue(text.startswith("\033[1m"), text[:40])
        self.assertIn("\033[31m", text)
        self.assertNotIn("\033", self.shown(["run", file], NO_COLOR="1"))
        self.assertNotIn("\033", self.shown(["run", file], TERM="dumb"))
        self.assertNotIn("\033", self.shown(["run", file, "--color", "never"]))
        self.assertIn("\033[1m", self.shown(["run", file, "--color", "always"], NO_COLOR="1"))
        self.assertNotIn("\033", weft("run", file).stdout)
        self.assertIn("\033[1m", weft("run", file, "--color", "always").stdout)
        self.assertEqual(weft("run", file, "--color", "sometimes").returncode, 2)
        code, told = Terminal(["run", file], "stderr").end()
        self.assertEqual(code, 0)
        self.assertIn("\033[31mexpected MPFT/a2a", told)

    def test_bars_are_a_terminals_or_asked_for(self):
        file = self.scenario()
        self.assertIn("█", self.shown(["run", file]))
        self.assertNotIn("█", self.shown(["run", file, "--bars", "never"]))
        self.assertNotIn("█", self.shown(["run", file], LC_ALL="C"))
        self.assertNotIn("█", weft("run", file).stdout)
        self.assertIn("█", weft("run", file, "--bars", "always").stdout)
        without = [re.sub("[▏▎▍▌▋▊▉█]+", "", line).split() for line in self.shown(["run", file, "--color", "never"]).splitlines()]
        self.assertEqual([line for line in without if line], [line.split() for line in weft("run", file).stdout.splitlines() if line])

    def test_progress_tells_the_time_left_and_leaves_no_line(self):
        code, text = Terminal(["run", self.hours(4), "--jobs", "1", "--json"], "stderr").end()
        self.assertEqual(code, 0)
        self.assertRegex(text, r"weft: [1-3] of 4, \d+:\d\d left")
        self.assertNotIn("of 4", left_standing(text))

    def waiting(self):
        """A run that waits for a file, drawn on until it has been running for a second; and what it waits for."""
        fifo = self.file.with_name("calibration.json")
        os.mkfifo(fifo)
        t = Terminal(["run", self.scenario(), "--calibration", str(fifo)], "stderr")
        t.read(until=b"0:01")
        return t, fifo

    def test_a_long_run_tells_how_long_it_has_been_running_and_takes_that_away(self):
        t, fifo = self.waiting()
        fifo.write_text("[]")
        code, text = t.end()
        self.assertEqual(code, 3)   # that was no calibration
        self.assertRegex(text, r"^\r\033\[Kweft: running 0:0")
        self.assertLess(text.count("running"), 60)
        self.assertNotIn("running", left_standing(text))
        self.assertIn("calibration.json", left_standing(text))

    def test_a_short_run_and_a_quiet_one_draw_nothing(self):
        self.assertEqual(Terminal(["show", "hardware", "h800"], "stderr").end(), (0, ""))
        self.assertEqual(Terminal(["run", self.hours(1), "--json", "-q"], "stderr").end(), (0, ""))

    def test_an_interrupt_leaves_no_half_line(self):
        t, _ = self.waiting()
        t.program.send_signal(signal.SIGINT)
        code, text = t.end()
        self.assertEqual(code, 130)
        self.assertEqual(left_standing(text), "")

    def test_without_arguments_weft_says_what_to_try_first(self):
        p = weft()
        self.assertEqual((p.returncode, p.stdout), (2, ""))   # a script that forgot the command must not take this for success
        self.assertLess(p.stderr.count("\n"), 15)
        commands = re.findall(r"^  weft (\S.*?)  ", p.stderr, re.M)
        self.assertEqual(len(commands), 3)
        for command in commands:
            self.assertEqual(weft(*command.split(), "-q").returncode, 0, command)


unittest.main(verbosity=1)
