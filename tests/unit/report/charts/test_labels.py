"""Names beside points hide neither points nor each other."""

from __future__ import annotations

from orchestrator.report.charts.labels import Labels

ROOM = (0.0, 0.0, 300.0, 200.0)


def test_a_name_stands_above_its_point_then_below_then_beside_then_at_a_corner():
    labels = Labels(ROOM)
    labels.take(100, 100)
    places = [labels.near(100, 100, "2.15") for _ in range(5)]
    assert [(each.x, each.y) for each in places[:4] if each] == [(100, 92), (100, 116), (108, 103.5), (92, 103.5)]
    assert places[4] is None  # its corners lie on the names that are there


def test_a_name_that_must_stand_keeps_its_place_from_others():
    labels = Labels(ROOM)
    forced = labels.beside(100, 100, "MXNet")
    assert (forced.x, forced.y) == (108, 103.5)
    other = labels.near(112, 108, "2.5")
    assert other is None or not 90 < other.y < 112


def test_a_name_hides_no_other_point_and_does_not_leave_the_room():
    labels = Labels(ROOM)
    labels.take(100, 90)
    found = labels.near(100, 100, "2.15")
    assert found and found.y == 116
    corner = Labels(ROOM).near(2, 2, "2.15")
    assert corner is None or (corner.x >= 0 and corner.y >= 10)


def test_a_long_name_gives_way_to_a_short_one():
    labels = Labels((0.0, 0.0, 60.0, 200.0))
    found = labels.near(30, 100, "2.21, tf_keras 2.21", "2.21")
    assert found and found.text == "2.21"
