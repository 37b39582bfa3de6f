#!/usr/bin/env python3
"""The result of every shipped scenario is the published one: published.py WEFT SCENARIOS PUBLISHED exact|close.

`exact` compares bytes; `close` (builds with other floating-point code, such as sanitizers) numbers to 1e-9 and all else exactly.
With WEFT_UPDATE_GOLDEN set, the published results are rewritten instead, and each change is named.
"""
import difflib
import json
import os
import subprocess
import sys
from pathlib import Path

CLOSE = 1e-9
SHOWN_LINES = 12


def differences(published, got, place=""):
    """Places where two JSON values differ by more than rounding."""
    if isinstance(published, dict) and isinstance(got, dict):
        for key in [*published, *(k for k in got if k not in published)]:
            if key not in published or key not in got:
                yield f"{place}/{key}: only in {'the published result' if key in published else 'this run'}"
            else:
                yield from differences(published[key], got[key], f"{place}/{key}")
    elif isinstance(published, list) and isinstance(got, list) and len(published) == len(got):
        for index, pair in enumerate(zip(published, got)):
            yield from differences(*pair, f"{place}/{index}")
    elif isinstance(published, float) and isinstance(got, (int, float)):
        if abs(published - got) > CLOSE * max(abs(published), abs(got), 1e-3):
            yield f"{place}: published {published}, now {got}"
    elif published != got:
        yield f"{place}: published {published}, now {got}"


def line_difference(published, got):
    lines = difflib.unified_diff(published.splitlines(), got.splitlines(), "published", "now", lineterm="", n=0)
    return [line[:300] for line in lines]


def main():
    weft, scenarios, folder, how = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    update = os.environ.get("WEFT_UPDATE_GOLDEN", "0") not in ("", "0")
    problems, names = [], sorted(p.name for p in scenarios.glob("*.json"))
    for name in names:
        answer = subprocess.run([weft, "run", f"scenarios/{name}", "--quiet", "--format", "json"], text=True, capture_output=True,
                                cwd=scenarios.parent, stdin=subprocess.DEVNULL)
        if answer.returncode != 0:
            problems.append(f"{name}: exit {answer.returncode}: {answer.stderr.strip()}")
            continue
        path = folder / name
        published = path.read_text(encoding="utf-8") if path.exists() else ""
        if answer.stdout == published:
            continue
        if update:
            print(f"{name}: {'changed' if published else 'new'}; say in the commit why")
            folder.mkdir(exist_ok=True)
            path.write_text(answer.stdout, encoding="utf-8")
            continue
        if published and how == "close":
            found = list(differences(json.loads(published), json.loads(answer.stdout)))
        else:
            found = line_difference(published, answer.stdout)
        if found:
            problems.append(f"{name}: not as published in {folder.name}/ ({len(found)} differences)\n  " + "\n  ".join(found[:SHOWN_LINES]))
    for path in sorted(folder.glob("*.json")):
        if path.name not in names and update:
            print(f"{path.name}: has no scenario any more, removed")
            path.unlink()
        elif path.name not in names:
            problems.append(f"{path.name}: published, but there is no such scenario")
    print("\n".join(problems) or f"{len(names)} results are as published")
    if problems:
        print("If the new results are right: ./check --update, and a commit that says why.")
    return 1 if problems or not names else 0


if __name__ == "__main__":
    sys.exit(main())
