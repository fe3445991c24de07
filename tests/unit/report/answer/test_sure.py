"""How sure the answer is: the word, the reasons, and the command that would settle it."""

from __future__ import annotations

import pytest

from orchestrator.report.answer.ranking import fields
from orchestrator.report.answer.sure import again, sure
from tests.make import row
from tests.unit.report.makers import two, view_of

COMMAND = "orchestrate run --config 'my conf' --repeats 3 --seed 7"
CLEAR = [1.0, 1.01, 0.99, 1.0, 1.005], [2.0, 2.01, 1.99, 2.0, 2.005]
CLOSE = [1.0, 1.1, 0.9, 1.05, 0.95], [1.02, 1.13, 0.93, 1.06, 0.98]


def asked(times_a, times_b, **changes):
    rows = [{**one, **changes, "job_id": f"j{i}"} for i, one in enumerate(two(times_a, times_b))]
    view = view_of(rows, plan_command=COMMAND)
    return sure(view, fields(view.layout, view.speeds))


def test_five_repeats_that_tell_and_nothing_that_disturbed_are_sure():
    found = asked(*CLEAR)
    assert (found.word, found.why, found.command) == ("Sure", ["five repeats each"], "")


def test_fewer_repeats_that_tell_are_fairly_sure():
    found = asked(CLEAR[0][:3], CLEAR[1][:3])
    assert (found.word, found.why) == ("Fairly sure", ["three repeats each"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"data_kind": "synthetic"}, "synthetic data"),
        ({"disturbed": "CPU quota", "lost_s": 1.0, "lost_percent": 9.0}, "10 jobs of 10 disturbed while measured"),
        ({"slept": True, "idle_s": 1.0, "idle_percent": 9.0}, "10 jobs of 10 slept in steady epochs"),
    ],
)
def test_what_disturbed_comes_with_the_answer(changes, why):
    found = asked(*CLEAR, **changes)
    assert found.word == "Fairly sure" and why in found.why


def test_a_shared_machine_is_named_and_the_command_is_to_be_run_on_an_idle_one():
    rows = two(*CLEAR)
    for i, one in enumerate(rows):
        one |= {"job_id": f"j{i}", "run_id": f"r{i % 2}", "started": "2026-11-23T10:00", "ended": "2026-11-23T10:10"}
    view = view_of(rows, plan_command=COMMAND, run_ids=["r0", "r1"])
    found = sure(view, fields(view.layout, view.speeds))
    assert found.word == "Fairly sure"
    assert found.why[-1].endswith(" of 10 jobs ran beside another run on the same machine (made-up)")
    assert (found.what_for, found.command) == ("On an idle machine", COMMAND)


def test_one_repeat_is_not_yet_an_answer_and_the_command_asks_for_five():
    found = asked([1.0], [9.0])
    assert found.word == "Not yet" and found.why[0].startswith("one repeat each")
    assert found.command == "orchestrate run --config 'my conf' --seed 7 --repeats 5"


def test_too_few_repeats_are_not_yet_an_answer():
    found = asked([1.0, 1.1], [1.05, 1.2])
    assert found.word == "Not yet"
    assert "too few to tell TensorFlow 1.3.0 and JAX 0.10 apart" in found.why
    assert not any("no significant difference" in why for why in found.why)


def test_a_tie_of_enough_repeats_is_known_and_says_how_many_more_would_tell():
    found = asked(*CLOSE)
    assert found.word == "Fairly sure"
    assert "they cannot tell TensorFlow 1.3.0 and JAX 0.10 apart" in found.why
    assert found.why[-1] == "more than 50 repeats would be needed" and found.command == ""
    apart = asked([1.0, 1.1, 0.9, 1.05, 0.95], [1.1, 1.25, 0.99, 1.16, 1.08])
    needed = int(apart.command.rpartition(" ")[2])
    assert apart.what_for == "For a verdict" and 5 < needed <= 50


def test_a_replayed_run_is_asked_for_anew_with_more_repeats():
    rows = two([1.0], [1.5])
    view = view_of(rows, plan_command="orchestrate replay r", asked="orchestrate run --scale quick")
    found = sure(view, fields(view.layout, view.speeds))
    assert found and found.command == "orchestrate run --scale quick --repeats 5"


def test_where_nothing_is_compared_there_is_nothing_to_be_sure_of():
    view = view_of([row()])
    assert sure(view, fields(view.layout, view.speeds)) is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("orchestrate my.py", "orchestrate my.py --repeats 9"),
        ("orchestrate 'a b.py' --repeats=3 --out 'x y'", "orchestrate 'a b.py' --out 'x y' --repeats 9"),
        ("orchestrate a.py && orchestrate b.py --repeats 2",
         "orchestrate a.py --repeats 9 && orchestrate b.py --repeats 9"),
        ("orchestrate replay results/r", "--repeats 9"),
        ("", "--repeats 9"),
        ("orchestrate 'open", "--repeats 9"),
    ],
)  # fmt: skip
def test_the_command_is_the_recorded_one_with_more_repeats(command, expected):
    assert again(command, 9) == expected
