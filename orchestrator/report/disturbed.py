"""What disturbed the cells of a report, in sentences and marks: the same for the page, for Markdown and for a terminal.

Two things are told apart: what a job did not get because of others (their processes, a quota, the hypervisor, a slowed
or shared GPU), and time in which it slept although its cores were its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Span
from orchestrator.report.layout import Layout
from orchestrator.stats import disturbance, exactness
from orchestrator.stats.repeats import TRAIN, mode_of
from orchestrator.text import listed, plural

#: Cells that a sentence names; the section on noise has them all.
MOST_NAMED = 4
#: Tag -> whether a job has it.
MARKS: dict[str, Callable[[Row], object]] = {
    "disturbed": lambda row: row.get("disturbed"),
    "throttled": disturbance.slowed_by,
    "shared": disturbance.with_strangers,
    "slept": lambda row: row.get("slept"),
}


class Told(Struct, frozen=True):
    """One thing about a cell: its tag, how large it is as a share of 1, and in words."""

    tag: str
    share: float
    text: str


def sentences(layout: Layout) -> list[str]:
    """What a reader must know first: which cells were disturbed, by how much, and which slept."""
    rows = [row for _, members in _cells(layout) for row in members]
    hit, asleep = disturbance.disturbed(rows), [row for row in rows if row.get("slept")]
    found = []
    if hit:
        cells = "; ".join(_told(layout, {"disturbed", "throttled", "shared"}))
        found.append(
            f"Disturbed while measured: {plural(len(hit), 'job')} of {len(rows)}. {cells}. Their figures, and verdicts "
            "that rest on them, are those of a disturbed host; they are marked."
        )
    if asleep:
        cells = "; ".join(_told(layout, {"slept"}))
        found.append(
            f"Slept inside {_span(rows)}, by itself and not for want of a core: {plural(len(asleep), 'job')} of "
            f"{len(rows)}. {cells}. They are marked “slept”."
        )
    return found


def _span(rows: Sequence[Row]) -> str:
    """What a figure was taken in."""
    return "steady epochs" if all(mode_of(row) == TRAIN for row in rows) else "timed calls"


def marks(rows: Sequence[Row]) -> list[Span]:
    """The tags of one cell: `disturbed 48 %`, `throttled 3 %`, `slept 40 %`, `not equal: TF32`."""
    ended_well = [row for row in rows if row["status"] == "ok"]
    found = [(told.tag, told.share) for told in _amounts(ended_well)]
    tags = [f"{tag} {words.percent(100 * share)}" if share else tag for tag, share in found]
    unequal = exactness.unequal(ended_well)
    tags += [f"not equal: {exactness.kind(exactness.worst(unequal))}"] if unequal else []
    return [Span(tag, "tag") for tag in tags]


def labels(layout: Layout, line: int) -> str:
    """`disturbed: JAX; slept: TensorFlow` for the charts of a task, "" for nothing."""
    names: dict[str, list[str]] = {}
    for column, contender in enumerate(layout.contenders):
        rows = [row for row in layout.cells.get((column, line), ()) if row["status"] == "ok"]
        if disturbance.disturbed(rows):
            names.setdefault("disturbed", []).append(contender.label)
        if any(row.get("slept") for row in rows):
            names.setdefault("slept", []).append(contender.label)
    return "; ".join(f"{word}: {', '.join(who)}" for word, who in names.items())


def _cells(layout: Layout) -> Iterator[tuple[str, list[Row]]]:
    """Each cell's name and its jobs that ended well."""
    for (column, line), members in layout.cells.items():
        rows = [row for row in members if row["status"] == "ok"]
        if rows:
            yield f"{layout.contenders[column].label} on {layout.tasks[line].label}", rows


def _told(layout: Layout, tags: Collection[str]) -> list[str]:
    """What is to be said of the cells with these tags: the worst by share, of many the rest as a number."""
    found = []
    for name, rows in _cells(layout):
        found += [(told.share, f"{name} {told.text}") for told in _amounts(rows) if told.tag in tags]
    worst = [text for _, text in sorted(found, key=lambda each: -each[0])]
    more = [f"and {len(worst) - MOST_NAMED} more"] if len(worst) > MOST_NAMED else []
    return [*worst[:MOST_NAMED], *more]


