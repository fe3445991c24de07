"""What a section of the report is made of. Both templates draw each kind of block with one macro."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Literal

from msgspec import Struct

#: The two texts of a report: the page and its Markdown twin.
Twin = Literal["html", "markdown"]


class Span(Struct, frozen=True):
    """A piece of text that looks different from the text around it.

    `look` is one of: strong, code, command, small, aside (in Markdown: in brackets), tag (the same, on the page
    with a background), log (folded away), or the look of a status (see outcomes.py). `href` makes it a link.
    """

    text: str
    look: str
    href: str = ""


#: One line of text, in one piece or in several. The templates escape all of it.
Text = str | Sequence[str | Span]


def spaced(spans: Iterable[Span]) -> list[str | Span]:
    """Those with a text, a space between each two."""
    parts: list[str | Span] = []
    for span in spans:
        if span.text:
            parts += [" ", span] if parts else [span]
    return parts


class Block(Struct, frozen=True, kw_only=True):
    """What both templates can draw. `only`: draw it in this twin alone."""

    kind: ClassVar[str]
    only: Twin | None = None


class Paragraphs(Block, frozen=True):
    """Texts below each other.

    look      plain     one paragraph for each text
              lead      the same, in large letters
              bullets   a list
              points    a list of which the page shows the first few and folds the rest
              terms     (term, text) pairs
              notices   (kind, text) pairs, each in a box; the kind is "" or a class of report.css
              code      (label, text) pairs of something to copy: a command, a log
    hint      small print below the texts
    fold      the page folds the texts away under this line
    """

    kind = "paragraphs"
    texts: Sequence[Text | tuple[str, Text]]
    look: Literal["plain", "lead", "bullets", "points", "terms", "notices", "code"] = "plain"
    hint: str = ""
    fold: str = ""


class Column(Struct, frozen=True):
    """One column of a table.

    `heads`: its cells name their rows. `number`: Markdown sets it flush right.
    """

    title: str
    heads: bool = False
    number: bool = False


class Table(Block, frozen=True):
    """A list of things, each with the same columns. `caption` and `fold` are for the page; `open`: not folded yet."""

    kind = "table"
    columns: Sequence[Column]
    rows: Sequence[Sequence[Text]]
    caption: str = ""
    fold: str = ""
    open: bool = False

    def cells(self) -> Iterator[list[tuple[Column, Text]]]:
        """Each row as (column, cell) pairs. Raises ValueError where a row is longer or shorter than the columns."""
        for row in self.rows:
            yield list(zip(self.columns, row, strict=True))


class Cell(Struct, frozen=True):
    """One field of a matrix: a figure with small lines below it, or what happened instead."""

    figure: str = ""
    lines: Sequence[str] = ()
    best: bool = False
    #: Statuses of jobs that did not end well; shown beside or instead of a figure.
    marks: Sequence[Span] = ()


class Matrix(Block, frozen=True):
    """A table with a row per contender and a column per task of the report.

    `cells[line][column]`, by task and then by contender, is None where nothing was planned. `name` is a class for
    report.css.
    """

    kind = "matrix"
    name: str
    note: str
    cells: Sequence[Sequence[Cell | None]]


class Chart(Block, frozen=True):
    """One of the report's pictures. Its files are called `name`, which is fit for that and unique in a report."""

    kind = "chart"
    name: str
    title: str


class Picture(Struct, frozen=True):
    """One picture: `caption` says in a sentence what to see, `alt` what was found; `words` stand beside it.

    `panels` are SVG for the page, whose style they need; `svg` is the whole as a file of its own, `png` the same as
    pixels, empty where it could not be made.
    """

    title: str
    caption: str = ""
    alt: str = ""
    panels: list[str] = []
    words: list[str] = []
    svg: str = ""
    png: bytes = b""


class Drawn(Struct, frozen=True):
    """The pictures of a report by name. `lacking`: what could not be drawn and why, a sentence each."""

    pictures: dict[str, Picture] = {}
    lacking: list[str] = []


class Section(Struct, frozen=True, kw_only=True):
    """A heading and the blocks below it.

    name      its anchor on the page, unique in a report
    title     its heading; without one, the blocks stand alone and the menu has no entry
    fold      Markdown folds it away under this line, if not under its title
    """

    name: str
    title: str
    blocks: Sequence[Block]
    fold: str = ""
