"""The stages of `make test-gpu` that need the product: each prints what it saw, and exits 1 where that is wrong.

    python -m tests.gpu.stages suite|equal|sampling|compare|questions

offline.sh sets the environment: PY (the interpreter), WORK (a scratch folder), DEVICE, DATA, SMALL.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.model import Result
from orchestrator.results import gpu_figures, gpu_readings, rows
from orchestrator.results.job_events import job_epochs
from orchestrator.stats import exactness

ROOT = Path(__file__).resolve().parents[2]
PY, WORK = os.environ["PY"], Path(os.environ["WORK"])
DEVICE, DATA, SMALL = os.environ["DEVICE"], os.environ["DATA"], os.environ["SMALL"]
#: By how much the loss of equal steps may differ between CPU and GPU, relative. Products rounded to TF32 differ more.
EQUAL = 2e-4
#: How far our means of a job may be from nvidia-smi's: points of utilization, share of the power.
UTIL_POINTS, POWER_SHARE = 5.0, 0.1
#: Where the columns of nvidia-smi's lines are.
UTIL, POWER, SM, MEMORY = 1, 4, 6, 8


def orchestrate(out: Path, *words: str) -> int:
    """Runs the product on the interpreter as it was found; its exit code."""
    argv = [PY, "-m", "orchestrator", "run", "--python", PY, "--device", DEVICE, "--no-fetch", "--out", str(out)]
    argv += ["--scale", "smoke" if SMALL else "gpu", *(["--data-dir", DATA] if DATA else []), *words]
    with subprocess.Popen(argv) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the run has heard it, too, and reports what it has
            process.wait(timeout=20)
            raise


def results(folder: Path) -> Iterator[Result]:
    """The results of all runs below a folder."""
    for path in sorted(folder.glob("2*/jobs/*/result.json")):
        yield msgspec.json.decode(path.read_bytes(), type=Result)


def suite() -> bool:
    """All five workloads on every backend that the interpreter has."""
    code = orchestrate(WORK / "suite")
    found = list(results(WORK / "suite"))
    return code == 0 and bool(found) and all(result.status == "ok" for result in found)


def backends() -> list[str]:
    """Those that the runs of the suite had."""
    return sorted({result.job.backend for result in results(WORK / "suite")})


def steps(backend: str, environ: Mapping[str, str]) -> dict[str, list[float]]:
    """The losses of equal steps of three workloads, as tests/equal_steps.py makes them."""
    argv = [PY, str(ROOT / "tests" / "equal_steps.py"), str(ROOT / "workloads"), "mnist_mlp", "mnist_cnn", "mnist_rnn"]
    settled = {"KERAS_BACKEND": backend, "XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    answer = subprocess.run(argv, env={**os.environ, **settled, **environ}, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return {line["workload"]: [line[name] for name in ("before", "during", "after")] for line in lines}


#: Prints how exact products are in a variant, as its jobs measure it.
ROUNDING = """
import json, sys
sys.path.insert(0, sys.argv[1])
import compat, rounding
print(json.dumps(rounding.measured(compat.Keras(sys.argv[2], 1, 0).library)))
"""


def rounding(backend: str, variant: str) -> float:
    """The larger error of a product and a convolution on the device of this run."""
    argv = [PY, "-c", ROUNDING, str(ROOT / "workloads"), variant]
    here = {"CUDA_VISIBLE_DEVICES": "" if DEVICE == "cpu" else "0", "KERAS_BACKEND": backend}
    answer = subprocess.run(argv, env={**os.environ, **here}, capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    print(f"a product and a convolution on {backend}, {variant}: {found}")
    return float(max(found["product"], found["convolution"]))


def equal() -> bool:
    """What `faithful` promises: equal steps on the CPU and on the GPU, of float32; and what `modern` makes of them."""
    well = True
    for result in results(WORK / "suite"):  # as the jobs themselves measured it
        unequal = exactness.unequal([rows.result_row(result, ())])
        well &= not unequal
        print(f"{result.job.id}: {result.end.get('rounding')}{', which is not float32' if unequal else ''}")
    for backend in backends():
        well &= exactness.kind(rounding(backend, "faithful")) == "float32"
        print(f"modern on {backend} is {exactness.kind(rounding(backend, 'modern'))}")
        cpu = steps(backend, {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"})
        here = cpu if DEVICE == "cpu" else steps(backend, {"CUDA_VISIBLE_DEVICES": "0"})
        for workload, losses in cpu.items():
            off = max(abs(a - b) / abs(a) for a, b in zip(losses, here[workload], strict=True))
            well &= off <= EQUAL
            print(f"{workload} on {backend}: losses of equal steps differ by {off:.1e} at most from those of the CPU")
    return well


def sampling() -> bool:
    """Epochs without sampling, at 5 Hz and at 50 Hz, in turn."""
    rates = {"none": ["--no-sampling"], "5 Hz": [], "50 Hz": ["--sample-hz", "50"]}
    medians: dict[str, list[float]] = {}
    one = ["--backend", backends()[0], "--workload", "mnist_cnn", "--epochs", "6"]
    for name in ("none", "5 Hz", "50 Hz", "50 Hz", "5 Hz", "none"):
        out = WORK / "sampling" / f"{len(medians)}-{time.monotonic_ns()}"
        orchestrate(out, *one, *rates[name])
        for result in results(out):
            steady = [epoch.train_s for epoch in job_epochs(result)[1:] if epoch.train_s is not None]
            if steady:
                medians.setdefault(name, []).append(statistics.median(steady))
    for name, values in medians.items():
        print(f"sampling {name}: median epochs {', '.join(f'{value:.4f}' for value in values)} s")
    return set(medians) == set(rates)


def compare() -> bool:
    """Our figures of each job beside nvidia-smi's over the same epochs."""
    lines = list(smi_lines())
    well = True
    for path in sorted((WORK / "suite").glob("2*/jobs/*/result.json")):
        result = msgspec.json.decode(path.read_bytes(), type=Result)
        epochs = job_epochs(result)
        windows = [window for window in map(gpu_figures.window_of, epochs) if window]
        if not windows or result.fingerprint is None or result.launched_t is None or result.exited_t is None:
            print(f"{result.job.id}: {result.status}, {result.reason}")
            continue
        uuid = result.fingerprint.gpu_uuid or ""
        readings = gpu_readings.read(path.parents[2], uuid, result.launched_t - 2, result.exited_t + 2)
        ours = gpu_figures.job_part(result, epochs, readings)
        inside = [line for line in lines if windows[0][0] <= line[0] <= windows[-1][1]]
        theirs = {
            name: mean(line[at] for line in inside) for name, at in (("util", UTIL), ("power", POWER), ("sm", SM))
        }
        well &= agrees(ours, theirs, len(inside))
        print(
            f"{result.job.id}: {windows[-1][1] - windows[0][0]:.1f} s | utilization {ours.get('gpu_util_mean')} "
            f"({ours.get('gpu_util_source')}) and {theirs['util']} % | power {ours.get('gpu_power_mean_w')} and "
            f"{theirs['power']} W | clock {ours.get('sm_clock_mean')} and {theirs['sm']} MHz | memory "
            f"{ours.get('gpu_mem_peak_mb')} MiB | energy {ours.get('energy_j')} J ({ours.get('energy_source')})"
        )
    return well


