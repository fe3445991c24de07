"""`orchestrate images` as a user types it, on an engine that is a few lines long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator.cli.app import cli
from orchestrator.cli.verbs import images
from orchestrator.errors import UserError
from orchestrator.model import image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import recipe
from orchestrator.stacks.images.engine import ImageInfo

CATALOG = load_catalog()
VERSION = images.__version__
CPU, GPU = (image_name("keras1-mxnet", device, VERSION) for device in ("cpu", "gpu"))  # type: ignore[arg-type]
BOTH = image_name("keras2-tensorflow-cntk", "gpu", VERSION)


def info(recipe: str = "0" * 64, **more: Any) -> ImageInfo:
    return ImageInfo(id="sha256:1", created="2026-01-02T03:04:05Z", size_mb=500, dockerfile_sha256=recipe, **more)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, ImageInfo]:
    """The images that are there, by name; saving writes their names."""
    there: dict[str, ImageInfo] = {}

    def save(client: Any, names: list[str], path: Path, tell: Any, force: bool) -> None:
        tell(10, 20)
        path.write_text(",".join(names))

    monkeypatch.setattr(images, "connect", lambda: None)
    monkeypatch.setattr(images, "inspect", lambda client, name: there.get(name))
    monkeypatch.setattr(image_archive, "save", save)
    return there


def orchestrate(*words: str | Path) -> Any:
    return CliRunner().invoke(cli, ["images", *map(str, words)], standalone_mode=False)


def test_the_list_says_what_is_missing_outdated_or_not_for_every_backend(engine: dict[str, ImageInfo], monkeypatch):
    stack = CATALOG.stack("keras2-tensorflow-cntk")
    engine[CPU] = info()
    engine[BOTH] = info(recipe.plain(CATALOG, stack, "gpu", without_cuda=True).sha256, unusable=["tensorflow"])
    rows = {row["name"]: row for row in json.loads(orchestrate("list", "--json").stdout)["images"]}
    assert len(rows) == 12
    assert (rows[CPU]["state"], rows[GPU]["state"], rows[BOTH]["state"]) == ("outdated", "missing", "current")
    assert rows[GPU]["size_mb"] is None
    monkeypatch.setenv("COLUMNS", "200")
    lines = [" ".join(line.split()) for line in orchestrate("list").stdout.splitlines()]
    assert f"{BOTH} current 500 2026-01-02 03:04 not for tensorflow: built without CUDA files" in lines
    assert f"{GPU} missing" in lines and lines[0] == "image state MB made (UTC) note"


def test_save_takes_what_is_there_of_what_was_asked_for(engine: dict[str, ImageInfo], tmp_path: Path):
    engine |= {CPU: info(), BOTH: info()}
    assert orchestrate("save", tmp_path / "all.tar.gz").stdout.splitlines()[:2] == [BOTH, CPU]
    orchestrate("save", tmp_path / "gpu.tar.gz", "--device", "gpu")
    assert (tmp_path / "gpu.tar.gz").read_text() == BOTH
    orchestrate("save", tmp_path / "mxnet.tar.gz", "--stack", "keras1-*")
    assert (tmp_path / "mxnet.tar.gz").read_text() == CPU


def test_save_without_any_image_says_how_to_make_them(engine: dict[str, ImageInfo], tmp_path: Path):
    answer = orchestrate("save", tmp_path / "all.tar.gz")
    assert isinstance(answer.exception, UserError)
    assert "orchestrate build" in answer.exception.hint
    assert isinstance(orchestrate("save", tmp_path / "x", "--stack", "nothing").exception, UserError)


def test_load_checks_first_and_says_what_it_did(
    engine: dict[str, ImageInfo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    saved = [image_archive.Saved(name=name, info=info()) for name in (CPU, GPU)]
    index = image_archive.Index(created="", orchestrator="0.0.0", images=saved, members={})
    monkeypatch.setattr(image_archive, "contents", lambda path, tell: index)
    monkeypatch.setattr(image_archive, "load", lambda client, path, index, tell, force: [GPU])
    (tmp_path / "a.tar.gz").write_text("x")
    answer = orchestrate("load", tmp_path / "a.tar.gz")
    assert "these images are of version 0.0.0; this is" in answer.stderr
    assert answer.stdout == f"{CPU}: is there already\n{GPU}: loaded\n"
    assert f"  {CPU}  checked  500  2026" in orchestrate("list", tmp_path / "a.tar.gz").stdout
