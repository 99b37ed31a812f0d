"""How ratios become verdicts, and what a disturbed round counts."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from runner import tables  # noqa: E402
from runner.cases import CASES, PROBES, Case, Program  # noqa: E402
from runner.programs import ProgramFailed, require_clean  # noqa: E402
from runner.rounds import Plan, Round, RoundOfCase, Verdict, judge  # noqa: E402


def case_of(direction, bar):
    yardstick = Program("sync", "tcp")
    return Case("x", Program("trestle", "tcp"), (yardstick,), "p50_us", direction, bar)


def quiet(ratio):
    return RoundOfCase(ours=ratio, yardstick=1.0, foreign=0.0)


def noisy(ratio):
    return RoundOfCase(ours=ratio, yardstick=1.0, foreign=0.3)


class Judging(unittest.TestCase):
    def test_takes_the_median_of_ratios(self):
        verdict = judge(case_of("<=", 1.5), [quiet(1), quiet(9), quiet(1.4)])
        self.assertEqual((verdict.ratio, verdict.ratio_min, verdict.ratio_max), (1.4, 1, 9))
        self.assertTrue(verdict.met)

    def test_reads_the_bar_in_its_direction(self):
        self.assertFalse(judge(case_of("<=", 1.5), [quiet(1.6)]).met)
        self.assertTrue(judge(case_of(">=", 1.5), [quiet(1.6)]).met)
        self.assertFalse(judge(case_of(">=", 1.5), [quiet(1.4)]).met)

    def test_judges_nothing_without_a_bar(self):
        verdict = judge(case_of(">=", None), [quiet(0.1)])
        self.assertTrue(verdict.met)
        self.assertEqual(tables.word_of(verdict), "")

    def test_leaves_disturbed_rounds_out(self):
        verdict = judge(case_of("<=", 1.5), [quiet(1.2), noisy(7), noisy(8)])
        self.assertEqual((verdict.ratio, verdict.noisy_rounds, verdict.rounds), (1.2, 2, 3))

    def test_uses_disturbed_rounds_where_no_other_is(self):
        verdict = judge(case_of("<=", 1.5), [noisy(7), noisy(9)])
        self.assertEqual((verdict.ratio, verdict.noisy_rounds), (8, 2))

    def test_never_meets_a_bar_with_an_error(self):
        self.assertFalse(Verdict("x", ratio=0.0, bar=1.0, error="no server").met)


class Measuring(unittest.TestCase):
    def test_compares_with_the_better_yardstick(self):
        slow, fast = Program("trestle", "tcp", spin="off"), Program("trestle", "tcp", spin="on")
        case = Case("auto", Program("trestle", "tcp"), (slow, fast), "p50_us", "<=", 1.2)
        this_round = Round(None, Plan(rounds=1, seconds=0, deadline=0), patient_until=0)
        this_round.results = {case.ours: {"p50_us": 6.0, "foreign": 0.0},
                              slow: {"p50_us": 9.0, "foreign": 0.01},
                              fast: {"p50_us": 3.0, "foreign": 0.2}}
        measured = this_round.measure(case, ours_first=True)
        self.assertEqual((measured.ratio, measured.foreign), (2.0, 0.2))

    def test_refuses_a_result_with_errors_or_without_messages(self):
        require_clean({"messages": 1, "errors": 0}, ["x"])
        for result in ({"messages": 0, "errors": 0}, {"messages": 5, "errors": 1}):
            with self.assertRaises(ProgramFailed):
                require_clean(result, ["x"])


class Cases(unittest.TestCase):
    def test_have_names_of_their_own(self):
        names = [item.name for item in [*CASES, *PROBES]]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
