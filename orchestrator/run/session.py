"""One run from request to report: plan, make ready, measure, record, merge, report."""

from __future__ import annotations

import datetime
import math
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from orchestrator import doors
from orchestrator.errors import HostError, OrchestrateError
from orchestrator.executors.executor import Detachable, Executor, Listener
from orchestrator.executors.prepared import Ready
from orchestrator.executors.signals import not_hung_up
from orchestrator.files import disk_errors, write_atomic
from orchestrator.history.digest import DIGEST, digest
from orchestrator.model import Noun, Plan, Row, to_json
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.draft import draft
from orchestrator.plan.request import Request, RunRequest, refuse_price
from orchestrator.results.folder import LATEST, RunFolder
from orchestrator.results.manifest import write_run_manifest
from orchestrator.run import owner, stranger
from orchestrator.run.again import composed
from orchestrator.run.execute import execute
from orchestrator.run.hearing import Hearing
from orchestrator.run.outlook import outlook, session_of
from orchestrator.run.page import paged
from orchestrator.text import public

#: The folder of a report's charts.
CHARTS = "charts"

if TYPE_CHECKING:
    from orchestrator.report.answer.conclusion import Conclusion
    from orchestrator.report.blocks import Drawn
    from orchestrator.report.standings import Group
    from orchestrator.report.view import View
    from orchestrator.results.collect import Merged


class Finished(Noun, frozen=True, kw_only=True):
    """How a run ended: its result rows, where its tables and its report are, and what broke, if anything."""

    rows: list[Row]
    out: Path
    #: Who is fastest, as the report says it.
    standings: list[Group] = []
    #: Who is fastest overall and how sure that is, in the words of the report; None where none could be made.
    conclusion: Conclusion | None = None
    #: What a reader must know of disturbed jobs, in sentences.
    disturbances: list[str] = []
    #: What people call the jobs, by run and job; what is not there goes by its id.
    names: dict[tuple[str | None, str], str] = {}
    #: The user stopped it.
    interrupted: bool = False
    #: The error that ended the run early, such as a full disk, or a fault of ours; `rows` holds what was recorded.
    broken: Exception | None = None

    def called(self, row: Row) -> str:
        return self.names.get((row.get("run_id"), row["job_id"])) or str(row["job_id"])


def run(catalog: Catalog, executor: Executor, listener: Listener) -> Finished:
    """A whole run."""
    return start(catalog, executor, prepare(catalog, executor), listener)


def prepare(catalog: Catalog, executor: Executor) -> Ready:
    """The plan of a new run, with everything that its jobs need."""
    return executor.prepare(draft(executor.request, catalog, executor.host()))


def start(catalog: Catalog, executor: Executor, ready: Ready, listener: Listener) -> Finished:
    """Runs what was made ready, in a new folder."""
    ready, folder = new_folder(executor.request, ready, listener)
    with folder.locked():
        return carry_out(executor.request, catalog, executor, ready, folder, {"plan.json"}, listener)


def describe(catalog: Catalog, executor: Executor) -> tuple[Plan, dict[str, list[str]]]:
    """What a run would do, and the command of each job by its id. Nothing is built, fetched, written or started."""
    return executor.describe(draft(executor.request, catalog, executor.host()))


def hand_in(catalog: Catalog, executor: Executor, listener: Listener) -> tuple[RunFolder, dict[str, int]]:
    """Submits a run whose jobs continue when this process ends. Gives its folder and the number of jobs by state."""
    assert isinstance(executor, Detachable)
    ready, folder = new_folder(executor.request, prepare(catalog, executor), listener)
    with folder.locked():
        return folder, executor.hand_in(ready, folder, listener)


def new_folder(request: RunRequest, ready: Ready, listener: Listener) -> tuple[Ready, RunFolder]:
    """The run's folder. Its plan records what `--resume` needs (launcher, root, Keras), command and owner."""
    root = str(request.root.absolute()) if request.root else None
    spec = public(request.keras_spec) if request.keras_spec else None
    setup = {"launcher": ready.launcher, "root": root, "keras_spec": spec, "command": request.command}
    setup |= {"price": f"{request.price:g}"} if request.price else {}
    plan = owner.sealed(msgspec.structs.replace(ready.plan, setup=setup), listener.say)
    folder = RunFolder.create(request.out, plan)
    if not folder.is_latest:
        listener.say(f"{request.out / LATEST} is not this run: nobody but its owner can change it")
    return msgspec.structs.replace(ready, plan=plan), folder


