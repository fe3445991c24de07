"""The rows of a report's matrix: workloads under one set of conditions.

What is asked of a workload of the project is what it does. A file of one's own decides for itself: its jobs stand in
one row by what was asked of them, and whether they did the same thing is judged there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.model import OWN_SCALE, Row
from orchestrator.plan.names import axes_in_words
from orchestrator.report.grouping import group, in_words, varying
from orchestrator.stats.outputs import unlike_outputs
from orchestrator.stats.repeats import TRAIN
from orchestrator.stats.sameness import Unlike, told, unlike
from orchestrator.stats.sweeps import axes_of, place
from orchestrator.text import one_line, plural

#: The columns that must be equal before two figures of one workload may be compared.
CONDITIONS = (
    "workload", "mode", "scale", "epochs", "batch_size", "train", "validation",
    "data_kind", "data_sha256", "workloads_sha256", "asked_steps", "asked_arguments", "deterministic",
    "axes",
)  # fmt: skip
#: What a file of one's own decides: it is seen when a job has ended, and no condition of a comparison.
DECIDED = ("epochs", "batch_size", "train", "validation")
#: The same for tasks that run one workload under different conditions.
CONDITIONS_IN_WORDS = {
    "mode": "{}",
    "scale": "{}",
    "epochs": "{} epochs",
    "asked_steps": "{} steps",
    "asked_arguments": "{}",
    "batch_size": "batch {}",
    "train": "{:,} samples",
    "validation": "{:,} for validation",
    "data_kind": "{} data",
    "data_sha256": "data {:.8}",
    "workloads_sha256": "scripts {:.8}",
    "deterministic": "deterministic",
}
#: Between the title of a workload and what tells its tasks apart.
BETWEEN = " · "
#: The same for what was left to a file of one's own, where another run asked for it.
LEFT = {
    "epochs": "all epochs",
    "asked_steps": "all steps",
    "asked_arguments": "no arguments",
    "batch_size": "its own batch size",
    "deterministic": "not deterministic",
}
#: Letters of the arguments of a script, where it is only one of several things that are told.
LETTERS = 80


def noun(tasks: Iterable[Task]) -> str:
    """What the tasks are called together: `file` where all are files of one's own, else `model`."""
    return "file" if all(task.file for task in tasks) else "model"


class About(Struct, frozen=True):
    """What the catalog says of a workload: its title and kind (CNN, RNN, MLP, or ""), what its samples are called, its
    place among the others, how many training samples all of its data has, and a note.
    """

    title: str
    kind: str = ""
    unit: str = "samples"
    place: int = 0
    whole: int | None = None
    note: str = ""


class Task(Struct, frozen=True):
    """One row: a workload under one set of conditions. `label` is unique within a report; `title` leaves out what
    tells it from the same workload under other conditions.

    `file`: the file of one's own that it is, "" for a workload of the project. `unlike`: why its jobs must not be
    compared, None where they may be; no speed of such a task is ranked. `notes`: what else a reader must know.
    """

    conditions: dict[str, Any]
    label: str
    #: The label as an address can hold it, the same from run to run.
    key: str = ""
    file: str = ""
    unlike: Unlike | None = None
    notes: tuple[str, ...] = ()
    about: About = About("")

    @property
    def workload(self) -> str:
        return str(self.conditions["workload"])

    @property
    def mode(self) -> str:
        return str(self.conditions["mode"])

    @property
    def is_varied(self) -> bool:
        """Whether a setting of it is one of several that its run tried; threads are no part of what is trained."""
        return bool(axes_of(self.conditions.get("axes")).keys() - {"threads"})

    @property
    def synthetic(self) -> bool:
        return bool(self.conditions["data_kind"] == "synthetic")

    @property
    def title(self) -> str:
        return self.label.partition(BETWEEN)[0]

    @property
    def size(self) -> str:
        """`896 of 50,000 images`: how much of the workload's data one epoch trains on, "" if unknown."""
        if self.mode != TRAIN:
            return self._calls
        train, whole = self.conditions["train"], self.about.whole
        of = f" of {whole:,}" if whole and train and train < whole else ""
        return f"{train:,}{of} {self.about.unit}" if train else ""

    @property
    def data(self) -> str:
        """`896 of 50,000 images (quick)`."""
        scale = self.conditions["scale"]
        if self.mode != TRAIN:
            return self._calls
        if not scale or scale == OWN_SCALE:
            return self.size
        return f"{self.size} ({scale})" if self.size else str(scale)

    @property
    def _calls(self) -> str:
        """`batch 1 and 32`: what a model that does not train is called with."""
        batch = self.conditions["batch_size"]
        return "one token at a time" if self.mode == "generate" else f"batch 1{f' and {batch}' if batch else ''}"

    @property
    def amounts(self) -> str:
        """`896 of 50,000 images (quick), 3 epochs, batch 32`: how much of the workload was run."""
        known = self.conditions
        if self.mode != TRAIN:
            return self._calls
        steps = f" of {plural(known['asked_steps'], 'step')}" if known["asked_steps"] else ""
        parts = [
            f"{plural(known['epochs'], 'epoch')}{steps}" if known["epochs"] else None,
            f"batch {known['batch_size']}" if known["batch_size"] else None,
            one_line(known["asked_arguments"], LETTERS) if known["asked_arguments"] else None,
        ]
        return ", ".join(filter(None, [self.data, *(part.replace(" ", "\u00a0") for part in parts if part)]))


