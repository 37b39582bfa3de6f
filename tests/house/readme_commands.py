#!/usr/bin/env python3
"""Runs the commands that a README shows and compares what they print with what it says.

readme_commands.py FILE...   WEFT_BIN is the program that stands for ./weft.

A block ```console holds commands (`$ ...`, continued after a backslash) and below each one its standard output, exactly.
A line `...` stands for any number of lines, so that a long table can be cut short; a command with nothing below it must
succeed, whatever it prints. A command that ends in another exit code than 0 says so on its last line: `[exit 3]`.
Blocks below a line `<!-- not run -->` are left alone (setting up, other shells). All run in the checkout.
"""
import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

NOT_RUN = "<!-- not run -->"
EXIT = re.compile(r"^\[exit (\d+)\]$")


def blocks_of(text):
    """(line number, lines) of each console block that is to be run."""
    lines, number, marked = text.split("\n"), 0, False
    while number < len(lines):
        line = lines[number].strip()
        if line == "```console":
            end = next((i for i in range(number + 1, len(lines)) if lines[i].strip() == "```"), len(lines))
            if not marked:
                yield number + 2, lines[number + 1:end]
            number, marked = end, False
        elif line:
            marked = line == NOT_RUN
        number += 1


def commands_of(block, first):
    """(line number, command, expected lines, expected exit code) of each command of a block."""
    found = []
    continued = False
    for number, line in enumerate(block, start=first):
        if continued:
            found[-1][1] += "\n" + line
        elif line.startswith("$ "):
            found.append([number, line[2:], [], 0])
        elif not found:
            raise SystemExit(f"line {number}: a console block begins with a command: $ ...")
        elif EXIT.match(line):
            found[-1][3] = int(EXIT.match(line).group(1))
            continue
        else:
            found[-1][2].append(line)
            continue
        continued = line.endswith("\\")
    for command in found:
        while command[2] and not command[2][-1].strip():
            command[2].pop()
    return found


def matches(expected, got):
    """Whether the lines are those expected; `...` stands for any number of lines."""
    if "..." not in expected:
        return expected == got
    cut = expected.index("...")
    head, rest = expected[:cut], expected[cut + 1:]
    if got[:cut] != head:
        return False
    return any(matches(rest, got[i:]) for i in range(cut, len(got) + 1))


def check(path, program, root):
    """Problems of one file, and how many commands it ran."""
    problems, count = [], 0
    environment = {k: v for k, v in os.environ.items() if k not in ("WEFT_DATA", "WEFT_SEED")}
    for first, block in blocks_of(path.read_text(encoding="utf-8")):
        for number, command, expected, code in commands_of(block, first):
            count += 1
            line = re.sub(r"(^|[\s;|(])\./weft\b", lambda m: f'{m.group(1)}"$WEFT_BIN"', command)
            answer = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=root, text=True, capture_output=True,
                                    stdin=subprocess.DEVNULL, env={**environment, "WEFT_BIN": str(program)}, timeout=600)
            got = answer.stdout.split("\n")
            while got and not got[-1].strip():
                got.pop()
            if answer.returncode != code:
                problems.append(f"{path.name}:{number}: $ {command}\nexit {answer.returncode}, expected {code}\n{answer.stderr}")
            elif expected and not matches([e.rstrip() for e in expected], [g.rstrip() for g in got]):
                difference = "\n".join(difflib.unified_diff(expected, got, "in the README", "printed", lineterm=""))
                problems.append(f"{path.name}:{number}: $ {command}\n{difference}")
    return problems, count


def main():
    root = Path(os.environ.get("WEFT_ROOT", Path(__file__).resolve().parents[2]))
    program = Path(os.environ["WEFT_BIN"]).resolve()
    problems, count = [], 0
    for name in sys.argv[1:]:
        found, ran = check(Path(name), program, root)
        problems += found
        count += ran
    print("\n\n".join(problems) or f"{count} commands print what is written")
    if not count:
        print("no command was found to run")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main())
