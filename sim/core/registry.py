#!/usr/bin/env python3
"""Writes one line WEFT_KIND(name) for each name given: registry.py OUTPUT NAME..."""
import sys

with open(sys.argv[1], "w", encoding="utf-8") as out:
    for name in sys.argv[2:]:
        out.write(f"WEFT_KIND({name})\n")
