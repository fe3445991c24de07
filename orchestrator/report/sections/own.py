"""Files of one's own: what was seen of each, where contenders differ, and what else it trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.model import Row
from orchestrator.report import words
from orchestrator.report.blocks import Block, Column, Paragraphs, Section, Span, Table, Text
from orchestrator.report.layout import Layout
from orchestrator.report.view import View
from orchestrator.results.own_figures import unpacked
from orchestrator.stats.describe import median
from orchestrator.stats.repeats import by_cell
from orchestrator.text import one_line

#: A row of the report, with `contender` and `task`: what its columns and rows are called.
Named = Row
#: What a job says of itself, in the order and the words of the report; other settings stay on record.
SETTINGS = {
    "optimizer": "optimizer",
    "loss": "loss",
    "dtype_policy": "precision (dtype policy)",
    "jit_compile": "compiled (jit_compile)",
    "run_eagerly": "run eagerly",
    "shuffle": "shuffled",
    "initial_weights": "initial weights",
    "script_asked": "the script asked for",
    "data": "data given as",
}
WORDS = {"initial_weights": {"framework": "those of each framework", "equal": "the same on all contenders"}}
#: The same of figures: column -> (in words, how it is written).
FIGURES = {
    "parameters": ("parameters", "{:,}"),
    "samples": ("samples per epoch", "{:,}"),
    "batches": ("batches per epoch", "{:,}"),
    "batch_size": ("batch size", "{:,}"),
    "epochs": ("epochs", "{:,}"),
    "asked_arguments": ("arguments", "{}"),
    "network": ("network", "{}"),
    "packages": ("packages asked for", "{}"),
}
#: Arrays that are named, and letters of one field.
MOST_ARRAYS, LETTERS = 12, 160
COLUMNS = (Column("what", heads=True), Column("asked and got"))
FITS = ("fit", "contender", "epochs", "first epoch", "s/epoch", "parameters", "samples per epoch", "n")
FIT_COLUMNS = (Column("file", heads=True), *(Column(title, number=title not in ("fit", "contender")) for title in FITS))
FITS_HINT = (
    "Trainings of further models, or of one that was compiled anew. Medians over repeats; they are not ranked: "
    "only the first training of a file is."
)


def build(view: View) -> list[Section]:
    rows = named(view.rows, view.layout)
    tasks = {str(task): its for (task,), its in by_cell(rows, ["task"]).items()}
    tasks = {task.label: tasks[task.label] for task in view.layout.tasks if task.label in tasks}
    found = []
    tables: list[Block] = []
    for task, its in tasks.items():
        tables += [
            Paragraphs([[Span(task, "strong")]], only="markdown"),
            Table(COLUMNS, list(_lines(its)), caption=task),
        ]
    if tables:
        found.append(Section(name="own", title=_title(list(tasks.values())), blocks=tables))
    fits = [line for task, its in tasks.items() for line in _fits(task, its)]
    if fits:
        blocks = [Paragraphs([FITS_HINT]), Table(FIT_COLUMNS, fits)]
        title = "Further trainings in the same script"
        found.append(Section(name="fits", title=title, blocks=blocks))
    return found


def _title(tasks: Sequence[Sequence[Named]]) -> str:
    """Whose they are: a model of today is nobody's own."""
    own = [bool(its[0].get("file")) for its in tasks]
    if not any(own):
        return "Models of today, as they ran"
    if not all(own):
        return "Models of today and your own files, as they ran"
    return "Your own file, as it ran" if len(own) == 1 else "Your own files, as they ran"


def named(rows: Sequence[Row], layout: Layout) -> list[Named]:
    """The rows of files of one's own that ended well, with the labels of their contender and task."""
    return [
        {**row, "contender": layout.contenders[column].label, "task": layout.tasks[line].label}
        for row, (column, line) in zip(rows, layout.places, strict=True)
        if row.get("variant") == "own" and row["status"] == "ok"
    ]


def _lines(rows: Sequence[Named]) -> Iterator[list[Text]]:
    yield from _data(rows)
    for what, values in (*_figures(rows), *_settings(rows)):
        text = _told(rows, values)
        if text:
            yield [what, text]


def _data(rows: Sequence[Named]) -> Iterator[list[Text]]:
    """The arrays that fit() got, by name; nothing is said of data that nobody saw."""
    given = [unpacked(row.get("arrays")) or {} for row in rows]
    given = [its if isinstance(its, dict) else {} for its in given]
    for name in list(dict.fromkeys(name for its in given for name in its))[:MOST_ARRAYS]:
        values = [array(its[name]) if name in its else "" for its in given]
        shapes = {value.partition(", sha256")[0] for value in values}
        if len(shapes) == 1 and not _one_each(rows, values, "contender"):
            seeded = _one_each(rows, values, "seed")
            where = "in each repeat, the same on all contenders" if seeded else "in each job"
            text: Text = [f"{shapes.pop()}, ", Span(f"other values {where}", "tag")]
        else:
            text = _told(rows, values)
        if text:
            yield [f"data: {one_line(name, LETTERS)}", text]


