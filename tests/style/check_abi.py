#!/usr/bin/env python3
"""Checks that the C contract only grows: nothing that a kept header declares may change.

tests/sdk/abi/VERSION/include has the headers of each version that plugins were built with. Today's
may add to the newest of them, at the ends of tables and under a higher version; that is all.
"""
import dataclasses
import pathlib
import re
import sys

import project_tree
from project_tree import Finding

LIVE = "sdk/include"
KEPT = "tests/sdk/abi"
MAIN = "trestle/thin_transport.h"
FROZEN = {"tt_iov", "tt_kv", "tt_scheme", "tt_event"}
RULES = "docs/thin_transport_abi.md#what-may-change"


@dataclasses.dataclass
class Header:
    """What a header declares, without comments and layout."""
    text: str
    macros: dict
    tables: dict  # name -> members, in order
    types: dict

    @property
    def names(self):
        return {**self.macros, **self.tables, **self.types}


def squeezed(text):
    """One line, with spaces only where words would run together."""
    return re.sub(r"\s*([^\w\s])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


def parse(path):
    text = path.read_text("utf-8") if path.exists() else ""
    code = re.sub(r"\\[ \t]*\n", " ", project_tree.without_comments(text))
    macros = {}
    for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+(?:\([^)]*\))?)(.*)$", code,
                                  re.MULTILINE):
        if squeezed(value):  # include guards have none
            macros[name] = squeezed(value)
    code = re.sub(r"^[ \t]*#.*$", "", code, flags=re.MULTILINE)
    tables = {name: [squeezed(member) for member in members.split(";") if squeezed(member)]
              for name, members in re.findall(r"typedef\s+struct\s+(\w+)\s*\{([^{}]*)\}", code)}
    types = {re.findall(r"\w+", declared)[-1]: squeezed(declared)
             for declared in re.findall(r"typedef\s([^{};]+);", code)}
    return Header(text, macros, tables, types)


def version_of(header):
    return tuple(int(header.macros.get(f"TT_ABI_{part}", -1)) for part in ("MAJOR", "MINOR"))


def shown(version):
    return ".".join(str(number) for number in version)


class Comparison:
    """Today's header beside a kept one of the same name."""

    def __init__(self, path, live, kept, version):
        self.path, self.live, self.kept, self.version = path, live, kept, shown(version)

    def finding(self, rule, name, text):
        found = re.search(rf"\b{re.escape(name.partition('(')[0])}\b", self.live.text)
        line = project_tree.line_of(self.live.text, found.start()) if found else 0
        return Finding(self.path, line, rule, f"{text} ({RULES})")

    def changes(self):
        """What every plugin built with the kept header would trip over."""
        for name, value in self.kept.names.items():
            now = self.live.names.get(name)
            if name in ("TT_ABI_MAJOR", "TT_ABI_MINOR") or now == value:
                continue
            if now is None:
                yield self.finding("removed", name, f"{name} is in {self.version}: put it back")
            elif name in self.kept.tables:
                yield from self.table_changes(name, value, now)
            else:
                yield self.finding("changed", name, f"{name} was '{value}' in {self.version} and "
                                   f"is '{now}': keep it, and add one with another name")

    def table_changes(self, name, kept, now):
        for number, member in enumerate(kept):
            if now[number:number + 1] != [member]:
                yield self.finding(
                    "changed", name, f"{name}: in {self.version} member {number + 1} is "
                    f"'{member}': keep order, names and types, and add members at the end only")
                return
        if name in FROZEN:
            yield self.finding("frozen", name, f"{name} has no size and never grows: "
                               f"'{now[len(kept)]}' belongs into an extension")

    def additions(self):
        for name, now in self.live.names.items():
            if name not in self.kept.names:
                yield name, name
            elif name in self.kept.tables and len(now) > len(self.kept.tables[name]):
                yield name, f"{name}: {now[len(self.kept.tables[name])]}"

    def silent_additions(self):
        for name, what in self.additions():
            yield self.finding(
                "silent-addition", name, f"'{what}' is not in the kept {self.version}, and today's "
                "version is the same: raise TT_ABI_MINOR, and keep the headers under "
                f"{KEPT}/ once plugins are built with them")


def compare(root, version, folder, newest, live_version):
    kept_root, live_root = root / KEPT / folder / "include", root / LIVE
    paths = {file.relative_to(kept_root) for file in kept_root.rglob("*.h")}
    if version == newest:
        paths |= {file.relative_to(live_root) for file in live_root.rglob("*.h")}
    for path in sorted(paths):
        comparison = Comparison(f"{LIVE}/{path}", parse(live_root / path),
                                parse(kept_root / path), version)
        yield from comparison.changes()
        if version == newest == live_version:
            yield from comparison.silent_additions()


def main():
    root = pathlib.Path(sys.argv[1])
    folders = sorted(path.name for path in (root / KEPT).iterdir() if (path / "include").is_dir())
    kept = {version_of(parse(root / KEPT / folder / "include" / MAIN)): folder
            for folder in folders}
    live_version = version_of(parse(root / LIVE / MAIN))
    newest = max(kept, default=(-1, -1))
    findings = set()
    for version, folder in kept.items():
        if folder != shown(version):
            findings.add(Finding(f"{KEPT}/{folder}", 0, "misnamed", f"holds {shown(version)}"))
        findings |= set(compare(root, version, folder, newest, live_version))
    if live_version < newest:
        findings.add(Finding(f"{LIVE}/{MAIN}", 0, "old-version", f"says {shown(live_version)}, and "
                             f"{shown(newest)} was given to plugins: versions only rise"))
    return project_tree.report(findings, len(kept))


if __name__ == "__main__":
    sys.exit(main())
