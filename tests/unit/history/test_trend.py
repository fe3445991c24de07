"""Every cell from night to night: the right night of a step, and never two things in one line."""

from __future__ import annotations

import random

import pytest

from orchestrator.errors import UserError
from orchestrator.history import trend as module
from orchestrator.history.gate import passes, regressions
from orchestrator.stats.inference import times
from tests.fakes.nights import night, run_id

BASE = {"jax": 1.2, "torch": 2.0}


def commit(number):
    return f"{random.Random(number).getrandbits(160):040x}"


def make(results, count=34, step_at=26, size=1.0, seed=1, repeats=3, skip=(), **columns):
    """`count` nights of two backends; from `step_at` on JAX takes `size` times as long."""
    rng = random.Random(seed)
    for number in range(count):
        slow = {"jax": size if number >= step_at else 1.0}
        cells = {b: [base * slow.get(b, 1.0) * rng.gauss(1, 0.01) for _ in range(repeats)] for b, base in BASE.items()}
        if number not in skip:
            spec = f"3.16.0 from keras @ git+https://github.com/keras-team/keras@{commit(number)}"
            night(results, number, cells, keras_version=spec, **columns)
    return results


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [1.06, 1 / 1.06])
def test_the_first_run_after_a_planted_step_is_named(tmp_path, trend_of, seed, size):
    found = trend_of(make(tmp_path / "r", size=size, seed=seed))
    jax, torch = found.lines
    (step,) = jax.steps
    assert torch.steps == [] and found.nights == 34 and found.apart == {}
    assert (step.first.run_id, step.before.run_id, step.nights_after) == (run_id(26), run_id(25), 8)
    assert step.first.commit == commit(26) and step.before.commit == commit(25)
    assert step.difference.low < size < step.difference.high
    assert (
        f"takes {times(step.difference.low, step.difference.high)} as long from" in step.words
        and commit(26)[:12] in jax.verdict
    )
    assert list(step.changed) == ["keras_version"]


@pytest.mark.parametrize("seed", range(3))
def test_without_a_planted_step_there_is_none(tmp_path, trend_of, seed):
    found = trend_of(make(tmp_path / "r", seed=seed))
    assert [line.steps for line in found.lines] == [[], []] and passes(found, 0.03)


def test_missing_nights_move_no_step(tmp_path, trend_of):
    found = trend_of(make(tmp_path / "r", size=1.06, skip=(3, 4, 24, 25)))
    (step,) = found.lines[0].steps
    assert (step.before.run_id, step.first.run_id) == (run_id(23), run_id(26)) and found.nights == 30


@pytest.mark.parametrize(
    ("column", "other"),
    [("host", "other-host"), ("threads", 8), ("scale", "quick"), ("data_sha256", "0" * 64),
     ("workloads_sha256", "1" * 64), ("machine", "b2"), ("gpu_name", "Tesla K80"), ("launcher", "docker"),
     ("cpu_quota", 2.0)],
)  # fmt: skip
def test_what_does_not_compare_is_another_line_and_said(tmp_path, trend_of, column, other):
    for number in range(24):  # in turn, so that one line of both would have no step, and twice the noise
        changes = {column: other} if number % 2 else {}
        night(tmp_path / "r", number, {"jax": [1.3, 1.31] if number % 2 else [1.2, 1.21]}, **changes)
    found = trend_of(tmp_path / "r")
    assert [len(line.points) for line in found.lines] == [12, 12]
    assert [line.steps for line in found.lines] == [[], []]
    assert list(found.apart.values()) == [[column]]
    assert found.lines[0].name != found.lines[1].name and f"{column}=" in found.lines[1].name


def test_versions_images_and_kernels_are_one_line_and_told_at_a_step(tmp_path, trend_of):
    for number in range(20):
        late = number >= 12
        changes = {"kernel": "6.1.9" if late else "6.1.0", "image_digest": f"lock:{late}", "driver": None}
        night(tmp_path / "r", number, {"jax": [1.3 if late else 1.2 + number % 3 / 500] * 3}, **changes)
    ((step,),) = [line.steps for line in trend_of(tmp_path / "r").lines]
    assert step.changed == {"image_digest": ["lock:False", "lock:True"], "kernel": ["6.1.0", "6.1.9"]}
    assert "image_digest, kernel changed, too" in step.words


def test_a_night_with_one_repeat_has_no_interval(tmp_path, trend_of):
    night(tmp_path / "r", 0, {"jax": [1.0]})
    night(tmp_path / "r", 1, {"jax": [1.0, 1.1]})
    one, two = trend_of(tmp_path / "r").lines[0].points
    assert (one.n, one.low, one.high) == (1, None, None) and two.low < two.seconds < two.high


