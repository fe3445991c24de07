"""A made-up run in the shape of a recorded one. NOT measurements: the figures come from a formula.

`recorded()` gives a ReportInput of any size for the tests of the report. As a program it writes the
report of one, to be looked at:  python -m tests.fakes.made_up OUT [--troubled] [--gpu] [--own] [--eras]
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.report.build import build_report
from orchestrator.report.input import ReportInput

WORKLOADS = {"mnist_mlp": 0.1, "mnist_cnn": 2.4, "cifar10_cnn": 4.4, "mnist_rnn": 3.9, "babi_rnn": 1.5}
STACKS = {
    ("keras2-tensorflow-cntk", "tensorflow", "1.3.0", "2.0.8", "2.7.18"): 1.3,
    ("keras2-tensorflow-cntk", "cntk", "2.5.1", "2.0.8", "2.7.18"): 1.6,
    ("keras2-theano", "theano", "0.9.0", "2.0.8", "2.7.18"): 1.0,
    ("keras1-mxnet", "mxnet", "0.11.0", "1.2.2", "2.7.18"): 1.45,
    ("keras3-tensorflow", "tensorflow", "2.21.0", "3.15.1", "3.11.2"): 0.9,
    ("keras3-jax", "jax", "0.10.0", "3.15.1", "3.11.2"): 0.7,
    ("keras3-torch", "torch", "2.13.0", "3.15.1", "3.11.2"): 1.1,
}
RELEASED = {
    (stack, backend): {"released": month, "article": keras < "3", "own": False}
    for (stack, backend, _, keras, _) in STACKS
    for month in ["2026-07" if keras > "3" else "2018-04" if backend == "cntk" else "2017-08"]
}
#: Stacks of nine years: (stack, backend, versions of framework, Keras and Python), its month and pace on each model.
ERAS = {
    ("keras2-tensorflow-cntk", "tensorflow", "1.3.0", "2.0.8", "2.7.18"): ("2017-08", 1.3, 1.3, 1.3, 1.3, 1.3),
    ("keras2-tensorflow-cntk", "cntk", "2.5.1", "2.0.8", "2.7.18"): ("2018-04", 1.6, 1.5, 1.7, 0.9, 0.8),
    ("keras2-theano", "theano", "0.9.0", "2.0.8", "2.7.18"): ("2017-08", 1.0, 1.9, 2.0, 1.2, 1.3),
    ("keras1-mxnet", "mxnet", "0.11.0", "1.2.2", "2.7.18"): ("2017-08", 1.45, 1.2, 1.1, 1.6, 1.4),
    ("keras224-cntk27", "cntk", "2.7.post2", "2.2.4", "2.7.18"): ("2019-04", 1.4, 1.5, 1.5, 0.8, 0.8),
    ("keras231-tf115", "tensorflow", "1.15.0", "2.3.1", "2.7.18"): ("2019-10", 1.1, 0.8, 0.75, 0.6, 0.9),
    ("keras231-theano105", "theano", "1.0.5", "2.3.1", "2.7.18"): ("2020-07", 0.95, 1.8, 1.9, 1.2, 1.3),
    ("keras25-tf25", "tensorflow", "2.5.3", "2.5.0", "3.9.2"): ("2021-05", 1.12, 0.7, 0.7, 0.5, 0.8),
    ("keras28-tf28", "tensorflow", "2.8.4", "2.8.0", "3.9.2"): ("2022-02", 1.0, 0.68, 0.66, 0.48, 0.8),
    ("keras215-tf215", "tensorflow", "2.15.1", "2.15.0", "3.11.2"): ("2023-11", 0.85, 0.6, 0.6, 0.45, 0.7),
    ("keras30-jax0423", "jax", "0.4.23", "3.0.5", "3.11.2"): ("2024-02", 0.8, 0.75, 0.7, 0.5, 0.6),
    ("keras310-torch27", "torch", "2.7.0", "3.10.0", "3.11.2"): ("2025-04", 1.2, 0.9, 0.9, 1.1, 1.3),
    ("tfkeras-tf221", "tensorflow", "2.21.0", "2.21.0", "3.11.2"): ("2026-03", 0.8, 0.58, 0.55, 0.42, 0.7),
    ("keras3-tensorflow", "tensorflow", "2.21.0", "3.15.1", "3.11.2"): ("2026-07", 0.9, 0.62, 0.6, 0.85, 1.4),
    ("keras3-jax", "jax", "0.10.0", "3.15.1", "3.11.2"): ("2026-07", 0.7, 0.7, 0.62, 0.4, 0.45),
    ("keras3-torch", "torch", "2.13.0", "3.15.1", "3.11.2"): ("2026-07", 1.1, 0.85, 0.84, 1.1, 1.2),
}  # fmt: skip
ABSENT_ON_CPU = [
    "gpu_util_mean",
    "gpu_util_p50",
    "gpu_util_p95",
    "gpu_mem_peak_mb",
    "gpu_power_mean_w",
    "energy_j",
    "sm_clock_mean",
]


def recorded(
    workloads: Sequence[str] = tuple(WORKLOADS),
    stacks: int = len(STACKS),
    repeats: int = 3,
    epochs: int = 5,
    device: str = "cpu",
    seed: int = 1,
) -> ReportInput:
    """`workloads` x the first `stacks` backends x `repeats`, every job ok."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    samples: list[dict[str, Any]] = []
    for workload in workloads:
        for identity, factor in list(STACKS.items())[:stacks]:
            for repeat in range(1, repeats + 1):
                row = _row(workload, identity, device, repeat, epochs)
                curve = list(_epochs(row, WORKLOADS[workload] * factor, rng))
                rows.append(_measured(row, curve, rng))
                curves += curve
                samples += _samples(row, curve, rng)
    return ReportInput(
        title="Keras backends on a made-up machine",
        run_ids=["20261122-120000-abcd"],
        created="2026-11-22T12:34:56Z",
        rows=rows,
        epochs=curves,
        samples=samples,
        deviations=[dict(deviation) for deviation in DEVIATIONS],
        environment=ENVIRONMENT,
        plan_command="orchestrate run --config all --scale quick --repeats 3 --seed 7",
    )


