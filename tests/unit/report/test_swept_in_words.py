"""The sentences on varied settings: the best value, how far from the others, what did not fit, what was not got."""

from __future__ import annotations

from orchestrator.report.answer.conclusion import conclude, plain
from orchestrator.report.swept import sweeps
from orchestrator.report.swept_in_words import along, in_words, overall
from orchestrator.report.view import make_view
from tests.fakes.swept import swept

PLACES = {"tensorflow": 1, "theano": 2, "cntk": 3}


def said(report):
    """(the sentence on all, those of the first axis, by the beginning of the contender's name)."""
    view = make_view(report)
    (sweep,) = sweeps(view.layout, view.speeds)
    lines = [plain(sentence) for sentence in along(view.layout, sweep, sweep.alongs[0])]
    return plain(overall(view.layout, sweep) or []), {line.split()[0]: line for line in lines}


def by_size(**seconds):
    """So many seconds at each size, for every contender."""
    settings = [{"batch_size": name[1:]} for name in seconds]
    return settings, lambda _, axes: seconds[f"b{axes['batch_size']}"]


def test_the_best_value_with_its_gain_and_what_is_not_told_from_it():
    whole, lines = said(swept(*by_size(b32=3.0, b128=1.0, b256=1.001)))
    assert (
        "is fastest at batch_size=128: " in lines["TensorFlow"]
        and "samples/s, 2.9 to 3.1 times as fast as at 32" in lines["TensorFlow"]
    )
    assert lines["TensorFlow"].endswith("; 128 and 256 cannot be told apart.")
    assert " at batch_size=128 was fastest: " in whole and whole.startswith("mnist_mlp: ")
    assert whole.endswith(", cannot be told from it by five repeats.")


def test_where_the_first_value_is_best_the_last_is_what_it_is_set_against():
    _, lines = said(swept(*by_size(b32=1.0, b64=2.0, b128=4.0)))
    assert " is fastest at batch_size=32: " in lines["TensorFlow"]
    assert lines["TensorFlow"].endswith(" times as fast as at 128.")


def test_few_repeats_are_too_few_and_one_says_so():
    _, three = said(swept(*by_size(b32=1.0, b64=1.001), repeats=3))
    assert three["TensorFlow"].endswith("; three repeats are too few to tell 64 from it.")
    assert " was fastest" in three["TensorFlow"]
    whole, once = said(swept(*by_size(b32=2.0, b64=1.0), repeats=1))
    assert once["TensorFlow"].endswith("2.00 times as fast as at 32; one repeat each, so this is not certain.")
    assert " was fastest: " in whole and whole.endswith("one repeat each, so this is not certain.")


def test_no_memory_and_what_was_not_got_are_told():
    def takes(row, axes):
        if axes["batch_size"] == "4096" and row["backend"] == "theano":
            return {"status": "oom", "reason": "no memory"}
        if axes["batch_size"] == "4096" and row["backend"] == "tensorflow":
            return {"epoch_s": 1.0, "axes_got": "batch_size=1024"}
        return 1.0

    _, lines = said(swept([{"batch_size": "32"}, {"batch_size": "4096"}], takes))
    assert lines["Theano"].endswith("; ran out of memory at batch_size=4096.")
    assert "has a time that counts at batch_size=32 alone" in lines["Theano"]
    assert lines["TensorFlow"].endswith("has no verdict at batch_size=4096 (asked batch_size=4096, got 1024).")


def test_a_grid_names_all_its_settings_and_the_first_screen_begins_with_it():
    grid = [{"precision": p, "jit": j} for p in ("float32", "mixed_bfloat16") for j in ("off", "on")]
    report = swept(grid, lambda row, axes: PLACES[row["backend"]] + (axes["jit"] == "off"))
    first, *_ = conclude(make_view(report)).sentences
    assert " at precision=float32, jit=on is fastest: " in first
    assert "Theano 0.9.0, fastest at precision=float32, jit=on, takes " in first


def test_settings_as_people_asked_for_them():
    assert in_words({"precision": "float32", "jit": "on"}) == "precision=float32, jit=on"


def test_nobody_is_fastest_where_the_next_is_not_told_from_it_whatever_its_other_values_do():
    """Both are surely slower with jit off; between their best values three repeats tell nothing."""
    report = swept([{"jit": "off"}, {"jit": "on"}], lambda _, axes: 9.0 if axes["jit"] == "off" else 1.0, repeats=3)
    whole, lines = said(report)
    assert " was fastest: " in whole and " is not told from it by three repeats" in whole
    assert " is fastest at jit=on: " in lines["TensorFlow"] and " as fast as at jit=off." in lines["TensorFlow"]


def test_one_time_that_counts_is_no_comparison():
    def takes(row, axes):
        return 1.0 if axes["batch_size"] == "32" else {"status": "oom", "reason": "no memory"}

    whole, _ = said(swept([{"batch_size": "32"}, {"batch_size": "4096"}], takes, stacks=1))
    assert whole.startswith("mnist_mlp: only TensorFlow 1.3.0 at batch_size=32 gave a time that counts: ")


def test_of_one_contender_nothing_is_said_but_what_its_settings_give():
    settings, takes = by_size(b32=2.0, b64=1.0)
    assert len(conclude(make_view(swept(settings, takes, stacks=1))).sentences) == 1
    assert len(conclude(make_view(swept(settings, takes, stacks=2))).sentences) > 1
