#!/usr/bin/env python3
"""Checks that no peer chooses the keys of a hash table, unless the hash has a key of its own.

Whoever chooses keys can make them all meet in one place of a table whose hash is known, and each
look-up as long as the table. Trees and lists with a bound cannot be had like that. So each hash
table of the library and the plugins is listed here, with who makes its keys.
"""
import re
import sys

import project_tree
from project_tree import Finding

FOLDERS = ("core/", "sdk/transport_kit/", "sdk/src/", "plugins/")
TABLE = re.compile(r"\bunordered_(?:flat_|node_)?(?:multi)?(?:map|set)<([^;]*)>\s*(\w+)\s*[;{=]")

# By file and member: whose the keys are.
KEYS = {
    ("core/src/dispatch/stop_roll.hpp", "messages_"): "addresses of ours",
    ("core/src/peers/connection.hpp", "deferred_calls_"): "call ids of ours",
    ("core/src/peers/connection.hpp", "running_"): "a peer's: keyed",
    ("core/src/peers/handler_names.hpp", "numbers_"): "the application's, at most 4096",
    ("plugins/inproc/src/listener.hpp", "listeners_"): "the application's",
    ("plugins/ofi/src/device.hpp", "completion_sinks_"): "running numbers of ours",
    ("plugins/ofi/src/device.hpp", "event_sinks_"): "addresses of ours",
    ("plugins/zmq/src/router.hpp", "closed_early_"): "descriptors of ours",
    ("plugins/zmq/src/router.hpp", "peers_"): "made up by libzmq",
    ("plugins/zmq/src/zmq_transport.hpp", "connections_"): "running numbers of ours",
    ("sdk/transport_kit/include/trestle/transport_kit/roster.hpp", "connections_"):
        "addresses of ours",
    ("sdk/transport_kit/include/trestle/transport_kit/name_lookups.hpp", "waiting_"):
        "running numbers of ours",
}


def findings_in(path, text):
    for match in TABLE.finditer(project_tree.without_comments(text)):
        line = project_tree.line_of(text, match.start())
        whose = KEYS.get((path, match[2]))
        if whose is None:
            yield Finding(path, line, "keys", f"who makes the keys of {match[2]}? See {__file__}")
        elif whose.endswith("keyed") and "KeyedHash" not in match[1]:
            yield Finding(path, line, "keyed", f"{match[2]} has keys of peers and no KeyedHash")


def main():
    root = sys.argv[1]
    paths = [path for path in project_tree.list_files(root)
             if path.startswith(FOLDERS) and "/tests/" not in path and project_tree.is_code(path)]
    findings = [finding for path in paths
                for finding in findings_in(path, project_tree.read(root, path))]
    return project_tree.report(findings, len(paths))


if __name__ == "__main__":
    sys.exit(main())
