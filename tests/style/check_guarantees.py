#!/usr/bin/env python3
"""Checks that each promise of docs/guarantees.md names tests that hold it, and that they exist.

A promise is an item of a list, outside the section "What is not promised". It ends with "Held by"
and names in backticks: `Suite.Test` of GoogleTest, `conformance.Check` of the conformance kit, or
the name of another ctest, such as `scenarios.zero_loss`.
"""
import re
import sys

import project_tree
from project_tree import Finding

DOCUMENT = "docs/guarantees.md"
WITHOUT_PROMISES = "What is not promised"

SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)
ITEM = re.compile(r"^- .*(?:\n(?:  .*))*", re.MULTILINE)
HELD_BY = re.compile(r"\bHeld\s+by\s+((?:`[^`]+`[,\s]*(?:and\s+)?)+)")
GTEST = re.compile(r"\bTEST(?:_[FP])?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
CONFORMANCE = re.compile(r'\bCheck\{\s*"(\w+)"')
CTEST = re.compile(r"\badd_test\(\s*NAME\s+([\w.]+)")
SCENARIO_RUN = re.compile(r"\btrestle_add_scenario_run\((\w+)")


def tests_of(root):
    """The names of all tests that the sources define."""
    names = set()
    for path in project_tree.list_files(root):
        if path.endswith(".cpp"):
            text = project_tree.without_comments(project_tree.read(root, path))
            names |= {f"{suite}.{name}" for suite, name in GTEST.findall(text)}
            names |= {f"conformance.{name}" for name in CONFORMANCE.findall(text)}
        elif path.endswith(("CMakeLists.txt", ".cmake")):
            text = project_tree.read(root, path)
            names |= set(CTEST.findall(text))
            names |= {f"scenarios.{program}" for program in SCENARIO_RUN.findall(text)}
    return names


def section_at(text, offset):
    titles = [match[1] for match in SECTION.finditer(text, 0, offset)]
    return titles[-1] if titles else ""


def main():
    root = sys.argv[1]
    text = project_tree.read(root, DOCUMENT)
    known = tests_of(root)
    promises = [item for item in ITEM.finditer(text)
                if section_at(text, item.start()) != WITHOUT_PROMISES]
    findings = []
    for item in promises:
        held = HELD_BY.search(item[0])
        line = project_tree.line_of(text, item.start())
        if not held:
            findings.append(Finding(DOCUMENT, line, "promise", "names no test that holds it"))
            continue
        for name in re.finditer(r"`([^`]+)`", held[1]):
            if name[1] not in known:
                at = item.start() + held.start(1) + name.start()
                findings.append(Finding(DOCUMENT, project_tree.line_of(text, at), "test",
                                        f"no test is named {name[1]}"))
    return project_tree.report(findings, len(promises))


if __name__ == "__main__":
    sys.exit(main())
