"""Cleaning removes what is ours and names it; what others own, what goes on, and what was measured stay."""

from __future__ import annotations

import types

import pytest

from orchestrator.errors import HostError
from orchestrator.launchers import sweep
from orchestrator.launchers.sweep import LABEL
from orchestrator.results.folder import RunFolder
from orchestrator.run import clean as cleaning
from orchestrator.stacks.images import engine
from tests.make import make_job, make_plan

STACK = {"org.keras-orchestrate.stack": "keras2-theano"}
JOB = make_job()


class Client:
    """A Docker engine with images and volumes of ours and of others; `removed` are the names it was told to."""

    def __init__(self):
        self.removed = []
        self.images = types.SimpleNamespace(remove=self.removed.append)
        self.api = types.SimpleNamespace(images=self.list_images)
        self.volumes = types.SimpleNamespace(list=lambda: self.made_volumes)
        self.containers = types.SimpleNamespace(list=lambda **query: self.made_containers)
        self.made_containers = [self.container("left", "")]
        self.made_volumes = [
            self.volume("labelled", {LABEL: "cache"}),
            self.volume(f"{LABEL}-keras2-theano-theano", None),
            self.volume(f"{LABEL}-keras2-theano-theano-u1000-0123456789ab", None),
            self.volume(f"{LABEL}-keras2-theano-theano-u4711-0123456789ab", {LABEL: "cache"}),
            self.volume(f"{LABEL}-notes", {}),
            self.volume("other", {LABEL: "job"}),
        ]

    def list_images(self, filters):
        if filters:
            return [{"Id": "sha256:99", "RepoTags": ["<none>:<none>"], "Labels": STACK}]
        tags = ["keras-orchestrate/keras2-theano:1-cpu", "registry/keras-orchestrate/keras2-theano:1"]
        return [
            {"Id": "sha256:1", "RepoTags": tags, "Labels": STACK},
            {"Id": "sha256:2", "RepoTags": ["keras-orchestrate/by-somebody-else:1"], "Labels": None},
        ]

    def container(self, name, owner):
        def remove(force, v):
            self.removed.append(name)

        return types.SimpleNamespace(name=name, labels={f"{LABEL}.owner": owner}, remove=remove)

    def volume(self, name, labels):
        return types.SimpleNamespace(name=name, attrs={"Labels": labels}, remove=lambda: self.removed.append(name))


@pytest.fixture
def client(monkeypatch):
    made = Client()
    monkeypatch.setattr(engine, "connect", lambda: made)
    return made


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Without an engine, without podman, with a cache folder of its own."""

    def no_engine():
        raise HostError("no engine here")

    monkeypatch.setattr(engine, "connect", no_engine)
    monkeypatch.setattr(sweep, "runtime_orphans", lambda runtime: [])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def clean(tmp_path, images=False, caches=False, dry_run=False):
    return list(cleaning.clean(images, caches, dry_run, tmp_path / "results"))


@pytest.fixture
def run(tmp_path):
    """A run that was killed: half a file, and the folder that its job could write."""
    folder = RunFolder.create(tmp_path / "results", make_plan(jobs=[JOB]))
    job = folder.begin(JOB, 1)
    (job / "out").mkdir()
    (job / "out" / ".mine.tmp").touch()
    (folder.path / ".results.json.1.tmp").touch()
    (job / "log.txt").write_text("kept")
    return folder


def test_there_may_be_nothing_to_clean(tmp_path):
    assert clean(tmp_path, images=True, caches=True) == ["nothing to clean"]


def test_what_a_killed_run_left_goes_and_its_record_stays(tmp_path, run):
    out = run.job_folder(JOB) / "out"
    assert clean(tmp_path) == [
        f"removed temporary {run.path / '.results.json.1.tmp'}",
        f"removed temporary {out}",
    ]
    assert sorted(path.name for path in run.job_folder(JOB).iterdir()) == ["job.json", "log.txt"]
    assert clean(tmp_path) == ["nothing to clean"]


def test_a_dry_run_removes_nothing(tmp_path, run, client, monkeypatch):
    monkeypatch.setattr(cleaning.os, "getuid", lambda: 1000)
    lines = clean(tmp_path, images=True, caches=True, dry_run=True)
    assert len(lines) == 8
    assert all(line.startswith("would remove ") for line in lines)
    assert client.removed == []
    assert (run.job_folder(JOB) / "out").is_dir()


def test_a_run_that_goes_on_is_spared(tmp_path, run):
    with run.locked():
        assert clean(tmp_path) == ["nothing to clean"]


def test_on_the_engine_only_containers_go_unasked(tmp_path, client):
    assert clean(tmp_path) == ["removed container left"]
    assert client.removed == ["left"]


def test_images_go_on_request_those_with_our_label_and_our_name(tmp_path, client):
    assert clean(tmp_path, images=True)[1:] == [
        "removed image keras-orchestrate/keras2-theano:1-cpu",
        "removed image sha256:99 (build cache)",
    ]
    assert client.removed[1:] == ["keras-orchestrate/keras2-theano:1-cpu", "sha256:99"]


def test_caches_are_our_volumes_and_folders_but_never_the_data(tmp_path, client, monkeypatch):
    """Those of another user are his, unless root cleans."""
    monkeypatch.setattr(cleaning.os, "getuid", lambda: 1000)
    cache = tmp_path / "cache" / "keras-orchestrate"
    for name in ("venvs", "compiled", "images", "data"):
        (cache / name).mkdir(parents=True)
    lines = clean(tmp_path, caches=True)
    names = ["labelled", f"{LABEL}-keras2-theano-theano", f"{LABEL}-keras2-theano-theano-u1000-0123456789ab"]
    assert lines[1:4] == [f"removed volume {name}" for name in names]
    assert lines[4:] == [f"removed folder {cache / name}" for name in ("venvs", "compiled", "images")]
    assert [path.name for path in cache.iterdir()] == ["data"]


def test_one_thing_in_use_does_not_keep_the_others(tmp_path, run, client):
    def refuse(force, v):
        raise RuntimeError("it is in use\nby somebody")

    client.made_containers[0].remove = refuse
    lines = clean(tmp_path)
    assert lines[0] == "could not remove container left: it is in use"
    assert [line.split()[0] for line in lines[1:]] == ["removed", "removed"]


def test_containers_of_podman_are_named_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "runtime_orphans", lambda runtime: [("left", ["true"])])
    assert clean(tmp_path) == ["removed container left (podman)"]