def _one_each(rows: Sequence[Named], values: Sequence[str], column: str) -> bool:
    """Whether jobs that agree in a column have one value: those of one contender, or of one seed."""
    pairs = {(row.get(column), value) for row, value in zip(rows, values, strict=True)}
    return len(pairs) == len({key for key, _ in pairs})


def array(said: Any) -> str:
    """`(60000, 28, 28) float32, sha256 1a2b3c4d5e6f`; of an iterable its kind and what it says of its batches."""
    if not isinstance(said, dict):
        return ""
    if "shape" in said:
        part = " of its beginning" if said.get("hashed_bytes") else ""
        return f"{_shape(said['shape'])} {_plain(said.get('dtype'))}, sha256{part} {str(said.get('sha256'))[:12]}"
    count = said.get("batches")
    batches = f", {count:,} batches" if isinstance(count, int) else ", batches not counted"
    parts = [
        f"{_shape(e.get('shape'))} {_plain(e.get('dtype'))}" for e in said.get("elements") or [] if isinstance(e, dict)
    ]
    return one_line(f"{_plain(said.get('kind'))}{batches}{': ' if parts else ''}{', '.join(parts)}", LETTERS)


def _shape(shape: Any) -> str:
    return f"({', '.join('?' if size is None else str(size) for size in shape)})" if isinstance(shape, list) else ""


def _figures(rows: Sequence[Named]) -> Iterator[tuple[str, list[str]]]:
    for column, (what, form) in FIGURES.items():
        yield what, ["" if row.get(column) is None else form.format(row[column]) for row in rows]
    outputs = [(row.get("first_output_mean"), row.get("first_output_std")) for row in rows]
    yield (
        "first output of the untrained model (mean, standard deviation)",
        ["" if None in pair else f"{pair[0]:.4g}, {pair[1]:.4g}" for pair in outputs],
    )


def _settings(rows: Sequence[Named]) -> Iterator[tuple[str, list[str]]]:
    settings = [unpacked(row.get("settings")) or {} for row in rows]
    for name, what in SETTINGS.items():
        yield what, [_plain(WORDS.get(name, {}).get(str(its.get(name)), its.get(name))) for its in settings]


def _plain(value: Any) -> str:
    """A setting in words: `Adam (learning_rate 0.001, ...)` for an optimizer."""
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        name = value.get("class_name")
        told = {
            key: _plain(item) for key, item in value.items() if key not in ("class_name", "name") and item is not False
        }
        inner = ", ".join(f"{key} {item}" for key, item in told.items() if item)
        return one_line(f"{name} ({inner})" if name else inner, LETTERS)
    if isinstance(value, list):
        return one_line(", ".join(map(_plain, value)), LETTERS)
    return one_line(f"{value:.6g}" if isinstance(value, float) else str(value), LETTERS)


def _told(rows: Sequence[Named], values: Sequence[str]) -> Text:
    """The one value of all jobs, or each with the contenders that have it; "" where none is known."""
    whose: dict[str, dict[str, None]] = {}
    for row, value in zip(rows, values, strict=True):
        whose.setdefault(value, {})[row["contender"]] = None
    known = [value for value in whose if value]
    if not known:
        return ""
    if len(whose) == 1:
        return known[0]
    told = [f"{', '.join(names)}: {value or 'not known'}" for value, names in whose.items()]
    return [Span("differs", "tag"), " " + "; ".join(told)]


def _fits(task: str, rows: Sequence[Named]) -> Iterator[list[Text]]:
    """One line for each further training of each contender, the fastest first."""
    known = [
        {**fit, "contender": row["contender"]}
        for row in rows
        for fit in unpacked(row.get("fits")) or []
        if isinstance(fit, dict) and fit.get("fit") is not None
    ]
    for (number,), its in sorted(by_cell(known, ["fit"]).items()):
        alike = {column: len({fit.get(column) for fit in its} - {None}) < 2 for column in ("parameters", "samples")}
        cells = sorted(by_cell(its, ["contender"]).items(), key=lambda cell: _seconds(cell[1]))
        for (contender,), fits in cells:
            yield [task, f"fit {number:,}", contender, *_fit(fits, alike)]


def _seconds(fits: Sequence[Row]) -> float:
    found = median(fit.get("epoch_s") for fit in fits)
    return float("inf") if found is None else found


def _fit(fits: Sequence[Row], alike: dict[str, bool]) -> list[Text]:
    middle = {name: median(fit.get(name) for fit in fits) for name in ("epochs", "first_epoch_s", "epoch_s", *alike)}
    counts: list[Text] = []
    for name, what in (("parameters", "not the same model"), ("samples", "not the same data")):
        text = words.ABSENT if middle[name] is None else f"{middle[name]:,.0f}"
        counts.append(text if alike[name] else [f"{text} ", Span(what, "tag")])
    return [
        words.ABSENT if middle["epochs"] is None else f"{middle['epochs']:,.0f}",
        words.seconds(middle["first_epoch_s"]),
        words.seconds(middle["epoch_s"]),
        *counts,
        str(len(fits)),
    ]
