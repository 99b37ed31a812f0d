#!/usr/bin/env python3
"""Checks that each `Threads:` label in the sources is one that docs/threading.md defines."""
import re
import sys

import project_tree
from project_tree import Finding

DOCUMENT = "docs/threading.md"
# Within a comment a sentence may go on behind the next line's comment mark.
LABEL = re.compile(r"^[ \t]*(?://[/<]*|\*|/\*+)[^\n]*?\bThreads:(?:\s*(?://[/<]*|\*))?\s*([^\n]*)",
                   re.MULTILINE)
TABLE = re.compile(r"^\| label \|[^\n]*\n\|[-| ]+\n((?:\|[^\n]*\n)*)", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def vocabulary(markdown):
    """A pattern for the labels of the document's table; an ellipsis stands for any words."""
    table = TABLE.search(markdown)
    words = [re.escape(word).replace("…", r"[^.;]+?") for word in ROW.findall(table[1])]
    return re.compile(r"(" + "|".join(words) + r")\b")


def main():
    root = sys.argv[1]
    known = vocabulary(project_tree.read(root, DOCUMENT))
    paths = [path for path in project_tree.list_files(root) if project_tree.is_code(path)]
    findings = []
    for path in paths:
        text = project_tree.read(root, path)
        findings += [Finding(path, project_tree.line_of(text, match.start()), "label",
                             f"'{match[1]}' begins with no label of {DOCUMENT}")
                     for match in LABEL.finditer(text) if not known.match(match[1])]
    return project_tree.report(findings, len(paths))


if __name__ == "__main__":
    sys.exit(main())
