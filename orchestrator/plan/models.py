"""The models of today in workloads/models/: modules as anybody's own, with what a catalog says of them at their top."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from orchestrator.errors import UserError
from orchestrator.files import read_bytes
from orchestrator.model import Name, Positive, Workload
from orchestrator.plan.needs import PARTS
from orchestrator.plan.own import Declared, declared_in, read_module

Text = Annotated[str, Meta(min_length=1, max_length=200)]


class Shipped(Declared, frozen=True, kw_only=True):
    """The constants of a model of the project; `place`: where it stands among the others."""

    title: Text
    kind: Text
    unit: Text
    parameters: Positive
    place: Positive
    dataset: Name | None = None
    needs: list[str] = []
    note: str = ""


def shipped_models(folder: Path) -> list[Workload]:
    """The models of a folder, in their order. Nothing of them runs. Raises UserError for a file that is none."""
    found = [_model(path) for path in sorted(folder.glob("*.py"))]
    return [workload for _, workload in sorted(found, key=lambda each: (each[0], each[1].name))]


def _model(path: Path) -> tuple[int, Workload]:
    workload = read_module(path)
    declared = declared_in(path, ast.parse(read_bytes(path)), Shipped)
    for fault in _faults(workload, declared):
        raise UserError(f"{path.name}: {fault}", "docs/MODELS.md says what a model declares")
    assert workload.own is not None
    return declared.place, msgspec.structs.replace(
        workload,
        title=declared.title,
        kind=declared.kind,
        unit=declared.unit,
        parameters=declared.parameters,
        dataset=declared.dataset,
        note=declared.note,
        own=msgspec.structs.replace(workload.own, shipped=True, needs=declared.needs),
    )


def _faults(workload: Workload, declared: Shipped) -> Iterator[str]:
    """What the types cannot say."""
    if workload.own is None or workload.own.contract != "module":
        yield "it lacks build() or data()"
    if not workload.batch_size or not workload.scales:
        yield "it lacks BATCH or SCALES"
    for part in declared.needs:
        if part not in PARTS:
            yield f"nobody has said which Keras has {part} (orchestrator/plan/needs.py)"
