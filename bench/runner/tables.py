"""Results as a Markdown table and as JSON."""
import dataclasses
import json

UNITS = {"p50_us": "µs", "per_second": "/s"}


def amount(value, metric):
    if metric == "per_second":
        for unit, size in (("M", 1e6), ("k", 1e3)):
            if value >= size:
                return f"{value / size:.3g}{unit}/s"
        return f"{value:.0f}/s"
    return f"{value * 1000:.3g} ns" if value < 1 else f"{value:.4g} µs"


def word_of(verdict):
    if verdict.error:
        return "FAILED"
    if verdict.bar is None:
        return ""
    return "met" if verdict.met else "missed"


def case_row(verdict):
    sign = verdict.direction.replace("<=", "≤").replace(">=", "≥")
    bar = "none" if verdict.bar is None else f"{sign} {verdict.bar:g}"
    if verdict.error:
        return [verdict.name, "", "", "", "", bar, word_of(verdict), ""]
    noise = f"{verdict.noisy_rounds} of {verdict.rounds}" if verdict.noisy_rounds else ""
    return [verdict.name, amount(verdict.ours, verdict.metric),
            amount(verdict.yardstick, verdict.metric), f"{verdict.ratio:.3g}",
            f"{verdict.ratio_min:.3g}–{verdict.ratio_max:.3g}", bar, word_of(verdict), noise]


def probe_row(verdict):
    value = "" if verdict.error else f"{verdict.ratio:.3g}"
    return [verdict.name, f"{value} {verdict.metric}", f"≤ {verdict.bar:g}", word_of(verdict)]


def table(heading, rows):
    return "\n".join("| " + " | ".join(cells) + " |"
                     for cells in [heading, ["---"] * len(heading), *rows])


def as_markdown(facts, cases, probes):
    parts = ["; ".join(f"{name}: {value}" for name, value in facts.items())]
    if cases:
        parts.append(table(["case", "ours", "bare", "ratio", "min–max", "bar", "verdict",
                            "noisy rounds"], map(case_row, cases)))
    if probes:
        parts.append(table(["property", "value", "bar", "verdict"], map(probe_row, probes)))
    parts += [f"{verdict.name}: {verdict.error}" for verdict in [*cases, *probes]
              if verdict.error]
    return "\n\n".join(parts)


def as_json(facts, cases, probes):
    def rows(verdicts):
        return [{**dataclasses.asdict(verdict), "met": verdict.met} for verdict in verdicts]
    return json.dumps({"machine": facts, "cases": rows(cases), "probes": rows(probes)}, indent=1)
