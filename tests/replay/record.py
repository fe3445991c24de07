"""Packs recorded runs as test data: `python -m tests.replay.record --replace /home/me=/home/user results/2026*`.

`--to` names another archive than that of all stacks: h200.tar.xz holds a run on a real GPU, and beside it what
nvidia-smi said at the same time (nvidia-smi.csv) and what the driver answered when it was asked (probe.json);
own.tar.xz holds a run of four scripts of one's own on the backends of today; calls.tar.xz one of --mode predict;
swept.tar.xz one of --vary; eras.tar.xz one of a model on all stacks from 2017 to 2026, without its samples.

Kept are the plan, the results and the samples of every job; logs and events are not needed to merge and report.
`--replace` hides the paths of the machine that made them.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import click

RECORDED = Path(__file__).with_name("recorded.tar.xz")
H200 = Path(__file__).with_name("h200.tar.xz")
OWN = Path(__file__).with_name("own.tar.xz")
CALLS = Path(__file__).with_name("calls.tar.xz")
SWEPT = Path(__file__).with_name("swept.tar.xz")
ERAS = Path(__file__).with_name("eras.tar.xz")
KEPT = ("plan.json", "jobs/*/result.json", "jobs/*/samples.jsonl", "gpu-*.parquet")


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--replace", "replacements", multiple=True, metavar="OLD=NEW")
@click.option("--to", "target", type=click.Path(path_type=Path), default=RECORDED)
@click.option("--without-samples", is_flag=True, help="The results alone, which is a tenth.")
@click.option("--beside", "others", multiple=True, type=click.Path(exists=True, path_type=Path))
def record(
    runs: tuple[Path, ...], replacements: tuple[str, ...], target: Path, without_samples: bool, others: tuple[Path, ...]
) -> None:
    kept = [pattern for pattern in KEPT if not (without_samples and "samples" in pattern)]
    with tarfile.open(target, "w:xz") as archive:
        for other in others:
            archive.add(other, other.name, filter=_anonymous)
        for run in runs:
            for path in sorted(path for pattern in kept for path in run.glob(pattern)):
                content = path.read_bytes()
                for old, new in (replacement.encode().split(b"=") for replacement in replacements):
                    if path.suffix != ".parquet":  # which holds no paths, and is no text
                        content = content.replace(old, new)
                info = tarfile.TarInfo(f"{run.name}/{path.relative_to(run)}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


if __name__ == "__main__":
    record()
