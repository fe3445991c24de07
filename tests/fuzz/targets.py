"""What reads files that anybody may have written: each target takes bytes, and raises nothing but a bug of ours."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

from orchestrator.errors import OrchestrateError
from orchestrator.measure.events import EventTail, sort_events
from orchestrator.model import Plan, Result, to_json
from orchestrator.plan import config
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import check_job, job_is_whole
from orchestrator.results.records import NewerRecord
from orchestrator.results.rows import epoch_rows, merge_run, result_row
from tests.make import make_job

KNOWN_KINDS = ["start", "data", "ready", "phase", "epoch_begin", "epoch_end", "end", "error"]
JOB = make_job()
PLAN = Plan(run_id="20260101-000000-abcd", created="now", config={}, seed=1, jobs=[JOB])
GOOD = b'{"event": "end", "t": 7.5}'


def read_config(data: bytes) -> None:
    with contextlib.suppress(OrchestrateError):
        found = config.decode(data, "mine.yaml")
        for text, parse in ((found.timeout, config.parse_duration), (found.memory, config.parse_memory)):
            if text:
                with contextlib.suppress(OrchestrateError):
                    parse(text)


def read_events(data: bytes) -> None:
    """As lines of a job: the good line at the end is found, and everything read can be recorded and merged."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(data + b"\n" + GOOD)
        events = EventTail(path).read(last=True)
    assert events[-1] == {"event": "end", "t": 7.5}
    result = Result(run_id="r", job=JOB, status="ok", launched_t=1.0, exited_t=2.0, **sort_events(events))
    to_json(result)
    json.dumps(result_row(result, ()), allow_nan=False)
    epoch_rows([result])


def read_record(data: bytes) -> None:
    """As result.json, job.json, manifest.json and samples of a job."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        (run.path / "plan.json").write_bytes(to_json(PLAN))
        own = run.job_folder(JOB)
        own.mkdir(parents=True)
        for name in ("result.json", "job.json", "manifest.json", "samples.jsonl", "log.txt"):
            (own / name).write_bytes(data)
        results = run.results()
        assert set(results) == {JOB.id}
        rows = merge_run(PLAN, results, {JOB.id: run.samples(JOB)})
        json.dumps(rows, allow_nan=False)
        assert run.attempts(JOB) >= 1
        with contextlib.suppress(NewerRecord):
            assert not job_is_whole(own)
            list(check_job(own))


def read_plan(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plan.json").write_bytes(data)
        with contextlib.suppress(OrchestrateError):
            run = RunFolder.open(Path(folder))
            for job in run.plan().planned:
                assert run.job_folder(job).parent == run.path / "jobs"


TARGETS = [read_config, read_events, read_record, read_plan]