def eras(repeats: int = 5, epochs: int = 4, seed: int = 3, only: Sequence[str] = ()) -> ReportInput:
    """Every stack of the years since 2017, or `only` these, on all models."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for (workload, pace), (identity, (month, *factors)) in itertools.product(WORKLOADS.items(), ERAS.items()):
        if only and identity[0] not in only:
            continue
        factor = factors[list(WORKLOADS).index(workload)]
        for repeat in range(1, repeats + 1):
            article = identity[0] in {stack for stack, *_ in list(STACKS)[:4]}
            row = {**_row(workload, identity, "cpu", repeat, epochs), "released": month, "article": article}
            curve = list(_epochs(row, pace * factor * rng.uniform(0.98, 1.02), rng))
            rows.append(_measured(row, curve, rng))
            curves += curve
    fields = {"title": "Keras over the years on a made-up machine", "created": "2026-11-22T12:34:56Z"}
    run = ["20261122-120000-abcd"]
    command = f"orchestrate run --config eras --repeats {repeats}"
    return ReportInput(**fields, run_ids=run, rows=rows, epochs=curves, environment=ENVIRONMENT, plan_command=command)


def _row(workload: str, identity: tuple[str, ...], device: str, repeat: int, epochs: int) -> dict[str, Any]:
    stack, backend, framework, keras, python = identity
    job_id = f"{workload}.{stack}.{backend}.{device}.{repeat}"
    return {
        "run_id": "20261122-120000-abcd", "job_id": job_id, "workload": workload, "variant": "faithful",
        "stack": stack, "backend": backend, "framework_version": framework, "keras_version": keras,
        **RELEASED.get((stack, backend), {}),
        "python": python, "device": device, "launcher": "docker", "scale": "quick", "data_kind": "given",
        "train": 4096, "validation": 1024, "threads": 2, "gpu_name": "Tesla K80" if device == "gpu" else None,
        "gpu_uuid": None, "driver": None, "image_digest": "sha256:" + "ab" * 32,
        "workloads_sha256": "cd" * 32, "data_sha256": "ef" * 32, "host": "made-up",
        "cpu": "Imaginary Processor 1234 @ 2.00GHz", "seed": 7 + repeat, "repeat": repeat, "epochs": epochs,
        "batch_size": 128, "image_data_format": "channels_last", "status": "ok", "reason": "", "exit_code": 0,
        "started": "2026-11-22T12:00:00Z", "ended": "2026-11-22T12:00:42Z", "throttle_reasons": None,
        "cache": "warm" if backend == "theano" else None,
        "command": f"docker run --network none keras-orchestrate/{stack}:0.1.0-{device} {workload}",
        **dict.fromkeys(ABSENT_ON_CPU),
    }  # fmt: skip


def _epochs(row: dict[str, Any], pace: float, rng: random.Random) -> Iterator[dict[str, Any]]:
    elapsed = 0.4
    for epoch in range(1, row["epochs"] + 1):
        train = pace * rng.uniform(0.95, 1.08) * (2.5 if epoch == 1 else 1)
        elapsed += train * 1.1
        accuracy = 0.98 - 0.5 * 0.55**epoch + rng.uniform(-0.01, 0.01)
        shared = {name: row[name] for name in ("run_id", "job_id", "workload", "variant", "stack", "backend")}
        yield {
            **shared, "device": row["device"], "repeat": row["repeat"], "epoch": epoch,
            "elapsed_s": elapsed, "train_s": train, "validation_s": train * 0.1,
            "loss": 2.0 * 0.6**epoch, "acc": accuracy + 0.005, "val_loss": 2.1 * 0.62**epoch, "val_acc": accuracy,
        }  # fmt: skip


def _measured(row: dict[str, Any], curve: list[dict[str, Any]], rng: random.Random) -> dict[str, Any]:
    durations = [epoch["train_s"] for epoch in curve]
    steady = sorted(durations[1:])
    last = curve[-1]
    gpu = {
        "gpu_util_mean": 66.0, "gpu_util_p50": 70.0, "gpu_util_p95": 97.0, "gpu_mem_peak_mb": 10800.0,
        "gpu_power_mean_w": 92.0, "energy_j": 92.0 * sum(durations),
        "energy_source": "counter",
        "sm_clock_mean": 823.0,
    }  # fmt: skip
    return {
        **row, **_phases(curve, rng), "first_epoch_s": durations[0],
        "epoch_s": steady[len(steady) // 2] if steady else None, "epoch_s_article": last["elapsed_s"] / len(curve),
        "samples_per_s": row["train"] / last["train_s"], "accuracy": last["acc"],
        "val_accuracy": last["val_acc"], "loss": last["loss"], "val_loss": last["val_loss"],
        "validation_s": last["validation_s"], "cpu_util_mean": rng.uniform(120, 195),
        "rss_peak_mb": rng.uniform(300, 1800),
        **(gpu if row["device"] == "gpu" else {}),
    }  # fmt: skip


def _phases(curve: list[dict[str, Any]], rng: random.Random) -> dict[str, Any]:
    """Where the time went, and the whole of it."""
    parts = {"start_s": 0.3, "import_s": rng.uniform(1, 4), "data_s": 0.2, "build_s": rng.uniform(0.5, 5)}
    ends = {
        "steady_s": sum(epoch["train_s"] for epoch in curve[1:]) or None,
        "validated_s": sum(epoch["validation_s"] for epoch in curve), "exit_s": 0.4,
    }  # fmt: skip
    setup = sum(parts.values())
    return {**parts, **ends, "setup_s": setup, "wall_s": setup + curve[-1]["elapsed_s"] + 0.6}


def called(mode: str = "predict", repeats: int = 5, stacks: int = 3, **changes: Any) -> ReportInput:
    """The same models without training: figures of calls, equal outputs, today's backends first."""
    rng = random.Random(3)
    identities = list(STACKS.items())[::-1][:stacks]
    rows = []
    for workload, pace in list(WORKLOADS.items())[:2]:
        for identity, factor in identities:
            for repeat in range(1, repeats + 1):
                row = _row(workload, identity, "cpu", repeat, 1)
                job_id = row["job_id"].replace(f"{workload}.", f"{workload}.{mode}.", 1)
                ms = pace * factor**4 * rng.uniform(0.97, 1.03)
                rows.append({**row, "mode": mode, "epochs": None, "job_id": job_id, **_calls(ms, mode), **changes})
    return ReportInput(
        title="Which of made-up backends answers first?",
        run_ids=["20261122-120000-abcd"],
        created="2026-11-22T12:34:56Z",
        rows=rows,
        plan_command=f"orchestrate run --mode {mode} --repeats {repeats}",
    )


