#!/usr/bin/env python3
"""Checks that no file speaks of places outside the project, which no reader has."""
import re
import sys

import project_tree
from project_tree import Finding

# Written so that this file does not match itself.
OUTSIDE = re.compile(r"(?<![\w.:-])[/](work|home/\w+|root|Users/\w+)/"
                     r"|(?<![\w/.-])((\.\.|\.)/)*shared[/][\w.]")


def main():
    root = sys.argv[1]
    paths = project_tree.list_files(root)
    findings = []
    for path in paths:
        text = project_tree.read(root, path)
        findings += [Finding(path, project_tree.line_of(text, match.start()), "outside-path",
                             f"'{match[0]}' is a place outside the project")
                     for match in OUTSIDE.finditer(text)]
    return project_tree.report(findings, len(paths))


if __name__ == "__main__":
    sys.exit(main())
