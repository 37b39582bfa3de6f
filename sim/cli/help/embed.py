#!/usr/bin/env python3
"""Writes texts as a C++ list of {name, text}: embed.py OUTPUT FILE.txt...; a text is called by its file's name without the suffix."""
import sys
from pathlib import Path

# Compilers take strings of 64 KiB; a page of help is far shorter.
LONGEST = 16000

with open(sys.argv[1], "w", encoding="utf-8") as out:
    for name in sys.argv[2:]:
        text = Path(name).read_text(encoding="utf-8")
        if ')help"' in text or len(text) > LONGEST:
            raise SystemExit(f"{name}: too long, or it ends a raw string")
        out.write(f'{{"{Path(name).stem}", R"help({text})help"}},\n')