def test_failed_repeats_are_counted_and_failed_nights_are_gaps(tmp_path, trend_of):
    make(tmp_path / "r", count=12)
    night(tmp_path / "r", 12, {"jax": [1.2, None, 1.2], "torch": [None, None]})
    night(tmp_path / "r", 13, {"jax": [1.2], "torch": [2.0]})
    jax, torch = trend_of(tmp_path / "r").lines
    assert jax.points[12].failed == 1 and jax.points[12].n == 2 and jax.gaps == []
    (gap,) = torch.gaps
    assert (gap.run_id, gap.why, gap.broken) == (run_id(12), "failed: RuntimeError: made up", True)
    assert len(torch.points) == 13 and torch.is_judged and not torch.broken


def test_a_cell_that_broke_in_the_newest_night_is_a_regression(tmp_path, trend_of):
    make(tmp_path / "r", count=12)
    night(tmp_path / "r", 12, {"jax": [1.2, 1.2], "torch": [None]})
    found = trend_of(tmp_path / "r")
    assert [line.name for line in regressions(found, 0.05)] == ["mnist_mlp keras3-today torch cpu"]
    assert found.lines[1].verdict == f"BROKEN: failed: RuntimeError: made up in {run_id(12)}"


def test_a_model_that_does_not_learn_has_no_time(tmp_path, trend_of):
    for number in range(9):
        night(tmp_path / "r", number, {"jax": [1.0, 1.0]}, scale="article", epochs=99, val_accuracy=0.99)
    night(tmp_path / "r", 9, {"jax": [0.5, 0.5]}, scale="article", epochs=99, val_accuracy=0.1)
    (line,) = trend_of(tmp_path / "r").lines
    assert len(line.points) == 9 and line.broken and "did not learn (0.100 <" in line.verdict
    night(tmp_path / "never", 0, {"jax": [0.5, 0.5]}, scale="article", epochs=99, val_accuracy=0.1)
    (line,) = trend_of(tmp_path / "never").lines
    assert not line.broken and line.verdict.startswith("not judged: did not learn") and line.points == []


def test_two_versions_in_one_run_make_no_point(tmp_path, trend_of):
    run = night(tmp_path / "r", 0, {"jax": [1.0, 1.0]})
    text = (run / "results.json").read_text()
    (run / "results.json").write_text(text.replace('"keras_version": "3.15.1"', '"keras_version": "3.16"', 1))
    (line,) = trend_of(tmp_path / "r").lines
    assert line.points == [] and line.gaps[0].why == "more than one keras_version in one run"
    assert not passes(trend_of(tmp_path / "r"), 0.05)


def test_a_line_ends_where_another_begins_or_where_newer_runs_lack_it(tmp_path, trend_of):
    make(tmp_path / "r", count=10)
    for number in range(10, 12):
        night(tmp_path / "r", number, {"jax": [1.2, 1.2]}, threads=8)
    old, gone, new = trend_of(tmp_path / "r").lines
    assert old.ended == "ended on 2026-03-10: from then on other threads"
    assert gone.ended == "ended on 2026-03-10: the newest run of its host does not have it"
    assert new.verdict == "not judged: 2 nights of the 8 that a step needs at least"
    assert not passes(trend_of(tmp_path / "r"), 0.05)


def test_the_newest_night_of_each_host_is_its_own(tmp_path, trend_of):
    make(tmp_path / "r", count=10)
    make(tmp_path / "r2", count=9, host="b")
    for path in (tmp_path / "r2").iterdir():
        if path.is_dir() and not path.is_symlink():
            text = (path / "results.json").read_text().replace("00abcd", "00bbbb")
            target = tmp_path / "r" / path.name.replace("00abcd", "00bbbb")
            path.rename(target)
            (target / "results.json").write_text(text)
    found = trend_of(tmp_path / "r")
    assert found.nights == 19 and [line.ended for line in found.lines] == [""] * 4
    assert {tuple(names) for names in found.apart.values()} == {("host",)}


def test_by_commit_and_version_nights_stay_apart_and_versions_are_no_text(tmp_path, trend_of):
    for number, version in enumerate(["3.9.0", "3.10.0", "3.9.0", "3.10.0", "odd"]):
        night(tmp_path / "r", number, {"jax": [1.0 + number / 10]}, keras_version=version)
    by_version = trend_of(tmp_path / "r", "version").lines[0].points
    assert [point.version for point in by_version] == ["odd", "3.9.0", "3.9.0", "3.10.0", "3.10.0"]
    by_commit = trend_of(tmp_path / "r", "commit").lines[0].points
    assert [point.seconds for point in by_commit] == pytest.approx([1.0, 1.2, 1.1, 1.3, 1.4])


def test_more_lines_than_anybody_reads_are_refused(tmp_path, trend_of, monkeypatch):
    monkeypatch.setattr(module, "MOST_LINES", 2)
    night(tmp_path / "r", 0, {"jax": [1.0], "torch": [1.0]})
    assert len(trend_of(tmp_path / "r").lines) == 2
    night(tmp_path / "r", 1, {"jax": [1.0]}, host="another-host")
    with pytest.raises(UserError, match=f"at most 2 lines, and {run_id(1)} brings more"):
        trend_of(tmp_path / "r")
