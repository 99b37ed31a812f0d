"""Rounds of measurements, and the ratios within each."""
import dataclasses
import statistics
import sys
import time
import typing

from runner import machine
from runner.programs import ProgramFailed, measure_once

FOREIGN_MAX = 0.05  # of a CPU


@dataclasses.dataclass
class Plan:
    """How long and how often."""
    rounds: int
    seconds: float        # of each measurement
    deadline: float       # on the monotonic clock: no new round afterwards
    repetitions: int = 2  # of a disturbed measurement
    idle_wait: float = 1.0


@dataclasses.dataclass
class RoundOfCase:
    ours: float
    yardstick: float
    foreign: float  # the larger of both

    @property
    def ratio(self):
        return self.ours / self.yardstick

    @property
    def is_noisy(self):
        return self.foreign > FOREIGN_MAX


class Round:
    """Measures each program at most once, but for what was disturbed. After `patient_until` it
    neither waits for quiet nor repeats, so that a busy machine gets all of its rounds, too."""

    def __init__(self, programs, plan, patient_until):
        self.programs, self.plan, self.patient_until = programs, plan, patient_until
        self.results = {}

    def _is_patient(self):
        return time.monotonic() < self.patient_until

    def result_of(self, program):
        if program not in self.results:
            self.results[program] = self._quietest(program)
        return self.results[program]

    def _quietest(self, program):
        best = None
        for _ in range(1 + self.plan.repetitions):
            if self._is_patient():
                machine.wait_until_idle(self.plan.idle_wait)
            result = measure_once(self.programs, program, self.plan.seconds)
            if best is None or result["foreign"] < best["foreign"]:
                best = result
            if best["foreign"] <= FOREIGN_MAX or not self._is_patient():
                break
        return best

    def measure(self, case, ours_first):
        order = (case.ours, *case.yardsticks) if ours_first else (*case.yardsticks, case.ours)
        for program in order:
            self.result_of(program)
        pick = min if case.direction == "<=" else max
        used = [self.result_of(program) for program in case.yardsticks]
        yardstick = pick(used, key=lambda result: result[case.metric])
        ours = self.result_of(case.ours)
        if not yardstick[case.metric]:
            raise ProgramFailed(f"{case.name}: the yardstick measured nothing: {yardstick}")
        return RoundOfCase(ours[case.metric], yardstick[case.metric],
                           max(result["foreign"] for result in [ours, *used]))


@dataclasses.dataclass
class Verdict:
    """A case or probe and what came of it; `error` if it could not be measured."""
    name: str
    ours: float = 0.0
    yardstick: float = 0.0
    metric: str = ""
    ratio: float = 0.0
    ratio_min: float = 0.0
    ratio_max: float = 0.0
    direction: str = "<="
    bar: typing.Optional[float] = 0.0  # None: there is none
    rounds: int = 0
    noisy_rounds: int = 0
    error: str = ""
    all_rounds: tuple = ()  # noisy ones, too

    @property
    def met(self):
        if self.error or self.bar is None:
            return not self.error
        return self.ratio <= self.bar if self.direction == "<=" else self.ratio >= self.bar


def judge(case, rounds):
    """Medians over the quiet rounds, if there is one, else over all."""
    used = [each for each in rounds if not each.is_noisy] or rounds
    ratios = [each.ratio for each in used]
    return Verdict(case.name, statistics.median(each.ours for each in used),
                   statistics.median(each.yardstick for each in used), case.metric,
                   statistics.median(ratios), min(ratios), max(ratios), case.direction, case.bar,
                   len(rounds), sum(each.is_noisy for each in rounds),
                   all_rounds=tuple(rounds))


def run_cases(cases, programs, plan):
    """One verdict per case. A case that fails once is not tried again."""
    measured = {case.name: [] for case in cases}
    errors = {}
    for number in range(plan.rounds):
        if number and time.monotonic() > plan.deadline:
            print(f"out of time after {number} rounds", file=sys.stderr)
            break
        now = time.monotonic()
        share = (plan.deadline - now) / (plan.rounds - number)
        this_round = Round(programs, plan, patient_until=now + share)
        first = number * len(cases) // plan.rounds  # each gets its turn of what patience there is
        for case in cases[first:] + cases[:first]:
            if case.name in errors:
                continue
            show_progress(f"round {number + 1} of {plan.rounds}: {case.name}")
            try:
                measured[case.name].append(this_round.measure(case, ours_first=number % 2 == 1))
            except ProgramFailed as failed:
                errors[case.name] = str(failed)
    show_progress("")
    return [Verdict(case.name, bar=case.bar, direction=case.direction, metric=case.metric,
                    error=errors[case.name]) if case.name in errors
            else judge(case, measured[case.name]) for case in cases]


def show_progress(text):
    """A line that the next one replaces; nothing unless people watch."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
