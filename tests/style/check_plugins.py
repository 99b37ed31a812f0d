#!/usr/bin/env python3
"""Checks built modules: a plugin exports its descriptor alone and links nothing of the host.

Usage: check_plugins.py [--core libtrestle.so] plugin.so...
"""
import argparse
import pathlib
import re
import subprocess
import sys

import project_tree
from project_tree import Finding


def output_of(*command):
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def exported(file):
    lines = output_of("nm", "-D", "--defined-only", "--format=posix", file).splitlines()
    return {line.split()[0].split("@")[0] for line in lines}


def needed(file):
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-dW", file)))


def check_plugin(file):
    name = pathlib.Path(file).name
    symbols = exported(file)
    if not any(re.fullmatch(r"tt_plugin_v\d+", symbol) for symbol in symbols):
        yield Finding(name, 0, "no-descriptor", "exports no tt_plugin_v*")
    for symbol in sorted(symbols):
        if not re.fullmatch(r"tt_plugin_v\d+", symbol):
            yield Finding(name, 0, "export", f"exports {symbol} besides its descriptor")
    for library in sorted(needed(file)):
        if library.startswith(("libtrestle", "trestle_")):
            yield Finding(name, 0, "links-host", f"links {library}")


def check_core(file):
    for library in sorted(needed(file)):
        if library.startswith("trestle_"):
            yield Finding(pathlib.Path(file).name, 0, "links-plugin", f"links {library}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core")
    parser.add_argument("plugins", nargs="*")
    arguments = parser.parse_args()
    findings = [finding for file in arguments.plugins for finding in check_plugin(file)]
    if arguments.core:
        findings += check_core(arguments.core)
    return project_tree.report(findings, len(arguments.plugins) + bool(arguments.core))


if __name__ == "__main__":
    sys.exit(main())
