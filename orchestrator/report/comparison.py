"""A comparison as Markdown, JSON, JUnit and the JSON of github-action-benchmark: functions that return strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import msgspec

from orchestrator.stats.compare import Ratio, overall, regressions, undecided
from orchestrator.text import plural

TITLES = ("cell", "first s/epoch", "second s/epoch", "second / first", "95 % interval", "n", "verdict on the second")


def markdown(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """For a pull request: the cells that changed on top, the others folded away."""
    changed = [r for r in ratios if r.broken or (r.difference and r.difference.significant)]
    others = [r for r in ratios if r not in changed]
    parts = [f"**{line}**  " for line in closing(ratios, threshold)]
    if changed:
        parts += ["", _markdown_table(changed)]
    if others:
        summary = f"<details><summary>{len(others)} cells without a significant difference</summary>"
        parts += ["", summary, "", _markdown_table(others), "", "</details>"]
    return "\n".join(parts) + "\n"


def json_document(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """For programs: all ratios with their verdicts, the geometric mean, and the names of the regressions."""
    document = {
        "ratios": [{**msgspec.to_builtins(r), "verdict": r.verdict} for r in ratios],
        "geometric_mean": overall(ratios),
        "threshold": threshold,
        "regressions": None if threshold is None else [r.name for r in regressions(ratios, threshold)],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode()


def junit(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """One test case per cell: failed where it regressed (without a threshold: at all), skipped without ratio."""
    bad = regressions(ratios, threshold or 0.0)
    skipped = [r for r in ratios if r.difference is None and r not in bad]
    counts = {"tests": str(len(ratios)), "failures": str(len(bad)), "skipped": str(len(skipped))}
    suite = ElementTree.Element("testsuite", {"name": "orchestrate compare", "errors": "0", **counts})
    for ratio in ratios:
        case = ElementTree.SubElement(suite, "testcase", classname=ratio.cell["workload"], name=ratio.name)
        if ratio.b is not None:
            case.set("time", f"{ratio.b:.6g}")
        if ratio in bad:
            ElementTree.SubElement(case, "failure", message=ratio.verdict).text = " | ".join(cells(ratio))
        elif ratio in skipped:
            ElementTree.SubElement(case, "skipped", message=ratio.why_not)
        else:
            ElementTree.SubElement(case, "system-out").text = ratio.verdict
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def action_benchmark(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """What `github-action-benchmark` reads as `customSmallerIsBetter`: the figures of the second set."""
    entries = [
        {
            "name": r.name,
            "unit": "s/epoch",
            "value": r.b,
            "range": _interval(r),
            "extra": f"{r.verdict}; ratio {r.ratio:.3f} to the first set; n = {r.n_a}, {r.n_b}",
        }
        for r in ratios
        if r.b is not None and r.ratio is not None
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=1).decode()


def closing(ratios: Sequence[Ratio], threshold: float | None) -> list[str]:
    """Sentences that sum the comparison up: the mean, and with a threshold what is above it or cannot be told."""
    mean = overall(ratios)
    lines = ["no cell can be compared" if mean is None else f"geometric mean {mean[0]:.3f} over {mean[1]} cells"]
    noisy = [r for r in ratios if r.difference and r.disturbed]
    if noisy:
        lines.append(f"{plural(len(noisy), 'ratio')} on disturbed figures: {_names(noisy)}")
    differs = dict.fromkeys(name for r in ratios for name in r.differs)
    if differs:
        lines.append(f"the sides differ in {', '.join(differs)}")
    if any(r.difference and r.difference.p is None for r in ratios):
        lines.append("one job on a side says nothing about its spread: use --repeats")
    if threshold is None:
        return lines
    found, open_ = regressions(ratios, threshold), undecided(ratios, threshold)
    percent = f"{100 * threshold:g} %"
    lines.append(
        f"{len(found)} cells regressed by more than {percent}: {_names(found)}"
        if found
        else f"no significant regression above {percent}"
    )
    if open_:
        lines.append(f"{len(open_)} cells look slower by more than {percent}, within the noise: {_names(open_)}")
    return lines


def _names(ratios: Sequence[Ratio]) -> str:
    return ", ".join(r.name for r in ratios[:6]) + (", ..." if len(ratios) > 6 else "")


def _interval(ratio: Ratio) -> str:
    found = ratio.difference
    return "" if found is None or found.low is None or found.high is None else f"{found.low:.3f}-{found.high:.3f}"


def cells(ratio: Ratio) -> tuple[str, ...]:
    """One line of the table, in the order of TITLES."""
    n = f"{ratio.n_a}, {ratio.n_b}"
    if ratio.ratio is None:
        return (ratio.name, "", "", "", "", n, ("BROKEN: " if ratio.broken else "") + ratio.why_not)
    return (ratio.name, f"{ratio.a:.3g}", f"{ratio.b:.3g}", f"{ratio.ratio:.3f}", _interval(ratio), n, ratio.verdict)


def _markdown_table(ratios: Sequence[Ratio]) -> str:
    def line(cells: Sequence[Any]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    rows = [line(TITLES), line(["---", "--:", "--:", "--:", "--:", "--:", "---"]), *(line(cells(r)) for r in ratios)]
    return "\n".join(rows)


#: The writer of each format, by the format's name on the command line.
FORMATS = {"markdown": markdown, "json": json_document, "junit": junit, "github-action-benchmark": action_benchmark}
