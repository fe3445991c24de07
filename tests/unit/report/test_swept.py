"""Along one axis: each contender against itself, the rest of a grid held fixed, corrected for all pairs."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.report.sections import sweeps as sweeps_section
from orchestrator.report.swept import NO_MEMORY, counts, is_number, setting, sweeps
from orchestrator.report.view import make_view
from tests.fakes.swept import swept

OOM = {"status": "oom", "reason": "killed: out of memory"}
GRID = [{"precision": p, "jit": j} for p in ("float32", "mixed_bfloat16") for j in ("off", "on")]


def batches(*sizes):
    return [{"batch_size": str(size)} for size in sizes]


def found_in(report):
    view = make_view(report)
    return view, sweeps(view.layout, view.speeds)


def by_backend(view, along):
    return {view.layout.contenders[track.column].backend: track for track in along.tracks}


def test_values_stand_by_size_each_against_the_fastest_of_its_contender():
    view, (sweep,) = found_in(swept(batches(1024, 32, 128), lambda _, axes: 100 / int(axes["batch_size"]) ** 0.5))
    (along,) = sweep.alongs
    assert along.values == ["32", "128", "1024"] and along.is_numeric and along.fixed == {}
    for track in along.tracks:
        first, middle, last = track.stops
        assert last.best and track.best is last and last.found is None
        assert first.told and middle.told and first.found.ratio > middle.found.ratio > 1
        assert abs(first.found.ratio - (1024 / 32) ** 0.5) < 1e-6
        # Three values make three pairs for each of three contenders.
        assert first.found.family == 9
        assert first.low < first.rate < first.high
        assert abs(first.rate - view.rows[0]["train"] / first.speed.seconds) < 1e-6


def test_tables_have_the_values_in_the_order_of_the_sweep():
    widths = [{"width": width} for width in ("13", "16", "-4", "0.5")]
    view, (sweep,) = found_in(swept(widths, lambda *_: 1.0, stacks=1))
    tables = [setting(view.layout, line)["width"] for line in range(len(widths))]
    assert tables == sweep.alongs[0].values == ["-4", "0.5", "13", "16"]


def test_the_others_of_a_grid_are_held_fixed():
    def takes(row, axes):
        return (2.0 if axes["jit"] == "off" else 1.0) * (3.0 if axes["precision"] == "float32" else 1.0)

    view, (sweep,) = found_in(swept(GRID, takes))
    assert sweep.axes == ["precision", "jit"]
    assert [(along.axis, along.fixed) for along in sweep.alongs] == [
        ("precision", {"jit": "off"}),
        ("precision", {"jit": "on"}),
        ("jit", {"precision": "float32"}),
        ("jit", {"precision": "mixed_bfloat16"}),
    ]
    ratios = [round(t.stops[0].found.ratio, 6) for along in sweep.alongs for t in along.tracks]
    assert ratios == [3.0] * 6 + [2.0] * 6
    assert setting(view.layout, sweep.best[1]) == {"precision": "mixed_bfloat16", "jit": "on"}


def test_the_fastest_of_all_is_set_against_the_best_of_the_others():
    order = {"jax": 1.0, "tensorflow": 2.0, "torch": 3.0}

    def takes(row, axes):
        return order.get(row["backend"], 5.0) * 100 / int(axes["batch_size"])

    view, (sweep,) = found_in(swept(batches(32, 64), takes, stacks=7))
    named = [view.layout.contenders[column].backend for column, _ in [sweep.best, *(r.place for r in sweep.rivals)]]
    assert named[0] == "jax" and {setting(view.layout, r.place[1])["batch_size"] for r in sweep.rivals} == {"64"}
    assert [round(rival.found.ratio, 3) for rival in sweep.rivals[:1]] == [2.0]
    assert all(rival.found.significant for rival in sweep.rivals)
    # Seven contenders with two settings: 21 pairs of contenders, four pairs of settings each.
    assert {rival.found.family for rival in sweep.rivals} == {84}


def test_out_of_memory_is_a_stop_without_a_time_and_what_was_not_got_has_no_verdict():
    def takes(row, axes):
        if axes["jit"] == "on" and row["backend"] == "theano":
            return OOM
        if axes["jit"] == "on" and row["backend"] == "tensorflow":
            return {"epoch_s": 0.5, "axes_got": "jit=off"}
        return 1.0 if axes["jit"] == "off" else 0.8

    view, (sweep,) = found_in(swept([{"jit": "off"}, {"jit": "on"}], takes))
    its = by_backend(view, sweep.alongs[0])
    full = its["theano"].stops[1]
    assert (full.speed, full.rate, full.why, full.found) == (None, None, NO_MEMORY, None)
    other = its["tensorflow"].stops[1]
    assert other.why == "asked jit=on, got off" and other.found is None and not counts(other.speed)
    assert its["tensorflow"].best is None and other.rate is not None  # it is drawn, and nothing rests on it
    assert view.layout.contenders[sweep.best[0]].backend != "tensorflow"
    place = next(place for place, speed in view.speeds.items() if speed.otherwise)
    assert view.speeds[place].verdict == "asked jit=on, got off" and view.speeds[place].against is None


def test_where_fewer_samples_are_trained_on_a_sample_is_what_counts():
    """A file of one's own decides how many there are: half the samples in half the time are no gain."""
    report = swept([{"size": "100"}, {"size": "200"}], lambda _, axes: int(axes["size"]) / 100)
    rows = [
        {**row, "variant": "own", "file": "my.py", "samples": 10 * int(row["axes"][5:]), "train": None}
        for row in report.rows
    ]
    _, (sweep,) = found_in(replace(report, rows=rows))
    for track in sweep.alongs[0].tracks:
        assert all(abs(stop.found.ratio - 1) < 1e-9 and not stop.told for stop in track.stops if stop.found)


def test_one_value_or_nothing_varied_is_no_sweep_and_two_machines_are_two():
    assert found_in(swept(batches(32), lambda *_: 1.0))[1] == []
    assert found_in(swept([{}], lambda *_: 1.0))[1] == []
    report = swept(batches(32, 64), lambda *_: 1.0)
    rows = report.rows + [{**row, "host": "other", "job_id": f"{row['job_id']}-other"} for row in report.rows]
    _, found = found_in(replace(report, rows=rows))
    assert len(found) == 2 and found[0].where != found[1].where and found[0].title != found[1].title


def test_what_is_a_number():
    assert [is_number(text) for text in ("32", "0.5", "-1", "on", "nan", "inf")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_batch_that_is_varied_judges_calls_by_their_batches():
    """The time of one sample, which knows no batch, falls here where that of batches grows."""
    report = swept(batches(32, 128), lambda _, axes: 1.0)
    for row in report.rows:
        size, apart = row["batch_size"], 1 + 0.01 * row["repeat"]
        row |= {"mode": "predict", "epoch_s": None, "latency_ms": size * apart, "predicted_per_s": 100 * size / apart}
    view, (sweep,) = found_in(replace(report, epochs=[]))
    for track in sweep.alongs[0].tracks:
        small, large = track.stops
        assert large.best and small.told and round(small.found.ratio, 6) == 4.0
        assert small.low < small.rate < small.high and 3000 < small.rate < 3200
    assert setting(view.layout, sweep.best[1]) == {"batch_size": "128"}
    texts = [repr(block) for block in sweeps_section.build(view).blocks]
    assert any("time of a sample" in text and "/s" in text for text in texts)
    assert not any("may learn less" in text for text in texts), "nothing is trained"
