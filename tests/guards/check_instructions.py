#!/usr/bin/env python3
"""Counts the instructions of a call under callgrind and compares them with what is expected.

check_instructions.py PROGRAM CASE: PROGRAM is guard_repeated_calls. Exits with 77 if there is no
valgrind, or if the program was built with a sanitizer, which runs under none.
"""
import argparse
import re
import shutil
import subprocess
import sys

CALLS = 2000
SKIPPED = 77


def instructions(program, calls, case):
    """Of a whole run, all threads."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, str(calls),
         case],
        check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


def per_call(program, case):
    """What starting, connecting and warming up take is in both runs."""
    return (instructions(program, 2 * CALLS, case) - instructions(program, CALLS, case)) / CALLS


def verdict(counted, about, tolerance):
    """What is wrong, or None."""
    if counted > about * (1 + tolerance):
        return "a call costs more than it did; see tests/guards/README.md for where"
    if counted < about * (1 - tolerance):
        return "a call costs less than it did: expect that from now on (tests/guards/bounds.hpp)"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("case")
    parser.add_argument("--sanitizers", default="", help="that the program was built with")
    arguments = parser.parse_args()
    if arguments.sanitizers:
        print("skipped: valgrind runs no program that was built with", arguments.sanitizers)
        return SKIPPED
    if shutil.which("valgrind") is None:
        print("skipped: no valgrind here (apt-get install valgrind)")
        return SKIPPED
    expected = subprocess.run([arguments.program, "expected", arguments.case], check=True,
                              capture_output=True, text=True)
    about, tolerance = map(float, expected.stdout.split())
    counted = per_call(arguments.program, arguments.case)
    print(f"{arguments.case}: {counted:.0f} instructions per call, "
          f"expected {about:.0f} +- {tolerance:.0%}")
    wrong = verdict(counted, about, tolerance)
    if wrong is not None:
        print(wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
