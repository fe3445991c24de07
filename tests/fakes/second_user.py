"""Another user of this host, who looks at what ours does; only root can be both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT

UID = 12345


def python(*before: str, uid: int = UID, groups: Sequence[int] = ()) -> list[str]:
    """The command that starts a Python of this version as the other user, with our packages and none of our variables.

    Ours may lie where he cannot read. `before`: what the command will be put behind. Skips the test where he has none.
    """
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can be two users")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    member = f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"
    user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", member]
    user += ["env", "-i", f"PYTHONPATH={path}", f"PATH={os.defpath}"]
    for program in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        argv = [*user, program]
        if subprocess.run([*before, *argv, "-c", "import orchestrator, msgspec"], capture_output=True).returncode == 0:
            return argv
    pytest.skip(f"another user cannot start {sys.executable}, or read {ROOT}")


def does(*argv: object) -> subprocess.CompletedProcess[str]:
    """What a command of the other user's does."""
    words = [str(word) for word in argv]
    try:
        return subprocess.run(words, capture_output=True, text=True, user=UID, group=UID, extra_groups=[], umask=0)
    except PermissionError as error:
        return subprocess.CompletedProcess(words, 126, "", str(error))


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that every user can enter; those of pytest are closed."""
    if os.getuid() != 0:
        pytest.skip("only root can be two users")
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
