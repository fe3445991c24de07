"""Tiny archives in the layouts of the real data sets."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

WORKLOADS = Path(__file__).parents[2] / "workloads"
STORIES = """\
1 Mary moved to the bathroom.
2 John took the milk.
3 Where is Mary? \tbathroom\t1
4 John went to the hall.
5 Where is the milk? \thall\t2 4
1 Sandra got the ball.
2 Where is the ball? \tnowhere\t1
"""


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """One file of an archive, from memory."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
