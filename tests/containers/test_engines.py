"""Engines as people have them: rootless, with remapped users, elsewhere; and callers whose files an engine cannot use.

Each works, or is refused by `doctor` and before the first job, once, with the way out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import pytest

from orchestrator import __version__
from orchestrator.launchers.caches import cache_name
from orchestrator.model import image_name
from orchestrator.plan.catalog import workloads_sha256
from orchestrator.stacks.images.engine import connect, inspect
from tests.conftest import REQUIRED, ROOT
from tests.fakes import own_engine
from tests.fakes.own_engine import OWNER, OwnEngine
from tests.fakes.runs import STACK, Bench, rows_of

pytestmark = pytest.mark.containers
IMAGE = image_name(STACK, "cpu", __version__)


@pytest.fixture(scope="module")
def built(engine, image_of):
    image_of(STACK)
    return engine


@pytest.fixture
def place():
    """A folder that every user can reach; pytest's own are for its user alone."""
    folder = Path(tempfile.mkdtemp(prefix="kbo-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def archive(built):
    """The stack's image for other engines, packed once."""
    with own_engine.packed(built, IMAGE) as made:
        yield made


@contextlib.contextmanager
def running(archive, make, *programs: str):
    """An engine of the test's own, with the stack's image."""
    why = own_engine.missing(*programs)
    if why:
        assert not REQUIRED, why
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="kbo-engine-"))
    folder.chmod(0o755)
    own: OwnEngine = make(folder)
    try:
        own.start()
        own_engine.take(own.host, IMAGE, *archive)
        yield own
    finally:
        own.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def rootless(archive):
    with running(archive, own_engine.rootless, "rootlesskit", "newuidmap") as own:
        yield own


def looked(bench: Bench, *before: str, **variables: str) -> tuple[int, str, int, str, list[dict]]:
    """What doctor says and what a run says: (exit code, output) of each, and the rows."""
    words = bench.run("--launcher", "docker")
    shared = [w for w in words[1:] if w not in ("--no-fetch", "--no-build", "--threads", "1")]
    code, stdout, stderr = finished(bench, before, variables, "doctor", *shared)
    ran, table, said = finished(bench, before, variables, *words, "--json")
    return code, stdout + stderr, ran, said, rows_of(table) if table else []


