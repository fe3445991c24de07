"""How a node comes by an image: what is there is kept, what is missing or another one is brought."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest

from orchestrator.errors import DeviceRefused, HostError
from orchestrator.executors.slurm import node_images
from orchestrator.host.leases import Leases
from orchestrator.plan.slurm import NodeImages
from orchestrator.stacks.images import archive as image_archive

NAME = "keras-orchestrate/s:0.1.0-cpu"


def order(**images_):
    return SimpleNamespace(images=NodeImages(**images_), archived="sha256:new")


@pytest.fixture
def archive(monkeypatch):
    """An engine and an archive: what was loaded."""
    client = SimpleNamespace(there=None, loaded=[])
    index = SimpleNamespace(images=[SimpleNamespace(name=NAME, info=SimpleNamespace(id="sha256:new"))])
    monkeypatch.setattr(image_archive, "unchanging", contextlib.nullcontext)
    monkeypatch.setattr(node_images, "inspect", lambda client, name: client.there)
    monkeypatch.setattr(image_archive, "contents", lambda path, progress: index)
    monkeypatch.setattr(
        image_archive, "load", lambda client, path, found, progress, force: client.loaded.append((str(path), force))
    )
    return client, index


@pytest.mark.parametrize(
    ("there", "loaded"),
    [(None, [("/a.tgz", True)]), ("sha256:old", [("/a.tgz", True)]), ("sha256:new", [])],
)
def test_an_archive_is_loaded_where_its_image_is_missing_or_another(archive, there, loaded):
    engine, _ = archive
    engine.there = SimpleNamespace(id=there) if there else None
    node_images.load(engine, NAME, order(by="archive", archive="/a.tgz"), lambda line: None)
    assert engine.loaded == loaded


def test_an_archive_without_the_image_is_told(archive):
    engine, index = archive
    index.images = []
    with pytest.raises(HostError, match="holds no keras-orchestrate/s"):
        node_images.load(engine, NAME, order(by="archive", archive="/a.tgz"), lambda line: None)


def test_another_archive_than_was_checked_when_the_job_was_handed_in_is_not_loaded(archive):
    engine, index = archive
    index.images[0].info.id = "sha256:theirs"
    with pytest.raises(HostError, match=r"holds another keras-orchestrate/s.* than when the job was handed in"):
        node_images.load(engine, NAME, order(by="archive", archive="/a.tgz"), lambda line: None)
    assert engine.loaded == []


def test_an_archive_that_is_gone_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(node_images, "inspect", lambda client, name: None)
    with pytest.raises(HostError, match=r"a\.tgz cannot be read: No such file"):
        node_images.load(None, NAME, order(by="archive", archive=f"{tmp_path}/a.tgz"), lambda line: None)


def test_a_registry_is_asked_for_the_same_name_behind_its_own():
    asked, tagged = [], []
    image = SimpleNamespace(tag=lambda name, tag: tagged.append((name, tag)))
    pull = lambda name, tag: asked.append((name, tag)) or image  # noqa: E731
    engine = SimpleNamespace(images=SimpleNamespace(pull=pull))
    said: list[str] = []
    node_images.pull(engine, NAME, order(by="registry", registry="reg.example:5000/x"), said.append)
    assert asked == [("reg.example:5000/x/keras-orchestrate/s", "0.1.0-cpu")]
    assert tagged == [("keras-orchestrate/s", "0.1.0-cpu")]


def test_a_registry_that_has_it_not_is_told():
    import docker.errors

    def pull(name, tag):
        raise docker.errors.NotFound("no such manifest")

    engine = SimpleNamespace(images=SimpleNamespace(pull=pull))
    with pytest.raises(HostError, match=r"cannot pull reg.* no such manifest"):
        node_images.pull(engine, NAME, order(by="registry", registry="reg"), lambda line: None)


def test_jobs_of_one_node_fetch_an_image_one_by_one_whoever_they_belong_to(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_ORCHESTRATE_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setattr(node_images, "choose_provisioner", lambda *given: SimpleNamespace(name="docker"))
    engine = SimpleNamespace(client=lambda: None)
    monkeypatch.setattr(node_images, "pull", lambda client, name, spec, say: say(f"pulled {name}"))
    job, ticket = SimpleNamespace(stack="s"), SimpleNamespace(run_id="r")
    more = {"keras_spec": None, "may_build": True, "stack": None}
    spec = SimpleNamespace(launcher="docker", job=job, device="cpu", ticket=ticket, **more)
    spec.images = NodeImages(by="registry", registry="reg")
    said: list[str] = []
    with Leases(tmp_path / "locks", "somebody").hold(f"image-{NAME}", lambda: False, said.append):
        assert (tmp_path / "locks").stat().st_mode & 0o1777 == 0o1777  # for other users' jobs, too
        with pytest.raises(DeviceRefused):
            node_images.provisioner(spec, None, engine, lambda: True, said.append)
    node_images.provisioner(spec, None, engine, lambda: False, said.append)
    assert said[-1] == f"pulled {NAME}"


def test_an_image_that_was_found_is_never_fetched_or_built(monkeypatch):
    monkeypatch.setattr(node_images, "choose_provisioner", lambda *given: SimpleNamespace(name="docker"))
    more = {"keras_spec": None, "may_build": True, "stack": SimpleNamespace(found=True)}
    spec = SimpleNamespace(launcher="docker", device="cpu", images=NodeImages(by="build"), **more)
    engine = SimpleNamespace(client=lambda: pytest.fail("the engine was asked for it"))
    assert node_images.provisioner(spec, None, engine, lambda: False, print).name == "docker"