def _amounts(rows: Sequence[Row]) -> Iterator[Told]:
    """What disturbed the jobs of one cell that ended well, and how they slept: each kind for itself."""
    kinds = (("disturbed", _lacked), ("throttled", _throttled), ("shared", _shared), ("slept", _slept))
    for tag, tell in kinds:
        its = [row for row in rows if MARKS[tag](row)]
        if its:
            share, text = tell(its)
            some = f", {len(its)} of {len(rows)} repeats" if len(rows) > 1 else ""
            yield Told(tag, share, text + some)


def _lacked(rows: Sequence[Row]) -> tuple[float, str]:
    lost, share = _sums(rows, "lost_s", "lost_percent")
    causes = sorted({cause for row in rows for cause in str(row["disturbed"]).split(", ")})
    text = f"lacked {words.seconds(lost)} of its cores, {words.percent(100 * share)} of what its {_span(rows)} needed"
    return share, f"{text} ({listed(causes)}{_some_epochs(rows)})"


def _some_epochs(rows: Sequence[Row]) -> str:
    """`; 2 of 9 epochs` where not all of these jobs' epochs were disturbed."""
    hit, whole = (sum(row.get(name) or 0 for row in rows) for name in ("disturbed_epochs", "epoch_s_n"))
    return f"; {hit} of {plural(whole, 'epoch')}" if 0 < hit < whole else ""


def _throttled(rows: Sequence[Row]) -> tuple[float, str]:
    reasons = sorted({reason for row in rows for reason in disturbance.slowed_by(row)})
    share, part = _on_gpu(rows, "gpu_throttled")
    return share, f"ran on a GPU that slowed itself down{part} ({listed(reasons)})"


def _shared(rows: Sequence[Row]) -> tuple[float, str]:
    share, part = _on_gpu(rows, "gpu_shared")
    return share, f"had strangers on its GPU{part}"


def _on_gpu(rows: Sequence[Row], column: str) -> tuple[float, str]:
    seconds, share = _sums(rows, f"{column}_s", f"{column}_percent")
    return share, f" for {_amount(seconds, share)} of its epochs" if seconds else ""


def _slept(rows: Sequence[Row]) -> tuple[float, str]:
    seconds, share = _sums(rows, "idle_s", "idle_percent")
    return share, f"slept {_amount(seconds, share)} of its {_span(rows)}"


def _sums(rows: Sequence[Row], seconds: str, percent: str) -> tuple[float, float]:
    """The seconds of all rows, and their share of the times of which each row has a percentage."""
    known = [(row[seconds], row[percent]) for row in rows if row.get(seconds) and row.get(percent)]
    whole = sum(100 * part / share for part, share in known)
    total = float(sum(part for part, _ in known))
    return total, total / whole if whole else 0.0


def _amount(seconds: float, share: float) -> str:
    return f"{words.seconds(seconds)} ({words.percent(100 * share)})"


def beside(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(job, the job of another run that was on its device when it began), the device being a GPU, or a host.

    This is known of records of any age, whatever they sampled.
    """
    spans = [(str(row["started"]), str(row["ended"]), row) for row in rows if _timed(row)]
    spans.sort(key=lambda span: span[:2])
    found = []
    latest: dict[tuple[object, ...], tuple[str, str, Row]] = {}
    for span in spans:
        place = (span[2].get("host"), span[2].get("gpu_uuid"))
        before = latest.get(place)
        if before and before[1] > span[0] and before[2].get("run_id") != span[2].get("run_id"):
            found.append((span[2], before[2]))
        if before is None or span[1] > before[1]:
            latest[place] = span
    return found


def beside_brief(rows: Sequence[Row]) -> str:
    """How many jobs ran so, and on which hosts, "" for none: what a reader must know before believing any figure."""
    hit = {(row.get("run_id"), row["job_id"]): str(row["host"]) for pair in beside(rows) for row in pair}
    if not hit:
        return ""
    hosts = sorted(set(hit.values()))
    where = listed(hosts) if len(hosts) < 4 else f"{len(hosts)} hosts"
    return f"{len(hit)} of {plural(len(rows), 'job')} ran beside another run on the same machine ({where})"


def _timed(row: Row) -> bool:
    return bool(row.get("started") and row.get("ended") and row.get("host"))