def made_by(folders: Sequence[RunFolder]) -> str:
    """The command that makes all of it again: those that made the runs, or a replay where that is not on record."""
    made = (_on_record(folder)[1] or f"orchestrate replay {shlex.quote(str(folder.path))}" for folder in folders)
    return " && ".join(dict.fromkeys(made))


def asked_for(folders: Sequence[RunFolder]) -> str:
    """The same as new runs, which may have more repeats; "" where a run cannot be asked for by options alone."""
    asked = [command or composed(plan) for plan, command in map(_on_record, folders)]
    return " && ".join(dict.fromkeys(asked)) if all(asked) else ""


def _on_record(folder: RunFolder) -> tuple[Plan, str]:
    """A run's plan, and the command that made it; "" where it is not known or not to be pasted."""
    plan, why = owner.recorded(folder)
    command = stranger.shown_command(plan.setup.get("command"))
    if why and stranger.acts(command):  # people paste it; a replay asks first
        command = ""
    return plan, command


def carry_out(
    request: Request,
    catalog: Catalog,
    executor: Executor,
    ready: Ready,
    folder: RunFolder,
    renewed: set[str],
    listener: Listener,
) -> Finished:
    """Runs the pending jobs, reports, and writes the run's manifest.

    An error, such as a full disk or a fault of ours, ends the run; what is on record is reported all the same.
    `renewed`: files that this session may write; their hashes in the run's manifest are taken again.
    """
    if request.until is not None:
        renewed = renewed | {"plan.json", "until.json"}
    known = outlook(ready, folder, catalog, executor.host())
    ready = msgspec.structs.replace(ready, seconds=known.seconds)
    with Hearing(listener) as hearing, folder.live(session_of(executor.host().name, known)):
        with paged(hearing, folder, catalog.root, executor, ready.plan) as pages:
            pages.planned(known)
            interrupted, broken = measured(request, executor, ready, folder, pages)
        with not_hung_up():
            from orchestrator.history import index  # after the jobs: like the report, it loads numpy and templates

            finished = report([folder], folder.path, catalog, made_by([folder]), hearing)
            if broken is None and not isinstance(finished.broken, HostError):
                write_digest(folder, finished.rows, hearing)
                write_run_manifest(folder.path, renewed)
            index.refresh(folder.path.parent, owner.strange, hearing.say)
    broken = broken or finished.broken or hearing.fault
    return msgspec.structs.replace(finished, interrupted=interrupted, broken=broken)


def write_digest(folder: RunFolder, rows: Sequence[Row], listener: Listener) -> None:
    """Write what lists show of the run. What hinders that is said: without it, its plan is read."""
    try:
        plan, why = owner.recorded(folder)
        made = digest(plan, rows)
        write_atomic(folder.path / DIGEST, to_json(made if why else owner.sealed_digest(made, plan)))
    except OrchestrateError as error:
        listener.say(f"{DIGEST} was not written: {error.message}")


def measured(
    request: Request, executor: Executor, ready: Ready, folder: RunFolder, listener: Listener
) -> tuple[bool, Exception | None]:
    """Runs the pending jobs; whether the user stopped them, and what ended the run early."""
    try:
        if request.until is None:
            return execute(executor, ready, folder, listener), None
        from orchestrator.run.repeat import execute_until  # imported here because it loads numpy

        interrupted, closing = execute_until(executor, ready, folder, listener, request.until, request.budget_s)
    except OrchestrateError as error:
        hint = "; ".join(filter(None, [error.hint, f"`orchestrate run --resume {folder.path}` goes on from here"]))
        return False, HostError(error.message, hint)
    except Exception as fault:
        return False, fault
    for line in closing:
        listener.say(line)
    return interrupted, None


