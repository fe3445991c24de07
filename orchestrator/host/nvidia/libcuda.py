"""Where CUDA's part of the driver lies for programs that start without the caller's variables.

On some hosts (GKE nodes, NixOS, `module load`) only LD_LIBRARY_PATH leads to it: a job would see no GPU.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

NAME = "libcuda.so.1"
#: The loader's own list of what it finds.
CACHE = Path("/etc/ld.so.cache")
#: Where hosts keep the driver's libraries that the loader's list does not have: GKE and NVIDIA's volumes, NixOS, WSL.
PLACES = ("/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/run/opengl-driver/lib", "/usr/lib/wsl/lib")


def folder(environ: Mapping[str, str], cache: Path = CACHE, places: Sequence[str] = PLACES) -> str:
    """The folder in which a program must look for it; "" where the loader finds it by itself, or it is nowhere."""
    named = [place for place in environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if place.startswith("/")]
    found = next((place for place in named if (Path(place) / NAME).is_file()), "")
    if found or _is_known(cache):
        return found
    return next((place for place in places if (Path(place) / NAME).is_file()), "")


def with_folder(environment: Mapping[str, str], found: str) -> dict[str, str]:
    """The environment of a job that must look there, too."""
    own = environment.get("LD_LIBRARY_PATH", "")
    if not found or found in own.split(os.pathsep):
        return dict(environment)
    return {**environment, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [own, found]))}


def _is_known(cache: Path) -> bool:
    try:
        return NAME.encode() in cache.read_bytes()
    except OSError:
        return False
