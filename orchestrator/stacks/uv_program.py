"""Where the program uv is, which makes environments and locks."""

from __future__ import annotations

from uv import find_uv_bin

from orchestrator.errors import HostError


def uv_program() -> str:
    """The path of uv, which is installed with this package. Raises HostError where it is not there any more."""
    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise HostError(
            "the program uv is not where its package should have put it", "install it anew: pip install uv"
        ) from error
