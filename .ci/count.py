#!/usr/bin/env python3
"""Adds up Meson's test logs: count.py TESTLOG.json... prints "N passed, N failed, N skipped"; a missing log is a failure."""
import json
import sys

passed = failed = skipped = 0
for path in sys.argv[1:]:
    try:
        with open(path, encoding="utf-8") as log:
            results = [json.loads(line)["result"] for line in log if line.strip()]
    except OSError as error:
        print(f"no test log, so the build failed: {error}")
        failed += 1
        continue
    good = sum(r in ("OK", "EXPECTEDFAIL") for r in results)
    passed += good
    skipped += results.count("SKIP")
    failed += len(results) - good - results.count("SKIP")
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or not passed else 0)
