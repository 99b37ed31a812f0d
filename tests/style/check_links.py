#!/usr/bin/env python3
"""Checks that relative links in Markdown lead to files, and their anchors to headings."""
import pathlib
import re
import sys

import project_tree
from project_tree import Finding

LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
FENCE = re.compile(r"^([`~]{3,})[^\n]*\n.*?^\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`[^`\n]*`")


def prose(markdown):
    """The text with fenced code and code spans blanked; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return CODE_SPAN.sub(blank, FENCE.sub(blank, markdown))


def anchors(markdown):
    """The anchors that headings get, by GitHub's rule."""
    text = FENCE.sub("", markdown)
    found = set()
    for heading in re.findall(r"^#+[ \t]+(.*?)[ \t]*#*$", text, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (unique := slug if number == 0 else f"{slug}-{number}") in found:
            number += 1
        found.add(unique)
    return found


def check_link(root, path, target):
    """What is wrong with a link, or None."""
    file_part, _, anchor = target.partition("#")
    folder = (pathlib.Path(root) / path).parent
    file = (folder / file_part) if file_part else pathlib.Path(root) / path
    if file_part.startswith("/"):
        return "absolute: links must work wherever the project lies"
    if not file.exists():
        return "leads to no file"
    if pathlib.Path(root).resolve() not in (file.resolve(), *file.resolve().parents):
        return "leads out of the project"
    if anchor and file.suffix == ".md" and anchor not in anchors(file.read_text("utf-8")):
        return f"'{file.name}' has no heading for #{anchor}"
    return None


def main():
    root = sys.argv[1]
    paths = [path for path in project_tree.list_files(root) if path.endswith(".md")]
    findings = []
    for path in paths:
        text = prose(project_tree.read(root, path))
        for match in LINK.finditer(text):
            if re.match(r"[a-z][a-z0-9+.-]*:", match[1]):
                continue  # another site: its state is not this project's
            if wrong := check_link(root, path, match[1]):
                findings.append(Finding(path, project_tree.line_of(text, match.start()), "link",
                                        f"{match[1]} {wrong}"))
    return project_tree.report(findings, len(paths))


if __name__ == "__main__":
    sys.exit(main())
