"""The same plan again, and in words what is not the same."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import asdict

from orchestrator.errors import UserError
from orchestrator.model import DataFile, Fingerprint, Job, Layer, Plan, Result, Skip
from orchestrator.run.replay import differences, refuse_other_data, same_config, same_plan

JOB = Job(
    workload="mnist_mlp", stack="keras3-jax", backend="jax", device="cpu", repeat=1, scale="smoke", epochs=2,
    batch_size=128, train=1280, validation=256, seed=7, threads=1, timeout_s=60, dataset="mnist",
)  # fmt: skip

SECOND = msgspec.structs.replace(JOB, repeat=2)
THEN = Fingerprint(
    launcher="docker", image_digest="sha256:aa", workloads_sha256="a" * 64, data_sha256="b" * 64, data_kind="given",
    host="h", cpu="c", cores=2, memory_mb=1000, os="o", threads=1, orchestrator="0.1.0",
)  # fmt: skip
PLAN = Plan(
    run_id="20260101-000000-abcd", created="", config={"launcher": "auto"}, seed=1, jobs=[JOB],
    skipped=[Skip(job=SECOND, status="excluded", reason="by hand")],
)  # fmt: skip


def result(fingerprint):
    return {JOB.id: Result(run_id=PLAN.run_id, job=JOB, status="ok", fingerprint=fingerprint)}


def test_the_plan_is_the_same_but_for_its_name():
    again = same_plan(PLAN, "20260202-000000-ffff", "now")
    assert (again.jobs, again.skipped, again.seed, again.config) == (
        PLAN.jobs,
        PLAN.skipped,
        1,
        {**PLAN.config, "executor": "local"},
    )
    assert again.run_id == "20260202-000000-ffff"
    one = same_plan(PLAN, "20260202-000000-ffff", "now", JOB.id)
    assert (one.jobs, one.skipped) == ([JOB], [])


def test_nothing_is_said_of_what_is_the_same():
    now = msgspec.structs.replace(THEN, memory_mb=1020, pinned_cores=[1], command=["other", "path"])
    assert differences(result(THEN), {JOB.id: asdict(now)}, [JOB]) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_digest", "sha256:bb"),
        ("data_sha256", "c" * 64),
        ("threads", 2),
        ("cpu", "d"),
        ("keras_spec", "x"),
        ("packages_sha256", "a" * 64),
    ],
)
def test_each_difference_is_said_with_both_values(name, value):
    (line,) = differences(result(THEN), {JOB.id: asdict(msgspec.structs.replace(THEN, **{name: value}))}, [JOB])
    assert line.startswith(f"{name}: ") and JOB.stack in line


def test_a_job_without_a_record_is_said():
    assert differences({}, {JOB.id: asdict(THEN)}, [JOB]) == [f"nothing is known of how it ran then ({JOB.id})"]


def test_the_recorded_launcher_is_used_again():
    then = msgspec.structs.replace(PLAN, setup={"launcher": "docker"})
    assert same_config(then, None).launcher == "docker"
    assert same_config(then, "process").launcher == "process"
    with pytest.raises(UserError, match="another version"):
        same_config(msgspec.structs.replace(PLAN, config={"nonsense": 1}), None)


def test_a_difference_tells_no_secret():
    now = msgspec.structs.replace(THEN, keras_spec="keras @ https://me:S3CRET@h/k")
    (line,) = differences(result(THEN), {JOB.id: asdict(now)}, [JOB])
    assert "keras @ https://h/k now" in line


def data(sha256, kind="given"):
    return {"mnist": DataFile(dataset="mnist", path="/d/mnist.npz", sha256=sha256, kind=kind, name="mnist.npz")}


def test_other_data_than_on_record_are_refused_with_both():
    then = msgspec.structs.replace(PLAN, data=data("b" * 64))
    with pytest.raises(UserError) as caught:
        refuse_other_data(then, data("c" * 64, "synthetic"), [JOB])
    assert "mnist is bbbbbbbbbbbbbbbbbbb... (given) on record" in caught.value.message
    assert "/d/mnist.npz is ccccccccccccccccccc... (synthetic)" in caught.value.message
    assert "--other-data" in caught.value.hint and "--data-dir" in caught.value.hint


def test_the_same_data_from_elsewhere_is_the_same():
    then = msgspec.structs.replace(PLAN, data=data("b" * 64))
    refuse_other_data(then, data("b" * 64, "official"), [JOB])
    refuse_other_data(PLAN, data("c" * 64), [JOB])  # nothing is known of it
    own = msgspec.structs.replace(JOB, dataset=None)
    refuse_other_data(then, data("c" * 64), [own])


def test_a_job_that_read_no_data_set_differs_in_none():
    made_up = msgspec.structs.replace(THEN, data_sha256="0" * 64, data_kind="own")
    assert differences(result(made_up), {JOB.id: asdict(THEN)}, [JOB]) == []


def test_what_a_script_had_beside_its_stack_is_installed_again():
    layer = Layer(workload="my", stack=JOB.stack, asked=["einops"], base="a" * 64, lock="einops==0.8.2")
    assert same_plan(msgspec.structs.replace(PLAN, layers=[layer]), "20260202-000000-ffff", "now").layers == [layer]
