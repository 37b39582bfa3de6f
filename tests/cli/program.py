"""The program under test, argv[1] of the script that imports this, and how tests run it."""
import subprocess
import sys
import unittest

WEFT = sys.argv.pop(1)


def weft(*arguments, stdin=None):
    return subprocess.run([WEFT, *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=300)


class RunsWeft(unittest.TestCase):
    def run_ok(self, *arguments, **more):
        p = weft(*arguments, **more)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout
