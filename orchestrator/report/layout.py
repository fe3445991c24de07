"""What may be compared with what: result rows sorted into the columns and rows of a matrix.

A column is a contender (one framework in one environment on one device), a row is a task (one
workload under one set of conditions). Rows that differ in anything that changes the meaning of a
figure never share a cell, so nothing is pooled or compared silently.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.model import Row
from orchestrator.report import style, words
from orchestrator.report.grouping import group, in_words, varying
from orchestrator.report.tasks import Task, make_tasks, order
from orchestrator.stats import repeats
from orchestrator.stats.repeats import mode_of, with_node_kind
from orchestrator.stats.sweeps import axes_of
from orchestrator.text import printable, slug

Made = TypeVar("Made")

#: The columns of a result row that tell contenders apart.
IDENTITY = (
    "stack", "backend", "framework_version", "keras_version", "variant",
    "device", "launcher", "threads", "gpu_name", "driver", "image_digest", "packages_sha256", *repeats.MACHINE,
)  # fmt: skip
#: Speeds are compared among contenders that share these.
MACHINE = ("device", "gpu_name", "threads", *repeats.MACHINE)
#: The number of threads of a contender that was run with several.
VARIED = 0
AS_FOUND = "as found, cannot be rebuilt"
OWN = "a stack of your own"
#: What the contenders are called that stand for the article's.
ARTICLE = "the article's"
#: What can be said of a contender beside its name, in the words of a label. The plainest comes first.
FACETS = {
    "keras_version": "{}",
    "variant": "{}",
    "device": "{}",
    "gpu_name": "{}",
    "threads": "{} threads",
    "launcher": "{}",
    "host": "on {}",
    "cpu_quota": "CPU quota {:g}",
    "cores": "{} cores",
    "memory_gib": "{:g} GiB",
    "cpu": "{}",
    "os": "{}",
    "kernel": "kernel {}",
    "virtualization": "under {}",
    "machine": "machine {}",
    "stack": "{}",
    "driver": "driver {}",
    "image_digest": "image {:.19}",
    "packages_sha256": "packages {:.8}",
}


class Contender(Struct, frozen=True):
    """One column. `label` is unique within a report; `details` is the small print under `name`.

    `key` is its label as an address can hold it, unique as well, and the same from run to run. `released`: the month
    ("2024-03") of the newest of Keras and backend, "" where nobody knows; `article`: it stands for one of those.
    """

    identity: dict[str, Any]
    released: str
    name: str
    details: tuple[str, ...]
    label: str
    key: str = ""
    article: bool = False

    @property
    def year(self) -> str:
        """ "2024"; "" where nobody knows."""
        return self.released[:4]

    @property
    def backend(self) -> str:
        return str(self.identity["backend"])

    @property
    def machine(self) -> tuple[Any, ...]:
        return tuple(self.identity[field] for field in MACHINE)


class Layout(Struct, frozen=True, dict=True):
    """Contenders (columns), tasks (rows), and the result rows of each cell, by their positions."""

    contenders: list[Contender]
    tasks: list[Task]
    cells: dict[tuple[int, int], list[Row]]
    #: Position of the contender and of the task of each result row.
    places: list[tuple[int, int]]

    @cached_property
    def machines(self) -> dict[tuple[Any, ...], list[int]]:
        """The groups of contenders whose speeds may be compared, by position, in order of appearance."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for column, contender in enumerate(self.contenders):
            groups.setdefault(contender.machine, []).append(column)
        return groups

    def machine_words(self, machine: tuple[Any, ...]) -> str:
        """What tells this machine from the others of the report: its host and its device, the rest as far as needed."""
        groups = [dict(zip(MACHINE, group, strict=True)) for group in self.machines]
        some = varying(groups)
        chosen = some & {"host", "device", "gpu_name"}
        for field in MACHINE:
            if field in some and _count(groups, chosen | {field}) > _count(groups, chosen):
                chosen.add(field)
        its = dict(zip(MACHINE, machine, strict=True))
        said = [its["host"]] if "host" in chosen and its["host"] else []
        if chosen & {"device", "gpu_name"}:
            said.append(its["gpu_name"] or str(its["device"]).upper())
        rest = [field for field in MACHINE if field in chosen - {"host", "device", "gpu_name"} and its[field]]
        return ", ".join([*map(str, said), *(in_words(FACETS[field], its[field]) for field in rest)])

    def grid(self, make: Callable[[int, int], Made]) -> list[list[Made]]:
        """What `make(column, line)` gives for every cell, line by line."""
        columns = range(len(self.contenders))
        return [[make(column, line) for column in columns] for line in range(len(self.tasks))]


def lay_out(rows: Sequence[Row]) -> Layout:
    """Sort `rows` into contenders and tasks. Every row lands in exactly one cell."""
    rows = _with_packages_apart([_plain(row) for row in rows])
    contenders, columns = _ordered(_contenders(rows), _contender_order)
    tasks, lines = _ordered(make_tasks(rows, [contenders[columns[i]].label for i in range(len(rows))]), order)
    places = [(columns[i], lines[i]) for i in range(len(rows))]
    cells: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for place, row in zip(places, rows, strict=True):
        cells[place].append(row)
    return Layout(contenders=contenders, tasks=tasks, cells=dict(cells), places=places)


def short_labels(contenders: Sequence[Contender]) -> list[str]:
    """What the contenders are called among themselves: only what tells these apart, their labels where that fails."""
    found = []
    for contender in contenders:
        identity = contender.identity
        modern = {"variant"} if identity["variant"] == "modern" else set()
        twins = [other.identity for other in contenders if other.name == contender.name]
        found.append(printable(" ".join([contender.name, *_facets(identity, modern | _telling(twins))])))
    labels = [contender.label for contender in contenders]
    return found if len(set(found)) == len(found) else labels


