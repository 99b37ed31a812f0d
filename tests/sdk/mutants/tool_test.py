#!/usr/bin/env python3
"""Tests of the program trestle-conformance: its formats, its exit codes, and what it refuses."""
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

PROGRAM, PLUGIN, DOCUMENT = (pathlib.Path(argument) for argument in sys.argv[1:4])


def run(*arguments, mutant="none", plugin=PLUGIN):
    command = [PROGRAM, plugin, "--scheme", "mutant", "--listen", "mutant://*", *arguments]
    return launch(command, mutant)


def launch(command, mutant="none"):
    environment = os.environ | {"TRESTLE_MUTANT": mutant}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


class Output(unittest.TestCase):
    def test_json_has_every_check_with_its_reference(self):
        done = run("--json", "--seed", "7", "--filter", "Packets|Wake")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(report["seed"], 7)
        total = report["passed"] + report["failed"] + report["skipped"]
        self.assertEqual(total, len(report["checks"]))
        self.assertGreater(total, 5)
        for check in report["checks"]:
            self.assertIn(check["result"], ("passed", "skipped"))
            self.assertGreaterEqual(check["milliseconds"], 0)

    def test_json_says_what_was_expected_and_what_happened(self):
        done = run("--json", "--filter", "^ClosingTwice", mutant="closed_doubled")
        (check,) = json.loads(done.stdout)["checks"]
        self.assertEqual(done.returncode, 1)
        self.assertEqual(check["result"], "failed")
        self.assertIn("then one CLOSED", check["expected"])
        self.assertIn("event 6 after CLOSED", check["happened"])
        self.assertEqual(check["reference"], "docs/writing_a_transport.md#connections")

    def test_tap_numbers_the_checks_in_order(self):
        done = run("--tap", "--filter", "Closing|Sending", mutant="raises_sigpipe")
        lines = re.findall(r"^(?:not )?ok (\d+) - (\w+)", done.stdout, re.MULTILINE)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("TAP version 13\n1..3\n# seed 1\n"))
        self.assertEqual([number for number, _ in lines], ["1", "2", "3"])
        self.assertIn("not ok 1 - SendingOnAClosedConnectionSaysClosed", done.stdout)
        self.assertIn("died of SIGPIPE", done.stdout)

    def test_a_skip_names_its_reason(self):
        done = run("--tap", "--filter", "^AReleaseEnds")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"ok 1 - AReleaseEndsTheSendersSleep # SKIP the sender has")

    def test_people_see_how_to_run_it_again(self):
        done = run("--filter", "^ClosingTwice", mutant="closed_doubled")
        self.assertIn("Failed: ClosingTwiceIsOneClosed", done.stdout)
        self.assertIn("--seed 1 --filter '^ClosingTwiceIsOneClosed$'", done.stdout)
        self.assertIn("0 passed, 1 failed, 0 skipped", done.stdout)

    def test_a_check_that_never_ends_is_killed(self):
        done = run("--tap", "--timeout", "1", "--filter", "^UnlistenKeeps",
                   mutant="unlistened_lost")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no end within 1 s", done.stdout)

    def test_listed_checks_name_sections_that_exist(self):
        listed = launch([PROGRAM, "--list"]).stdout.split()
        checks = json.loads(run("--json").stdout)["checks"]
        self.assertEqual([check["name"] for check in checks], listed)
        self.assertEqual(len(set(listed)), len(listed))
        headings = re.findall(r"^#+ (.*)$", DOCUMENT.read_text(), re.MULTILINE)
        anchors = {heading.lower().replace(" ", "-") for heading in headings}
        for check in checks:
            document, anchor = check["reference"].split("#")
            self.assertEqual(document, "docs/" + DOCUMENT.name)
            self.assertIn(anchor, anchors)


    def test_each_check_stands_in_the_section_that_asks_for_it(self):
        sections = {}
        for part in re.split(r"^#+ ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]:
            heading, _, text = part.partition("\n")
            sections[heading.lower().replace(" ", "-")] = re.findall(r"`([A-Z][A-Za-z]+)`", text)
        checks = json.loads(run("--json").stdout)["checks"]
        for check in checks:
            anchor = check["reference"].split("#")[1]
            self.assertEqual(sections[anchor].count(check["name"]), 1, check["name"])
        rows = re.findall(r"^\|.*\| (`.*`) \|$", DOCUMENT.read_text(), re.MULTILINE)
        named = {name for row in rows for name in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", row)}
        self.assertLessEqual(named, {check["name"] for check in checks})


class Refusals(unittest.TestCase):
    def expect_refusal(self, done, text):
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertIn("trestle-conformance: ", done.stderr)
        self.assertIn(text, done.stderr)

    def test_missing_arguments(self):
        self.expect_refusal(launch([PROGRAM]), "PLUGIN is missing")
        self.expect_refusal(launch([PROGRAM, PLUGIN]), "--scheme is missing")

    def test_wrong_arguments(self):
        self.expect_refusal(run("--filter", "("), "no regular expression")
        self.expect_refusal(run("--filter", "NoSuchCheck"), "fits no check")
        self.expect_refusal(run("--tap", "--json"), "--tap excludes --json")
        self.expect_refusal(run("--jobs", "0"), "--jobs")
        self.expect_refusal(run("--seed", "seven"), "--seed")
        self.expect_refusal(run("extra"), "extra")

    def test_wrong_plugins(self):
        self.expect_refusal(run(plugin="no/such.so"), "No such file")
        self.expect_refusal(run(plugin=DOCUMENT), "dlopen")
        unknown = launch([PROGRAM, PLUGIN, "--scheme", "foo"])
        self.expect_refusal(unknown, 'expected "foo" among them')

    def test_wrong_addresses(self):
        for uri, text in (("tcp://*", "begins with mutant://"), ("mutant://x", "listens nowhere")):
            done = launch([PROGRAM, PLUGIN, "--scheme", "mutant", "--listen", uri])
            self.expect_refusal(done, text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
