"""What may be compared with what: result rows sorted into the columns and rows of a matrix.

A column is a contender (one framework in one environment on one device), a row is a task (one
workload under one set of conditions). Rows that differ in anything that changes the meaning of a
figure never share a cell, so nothing is pooled or compared silently.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.model import OWN_SCALE, Row
from orchestrator.report import style
from orchestrator.stats import repeats
from orchestrator.stats.repeats import with_node_kind
from orchestrator.stats.sameness import Unlike, told, unlike
from orchestrator.text import plural, printable

Made = TypeVar("Made")

#: The columns of a result row that tell contenders apart.
IDENTITY = (
    "stack", "backend", "framework_version", "keras_version", "variant",
    "device", "launcher", "threads", "gpu_name", "driver", "image_digest", *repeats.MACHINE,
)  # fmt: skip
#: The columns that must be equal before two figures of one workload may be compared.
CONDITIONS = (
    "workload", "scale", "epochs", "batch_size", "train", "validation",
    "data_kind", "data_sha256", "workloads_sha256", "asked_steps",
)  # fmt: skip
#: What a file of one's own decides: it is seen when a job has ended, and no condition of a comparison.
DECIDED = ("epochs", "batch_size", "train", "validation")
#: Speeds are compared among contenders that share these.
MACHINE = ("device", "gpu_name", "threads", *repeats.MACHINE)
ERAS = ("2017", "today")
AS_FOUND = "as found, cannot be rebuilt"
#: What can be said of a contender beside its name, in the words of a label. The plainest comes first.
FACETS = {
    "keras_version": "Keras {}",
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
}
#: The same for tasks that run one workload under different conditions.
CONDITIONS_IN_WORDS = {
    "scale": "{}",
    "epochs": "{} epochs",
    "asked_steps": "{} steps",
    "batch_size": "batch {}",
    "train": "{:,} samples",
    "validation": "{:,} for validation",
    "data_kind": "{} data",
    "data_sha256": "data {:.8}",
    "workloads_sha256": "scripts {:.8}",
}
#: The same for what was left to a file of one's own, where another run asked for it.
LEFT = {"epochs": "all epochs", "asked_steps": "all steps", "batch_size": "its own batch size"}


def in_words(text: str, value: Any) -> str:
    """A facet or a condition as its text has it: `4 cores`, and `1 core`."""
    found = text.format(value)
    return found.removesuffix("s") if value == 1 and found.startswith("1 ") else found


class Contender(Struct, frozen=True):
    """One column. `label` is unique within a report; `details` is the small print under `name`."""

    identity: dict[str, Any]
    era: str
    name: str
    details: tuple[str, ...]
    label: str

    @property
    def backend(self) -> str:
        return str(self.identity["backend"])

    @property
    def machine(self) -> tuple[Any, ...]:
        return tuple(self.identity[field] for field in MACHINE)


class Task(Struct, frozen=True):
    """One row: a workload under one set of conditions. `label` is unique within a report.

    `file`: the file of one's own that it is, "" for a workload of the project. `unlike`: why its jobs must not be
    compared, None where they may be; no speed of such a task is ranked. `notes`: what else a reader must know.
    """

    conditions: dict[str, Any]
    label: str
    file: str = ""
    unlike: Unlike | None = None
    notes: tuple[str, ...] = ()

    @property
    def workload(self) -> str:
        return str(self.conditions["workload"])

    @property
    def synthetic(self) -> bool:
        return bool(self.conditions["data_kind"] == "synthetic")

    @property
    def amounts(self) -> str:
        """`quick, 5 epochs, 4,096 samples, batch 128`: how much of the workload was run."""
        known = self.conditions
        steps = f" of {plural(known['asked_steps'], 'step')}" if known["asked_steps"] else ""
        parts = [
            None if known["scale"] == OWN_SCALE else known["scale"],
            f"{plural(known['epochs'], 'epoch')}{steps}" if known["epochs"] else None,
            f"{known['train']:,} samples" if known["train"] else None,
            f"batch {known['batch_size']}" if known["batch_size"] else None,
        ]
        return ", ".join(str(part).replace(" ", "\u00a0") for part in parts if part)


class Layout(Struct, frozen=True):
    """Contenders (columns), tasks (rows), and the result rows of each cell, by their positions."""

    contenders: list[Contender]
    tasks: list[Task]
    cells: dict[tuple[int, int], list[Row]]
    #: Position of the contender and of the task of each result row.
    places: list[tuple[int, int]]

    def machines(self) -> dict[tuple[Any, ...], list[int]]:
        """The groups of contenders whose speeds may be compared, by position, in order of appearance."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for column, contender in enumerate(self.contenders):
            groups.setdefault(contender.machine, []).append(column)
        return groups

    def machine_words(self, machine: tuple[Any, ...]) -> str:
        """Only what tells this machine from the others of the report."""
        groups = list(self.machines())
        said = {"device": str(machine[MACHINE.index("device")]).upper(), "host": machine[MACHINE.index("host")]}
        return ", ".join(
            str(said.get(field, in_words(FACETS[field], machine[i])))
            for i, field in enumerate(MACHINE)
            if machine[i] and len({group[i] for group in groups} - {None}) > 1
        )

    def eras(self) -> list[tuple[str, int]]:
        """(era, number of its contenders) from left to right; contenders of one era stand together."""
        names = [contender.era for contender in self.contenders]
        return [(era, names.count(era)) for era in dict.fromkeys(names)]

    def grid(self, make: Callable[[int, int], Made]) -> list[list[Made]]:
        """What `make(column, line)` gives for every cell, line by line."""
        columns = range(len(self.contenders))
        return [[make(column, line) for column in columns] for line in range(len(self.tasks))]


