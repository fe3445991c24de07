"""Where a redirection may lead."""

from __future__ import annotations

import urllib.error
import urllib.request
from email.message import Message

import pytest

from orchestrator.data.connection import opener


def redirected(url: str, to: str, secure: bool) -> str:
    """Where a server that answers for `url` sends us."""
    (handler,) = [h for h in opener(secure).handlers if isinstance(h, urllib.request.HTTPRedirectHandler)]
    request = handler.redirect_request(urllib.request.Request(url), None, 302, "Found", Message(), to)
    assert request is not None
    return request.full_url


def test_no_redirection_leads_out_of_https_where_only_the_server_vouches() -> None:
    with pytest.raises(urllib.error.HTTPError, match="leads out of https: http://there/x"):
        redirected("https://here/x", "http://name:secret@there/x?token=1", secure=True)
    assert redirected("https://here/x", "https://there/x", secure=True) == "https://there/x"
    assert redirected("http://here/x", "http://there/x", secure=True) == "http://there/x"


def test_a_hash_vouches_for_what_comes_from_anywhere() -> None:
    assert redirected("https://here/x", "http://there/x", secure=False) == "http://there/x"
