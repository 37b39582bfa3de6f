"""The shipped calibrations are what the commands of models/calibrations/README.md make of the shipped measurements."""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEFT = os.path.abspath(sys.argv.pop(1))


def commands():
    text = (ROOT / "models/calibrations/README.md").read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("weft calibrate fit ")]


def numbers(value, path=""):
    """Pairs of a place and what stands there; fitted numbers to ten digits, since libraries differ in the last ones."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from numbers(member, f"{path}/{key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from numbers(member, f"{path}/{index}")
    else:
        yield path, value


class Shipped(unittest.TestCase):
    def test_every_shipped_file_has_its_command(self):
        made = {Path(c[c.index("-o") + 1]).name for c in commands()}
        self.assertEqual(made, {p.name for p in (ROOT / "models/calibrations").glob("*.json")})

    def test_the_commands_make_the_shipped_files(self):
        for command in commands():
            target = ROOT / command[command.index("-o") + 1]
            with tempfile.TemporaryDirectory() as folder:
                command[command.index("-o") + 1] = str(Path(folder) / "made.json")
                run = subprocess.run([WEFT, *command, "-q"], cwd=ROOT, capture_output=True, text=True, timeout=300,
                                     env={**os.environ, "WEFT_DATA": str(ROOT)})
                self.assertEqual(run.returncode, 0, run.stderr)
                made = dict(numbers(json.loads((Path(folder) / "made.json").read_text(encoding="utf-8"))))
            shipped = dict(numbers(json.loads(target.read_text(encoding="utf-8"))))
            self.assertEqual(made.keys(), shipped.keys())
            for place, value in shipped.items():
                if isinstance(value, float):
                    # Parameters that the data hardly tell apart move most; what they predict does not.
                    free = "covariance" in place or "/parameters/" in place or "/errors/" in place
                    self.assertAlmostEqual(made[place], value, delta=abs(value) * (1e-2 if free else 1e-5) + 1e-9, msg=f"{target.name}: {place}")
                else:
                    self.assertEqual(made[place], value, f"{target.name}: {place}")


if __name__ == "__main__":
    unittest.main()
