"""Verbs called in this process, and copies of recorded runs that are smaller or slower."""

from __future__ import annotations

import json
import shutil

from click.testing import CliRunner

from orchestrator.cli.app import cli


def call(*argv, code=0):
    answer = CliRunner().invoke(cli, [str(word) for word in argv])
    assert answer.exit_code == code, (answer.output, answer.exception)
    return answer.stdout


def slowed(run, to, factor):
    """A copy of a run whose every epoch took longer, three times over as repeats that hardly differ."""
    shutil.copytree(run, to)
    plan = json.loads((to / "plan.json").read_text())
    jobs = []
    for job in plan["jobs"]:
        name = ".".join([job["workload"], job["stack"], job["backend"], job["device"]])
        result = json.loads((to / "jobs" / f"{name}.1" / "result.json").read_text())
        for repeat in (1, 2, 3):
            for epoch in result["epochs"]:
                epoch["train_s"] *= factor if repeat == 1 else 1.001
            job = {**job, "repeat": repeat}
            jobs.append(job)
            folder = to / "jobs" / f"{name}.{repeat}"
            folder.mkdir(exist_ok=True)
            (folder / "result.json").write_text(json.dumps({**result, "job": job}))
    (to / "plan.json").write_text(json.dumps({**plan, "jobs": jobs}))
    return to


def small(run, to):
    """A copy of a run with its first two jobs only: charts take their time."""
    shutil.copytree(run, to)
    plan = json.loads((to / "plan.json").read_text())
    (to / "plan.json").write_text(json.dumps({**plan, "jobs": plan["jobs"][:2]}))
    return to
