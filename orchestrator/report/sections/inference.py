"""What models that do not train were timed for: one sample, the tail, batches, the first answer, and every way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from orchestrator.model import Row
from orchestrator.report import disturbed, words
from orchestrator.report.blocks import Block, Cell, Chart, Column, Matrix, Paragraphs, Section, Span, Table, Text
from orchestrator.report.calls import seconds_per_sample, series
from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speed, Speeds, good, speeds
from orchestrator.report.view import View
from orchestrator.stats.describe import median, rate
from orchestrator.stats.inference import times
from orchestrator.stats.outputs import CLOSE

#: The picture of this section; it stands here and not with the others.
PICTURE = "latency"
#: The ways of calling, in words.
WAYS = {
    "predict": "predict() is Keras' call for many samples, which makes an input pipeline and callbacks each time",
    "predict_on_batch": "predict_on_batch() is one step of Keras' predict() alone",
    "compiled": "compiled is the plain call that the library has beside Keras: jax.jit of the stateless call, "
    "tf.function, or torch.inference_mode (torch.compile is not used)",
}
METHOD = (
    "Nothing is trained: all contenders have equal weights and get equal inputs as host arrays, and a call ends when "
    "its result is back on the host. Calls that warm up do not count. "
)
VERDICTS = (
    "Medians over the repeats, each a fresh process. Verdicts are tested over repeats and corrected for all pairs of "
    "the table, as those of training are (docs/PROTOCOL.md)."
)
WAYS_COLUMNS = (
    *(Column("model", heads=True), Column("contender"), Column("way"), Column("batch", number=True)),
    *(Column(title, number=True) for title in ("median", "95th", "99th", "per second", "very first", "calls")),
)


def build(view: View) -> Section | None:
    layout, generates = view.layout, view.mode == "generate"
    if not view.speeds:
        return None
    tails = speeds(layout, _nothing, partial(_seconds, column="latency_p95_ms"))
    blocks: list[Block] = [
        Paragraphs([_method(view), *_agreed(layout)]),
        *_part(layout, "One token" if generates else "One sample", VERDICTS, partial(_one, layout, view.speeds)),
        *([Chart(PICTURE, picture.title, only="html")] if (picture := view.drawn.pictures.get(PICTURE)) else []),
        *_part(layout, "The slowest twentieth", TAIL_NOTE, partial(_tail, layout, tails)),
    ]
    if not generates:
        rates = speeds(layout, _nothing, seconds_per_sample)
        blocks += _part(layout, "In batches", BATCH_NOTE, partial(_batches, layout, rates))
    blocks += _part(layout, "The first answer", FIRST_NOTE, partial(_first, layout))
    blocks.append(Table(WAYS_COLUMNS, list(_ways(layout)), fold="every way of calling"))
    return Section(name="inference", title="Inference", blocks=blocks)


TAIL_NOTE = (
    "The 95th percentile of the calls of a job, in its fastest way; below it the 99th, where 500 calls or more tell."
)
BATCH_NOTE = "Samples per second at the larger batch, in the fastest way there; below it the median of a call."
FIRST_NOTE = (
    "From the begin of a job's very first call to its result, compilation included. That call is predict_on_batch() "
    "everywhere. Below it what comes before: the import, and building the model; and the most memory."
)


def _method(view: View) -> str:
    found = {each["way"] for row in view.rows for each in series(row)}
    ways = "; ".join(text for way, text in WAYS.items() if way in found)
    greedy = (
        "Tokens are made greedily, one call for each, with an input of fixed length. "
        if view.mode == "generate"
        else ""
    )
    return f"{METHOD}{greedy}Ways of calling: {ways}." if ways else METHOD


def _agreed(layout: Layout) -> Iterator[str]:
    """Whether all contenders gave the same, by task where they did not."""
    other = [f"{task.label}: {task.unlike.words}" for task in layout.tasks if task.unlike]
    if other:
        yield f"No verdict where contenders did not give the same. {'; '.join(other)}."
    else:
        yield f"All contenders gave the same outputs, within {CLOSE:g} of the largest value; tokens must be equal."


def _part(layout: Layout, title: str, note: str, make: Callable[[int, int], Cell]) -> Iterator[Block]:
    def cell(column: int, line: int) -> Cell | None:
        return make(column, line) if (column, line) in layout.cells else None

    yield Paragraphs([[Span(title, "strong")]])
    yield Matrix("latency", note, layout.grid(cell))


def _nothing(row: Row) -> Sequence[float]:
    return ()


def _seconds(row: Row, column: str) -> float | None:
    value = row.get(column)
    return None if value is None else value / 1000


def _one(layout: Layout, ranked: Speeds, column: int, line: int) -> Cell:
    rows = good(layout.cells[column, line])
    speed = ranked.get((column, line))
    if speed is None:
        return Cell(words.ABSENT)
    per_s = rate(row.get("tokens_per_s") for row in rows)
    lines = [
        *verdict(speed),
        *([f"{words.figure(per_s)} tokens/s"] if per_s else []),
        _of(rows, "latency_way"),
        *_n(rows),
    ]
    return Cell(words.took(speed.seconds, "predict"), lines, speed.best, disturbed.marks(rows))


def _tail(layout: Layout, ranked: Speeds, column: int, line: int) -> Cell:
    rows, speed = good(layout.cells[column, line]), ranked.get((column, line))
    if speed is None:
        return Cell(words.ABSENT)
    far = [row.get("latency_p99_ms") for row in rows]
    last = [f"99th: {words.figure(median(far))} ms"] if far and None not in far else ["99th: too few calls"]
    return Cell(words.took(speed.seconds, "predict"), [*verdict(speed), *last], speed.best)


def _batches(layout: Layout, ranked: Speeds, column: int, line: int) -> Cell:
    rows, speed = good(layout.cells[column, line]), ranked.get((column, line))
    if speed is None:
        return Cell(words.ABSENT)
    call = words.figure(median(row.get("batch_latency_ms") for row in rows))
    lines = [*verdict(speed), f"{call} ms for batch {_of(rows, 'predict_batch')}", _of(rows, "batch_way")]
    unit = layout.tasks[line].about.unit
    return Cell(f"{words.figure(rate(row.get('predicted_per_s') for row in rows))} {unit}/s", lines, speed.best)


def _first(layout: Layout, column: int, line: int) -> Cell:
    rows = good(layout.cells[column, line])
    before = {"import": "import_s", "build": "build_s"}
    known = {name: median(row.get(of) for row in rows) for name, of in before.items()}
    lines = [f"{name} {words.seconds(value)}" for name, value in known.items() if value is not None]
    memory = median(row.get("rss_peak_mb") for row in rows)
    lines += [] if memory is None else [f"memory {words.megabytes(memory)}"]
    return Cell(words.seconds(median(row.get("first_answer_s") for row in rows)), lines)


def verdict(speed: Speed) -> list[str]:
    """How it stands to the fastest, with its interval and p where it was tested."""
    found, said = speed.against, [speed.verdict] if speed.verdict else []
    if found is None or found.p is None or found.low is None or found.high is None:
        return said
    p = found.p if found.p_adjusted is None else found.p_adjusted
    interval = [] if found.significant else [f"95 %: {times(found.low, found.high)}"]
    return [*said, ", ".join([*interval, "p < 0.001" if p < 0.001 else f"p = {p:.3f}"])]


def _of(rows: Sequence[Row], column: str) -> str:
    """The values of a column: repeats may differ in the way that was fastest."""
    return " or ".join(sorted({str(row[column]) for row in rows if row.get(column) is not None}))


def _n(rows: Sequence[Row]) -> list[str]:
    counts = sorted(int(row["latency_n"]) for row in rows if row.get("latency_n"))
    if not counts:
        return []
    each = f"{counts[0]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
    return [f"{len(rows)} × {each} calls"]


def _ways(layout: Layout) -> Iterator[list[Text]]:
    """One line for each way, batch, contender and task: medians over repeats."""
    for line, task in enumerate(layout.tasks):
        for column, contender in enumerate(layout.contenders):
            found: dict[tuple[int, str], list[dict[str, Any]]] = {}
            for row in good(layout.cells.get((column, line), [])):
                for each in series(row):
                    found.setdefault((int(each["batch"]), str(each["way"])), []).append(each)
            for (batch, way), its in sorted(found.items()):
                yield [task.label, contender.label, way, str(batch), *_figures(its)]


def _figures(its: Sequence[dict[str, Any]]) -> Iterator[str]:
    for name in ("p50_ms", "p95_ms", "p99_ms"):
        values = [each.get(name) for each in its]
        yield words.ABSENT if None in values else f"{words.figure(median(values))} ms"
    yield words.figure(rate(each.get("per_s") for each in its))
    yield words.seconds(median(each.get("first_s") for each in its))
    counts = sorted(int(each.get("n") or 0) for each in its)
    yield f"{counts[0]:,}" if counts[0] == counts[-1] else f"{counts[0]:,} to {counts[-1]:,}"
