"""Fuzzes one reader with atheris (coverage-guided); a crash, or a reader that takes 10 s, ends with exit code 77 or 70.

python -m tests.fuzz TARGET SECONDS [SEED]     TARGET: read_config, read_events, read_record, read_plan

With a SEED above 0 and an empty corpus it goes the same way each time.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["orchestrator"]):
    from tests.fuzz.targets import GOOD, JOB, PLAN, TARGETS

from orchestrator.model import Result, Sample, to_json

#: Whole, good examples to start from; libFuzzer makes the bad ones.
SEEDS = {
    "read_config": b"version: 1\nstacks: ['keras2-*']\nrepeats: 3\ntimeout: 10m\nmemory: 4g\nscale: quick\n",
    "read_events": GOOD + b'\n{"event": "epoch_end", "t": 1, "train_s": 0.5, "loss": null, "samples": 64}\n',
    "read_record": to_json(Result(run_id=PLAN.run_id, job=JOB, status="ok")),
    "read_plan": to_json(PLAN),
}


def main(name: str, seconds: str, seed: str = "0") -> None:
    target = next(target for target in TARGETS if target.__name__ == name)
    corpus = Path("build") / "fuzz" / name  # kept, so that the next run starts where this one was
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "seed").write_bytes(SEEDS[name])
    (corpus / "sample").write_bytes(to_json(Sample(t=1.0, device="cpu:0", cpu_s=1.0)))
    limits = [f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=10", "-max_len=4096"]
    limits.append(f"-artifact_prefix={corpus}/crash-")
    print(f"{name}: {seconds} s, corpus in {corpus}", flush=True)
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", "-verbosity=0", str(corpus)], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