def _calls(ms: float, mode: str) -> dict[str, Any]:
    """A predict_on_batch() that takes so long, a predict() of twice that, and in batches of 128 eight times that."""
    output = {"tokens": [3, 1, 4]} if mode == "generate" else {"shape": [[8, 2]], "norm": 2.0, "values": [0.5, 0.25]}
    series = [
        {"way": way, "batch": batch, "n": 800, "p50_ms": times * ms, "p95_ms": 1.5 * times * ms,
         "p99_ms": 2 * times * ms, "per_s": 1000 * batch / times / ms, "first_s": 0.4, "warm_ups": 10}
        for way, batch, times in (("predict_on_batch", 1, 1), ("predict", 1, 2), ("predict_on_batch", 128, 8))
    ]  # fmt: skip
    rate = {"tokens_per_s": 1000 / ms} if mode == "generate" else {"predicted_per_s": 16_000 / ms}
    return {
        "latency_ms": ms, "latency_p95_ms": 1.5 * ms, "latency_p99_ms": 2 * ms, "latency_n": 800,
        "latency_way": "predict_on_batch", "first_answer_s": 0.4, "predict_batch": 128, "batch_latency_ms": 8 * ms,
        "batch_latency_p95_ms": 12 * ms, "batch_way": "predict_on_batch", **rate,
        "calls": json.dumps(series), "outputs": json.dumps([{"way": "predict_on_batch", **output}]),
        "rss_peak_mb": 300.0, "import_s": 2.0, "build_s": 0.5,
    }  # fmt: skip


