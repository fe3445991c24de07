"""What a stack has already is found in its lock; what contradicts it is told with both sides, and asks nobody."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import HostError
from orchestrator.model import Found, OwnFile, Stack, Workload
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import ground
from orchestrator.stacks.ground import Ground, Unfit, cannot_run, lacking, of_stack
from tests.make import make_job, make_plan

CATALOG = load_catalog()
TENSORFLOW, OLD = CATALOG.stack("keras3-tensorflow"), CATALOG.stack("keras2-theano")
HAS = Ground(
    stack="s",
    python="3.11",
    pins={"numpy": "2.4.6", "torch": "2.13.0+cpu", "tensorflow-cpu": "2.21.0"},
    sha256="0" * 64,
    other_names={"tensorflow": "tensorflow-cpu"},
)


def test_a_stack_has_what_its_lock_says_under_every_name():
    found = of_stack(TENSORFLOW, "cpu", CATALOG.docker_dir)
    assert found.version("NumPy") == "2.4.6"
    assert found.version("tensorflow") == found.version("tensorflow-cpu") == "2.21.0"
    assert found.version("ml_dtypes") and found.version("pandas") is None
    assert found.interpreter is None and found.python == "3.11"
    on_gpu = of_stack(TENSORFLOW, "gpu", CATALOG.docker_dir)
    assert on_gpu.version("tensorflow-cpu") == on_gpu.version("tensorflow") == "2.21.0"
    assert found.sha256 != on_gpu.sha256


def test_a_keras_of_ones_own_is_there_in_a_version_that_nobody_knows():
    found = of_stack(TENSORFLOW, "cpu", CATALOG.docker_dir, keras_spec="keras @ git+https://x")
    assert "keras" not in found.pins
    assert lacking(found, ["keras>=99", "numpy"], "my.py") == []


def test_a_lock_that_is_not_there_is_the_hosts_fault(tmp_path: Path):
    with pytest.raises(HostError, match="cannot be read"):
        of_stack(TENSORFLOW, "cpu", tmp_path)


@pytest.mark.parametrize(
    "met",
    ["numpy", "numpy>=2", "NumPy==2.4.6", "tensorflow>=2.16", "torch==2.13.0", 'pandas; python_version < "3.11"'],
)
def test_what_is_there_is_not_asked_for(met: str):
    assert lacking(HAS, [met], "my.py") == []


@pytest.mark.parametrize(
    "needed", ["einops", "numpy[extra]", 'pandas; python_version >= "3.11"', "x @ https://h/x.whl"]
)
def test_what_is_not_there_is(needed: str):
    assert lacking(HAS, ["numpy", needed], "my.py") == [needed]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("numpy<1.20", "my.py needs numpy<1.20, and s has numpy==2.4.6"),
        ("tensorflow<2.16", "my.py needs tensorflow<2.16, and s has tensorflow-cpu==2.21.0"),
        ("numpy @ https://me:pw@host/numpy.whl", "my.py needs numpy @ https://host/numpy.whl, and s has numpy==2.4.6"),
    ],
)
def test_a_contradiction_names_both_sides(asked: str, words: str):
    with pytest.raises(Unfit) as caught:
        lacking(HAS, ["einops", asked], "my.py")
    assert caught.value.message.startswith(words)


def test_nothing_can_be_added_to_python_2():
    old = msgspec.structs.replace(HAS, python="2.7")
    ground.refuse_old(old, lacking(old, ["numpy"], "my.py"), "my.py")
    with pytest.raises(Unfit, match=r"my.py needs einops; packages can be added to Python 3 only, and s has Python 2"):
        ground.refuse_old(old, lacking(old, ["numpy", "einops"], "my.py"), "my.py")


def plan_of(packages: list[str], python: str | None = None):
    own = OwnFile(path="/home/me/my.py", sha256="1" * 64, contract="script", packages=packages, python=python)
    jobs = [make_job(workload="my", variant="own", stack=name, dataset=None) for name in (TENSORFLOW.name, OLD.name)]
    return make_plan(jobs=jobs, workloads=[Workload(name="my", title="my.py", own=own)])


def reasons(plan) -> dict[str, str]:
    def has(stack: Stack) -> Ground:
        return of_stack(stack, "cpu", CATALOG.docker_dir)

    found = cannot_run(plan, CATALOG.stacks, has)
    assert all(each.status == "unsupported" and each.workload == "my" for each in found)
    assert all(each.concerns(job) == (each.stack == job.stack) for each in found for job in plan.jobs)
    return {each.stack: each.reason for each in found}


def test_what_a_stack_can_never_run_is_known_before_anything_is_made():
    assert reasons(plan_of(["numpy"])) == {}
    assert reasons(plan_of([], ">=3.10")) == {OLD.name: "my.py needs Python >=3.10, and keras2-theano has 2.7"}
    found = reasons(plan_of(["numpy>=2", "einops"]))
    assert list(found) == [OLD.name] and "my.py needs numpy>=2, and keras2-theano has numpy==1." in found[OLD.name]
    assert set(reasons(plan_of(["einops"]))) == {OLD.name}


def test_a_stack_whose_packages_are_not_known_is_left_to_whoever_makes_it_ready():
    def unknown(stack: Stack) -> Ground:
        raise HostError("no lock")

    assert cannot_run(plan_of(["numpy<1"]), CATALOG.stacks, unknown) == []


def test_an_environment_as_it_was_found_is_ground_too():
    packages = ["python==3.11.7", "keras==3.15.1", "Jax==0.10.2", "mine==a build of ours"]
    found = Found(kind="python", place="/opt/python", sha256="c" * 64, packages=packages)
    known = of_stack(msgspec.structs.replace(CATALOG.stack("keras3-jax"), found=found), "cpu", Path("/nowhere"))
    assert known.pins == {"keras": "3.15.1", "jax": "0.10.2", "mine": "a build of ours"}
    assert (known.sha256, known.lock) == (found.sha256, None)
    assert lacking(known, ["mine", "jax>=0.10", "einops"], "my.py") == ["einops"]
    beside = msgspec.structs.replace(found, lock="keras==3.16.0 \\\n    --hash=sha256:00\n")
    more = of_stack(msgspec.structs.replace(CATALOG.stack("keras3-jax"), found=beside), "cpu", Path("/nowhere"))
    assert (more.version("keras"), more.version("jax")) == ("3.16.0", "0.10.2") and more.sha256 != known.sha256
    with pytest.raises(Unfit, match=r"my.py needs mine>1, and keras3-jax has mine==a build of ours"):
        lacking(known, ["mine>1"], "my.py")
