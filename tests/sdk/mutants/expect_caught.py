#!/usr/bin/env python3
"""Holds the conformance kit against a mutant: the check that has to catch it must fail, and why.

With --count it sums up what the other runs left in the results folder."""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

# The end of a report, as its beginning may be cut off; or a line of undefined behaviour.
REPORT = re.compile(r"==\d+==ABORTING|runtime error: ")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--count", nargs="*", metavar="MUTANT")
    parser.add_argument("--program")
    parser.add_argument("--plugin")
    parser.add_argument("--mutant")
    parser.add_argument("--check")
    parser.add_argument("--text")
    parser.add_argument("--sanitized", action="store_true",
                        help="a sanitizer's report will do in place of the text")
    return parser.parse_args()


def sum_up(results, mutants):
    missed = [name for name in mutants if not (results / name).exists()]
    print(f"mutants caught: {len(mutants) - len(missed)} of {len(mutants)}")
    for name in missed:
        print(f"  not caught, or not run before: {name}")
    return 1 if missed or not mutants else 0


def run_check(arguments):
    command = [arguments.program, arguments.plugin, "--scheme", "mutant", "--listen", "mutant://*",
               "--filter", f"^{arguments.check}$", "--json", "--jobs", "1", "--patience", "5",
               "--timeout", "60"]
    environment = os.environ | {"TRESTLE_MUTANT": arguments.mutant}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def complaint_about(run, text, sanitized):
    """Why the mutant does not count as caught, or None."""
    if run.returncode != 1:
        return f"expected exit status 1, got {run.returncode}\n{run.stdout}{run.stderr}"
    report = json.loads(run.stdout)
    (check,) = report["checks"]
    said = f"expected {check['expected']}, got {check['happened']}"
    print(f"{check['name']}: {said}")
    if check["result"] != "failed" or report["failed"] != 1:
        return f"expected the check to fail, got {check['result']}"
    if text not in said and not (sanitized and REPORT.search(said)):
        return f"expected it to say '{text}'"
    return None


def main():
    arguments = parse_arguments()
    arguments.results.mkdir(parents=True, exist_ok=True)
    if arguments.count is not None:
        return sum_up(arguments.results, arguments.count)
    result = arguments.results / arguments.mutant
    result.unlink(missing_ok=True)
    complaint = complaint_about(run_check(arguments), arguments.text, arguments.sanitized)
    if complaint:
        print(f"{arguments.mutant}: {complaint}")
        return 1
    result.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
