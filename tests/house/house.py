"""What the tests of the house share: the checkout, its files, and how such a test ends."""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("WEFT_ROOT", Path(__file__).resolve().parents[2]))
ROOMS = ("sim", "topology", "models", "workloads", "scenarios", "reports", "tests")
SKIPPED = 77


def run(*command, **options):
    """Runs a command to its end; gives its exit code, stdout and stderr as text."""
    return subprocess.run([str(c) for c in command], text=True, capture_output=True, stdin=subprocess.DEVNULL, **options)


def git_files(root, *options):
    answer = run("git", "-C", root, "ls-files", "-z", *options)
    return [name for name in answer.stdout.split("\0") if name] if answer.returncode == 0 else None


def files(root, suffixes=("",)):
    """Paths below the rooms of `root`, relative to it, sorted: what git knows or would take; without git all of them."""
    known = git_files(root, "-co", "--exclude-standard") if (root / ".git").exists() else None
    if known is None:
        known = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    return sorted(Path(n) for n in known
                  if n.split("/")[0] in ROOMS and n.endswith(tuple(suffixes)) and (root / n).is_file())


def lines(path):
    """(number, text) of each line, counted from 1."""
    return enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)


def meson_list(path, name):
    """The words of `name = ['a', 'b']` in a meson.build."""
    found = re.search(rf"^{name} = \[(.*?)\]", path.read_text(encoding="utf-8"), re.M | re.S)
    return re.findall(r"'([^']+)'", found.group(1)) if found else []


def without_comments(text):
    """JSON text without the // and /* */ comments that weft's reader allows; strings stay as they are."""
    pattern = r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, lambda m: m.group(0) if m.group(0).startswith('"') else " ", text, flags=re.S)


class HouseTest(unittest.TestCase):
    """A test case with a folder to plant violations in."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def plant(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def expect_none(self, violations):
        if violations:
            self.fail("\n" + "\n".join(violations))


def main():
    """Runs the calling module's tests; exits 77 when every one of them was skipped."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if result.wasSuccessful() and result.testsRun == len(result.skipped):
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
