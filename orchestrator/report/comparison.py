"""A comparison as Markdown, JSON, JUnit and the JSON of github-action-benchmark: functions that return strings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

import msgspec

from orchestrator.report import words
from orchestrator.stats.compare import Ratio, judged, overall, passes, regressions, undecided, unjudged
from orchestrator.text import markdown as inert
from orchestrator.text import plural, printable

TITLES = ("cell", "first {}", "second {}", "second / first", "95 % interval", "n", "verdict on the second")


def markdown(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """For a pull request: the cells that changed or could not be judged on top, the others folded away."""
    open_ = unjudged(ratios)
    changed = [r for r in ratios if r.broken or r in open_ or (r.difference and r.difference.significant)]
    others = [r for r in ratios if r not in changed]
    parts = [f"**{inert(line)}**  " for line in closing(ratios, threshold)]
    if changed:
        parts += ["", _markdown_table(changed)]
    if others:
        summary = f"<details><summary>{plural(len(others), 'cell')} that cannot be told apart</summary>"
        parts += ["", summary, "", _markdown_table(others), "", "</details>"]
    return "\n".join(parts) + "\n"


def json_document(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """For programs: all ratios with their verdicts, the geometric mean, what regressed, and what could not be judged.

    `passed` is what the exit code says: null without a threshold.
    """
    document = {
        "ratios": [{**msgspec.to_builtins(r), "verdict": r.verdict} for r in ratios],
        "geometric_mean": overall(ratios),
        "threshold": threshold,
        "regressions": None if threshold is None else [r.name for r in regressions(ratios, threshold)],
        "judged": len(judged(ratios)),
        "not_judged": {r.name: r.verdict for r in unjudged(ratios)},
        "passed": None if threshold is None else passes(ratios, threshold),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode()


def junit(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """One test case per cell: failed where it regressed (without a threshold: at all), an error where it should have
    been judged and was not, skipped without ratio. Where nothing was judged, that is an error of its own.
    """
    bad, open_ = regressions(ratios, threshold or 0.0), unjudged(ratios)
    suite = ElementTree.Element("testsuite", {"name": "orchestrate compare"})
    for ratio in ratios:
        case = ElementTree.SubElement(suite, "testcase", classname=ratio.cell["workload"], name=ratio.name)
        if ratio.b is not None:
            case.set("time", f"{ratio.b:.6g}")
        if ratio in bad:
            ElementTree.SubElement(case, "failure", message=ratio.verdict).text = " | ".join(cells(ratio))
        elif ratio in open_:
            ElementTree.SubElement(case, "error", message=f"not judged: {ratio.verdict}")
        elif ratio.difference is None:
            ElementTree.SubElement(case, "skipped", message=ratio.why_not)
        else:
            ElementTree.SubElement(case, "system-out").text = ratio.verdict
    if not judged(ratios):
        case = ElementTree.SubElement(suite, "testcase", classname="orchestrate compare", name="something was judged")
        ElementTree.SubElement(case, "error", message=_nothing(ratios))
    return suite_text(suite)


def suite_text(suite: ElementTree.Element) -> str:
    """A test suite as JUnit's XML, with its counts."""
    suite.set("tests", str(len(suite)))
    for plural_of, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(plural_of, str(len(suite.findall(f"testcase/{kind}"))))
    for element in suite.iter():  # XML has no words for most control characters, and readers stop at them
        element.attrib = {name: printable(value) for name, value in element.attrib.items()}
        element.text = element.text and printable(element.text)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def action_benchmark(ratios: Sequence[Ratio], threshold: float | None = None) -> str:
    """What `github-action-benchmark` reads as `customSmallerIsBetter`: the figures of the second set."""
    entries = [
        {
            "name": r.name,
            "unit": r.unit,
            "value": r.figures[1],
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
    lines = [] if mean is None else [f"geometric mean {mean[0]:.3f} over {plural(mean[1], 'cell')}"]
    noisy = [r for r in ratios if r.difference and r.disturbed]
    if noisy:
        lines.append(f"{plural(len(noisy), 'ratio')} on disturbed figures: {_names(noisy)}")
    differs = dict.fromkeys(name for r in ratios for name in r.differs)
    if differs:
        lines.append(f"the sides differ in {', '.join(differs)}")
    if any(r.difference and r.difference.p is None for r in ratios):
        lines.append("one job on a side says nothing about its spread: use --repeats")
    if threshold is None:
        return lines or [_nothing(ratios)]
    return [*lines, *_gate(ratios, threshold)]


def _gate(ratios: Sequence[Ratio], threshold: float) -> list[str]:
    """What the threshold says: what regressed, what looks like it, and what it could not judge."""
    found, open_, missing = regressions(ratios, threshold), undecided(ratios, threshold), unjudged(ratios)
    percent = f"{100 * threshold:g} %"
    lines = []
    if found:
        lines.append(f"{plural(len(found), 'cell')} regressed by more than {percent}: {_names(found)}")
    elif judged(ratios):
        among = f" in the {plural(len(judged(ratios)), 'cell')} that could be judged" if missing else ""
        lines.append(f"no significant regression above {percent}{among}")
    if open_:
        looks = "cell looks" if len(open_) == 1 else "cells look"
        lines.append(f"{len(open_)} {looks} slower by more than {percent}, within the noise: {_names(open_)}")
    if not judged(ratios):
        lines.append(_nothing(ratios))
    elif missing:
        lines.append(f"FAILED: {plural(len(missing), 'cell')} could not be judged ({_reasons(missing)})")
    return lines


def _nothing(ratios: Sequence[Ratio]) -> str:
    """That nothing was judged, and why; a green answer would be none."""
    what = "compared" if overall(ratios) is None else "judged"
    return f"FAILED: no cell could be {what}" + (f" ({_reasons(ratios)})" if ratios else ": there are none")


def _reasons(ratios: Sequence[Ratio]) -> str:
    """Why cells have no verdict, the commonest first."""
    counted = Counter(r.verdict for r in ratios)
    return "; ".join(f"{count}: {reason}" for reason, count in counted.most_common(4))


def _names(ratios: Sequence[Ratio]) -> str:
    return ", ".join(r.name for r in ratios[:6]) + (", ..." if len(ratios) > 6 else "")


def _interval(ratio: Ratio) -> str:
    return ratio.difference.bounds("{:.3f}-{:.3f}".format) if ratio.difference else ""


def cells(ratio: Ratio) -> tuple[str, ...]:
    """One line of the table, in the order of TITLES."""
    n = f"{ratio.n_a}, {ratio.n_b}"
    if ratio.ratio is None:
        return (ratio.name, "", "", "", "", n, ("BROKEN: " if ratio.broken else "") + ratio.why_not)
    times = map(words.figure, ratio.figures)
    return (ratio.name, *times, f"{ratio.ratio:.3f}", _interval(ratio), n, ratio.verdict)


def _markdown_table(ratios: Sequence[Ratio]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    titles = [
        line(title.format(ratios[0].unit) for title in TITLES),
        line(["---", "--:", "--:", "--:", "--:", "--:", "---"]),
    ]
    rows = [*titles, *(line(map(inert, cells(r))) for r in ratios)]
    return "\n".join(rows)


#: The writer of each format, by the format's name on the command line.
FORMATS = {"markdown": markdown, "json": json_document, "junit": junit, "github-action-benchmark": action_benchmark}
