"""What an index says of the files of Python 2.7: only what can be a file gets into a lock."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.stacks import python2_lock
from orchestrator.stacks.indexes import Named, Sources

DIGEST = "a" * 64
WHEEL = "six-1.0-py2.py3-none-any.whl"


@pytest.fixture
def index(monkeypatch):
    """A function that gives the sources of an index that answers with these bytes."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answers[-1])

        def log_message(self, *words):
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def answering(text: bytes) -> Sources:
            answers.append(text)
            return Sources(index=Named(f"http://127.0.0.1:{server.server_address[1]}/simple", "PIP_INDEX_URL"))

        yield answering
        server.shutdown()
    thread.join()


def files(*entries: object) -> bytes:
    return json.dumps({"files": entries}).encode()


def test_the_hashes_of_an_index_become_a_lock(index):
    sources = index(files({"filename": WHEEL, "hashes": {"sha256": DIGEST}}))
    assert list(python2_lock.locked(["six==1.0"], sources)) == [f"six==1.0 \\\n    --hash=sha256:{DIGEST}"]


@pytest.mark.parametrize(
    "entry",
    [
        {"filename": WHEEL, "hashes": {"sha256": f"{DIGEST}\n--index-url http://theirs"}},
        {"filename": WHEEL, "hashes": {"sha256": 1}},
        {"filename": WHEEL, "hashes": [DIGEST]},
        {"filename": "six.whl", "hashes": {"sha256": DIGEST}},
        {"filename": f"{WHEEL}\nsix-1.0-py2-none-any.whl", "hashes": {"sha256": DIGEST}},
        {"filename": 1},
        "six",
    ],
    ids=str,
)
def test_what_is_no_file_does_not_get_into_a_lock(index, entry):
    with pytest.raises(UserError, match="the index has no file of it"):
        list(python2_lock.locked(["six==1.0"], index(files(entry))))


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"files": 5}', b"[" * 100_000, b'{"files": "' + b"x" * 2000 + b'"}'])
def test_an_index_that_answers_nonsense_or_too_much_is_one_line(index, monkeypatch, answer):
    monkeypatch.setattr(python2_lock, "LIMIT", 1000)
    with pytest.raises(HostError, match=r"does not answer|answers with more"):
        list(python2_lock.locked(["six==1.0"], index(answer)))