def on_gpu(report: ReportInput, seed: int = 2) -> ReportInput:
    """The same with readings of a newer GPU and the moments of its epochs; of a report whose device is a GPU."""
    rng = random.Random(seed)
    rows = {row["job_id"]: row for row in report.rows}
    for job_id, row in rows.items():
        its = [epoch for epoch in report.epochs if epoch["job_id"] == job_id]
        job, begin = {"run_id": row["run_id"], "job_id": job_id}, row["setup_s"]
        report.marks += [
            {**job, "epoch": e["epoch"], "begin_s": begin + e["elapsed_s"] - e["train_s"] - e["validation_s"],
             "end_s": begin + e["elapsed_s"]} for e in its
        ]  # fmt: skip
        end = begin + its[-1]["elapsed_s"]
        for i in range(200):
            busy = begin < end * i / 200
            report.gpu.append(
                {**job, "t_s": end * i / 200, "util": rng.uniform(60, 95) if busy else 0.0,
                 "power_w": rng.uniform(80, 140) if busy else 30.0, "mem_mb": 9000.0, "throttled": busy and i % 37 == 0}
            )  # fmt: skip
        row["gpu_name"] = "NVIDIA H100 80GB HBM3"
        none = {"util": None, "power_w": None, "mem_mb": None, "throttled": False}
        report.gpu += [{**job, "t_s": end * i / 60, **none, **_inside(rng, begin < end * i / 60)} for i in range(60)]
    return report


def _inside(rng: random.Random, busy: bool) -> dict[str, float]:
    """What goes on in a card, once."""
    sms = rng.uniform(20, 50) if busy else 0.0
    return {
        "sm_active": sms, "sm_occupancy": sms * rng.uniform(0.2, 0.4), "tensor_active": sms * rng.uniform(0.1, 0.2),
        "dram_active": sms * rng.uniform(0.5, 0.7), "pcie_received_mib_s": rng.uniform(100, 900) if busy else 0.2,
        "pcie_sent_mib_s": rng.uniform(5, 60) if busy else 0.1,
    }  # fmt: skip


