"""The forms of a trend say the same, and let nothing of a stranger's text through."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from orchestrator.cli.verbs.trend import FORMATS as CHOICES
from orchestrator.history import forms
from tests.unit.history.test_gate import of, stepped
from tests.unit.history.test_lines import line, point
from tests.unit.report.makers import EVIL

FOUND = of(stepped(1.08, 3), line(steps=[]), line(), line(steps=[], ended="ended on 2026-03-01"))


def test_markdown_has_what_changed_on_top_and_the_rest_folded():
    text = forms.markdown(FOUND, 0.05)
    top, folded = text.split("<details>")
    assert "times as long from" in top and "1 line regressed by more than 5 %" in top and "not judged" in top
    assert "FAILED: 1 line could not be judged" in top and "no step" in folded and "2 lines without" in folded


def test_json_says_what_the_exit_code_says():
    document = json.loads(forms.json_document(FOUND, 0.05))
    assert document["passed"] is False and [each["regressed"] for each in document["lines"]] == [
        True,
        False,
        False,
        False,
    ]
    assert document["lines"][0]["steps"][0]["difference"]["ratio"] == 1.08 and document["judged"] == 2
    assert json.loads(forms.json_document(FOUND))["passed"] is None


def test_junit_counts_failures_and_errors_and_leaves_ended_lines_out():
    suite = ElementTree.fromstring(forms.junit(FOUND, 0.05).encode())
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    nothing = ElementTree.fromstring(forms.junit(of(), 0.05).encode())
    assert nothing.get("errors") == "1" and "nothing could be judged" in forms.junit(of(), 0.05)


def test_the_action_gets_the_newest_night_of_what_goes_on():
    entries = json.loads(forms.action_benchmark(FOUND))
    assert [entry["value"] for entry in entries] == [1.0] * 3 and entries[0]["unit"] == "s/epoch"


def test_text_of_strangers_is_inert():
    found = of(line(points=[point(keras=EVIL)], ended=EVIL, cell={"workload": EVIL, "backend": EVIL}))
    text = forms.markdown(found)
    assert "<img" not in text and "@everyone" not in text
    ElementTree.fromstring(forms.junit(found).encode())


def test_one_repeat_disturbed_nights_and_an_odd_one_are_told():
    found = of(line(steps=[], odd_end=1.08, points=[point(n=1, disturbed=["others"])]))
    said = " ".join(forms.closing(found, 0.05))
    assert "one repeat in the newest night, so no interval" in said and "rests on disturbed figures" in said
    assert "the newest night alone is slower by more than 5 %" in said
    assert forms.closing(of())[-1] == "FAILED: nothing could be judged: there are no figures"


def test_blocks_show_a_step_and_no_mountains_of_noise():
    steps = forms.blocks([point(seconds=seconds) for seconds in (1.0, 1.0, 1.3, 1.3)])
    assert (steps[0], steps[-1]) == ("▁", "█") and len(forms.blocks([point()] * 99)) == forms.MOST_BLOCKS
    assert set(forms.blocks([point(seconds=seconds) for seconds in (1.0, 1.002, 0.999)])) <= set("▄▅")
    assert set(CHOICES) == {"text", *forms.FORMATS}
