"""`orchestrate images` as a user types it, on an engine that is a few lines long."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator.cli.app import cli
from orchestrator.cli.verbs import images
from orchestrator.errors import UserError
from orchestrator.model import image_name
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import image_check
from orchestrator.stacks.found.probe import Met
from orchestrator.stacks.images import archive as image_archive
from orchestrator.stacks.images import recipe
from orchestrator.stacks.images.engine import ImageInfo
from tests.fakes.libraries import linked, tar

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


class Engine:
    """Has one image, and the stages that it was built in; `removed` is what was asked to go."""

    def __init__(self) -> None:
        self.images = self
        self.api = SimpleNamespace(images=self.listed)
        self.kept = {"sha256:old"}
        self.removed: list[str] = []

    def listed(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        assert filters["label"] == ["org.keras-orchestrate.stack=keras1-mxnet", "org.keras-orchestrate.device=gpu"]
        return [{"Id": stage} for stage in sorted(self.kept)]

    def remove(self, name: str) -> None:
        self.removed.append(name)


@pytest.fixture
def built(engine: dict[str, ImageInfo], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An image of MXNet that is built when it is checked: a library in it needs cuDNN, which is not there."""
    client = Engine()

    def prepare(stacks: Any, device: str) -> list[Any]:
        engine[GPU] = info()
        client.kept.add("sha256:new")
        return []

    needs = linked(tmp_path, "libmxnet.so", "libcudnn.so.6")
    stream = io.BytesIO(tar({"opt/venv/lib/python2.7/site-packages/mxnet/libmxnet.so": needs}))
    seen = SimpleNamespace(met={"mxnet": Met(error="OSError: libcudnn.so.6: cannot open shared object file")})
    monkeypatch.setattr(images, "connect", lambda: client)
    monkeypatch.setattr(images, "choose_provisioner", lambda *_: SimpleNamespace(prepare=prepare))
    monkeypatch.setattr(image_check, "inspect", lambda client, name: engine.get(name))
    monkeypatch.setattr(image_check.found_images, "look", lambda *_: (None, seen))
    monkeypatch.setattr(image_check, "exported", lambda *_: contextlib.nullcontext(stream))
    return client


def test_check_names_what_is_missing_and_leaves_nothing_that_it_built(built: Engine):
    answer = orchestrate("check", "--device", "gpu", "--stack", "keras1-mxnet", "--remove")
    assert isinstance(answer.exception, SystemExit) and answer.exception.code == 1
    said = [line.strip() for line in answer.stdout.splitlines()]
    assert f"{GPU}: 500 MB" in said and "imports: mxnet FAILED" in said
    assert "FAULT libcudnn.so.6 is not there, and libmxnet.so cannot be loaded without it" in said
    assert built.removed == [GPU, "sha256:new"], "what was there before stays"


def test_check_leaves_an_image_that_was_there_and_says_all_as_json(built: Engine, engine: dict[str, ImageInfo]):
    engine[GPU] = info()
    answer = orchestrate("check", "--device", "gpu", "--stack", "keras1-mxnet", "--remove", "--json")
    (image,) = json.loads(answer.stdout)["images"]
    assert (image["name"], image["imports"], len(image["faults"])) == (GPU, {"mxnet": "FAILED"}, 2)
    assert built.removed == []


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
