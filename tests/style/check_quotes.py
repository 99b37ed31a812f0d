#!/usr/bin/env python3
"""Checks that code in the documents is quoted from files of the project, which are compiled.

A block of C, C++ or CMake follows a line `<!-- from: path -->` and stands in that file as it is,
but for its indentation. In docs/ each such block must be a quotation, except in decisions/.
"""
import re
import sys
import textwrap

import project_tree
from project_tree import Finding

BLOCK = re.compile(r"^(?P<comment>[ \t]*<!--[ \t]*from:[ \t]*(?P<source>\S+)[ \t]*-->[ \t]*\n\s*?)?"
                   r"^[ \t]*(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^[ \t]*(?P=fence)",
                   re.MULTILINE | re.DOTALL)
COMPILED = {"c", "cpp", "cmake"}


def bare_lines(text):
    """Lines without what indents them all, nor blanks at their ends."""
    return [line.rstrip() for line in textwrap.dedent(text).splitlines()]


def occurs(code, source):
    wanted = bare_lines(code)
    lines = source.splitlines()
    return bool(wanted) and any(
        bare_lines("\n".join(lines[at:at + len(wanted)])) == wanted
        for at in range(len(lines) - len(wanted) + 1))


def check_block(root, files, path, block):
    """(rule, text) of what is wrong with a block, or None."""
    source = block["source"]
    if source is None:
        free = not path.startswith("docs/") or path.startswith("docs/decisions/")
        return None if free else ("unquoted", "no line <!-- from: path --> says where it is from")
    if source not in files:
        return "source", f"{source} is no file of the project"
    if not occurs(block["code"], project_tree.read(root, source)):
        return "quote", f"{source} does not hold these lines"
    return None


def main():
    root = sys.argv[1]
    files = set(project_tree.list_files(root))
    paths = [path for path in sorted(files)
             if path == "README.md" or re.match(r"docs/.*\.md$", path)]
    findings = []
    for path in paths:
        text = project_tree.read(root, path)
        for block in BLOCK.finditer(text):
            language = (block["language"].split() or [""])[0]
            if language not in COMPILED:
                continue
            if wrong := check_block(root, files, path, block):
                line = project_tree.line_of(text, block.start("fence"))
                findings.append(Finding(path, line, *wrong))
    return project_tree.report(findings, len(paths))


if __name__ == "__main__":
    sys.exit(main())
