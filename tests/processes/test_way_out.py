"""What is lost on the way out costs no rows: whole runs of stub jobs whose streams, terminal, locale or memory fail."""

from __future__ import annotations

import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, once
from tests.fakes.roots import make_cpu_root, make_data

pytestmark = pytest.mark.slow
TABLES = {"results.json", "results.csv", "epochs.csv", "report.html", "report.md", "plan.json", "manifest.json", "jobs"}


class Place:
    """Stub workloads, data, a cache that has their environment, and the command that runs them into `out`."""

    def __init__(self, made: Path, out: Path) -> None:
        self.made = made
        self.out = out
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(made / "cache")}
        self.environment |= {"KERAS_HOME": str(made / "keras"), "COLUMNS": "200"}

    def argv(self, workload: str = "good", *more: object, flags: tuple[str, ...] = (), verb: str = "run") -> list[str]:
        words = [
            "--config",
            "smoke",
            "--launcher",
            "process",
            "--stack",
            "stub",
            "--workload",
            workload,
            "--threads",
            1,
        ]
        words += ["--root", self.made / "root", "--data-dir", self.made / "data", "--out", self.out]
        words += ["--no-fetch"] if verb == "run" else []
        return [sys.executable, *flags, "-m", "orchestrator", verb, *map(str, [*words, *more])]

    def run(self, argv: list[str], shell: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """`shell`: redirections and limits, with "$@" for the command."""
        if shell:
            argv = ["sh", "-c", shell, "sh", *argv]
        return subprocess.run(
            argv, capture_output=True, text=True, errors="replace", env=self.environment | environment, timeout=300
        )

    def complete(self) -> list[str]:
        """The statuses of the one run, which has all its tables, its report and its seal."""
        (run,) = [path.parent for path in self.out.glob("*/plan.json") if not path.parent.is_symlink()]
        assert TABLES - {path.name for path in run.iterdir()} == set()
        check = self.run([sys.executable, "-m", "orchestrator", "verify", str(run)])
        assert check.returncode == 0, check.stdout
        rows = json.loads((run / "results.json").read_text(encoding="utf-8"))["results"]
        return [row["status"] for row in rows]


@pytest.fixture
def place(shared, tmp_path):
    made = shared / "way-out"

    def make() -> str:
        make_cpu_root(made / "root", ["good", "slow"])
        make_data(made / "data")
        first = Place(made, made / "first")
        answer = first.run(first.argv())
        assert answer.returncode == 0, answer.stderr
        return str(made)

    return Place(Path(once(shared / "way-out.json", make)), tmp_path / "results")


STREAMS = ["<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "--json >/dev/full"]


@pytest.mark.parametrize("redirection", STREAMS)
def test_streams_that_are_closed_or_full_cost_nothing(place, redirection):
    answer = place.run(place.argv(), f'"$@" {redirection}')
    assert answer.returncode == 0
    assert place.complete() == ["ok"]
    assert "Traceback" not in answer.stderr
    if ">/dev/full" in redirection and "2>" not in redirection:
        assert "standard output could not be written: No space left on device; the same is in" in answer.stderr


def test_a_reader_that_leaves_in_mid_run_costs_nothing(place):
    """As an ssh connection without a terminal leaves it behind when it breaks."""
    run = subprocess.Popen(
        place.argv("slow", "--repeats", 2),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=place.environment,
        start_new_session=True,
    )
    assert run.stderr is not None and run.stdout is not None
    next(line for line in run.stderr if b"epoch 1" in line)
    run.stderr.close()
    run.stdout.close()
    assert run.wait(120) == 0
    assert place.complete() == ["ok"] * 2
    for job in place.out.glob("2*/jobs/*"):
        last = json.loads((job / "samples.jsonl").read_bytes().splitlines()[-1])["t"]
        events = [json.loads(line) for line in (job / "events.jsonl").read_bytes().splitlines()]
        (begun,) = (event["t"] for event in events if event["event"] == "epoch_begin" and event["epoch"] == 2)
        assert last > begun  # sampled to its end


@pytest.mark.parametrize("tells", [[signal.SIGHUP] * 2, [signal.SIGTERM, signal.SIGHUP]])
def test_a_terminal_that_is_closed_leaves_rows_for_all(place, tells):
    """The kernel tells so, and then the shell; nothing can be written to it any more."""
    keyboard, terminal = pty.openpty()
    run = subprocess.Popen(place.argv("slow", "--repeats", 2), stdin=terminal, stdout=terminal, stderr=terminal,
                           env=place.environment | {"TERM": "xterm"}, start_new_session=True)  # fmt: skip
    os.close(terminal)
    seen = b""
    while b" 1/2 " not in seen:  # of its epochs
        seen += os.read(keyboard, 4096)
    os.close(keyboard)
    for number in tells:
        run.send_signal(number)
    assert run.wait(120) == 130
    assert place.complete()[1] == "cancelled"  # the other one may be about to end
    again = place.run(place.argv("slow", "--repeats", 2, "--resume", "latest"))
    assert again.returncode == 0, again.stderr
    assert place.complete() == ["ok"] * 2


def test_too_little_memory_for_an_engine_costs_no_chart(place):
    limited = f'ulimit -v {16_000_000}; exec "$@"'
    answer = place.run(place.argv(), limited)
    assert answer.returncode == 0, answer.stderr
    assert place.complete() == ["ok"]
    assert "could not be drawn" not in answer.stderr
    (report,) = place.out.glob("2*/report.md")
    assert list(report.parent.glob("charts/*.svg"))


@pytest.mark.parametrize("flags", [("-OO",), ("-bb", "-W", "error"), ("-X", "utf8=0"), ("-u", "-X", "dev")])
def test_flags_of_python_cost_nothing(place, flags):
    answer = place.run(place.argv(flags=flags))
    assert answer.returncode == 0, answer.stderr
    assert place.complete() == ["ok"]
    assert "could not be drawn" not in answer.stderr


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_an_encoding_that_lacks_our_letters_costs_nothing(place, encoding):
    answer = place.run(place.argv(), PYTHONIOENCODING=encoding)
    assert answer.returncode == 0, answer.stderr
    assert place.complete() == ["ok"]


def test_a_locale_that_lacks_our_letters_costs_nothing(place, tmp_path):
    """And what is read and written in it is read and written in UTF-8 all the same."""
    if shutil.which("localedef") is None:
        pytest.skip("no localedef")
    made = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE.ISO-8859-1")]
    if subprocess.run(made, capture_output=True).returncode != 0:
        pytest.skip("no source of the locale de_DE")
    locale = {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.ISO-8859-1"}
    assert place.run(
        [sys.executable, "-c", "import locale; print(locale.getpreferredencoding())"], **locale
    ).stdout == ("ISO-8859-1\n")
    answer = place.run(place.argv(), **locale)
    assert answer.returncode == 0, answer.stderr
    assert place.complete() == ["ok"]
    for name in ("report.html", "report.md"):
        (report,) = place.out.glob(f"2*/{name}")
        (usual,) = (place.made / "first").glob(f"2*/{name}")
        assert ("·" in report.read_text(encoding="utf-8")) == ("·" in usual.read_text(encoding="utf-8")) is True


def test_a_python_that_does_not_find_our_packages_says_so(tmp_path):
    argv = [sys.executable, "-S", "-m", "orchestrator", "list"]
    answer = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env={"PATH": os.defpath}, timeout=60)
    assert answer.returncode == 3
    assert "does not find the package click" in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.parametrize("verb", ["list", "plan", "doctor"])
def test_an_answer_that_did_not_arrive_is_no_success(place, verb):
    argv = [sys.executable, "-m", "orchestrator", "list"] if verb == "list" else place.argv(verb=verb)
    answer = place.run(argv, '"$@" >/dev/full')
    assert answer.returncode == 3
    assert "standard output could not be written: No space left on device" in answer.stderr
    assert place.run(argv, '"$@" >&-').returncode == 0


def test_a_limit_of_file_sizes_is_told_and_costs_no_row_before_it(place):
    """SIGXFSZ is ignored by Python: the write fails."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    answer = subprocess.run(
        place.argv(), capture_output=True, text=True, env=place.environment, timeout=120, preexec_fn=limited
    )
    assert answer.returncode == 3
    assert "File too large" in answer.stderr and "Traceback" not in answer.stderr
    (result,) = place.out.glob("2*/jobs/*/result.json")
    assert json.loads(result.read_text(encoding="utf-8"))["status"] == "ok"
