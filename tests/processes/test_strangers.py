"""Runs and sets that came from somebody else, given to the real commands: data, never a way to another place."""

from __future__ import annotations

import json
import os
import shutil

import duckdb
import pytest

from tests.fakes.runs import Bench

SECRET = "sesame"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("bench"), ["good", "raise"], module="tests.fakes.stub_orchestrate")
    code, _, stderr = bench.finish(*bench.run())
    assert code in (0, 1), stderr
    bench.module = "orchestrator"
    return bench


@pytest.fixture
def mail(bench):
    """A copy of the run as if it came in an archive, beside what it must not reach."""
    for name in ("mail", "proj", "set", "to"):
        shutil.rmtree(bench.folder / name, ignore_errors=True)
    shutil.copytree(bench.runs[0], bench.folder / "mail", symlinks=True)
    (bench.folder / "mail" / "manifest.json").unlink()
    proj = bench.folder / "proj"
    (proj / "out").mkdir(parents=True)
    for name in ("out/x", ".draft.tmp", "log.txt"):
        (proj / name).write_text(SECRET)
    return bench.folder / "mail"


def job_of(mail):
    return next(iter(sorted((mail / "jobs").iterdir())))


def state(folder):
    return {str(path): path.is_symlink() or path.is_dir() or path.read_text() for path in sorted(folder.rglob("*"))}


def refused(bench, path, *words):
    """The command names `path` in one line, exits 2, and changed nothing in the neighbour's folder or in the run."""
    before = state(bench.folder / "proj"), sorted((bench.folder / "mail").rglob("*"))
    code, stdout, stderr = bench.finish(*words, timeout=60)
    assert code == 2, (stdout, stderr)
    (error,) = [line for line in stderr.splitlines() if line.startswith("ERROR")]
    assert str(path) in error
    assert "Traceback" not in stderr
    assert SECRET not in stdout + stderr
    assert (state(bench.folder / "proj"), sorted((bench.folder / "mail").rglob("*"))) == before


