"""What docker/ and workloads/ declare, and how their mistakes are told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.plan.catalog import find_root, load_catalog, workloads_sha256

ROOT = Path(__file__).resolve().parents[3]
STACKS = ROOT / "docker" / "stacks.yaml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A root of its own, to be spoilt."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("cuda", "__pycache__"))
    (tmp_path / "workloads").mkdir()
    shutil.copy(ROOT / "workloads" / "workloads.yaml", tmp_path / "workloads")
    return tmp_path


def spoil(root: Path, old: str, new: str) -> str:
    """Replace one piece of stacks.yaml; the message that loading then gives."""
    path = root / "docker" / "stacks.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_catalog(root)
    return f"{caught.value.message} {caught.value.hint}"


def test_the_catalog_of_the_checkout_holds_the_articles_stacks_and_todays():
    catalog = load_catalog()
    assert Path(catalog.root) == ROOT == find_root()
    shipped = [stack for stack in catalog.stacks if not stack.like]
    assert [stack.name for stack in shipped] == [
        "keras2-tensorflow-cntk",
        "keras2-theano",
        "keras1-mxnet",
        "keras3-tensorflow",
        "keras3-jax",
        "keras3-torch",
    ]
    assert all(set(stack.images) == {"cpu", "gpu"} for stack in shipped)
    assert [backend.name for backend in catalog.stack("keras2-tensorflow-cntk").backends] == ["tensorflow", "cntk"]
    assert len(catalog.workloads) == 5


def test_versions_in_stacks_are_the_locked_ones():
    catalog = load_catalog()
    for stack in (stack for stack in catalog.stacks if not stack.like):
        for device in stack.images:
            lock = (catalog.docker_dir / "requirements" / f"{stack.name}-{device}.txt").read_text().lower()
            keras = "keras-mxnet==1.2.2.1" if stack.keras == "1.2.2" else f"keras=={stack.keras}"
            assert f"\n{keras} " in lock
            for backend in stack.backends:
                version = re.search(rf"^{backend.package[device].lower()}==([\d.]+)", lock, re.MULTILINE)
                assert version
                assert version[1] in f"{backend.title} 0.9.0 1.0.5"


def test_every_locked_package_has_a_hash():
    for lock in sorted((ROOT / "docker" / "requirements").glob("*.txt")):
        entries = re.split(r"\n(?=[a-zA-Z])", lock.read_text())
        pins = [entry for entry in entries if "==" in entry]
        assert pins, lock
        assert all("--hash=sha256:" in entry for entry in pins), lock


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("base: bullseye", "base: potato", "$.stacks[0] (keras2-tensorflow-cntk).base", "there is no base 'potato'"),
        ("name: keras2-theano\n", "name: keras1-mxnet\n", "$.stacks", "'keras1-mxnet' is there 2 times"),
        ("name: cntk\n", "name: tensorflow\n", "(keras2-tensorflow-cntk).backends", "'tensorflow' is there 2 times"),
        ("{cpu: cntk, gpu: cntk-gpu}", "{cpu: cntk}", "(keras2-tensorflow-cntk).backends[1].package", "for gpu"),
        ("backend: cntk", "backend: cnkt", ".deviations[7].backend", "there is no backend 'cnkt'"),
        ('released: "2026-07"', "released: today", "$.stacks[3].released", 'released: "2024-03"'),
        ('released: "2026-07"', 'released: "2026-13"', "$.stacks[3].released", 'released: "2024-03"'),
        ('released: "2026-07"', "era: today", "(keras3-tensorflow).released", "it stands for `era` now"),
        ("digest: sha256:f", "digest: sha256:x", "$.bases[...].digest", "Expected `str` matching regex"),
        ("keras: 2.0.8", "kears: 2.0.8", "$.stacks[0]", "unknown field `kears`"),
        ("bases:", "bases: [", "stacks.yaml", "while parsing"),
        ("name: keras3-jax", "name: keras3-flax", "(keras3-flax).images.cpu", "orchestrate lock keras3-flax"),
    ],
)
def test_a_mistake_is_told_with_its_place(copy: Path, old: str, new: str, place: str, what: str):
    message = spoil(copy, old, new)
    assert "stacks.yaml" in message
    assert place in message
    assert what in message


def test_a_missing_file_is_the_users_mistake(tmp_path: Path):
    with pytest.raises(UserError, match=r"stacks\.yaml cannot be read: No such file"):
        load_catalog(tmp_path)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="no stack 'keras2'") as caught:
        load_catalog().stack("keras2")
    assert "keras2-theano" in caught.value.hint


def test_the_hash_of_the_workloads_follows_names_and_contents_of_scripts_only(tmp_path: Path):
    folder = tmp_path / "workloads"
    folder.mkdir()
    (folder / "a.py").write_text("1")
    first = workloads_sha256(tmp_path)
    (folder / "notes.txt").write_text("2")
    assert workloads_sha256(tmp_path) == first
    (folder / "a.py").rename(folder / "b.py")
    renamed = workloads_sha256(tmp_path)
    (folder / "b.py").write_text("2")
    assert len({first, renamed, workloads_sha256(tmp_path)}) == 3
