"""What else a reader must know of the answer, below it; then the notes of the runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.model import Row
from orchestrator.report import inexact, words
from orchestrator.report.blocks import Paragraphs, Section
from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speeds
from orchestrator.report.view import View
from orchestrator.text import listed, plural


def build(view: View) -> Section | None:
    found = warnings(view.rows, view.layout, view.speeds)
    found += [("", note) for note in view.report.notes]
    if not view.drawable:
        count = len(view.layout.contenders)
        found.append(("", f"{count} contenders are too many to tell apart in charts, so none are drawn."))
    return Section(name="warnings", title="", blocks=[Paragraphs(found, "notices")]) if found else None


def warnings(rows: Sequence[Row], layout: Layout, ranked: Speeds) -> list[tuple[str, str]]:
    """(kind, text) of what else limits the answer, gravest first. Kinds: quality, gpu, mixed."""
    found = [
        *(("quality", sentence) for sentence in _notes(layout)),
        ("quality", inexact.sentence(layout)),
        ("quality", _quality(layout, ranked)),
        ("gpu", _no_gpu(rows)),
        ("gpu", _reported(rows)),
        ("mixed", _mixed(layout)),
    ]
    return [(kind, text) for kind, text in found if text]


def _no_gpu(rows: Sequence[Row]) -> str:
    """A CPU run that nobody may have meant."""
    reasons = sorted({str(row["gpu_trouble"]) for row in rows if row.get("gpu_trouble")})
    if not reasons:
        return ""
    why = "; ".join(reasons).rstrip(".")
    return f"These are figures of the CPU, because the GPU of the host could not be used: {why}."


def _reported(rows: Sequence[Row]) -> str:
    """Errors of cards, on whose account a figure may be slower than the card is: of jobs that ended well."""
    hit = [row for row in rows if row["status"] == "ok" and card_errors(row)]
    if not hit:
        return ""
    kinds = dict.fromkeys(words for row in hit for words in card_errors(row))
    return (
        f"{plural(len(hit), 'job')} ran on a GPU that reported errors meanwhile: {'; '.join(kinds)}. "
        "A card that has to mend its memory is slower than others of its kind."
    )


def card_errors(row: Row) -> list[str]:
    """What a job's GPU reported while it ran, in words; empty for nothing, or where nobody tells."""
    counts = {"corrected": row.get("gpu_ecc_corrected"), "not corrected": row.get("gpu_ecc_uncorrected")}
    found = [f"{plural(int(count), 'memory error')}, {kind}" for kind, count in counts.items() if count]
    return [*([f"Xid {row['gpu_xids']}"] if row.get("gpu_xids") else []), *found]


def _quality(layout: Layout, ranked: Speeds) -> str:
    short = [
        f"{layout.contenders[column].label} on {layout.tasks[line].label} "
        f"({words.share(speed.unlearned[0])}, {words.share(speed.unlearned[1])} counts)"
        for (column, line), speed in ranked.items()
        if speed.unlearned
    ]
    if not short:
        return ""
    return f"Did not learn, by validation accuracy, so its speed cannot win: {listed(short)}."


def _notes(layout: Layout) -> Iterator[str]:
    """What of a task is not equal, and does not keep it from being compared."""
    return (f"On {task.label}: {note}." for task in layout.tasks for note in task.notes)


def _mixed(layout: Layout) -> str:
    names = [task.title for task in layout.tasks]
    several = sorted({name for name in names if names.count(name) > 1})
    if not several:
        return ""
    return (
        f"{listed(several)} ran under more than one set of conditions (amount of data, kind of data, "
        "epochs or scripts). Each set has a column or a table of its own, and nothing is compared across them."
    )