def report(
    folders: Sequence[RunFolder],
    out: Path,
    catalog: Catalog,
    command: str,
    listener: Listener,
    price: float | None = None,
) -> Finished:
    """Merges recorded runs and writes their tables and report to `out`. What hinders that is in `broken`, not raised.

    `command` makes all of it again (see `made_by`). Without a `price` per hour that of the runs counts. What could
    not be made, such as a chart, is a line in the report, and is said. Raises UserError for a price of what has none.
    """
    from orchestrator.results import collect

    place = checked_place(out)
    listener.say("merging and reporting")
    merged = collect.merge_runs(folders)
    check_price(price, merged.rows)
    broken: Exception | None = None
    told = Finished(rows=[], out=out)
    try:
        merged = collect.write_tables(merged, place)
    except Exception as error:
        broken = error
    try:  # who is fastest is told, whatever the disk says
        view = view_of(merged, catalog, command, price or recorded_price(folders), asked_for(folders))
        told = summary(view, out)
        lacking = [] if broken else write_report(view, place)
        for line in (*merged.notes, *lacking):
            listener.say(line)
    except Exception as error:
        broken = broken or error
    return msgspec.structs.replace(told, rows=merged.rows, broken=broken)


def summary(view: View, out: Path) -> Finished:
    """What a terminal is told of a report, whose rows are those of the report."""
    from orchestrator.report.answer.conclusion import conclude  # imported here because they load numpy
    from orchestrator.report.disturbed import sentences
    from orchestrator.report.standings import standings

    names = {(row.get("run_id"), row["job_id"]): str(row["called"]) for row in view.rows}
    return Finished(
        rows=view.rows,
        out=out,
        standings=standings(view),
        conclusion=conclude(view),
        disturbances=sentences(view.layout),
        names=names,
    )


def check_price(price: float | None, rows: Sequence[Row]) -> None:
    """Raises UserError for a price of rows that have no money: those of jobs that do not train."""
    from orchestrator.stats.repeats import mode_of  # imported here because it loads numpy

    for mode in dict.fromkeys(map(mode_of, rows)):
        refuse_price(price, mode)


def recorded_price(folders: Sequence[RunFolder]) -> float | None:
    """The price per hour that all of these runs were begun with; None where they had none, or different ones."""
    found = {folder.plan().setup.get("price") for folder in folders}
    text = found.pop() if len(found) == 1 else None
    try:
        price = float(text or 0)
    except ValueError:  # a stranger's plan may say anything
        return None
    return price if 0 < price < math.inf else None


def view_of(merged: Merged, catalog: Catalog, command: str, price: float | None = None, asked: str = "") -> View:
    """Merged runs sorted, ranked and judged: what the report and the summary on the terminal both show.

    `command` and `asked`: see `made_by` and `asked_for`.
    """
    from orchestrator.report.input import report_input  # imported here because they load numpy
    from orchestrator.report.view import make_view

    created = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return make_view(msgspec.structs.replace(report_input(merged, catalog, command, created, price), asked=asked))


def checked_place(out: Path) -> Path:
    """Where tables and reports are written to, before any of it is. Raises doors.Refused for charts/ that is a link."""
    place = doors.own(out)
    doors.names(place / CHARTS)
    return place


def write_report(view: View, out: Path, draw: Callable[[View], Drawn] | None = None) -> list[str]:
    """The report: HTML, Markdown and charts, which a program of its own draws unless `draw` does; what could not be
    drawn, in words.

    Raises HostError where they cannot be written, and doors.Refused where the folder of the charts is a link.
    """
    from orchestrator.report.build import build  # imported here because it loads numpy
    from orchestrator.run.drawn import drawn

    out = checked_place(out)
    again = doors.kind_of(out / "report.md") == "file" and "(charts/" in "".join(doors.tail(out / "report.md", 2**24))
    made = build(view, draw or drawn)
    files = made.files()
    for name, content in files.items():
        write_atomic(out / name, content)
    for old in doors.names(out / CHARTS) if again else []:  # of an earlier report, which had more of them
        if f"{CHARTS}/{old}" not in files and "." in old:
            with disk_errors(out / CHARTS / old):
                doors.remove(out / CHARTS / old)
    return made.lacking
