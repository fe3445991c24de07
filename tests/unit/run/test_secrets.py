"""What was typed with a password or a token leaves no trace: not in records, reports, tables, nor on the screen."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from orchestrator.cli import app
from orchestrator.report.drawing import drawn_here
from orchestrator.run import drawn
from orchestrator.stacks import venvs
from tests.fakes import stub_orchestrate
from tests.fakes.runs import Bench
from tests.unit.report.makers import draw_nothing

pytestmark = pytest.mark.slow

SPEC = "keras @ git+https://bot:S3CRET@host/keras.git?token=S3CRET#subdirectory=keras"
TYPED = ("--keras-spec", SPEC, "--pip-index-url", "https://me:S3CRET@host/simple", "--stack", "keras3-jax")


@pytest.fixture
def bench(tmp_path, monkeypatch, capfd):
    """Whole runs with their reports, in this process; nothing is installed, and no chart is drawn."""
    bench = Bench(tmp_path, ["good"])
    monkeypatch.setattr(venvs, "ensure", stub_orchestrate.this_python)
    draw_nothing(monkeypatch)
    monkeypatch.setattr(drawn, "drawn", drawn_here)

    def finish(*words):
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["orchestrate", *map(str, bench.placed(words))])
        with pytest.raises(SystemExit) as ended:
            app.main()
        sys.stdout.flush()
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    bench.finish = finish
    return bench


def telling(folder):
    return [path for path in folder.rglob("*") if path.is_file() and b"S3CRET" in path.read_bytes()]


def test_nothing_that_a_run_leaves_or_says_tells_a_secret(bench, tmp_path):
    code, stdout, stderr = bench.finish(*bench.run(*TYPED))
    assert code == 0, stderr
    assert "S3CRET" not in stdout + stderr
    assert telling(bench.out) == []
    run = bench.runs[0]
    assert "https://host/simple" in (run / "report.md").read_text()
    shown = "keras @ git+https://host/keras.git#subdirectory=keras"
    assert json.loads((run / "plan.json").read_bytes())["setup"]["keras_spec"] == shown
    rows = json.loads((run / "results.json").read_bytes())["results"]
    assert shown in {row["keras_version"].partition(" from ")[2] for row in rows}
    # It goes on without the secret being typed again: its environment is there, under the name of what is recorded.
    next(run.glob("jobs/*/result.json")).unlink()
    code, stdout, stderr = bench.finish("run", "--resume", run)
    assert code == 0, stderr
    assert telling(bench.out) == []


def test_records_that_tell_one_are_shown_without_it(bench):
    """Of an older version, or of somebody else."""
    bench.finish(*bench.run(*TYPED))
    for path in bench.runs[0].glob("jobs/*/result.json"):
        result = json.loads(path.read_bytes())
        result["fingerprint"]["keras_spec"] = SPEC
        path.write_text(json.dumps(result))
        (path.parent / "manifest.json").unlink()
    shutil.rmtree(bench.runs[0] / "charts", ignore_errors=True)
    for words in (("report", bench.runs[0]), ("replay", bench.runs[0], "--dry-run", "--root", bench.root)):
        code, stdout, stderr = bench.finish(*words)
        assert code == 0, stderr
        assert "S3CRET" not in stdout + stderr
    told = {path.name for path in telling(bench.runs[0])}
    assert told == {"result.json"}


def test_neither_a_job_nor_its_parent_has_the_orchestrators_environment(bench, tmp_path, monkeypatch):
    """The parent of a job as a process is its reaper. The orchestrator above it is the same user: docs/SECURITY.md."""
    monkeypatch.setenv("MY_TOKEN", "S3CRET")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/its/libraries")  # what a parent's Python may need
    script = "import os\nfor pid in ('self', os.getppid()): print(open(f'/proc/{pid}/environ').read())\n"
    (bench.root / "workloads" / "run.py").write_text(script)
    code, _, stderr = bench.finish(*bench.run())
    assert code == 1, stderr
    log = next(bench.out.glob("2*/jobs/*/log.txt")).read_text()
    assert log.count("KERAS_BACKEND=") == log.count("LD_LIBRARY_PATH=/its/libraries") == 1 and "S3CRET" not in log
