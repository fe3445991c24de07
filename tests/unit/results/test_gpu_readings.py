"""The readings on disk: as lines, as Parquet, whole or torn."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import duckdb
import msgspec
import pytest

from orchestrator import extras
from orchestrator.errors import UserError
from orchestrator.model import GpuProcess, GpuSample
from orchestrator.results import gpu_readings, named_files

SAMPLES = [
    GpuSample(t=1.0, uuid="a", util=5.0, throttle=1, processes=[GpuProcess(pid=7, job="j", memory_mb=1.5)]),
    GpuSample(t=2.0, uuid="a", kind="buffer", util=6.0),
    GpuSample(t=2.5, uuid="b", util=7.0, processes=[]),
    GpuSample(t=3.0, uuid="a", lost="GPU is lost"),
]


def spool(run, samples=SAMPLES):
    path = gpu_readings.new_spool(run)
    path.write_bytes(b"".join(msgspec.json.encode(sample) + b"\n" for sample in samples))
    return path


def test_lines_and_parquet_say_the_same(tmp_path):
    spool(tmp_path)
    mine = [sample for sample in SAMPLES if sample.uuid == "a"]
    assert gpu_readings.read(tmp_path, "a", 0, 9) == mine
    gpu_readings.to_parquet(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gpu-1.parquet"]
    assert gpu_readings.read(tmp_path, "a", 0, 9) == mine
    assert gpu_readings.read(tmp_path, "a", 1.5, 2.5) == [SAMPLES[1]]
    assert gpu_readings.read(tmp_path, "c", 0, 9) == []


def test_parquet_gives_the_very_numbers_and_words(tmp_path):
    draw = random.Random(3)
    samples = [
        GpuSample(
            t=float(i), uuid="a", power_w=draw.uniform(-1, 1) * 10.0 ** draw.randint(-300, 300), throttle=2**62 + i,
            processes=[GpuProcess(pid=i, command='"command":null, \\ \x01 é \n'), GpuProcess(pid=i, memory_mb=i / 3)],
            lost="\u2028 \U0001f600", xids=[i, 79],
        )
        for i in range(300)
    ]  # fmt: skip
    spool(tmp_path, samples)
    gpu_readings.to_parquet(tmp_path)
    assert gpu_readings.read(tmp_path, "a", 0, 999) == samples


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("1.0 as t, 'a' as uuid, NULL::VARCHAR as kind", GpuSample(t=1.0, uuid="a")),
        ("1.0 as t, 'a' as uuid, 3 as fan, [{'pid': 7, 'cores': 2}] as processes", None),
        ("1.0 as t, 'a' as uuid, 'infinity'::DOUBLE as util", UserError),
        ("1.0 as t, 'a' as uuid, 'much' as util", UserError),
        ("1.0 as t, 'a' as uuid, 'neither' as kind", UserError),
    ],
)
def test_a_file_of_another_version_or_of_nobody_is_read_or_refused(tmp_path, columns, found):
    duckdb.sql(f"copy (select {columns}) to '{tmp_path / 'gpu-1.parquet'}'")
    if found is UserError:
        with pytest.raises(UserError, match=r"gpu-1\.parquet"):
            gpu_readings.read(tmp_path, "a", 0, 9)
    else:
        expected = found or GpuSample(t=1.0, uuid="a", processes=[GpuProcess(pid=7)])
        assert gpu_readings.read(tmp_path, "a", 0, 9) == [expected]


@pytest.mark.parametrize("letter", ["x", "\x01", "\U0001f600"])
def test_readings_are_weighed_as_they_are_taken(tmp_path, monkeypatch, letter):
    """A letter below the space is six as JSON."""
    spool(tmp_path, [GpuSample(t=float(i), uuid="a", lost=letter * 1000) for i in range(30)])
    gpu_readings.to_parquet(tmp_path)
    taken = []
    monkeypatch.setattr(gpu_readings, "PIECE_TEXT", 20_000)
    samples = gpu_readings._samples
    monkeypatch.setattr(gpu_readings, "_samples", lambda lines: (taken.append(sum(map(len, lines))), samples(lines))[1])
    assert len(gpu_readings.read(tmp_path, "a", 0, 99)) == 30
    assert max(taken) <= 20_000
    monkeypatch.setattr(gpu_readings, "MOST_READINGS_TEXT", sum(taken) - 1)
    with pytest.raises(UserError, match="30 readings"):
        gpu_readings.read(tmp_path, "a", 0, 99)


def test_a_torn_line_is_left_out(tmp_path):
    path = spool(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    assert gpu_readings.read(tmp_path, "a", 0, 9) == SAMPLES[:2]


def test_a_resumed_run_has_several_sessions(tmp_path):
    spool(tmp_path, SAMPLES[:1])
    gpu_readings.to_parquet(tmp_path)
    assert spool(tmp_path, SAMPLES[1:]).name == "gpu-2.jsonl"
    assert [sample.t for sample in gpu_readings.read(tmp_path, "a", 0, 9)] == [1.0, 2.0, 3.0]
    gpu_readings.to_parquet(tmp_path)
    assert gpu_readings.new_spool(tmp_path).name == "gpu-3.jsonl"


def test_absent_metrics_have_their_type_all_the_same(tmp_path):
    spool(tmp_path, [GpuSample(t=1.0, uuid="a")])
    gpu_readings.to_parquet(tmp_path)
    table = duckdb.sql(f"select * from '{tmp_path / 'gpu-1.parquet'}'")
    types = dict(zip(table.columns, map(str, table.types), strict=True))
    assert list(types) == list(gpu_readings.COLUMNS)
    assert types == gpu_readings.COLUMNS


def test_every_field_of_a_reading_has_its_type():
    assert list(gpu_readings.COLUMNS) == list(GpuSample.__struct_fields__)
    assert {gpu_readings.COLUMNS[name] for name in ("t", "util", "energy_j", "mem_mhz")} == {"DOUBLE"}
    assert (gpu_readings.COLUMNS["kind"], gpu_readings.COLUMNS["lost"]) == ("VARCHAR", "VARCHAR")
    assert gpu_readings.COLUMNS["throttle"] == "BIGINT"
    assert gpu_readings.COLUMNS["processes"] == "STRUCT(pid BIGINT, memory_mb DOUBLE, job VARCHAR, command VARCHAR)[]"


def test_nothing_recorded_is_nothing_read(tmp_path):
    gpu_readings.to_parquet(tmp_path)
    assert gpu_readings.read(tmp_path, "a", 0, 9) == []
    gpu_readings.new_spool(tmp_path).write_bytes(b"")
    assert gpu_readings.read(tmp_path, "a", 0, 9) == []
    gpu_readings.to_parquet(tmp_path)
    assert gpu_readings.read(tmp_path, "a", 0, 9) == []


def test_lines_are_read_without_duckdb_and_parquet_needs_it(tmp_path, monkeypatch):
    spool(tmp_path, SAMPLES[:2])
    gpu_readings.to_parquet(tmp_path)
    spool(tmp_path, SAMPLES[2:])
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(extras.Lacking, match="need duckdb, which is not installed"):
        gpu_readings.read(tmp_path, "a", 0, 9)
    (tmp_path / "gpu-1.parquet").unlink()
    assert gpu_readings.read(tmp_path, "a", 0, 9) == SAMPLES[3:]
    with pytest.raises(extras.Lacking):
        gpu_readings.to_parquet(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gpu-2.jsonl"]


def test_a_line_of_a_newer_version_or_of_nobody_costs_no_other(tmp_path):
    path = spool(tmp_path, SAMPLES[:1])
    newer = b'{"t": 2.0, "uuid": "a", "util": 6.0, "fan": 30}\n'
    path.write_bytes(b"\xff\n[]\n" + b"[" * 3000 + b"\n" + newer + path.read_bytes())
    found = [GpuSample(t=1.0, uuid="a", util=5.0), GpuSample(t=2.0, uuid="a", util=6.0)]
    read = gpu_readings.read(tmp_path, "a", 0, 9)
    assert [(one.t, one.util) for one in read] == [(one.t, one.util) for one in found]


def test_more_readings_than_memory_bears_are_refused(tmp_path, monkeypatch):
    spool(tmp_path)
    monkeypatch.setattr(gpu_readings, "MOST_READINGS", 2)
    with pytest.raises(UserError, match="3 readings of one job or more"):
        gpu_readings.read(tmp_path, "a", 0, 9)
    assert len(gpu_readings.read(tmp_path, "a", 0, 2)) == 2


@pytest.mark.parametrize("parquet", [True, False])
def test_one_opening_serves_many_jobs_with_what_each_would_read_alone(tmp_path, monkeypatch, parquet):
    """In any order, of several GPUs and sessions, across pages and where a page would be too large."""
    draw = random.Random(7)
    for session in range(2):
        times = sorted(draw.uniform(300 * session, 300 * session + 280) for _ in range(200))
        spool(tmp_path, [GpuSample(t=t, uuid=draw.choice("ab"), util=t) for t in times])
        if parquet or session == 0:
            gpu_readings.to_parquet(tmp_path)
    monkeypatch.setattr(gpu_readings, "AHEAD_S", 90.0)
    monkeypatch.setattr(gpu_readings, "MOST_READINGS", 30)
    windows = [(draw.choice("abc"), begin, begin + draw.uniform(0, 20)) for begin in range(0, 600, 7)]
    draw.shuffle(windows)
    with gpu_readings.Series(tmp_path) as series:
        for uuid, begin, end in windows:
            alone = gpu_readings.read(tmp_path, uuid, begin, end)
            assert series.read(uuid, begin, end) == alone
            assert all(sample.uuid == uuid and begin <= sample.t <= end for sample in alone)


def test_a_folder_is_opened_once_and_nothing_stays_open(tmp_path, monkeypatch):
    spool(tmp_path)
    gpu_readings.to_parquet(tmp_path)
    before, opened = len(list(Path("/proc/self/fd").iterdir())), []
    connect = named_files.connect
    monkeypatch.setattr(named_files, "connect", lambda: opened.append(1) or connect())
    with gpu_readings.Series(tmp_path) as series:
        for _ in range(3):
            assert len(series.read("a", 0, 9)) == 3 and len(series.read("b", 0, 9)) == 1
    assert len(opened) == 1
    assert len(list(Path("/proc/self/fd").iterdir())) == before
