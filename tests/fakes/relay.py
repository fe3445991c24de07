"""A socket that hands everything on to another one, for those who cannot reach that: another user, by its folder."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def relay(target: str, path: Path) -> Iterator[None]:
    """Until the block ends, `path` is a socket that every user may use, and that leads to the socket `target`."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)
        threading.Thread(target=_accept, args=(listener, target), daemon=True).start()
        yield


def _accept(listener: socket.socket, target: str) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:  # the block has ended
            return
        far = socket.socket(socket.AF_UNIX)
        far.connect(target)
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """All bytes, and then the end: a job's lifeline is the end of a stream."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
