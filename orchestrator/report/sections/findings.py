"""What a run showed, in sentences, and what a reader must know before believing them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.layout import Contender, Layout, failures
from orchestrator.report.speeds import Speed, Speeds, repeats
from orchestrator.text import listed, plural

#: A contender and its speed at one task.
Place = tuple[Contender, Speed]
#: Hosts that the head of a report names; its environment has them all.
MOST_HOSTS = 5


def headline(rows: Sequence[Row], layout: Layout) -> str:
    """`5 workloads on 4 backends in 3 stacks`: what was planned."""
    kinds = {noun: len({row.get(noun) for row in rows if row.get(noun)}) for noun in ("workload", "backend", "stack")}
    counts = [plural(count, noun) for noun, count in kinds.items()]
    text = f"{counts[0]} on {counts[1]} in {counts[2]}"
    columns = len(layout.contenders)
    return f"{text}, {columns} contenders side by side" if columns > 1 else text


def machines(rows: Sequence[Row]) -> list[str]:
    """Each host with its processor and GPU, as the jobs saw them; of many only the first, the rest as a number."""
    seen = (" · ".join(str(row[field]) for field in ("host", "cpu", "gpu_name") if row.get(field)) for row in rows)
    found = sorted({text for text in seen if text})
    return found if len(found) <= MOST_HOSTS else [*found[:MOST_HOSTS], f"and {len(found) - MOST_HOSTS} more"]


def findings(layout: Layout, ranked: Speeds) -> list[tuple[str, str]]:
    """(subject, sentence about it) for each task and machine on which anything was measured."""
    sentences = []
    groups = layout.machines()
    for (line, task), (machine, columns) in itertools.product(enumerate(layout.tasks), groups.items()):
        places = [(layout.contenders[c], ranked[c, line]) for c in columns if (c, line) in ranked]
        if places:
            data = " with synthetic data" if task.synthetic and "synthetic" not in task.label else ""
            sentences.append((f"{task.label}{_machine(list(groups), machine)}{data}", _sentence(places)))
    return sentences


def _machine(groups: Sequence[tuple[Any, ...]], machine: tuple[Any, ...]) -> str:
    """Only what tells this machine from the others of the report."""
    device, gpu, threads, host = machine
    facets = (str(device).upper(), gpu, f"{threads} threads", host)
    varying = [
        str(facet)
        for i, facet in enumerate(facets)
        if machine[i] is not None and len({group[i] for group in groups} - {None}) > 1
    ]
    return f" ({', '.join(varying)})" if varying else ""


def _sentence(places: Sequence[Place]) -> str:
    if len(places) == 1:
        contender, speed = places[0]
        return f"only {contender.label} gave a speed: {words.seconds(speed.seconds)} per epoch."
    if all(speed.unlearned for _, speed in places):
        return "no model learned, so no speed counts."
    (winner, speed), *others = sorted(places, key=lambda place: (not place[1].best, place[1].seconds))
    said = [("next", others[0]), *_other_era(winner, others), ("slowest", others[-1])]
    once = {who.label: (word, who, its) for word, (who, its) in reversed(said)}
    behind = ", ".join(
        f"{word} {who.label} ({words.ratio(its.ratio or 1)}{_by(its)})"
        for word, who, its in reversed(list(once.values()))
    )
    text = f"{winner.label} was fastest: {words.seconds(speed.seconds)} per epoch; {behind}."
    return text + _unclear(others)


def _other_era(winner: Contender, others: Sequence[Place]) -> list[tuple[str, Place]]:
    """The fastest of the era that did not win, where both eras ran."""
    rivals = [place for place in others if {place[0].era, winner.era} == {"2017", "today"}]
    return [(f"best of {rivals[0][0].era}", rivals[0])] if rivals else []


def _by(speed: Speed) -> str:
    """`, slower by 12.1-15.0 %`: how sure the ratio is, where a test says that it is one."""
    found = speed.against
    return f", {found.words}" if found and found.p is not None and found.significant else ""


def _unclear(others: Sequence[Place]) -> str:
    close = [(contender.label, speed) for contender, speed in others if speed.overlaps]
    tested = [label for label, speed in close if speed.against and speed.against.p is not None]
    met = [label for label, _ in close if label not in tested]
    text = f" No significant difference between it and {listed(tested)}." if tested else ""
    if met:
        text += f" The range of {listed(met)} meets the fastest one's: no clear difference."
    return text


def warnings(rows: Sequence[Row], layout: Layout, ranked: Speeds) -> list[tuple[str, str]]:
    """(kind, text) of what limits the findings, gravest first. Kinds: data, failed, quality, gpu, repeats, mixed."""
    found = [
        ("data", _synthetic(rows)),
        ("failed", _failed(rows)),
        ("quality", _quality(layout, ranked)),
        ("gpu", _throttled(rows)),
        ("gpu", _shared(rows)),
        ("repeats", _repeats(ranked)),
        ("mixed", _mixed(layout)),
    ]
    return [(kind, text) for kind, text in found if text]


def _synthetic(rows: Sequence[Row]) -> str:
    count = sum(row.get("data_kind") == "synthetic" for row in rows)
    if not count:
        return ""
    which = "All jobs" if count == len(rows) else f"{count} of {len(rows)} jobs"
    return (
        f"{which} ran on synthetic data: generated, of the right shapes, not the real data sets. Their speeds "
        "are speeds; their accuracies say only that the model learns something. They are marked “synthetic”."
    )


def _failed(rows: Sequence[Row]) -> str:
    bad = failures(rows)
    if not bad:
        return ""
    return f"{plural(len(bad), 'job')} of {len(rows)} did not end well; the reasons are below."


def _throttled(rows: Sequence[Row]) -> str:
    slowed = [row for row in rows if row.get("throttle_reasons")]
    if not slowed:
        return ""
    reasons = sorted({reason for row in slowed for reason in str(row["throttle_reasons"]).split(", ")})
    return (
        f"The GPU was throttled during {plural(len(slowed), 'job')} of {len(rows)} ({', '.join(reasons)}): "
        "their speeds are those of a slowed card. They are marked “throttled”."
    )


def _shared(rows: Sequence[Row]) -> str:
    count = sum(bool(row.get("gpu_shared")) for row in rows)
    if not count:
        return ""
    return (
        f"Other processes used the GPU during {plural(count, 'job')} of {len(rows)}: their speeds, utilization "
        "and energy are not the job's alone. They are marked “shared”."
    )


def _quality(layout: Layout, ranked: Speeds) -> str:
    short = [
        f"{layout.contenders[column].label} on {layout.tasks[line].label} "
        f"({words.share(speed.unlearned[0])} < {words.share(speed.unlearned[1])})"
        for (column, line), speed in ranked.items()
        if speed.unlearned
    ]
    if not short:
        return ""
    return f"Did not learn, by validation accuracy, so its speed cannot win: {listed(short)}."


def _repeats(ranked: Speeds) -> str:
    if repeats(ranked) != 1:
        return ""
    return (
        "Every figure comes from one repeat. Ranks from one repeat are not evidence of a difference: "
        "a second run of the same thing can order close ones differently."
    )


def _mixed(layout: Layout) -> str:
    names = [task.workload for task in layout.tasks]
    several = sorted({name for name in names if names.count(name) > 1})
    if not several:
        return ""
    return (
        f"{listed(several)} ran under more than one set of conditions (amount of data, kind of data, "
        "epochs or scripts). Each set has its own row, and nothing is compared across rows."
    )
