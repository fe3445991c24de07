"""The `slurm:` part of a configuration, and what the preflight says of nodes."""

from __future__ import annotations

import pytest

from orchestrator import __version__
from orchestrator.errors import UserError
from orchestrator.executors.slurm import doctor
from orchestrator.executors.slurm import executor as slurm
from orchestrator.executors.slurm.commands import Node
from orchestrator.executors.slurm.doctor import Seen
from orchestrator.executors.slurm.ledger import Away
from orchestrator.model import DataFile, Result
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, decode, override
from tests.make import make_job


def test_fields_from_the_command_line_come_on_top_of_the_file():
    config = decode(b"executor: slurm\nslurm: {partition: gpu, queue: 8, options: [--qos=low]}", "x.yaml")
    changed = override(config, slurm={"partition": "long"})
    assert (changed.slurm.partition, changed.slurm.queue, changed.slurm.options) == ("long", 8, ["--qos=low"])
    assert override(Config(), slurm=None).slurm.partition is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("slurm: {partition: '-x'}", "$.slurm.partition"),
        ("slurm: {options: ['--qos=low', 'rm -rf /']}", "$.slurm.options[1]"),
        ("slurm: {time: soon}", "$.slurm.time"),
        ("slurm: {queue: 0}", "$.slurm.queue"),
        ("slurm: {python: bin/python}", "$.slurm.python"),
        ("slurm: {images: {by: archive}}", "$.slurm.images"),
        ("slurm: {images: {by: present, registry: reg.example/x}}", "$.slurm.images"),
        ("slurm: {partitoin: gpu}", "$.slurm"),
    ],
)
def test_a_bad_value_is_named_by_its_path(text, path):
    with pytest.raises(UserError) as caught:
        decode(text.encode(), "x.yaml")
    assert path in caught.value.message


@pytest.mark.parametrize(
    "option",
    [
        *(
            "--comment=x",
            "--comm=x",
            "--job-name=x",
            "--array=1-3",
            "--chdir=/",
            "--output=x",
            "--error=x",
            "--input=x",
        ),
        *("--open-mode=truncate", "--export=NONE", "--export-file=x", "--parsable", "--wrap=ls", "--test-only"),
        *("--requeue", "--req", "--no-requeue", "--nodes=2", "--ntasks=2", "--wait", "--job=x", "--exclude=/tmp/nodes"),
    ],
)
def test_what_makes_a_job_ours_cannot_be_overwritten(option):
    with pytest.raises(UserError, match=f"`options` may not hold {option}: "):
        override(Config(), slurm={"options": ["--qos=low", option]})


@pytest.mark.parametrize(
    "option",
    [
        *(
            "--qos=low",
            "--mem=16G",
            "--exclude=n[1-3]",
            "--dependency=afterok:7",
            "--ntasks-per-node=1",
            "--nodelist=n1",
        ),
        *("--exclusive", "--time=5", "--constraint=ib", "--cpus-per-task=4", "--reservation=x", "--nice=5", "--gres=x"),
    ],
)
def test_other_words_for_sbatch_are_the_users(option):
    assert override(Config(), slurm={"options": [option]}).slurm.options == [option]


def test_a_misspelt_field_gets_a_hint_from_its_own_part():
    with pytest.raises(UserError) as caught:
        decode(b"slurm: {partitoin: gpu}", "x.yaml")
    assert caught.value.hint == "did you mean 'partition'?"


def test_a_node_with_other_code_is_in_the_way():
    seen = Seen(node="n1", orchestrator="0.0.1", workloads_sha256="b" * 64)
    levels = {check.what: check.level for check in doctor.judged(seen, "a" * 64, 3)}
    assert levels == {"n1: orchestrator, and 3 more of its kind": "bad", "n1: workloads/": "bad"}
    good = Seen(node="n1", orchestrator=__version__, workloads_sha256="a" * 64)
    assert {check.level for check in doctor.judged(good, "a" * 64, 0)} == {"ok"}


def test_images_that_differ_between_nodes_are_in_the_way():
    first = Seen(node="n1", orchestrator="", workloads_sha256="", images={"s": "sha256:1", "t": "sha256:3"})
    other = Seen(node="n2", orchestrator="", workloads_sha256="", images={"s": "sha256:2", "t": "sha256:3"})
    (check,) = doctor.different_images([first, other])
    assert (check.level, check.what, check.seen) == ("bad", "image of s", "n1 sha256:1, n2 sha256:2")


def test_one_node_of_each_kind_is_looked_at_and_rather_one_that_is_free():
    def node(name, state, **gpus):
        return Node(name=name, state=state, cpus=4, gpus=gpus, features="", partition="p")

    nodes = [node("a", "down*", k80=1), node("b", "mixed", k80=1), node("c", "idle", k80=1), node("d", "idle")]
    assert [(n.name, more) for n, more in doctor.one_of_each(nodes, None, "gpu")] == [("c", 2)]
    assert [n.name for n, _ in doctor.one_of_each(nodes, None, "cpu")] == ["c", "d"]
    assert doctor.one_of_each(nodes, "h100", "gpu") == []


def test_a_folder_for_keras_is_sent_by_its_absolute_path(tmp_path, monkeypatch):
    """Nodes start in folders of their own."""
    (tmp_path / "keras").mkdir()
    monkeypatch.chdir(tmp_path)
    assert slurm.absolute_spec("./keras") == str(tmp_path / "keras")
    assert slurm.absolute_spec(".") == str(tmp_path)
    for spec in (None, "keras", "keras==3.12.0", "./nowhere", "keras @ git+https://example.org/keras"):
        assert slurm.absolute_spec(spec) == spec


def test_a_runtime_of_ones_own_is_no_other_launcher_when_a_run_is_resumed(tmp_path):
    """Results have its name, the configuration has its file."""
    path = tmp_path / "mine.yaml"
    path.write_text("{like: podman, program: [sudo, podman]}")
    away = Away(override(Config(), launcher=str(path)), load_catalog(), None, [], print)
    job = make_job()
    kept = {job.id: Result(run_id="r", job=job, status="ok")}
    files = {job.dataset: DataFile(dataset=job.dataset, path="/d", sha256="0" * 64, kind="given", name="d")}
    assert slurm._identities(away, kept, files)[job.id]["launcher"] == "mine"
    away.config = override(Config(), launcher="podman")
    assert slurm._identities(away, kept, files)[job.id]["launcher"] == "podman"
