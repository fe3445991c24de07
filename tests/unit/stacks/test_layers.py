"""Packages of a script of one's own: locked and made once, none in the place of a stack's. uv is real, no index is."""

from __future__ import annotations

import base64
import os
import platform
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from orchestrator.environment import CA_BUNDLES, CHOICES, PIP_SOURCES, UV_SOURCES
from orchestrator.errors import HostError
from orchestrator.files import cache_locked
from orchestrator.model import Layer, OwnFile
from orchestrator.plan import inline
from orchestrator.stacks import layers, stamps
from orchestrator.stacks.ground import Ground, Unfit
from orchestrator.stacks.venvs import EITHER_WAY, Way
from orchestrator.text import silent
from tests.fakes.wheels import wheel

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
#: An image, and an environment, with the same packages.
IMAGE = Ground(stack="s", python=THIS, pins={"numpy": "2.4.6", "base": "1+cpu"}, sha256="a" * 64)
VENV = msgspec.structs.replace(IMAGE, interpreter=sys.executable)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*PIP_SOURCES, *UV_SOURCES, *CHOICES, *CA_BUNDLES):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "wheels").mkdir()
    settings = {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "cache" / "keras-orchestrate" / "layers"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Two packages, one of which needs the other and numpy; and an older release of it."""
    folder = tmp_path / "wheels"
    wheel(folder, "small", "1.0")
    wheel(folder, "large", "1.0", "small", "numpy>=2")
    return folder


def own(tmp_path: Path, *packages: str) -> OwnFile:
    path = tmp_path / "my.py"
    path.write_text(f"# /// script\n# dependencies = {list(packages)}\n# ///\n".replace("'", '"'))
    shown = inline.read("my.py", path.read_bytes()).public_packages
    return OwnFile(path=str(path), sha256="1" * 64, contract="script", packages=shown)


def ready(
    ground: Ground, file: OwnFile, kept: Layer | None = None, said: list[str] | None = None, way: Way = EITHER_WAY
):
    return layers.ready(ground, "my", file, kept, way, (said if said is not None else []).append)


def there(laid) -> set[str]:
    return {path.name for path in Path(laid.path).iterdir()} - {stamps.NAME, ".lock", "__pycache__"}


@pytest.mark.parametrize("ground", [IMAGE, VENV], ids=["image", "environment"])
def test_what_the_stack_lacks_is_made_once_and_nothing_that_it_has(ground: Ground, wheels, tmp_path, cache):
    said: list[str] = []
    laid = ready(ground, own(tmp_path, "large", "numpy"), said=said)
    assert there(laid) == {"small.py", "small-1.0.dist-info", "large.py", "large-1.0.dist-info"}
    assert said == [
        f"its packages come from {wheels}",
        "making the packages of my.py for s: large 1.0 and small 1.0",
    ]
    assert "numpy" not in laid.layer.lock and laid.layer.lock.count("--hash=sha256:") == 2
    assert laid.path.startswith(str(cache / f"s-aaaaaaaaaaaa-{laid.layer.sha256[:12]}-py{THIS}-{platform.machine()}"))
    for path in wheels.iterdir():
        path.unlink()  # nothing is asked of any index again
    assert ready(ground, own(tmp_path, "large", "numpy"), said=said) == laid
    assert len(said) == 2


def test_it_can_be_imported_and_an_image_has_the_same_by_the_same_name(wheels, tmp_path):
    one, other = ready(VENV, own(tmp_path, "large")), ready(IMAGE, own(tmp_path, "large"))
    assert one.layer == other.layer and one.path != other.path
    code = "import site, sys; site.addsitedir(sys.argv[1]); import large; print(large.VERSION)"
    for laid in (one, other):
        answer = subprocess.run([sys.executable, "-c", code, laid.path], capture_output=True, text=True, check=True)
        assert answer.stdout == "1.0\n"


def test_a_stack_that_has_it_all_needs_no_index_and_nothing_is_made(tmp_path, cache):
    laid = ready(VENV, own(tmp_path, "numpy>=2", "base==1"), way=Way(may_make=False))
    assert (laid.path, laid.layer.lock, laid.layer.sha256) == ("", "", None)
    assert not cache.exists()


def test_the_lock_of_a_recorded_run_is_installed_whatever_is_newest_now(wheels, tmp_path, cache):
    file = own(tmp_path, "small")
    before = ready(VENV, file)
    wheel(wheels, "small", "2.0")
    assert ready(VENV, file) == before, "this host keeps what it once locked"
    elsewhere = msgspec.structs.replace(VENV, interpreter=None)
    again = ready(elsewhere, file, kept=before.layer)
    assert again.layer == before.layer and "small-1.0.dist-info" in there(again)
    for path in cache.glob("*.json"):
        path.unlink()
    assert "small-2.0.dist-info" in there(ready(VENV, file)), "and without either, the newest is taken"


@pytest.mark.parametrize("change", ["requirements", "stack"])
def test_a_lock_that_was_made_for_something_else_does_not_count(change: str, wheels, tmp_path):
    kept = ready(VENV, own(tmp_path, "small")).layer
    wheel(wheels, "small", "2.0")
    file = own(tmp_path, "small>=1" if change == "requirements" else "small")
    ground = msgspec.structs.replace(VENV, sha256="b" * 64) if change == "stack" else VENV
    assert "small-2.0.dist-info" in there(ready(ground, file, kept=kept))


def test_what_contradicts_the_stack_further_down_is_told_with_both_sides(wheels, tmp_path, cache):
    wheel(wheels, "old", "1.0", "numpy<2")
    with pytest.raises(Unfit) as caught:
        ready(VENV, own(tmp_path, "old"))
    assert caught.value.message.startswith("the packages of my.py do not go with those of s: ")
    assert "numpy<2" in caught.value.message and "2.4.6" in caught.value.message
    assert "\n" not in caught.value.message and not list(cache.glob("*.json"))


def test_a_package_of_the_stack_is_known_by_its_other_name(wheels, tmp_path):
    wheel(wheels, "text", "1.0", "whole>=2")
    wheel(wheels, "older", "1.0", "whole<2")
    pins = {**VENV.pins, "whole-cpu": "2.1"}
    ground = msgspec.structs.replace(VENV, pins=pins, other_names={"whole": "whole-cpu"})
    assert there(ready(ground, own(tmp_path, "text"))) == {"text.py", "text-1.0.dist-info"}
    with pytest.raises(Unfit, match=r"whole<2"):
        ready(ground, own(tmp_path, "older"))


@pytest.mark.parametrize("asked", ["nowhere-at-all", "small>=9"])
def test_a_package_that_is_nowhere_is_no_contradiction(asked: str, wheels, tmp_path):
    with pytest.raises(HostError, match=r"^the packages of my.py cannot be had: ") as caught:
        ready(VENV, own(tmp_path, asked))
    assert asked in caught.value.message and caught.value.hint.startswith("are name and version right?")
    assert not isinstance(caught.value, Unfit)


def test_a_package_for_another_python_is_one_for_other_stacks(wheels, tmp_path):
    path = wheel(wheels, "newer", "1.0", python=">=3.99")
    assert path.is_file()
    with pytest.raises(Unfit, match=r"the packages of my.py do not go with those of s: .*Python"):
        ready(IMAGE, own(tmp_path, "newer"))


def test_an_index_out_of_reach_is_one_line_with_what_to_do(tmp_path, monkeypatch):
    for name, value in {
        "PIP_NO_INDEX": "0",
        "PIP_INDEX_URL": "http://me:pw@127.0.0.1:9/",
        "UV_HTTP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(HostError, match=r"the packages of my.py cannot be had: uv failed: ") as caught:
        ready(VENV, own(tmp_path, "small"))
    assert "PIP_INDEX_URL" in caught.value.hint and "pw@" not in caught.value.message
    assert "\n" not in caught.value.message and not isinstance(caught.value, Unfit)


def test_nothing_is_built_for_an_image(wheels, tmp_path):
    source_archive(wheels)
    with pytest.raises(Unfit, match=r"nothing is built for one") as caught:
        ready(IMAGE, own(tmp_path, "built"))
    assert caught.value.hint == "with `--launcher process` it is built"


def source_archive(folder: Path) -> None:
    """A package that has no wheel."""
    import io
    import tarfile

    with tarfile.open(folder / "built-1.0.tar.gz", "w:gz") as archive:
        for name, text in {"PKG-INFO": "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n", "setup.py": ""}.items():
            info = tarfile.TarInfo(f"built-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))


def test_nothing_is_made_where_nothing_may_be_made(wheels, tmp_path, cache):
    with pytest.raises(HostError, match=r"my.py needs small, which s does not have, and nothing may be made"):
        ready(VENV, own(tmp_path, "small"), way=Way(may_make=False))
    assert not cache.exists()
    laid = ready(VENV, own(tmp_path, "small"))
    assert ready(VENV, own(tmp_path, "small"), way=Way(may_make=False)) == laid, "what is there is used"


def test_a_plan_shows_a_place_and_makes_nothing(wheels, tmp_path, cache):
    file = own(tmp_path, "small")
    assert layers.assumed(VENV, "my", file, None).path == str(cache / "PACKAGES")
    assert not cache.exists()
    laid = ready(VENV, file)
    assert layers.assumed(VENV, "my", file, None) == laid
    assert layers.assumed(VENV, "my", own(tmp_path, "small>=1"), laid.layer).path == str(cache / "PACKAGES")


def test_what_was_changed_since_is_made_anew(wheels, tmp_path):
    said: list[str] = []
    laid = ready(VENV, own(tmp_path, "small"))
    (Path(laid.path) / "small.py").write_text("VERSION = 'planted'\n")
    assert ready(VENV, own(tmp_path, "small"), said=said) == laid
    assert any("are not believed: its files were changed since" in line for line in said)
    assert "planted" not in (Path(laid.path) / "small.py").read_text()


def test_a_folder_that_others_could_have_made_is_refused(wheels, tmp_path):
    laid = ready(VENV, own(tmp_path, "small"))
    Path(laid.path).chmod(0o777)
    with pytest.raises(HostError, match=r"cannot be believed"):
        ready(VENV, own(tmp_path, "small"))


def test_what_cannot_be_fetched_leaves_nothing_half_made(wheels, tmp_path, cache):
    file = own(tmp_path, "small")
    locked = layers.locked(VENV, "my", file, None, EITHER_WAY, silent)
    (wheels / "small-1.0-py3-none-any.whl").unlink()
    with pytest.raises(HostError):
        ready(VENV, file)
    assert locked.lock and not [path for path in cache.iterdir() if path.is_dir()]


def test_other_files_than_were_locked_are_not_installed(wheels, tmp_path, monkeypatch):
    file = own(tmp_path, "small")
    kept = layers.locked(VENV, "my", file, None, EITHER_WAY, silent)
    wheel(wheels, "small", "1.0", "numpy")  # the same name and version with other content
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another"))
    with pytest.raises(HostError, match=r"(?i)hash"):
        ready(VENV, file, kept=kept)


def test_who_waits_for_another_run_is_told(wheels, tmp_path):
    file, said = own(tmp_path, "small"), []
    layer = layers.locked(VENV, "my", file, None, EITHER_WAY, silent)
    waiting, answers = threading.Event(), []

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def wait() -> None:
        answers.append(layers.ready(VENV, "my", file, None, EITHER_WAY, say))

    with cache_locked(layers.place(VENV, layer)):
        other = threading.Thread(target=wait)
        other.start()
        assert waiting.wait(30)
        assert said == [f"waiting for another run that makes {layers.place(VENV, layer).name}"]
    other.join(60)
    assert Path(answers[0].path).is_dir()


def test_every_user_can_read_what_a_wheel_gave_to_its_owner_alone(tmp_path):
    wheel(tmp_path / "wheels", "shy", "1.0", mode=0o600)
    laid = ready(IMAGE, own(tmp_path, "shy"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(laid.path).rglob("*") if path.is_file()}
    assert modes.pop("shy.py") & 0o444 == 0o444
    assert all(mode & 0o022 == 0 for mode in modes.values())


def test_a_secret_in_a_requirement_is_used_and_never_written(wheels, tmp_path, cache):
    with served(wheels) as port:
        address = f"http://me:hunter2@127.0.0.1:{port}/small-1.0-py3-none-any.whl"
        laid = ready(VENV, own(tmp_path, f"small @ {address}"))
    assert "small-1.0.dist-info" in there(laid)
    assert f"small @ http://127.0.0.1:{port}/" in laid.layer.lock and "--hash=sha256:" in laid.layer.lock
    kept = [path for path in cache.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert kept == [] and "hunter2" not in msgspec.json.encode(laid).decode()


@contextmanager
def served(folder: Path) -> Iterator[int]:
    """The port of a server that gives the files of a folder to whoever knows the password."""
    wanted = "Basic " + base64.b64encode(b"me:hunter2").decode()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self.wfile.write(self._answer())

        def _answer(self) -> bytes:
            content = (folder / self.path.lstrip("/")).read_bytes()
            known = self.headers.get("Authorization") == wanted
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(content) if known else 0))
            self.end_headers()
            return content if known else b""

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