COMMANDS = {
    "report": ("report", "mail"),
    "report --to": ("report", "mail", "--to", "to"),
    "merge": ("merge", "mail", "--to", "to"),
    "compare": ("compare", "mail", "mail"),
    "validate": ("validate", "mail"),
    "verify": ("verify", "mail"),
    "replay": ("replay", "mail", "--dry-run"),
    "replay of a job": ("replay", "mail/jobs/JOB", "--dry-run"),
    "resume": ("run", "--resume", "mail", "--no-fetch", "--no-build"),
    "attach": ("attach", "mail"),
    "clean": ("clean", "--out", "."),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_below_a_run_is_refused_by_every_command(bench, mail, command, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    job = job_of(mail)
    shutil.rmtree(job)
    job.symlink_to("../../proj")
    words = [word.replace("JOB", job.name) for word in COMMANDS[command]]
    refused(bench, job, *words)


@pytest.fixture(autouse=True)
def as_typed(monkeypatch):
    monkeypatch.setattr(Bench, "placed", lambda self, words: list(words))


def odd(path, kind):
    """Puts a link to the neighbour, or a FIFO, in a path's place."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to(path.parents[len(path.parts) - 1 - path.parts.index("mail")] / "proj" / "log.txt")


@pytest.mark.parametrize("place", ["log.txt", "result.json", "samples.jsonl", "out", "attempts", "slurm"])
@pytest.mark.parametrize("kind", ["link", "FIFO"])
def test_nothing_of_a_job_is_a_link_or_a_fifo(bench, mail, place, kind):
    path = job_of(mail) / place
    odd(path, kind)
    refused(bench, path, "report", "mail")


@pytest.mark.parametrize("place", ["charts", "gpu-1.jsonl", ".results.json.17.tmp", "jobs", "plan.json"])
@pytest.mark.parametrize("kind", ["link", "FIFO"])
def test_nothing_of_a_run_is_a_link(bench, mail, place, kind):
    path = mail / place
    odd(path, kind)
    refused(bench, path, "report", "mail")


def test_charts_of_the_folder_to_write_to_is_no_link(bench, mail):
    (bench.folder / "to").mkdir()
    (bench.folder / "to" / "charts").symlink_to("../proj")
    refused(bench, "to/charts", "report", "mail", "--to", "to")
    assert [path.name for path in (bench.folder / "to").iterdir()] == ["charts"]


def test_samples_of_the_folder_to_merge_to_is_no_link(bench, mail):
    (bench.folder / "to").mkdir()
    (bench.folder / "to" / "samples").symlink_to("../proj")
    refused(bench, "to/samples", "merge", "mail", "--to", "to")
    assert [path.name for path in (bench.folder / "to").iterdir()] == ["samples"]


def test_a_link_above_a_run_is_its_users_own(bench, mail):
    (bench.folder / "link").unlink(missing_ok=True)
    (bench.folder / "link").symlink_to("mail")
    code, _, stderr = bench.finish("verify", "link")
    assert (code, stderr) == (1, "")  # incomplete, as its manifest was left out
    assert bench.finish("merge", "link", "--to", "to")[0] == 0


@pytest.fixture
def merged(bench, mail):
    assert bench.finish("merge", "mail", "--to", "set")[0] == 0
    return bench.folder / "set"


def rewritten(path, select):
    other = path.with_name("other.parquet")
    duckdb.sql(f"copy ({select.format(path=path)}) to '{other}' (format parquet)")
    other.replace(path)


SET_COMMANDS = {
    "compare": ("compare", "mail", "set"),
    "report": ("report", "set"),
    "merge": ("merge", "set", "--to", "to"),
    "query": ("query", "select count(*) from results", "set"),
    "validate": ("validate", "set"),
}


@pytest.mark.parametrize("command", SET_COMMANDS)
def test_a_small_file_of_many_rows_takes_no_memory(bench, merged, command):
    rewritten(merged / "results.parquet", "select r.* from '{path}' r, range(1000000)")
    assert (merged / "results.parquet").stat().st_size < 10_000_000
    code, _, stderr = bench.finish(*SET_COMMANDS[command])
    assert code == 2
    assert f"{merged}/results.parquet has 2,000,000 rows; no more than 1,000,000 are read" in stderr


@pytest.mark.parametrize(
    ("command", "table"),
    [
        *((command, "samples/00000.parquet") for command in SET_COMMANDS),
        *(("query", table) for table in ("results.parquet", "epochs.parquet", "set.json")),
    ],
)
def test_a_link_below_a_set_is_refused_by_every_command(bench, merged, command, table):
    path = merged / table
    shutil.move(path, bench.folder / "proj" / "moved")
    path.symlink_to(bench.folder / "proj" / "moved")
    code, _, stderr = bench.finish(*SET_COMMANDS[command])
    assert code == 2
    assert f"ERROR {path} is a link" in stderr
    assert not (bench.folder / "to" / "results.json").exists()


BROKEN = {
    "epochs of no job": ("epochs", "select * replace ('other' as job_id) from '{path}'", "is not in results.parquet"),
    "jobs twice": ("results", "select r.* from '{path}' r, range(2)", "is there twice"),
    "no column": ("results", "select * exclude (stack) from '{path}'", "has no column stack"),
    "words for numbers": ("results", "select * replace ('soon' as epoch_s) from '{path}'", "soon"),
    "lists for numbers": ("results", "select * replace ([1, 2] as epoch_s) from '{path}'", ""),
    "empty names": ("results", "select * replace (null as workload) from '{path}'", "column workload is empty"),
    "a status of its own": ("results", "select * replace ('great' as status) from '{path}'", "no status 'great'"),
    "words for epochs": ("epochs", "select * replace ('first' as epoch) from '{path}'", "first"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_set_that_contradicts_itself_is_one_line(bench, merged, fault):
    table, select, words = BROKEN[fault]
    path = merged / f"{table}.parquet"
    rewritten(path, select)
    for command in ("report", "merge", "compare"):
        code, _, stderr = bench.finish(*SET_COMMANDS[command])
        assert code == 2, stderr
        (error,) = [line for line in stderr.splitlines() if line.startswith("ERROR")]
        assert str(path) in error
        assert words in error


def test_text_of_a_job_is_no_formula_in_a_spreadsheet_and_no_order_to_a_terminal(bench, mail):
    record = job_of(mail) / "result.json"
    result = json.loads(record.read_text())
    result["status"], result["reason"] = "failed", "=HYPERLINK(1)\x1b]0;title\x07\u202e"
    result["ready"]["framework_version"] = "@SUM(1)"
    record.write_text(json.dumps(result))
    code, stdout, stderr = bench.finish("report", "mail")
    assert code == 0, stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(stdout + stderr)
    table = (mail / "results.csv").read_text()
    assert ",'=HYPERLINK(1)" in table
    assert ",'@SUM(1)" in table
    code, stdout, _ = bench.finish("report", "mail", "--json")
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(stdout)
    assert any(row["reason"].endswith("\u202e") for row in json.loads(stdout)["results"])


def test_no_line_of_a_stranger_passes_for_one_of_ours(bench, mail):
    """A build that prints `::add-path::...` on a line of its own gives orders to the service that runs it."""
    record = job_of(mail) / "result.json"
    result = json.loads(record.read_text())
    result["status"], result["reason"] = "failed", "no\n::error::forged\n4 of 4 jobs ok"
    record.write_text(json.dumps(result))
    manifest = {"version": 1, "files": {"x\n::error::forged": {"sha256": "0" * 64, "bytes": 0}}}
    (job_of(mail) / "manifest.json").write_text(json.dumps(manifest))
    for words in (("report", "mail"), ("verify", "mail"), ("merge", "mail", "--to", "to"), ("report", "to")):
        _, stdout, stderr = bench.finish(*words)
        assert "forged" in stdout + stderr or "merge" in words
        assert not any(line.lstrip().startswith(("::error", "4 of 4")) for line in (stdout + stderr).splitlines()), (
            words
        )


TELLING = "https://u:S3CRET@h/x?token=S3CRET"


def test_no_exit_tells_a_secret_that_a_record_holds(bench, mail):
    """Records of an older version, or what a job, an index or a driver said: in every format and place."""
    for record in mail.glob("jobs/*/result.json"):
        result = json.loads(record.read_text())
        words = ("image", "image_digest", "keras_spec", "host", "cpu", "os", "gpu_name", "driver", "commit", "launcher")
        result["fingerprint"] |= dict.fromkeys((*words, "gpu_route", "gpu_busy", "virtualization"), TELLING)
        result["fingerprint"] |= {"unconfined": [TELLING], "command": ["x", TELLING]}
        result["ready"] |= {"framework_version": TELLING, "keras_version": TELLING}
        result |= {"status": "failed", "reason": TELLING, "start": {"t": 1.0, "python": TELLING}}
        record.write_text(json.dumps(result))
        (record.parent / "log.txt").write_text(f"{TELLING}\n")
    said = ""
    for words in (
        *(
            ("report", "mail", "--to", "to", "--json"),
            ("merge", "mail", "--to", "set"),
            ("merge", "set", "--to", "set"),
        ),
        *(("report", "set"), ("report", "mail", "--to", "to"), ("query", "select * from results", "set")),
        *(("compare", "mail", "set", "--format", form) for form in ("text", "markdown", "junit", "json")),
        ("replay", "mail", "--dry-run"),
    ):
        code, stdout, stderr = bench.finish(*words)
        assert code in (0, 1), stderr
        said += stdout + stderr
    assert "https://h/x" in said and "S3CRET" not in said
    written = [path for folder in ("to", "set") for path in (bench.folder / folder).rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"report.html", "report.md", "results.csv", "results.parquet"}
    assert [path.name for path in written if b"S3CRET" in path.read_bytes()] == []


def test_reports_steer_neither_terminal_nor_reader(bench, mail):
    record = job_of(mail) / "result.json"
    result = json.loads(record.read_text())
    result["status"], result["reason"] = "failed", "a\x1b]0;title\x07\x9b\u202e\u2066b"
    result["ready"]["framework_version"] = "1\u202e2"
    record.write_text(json.dumps(result))
    (job_of(mail) / "log.txt").write_text("c\x1b[2Jd\u202ee\n")
    assert bench.finish("report", "mail", "--to", "to")[0] == 0
    for path in (bench.folder / "to").glob("*.*"):
        if path.suffix in (".html", ".md", ".csv", ".json"):
            assert not {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"} & set(path.read_text()), path.name
