#!/usr/bin/env python3
"""Runs a check on a fixture and demands exactly the findings of its expected.txt: checks can fail.

Usage: expect_findings.py expected.txt check.py argument...
"""
import pathlib
import re
import subprocess
import sys


def main():
    expected_file, *command = sys.argv[1:]
    lines = pathlib.Path(expected_file).read_text("utf-8").splitlines()
    expected = {line for line in lines if line and not line.startswith("#")}
    done = subprocess.run([sys.executable, "-B", *command], capture_output=True, text=True,
                          check=False)
    found = set(re.findall(r"^(\S+:\d+: [a-z-]+): ", done.stdout, re.MULTILINE))
    for line in sorted(expected - found):
        print(f"not reported: {line}")
    for line in sorted(found - expected):
        print(f"reported, not expected: {line}")
    if done.returncode != 1:
        print(f"exit status {done.returncode}, not 1")
    print(done.stdout, done.stderr, sep="")
    return 0 if expected and found == expected and done.returncode == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
