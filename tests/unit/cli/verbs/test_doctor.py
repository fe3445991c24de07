"""`orchestrate doctor`: the checks of an executor, line by line, and whether a run can start."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.verbs import doctor as verb
from orchestrator.host.checks import Check
from tests.make import make_host, make_job, make_plan

OK = Check(level="ok", what="disk", seen="9 GB", needed="1 GB", mend="never said")
WARN = Check(level="warn", what="image", seen="missing", mend="build it")
GOOD = "like: keras3-jax\npackages: [keras==3.10.0, jax==0.6.2]\n"
BAD = Check(level="bad", what="driver", seen="none", needed="580", mend="install it")


@pytest.fixture
def examined(monkeypatch):
    """A function that sets what the executor finds; gives the requests for which one was made."""
    requests = []

    def finds(*checks):
        class Executor:
            def examine(self):
                return list(checks)

            def __init__(self, request):
                self.request = request

            def describe(self, plan):
                return make_plan(jobs=[make_job(), make_job(repeat=2)]), {}

            def host(self):
                return make_host()

        monkeypatch.setattr(
            verb, "choose_executor", lambda request, *_: (requests.append(request), Executor(request))[1]
        )
        return requests

    return finds


@pytest.mark.parametrize(("checks", "code"), [([OK], 0), ([OK, WARN], 0), ([OK, WARN, BAD], 3), ([], 0)])
def test_only_what_is_in_the_way_is_an_error(orchestrate, examined, checks, code):
    examined(*checks)
    assert orchestrate("doctor").returncode == code


def test_each_check_says_what_was_seen_and_how_to_mend_what_is_wrong(orchestrate, examined):
    examined(OK, WARN, BAD)
    assert orchestrate("doctor").stdout.splitlines() == [
        "           what was found",
        "  ───────────────────────",
        "  ok       disk: 9 GB",
        "           needed: 1 GB",
        "  warning  image: missing",
        "           -> build it",
        "  problem  driver: none",
        "           needed: 580",
        "           -> install it",
        "1 ok, 1 warning, 1 problem",
        "Not ready: driver",
    ]


def test_what_is_ready_says_how_many_jobs_there_are_and_what_comes_next(orchestrate, examined):
    examined(OK, WARN)
    last = orchestrate("doctor", "--config", "smoke").stdout.splitlines()[-2:]
    assert last == ["1 ok, 1 warning, 0 problems", "Ready: 2 jobs. Next: orchestrate --config smoke"]


def test_for_programs_it_is_one_document_with_a_verdict(orchestrate, examined):
    examined(OK, WARN)
    document = json.loads(orchestrate("doctor", "--json").stdout)
    assert document["verdict"] == "warn"
    assert [check["what"] for check in document["checks"]] == ["disk", "image"]


def test_the_configuration_is_that_of_a_run(orchestrate, examined):
    requests = examined(OK)
    orchestrate("doctor", "--config", "smoke", "--launcher", "process", "--stack", "keras3-*")
    (request,) = requests
    assert (request.config.scale, request.config.launcher, request.config.stacks) == ("smoke", "process", ["keras3-*"])


def test_a_misnamed_stack_is_the_users_mistake_and_no_check(orchestrate):
    answer = orchestrate("doctor", "--launcher", "process", "--stack", "keras9")
    assert answer.returncode == 2
    assert "no stack is called 'keras9'" in answer.stderr


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["--stack", "keras2-theano"], "Python of keras2-theano: needs python2.7"),
        (["--stack", "keras3-jax", "--threads", "4000"], "what is asked for: 1 job of 4,000 threads needs"),
        (["--stack", "keras3-jax", "--parallel", "4000"], "what is asked for: 4,000 jobs of"),
    ],
)
def test_what_a_run_would_refuse_is_in_the_way(orchestrate, tmp_path, words, seen):
    words = ["--config", "smoke", "--launcher", "process", "--workload", "mnist_mlp", *words]
    answer = orchestrate("doctor", *words, PATH=str(tmp_path / "nothing"))
    assert answer.returncode == 3
    assert seen in " ".join(answer.stdout.split())
    assert answer.stdout.splitlines()[-2].endswith("1 problem") and answer.stdout.splitlines()[-1].startswith(
        "Not ready"
    )


@pytest.mark.parametrize(("value", "coloured"), [(None, True), ("", True), ("1", False)])
def test_no_colour_is_no_colour(monkeypatch, capsys, value, coloured):
    monkeypatch.setenv("FORCE_COLOR", "1")  # else there is none in a pipe
    monkeypatch.delenv("NO_COLOR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    verb.show([BAD])
    assert ("\x1b[" in capsys.readouterr().out) is coloured
    monkeypatch.delenv("FORCE_COLOR")
    verb.show([BAD])
    assert "\x1b[" not in capsys.readouterr().out, "a pipe has none"


@pytest.mark.parametrize(
    ("text", "level", "code", "seen"),
    [("like: [", "problem", 3, "mine.yaml is not YAML"), (GOOD, "warning", 0, "mine.yaml has no lock yet")],
)
def test_the_file_of_a_stack_of_ones_own_is_one_check_more(orchestrate, examined, tmp_path, text, level, code, seen):
    requests = examined(OK)
    (tmp_path / "mine.yaml").write_text(text)
    answer = orchestrate("doctor", "--stack", "./mine.yaml", "--stack", "keras3-jax")
    assert answer.returncode == code
    assert f"{level} stack of your own: {seen}" in " ".join(answer.stdout.split())
    assert "ok disk: 9 GB" in " ".join(answer.stdout.split())
    assert requests[0].config.stacks == ["keras3-jax"]


def test_what_a_host_says_steers_no_terminal_and_tells_no_secret(orchestrate, examined):
    examined(Check(level="bad", what="proxy\x1b[2J", seen="http://u:S3CRET@h:1\n::error::forged", mend="\u202ex"))
    assert orchestrate("doctor").stdout.splitlines()[2:] == [
        "  problem  proxy [2J: http://h:1 ::error::forged",
        "           ->  x",
        "0 ok, 0 warnings, 1 problem",
        "Not ready: proxy [2J",
    ]