def finished(bench, before, variables, *words):
    argv = [*before, sys.executable, "-m", bench.module, *map(str, bench.placed(words))]
    home = {"HOME": str(bench.folder), "XDG_CACHE_HOME": str(bench.folder / "cache"), "COLUMNS": "200"}
    environment = {**os.environ, **home, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(argv, capture_output=True, text=True, cwd=bench.folder, env=environment, timeout=120)
    return done.returncode, done.stdout, done.stderr


def refused(seen, *words: str) -> None:
    """Doctor and the run say the same, and no job has been started."""
    examined, told, ran, said, rows = seen
    assert (examined, ran, rows) == (3, 3, []), told + said
    for word in words:
        assert word in told, told
        assert word in said, said
    assert "Traceback" not in told + said
    assert "lost the engine" not in told + said


def fingerprint(bench) -> dict:
    (result,) = bench.out.glob("2*/jobs/*/result.json")
    return json.loads(result.read_bytes())["fingerprint"]


def test_a_rootless_engine_runs_jobs_and_says_which_bounds_it_drops(rootless, place):
    bench = Bench(place, ["good"])
    examined, told, code, said, rows = looked(bench, DOCKER_HOST=rootless.host)
    assert (examined, code, [row["status"] for row in rows]) == (0, 0, ["ok"]), told + said
    assert {path.lstat().st_uid for path in bench.out.rglob("*")} == {os.getuid()}
    dropped = {point.partition(":")[0] for point in fingerprint(bench)["unconfined"]}
    without = rootless.client().info()["CgroupDriver"] == "none"
    assert dropped == ({"memory", "processes", "cores"} if without else set())
    assert bool(fingerprint(bench)["pinned_cores"]) != without, "it was pinned to nothing"
    assert ("confinement by docker" in told) == ("confinement by docker" in said) == without
    command = fingerprint(bench)["command"]
    assert command[command.index("--user") + 1] == "0:0"
    assert rows[0]["rss_peak_mb"] < 100, "the whole host's memory is not the job's"
    assert rootless.containers() == []


def test_a_rootless_engine_of_somebody_else_is_refused(rootless, place):
    other = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    if subprocess.run([*other, sys.executable, "-c", "import docker"], capture_output=True).returncode:
        pytest.skip(f"another user cannot start {sys.executable}")
    (rootless.folder / "docker.sock").chmod(0o666)
    bench = Bench(place, ["good"])
    os.chown(place, 12345, 12345)
    seen = looked(bench, *other, DOCKER_HOST=rootless.host)
    refused(seen, "the engine does not see", "choose folders that it sees")  # jobs' folders are closed to its owner


def test_an_engine_that_remaps_users_runs_jobs_as_any_other(archive, place):
    with running(archive, own_engine.remapping) as own:
        bench = Bench(place, ["good"])
        examined, told, code, said, rows = looked(bench, DOCKER_HOST=own.host)
        assert (examined, code, [row["status"] for row in rows]) == (0, 0, ["ok"]), told + said
        assert {path.lstat().st_uid for path in bench.out.rglob("*")} == {os.getuid()}
        assert fingerprint(bench)["unconfined"] == []
        assert own.containers() == []


def test_an_engine_that_does_not_see_the_results(archive, place):
    hidden = place / "hidden"
    hidden.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running(archive, lambda folder: own_engine.elsewhere(folder, hidden, port)) as own:
        bench = Bench(place / "seen", ["good"])
        assert looked(bench, DOCKER_HOST=own.host)[2] == 0, "an engine of this machine behind TCP is none of another"
        bench.out = hidden / "results"
        refused(looked(bench, DOCKER_HOST=own.host), f"the engine does not see {hidden}", "--out")
        assert own.containers() == []


def in_own_mounts(script: str, *arguments: object) -> list[str]:
    if os.getuid() != 0:
        pytest.skip("mounting needs root")
    return ["unshare", "--mount", "sh", "-c", script + '; exec "$@"', "sh", *map(str, arguments)]


def test_an_engine_of_another_machine(built, place):
    """Which another machine is, the kernel says: each start of one has an id of its own."""
    (place / "id").write_text("11111111-2222-3333-4444-555555555555\n")
    before = in_own_mounts('mount --bind "$1" /proc/sys/kernel/random/boot_id; shift', place / "id")
    refused(looked(Bench(place / "bench", ["good"]), *before), "another machine than this one", "DOCKER_HOST")


def test_a_folder_that_only_the_caller_sees(built, place):
    bench = Bench(place, ["good"])
    bench.out.mkdir()
    before = in_own_mounts('mount -t tmpfs tmpfs "$1"; shift', bench.out)
    refused(looked(bench, *before), f"the engine does not see {bench.out}", "--out")


def test_scripts_that_others_cannot_read(built, place):
    """As after a `git clone` under umask 077."""
    if os.getuid() != 0:
        pytest.skip("jobs of a caller who is not root are that caller")
    bench = Bench(place, ["good"])
    subprocess.run(["chmod", "-R", "go-rwx", str(bench.root)], check=True)
    refused(looked(bench), f"user {OWNER}, as whom jobs run, cannot read {bench.root}/workloads", "chmod -R go+rX")
    subprocess.run(["chmod", "-R", "go+rX", str(bench.root)], check=True)
    (bench.data / "mnist.npz").chmod(0o600)
    refused(looked(bench), f"cannot read {bench.data}/mnist.npz: Permission denied", "chmod")


def test_under_umask_077_nothing_that_a_run_makes_is_in_its_way(built, place):
    bench = Bench(place, ["good"])
    shutil.rmtree(bench.data)
    bench.data.mkdir()  # so that the data are made by the run
    examined, _, code, said, rows = looked(bench, "sh", "-c", 'umask 077; exec "$@"', "sh")
    assert (examined, code, [row["status"] for row in rows]) == (0, 0, ["ok"]), said


def test_a_caller_who_cannot_give_files_away(built, place):
    if os.getuid() != 0:
        pytest.skip("only root gives files away")
    before = ["setpriv", "--bounding-set=-chown", "--inh-caps=-chown"]
    refused(looked(Bench(place, ["good"]), *before), f"to user {OWNER}, as whom jobs run: Operation not permitted")


def test_a_context_is_obeyed_without_a_config_file(built, place):
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    bench, name = Bench(place, ["good"]), "mine"
    meta = place / "docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    variables = {"DOCKER_CONFIG": str(place / "docker"), "DOCKER_CONTEXT": name, "DOCKER_HOST": ""}

    def leading_to(address):
        document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": address, "SkipTLSVerify": False}}}
        (meta / "meta.json").write_text(json.dumps(document))
        return looked(bench, **variables)

    assert leading_to(host)[2] == 0
    _, told, code, said, _ = leading_to(f"unix://{place}/dead.sock")
    assert code == 3
    for text in (told, said):
        assert f"{place}/dead.sock (the context 'mine' of DOCKER_CONTEXT)" in text
    _, _, code, said, _ = looked(bench, **{**variables, "DOCKER_CONTEXT": "nosuch"})
    assert (code, "there is no docker context 'nosuch'" in said) == (2, True)


def test_a_credential_helper_that_is_gone_costs_no_build(built, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"credsStore": "desktop", "credHelpers": {"gcr.io": "nosuch"}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    client = connect()
    client.images.build(fileobj=BytesIO(f"FROM {IMAGE}\nLABEL of=test".encode()), tag="kbo-credentials:1", rm=True)
    client.images.remove("kbo-credentials:1")


def test_a_cache_has_the_name_of_its_user_and_content(built, place):
    """The stub stands for a backend that keeps something."""
    root = place / "root"
    bench = Bench(place, ["good"])
    declared = (root / "docker" / "stacks.yaml").read_text()
    anchor = "    caches:\n      - *cuda_cache\n"
    own = "    caches:\n      - {name: stub, path: /tmp/stub, why: to have one}\n"
    begin = declared.index("- name: keras1-mxnet")
    (root / "docker" / "stacks.yaml").write_text(declared[:begin] + declared[begin:].replace(anchor, own, 1))
    assert looked(bench)[2] == 0
    key = (inspect(built, IMAGE).id, workloads_sha256(root))
    name = cache_name(STACK, "stub", os.getuid(), *key)
    volume = built.volumes.get(name)
    assert volume.attrs["Labels"] == {"keras-orchestrate": "cache"}
    volume.remove()
