#!/usr/bin/env python3
"""Runs the shell commands of the installed tutorial, in order, in an empty directory.

The one word that is replaced is where Trestle is installed. What a step says of the checks must be
what trestle-conformance says then.
"""
import pathlib
import re
import shutil
import subprocess
import sys


def main():
    prefix, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    document = (prefix / "share/doc/trestle/writing_a_transport.md").read_text()
    tutorial = document[document.index("\n# Step by step"):document.index("\n# The contract")]
    blocks = re.findall(r"^```sh\n(.*?)^```", tutorial, re.MULTILINE | re.DOTALL)
    script = "".join(blocks).replace("/where/trestle/is/installed", str(prefix))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(script, flush=True)
    done = subprocess.run(["bash", "-euo", "pipefail"], cwd=folder, input=script, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout)
    if done.returncode != 0:
        sys.exit(f"the commands of the tutorial ended with status {done.returncode}")
    promised = re.findall(r"^(\d+) checks pass", tutorial, re.MULTILINE)
    passed = re.findall(r"^(\d+) passed, 0 failed", done.stdout, re.MULTILINE)
    if not promised or promised != passed:
        sys.exit(f"checks that pass: the tutorial says {promised}, trestle-conformance {passed}")


if __name__ == "__main__":
    main()
