"""HTTP to servers that are not trusted: bounded in time before they send anything, and redirected safely."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from orchestrator.text import public


def opener(secure: bool) -> urllib.request.OpenerDirector:
    """Opens addresses. Proxies and SSL_CERT_FILE are honoured; `secure`: no redirection leads out of https."""
    handlers: list[type[urllib.request.BaseHandler]] = [_Http, _Https]
    return urllib.request.build_opener(*handlers, *([_Secure] if secure else []))


class _Bounded(http.client.HTTPConnection):
    """Ends a connection whose answer has not begun in time: each line of a header may take as long as a whole read."""

    _late = False

    def getresponse(self) -> http.client.HTTPResponse:
        timer = threading.Timer(self.timeout or 0.0, self._end, [self.sock])
        timer.daemon = True
        timer.start()
        try:
            answer = super().getresponse()
        finally:
            timer.cancel()
        if self._late:  # half a header is no answer
            raise TimeoutError(f"no answer in {self.timeout:g} s")
        return answer

    def _end(self, connection: socket.socket) -> None:
        self._late = True
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class _BoundedTls(_Bounded, http.client.HTTPSConnection):
    pass


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Bounded, request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_BoundedTls, request)


class _Secure(urllib.request.HTTPRedirectHandler):
    """Follows no redirection out of https."""

    def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
        request, answer, code, _, headers, url = arguments
        if request.type == "https" and urlsplit(url).scheme != "https":
            raise urllib.error.HTTPError(request.full_url, code, f"leads out of https: {public(url)}", headers, answer)
        return super().redirect_request(*arguments)