def questions() -> bool:
    """What only a GPU can show: precisions and TF32, compilers, a model that does not fit, calls and tokens.

    Compilers are not judged: PyTorch's wants a C compiler, which a host may not have.
    """
    precisions = "float32,mixed_bfloat16" if DEVICE == "cpu" else "float32,tf32,mixed_float16,mixed_bfloat16"
    widest = ["64", "4096", *([] if DEVICE == "cpu" else ["1000000000"])]
    asked = {
        "calls": ["--mode", "predict", "--workload", "mnist_cnn"],
        "precision": ["--workload", "text_transformer", "--vary", f"precision={precisions}"],
        "memory": [str(ROOT / "tests" / "gpu" / "wide.py"), "--vary", f"width={','.join(widest)}"],
        "batch": ["--workload", "mnist_mlp", "--vary", "batch_size=32,256,1024"],
        "tokens": ["--mode", "generate", "--workload", "gpt"],
        "jit": ["--workload", "mnist_cnn", "--vary", "jit=off,on"],
    }
    well = True
    for name, words in list(asked.items())[: 3 if SMALL else None]:
        print(f"-- {name}", flush=True)
        code = orchestrate(WORK / "questions" / name, "--scale", "smoke", *words)
        for result in results(WORK / "questions" / name):
            row = rows.result_row(result, ())
            figure = {key: row[key] for key in ("epoch_s", "latency_ms") if row.get(key) is not None}
            print(f"{result.job.id}: {result.status} {row.get('axes_got') or ''} {figure} {result.reason}")
        well &= code == 0 or name == "jit"
    return well


def agrees(ours: Mapping[str, Any], theirs: Mapping[str, float | None], lines: int) -> bool:
    """Whether the means are near enough; with fewer than 20 lines of nvidia-smi there is nothing to compare with."""
    util, power = ours.get("gpu_util_mean"), ours.get("gpu_power_mean_w")
    if lines < 20 or util is None or theirs["util"] is None:
        return True
    near = abs(util - theirs["util"]) <= UTIL_POINTS
    if power is None or theirs["power"] is None:
        return near
    return near and abs(power - theirs["power"]) <= POWER_SHARE * theirs["power"]


def smi_lines() -> Iterator[list[float | None]]:
    """nvidia-smi's lines: CLOCK_MONOTONIC in seconds, then its columns as numbers."""
    offset = time.monotonic() - time.time()
    path = WORK / "nvidia-smi.csv"
    for line in path.read_text().splitlines() if path.exists() else []:
        stamp, *rest = line.split(",")
        try:
            when = datetime.datetime.strptime(stamp.strip(), "%Y/%m/%d %H:%M:%S.%f").astimezone()
        except ValueError:
            continue
        yield [when.timestamp() + offset, *(number(word) for word in rest)]


def number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:  # "[N/A]"
        return None


def mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.mean(known), 1) if known else None


STAGES = {stage.__name__: stage for stage in (suite, equal, sampling, compare, questions)}

if __name__ == "__main__":
    try:
        sys.exit(not STAGES[sys.argv[1]]())
    except KeyboardInterrupt:
        sys.exit("the time of this stage is up")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr[-2000:]}")
