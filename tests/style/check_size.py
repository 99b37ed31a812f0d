#!/usr/bin/env python3
"""Checks lengths of files, functions and lines, file names, and that line 1 says what a file is."""
import argparse
import pathlib
import re
import sys

import project_tree
from project_tree import Finding

NAMES_THAT_SAY_NOTHING = re.compile(r"^(utils?|commons?|helpers?|misc)([._-].*)?$|"
                                    r".*_(utils?|common|helpers?|misc)\.[a-z]+$", re.IGNORECASE)
SCRIPT_SUFFIXES = {".py", ".sh", ".bash", ".cmake"}
# A brace opened behind one of these belongs to a type or namespace, not to a function.
SCOPE = re.compile(r"^((typedef|static|inline|constexpr|const|export)\s+)*"
                   r"(class|struct|union|enum|namespace|extern)\b")


def is_script(path, text):
    return pathlib.PurePath(path).suffix in SCRIPT_SUFFIXES or text.startswith("#!")


def is_cmake_list(path):
    return pathlib.PurePath(path).name == "CMakeLists.txt"


def strip_template(head):
    """`head` without leading template parameter lists and access labels."""
    while True:
        head = re.sub(r"^\s*((public|private|protected)\s*:\s*)*", "", head)
        match = re.match(r"template\s*<", head)
        if not match:
            return head
        depth, at = 1, match.end()
        while at < len(head) and depth:
            depth += {"<": 1, ">": -1}.get(head[at], 0)
            at += 1
        head = head[at:]


def opens_function(head):
    head = strip_template(head)
    return "(" in head and not SCOPE.match(head)


def functions(code):
    """(first line, last line) of each outermost function body, by matching braces."""
    code = project_tree.without_comments_and_strings(code)
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m[0]), code,
                  flags=re.MULTILINE)
    open_braces = []  # for each: the line at which a function starts, or None
    head_start = 0
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match[0] == "{":
            head = code[head_start:at]
            inside = any(line is not None for line in open_braces)
            starts = not inside and opens_function(head)
            first = head_start + len(head) - len(head.lstrip())
            open_braces.append(project_tree.line_of(code, first) if starts else None)
        elif match[0] == "}" and open_braces:
            first_line = open_braces.pop()
            if first_line is not None:
                yield first_line, project_tree.line_of(code, at)
        head_start = at + 1


def check_lines(path, lines, columns_max):
    markdown = path.endswith(".md")
    for number, line in enumerate(lines, 1):
        if markdown and (line.lstrip().startswith("|") or "://" in line):
            continue  # tables and addresses cannot be broken
        if len(line) > columns_max:
            yield Finding(path, number, "line-length", f"{len(line)} columns, limit {columns_max}")


def check_first_line(path, text, lines):
    if project_tree.is_code(path):
        good = bool(lines) and re.match(r"//\s*\w|/\*+\s*\w", lines[0])
    elif is_script(path, text):
        first = lines[1] if len(lines) > 1 and lines[0].startswith("#!") else "".join(lines[:1])
        good = re.match(r'#\s*\w|"""\w', first)
    else:
        return
    if not good:
        yield Finding(path, 1, "first-line", "no comment here says what this file is for")


def check_file(root, path, limits):
    text = project_tree.read(root, path)
    lines = text.splitlines()
    name = pathlib.PurePath(path).name
    if NAMES_THAT_SAY_NOTHING.match(name):
        yield Finding(path, 0, "file-name", f"'{name}' says nothing of what is inside")
    measured = (project_tree.is_code(path) or is_script(path, text) or is_cmake_list(path) or
                path.endswith((".md", ".json")))
    if not measured:
        return
    if len(lines) > limits.file_lines:
        yield Finding(path, 0, "file-length", f"{len(lines)} lines, limit {limits.file_lines}")
    yield from check_lines(path, lines, limits.columns)
    yield from check_first_line(path, text, lines)
    if project_tree.is_code(path):
        for first, last in functions(text):
            length = last - first + 1
            if length > limits.function_lines:
                yield Finding(path, first, "function-length",
                              f"{length} lines, limit {limits.function_lines}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--file-lines", type=int, default=500)
    parser.add_argument("--function-lines", type=int, default=60)
    parser.add_argument("--columns", type=int, default=100)
    limits = parser.parse_args()
    paths = project_tree.list_files(limits.root)
    findings = [f for path in paths for f in check_file(limits.root, path, limits)]
    return project_tree.report(findings, len(paths))


if __name__ == "__main__":
    sys.exit(main())