def lay_out(rows: Sequence[Row]) -> Layout:
    """Sort `rows` into contenders and tasks. Every row lands in exactly one cell."""
    rows = [_plain(row) for row in rows]
    contenders, columns = _ordered(_contenders(rows), _contender_order)
    tasks, lines = _ordered(_tasks(rows, columns, contenders), _task_order)
    places = [(columns[i], lines[i]) for i in range(len(rows))]
    cells: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for place, row in zip(places, rows, strict=True):
        cells[place].append(row)
    return Layout(contenders=contenders, tasks=tasks, cells=dict(cells), places=places)


def _plain(row: Row) -> Row:
    """The row with what the matrix treats as equal made equal: real data is the same data, whoever fetched it."""
    kind = row.get("data_kind")
    return {
        **_known_machine(with_node_kind(row)),
        "variant": row.get("variant") or "faithful",
        "data_kind": "real" if kind in ("official", "given") else kind,
    }


def _known_machine(row: Row) -> Row:
    """A job that ran knows its machine: what its record does not tell is a value of its own, and no other's."""
    return {**row, **{name: row.get(name) or "" for name in repeats.MACHINE}} if row.get("host") else row


def group(rows: Sequence[Row], fields: Sequence[str]) -> list[tuple[dict[str, Any], list[int]]]:
    """Group the rows by `fields`: (their values, positions of the rows that have them) of each group.

    A job that failed early does not know its versions or its data. It joins the only group that it
    does not contradict (of its own run, if there are several), else it stays apart.
    """
    keys = [tuple(row.get(field) for field in fields) for row in rows]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i in sorted(range(len(rows)), key=lambda i: keys[i].count(None)):
        key = keys[i]
        if key not in groups and None in key:
            key = _only_match(key, groups, rows, rows[i].get("run_id")) or key
        groups.setdefault(key, []).append(i)
    return [(dict(zip(fields, key, strict=True)), sorted(members)) for key, members in groups.items()]


def _only_match(
    key: tuple[Any, ...], groups: Mapping[tuple[Any, ...], list[int]], rows: Sequence[Row], run: Any
) -> tuple[Any, ...] | None:
    """The one group that `key` does not contradict, of those with a row of this run if there are several."""
    fitting = [known for known in groups if all(a in (None, b) for a, b in zip(key, known, strict=True))]
    if len(fitting) > 1:
        fitting = [known for known in fitting if any(rows[i].get("run_id") == run for i in groups[known])]
    return fitting[0] if len(fitting) == 1 else None


def _ordered(found: Iterable[tuple[Any, list[int]]], order: Any) -> tuple[list[Any], dict[int, int]]:
    """Sort the columns (or rows) of the matrix, and map each result row to its position."""
    ranked = sorted(found, key=lambda pair: order(pair[0]))
    places = {i: position for position, (_, members) in enumerate(ranked) for i in members}
    return _distinct([item for item, _ in ranked]), places


def _distinct(items: Sequence[Any]) -> list[Any]:
    """Make the labels printable, as charts use them in their code, and unique.

    Two labels are still equal where what tells the two apart is known of one of them only: the second gets a number.
    """
    seen: Counter[str] = Counter()
    named = []
    for item in items:
        label = printable(item.label)
        seen[label] += 1
        named.append(replace(item, label=label if seen[label] == 1 else f"{label} ({seen[label]})"))
    return named


def _contenders(rows: Sequence[Row]) -> list[tuple[Contender, list[int]]]:
    # A file of one's own has no variant: it stands in the column of the project's workloads on that stack.
    groups = group([{**row, "variant": None} if row["variant"] == "own" else row for row in rows], IDENTITY)
    identities = [identity for identity, _ in groups]
    varying = _varying(identities)
    device, surroundings = varying & {"device"}, varying & {"launcher", "threads", "gpu_name", *repeats.MACHINE}
    found = []
    for identity, members in groups:
        name = _name(identity)
        modern = {"variant"} if identity["variant"] == "modern" else set()
        telling = modern | device | _telling([other for other in identities if _name(other) == name])
        contender = Contender(
            identity=identity,
            era=_era([rows[i] for i in members]),
            name=name,
            details=(*_facets(identity, telling | surroundings | {"keras_version", "device"}), *_found(rows, members)),
            label=" ".join([name, *_facets(identity, telling)]),
        )
        found.append((contender, members))
    return found


