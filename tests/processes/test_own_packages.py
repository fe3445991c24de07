"""A script of one's own gets its packages, the same ones in every later session. The index is a folder of wheels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.environment import CA_BUNDLES, CHOICES, PIP_SOURCES, UV_SOURCES
from tests.conftest import ROOT
from tests.fakes.wheels import wheel

pytestmark = pytest.mark.slow

SCRIPT = """# /// script
# dependencies = ["%s", "numpy>=2"]
# ///
from orchestrated import epochs
import added
for epoch in epochs(2):
    epoch.trained(loss=1.0, batches=1, samples=float(added.VERSION))
"""


@pytest.fixture
def place(tmp_path):
    """A folder with a script that needs the package `added`, and a folder of wheels that holds it."""
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "added", "1.0")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "my.py").write_text(SCRIPT % "added")
    return tmp_path


def start(place: Path, *words: str, cache: str = "cache", **environment: str) -> subprocess.Popen[str]:
    """The real command on the stack keras3-jax, whose environment is this Python."""
    unsaid = {*PIP_SOURCES, *UV_SOURCES, *CHOICES, *CA_BUNDLES}
    kept = {name: value for name, value in os.environ.items() if name not in unsaid}
    settings = {
        **{"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(place / cache), "PIP_CONFIG_FILE": os.devnull},
        **{"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place / "wheels"), "UV_CACHE_DIR": str(place / "uv")},
    }
    argv = [sys.executable, "-m", "tests.fakes.stub_orchestrate", *words, "--out", str(place / "results")]
    return subprocess.Popen(
        argv, env={**kept, **settings, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(place: Path, *words: str, **options: str) -> tuple[int, list[dict], str]:
    process = start(place, *words, **options)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, json.loads(out)["results"] if out.startswith("{") else [], err


def script(place: Path, *more: str) -> list[str]:
    return ["run", str(place / "mine" / "my.py"), "--launcher", "process", "--stack", "keras3-jax", "--json", *more]


def latest(place: Path) -> tuple[dict, dict]:
    """The plan and the only result of the last run."""
    folder = (place / "results" / "latest").resolve()
    (result,) = folder.glob("jobs/*/result.json")
    return json.loads((folder / "plan.json").read_text()), json.loads(result.read_text())


def test_a_job_has_the_packages_that_its_script_asks_for_and_they_are_on_record(place):
    code, (row,), err = run(place, *script(place))
    assert (code, row["status"]) == (0, "ok"), err
    assert "making the packages of my.py for keras3-jax: added 1.0" in err
    plan, result = latest(place)
    (layer,) = plan["layers"]
    assert layer["lock"].startswith("added==1.0") and "--hash=sha256:" in layer["lock"]
    assert result["fingerprint"]["packages_sha256"] == row["packages_sha256"]
    assert "added" in json.dumps(result["ready"]["packages"])
    code, (again,), err = run(place, *script(place))
    assert (code, again["packages_sha256"]) == (0, row["packages_sha256"])
    assert "making" not in err and "come from" not in err, "a second run makes nothing, and asks nobody"


def test_two_runs_at_once_make_them_once(place):
    both = [start(place, *script(place)) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("making the packages" in text for text in said) == 1


def test_a_replay_installs_what_was_locked_then_on_whatever_host(place):
    run(place, *script(place))
    before = latest(place)[1]["fingerprint"]["packages_sha256"]
    wheel(place / "wheels", "added", "2.0")
    run(place, "replay", str((place / "results" / "latest").resolve()), "--json", cache="another")
    plan, result = latest(place)
    assert result["fingerprint"]["packages_sha256"] == before and plan["layers"][0]["lock"].startswith("added==1.0")
    _, (row,), _ = run(place, *script(place), cache="a third")
    assert row["packages_sha256"] != before, "while a new run elsewhere takes the newest"


def test_a_run_that_is_resumed_tells_of_other_packages(place):
    run(place, *script(place))
    wheel(place / "wheels", "added", "2.0")
    (place / "mine" / "my.py").write_text(SCRIPT % "added>=2")
    code, _, err = run(place, "run", "--resume", "latest")
    assert code == 2 and "the packages of my on keras3-jax" in err
    code, _, err = run(place, "run", "--resume", "latest", "--rerun-changed")
    assert code == 0, err
    assert latest(place)[0]["layers"][0]["lock"].startswith("added==2.0")


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ("numpy<1.20", "unsupported", "my.py needs numpy<1.20, and keras3-jax has numpy=="),
        ("keras==3.0", "unsupported", "my.py needs keras==3.0, and keras3-jax has keras=="),
        ("nowhere-at-all", "failed", "the packages of my.py cannot be had: nowhere-at-all was not found"),
    ],
)
def test_what_cannot_be_had_is_a_row_with_its_reason(place, asked, status, words):
    (place / "mine" / "my.py").write_text(SCRIPT % asked)
    code, (row,), _ = run(place, *script(place))
    assert (row["status"], code) == (status, 1 if status == "failed" else 3)
    assert words in row["reason"]


def test_a_dry_run_makes_nothing_and_a_run_that_may_make_nothing_says_so(place):
    code, _, _ = run(place, *[word for word in script(place) if word != "--json"], "--dry-run")
    assert code == 0 and not (place / "cache").exists()
    code, (row,), _ = run(place, *script(place), "--no-build")
    assert (code, row["status"]) == (1, "failed")
    assert "my.py needs added, which keras3-jax does not have, and nothing may be made" in row["reason"]
    assert not list((place / "cache").rglob("layers"))


def test_a_token_in_a_requirement_is_in_nothing_that_a_run_leaves(place):
    address = "added @ https://me:S3CRET@127.0.0.1:9/added-1.0-py3-none-any.whl"
    (place / "mine" / "my.py").write_text(SCRIPT % address)
    code, (row,), err = run(place, *script(place), UV_HTTP_RETRIES="0")
    assert (code, row["status"]) == (1, "failed") and "127.0.0.1:9" in row["reason"]
    kept = [p for top in ("results", "cache") for p in (place / top).rglob("*") if p.is_file()]
    assert "S3CRET" not in err + json.dumps(row)
    assert [path for path in kept if b"S3CRET" in path.read_bytes()] == []
