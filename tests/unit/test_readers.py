"""Whatever bytes are in the files that we read: typed errors and nothing else, no good line lost beside a bad one."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import UserError
from orchestrator.measure.events import COUNT_LIMIT, DEPTH_LIMIT, EventTail, decode_event, sort_events
from orchestrator.model import DataFile, Result, Sample, to_json
from orchestrator.plan import config
from orchestrator.results.columns import COLUMNS
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import Manifest, check_run, entry_of
from orchestrator.results.rows import epoch_rows, result_row
from tests.fuzz.targets import KNOWN_KINDS, TARGETS
from tests.make import make_job, make_plan

pytestmark = pytest.mark.slow

ROOMY = settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    ["epoch", "train_s", "validation_s", "elapsed_s", "samples", "loss", "acc", "name", "seconds", "train", "caches"]
)
events = st.fixed_dictionaries(
    {"event": st.sampled_from(KNOWN_KINDS) | st.text(max_size=5), "t": st.floats(0, 1e9) | values},
).flatmap(lambda fixed: st.dictionaries(fields, values, max_size=6).map(lambda more: {**more, **fixed}))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
@ROOMY
@given(data=st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused_in_words(target, data):
    target(data)


@ROOMY
@given(st.lists(events, max_size=8))
def test_any_events_become_a_result_a_record_and_a_row(found):
    read = [e for e in (decode_event(json.dumps(event).encode()) for event in found) if e is not None]
    result = Result(run_id="r", job=make_job(), status="ok", launched_t=1.0, exited_t=2.0, **sort_events(read))
    again = msgspec.json.decode(to_json(result), type=Result)
    row = result_row(again, [Sample(t=1.0, device="cpu:0", cpu_s=1.0), Sample(t=2.0, device="cpu:0", cpu_s=2.0)])
    assert set(row) == set(COLUMNS)
    json.dumps(row, allow_nan=False)
    epoch_rows([again])


@ROOMY
@given(st.lists(st.binary(max_size=80).filter(lambda line: b"\n" not in line), max_size=10), st.data())
def test_good_lines_survive_any_neighbours(tmp_path_factory, bad, draw):
    good = [json.dumps({"event": "phase", "t": float(i)}).encode() for i in range(5)]
    lines = list(bad)
    for line in good:
        lines.insert(draw.draw(st.integers(0, len(lines))), line)
    path = tmp_path_factory.mktemp("t") / "events.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    read = [event["t"] for event in EventTail(path).read() if event["event"] == "phase"]
    assert set(read) >= {0.0, 1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "x", "t": ' + b"[" * 100_000,
        b'{"event": "x", "t": 1, "a": ' + b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1) + b"}",
        b'{"event": "x", "t": 1, "a": ' + b"9" * 400 + b"}",
        b'{"event": "x", "t": 1, "a": 1e999}',
        b'{"event": "x", "t": true}',
        b'{"event": "x", "t": 1, "a": "\\ud800"}',
    ],
)
def test_lines_that_would_break_a_later_step_are_bad_lines(line):
    assert decode_event(line) is None


def test_millions_of_events_are_bounded(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"event":"phase","t":1}\n' * (COUNT_LIMIT + 10))
    tail = EventTail(path)
    assert len(tail.read(last=True)) == COUNT_LIMIT
    assert tail.full
    assert tail.read(last=True) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('"workload": "mnist_mlp"', '"workload": "../../x"', "$.jobs[0].workload"),
        ('"workload": "mnist_mlp"', '"workload": "mnist\\n"', "$.jobs[0].workload"),
        ('"stack": "keras2-theano"', '"stack": "/etc"', "$.jobs[0].stack"),
        ('"run_id": "20260101-000000-abcd"', '"run_id": "../x"', "$.run_id"),
        ('"repeat": 1', '"repeat": 0', "$.jobs[0].repeat"),
        ('"device": "cpu"', '"device": "../cpu"', "$.jobs[0].device"),
    ],
)
def test_a_name_that_leads_out_of_its_folder_is_refused_by_its_path(tmp_path, old, new, where):
    folder = RunFolder.create(tmp_path, make_plan())
    path = folder.path / "plan.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError) as caught:
        RunFolder.open(folder.path).plan()
    assert str(path) in caught.value.message
    assert where in caught.value.message
    assert "damaged" in caught.value.hint


def test_a_data_file_cannot_be_mounted_elsewhere():
    text = b'{"dataset":"mnist","path":"/x","sha256":"' + b"0" * 64 + b'","kind":"given","name":"../etc/passwd"}'
    with pytest.raises(msgspec.ValidationError, match=r"\$\.name"):
        msgspec.json.decode(text, type=DataFile)


def test_a_manifest_names_nothing_outside_its_folder(tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    run = tmp_path / "run"
    run.mkdir()
    entry = entry_of(b"x")
    (run / "manifest.json").write_bytes(to_json(Manifest(files={"../secret": entry, "/etc/passwd": entry})))
    assert {state for _, state in check_run(run)} == {"altered"}


def test_a_config_says_where_it_is_wrong():
    with pytest.raises(UserError, match=r"\$\.repeats"):
        config.decode(b"repeats: 0", "mine.yaml")
    with pytest.raises(UserError, match="not YAML"):
        config.decode(b"a: [", "mine.yaml")
