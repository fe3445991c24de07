"""Another user of this host, who looks at what ours does; only root can be both."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

UID = 12345


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
