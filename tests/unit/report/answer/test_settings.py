"""The best values for programs: each contender along each axis, with what is told and what is not."""

from __future__ import annotations

from orchestrator.report.answer.conclusion import conclude
from orchestrator.report.view import make_view
from tests.fakes.swept import swept


def test_each_contender_along_an_axis_as_data():
    def takes(row, axes):
        size = axes["batch_size"]
        if row["backend"] == "cntk" and size == "512":
            return {"status": "oom", "reason": "no memory"}
        if row["backend"] == "theano" and size == "512":
            return {"epoch_s": 1.0, "axes_got": "batch_size=128"}
        return {"32": 3.0, "128": 1.001, "512": 1.0}[size]

    report = swept([{"batch_size": size} for size in ("32", "128", "512")], takes)
    found = {best.contender.split()[0]: best for best in conclude(make_view(report)).settings}
    first = found["TensorFlow"]
    assert (first.workload, first.axis, first.value, first.fixed) == ("mnist_mlp", "batch_size", "512", {})
    assert (first.slower, first.not_told, first.oom, first.not_got) == (["32"], ["128"], [], {})
    assert first.samples_per_s and abs(first.samples_per_s * (first.seconds or 0) - report.rows[0]["train"]) < 1e-6
    assert (found["CNTK"].value, found["CNTK"].oom) == ("128", ["512"])
    assert found["Theano"].not_got == {"512": "asked batch_size=512, got 128"} and found["Theano"].not_told == []
    assert conclude(make_view(swept([{}], takes=lambda *_: 1.0))).settings == []
