"""What others published of Keras and its backends: the files of reference/others/, as data.

A figure stands there only as it was read in its source. None of it judges ours: other hardware, other versions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from msgspec.structs import replace

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.model import Noun

FOLDER = PACKAGE / "report" / "reference" / "others"


class Figure(Noun, frozen=True, kw_only=True):
    """One figure, in the unit of its source. `workload`: the model of ours that it is, "" for another.

    `on`: its hardware where the source has several; `keras`: the same of Keras. `confidence`: seen (read as it is),
    computed (arithmetic on what was read).
    """

    model: str
    workload: str = ""
    backend: str
    on: str = ""
    keras: str = ""
    batch: int | None = None
    value: float
    confidence: Literal["seen", "computed"]
    source: str


class Source(Noun, frozen=True, kw_only=True):
    """One publication: who measured what, when, with what; `comparable` with ours, and what is `other`."""

    name: str = ""
    title: str
    author: str
    published: str
    url: str
    code: str
    hardware: str
    software: str
    unit: Literal["s/epoch", "ms/step", "s"]
    counts: str
    comparable: str
    other: str
    figures: list[Figure]

    @property
    def same(self) -> list[str]:
        """The models of ours that it measured."""
        return list(dict.fromkeys(figure.workload for figure in self.figures if figure.workload))

    def where(self, figure: Figure) -> str:
        """The hardware of a figure."""
        return figure.on or self.hardware


@lru_cache(maxsize=1)
def _sources() -> tuple[Source, ...]:
    found = [replace(read_yaml(path, Source), name=path.stem) for path in sorted(FOLDER.glob("*.yaml"))]
    return tuple(sorted(found, key=lambda source: source.published))


def sources() -> list[Source]:
    """All of them, the oldest first."""
    return list(_sources())
