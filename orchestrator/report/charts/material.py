"""What all pictures are made of, and how each contender looks in them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct

from orchestrator.model import Row
from orchestrator.report import disturbed, style
from orchestrator.report.input import Reference
from orchestrator.report.layout import Layout
from orchestrator.report.speeds import Speed, Speeds

#: One measured moment: the fields of an epoch or a sample, with the `column`, `line` and `job` of its row.
Point = Mapping[str, Any]
#: Points drawn of one line; more cannot be seen and make the page heavy.
MOST_POINTS = 60
#: Repeats of one contender that are drawn faintly.
MOST_REPEATS = 15


class Look(Struct, frozen=True):
    """How one contender looks in all pictures: `key` is its name for scripts, `colour` a class of the style sheet."""

    label: str
    key: str
    colour: str
    shape: str
    dash: str


class Group(Struct, frozen=True):
    """Contenders on one task and one machine: those whose speeds may be compared. `columns` are their positions."""

    line: int
    title: str
    columns: list[int]


class Material(Struct, frozen=True, dict=True):
    """The rows of a View that pictures are made of. `price` is per hour, without a currency."""

    layout: Layout
    speeds: Speeds
    epochs: Sequence[Point] = ()
    samples: Sequence[Point] = ()
    gpu: Sequence[Point] = ()
    marks: Sequence[Point] = ()
    reference: Reference | None = None
    price: float | None = None

    @cached_property
    def looks(self) -> list[Look]:
        """By the position of the contender: it looks the same in every picture of a report."""
        seen: Counter[str] = Counter()
        found = []
        for position, contender in enumerate(self.layout.contenders):
            dash = style.DASHES[seen[contender.backend] % len(style.DASHES)]
            seen[contender.backend] += 1
            shape = style.SHAPES[position % len(style.SHAPES)]
            found.append(Look(contender.label, contender.key, style.name(contender.backend), shape, dash))
        return found

    def groups(self) -> Iterator[Group]:
        """Each task on each machine, in the order of the report."""
        for line, task in enumerate(self.layout.tasks):
            for machine, columns in self.layout.machines.items():
                mine = [column for column in columns if (column, line) in self.layout.cells]
                if mine:
                    words = self.layout.machine_words(machine)
                    yield Group(line, f"{task.label} ({words})" if words else task.label, mine)

    def ranked(self, group: Group) -> list[tuple[int, Speed]]:
        """The contenders of a group that have a speed, the fastest first."""
        found = [
            (column, self.speeds[column, group.line]) for column in group.columns if (column, group.line) in self.speeds
        ]
        return sorted(found, key=lambda each: each[1].seconds)

    def good(self, column: int, line: int) -> list[Row]:
        """The rows of a cell's jobs that ended well."""
        return [row for row in self.layout.cells.get((column, line), ()) if row["status"] == "ok"]

    def noise(self, line: int) -> str:
        """`disturbed: JAX`, `not the same model` for what is drawn of this task, "" for nothing."""
        unlike = self.layout.tasks[line].unlike
        return "; ".join(filter(None, [unlike.what if unlike else "", disturbed.labels(self.layout, line)]))


def by(points: Iterable[Any], *fields: str) -> dict[tuple[Any, ...], list[Any]]:
    """The points by their values in `fields`, in order of appearance."""
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for point in points:
        groups[tuple(point.get(field) for field in fields)].append(point)
    return groups