def _found(rows: Sequence[Row], members: Sequence[int]) -> Iterator[str]:
    """What is said of a stack that was not made by the project but found on the host."""
    if any(rows[i].get("found") for i in members):
        yield AS_FOUND


def _telling(twins: Sequence[Row]) -> set[str]:
    """The fewest fields, the plainest first, that tell contenders of one name apart."""
    chosen: set[str] = set()
    for field in FACETS:
        if field in _varying(twins) and _count(twins, chosen | {field}) > _count(twins, chosen):
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
    values = {**identity, "device": str(identity["device"] or "").upper()}
    return tuple(in_words(text, values[field]) for field, text in FACETS.items() if field in wanted and values[field])


def _varying(groups: Sequence[Row]) -> set[str]:
    """The fields with more than one known value."""
    fields = groups[0] if groups else {}
    return {field for field in fields if len({g[field] for g in groups if g[field] is not None}) > 1}


def _era(rows: Sequence[Row]) -> str:
    """The era that the rows name, else that of their Keras: 1 and 2 are of 2017, 3 is of today."""
    for row in rows:
        if row.get("era"):
            return str(row["era"])
        major = str(row.get("keras_version") or "").partition(".")[0]
        if major.isdecimal():
            return "2017" if int(major) < 3 else "today"
    return ""


def _contender_order(contender: Contender) -> tuple[Any, ...]:
    era = ERAS.index(contender.era) if contender.era in ERAS else len(ERAS)
    return (era, contender.name.lower(), contender.identity["variant"] or "", contender.label)


def _task_order(task: Task) -> tuple[Any, ...]:
    """By workload, then by amounts as numbers: 896 samples stand before 1,024."""
    amounts = [task.conditions[field] or 0 for field in ("epochs", "batch_size", "train", "validation")]
    return (task.workload, str(task.conditions["scale"]), *amounts, task.label)


def _tasks(
    rows: Sequence[Row], columns: Mapping[int, int], contenders: Sequence[Contender]
) -> list[tuple[Task, list[int]]]:
    """The tasks with the positions of their rows. `columns`: the position of each row's contender."""
    groups = group([_asked(row) for row in rows], CONDITIONS)
    files = {str(row["workload"]): str(row["file"]) for row in rows if row.get("file")}
    found = []
    for conditions, members in groups:
        workload = str(conditions["workload"])
        twins = [other for other, _ in groups if other["workload"] == workload]
        name = _file_name(workload, files) if workload in files else workload
        label = " · ".join([name, *_differences(conditions, _varying(twins))])
        task = Task(conditions=conditions, label=label, file=files.get(workload, ""))
        if any(rows[i]["variant"] == "own" for i in members):
            named = [{**rows[i], "contender": contenders[columns[i]].label} for i in members]
            task = _seen(task, [row for row in named if row["status"] == "ok"])
        found.append((task, members))
    return found


def _file_name(workload: str, files: Mapping[str, str]) -> str:
    """What a file of one's own is called: by its name, and by its workload's where two have one name."""
    name = files[workload]
    return f"{name} ({workload})" if list(files.values()).count(name) > 1 else name


def _asked(row: Row) -> Row:
    """The row as it is sorted into tasks: of a file of one's own by what was asked of it, not by what it then did.

    0 is what was left to the file; a job that failed knows that, too.
    """
    if row["variant"] != "own":
        return row
    asked = {name: row.get(f"asked_{name}") or 0 for name in ("epochs", "batch_size")}
    left = {"train": 0, "validation": 0, "data_kind": "own", "data_sha256": ""}
    return {**row, **left, **asked, "asked_steps": row.get("asked_steps") or 0}


def _seen(task: Task, rows: Sequence[Row]) -> Task:
    """The task of a file of one's own with what its good rows did, where they agree, and what is to be said of them."""
    did = {name: {row.get(name) for row in rows} - {None} for name in DECIDED}
    agreed = {name: next(iter(values)) if len(values) == 1 else None for name, values in did.items()}
    ran = {row.get("samples") for row in rows} - {None}
    agreed["train"] = next(iter(ran)) if len(ran) == 1 else agreed["train"]  # `--steps` leaves some of them out
    agreed["epochs"] = agreed["epochs"] or task.conditions["epochs"] or None
    notes = []
    if len(did["epochs"]) > 1:
        counts = told([(row, row["epochs"]) for row in rows if row.get("epochs")], _contender, "{:,}")
        notes.append(f"not the same number of epochs: {counts}; seconds per epoch compare all the same")
    return replace(task, conditions={**task.conditions, **agreed}, unlike=unlike(rows, _contender), notes=tuple(notes))


def _contender(row: Row) -> str:
    return str(row["contender"])


def _differences(conditions: Row, fields: set[str]) -> list[str]:
    """Those of the fields that the conditions know, in words."""
    # A hash adds nothing where the kind of data already tells the two apart.
    hidden = {"data_sha256"} if "data_kind" in fields else set()
    return [
        in_words(text, conditions[field]) if conditions[field] else LEFT.get(field, "")
        for field, text in CONDITIONS_IN_WORDS.items()
        if field in fields - hidden and conditions[field] is not None
    ]
