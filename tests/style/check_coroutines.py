#!/usr/bin/env python3
"""Finds what g++ 12 frees twice: what braces or captures make in one expression with a co_await.

There it copies aggregates (`Request{...}`, `{.stop = token}`) and capturing lambdas bit by bit into
the coroutine's frame and destroys both, whether they are in what is awaited, beside it or around
it. Arguments with constructors, named objects and in_place<T> are safe. What has no constructors is
not safe in parentheses either, which nothing here can tell from what has.
"""
import re
import sys

import project_tree
from project_tree import Finding

CO_AWAIT = re.compile(r"\bco_await\b")
CONDITION = re.compile(r"\b(?:if|while|switch|for|constexpr)\s*$")
LAMBDA = re.compile(r"\[(?!\[)(?P<capture>[^\[\]]*)\]\s*(?:\(|\{|<|mutable\b)")
CODE_BLOCK = re.compile(r"^(?P<fence>`{3,})cpp[^\n]*\n(?P<code>.*?)^(?P=fence)",
                        re.MULTILINE | re.DOTALL)
OPEN, CLOSE = "([{", ")]}"


def matching(code, at):
    """Where the bracket that opens at `at` closes."""
    depth = 0
    for end in range(at, len(code)):
        depth += (code[end] in OPEN) - (code[end] in CLOSE)
        if depth == 0:
            return end
    return len(code)


def opening(code, at):
    """Where the bracket that closes at `at` opens."""
    depth = 0
    for begin in range(at, -1, -1):
        depth += (code[begin] in CLOSE) - (code[begin] in OPEN)
        if depth == 0:
            return begin
    return 0


def is_block(code, brace):
    """Whether the brace begins statements, rather than values."""
    at, end = brace + 1, matching(code, brace)
    while at < end and code[at] != ";":
        at = matching(code, at) + 1 if code[at] in "([" else at + 1
    return at < end


def expression_start(code, at):
    """Where the whole expression begins that has something at `at`."""
    while at > 0:
        char = code[at - 1]
        if char == ";" or char == "{" and is_block(code, at - 1):
            return at
        if char == "(" and CONDITION.search(code, 0, at - 1):
            return at
        if char in CLOSE:
            before = opening(code, at - 1)
            behind = code[at:].lstrip()[:1]
            if char == "}" and is_block(code, before) and behind not in ("", *",).(]?"):
                return at
            at = before
        else:
            at -= 1
    return at


def expression_end(code, start):
    """Where the expression that begins there ends."""
    at = start
    while at < len(code) and code[at] not in ";" + CLOSE:
        at = matching(code, at) + 1 if code[at] in OPEN else at + 1
    return at


def is_subscript(code, at):
    before = code[:at].rstrip()
    return bool(before) and (before[-1].isalnum() or before[-1] in "_)]")


def lambdas(code, start, end):
    """(offset, captures) of each lambda, without those inside its body."""
    at = start
    while match := LAMBDA.search(code, at, end):
        at = match.end()
        if is_subscript(code, match.start()):
            continue
        body = code.find("{", match.end() - 1, end)
        at = matching(code, body) + 1 if body >= 0 else at
        yield match.start(), at, match["capture"].strip()


def outermost_braces(code, start, end):
    """Each brace between the two that is in no other."""
    at = start
    while (at := code.find("{", at, end)) >= 0:
        yield at
        at = matching(code, at) + 1


def findings_of(code):
    """(offset, rule, text) of each temporary that is not safe."""
    code = project_tree.without_comments_and_strings(code)
    for await_ in CO_AWAIT.finditer(code):
        start = expression_start(code, await_.start())
        end = expression_end(code, start)
        # What a lambda's body makes, is made elsewhere.
        bare = code[:end]
        for first, last, capture in lambdas(code, start, end):
            if capture:
                yield first, "capturing-lambda", "name it before the co_await expression"
            bare = bare[:first] + " " * (last - first) + bare[last:]
        for brace in outermost_braces(bare, start, end):
            yield (brace, "braced-temporary",
                   "name it before, or use in_place<T>: g++ 12 frees what it owns twice")


def check_file(root, path):
    text = project_tree.read(root, path)
    if project_tree.is_code(path):
        parts = [(0, text)]
    else:
        parts = [(block.start("code"), block["code"]) for block in CODE_BLOCK.finditer(text)]
    for start, code in parts:
        for offset, rule, why in sorted(set(findings_of(code))):
            yield Finding(path, project_tree.line_of(text, start + offset), rule, why)


def main():
    root = sys.argv[1]
    paths = [path for path in project_tree.list_files(root)
             if project_tree.is_code(path) or path.endswith(".md")]
    return project_tree.report([f for path in paths for f in check_file(root, path)], len(paths))


if __name__ == "__main__":
    sys.exit(main())