def _plain(row: Row) -> Row:
    """The row with what the matrix treats as equal made equal: real data is the same data, whoever fetched it."""
    kind = row.get("data_kind")
    return {
        **_known_machine(with_node_kind(row)),
        "variant": row.get("variant") or "faithful",
        "mode": mode_of(row),
        "data_kind": "real" if kind in ("official", "given") else kind,
        # Threads that are varied tell tasks apart, not contenders.
        **({"threads": VARIED} if "threads" in axes_of(row.get("axes")) else {}),
    }


def _with_packages_apart(rows: Sequence[Row]) -> list[Row]:
    """The rows, with packages that a script asked for only where it had different ones on one stack.

    Every script has its own, and one contender runs them all.
    """
    seen: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for row in rows:
        seen[_script(row)].add(row.get("packages_sha256"))
    return [
        {**row, "packages_sha256": row.get("packages_sha256") if len(seen[_script(row)] - {None}) > 1 else None}
        for row in rows
    ]


def _script(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(field) for field in ("workload", *(f for f in IDENTITY if f != "packages_sha256")))


def _known_machine(row: Row) -> Row:
    """A job that ran knows its machine: what its record does not tell is a value of its own, and no other's."""
    return {**row, **{name: row.get(name) or "" for name in repeats.MACHINE}} if row.get("host") else row


def _ordered(found: Iterable[tuple[Any, list[int]]], order: Any) -> tuple[list[Any], dict[int, int]]:
    """Sort the columns (or rows) of the matrix, and map each result row to its position."""
    ranked = sorted(found, key=lambda pair: order(pair[0]))
    places = {i: position for position, (_, members) in enumerate(ranked) for i in members}
    return _distinct([item for item, _ in ranked]), places


def _distinct(items: Sequence[Any]) -> list[Any]:
    """Make the labels printable, as charts use them in their code, and unique.

    Two labels are still equal where what tells the two apart is known of one of them only: the second gets a number.
    So do two keys that differ in nothing but signs.
    """
    labels: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    named = []
    for item in items:
        label = _numbered(labels, printable(item.label), "{} ({})")
        key = _numbered(keys, slug(label), "{}-{}")
        named.append(replace(item, label=label, key=key))
    return named


def _numbered(seen: Counter[str], text: str, form: str) -> str:
    seen[text] += 1
    return text if seen[text] == 1 else form.format(text, seen[text])


def _contenders(rows: Sequence[Row]) -> list[tuple[Contender, list[int]]]:
    # A file of one's own has no variant: it stands in the column of the project's workloads on that stack.
    groups = group([{**row, "variant": None} if row["variant"] == "own" else row for row in rows], IDENTITY)
    identities = [identity for identity, _ in groups]
    named: dict[str, list[Row]] = {}
    for identity in identities:
        named.setdefault(_name(identity), []).append(identity)
    some = varying(identities)
    device, surroundings = (
        some & {"device"},
        some & {"launcher", "threads", "gpu_name", *repeats.MACHINE},
    )
    found = []
    for identity, members in groups:
        name, its = _name(identity), [rows[i] for i in members]
        modern = {"variant"} if identity["variant"] == "modern" else set()
        telling = modern | device | _telling(named[name])
        contender = Contender(
            identity=identity,
            released=next((str(row["released"]) for row in its if row.get("released")), ""),
            article=any(row.get("article") for row in its),
            name=name,
            details=(*_facets(identity, telling | surroundings | {"keras_version", "device"}), *_not_ours(its)),
            label=" ".join([name, *_facets(identity, telling)]),
        )
        found.append((contender, members))
    return found


def _not_ours(rows: Sequence[Row]) -> Iterator[str]:
    """What is said of a stack that is not the project's."""
    if any(row.get("found") for row in rows):
        yield AS_FOUND
    if any(row.get("own") for row in rows):
        yield OWN


def _telling(twins: Sequence[Row]) -> set[str]:
    """The fewest fields, the plainest first, that tell contenders of one name apart."""
    chosen: set[str] = set()
    for field in FACETS:
        if field in varying(twins) and _count(twins, chosen | {field}) > _count(twins, chosen):
            chosen.add(field)
    return chosen


def _count(twins: Sequence[Row], fields: set[str]) -> int:
    """How many of them these fields tell apart."""
    return len({tuple(twin[field] for field in sorted(fields)) for twin in twins})


def _name(identity: Row) -> str:
    return " ".join(filter(None, [style.title(str(identity["backend"])), identity["framework_version"]]))


def _facets(identity: Row, fields: Iterable[str]) -> tuple[str, ...]:
    """The wanted fields in words, in a fixed order; what is unknown is left out."""
    wanted = set(fields)
    keras = str(identity["keras_version"] or "")
    spelt = {"device": str(identity["device"] or "").upper(), "keras_version": keras and words.keras_name(keras)}
    values = {**identity, **spelt}
    return tuple(in_words(text, values[field]) for field, text in FACETS.items() if field in wanted and values[field])


def last_year(contenders: Iterable[Contender]) -> str:
    """The year of the newest that are none of the article's; "" where there are none."""
    return max((contender.year for contender in contenders if not contender.article), default="")


def _contender_order(contender: Contender) -> tuple[Any, ...]:
    return (contender.released or "9999", contender.name.lower(), contender.identity["variant"] or "", contender.label)
