"""The script of docs/NIGHTLY.md does what the page says, here over made-up nights and with everything else real."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from orchestrator.cli.app import cli
from tests.conftest import ROOT
from tests.fakes.nights import recorded_night

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "NIGHTLY.md").read_text()
COMMIT = "1a" * 20
#: `orchestrate` in which a run is a made-up night: the next one, as slow as a file says.
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
words = sys.argv[1:]
if words[0] == "run":
    from tests.fakes.nights import recorded_night
    results = Path(words[words.index("--out") + 1])
    spec = words[words.index("--keras-spec") + 1]
    number, pace, failed = Path({state!r}).read_text().split()
    times = [1.2 * float(pace) * (1 + i / 1000) for i in range(5)]
    if int(number) >= 0:
        cells = {{"jax": [None] * 5 if failed == "1" else times, "torch": times}}
        recorded_night(results, int(number), cells, spec)
    sys.exit(int(failed))
from orchestrator.cli import main
main()
"""


@pytest.fixture
def nightly(tmp_path):
    """Runs one night: (exit code, job summary, output)."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    state, script = tmp_path / "state", tmp_path / "nightly.sh"
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(root=str(ROOT), state=str(state)))
    (bin_ / "orchestrate").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {program} "$@"\n')
    (bin_ / "git").write_text(f'#!/bin/sh\nprintf "{COMMIT}\\tHEAD\\n"\n')
    for path in bin_.iterdir():
        path.chmod(0o755)
    (text,) = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    script.write_text(text)
    results = tmp_path / "results"

    def run(number, pace=1.0, failed=0):
        state.write_text(f"{number} {pace} {failed}")
        summary = tmp_path / "summary"
        summary.write_text("")
        environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "RESULTS": str(results)}
        environment |= {"GITHUB_STEP_SUMMARY": str(summary), "HOME": str(tmp_path)}
        done = subprocess.run(["bash", str(script)], env=environment, capture_output=True, text=True, timeout=300)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, summary.read_text(), done.stdout + done.stderr

    run.results = results
    return run


def history(results, count):
    for number in range(count):
        times = [1.2 * (1 + (number % 5 + i) / 1000) for i in range(5)]
        spec = "keras @ git+https://github.com/keras-team/keras@" + "0b" * 20
        recorded_night(results, number, {"jax": times, "torch": times}, spec)


def test_a_good_night_is_green_and_a_slow_one_red_by_the_last_and_then_by_all(nightly):
    history(nightly.results, 29)
    code, summary, said = nightly(29)
    assert code == 0, summary + said
    assert "## Tonight against the last night" in summary and "no fresh step to slower by more than 5 %" in summary
    assert (nightly.results / "trend" / "trend.html").is_file()
    code, summary, _ = nightly(30, 1.15)
    assert code == 1 and "2 cells regressed by more than 10 %" in summary and "no fresh step" in summary
    assert "the newest night alone is slower by more than 5 %" in summary
    code, summary, _ = nightly(31, 1.15)
    assert code == 1 and "no significant regression above 10 %" in summary
    assert "2 lines regressed by more than 5 %" in summary and COMMIT[:12] in summary


def test_a_cell_that_broke_a_first_night_and_no_night_at_all_are_red(nightly):
    code, summary, _ = nightly(0)
    assert code == 1 and "FAILED: nothing could be judged" in summary and "Tonight against" not in summary
    history(nightly.results / "more", 10)
    code, summary, _ = nightly(-1)
    assert code == 1 and summary == "FAILED: there was no run tonight\n"
    code, summary, _ = nightly(12, failed=1)
    assert code == 1 and "BROKEN" in summary


def test_its_commands_are_ones_that_there_are():
    lines = [line.strip() for line in PAGE.replace("\\\n", " ").splitlines() if line.strip().startswith("orchestrate ")]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(re.split(r"\s+#| >> | \|\| ", line)[0].replace("$", ""))[1:]
        words = [str(ROOT) if word in ("previous", "tonight", "results") else word for word in words]
        context = cli.make_context("orchestrate", words)
        _, verb, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
        verb.make_context(verb.name, rest, parent=context)
