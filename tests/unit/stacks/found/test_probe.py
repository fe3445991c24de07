"""Whatever is named as an interpreter, the answer is one line: what it prints is a stranger's."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import HostError, OrchestrateError, UserError
from orchestrator.stacks.found import probe
from orchestrator.stacks.found.script import MARK
from tests.fakes.pythons import ANSWER, fake_python, saying


def refused(python: str, **more) -> OrchestrateError:
    with pytest.raises(OrchestrateError) as caught:
        probe.look(python, {}, **more)
    assert caught.value.message.isprintable() and caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 0", "exit code 0, and it said: nothing"),
        ("exit 3", "exit code 3, and it said: nothing"),
        ("printf 'first\\n\\033[31mno \\007such option\\n'; exit 2", "exit code 2, and it said: [31mno such option"),
        ("printf '\\377\\376\\000\\n'", "is no Python"),
        ("kill -SEGV $$", "exit code 139"),
        (saying("{"), "answers what no Python does"),
        (saying("[" * 100_000), "answers what no Python does"),
        (saying({**ANSWER, "order": "rm"}), "answers what no Python does"),
        (saying({**ANSWER, "packages": []}), "answers what no Python does"),
        (saying({**ANSWER, "packages": ["x\x1b[31m==1"]}), "answers what no Python does"),
        (saying({**ANSWER, "packages": ["x==1"] * 20_001}), "answers what no Python does"),
        (saying({**ANSWER, "met": {"jax": {"version": "1\n2"}}}), "answers what no Python does"),
        (saying({**ANSWER, "met": {"jax/../x": {}}}), "answers what no Python does"),
        (saying({**ANSWER, "met": {"..": {"version": "1"}}}), "answers what no Python does"),
        (saying({**ANSWER, "met": {"x.y": {"version": "1"}}}), "answers what no Python does"),
        (saying({**ANSWER, "packages": ["python==three", "keras==3.1"]}), "its version is three"),
    ],
)
def test_an_odd_answer_is_one_line(tmp_path, script, words):
    python = fake_python(tmp_path / "bin" / "python", script)
    error = refused(python)
    assert isinstance(error, UserError) and words in error.message and python in error.message


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    python = fake_python(tmp_path / "python", f"setsid sleep 300 & echo $! > {tmp_path}/pid; wait")
    error = refused(python, seconds=2)
    assert isinstance(error, HostError) and "did not say what is in it within 2 s" in error.message
    pid = int((tmp_path / "pid").read_text())
    end = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_one_that_never_stops_talking_does_not_fill_the_disk(tmp_path):
    python = fake_python(tmp_path / "python", f"head -c 40000000 /dev/zero | tr '\\0' 'x'; echo; {saying(ANSWER)}")
    assert "is no Python" in refused(python).message  # its answer lies behind what is kept


def test_the_last_answer_counts_whatever_is_printed_around_it(tmp_path):
    python = fake_python(tmp_path / "python", f"echo noise; {saying('{}')}\n{saying(ANSWER)}\necho bye")
    seen = probe.look(python, {})
    assert (seen.python, seen.version("keras"), seen.version("torch")) == ("3.11.7", "3.15.1", "")


def test_it_gets_a_clean_environment_and_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_SECRET", "x")
    python = fake_python(
        tmp_path / "python", f"env > {tmp_path}/env; pwd > {tmp_path}/pwd; touch here; {saying(ANSWER)}"
    )
    probe.look(python, {"PYTHONPATH": "/some/where"})
    got = dict(line.partition("=")[::2] for line in (tmp_path / "env").read_text().splitlines())
    assert "MY_SECRET" not in got and got["PYTHONPATH"] == "/some/where"
    assert got["CUDA_VISIBLE_DEVICES"] == "-1"  # a GPU may be another's
    assert got["HOME"] == (tmp_path / "pwd").read_text().strip() and not Path(got["HOME"]).exists()


def test_the_order_of_packages_is_not_part_of_their_identity():
    assert probe.packages_sha256(["b==1", "a==2"]) == probe.packages_sha256(["a==2", "b==1"])
    assert probe.packages_sha256(["b==1", "a==2"]) != probe.packages_sha256(["b==1", "a==3"])


def seen(**more) -> probe.Seen:
    return probe.read([MARK + msgspec.json.encode({**ANSWER, **more}).decode()], "x")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"keras": [], "met": {}}, "there is no Keras in /x"),
        ({"keras": [], "met": {"jax": {"error": "no keras"}}}, "there is no Keras in /x (jax is there)"),
        ({"met": {}}, "Keras 3.15.1 in /x has no backend"),
        (
            {"met": {"jax": {"error": "E: a"}, "torch": {"error": "E: b"}}},
            "no backend of Keras works in /x: jax: E: a; torch: E: b",
        ),
    ],
)
def test_what_serves_no_job_says_what_is_missing(more, message):
    error = probe.unfit(seen(**more), "/x")
    assert isinstance(error, HostError) and error.message == message and error.hint


def test_one_backend_that_works_is_enough():
    assert probe.unfit(seen(met={**ANSWER["met"], "torch": {"error": "broken"}}), "/x") is None
