"""The picture along an axis: curves whose ticks are the values, dots beside names, the end of what did not fit."""

from __future__ import annotations

from orchestrator.report.charts import sweeps
from tests.fakes.swept import swept
from tests.unit.report.charts.makers import drawings, material_of, numbers

OOM = {"status": "oom", "reason": "no memory"}


def batch(row, axes):
    size = int(axes["batch_size"])
    return OOM if size == 4096 and row["backend"] == "theano" else 8 / size**0.5


def test_numbers_are_curves_over_a_log_axis_whose_ticks_are_the_values():
    report = swept([{"batch_size": str(size)} for size in (32, 256, 2048, 4096)], batch)
    figure = sweeps.build(material_of(report))
    assert [panel.where for panel in figure.panels] == ["wide", "narrow"] and "out of memory" in figure.caption
    for drawing, panel in zip(drawings(figure), figure.panels, strict=True):
        assert {"32", "256", "2048", "4096", "batch_size (log scale)"} - (
            {"4096"} if panel.where == "narrow" else set()
        ) <= set(drawing.texts("s"))
        assert {"CNTK 2.5.1", "Theano 0.9.0"} <= set(drawing.texts())
        tips = drawing.tips()
        assert any("Theano 0.9.0 at batch_size=4096: ran out of memory" in tip for tip in tips)
        assert sum("its fastest" in tip for tip in tips) == 3 and any(tip.endswith("times as long") for tip in tips)
        assert drawing.count("r") == 2 and min(numbers(drawing)) >= 0  # the two strokes of the cross
        assert max(numbers(drawing)) <= max(panel.width, panel.height)


def test_values_that_are_close_stand_on_a_plain_axis():
    report = swept([{"width": width} for width in ("48", "64", "96")], lambda *_: 1.0)
    drawing, _ = drawings(sweeps.build(material_of(report)))
    assert {"48", "64", "96", "width"} <= set(drawing.texts("s"))


def test_names_are_rows_below_each_contender_and_hollow_where_it_is_not_what_was_asked():
    def takes(row, axes):
        if axes["jit"] == "on" and row["backend"] == "theano":
            return OOM
        other = axes["jit"] == "on" and row["backend"] == "tensorflow"
        return {"epoch_s": 0.1, "axes_got": "jit=off"} if other else 0.1

    figure = sweeps.build(material_of(swept([{"jit": "off"}, {"jit": "on"}], takes)))
    (drawing,) = drawings(figure)
    assert drawing.texts("e").count("off") == 3 and "Theano 0.9.0" in drawing.texts()
    assert "ran out of memory" in drawing.texts("s") and drawing.count("o") == 1
    assert sweeps.HOLLOW in figure.caption and "thousand samples per second" in drawing.texts("s")


def test_the_panels_of_a_grid_share_a_scale_and_nothing_varied_is_no_picture():
    grid = [{"precision": p, "jit": j} for p in ("float32", "mixed_bfloat16") for j in ("off", "on")]
    found = drawings(sweeps.build(material_of(swept(grid, lambda _, axes: 1 + (axes["jit"] == "on")))))
    fast, slow, *_ = (max(drawing.xs("circle", "m", "cx")) / 340 for drawing in found)
    assert len(found) == 4 and slow < 0.7 * fast
    assert sweeps.build(material_of(swept([{}], lambda *_: 1.0))) is None