def make_tasks(rows: Sequence[Row], contenders: Sequence[str]) -> list[tuple[Task, list[int]]]:
    """The tasks with the positions of their rows. `contenders`: the contender of each row, in words."""
    groups = group([_asked(row) for row in rows], CONDITIONS)
    files = {str(row["workload"]): str(row["file"]) for row in rows if row.get("file")}
    found = []
    for conditions, members in groups:
        workload = str(conditions["workload"])
        twins = [other for other, _ in groups if other["workload"] == workload]
        about = next((rows[i]["about"] for i in members if rows[i].get("about")), About(workload))
        name = _file_name(workload, files) if workload in files else about.title
        label = BETWEEN.join([name, *_differences(conditions, varying(twins))])
        task = Task(conditions=conditions, label=label, file=files.get(workload, ""), about=about)
        if any(rows[i]["variant"] == "own" for i in members):
            named = [{**rows[i], "contender": contenders[i]} for i in members]
            task = _seen(task, [row for row in named if row["status"] == "ok"])
        if conditions["mode"] != TRAIN and task.unlike is None:
            named = [{**rows[i], "contender": contenders[i]} for i in members if rows[i]["status"] == "ok"]
            task = replace(task, unlike=unlike_outputs(named, _contender))
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
    row = {**row, "deterministic": bool(row.get("deterministic")), "axes": row.get("axes") or ""}
    if row["variant"] != "own":
        return row
    asked = {name: row.get(f"asked_{name}") or 0 for name in ("epochs", "batch_size")}
    left: Row = {"train": 0, "validation": 0}
    if row.get("file"):  # a model of the project may read a data set
        left |= {"data_kind": "own", "data_sha256": ""}
    steps, arguments = row.get("asked_steps") or 0, row.get("asked_arguments") or ""
    return {**row, **left, **asked, "asked_steps": steps, "asked_arguments": arguments}


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
    # A hash adds nothing where the kind of data already tells the two apart, nor a batch size that is varied.
    hidden = {"data_sha256"} if "data_kind" in fields else set()
    hidden |= {"batch_size"} if "batch_size" in axes_of(conditions["axes"]) else set()
    varied = axes_in_words(conditions["axes"]) or ["nothing varied"] if "axes" in fields else []
    return varied + [
        in_words(text, conditions[field]) if conditions[field] else LEFT.get(field, "")
        for field, text in CONDITIONS_IN_WORDS.items()
        if field in fields - hidden and conditions[field] is not None
    ]


def order(task: Task) -> tuple[Any, ...]:
    """As the catalog has the workloads, and as numbers what is one: 896 samples before 1,024, file 2 before file 10."""
    amounts = [task.conditions[field] or 0 for field in ("epochs", "batch_size", "train", "validation")]
    # Before amounts, which a job that failed may not know.
    varied = tuple(map(place, axes_of(task.conditions["axes"]).values()))
    name = [(int(part[:9]), part) if part.isdecimal() else (0, part) for part in re.split(r"([0-9]+)", task.workload)]
    return (task.about.place, name, str(task.conditions["scale"]), varied, *amounts, task.label)
