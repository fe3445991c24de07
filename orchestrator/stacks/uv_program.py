"""Where the program uv is, which makes environments and locks."""

from __future__ import annotations

from orchestrator import extras
from orchestrator.errors import HostError


def uv_program() -> str:
    """The path of uv. Raises Lacking where its package is not installed, HostError where that lacks its program."""
    with extras.needed("uv"):
        from uv import find_uv_bin
    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise HostError(
            "the program uv is not where its package should have put it", "install it anew: pip install uv"
        ) from error
