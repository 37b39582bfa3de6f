#!/usr/bin/env python3
"""weft support knows every name that weft list gives. It runs all published numbers.

support.py WEFT_BINARY
"""
import json
import subprocess
import sys
import unittest

WEFT = sys.argv.pop(1)


class Support(unittest.TestCase):
    def answer_of(self, *arguments):
        p = subprocess.run([WEFT, *arguments, "--json"], capture_output=True, text=True, timeout=600)
        self.assertEqual(p.returncode, 0, p.stderr)
        return json.loads(p.stdout)

    def test_it_covers_every_name(self):
        shown = {row["name"]: row["checked"] for row in self.answer_of("support")["support"]}
        for kind, listed in self.answer_of("list").items():
            if kind not in ("engines", "scenarios", "notes"):
                self.assertTrue({row["name"] for row in listed} <= shown.keys(), kind)
        self.assertIn("published numbers", shown["dualpipe"])


unittest.main(verbosity=1)
