"""One run from request to report, over stub jobs and with a stand-in for the charts."""

from __future__ import annotations

import json

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.executors.choose import choose_executor
from orchestrator.files import write_atomic
from orchestrator.history import index
from orchestrator.history.runs import list_runs
from orchestrator.host import probe
from orchestrator.plan import draft
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import load_config, override
from orchestrator.plan.request import RunRequest
from orchestrator.results.folder import RunFolder
from orchestrator.run import owner, session
from orchestrator.stacks import venvs
from orchestrator.stacks.images import engine
from tests.fakes import stub_orchestrate
from tests.fakes.recorder import Recorder
from tests.fakes.roots import make_data, make_root
from tests.fakes.runs import STACK

pytestmark = pytest.mark.slow


@pytest.fixture
def request_(tmp_path, monkeypatch):
    monkeypatch.setattr(venvs, "ensure", stub_orchestrate.this_python)
    monkeypatch.setattr(session, "report", stub_orchestrate.rows_only)
    config = override(load_config("smoke"), stacks=[STACK], threads=1)
    root, data = make_root(tmp_path / "root", ["good", "exit1"]), make_data(tmp_path / "data")
    return RunRequest(config=config, out=tmp_path / "results", root=root, data_dir=data, may_fetch=False)


def counted(monkeypatch, module, name, calls):
    real = getattr(module, name)

    def call(*args, **kwargs):
        calls[name] = calls.get(name, 0) + 1
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, call)


def test_a_run_asks_the_host_the_plan_and_the_engine_once(request_, monkeypatch):
    calls: dict[str, int] = {}

    def no_engine():
        raise HostError("no engine here")

    monkeypatch.setattr(engine, "connect", no_engine)
    for module, name in ((probe, "probe_host"), (draft, "make_plan"), (engine, "connect")):
        counted(monkeypatch, module, name, calls)
    catalog, listener = load_catalog(request_.root), Recorder()
    finished = session.run(catalog, choose_executor(request_, catalog, listener.say), listener)
    assert sorted(row["status"] for row in finished.rows) == ["failed", "ok"]
    assert calls == {"probe_host": 1, "make_plan": 1, "connect": 1}
    assert len(listener.of("started")) == len(listener.of("finished")) == 2


def test_a_description_writes_and_starts_nothing(request_):
    catalog = load_catalog(request_.root)
    plan, commands = session.describe(catalog, choose_executor(request_, catalog, lambda line: None))
    assert set(commands) == {job.id for job in plan.planned}
    assert not request_.out.exists()


def test_all_of_it_again_is_the_command_that_made_the_run(request_, monkeypatch):
    """Not the one that wrote the report last, and not that of a resume; until.json's rounds keep it, too."""
    command = "orchestrate run --config smoke --until 50%"
    config = override(request_.config, launcher="process")
    request = msgspec.structs.replace(request_, config=config, command=command, until=0.5, budget_s=1)
    catalog, listener = load_catalog(request.root), Recorder()
    finished = session.run(catalog, choose_executor(request, catalog, listener.say), listener)
    folder = RunFolder.open(finished.out)
    assert session.made_by([folder, folder]) == command
    assert folder.plan().setup["launcher"] == "process"
    folder.write_plan(msgspec.structs.replace(folder.plan(), setup={}))  # as older versions wrote it
    assert session.made_by([folder]) == f"orchestrate replay {folder.path}"


def test_a_run_leaves_a_sealed_digest_and_the_page_of_its_folder(request_, monkeypatch):
    catalog, listener = load_catalog(request_.root), Recorder()
    finished = session.run(catalog, choose_executor(request_, catalog, listener.say), listener)
    (run,) = list_runs(request_.out, owner.strange)
    assert (run.name, run.state, run.jobs, run.strange) == (finished.out.name, "done", "1 ok, 1 failed of 2", "")
    assert finished.out.name in (request_.out / "index.html").read_text()
    assert "run.json" in json.loads((finished.out / "manifest.json").read_text())["files"]
    digest = finished.out / "run.json"
    digest.write_text(digest.read_text().replace('"ok": 1', '"ok": 2'))
    (run,) = list_runs(request_.out, owner.strange)
    assert "its run.json was changed since" in run.strange


@pytest.mark.parametrize("name", ["index.html", "run.json"])
def test_a_page_or_a_digest_that_cannot_be_written_costs_no_run(request_, monkeypatch, name):
    def refuses(path, *rest):
        if path.name == name:
            raise HostError(f"disk full while writing {path}")
        write_atomic(path, *rest)

    monkeypatch.setattr(index, "write_atomic", refuses)
    monkeypatch.setattr(session, "write_atomic", refuses)
    catalog, listener = load_catalog(request_.root), Recorder()
    finished = session.run(catalog, choose_executor(request_, catalog, listener.say), listener)
    assert finished.broken is None and len(finished.rows) == 2 and (finished.out / "manifest.json").is_file()
    assert [line for line in listener.of("say") if f"{name} was not written: disk full" in line]


class Faulty(Recorder):
    """A display with a fault of ours."""

    def event(self, job, event):
        raise KeyError("ours")


def test_a_fault_of_the_display_is_told_when_the_run_is_sealed(request_):
    catalog = load_catalog(request_.root)
    finished = session.run(catalog, choose_executor(request_, catalog, lambda line: None), Faulty())
    assert isinstance(finished.broken, KeyError)
    assert sorted(row["status"] for row in finished.rows) == ["failed", "ok"]
    assert (finished.out / "manifest.json").is_file()


def test_a_fault_of_the_executor_leaves_what_is_on_record_and_no_seal(request_, monkeypatch):
    def breaks(executor, ready, folder, listener):
        next(iter(executor.run(ready, folder, listener)))
        raise KeyError("ours")

    monkeypatch.setattr(session, "execute", breaks)
    catalog = load_catalog(request_.root)
    finished = session.run(catalog, choose_executor(request_, catalog, lambda line: None), Recorder())
    assert isinstance(finished.broken, KeyError)
    assert len(finished.rows) == 2 and "unsupported" not in {row["status"] for row in finished.rows}
    assert not (finished.out / "manifest.json").exists()


def test_charts_of_an_earlier_report_do_not_stay(tmp_path, monkeypatch):
    class Made:
        lacking = ("none drawn",)

        def files(self):
            return {"report.html": b"x"}

    (tmp_path / "charts").mkdir()
    (tmp_path / "report.md").write_text("![Old](charts/old.svg)")
    for name in ("old.svg", "old.png", "old.json"):
        (tmp_path / "charts" / name).touch()
    monkeypatch.setattr("orchestrator.report.build.build", lambda *given: Made())
    assert session.write_report(None, tmp_path) == ("none drawn",)
    assert list((tmp_path / "charts").iterdir()) == []


def test_charts_of_somebody_else_stay(tmp_path, monkeypatch):
    """`report RUN --to SITE`, where SITE has pictures of its own."""

    class Made:
        lacking = ()

        def files(self):
            return {"report.html": b"x", "report.md": b"y", "charts/new.svg": b"z"}

    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "photo.png").touch()
    monkeypatch.setattr("orchestrator.report.build.build", lambda *given: Made())
    session.write_report(None, tmp_path)
    assert sorted(path.name for path in (tmp_path / "charts").iterdir()) == ["new.svg", "photo.png"]
