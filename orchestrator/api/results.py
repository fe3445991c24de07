"""What runs left, read for programs: rows, epochs, verdicts, the ranking, the report."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator import ownership
from orchestrator.api import given
from orchestrator.api.given import Where
from orchestrator.api.lines import Lines
from orchestrator.api.table import Table, as_html, escaped
from orchestrator.errors import UserError
from orchestrator.model import Noun
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS
from orchestrator.results.folder import LATEST, RunFolder
from orchestrator.results.own_figures import for_programs
from orchestrator.results.source import is_set
from orchestrator.run import session
from orchestrator.run.bring import recorded
from orchestrator.stats.repeats import TRAIN
from orchestrator.text import silent

if TYPE_CHECKING:
    from orchestrator.report.answer.conclusion import Conclusion
    from orchestrator.report.answer.places import Place
    from orchestrator.report.standings import Standing
    from orchestrator.report.view import View
    from orchestrator.results.collect import Merged

#: Letters of the answer that a notebook shows.
MOST_SAID = 2000


class Asked(Noun, frozen=True):
    """What was loaded, so that a report can be made of the same. `folders`: none where a merged set is among it."""

    paths: list[Path]
    folders: list[RunFolder] = []
    root: Path | None = None
    price: float | None = None


class Results:
    """What one run, several runs or a merged set left. Read once; `load` reads a run anew that still goes on.

    Verdicts and ranking are those of the report and of the terminal.
    """

    def __init__(self, merged: Merged, view: View, asked: Asked) -> None:
        self._merged, self._view, self._asked = merged, view, asked

    @property
    def paths(self) -> list[Path]:
        """The folders that were read."""
        return list(self._asked.paths)

    @cached_property
    def rows(self) -> Table:
        """One row per planned job, also of those that failed or were left out (`status`, `reason`)."""
        return Table(for_programs(self._merged.rows), COLUMNS)

    @cached_property
    def epochs(self) -> Table:
        """One row per epoch of each job, the first included."""
        return Table(self._merged.epochs, EPOCH_COLUMNS)

    @property
    def notes(self) -> list[str]:
        """Sentences on what could not be read, or still goes on."""
        return list(self._merged.notes)

    def verdicts(self) -> list[Standing]:
        """Each cell (a contender on a task), how fast it is and how it stands to the fastest of its task, which is
        first. `--json` has the same as `cells`.
        """
        from orchestrator.report.standings import standings  # these load numpy

        return [cell for group in standings(self._view) for cell in group.cells]

    def ranking(self) -> list[Place]:
        """The contenders over all tasks, the fastest first."""
        from orchestrator.report.answer.places import places

        return places(self._view)

    @property
    def answer(self) -> Conclusion:
        """Who is fastest in the sentences of the report, and how sure that is."""
        from orchestrator.report.answer.conclusion import conclude

        return conclude(self._view)

    def report(self, to: Where | None = None) -> Path:
        """The report's page. It is written, with tables and charts, to the folder `to`, or where a run has none yet.

        Raises UserError where several runs were loaded and `to` is not given, and HostError for a full disk.
        """
        named = None if to is None else given.path("to", to)
        if named is None and len(self.paths) > 1:
            raise UserError("several runs have one report in a folder of its own", "name it: report(to=FOLDER)")
        out = named or self.paths[0]
        page = out / "report.html"
        if named is not None or not page.is_file():
            with ownership.sparing_others():
                self._write(out)
        return page

    def _write(self, out: Path) -> None:
        asked = self._asked
        if not asked.folders:
            session.write_report(self._view, out)
            return
        made_by = session.made_by(asked.folders)
        finished = session.report(asked.folders, out, _catalog(asked), made_by, Lines(silent), asked.price)
        if finished.broken is not None:
            raise finished.broken

    def __repr__(self) -> str:
        ok = sum(row["status"] == "ok" for row in self._merged.rows)
        return "\n".join([f"<Results: {ok} of {len(self._merged.rows)} jobs ok>", *self.answer.sentences])

    def _repr_html_(self) -> str:
        from orchestrator.report import words
        from orchestrator.report.standings import in_words

        ok = sum(row["status"] == "ok" for row in self._merged.rows)
        said = " ".join([f"{ok} of {len(self._merged.rows)} jobs ok.", *self.answer.sentences])
        head = ("task", "contender", "per epoch" if self._view.mode == TRAIN else "time", "of fastest", "verdict")
        lines = (
            (cell.task, cell.contender, words.took(cell.seconds, self._view.mode), *in_words(cell)[1:])
            for cell in self.verdicts()
        )
        return f"<p>{escaped(said, MOST_SAID)}</p>" + as_html(head, lines)


def load(*paths: Where, out: Where = "results", root: Where | None = None, price: float | None = None) -> Results:
    """What is on record in these folders: runs (also one that still goes on), merged sets, several of both.

    Without a path: the latest run below `out`. `root` and `price`: as `--root` and `--price` of `orchestrate report`;
    `price` is what an hour of the machine costs. Nothing is started or written. Raises UserError for a path that is
    neither run nor set, for what cannot be read, and for runs that timed different things (`mode`).
    """
    found = [given.path("paths", path) for path in paths]
    below = given.path("out", out)
    base = None if root is None else given.path("root", root)
    price = None if price is None else given.price(price)
    if not any(map(is_set, found)):
        folders = [RunFolder.open(path) for path in found] or [RunFolder.locate(below, LATEST)]
        return _of_runs(Asked(paths=[each.path for each in folders], folders=folders, root=base, price=price))
    asked = Asked(paths=found, root=base, price=price)
    if len(found) == 1:
        return _of_set(asked, found[0])
    from orchestrator.results.merged_set import merge_sources  # numpy and DuckDB come along

    with tempfile.TemporaryDirectory() as folder:
        merge_sources(found, Path(folder, "set"))
        return _of_set(asked, Path(folder, "set"))


def _of_runs(asked: Asked) -> Results:
    from orchestrator.results.collect import merge_runs  # imported here because it loads numpy

    folders, merged = asked.folders, merge_runs(asked.folders)
    session.check_price(asked.price, merged.rows)
    price = asked.price or session.recorded_price(folders)
    view = session.view_of(merged, _catalog(asked), session.made_by(folders), price, session.asked_for(folders))
    return Results(merged, view, asked)


def _of_set(asked: Asked, path: Path) -> Results:
    from orchestrator.results.collect import merged_set

    merged = merged_set(path)
    session.check_price(asked.price, merged.rows)
    return Results(merged, session.view_of(merged, _catalog(asked), command="", price=asked.price), asked)


def _catalog(asked: Asked) -> Catalog:
    return recorded(load_catalog(asked.root), (folder.plan() for folder in asked.folders))
