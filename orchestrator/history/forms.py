"""A trend as Markdown, JSON, JUnit and the JSON of github-action-benchmark, in the manner of `compare`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

import msgspec

from orchestrator.history.gate import FRESH, is_empty, judged, passes, regressed, regressions, undecided, unjudged
from orchestrator.history.lines import Line, Point, Trend
from orchestrator.report import words
from orchestrator.report.comparison import suite_text
from orchestrator.text import markdown as inert
from orchestrator.text import plural

TITLES = ("cell", "nights", "newest s/epoch", "95 % interval", "n", "trend", "verdict")
#: Nights of a line of blocks, the newest ones.
MOST_BLOCKS = 24
BLOCKS = "▁▂▃▄▅▆▇█"
#: Narrower ranges are drawn as if they were so wide: noise must not look like mountains.
LEAST_RANGE = 0.05


def markdown(found: Trend, threshold: float | None = None, fresh: int = FRESH) -> str:
    """For a job summary: the lines with a step, or that could not be judged, on top; the others folded away."""
    open_ = unjudged(found)
    top = [line for line in found.lines if line.goes_on and (line.steps or line.broken or line in open_)]
    others = [line for line in found.lines if line not in top]
    parts = [f"**{inert(said)}**  " for said in closing(found, threshold, fresh)]
    if top:
        parts += ["", _markdown_table(top)]
    if others:
        summary = f"<details><summary>{plural(len(others), 'line')} without a step, or ended</summary>"
        parts += ["", summary, "", _markdown_table(others), "", "</details>"]
    return "\n".join(parts) + "\n"


def json_document(found: Trend, threshold: float | None = None, fresh: int = FRESH) -> str:
    """For programs: every line with its nights, gaps and steps. `passed` is what the exit code says, null without gate.

    `regressed` of a line says whether it makes the gate red, null without a threshold.
    """
    lines = [
        {
            **msgspec.to_builtins(line),
            "name": line.name,
            "verdict": line.verdict,
            "regressed": None if threshold is None else line.broken or regressed(line, threshold, fresh),
        }
        for line in found.lines
    ]
    document: dict[str, Any] = {
        **{"by": found.by, "nights": found.nights, "lines": lines, "apart": found.apart, "notes": found.notes},
        "threshold": threshold,
        "fresh": fresh,
        "regressions": None if threshold is None else [line.name for line in regressions(found, threshold, fresh)],
        "judged": len(judged(found)),
        "not_judged": {line.name: line.verdict for line in unjudged(found)},
        "passed": None if threshold is None else passes(found, threshold, fresh),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode()


def junit(found: Trend, threshold: float | None = None, fresh: int = FRESH) -> str:
    """One test case per line that goes on: failed where it regressed (without a threshold: at all), an error where it
    should have been judged and was not. Where nothing was judged, that is an error of its own.
    """
    bad, open_ = regressions(found, threshold or 0.0, fresh), unjudged(found)
    suite = ElementTree.Element("testsuite", {"name": "orchestrate trend"})
    for line in (line for line in found.lines if line.goes_on):
        case = ElementTree.SubElement(suite, "testcase", classname=line.cell["workload"], name=line.name)
        if line.points:
            case.set("time", f"{line.points[-1].seconds:.6g}")
        if line in bad:
            ElementTree.SubElement(case, "failure", message=line.verdict).text = " | ".join(cells(line))
        elif line in open_:
            ElementTree.SubElement(case, "error", message=line.verdict)
        else:
            ElementTree.SubElement(case, "system-out").text = line.verdict
    if not judged(found):
        case = ElementTree.SubElement(suite, "testcase", classname="orchestrate trend", name="something was judged")
        ElementTree.SubElement(case, "error", message=_nothing(found))
    return suite_text(suite)


def action_benchmark(found: Trend, threshold: float | None = None, fresh: int = FRESH) -> str:
    """What `github-action-benchmark` reads as `customSmallerIsBetter`: the newest night of each line that goes on."""
    entries = [
        {
            "name": line.name,
            "unit": "s/epoch",
            "value": line.points[-1].seconds,
            "range": bounds(line.points[-1]),
            "extra": f"{line.verdict}; n = {line.points[-1].n}; {line.points[-1].name}",
        }
        for line in found.lines
        if line.goes_on and not line.missing and line.points
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=1).decode()


def closing(found: Trend, threshold: float | None = None, fresh: int = FRESH) -> list[str]:
    """Sentences that sum the trend up: what was read, what stays apart, and what a gate says of it."""
    lines = [f"{plural(found.nights, 'night')}, {plural(len(found.lines), 'line')}", *found.notes]
    lines += [f"{cell} has more than one line: other {', '.join(names)}" for cell, names in found.apart.items()]
    lone = [line for line in found.lines if line.goes_on and line.points and line.points[-1].n == 1]
    if lone:
        lines.append(f"one repeat in the newest night, so no interval: {_names(lone)}; use --repeats")
    noisy = [line for line in found.lines if line.goes_on and line.points and line.points[-1].disturbed]
    if noisy:
        lines.append(f"the newest night rests on disturbed figures: {_names(noisy)}")
    if threshold is None:
        return [*lines, _nothing(found)] if is_empty(found) else lines
    return [*lines, *_gate(found, threshold, fresh)]


def _gate(found: Trend, threshold: float, fresh: int) -> list[str]:
    bad, looks, missing = regressions(found, threshold, fresh), undecided(found, threshold), unjudged(found)
    percent, lines = f"{100 * threshold:g} %", []
    if bad:
        what = f"regressed by more than {percent} within the last {plural(fresh, 'night')}, or broke"
        lines.append(f"{plural(len(bad), 'line')} {what}: {_names(bad)}")
    elif judged(found):
        among = f" in the {plural(len(judged(found)), 'line')} that could be judged" if missing else ""
        lines.append(f"no fresh step to slower by more than {percent}{among}")
    if looks:
        lines.append(f"the newest night alone is slower by more than {percent}: {_names(looks)}")
    if not judged(found):
        lines.append(_nothing(found))
    elif missing:
        lines.append(f"FAILED: {plural(len(missing), 'line')} could not be judged ({_reasons(missing)})")
    return lines


def _nothing(found: Trend) -> str:
    """That nothing was judged, and why; a green answer would be none."""
    some = unjudged(found) or found.lines
    return "FAILED: nothing could be judged" + (f" ({_reasons(some)})" if some else ": there are no figures")


def _reasons(lines: Sequence[Line]) -> str:
    counted = Counter(line.verdict for line in lines)
    return "; ".join(f"{count}: {reason}" for reason, count in counted.most_common(4))


def _names(lines: Sequence[Line]) -> str:
    return ", ".join(line.name for line in lines[:6]) + (", ..." if len(lines) > 6 else "")


def bounds(point: Point) -> str:
    """The interval of a night over its repeats, "" for one repeat."""
    return "" if point.low is None or point.high is None else words.span(point.low, point.high)


def cells(line: Line) -> tuple[str, ...]:
    """One line of the table, in the order of TITLES."""
    if not line.points:
        return (line.name, "0", "", "", "", "", line.verdict)
    last = line.points[-1]
    figures = words.figure(last.seconds), bounds(last), str(last.n)
    return (line.name, str(len(line.points)), *figures, blocks(line.points), line.verdict)


def blocks(points: Sequence[Point]) -> str:
    """The newest nights as blocks of a height, slow ones high: `▂▂▁▂▇▇`."""
    values = [math.log(point.seconds) for point in points[-MOST_BLOCKS:]]
    middle, reach = (max(values) + min(values)) / 2, max(max(values) - min(values), LEAST_RANGE)
    return "".join(BLOCKS[min(7, int(8 * ((value - middle) / reach + 0.5)))] for value in values)


def _markdown_table(lines: Sequence[Line]) -> str:
    def row(fields: Iterable[str]) -> str:
        return "| " + " | ".join(fields) + " |"

    titles = [row(TITLES), row(["---", "--:", "--:", "--:", "--:", "---", "---"])]
    return "\n".join([*titles, *(row(map(inert, cells(line))) for line in lines)])


#: The writer of each format, by the format's name on the command line.
FORMATS = {"markdown": markdown, "json": json_document, "junit": junit, "github-action-benchmark": action_benchmark}
