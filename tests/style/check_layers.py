#!/usr/bin/env python3
"""Checks who includes whom, which libraries headers show, scheme names in core, and sleeps."""
import pathlib
import re
import sys

import project_tree
from project_tree import Finding

# The first prefix that fits names the layer of a file. "{}" is the folder's own name.
LAYERS = [
    (r"sdk/transport_kit/", "transport_kit"),
    (r"sdk/conformance/", "conformance"),
    (r"sdk/template/", "template"),
    (r"sdk/", "sdk"),
    (r"core/include/", "core"),
    (r"core/", "core internals"),
    (r"patterns/", "patterns"),
    (r"testing/", "testing"),
    (r"plugins/([^/]+)/tests/", "tests of plugin {}"),
    (r"plugins/([^/]+)/", "plugin {}"),
    (r"(examples|bench|tools)/", "{}"),
    (r"tests/support/", "test support"),
]
APPLICATION = {"core", "sdk", "transport_kit", "testing", "patterns"}
# What a layer may include besides itself. Layers that are missing here (tests) are free.
ALLOWED = {
    "sdk": set(),
    "transport_kit": {"sdk"},
    "conformance": {"sdk", "transport_kit"},
    "template": {"sdk", "transport_kit"},
    "core": {"sdk"},
    "core internals": {"core", "sdk"},
    "patterns": {"core"},
    "testing": {"core", "sdk"},
    "examples": APPLICATION,
    "bench": APPLICATION,
    "tools": APPLICATION,
}
PLUGIN = {"sdk", "transport_kit"}
PLUGIN_TESTS = {"sdk", "transport_kit", "conformance", "test support"}

PUBLIC_HEADERS = re.compile(r"(core|sdk|testing|sdk/transport_kit)/include/")
HIDDEN_LIBRARIES = re.compile(
    r"spdlog/|fmt/|boost/(json|asio|dll)(/|\.hpp)|zmq|rdma/|msgpuck|CLI/|nlohmann/")
# Asio is for who awaits: these headers show it, and only trestle.hpp includes them besides.
ASIO = re.compile(r"boost/asio(/|\.hpp)")
ASYNC_HEADERS = {f"core/include/trestle/{name}.hpp" for name in (
    "async", "async_status", "coroutine", "node_executor", "detail/async_operation",
    "detail/coroutine_handler")}
MAY_SHOW_ASYNC = ASYNC_HEADERS | {"core/include/trestle/trestle.hpp"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.MULTILINE)
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w>])::sleep\s*\(")
SLEEPLESS = re.compile(r"core/|tests/|.*/tests/|sdk/conformance/")
KNOWN_SCHEMES = {"tcp", "unix", "zmq", "ofi", "inproc", "ipc", "verbs"}


def layer_of(path):
    for pattern, layer in LAYERS:
        match = re.match(pattern, path)
        if match:
            return layer.format(match[1] if match.groups() else "")
    return None


def allowed_of(layer):
    if layer.startswith("plugin "):
        return PLUGIN
    if layer.startswith("tests of plugin "):
        return PLUGIN_TESTS | {layer.removeprefix("tests of ")}
    return ALLOWED.get(layer)


class IncludeGraph:
    """Finds the project's file behind the text of an #include."""

    def __init__(self, paths):
        self.files = {path for path in paths if project_tree.is_code(path)}
        roots = {re.match(r"(.*?/include)/|", path)[1] for path in self.files}
        roots |= {re.match(r"(core/src)/|", path)[1] for path in self.files}
        self.roots = sorted(root for root in roots if root)

    def resolve(self, includer, included):
        folder = pathlib.PurePosixPath(includer).parent
        own_source_root = re.match(r"(plugins/[^/]+)/|", includer)[1]
        roots = [str(folder), *self.roots, "."]
        if own_source_root:
            roots.insert(1, f"{own_source_root}/src")
        for root in roots:
            path = normalized(f"{root}/{included}")
            if path in self.files:
                return path
        return None


def normalized(path):
    parts = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    return "/".join(parts)


def is_hidden_from(path, included, target):
    """Whether a public header may not show what it includes."""
    if path not in MAY_SHOW_ASYNC and target in ASYNC_HEADERS:
        return True
    if path in ASYNC_HEADERS and ASIO.match(included):
        return False
    return bool(HIDDEN_LIBRARIES.match(included))


def check_includes(graph, path, code):
    layer = layer_of(path)
    allowed = allowed_of(layer) if layer else None
    for match in INCLUDE.finditer(code):
        included, line = match[1], project_tree.line_of(code, match.start(1))
        target = graph.resolve(path, included)
        if PUBLIC_HEADERS.match(path) and is_hidden_from(path, included, target):
            yield Finding(path, line, "public-header", f"shows <{included}> to applications")
        target_layer = layer_of(target) if target else None
        if allowed is None or target_layer is None or target_layer == layer:
            continue
        if target_layer not in allowed:
            yield Finding(path, line, "layer",
                          f"{layer} includes {target}, which is {target_layer}")


def check_schemes(path, code, schemes):
    for match in re.finditer(r'"((?:\\.|[^"\\\n])*)"', code):
        name = re.match(r"([a-z0-9]+)(\+[a-z0-9]+)?(://.*)?$", match[1])
        if name and name[1] in schemes:
            yield Finding(path, project_tree.line_of(code, match.start()), "scheme",
                          f"core knows a transport by name: {match[0]}")


def check_file(root, graph, path, schemes):
    code = project_tree.without_comments(project_tree.read(root, path))
    yield from check_includes(graph, path, code)
    if path.startswith("core/src/"):
        yield from check_schemes(path, code, schemes)
    if SLEEPLESS.match(path):
        bare = project_tree.without_comments_and_strings(code)
        for match in SLEEP.finditer(bare):
            yield Finding(path, project_tree.line_of(bare, match.start()), "sleep",
                          f"{match[0]}: wait for an event, with a bound, or use the clock")


def main():
    root = sys.argv[1]
    paths = project_tree.list_files(root)
    graph = IncludeGraph(paths)
    schemes = KNOWN_SCHEMES | {match[1] for path in paths
                               if (match := re.match(r"plugins/([^/]+)/", path))}
    code_paths = [path for path in paths if project_tree.is_code(path)]
    findings = [f for path in code_paths for f in check_file(root, graph, path, schemes)]
    return project_tree.report(findings, len(code_paths))


if __name__ == "__main__":
    sys.exit(main())
