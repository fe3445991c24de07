"""What fits what, from facts alone; and the lines that a person reads."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import structs

from orchestrator.host.checks import Check, DataFact, Disk, Facts, GpuState, Trial, all_checks, worst
from orchestrator.host.fitness import placement, unsupported
from orchestrator.model import Device
from orchestrator.plan.catalog import load_catalog

STACKS = [stack for stack in load_catalog().stacks if not stack.like]
OLD = [stack for stack in STACKS if stack.article]
TODAY = [stack for stack in STACKS if not stack.article]


def gpu(name, capability, driver, index=0):
    return Device(
        kind="gpu", name=name, uuid=f"GPU-{index}", index=index, driver=driver, compute_capability=capability,
        memory_mb=11441, cuda="11.4",
    )  # fmt: skip


K80 = gpu("Tesla K80", "3.7", "470.256.02")
P100 = gpu("Tesla P100", "6.0", "580.65.06")
V100 = gpu("Tesla V100", "7.0", "580.65.06")
H200 = gpu("NVIDIA H200", "9.0", "580.65.06", 1)


def facts(*gpus, **more):
    return Facts(device="gpu", launcher="docker", engine="20.10, API 1.41", route="devices (why)", gpus=gpus, **more)


def texts(found, level):
    return [f"{check.what}: {check.seen} -> {check.mend}" for check in found if check.level == level]


def test_a_k80_host_is_green_for_the_article():
    found = all_checks(facts(K80), OLD, STACKS)
    assert worst(found) == "ok"
    assert len(found) == 3 + 1 + 4  # engine, driver, route; the GPU; four backends


def test_an_h200_host_is_told_in_plain_words_what_cannot_work_and_what_can():
    found = all_checks(facts(H200), OLD, STACKS)
    bad = texts(found, "bad")
    assert len(bad) == 4
    assert "its CUDA 8.0 code cannot drive compute capability 9.0 (NVIDIA H200): it was built for 3.0 to 6.2" in bad[0]
    assert all("orchestrate --config modern --device gpu" in line for line in bad)


def test_with_two_kinds_of_gpu_each_stack_has_its_own():
    found = all_checks(facts(K80, H200), STACKS, STACKS)
    assert worst(found) == "warn"
    assert unsupported(STACKS, [K80, H200]) == {}
    on_k80, on_h200 = placement(STACKS, [K80, H200])
    assert on_k80.startswith("Tesla K80 (compute capability 3.7): keras2-tensorflow-cntk (tensorflow)")
    assert "not keras3-tensorflow" in on_k80
    assert on_h200.startswith("NVIDIA H200 (compute capability 9.0): keras3-tensorflow (tensorflow), keras3-jax")
    assert "not keras2-tensorflow-cntk" in on_h200


def test_without_a_driver():
    found = all_checks(facts(no_gpu="NVML says: NVML Shared Library Not Found"), OLD, STACKS)
    (line,) = texts(found, "bad")
    assert "NVML Shared Library Not Found" in line
    assert "install the NVIDIA driver" in line


@pytest.mark.parametrize(
    ("more", "level", "words"),
    [
        ({"states": {"GPU-0": GpuState(busy="process 7 (python x.py)")}}, "warn", ["process 7", "--allow-busy"]),
        ({"states": {"GPU-0": GpuState(leased="run r, process 9 of ann")}}, "warn", ["run r, process 9", "wait"]),
        ({"states": {"GPU-0": GpuState(lost="GPU is lost")}}, "bad", ["GPU is lost", "reset"]),
        ({"states": {"GPU-0": GpuState(free_mb=100)}}, "warn", ["100 MiB of 11.2 GiB free"]),
        ({"states": {"GPU-0": GpuState(sm_mhz=300.0, slowed_by=["hw_thermal"])}}, "warn", ["hw_thermal", "cooling"]),
        (
            {"states": {"GPU-0": GpuState(unknown="2 processes with 9 MiB")}},
            "warn",
            ["2 processes with 9", "on the host"],
        ),
        ({"architecture": "aarch64"}, "warn", ["aarch64: the packages", "--python"]),
        ({"disks": [Disk(what="results", path="/x", free_mb=10, needed_mb=1024)]}, "bad", ["/x", "free space"]),
        ({"images": {"keras1-mxnet": False}}, "warn", ["orchestrate build --device gpu --stack keras1-mxnet"]),
        ({"data": [DataFact(dataset="mnist", state="missing")]}, "warn", ["orchestrate data fetch mnist"]),
        ({"data": [DataFact(dataset="mnist", state="corrupt", path="/m")]}, "bad", ["corrupt: /m"]),
        (
            {"data": [DataFact(dataset="mnist", state="ok", kind="synthetic", path="/m")]},
            "warn",
            ["SYNTHETIC: /m", "--data-dir"],
        ),
        ({"no_python": {"keras2-theano": "needs python2.7"}}, "bad", ["Python of keras2-theano: needs python2.7"]),
        ({"no_python": {"keras2-theano": "needs python2.7", "keras3-jax": ""}}, "warn", ["`unsupported` rows"]),
    ],
)
def test_every_trouble_is_a_line_with_a_remedy(more, level, words):
    (line,) = texts(all_checks(facts(K80, **more), OLD, STACKS), level)
    assert all(word in line for word in words)


@pytest.mark.parametrize(
    ("state", "level", "seen"),
    [
        (GpuState(sm_mhz=562.4, max_sm_mhz=875.0), "ok", "562 of 875 MHz"),
        (GpuState(sm_mhz=562.4), "ok", "562 MHz"),
        (GpuState(slowed_by=["hw_thermal"], max_sm_mhz=875.0), "warn", "? of 875 MHz, slowed down by hw_thermal"),
    ],
)
def test_clocks_are_told_as_far_as_the_driver_tells_them(state, level, seen):
    found = all_checks(facts(K80, states={"GPU-0": state}), OLD, STACKS)
    assert [(c.level, c.seen) for c in found if c.what == "clocks of GPU 0 Tesla K80"] == [(level, seen)]


def test_a_stack_without_an_image_for_gpus_says_so():
    stack = structs.replace(OLD[0], images={"cpu": OLD[0].images["cpu"]})
    found = [check for check in all_checks(facts(K80), [stack], STACKS) if check.what.startswith(stack.name)]
    assert {check.level for check in found} == {"bad"}
    assert {check.seen for check in found} == {"this stack has no image for a GPU"}


def test_an_engine_without_the_toolkit():
    found = all_checks(
        Facts(device="gpu", launcher="docker", engine="e", gpus=[K80], route_trouble="cannot", route_mend="install"),
        OLD, STACKS,
    )  # fmt: skip
    assert texts(found, "bad") == ["GPU for containers: cannot -> install"]


@pytest.mark.parametrize(("needed", "level"), [(True, "bad"), (False, "warn")])
def test_no_engine_is_in_the_way_only_where_it_was_insisted_on(needed, level):
    found = all_checks(
        Facts(device="cpu", launcher="docker", engine_trouble="none here", engine_needed=needed), OLD, STACKS
    )
    assert [(check.what, check.level) for check in found] == [("Docker engine", level)]


def test_the_verdict_is_that_of_the_worst_line():
    lines = [Check(level=level, what="x", seen="y") for level in ("ok", "warn", "bad")]
    assert [worst(lines[:n]) for n in range(4)] == ["ok", "ok", "warn", "bad"]


def test_a_container_runtime_is_looked_at_instead_of_the_engine():
    missing = Facts(device="cpu", launcher="podman", runtime_trouble="podman: not there", runtime_mend="install it")
    (bad,) = all_checks(missing, [], [])
    assert (bad.level, bad.what, bad.mend) == ("bad", "runtime podman", "install it")
    facts = Facts(
        device="cpu",
        launcher="apptainer",
        runtime="1.3",
        unconfined=["memory: no"],
        engine_trouble="none",
        images={"keras3-jax": False},
    )
    runtime, confinement, engine, image = all_checks(facts, [], [])
    assert (runtime.level, runtime.seen) == ("ok", "1.3")
    assert (confinement.level, confinement.seen) == ("warn", "not everything: memory: no")
    assert (engine.level, engine.seen) == ("ok", "none (none): apptainer must have the images already")
    assert image.mend == "orchestrate images load FILE --launcher apptainer"


def test_a_cpu_quota_is_said():
    facts = Facts(device="cpu", launcher="process", cores=8, cpu_quota=0.5)
    (check,) = [check for check in all_checks(facts, [], []) if check.what == "CPU quota"]
    assert check.level == "warn" and check.seen.startswith("0.5 cores' time") and "on 8 cores" in check.seen
    assert not [c for c in all_checks(structs.replace(facts, cpu_quota=None), [], []) if c.what == "CPU quota"]


@pytest.mark.parametrize(
    ("trial", "line"),
    [
        (Trial(launcher="docker"), ("ok", "container of a job", "")),
        (Trial(launcher="docker", lacks=["cores: any"]), ("warn", "confinement by docker", "")),
        (Trial(launcher="docker", trouble="it sees nothing", mend="show it"), ("bad", "container of a job", "show it")),
    ],
)
def test_what_a_trial_container_told(trial, line):
    facts = Facts(device="cpu", launcher="docker", engine="20.10", trial=trial)
    (found,) = [check for check in all_checks(facts, [], []) if check.what != "Docker engine"]
    assert (found.level, found.what, found.mend) == line
    assert trial.trouble in found.seen and all(point in found.seen for point in trial.lacks)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"state": {"persistence mode": "off"}}, "warn", "nvidia-persistenced"),
        ({"state": {"compute mode": "exclusive process"}}, "ok", "one program at a time"),
        ({"state": {"slice": "a slice (MIG)"}}, "ok", "a slice (MIG)"),
        ({"board": "GPU-0"}, "ok", "they take turns"),
        ({"unusable": "MIG is on, and no slice has been made"}, "warn", "nvidia-smi mig -cgi"),
    ],
)
def test_the_set_up_of_a_card_is_told_where_a_person_should_know(changes, level, words):
    plain = texts(all_checks(facts(K80), OLD, STACKS), level)
    told = texts(all_checks(facts(msgspec.structs.replace(K80, **changes)), OLD, STACKS), level)
    assert any(words in line for line in told)
    assert not any(words in line for line in plain)