def _samples(row: dict[str, Any], curve: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    end = 3 + curve[-1]["elapsed_s"]
    times = [end * i / 40 for i in range(41)]
    return [
        {"run_id": row["run_id"], "job_id": row["job_id"], "t_s": t,
         "cpu_percent": None if i == 0 else rng.uniform(80, 200), "rss_mb": 120 + 400 * min(1, t / 3)}
        for i, t in enumerate(times)
    ]  # fmt: skip


DEVIATIONS = [
    {"stack": "keras2-tensorflow-cntk", "what": "Python", "article": "3.5.2", "here": "2.7.18",
     "why": "Debian has no 3.5", "device": None, "backend": None},
    {"stack": "keras2-tensorflow-cntk", "what": "CNTK", "article": "2.1", "here": "2.5.1",
     "why": "2.1 is not on PyPI", "device": None, "backend": "cntk"},
]  # fmt: skip
ENVIRONMENT = [
    ("host", "made-up"), ("processor", "Imaginary Processor 1234 @ 2.00GHz"), ("cores", "2"),
    ("memory", "24 GB"), ("system", "Debian GNU/Linux 12"), ("orchestrator", "0.1.0 (commit 0123abc)"),
    ("image keras2-theano", "keras-orchestrate/keras2-theano:0.1.0-cpu@sha256:" + "ab" * 32),
]  # fmt: skip

TRACE = 'Traceback (most recent call last):\n  File "run.py", line 9, in <module>\nRuntimeError: made up\n'


def troubled() -> ReportInput:
    """As `recorded`, with one job of every other status, and missing figures."""
    report = recorded(repeats=2)
    rows = report.rows
    changes = {
        0: {"status": "failed", "reason": "RuntimeError: made up", "exit_code": 1, "log_tail": TRACE},
        9: {"status": "timeout", "reason": "stopped after 600 s", "exit_code": None},
        16: {"status": "oom", "reason": "killed: out of memory", "exit_code": 137, "log_tail": "Killed\n"},
        17: {"status": "oom", "reason": "killed: out of memory", "exit_code": 137},
        30: {"status": "cancelled", "reason": "Ctrl-C", "exit_code": None},
        34: {"status": "unsupported", "reason": "no python2.7 on this host", "exit_code": None},
        35: {"status": "unsupported", "reason": "no python2.7 on this host", "exit_code": None},
        60: {"status": "excluded", "reason": "excluded by the config", "exit_code": None},
    }
    for i, change in changes.items():
        planned = {name: rows[i][name] for name in PLANNED}
        rows[i] = {**dict.fromkeys(rows[i]), **planned, **change}
    gone = {row["job_id"] for row in rows if row["status"] != "ok"}
    report.epochs[:] = [epoch for epoch in report.epochs if epoch["job_id"] not in gone]
    report.samples[:] = [sample for sample in report.samples if sample["job_id"] not in gone]
    return report


SETTINGS = {
    "batch_size": 64, "data": "arrays", "dtype_policy": "float32", "initial_weights": "framework",
    "jit_compile": True, "loss": "mse", "optimizer": {"class_name": "Adam", "learning_rate": 0.001, "amsgrad": False},
    "run_eagerly": False, "shuffle": True, "script_asked": {},
}  # fmt: skip
ARRAYS = {
    "x": {"shape": [4096, 28, 28], "dtype": "float32", "sha256": "1a2b3c" + "0" * 58},
    "y": {"shape": [4096], "dtype": "int64", "sha256": "4d5e6f" + "0" * 58},
}


def own(repeats: int = 3, file: str = "my.py", **changes: dict[str, Any]) -> ReportInput:
    """A script of one's own on the three stacks of today. `changes`: backend -> columns that are other there."""
    report = recorded(workloads=["mnist_mlp"], repeats=repeats)
    rows = [own_row(row, file, **changes.get(row["backend"], {})) for row in report.rows if "keras3" in row["stack"]]
    kept = {row["job_id"]: row for row in rows}
    for points in (report.epochs, report.samples):
        for point in points:
            point["job_id"] = point["job_id"].replace("mnist_mlp", "my")
        points[:] = [point for point in points if kept.get(point["job_id"], {}).get("status") == "ok"]
    report.rows[:] = rows
    report.deviations.clear()
    report.plan_command = f"orchestrate {file} --epochs 5 --repeats {repeats}"
    return report


def own_row(row: dict[str, Any], file: str, **changes: Any) -> dict[str, Any]:
    """The row of a script in place of that of a workload; one that failed early knows only what was asked of it."""
    seen = {
        "batch_size": 64, "train": 4096, "validation": None, "samples": 4096, "batches": 64, "parameters": 101_770,
        "settings": msgspec.json.encode(SETTINGS).decode(), "arrays": msgspec.json.encode(ARRAYS).decode(),
        "first_output_mean": None, "first_output_std": None, "fits": None, "data_sha256": "0" * 64, "data_kind": "own",
    }  # fmt: skip
    asked = {
        "workload": "my", "variant": "own", "scale": "own", "asked_epochs": row["epochs"], "asked_batch_size": None,
        "asked_steps": None, "asked_arguments": None, "file": file,
        "network": "closed", "packages": None, "learned": None, "found": None,
        "job_id": row["job_id"].replace("mnist_mlp", "my"),
    }  # fmt: skip
    if changes.get("status", "ok") != "ok":
        planned = {name: row[name] for name in PLANNED}
        unknown = dict.fromkeys(["epochs", "batch_size", "train", "validation"])
        return {**dict.fromkeys(row), **dict.fromkeys(seen), **planned, **unknown, **asked, **changes}
    return {**row, **seen, **asked, **changes}


#: What is known of a job before it runs.
PLANNED = (
    "run_id", "job_id", "workload", "variant", "stack", "backend", "device", "launcher", "scale", "train",
    "validation", "threads", "seed", "repeat", "epochs", "batch_size", "command",
)  # fmt: skip

if __name__ == "__main__":
    out = Path(sys.argv[1])
    kinds = {"--troubled": troubled, "--own": own, "--eras": eras}
    kinds["--gpu"] = lambda: on_gpu(recorded(device="gpu", repeats=3))
    chosen = kinds.get(sys.argv[2] if len(sys.argv) > 2 else "", recorded)()
    for name, content in build_report(chosen).files().items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    print(out / "report.html")
