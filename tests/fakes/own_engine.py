"""Docker engines of a test's own: ordinary, rootless, with remapped users, or in mounts of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import docker
import docker.errors

from tests.fakes.runs import wait_for

OURS = {"label": "keras-orchestrate=job"}
#: Whose the rootless engine is, and the numbers that it may use.
OWNER, SUBORDINATE = 65534, "nobody:200000:65536\nnogroup:200000:65536\n"


class OwnEngine:
    """A dockerd that can be killed and started again. `before`: a command that starts it; `options`: its own."""

    def __init__(
        self, folder: Path, before: Sequence[str] = (), options: Sequence[str] = (), host: str | None = None
    ) -> None:
        self.folder = folder
        self.before = before
        self.options = options
        self.host = host or f"unix://{folder}/docker.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.folder / "pid").unlink(missing_ok=True)
        argv = [*self.before, "dockerd", *self.options, "--host", self.host, "--data-root", f"{self.folder}/data"]
        argv += ["--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid"]
        argv += ["--iptables=false", "--bridge=none"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        wait_for(self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(Exception):
            return bool(self.client().ping())
        return False

    def client(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.host)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        # Its containerd goes as well, as it does under systemd; what is left of a job are its shim and itself.
        record = self.folder / "exec" / "containerd" / "containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(record.read_text()), signal.SIGKILL)
        record.unlink(missing_ok=True)

    def stop(self) -> None:
        """Ends it, and unmounts what it had mounted."""
        if self.process is not None:
            with contextlib.suppress(OSError, ValueError):  # what started it may not pass the signal on
                os.kill(int((self.folder / "pid").read_text()), signal.SIGTERM)
            self.process.terminate()
            self.process.wait(30)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False)

    def containers(self) -> list[str]:
        return [c.name for c in self.client().containers.list(all=True, filters=OURS, ignore_removed=True)]


def hand_over(engine, host: str, name: str) -> None:
    """The image to the engine at `host`, without its Python packages, which stubs do not need: a fifth of the bytes."""
    with packed(engine, name) as (archive, path):
        take(host, name, archive, path)


@contextlib.contextmanager
def packed(engine, name: str) -> Iterator[tuple[IO[bytes], str]]:
    """The files of an image, as far as stubs need them, and its search path."""
    path = next(v for v in engine.images.get(name).attrs["Config"]["Env"] if v.startswith("PATH="))
    pack = ["docker", "run", "--rm", "--user", "0", "--network", "none", "--log-driver", "none", name, "tar", "-c"]
    pack += ["--one-file-system", "--exclude=*/site-packages", "--exclude=./usr/share", "-C", "/", "."]
    with tempfile.TemporaryFile() as archive:
        subprocess.run(pack, stdout=archive, check=True)
        yield archive, path


def take(host: str, name: str, archive: IO[bytes], path: str) -> None:
    """Gives such an archive to the engine at `host`."""
    archive.seek(0)
    argv = ["docker", "--host", host, "import", "--change", f"ENV {path}", "-", name]
    subprocess.run(argv, stdin=archive, stdout=subprocess.DEVNULL, check=True)


def missing(*programs: str) -> str:
    """Why no engine of one's own can be started here; "" if one can."""
    if os.getuid() != 0:
        return "starting an engine of one's own needs root"
    gone = [program for program in ("dockerd", "unshare", "setpriv", *programs) if not shutil.which(program)]
    return f"not installed: {', '.join(gone)}" if gone else ""


def with_numbers(folder: Path, *command: str) -> list[str]:
    """The command with an /etc of its own, in which user nobody has subordinate numbers."""
    shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
    for name in ("subuid", "subgid"):
        (folder / "etc" / name).write_text(SUBORDINATE)
    script = 'mount --bind "$0" /etc; exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, f"{folder}/etc", *command]


def remapping(folder: Path) -> OwnEngine:
    """An engine whose containers have user numbers of their own."""
    return OwnEngine(folder, with_numbers(folder), ["--userns-remap=nobody:nogroup"])


def rootless(folder: Path) -> OwnEngine:
    """An engine that user nobody has started, without control groups on a host with version 1 of them."""
    folder.chmod(0o755)
    os.chown(folder, OWNER, OWNER)
    owner = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
    home = ["env", f"HOME={folder}", f"XDG_RUNTIME_DIR={folder}"]
    kit = ["rootlesskit", "--net=host", "--copy-up=/etc", "--copy-up=/run", f"--state-dir={folder}/kit"]
    inside = ["sh", "-c", 'rm -f /run/docker /run/containerd; exec "$@"', "sh"]
    return OwnEngine(folder, with_numbers(folder, *owner, *home, *kit, *inside), ["--rootless"])


def elsewhere(folder: Path, hidden: Path, port: int) -> OwnEngine:
    """An engine behind TCP that sees an empty folder at `hidden`."""
    script = 'mount -t tmpfs tmpfs "$0"; exec "$@"'
    before = ["unshare", "--mount", "sh", "-c", script, str(hidden)]
    return OwnEngine(folder, before, host=f"tcp://127.0.0.1:{port}")
