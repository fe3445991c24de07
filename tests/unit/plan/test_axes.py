"""What may be varied, which jobs it makes, and which of them a stack cannot run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.launchers.launcher import RunContext
from orchestrator.launchers.workload import Places, script_arguments
from orchestrator.model import Job, Mode, OwnFile, Plan, Workload
from orchestrator.plan import axes
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, decode, override
from orchestrator.plan.jobs import PlanInput, make_jobs
from orchestrator.plan.names import names
from orchestrator.plan.own import read_own

CATALOG = load_catalog()
WISH = PlanInput(
    stacks=["keras3-*"],
    backends=["*"],
    workloads=["mnist_mlp"],
    variants=["faithful"],
    exclude=[],
    device="cpu",
    scale="smoke",
    repeats=1,
    epochs=None,
    timeout_s=None,
    seed=2017,
    threads=2,
)


def jobs(**vary: list[str]) -> list[Job]:
    return make_jobs(msgspec.structs.replace(WISH, vary=vary), CATALOG.stacks, CATALOG.workloads)


def test_each_combination_is_a_cell_and_jobs_have_what_they_vary() -> None:
    found = jobs(batch_size=["32", "256"], threads=["1", "2"], jit=["off"])
    assert len({job.id for job in found}) == len({job.cell for job in found}) == len(found) == 3 * 4
    for job in found:
        assert (str(job.batch_size), str(job.threads)) == (job.axes["batch_size"], job.axes["threads"])
    assert {(job.batch_size, job.threads) for job in found} == {(32, 1), (32, 2), (256, 1), (256, 2)}
    one = next(job for job in found if job.backend == "jax" and (job.batch_size, job.threads) == (32, 2))
    assert one.id == "mnist_mlp.keras3-jax.jax.cpu.batch_size-32.threads-2.jit-off.1"
    assert one.axes_text == one.cell[-1] == "batch_size=32 threads=2 jit=off"


def test_a_run_that_varies_nothing_has_the_ids_and_cells_it_always_had() -> None:
    (one,) = (job for job in jobs() if job.backend == "jax")
    assert (one.id, one.axes_text, len(one.cell)) == ("mnist_mlp.keras3-jax.jax.cpu.1", "", 5)


def test_contenders_of_one_model_stay_together_in_each_block() -> None:
    wish = msgspec.structs.replace(WISH, workloads=["mnist_*"], vary={"jit": ["off", "on"]}, repeats=2)
    found = make_jobs(wish, CATALOG.stacks, CATALOG.workloads)
    models = [job.workload for job in found]
    for block in (models[:18], models[18:]):
        assert [len(set(block[i : i + 6])) for i in (0, 6, 12)] == [1, 1, 1]


def test_a_configuration_has_one_writing_of_what_is_varied() -> None:
    text = b"version: 1\nvary:\n  jit: [off, on, auto, on]\n  batch_size: [32, 64, 64]\n  width: [0.5]\n"
    assert decode(text, "mine.yaml").vary == {
        "batch_size": ["32", "64"],
        "jit": ["off", "on", "auto"],
        "width": ["0.5"],
    }
    typed = override(Config(), vary={"jit": ["on"], "batch_size": ["032", "32"]})
    assert list(typed.vary.items()) == [("batch_size", ["32"]), ("jit", ["on"])]
    assert msgspec.convert(msgspec.to_builtins(typed), Config) == typed


@pytest.mark.parametrize(
    ("vary", "message", "hint"),
    [
        ({"batchsize": ["1"]}, "MNIST MLP has nothing called 'batchsize' to vary", "did you mean 'batch_size'?"),
        (
            {"batch_size": ["0"]},
            "--vary batch_size: '0' is no batch size",
            "allowed: whole numbers from 1 to 10,000,000",
        ),
        ({"batch_size": ["9999"]}, "MNIST MLP trains on 1,280 samples at scale smoke", "choose a smaller batch"),
        ({"precision": ["fp16"]}, "--vary precision: 'fp16' is no precision", "allowed: float32, mixed_float16"),
        ({"precision": ["tf32"]}, "--vary precision=tf32 is for GPUs", "allowed"),
        ({"jit": ["fast"]}, "--vary jit: 'fast' is no jit", "allowed: off, on, auto; on PyTorch also"),
        ({"threads": ["5000"]}, "--vary threads: '5000' is no threads", "allowed: whole numbers from 1 to 4,096"),
        ({"optimizer": ["lion"]}, "--vary optimizer: 'lion' is no optimizer", "allowed: sgd, rmsprop"),
    ],
)
def test_what_cannot_be_varied_is_one_line_with_what_is_allowed(
    vary: dict[str, list[str]], message: str, hint: str
) -> None:
    with pytest.raises(UserError) as caught:
        jobs(**vary)
    assert message in caught.value.message and hint in caught.value.hint


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({"batch_size": []}, "--vary batch_size has no value"),
        ({"width": ["a b"]}, "'a b' is no value"),
        ({"width": ["../x"]}, "is no value"),
        ({"width": ["x" * 50]}, "is no value"),
    ],
)
def test_values_that_could_not_be_a_part_of_a_name_are_refused(vary: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        axes.settled(vary)


def test_threads_are_varied_or_set() -> None:
    with pytest.raises(UserError, match="threads are varied and set"):
        override(Config(), threads=2, vary={"threads": ["1"]})


@pytest.mark.parametrize(
    ("stack", "backend", "vary", "why"),
    [
        ("keras2-theano", "theano", {"precision": "mixed_float16"}, "Keras 2.0.8 has no mixed precision"),
        ("keras2-theano", "theano", {"precision": "float32", "batch_size": "8", "optimizer": "sgd"}, ""),
        ("keras1-mxnet", "mxnet", {"jit": "on"}, "Keras 1.2.2 has no jit_compile"),
        ("keras2-theano", "theano", {"precision": "tf32"}, "older than TF32"),
        ("keras2-theano", "theano", {"optimizer": "adamw"}, "AdamW is an optimizer of Keras 3"),
        ("keras3-jax", "jax", {"jit": "max-autotune"}, "a mode of torch.compile alone"),
        ("keras3-torch", "torch", {"jit": "max-autotune", "precision": "mixed_bfloat16", "optimizer": "adamw"}, ""),
    ],
)
def test_a_stack_that_lacks_something_says_what(stack: str, backend: str, vary: dict[str, str], why: str) -> None:
    found = axes.lacking(vary, CATALOG.stack(stack), backend)
    assert why in found and bool(found) == bool(why)


def test_jobs_that_a_stack_cannot_run_are_unsupported_and_the_others_stay() -> None:
    wish = msgspec.structs.replace(WISH, stacks=["keras3-jax", "keras2-theano"], vary={"jit": ["off", "on"]})
    made = make_jobs(wish, CATALOG.stacks, CATALOG.workloads)
    kept, skipped = axes.split_unvaried(made, CATALOG.stacks, CATALOG.workloads)
    assert {job.stack for job in kept} == {"keras3-jax"} and len(kept) == 2
    assert {(skip.job.stack, skip.status) for skip in skipped} == {("keras2-theano", "unsupported")}


OWN = """
def data(train=8, length=32, batch_size=4): ...
def build(width=64, *, rate=0.5, name="small", norm=True, layers=(1, 2), jit="mine"): ...
"""


def test_arguments_of_a_module_can_be_varied_and_are_checked_by_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "my.py"
    path.write_text(OWN)
    workload = read_own(path)
    assert workload.own is not None
    assert workload.own.parameters == {
        "length": 32, "width": 64, "rate": 0.5, "name": "small", "norm": True, "jit": "mine",
    }  # fmt: skip
    good = {"width": ["32", "128"], "rate": ["0.1"], "norm": ["false"], "jit": ["other"], "batch_size": ["4"]}
    axes.check(good, [workload], "cpu", "own")
    for name, value, allowed in (("width", "1.5", "whole numbers"), ("rate", "x", "numbers"), ("norm", "1", "true")):
        with pytest.raises(UserError) as caught:
            axes.check({name: [value]}, [workload], "cpu", "own")
        assert allowed in caught.value.hint
    with pytest.raises(UserError, match="nothing called 'layers'"):
        axes.check({"layers": ["1"]}, [workload], "cpu", "own")
    wish = msgspec.structs.replace(
        WISH, stacks=["keras3-jax"], workloads=["my"], vary={"width": ["32"], "optimizer": ["sgd"]}
    )
    (job,) = make_jobs(wish, CATALOG.stacks, [workload])
    context = RunContext(run_id="x", owner="", workloads_dir="/w", stacks={}, data={}, own={"my": workload.own})
    argv = script_arguments(job, context, Places(scripts="/w", out="/o", own="/my.py"))
    assert argv[argv.index("--parameter") + 1] == "width=32" and argv[argv.index("--axis") + 1] == "optimizer=sgd"


def test_people_read_what_is_varied_in_the_name_of_a_job() -> None:
    (job,) = (
        job for job in jobs(batch_size=["32"], precision=["mixed_float16"], threads=["1"]) if job.backend == "jax"
    )
    called = names([job], CATALOG.workloads, CATALOG.stacks)
    assert called.job(job).startswith("MNIST MLP, batch 32, mixed_float16, 1 thread on JAX")


def test_a_recorded_plan_keeps_what_is_varied_and_refuses_what_is_no_name() -> None:
    (job, *_) = jobs(jit=["off"])
    plan = Plan(run_id="r", created="", config={}, seed=1, jobs=[job])
    text = msgspec.json.encode(plan)
    assert msgspec.json.decode(text, type=Plan) == plan
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text.replace(b'"jit":"off"', b'"jit":"../x"'), type=Plan)


@pytest.mark.parametrize(
    ("mode", "name", "values", "why"),
    [
        ("predict", "optimizer", ["sgd", "adam"], "--vary optimizer trains, which --mode predict does not"),
        ("predict", "pipeline", ["arrays"], "--vary pipeline feeds fit"),
        ("generate", "batch_size", ["1", "2"], "--mode generate makes tokens one at a time"),
        ("generate", "optimizer", ["sgd", "adam"], "--vary optimizer trains"),
        ("generate", "pipeline", ["arrays"], "--vary pipeline feeds fit"),
    ],
)
def test_an_axis_that_a_mode_has_no_use_for_is_refused(mode: Mode, name: str, values: list[str], why: str) -> None:
    wish = msgspec.structs.replace(WISH, workloads=["mnist_mlp"], mode=mode, vary={name: values})
    if mode == "generate":
        wish = msgspec.structs.replace(wish, workloads=["my"])
    own = OwnFile(path="/my.py", sha256="0" * 64, contract="module")
    talks = Workload(name="my", title="My", own=own, generates=True)
    with pytest.raises(UserError, match=why):
        make_jobs(wish, CATALOG.stacks, [*CATALOG.workloads, talks])
    named = msgspec.structs.replace(talks, own=msgspec.structs.replace(own, parameters={name: values[0]}))
    wish = msgspec.structs.replace(wish, workloads=["my"], stacks=["keras3-jax"])
    assert len(make_jobs(wish, CATALOG.stacks, [named])) == len(values), (
        "an argument of build() is no axis of this name"
    )


def test_the_batch_of_calls_is_varied_or_set() -> None:
    wish = msgspec.structs.replace(WISH, mode="predict", predict_batch=64, vary={"batch_size": ["1", "32"]})
    with pytest.raises(UserError, match="batch size is varied and set"):
        make_jobs(wish, CATALOG.stacks, CATALOG.workloads)


def test_calls_without_training_have_batches_of_any_size() -> None:
    wish = msgspec.structs.replace(WISH, mode="predict", vary={"batch_size": ["9999"]})
    assert {job.batch_size for job in make_jobs(wish, CATALOG.stacks, CATALOG.workloads)} == {9999}


def test_tf32_is_not_offered_where_there_is_no_gpu() -> None:
    for text in ("tf32", "fp16"):
        with pytest.raises(UserError) as caught:
            jobs(precision=[text])
        assert caught.value.hint == "allowed: float32, mixed_float16, mixed_bfloat16"


@pytest.mark.parametrize(
    ("name", "asked", "run"),
    [
        ("rate", [0.1, "0.10", "1e-1", ".1", "0.2"], ["0.1", "0.2"]),
        ("rate", ["-.5", "1_0"], "'1_0' is no rate"),
        ("width", ["032", "32", "-4", 13], ["32", "-4", "13"]),
        ("width", ["1.0"], "'1.0' is no width"),
        ("norm", ["True", "true", "false", True], ["true", "false"]),
        ("norm", ["yes"], "'yes' is no norm"),
        ("name", ["0.1", "0.10"], ["0.1", "0.10"]),
    ],
)
def test_equal_values_of_an_argument_are_one_cell(
    tmp_path: Path, name: str, asked: list[str], run: list[str] | str
) -> None:
    path = tmp_path / "my.py"
    path.write_text(OWN)
    wish = msgspec.structs.replace(
        WISH, stacks=["keras3-jax"], workloads=["my"], vary=axes.settled({name: asked}), scale="own"
    )
    if isinstance(run, str):
        with pytest.raises(UserError, match=run):
            make_jobs(wish, CATALOG.stacks, [read_own(path)])
        return
    found = make_jobs(wish, CATALOG.stacks, [read_own(path)])
    assert sorted(job.axes[name] for job in found) == sorted(run)


def test_an_axis_takes_the_place_of_the_files_axis_of_its_name_and_leaves_the_others() -> None:
    config = decode(b"version: 1\nvary: {batch_size: [32, 64], jit: [off]}", "c.yaml")
    assert override(config, vary={"jit": ["on"]}).vary == {"batch_size": ["32", "64"], "jit": ["on"]}
    assert override(config, vary={"threads": [1]}).vary == {
        "batch_size": ["32", "64"],
        "jit": ["off"],
        "threads": ["1"],
    }
    assert override(config, vary={}).vary == config.vary
