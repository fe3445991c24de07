"""Hashes for Python 2.7 from an index's JSON answers; old ways to write versions; indexes that answer otherwise."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestrator.errors import HostError, UserError
from orchestrator.stacks import python2_lock
from orchestrator.stacks.indexes import Named, Sources
from orchestrator.stacks.python2_lock import (
    JSON_INDEX,
    index_files,
    is_usable_wheel,
    locked,
    post_release,
    usable_hashes,
    version_of,
)

DIGEST, WHEEL = "a" * 64, "six-1.0-py2.py3-none-any.whl"


def file(name: str, digit: str = "a") -> dict:
    return {"filename": name, "hashes": {"sha256": digit * 64}}


@pytest.fixture
def index():
    """An index on this host, and what it answers by project."""
    answers: dict[str, tuple[int, str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.headers["Accept"] == JSON_INDEX
            code, text = answers.get(self.path.strip("/"), (404, "no"))
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Sources(index=Named(value=f"http://127.0.0.1:{server.server_port}", by="test")), answers
    server.shutdown()
    server.server_close()


def test_each_package_gets_the_hashes_of_what_can_be_used(index):
    sources, answers = index
    wheels = [file("numpy-1.16.6-cp27-cp27mu-manylinux1_x86_64.whl", "b"), file("numpy-1.16.6.zip", "c"),
              file("numpy-1.16.6-cp36-cp36m-manylinux1_x86_64.whl", "d"), file("numpy-1.16.5.zip", "e")]  # fmt: skip
    answers["numpy"] = (200, json.dumps({"files": wheels}))
    answers["keras"] = (200, json.dumps({"files": [file("Keras-2.0.8.tar.gz", "f")]}))
    assert list(locked(["numpy==1.16.6", "Keras==2.0.8"], sources)) == [
        "numpy==1.16.6 \\\n    --hash=sha256:" + "b" * 64,
        "Keras==2.0.8 \\\n    --hash=sha256:" + "f" * 64,
    ]


@pytest.mark.parametrize("pin", ["functools32==3.2.3.post2", "functools32==3.2.3-2"])
def test_a_post_release_is_found_however_its_file_writes_it(index, pin):
    sources, answers = index
    answers["functools32"] = (200, json.dumps({"files": [file("functools32-3.2.3-2.tar.gz")]}))
    assert list(locked([pin], sources)) == ["functools32==3.2.3.post2 \\\n    --hash=sha256:" + "a" * 64]


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("functools32-3.2.3-2.zip", "functools32", "3.2.3.post2"),
        ("backports.weakref-1.0.post1.tar.gz", "backports.weakref", "1.0.post1"),
        ("keras-mxnet-1.2.2.1.tar.gz", "Keras_MXNet", "1.2.2.1"),
        ("scikit-learn-0.20-1.tar.gz", "scikit-learn", "0.20.post1"),
        ("six-1.17.0-py2.py3-none-any.whl", "six", "1.17.0"),
        ("six-1.17.0.exe", "six", ""),
        ("six-extra-1.0.tar.gz", "six", "extra-1.0"),
    ],
)
def test_the_version_in_a_files_name(filename, name, version):
    assert version_of(filename, name) == version


def test_versions_as_pip_writes_them():
    assert [post_release(v) for v in ("1.0", "1.0-3", "1.0.post3")] == ["1.0", "1.0.post3", "1.0.post3"]


@pytest.mark.parametrize(
    ("filename", "usable"),
    [
        ("a-1-cp27-cp27mu-manylinux1_x86_64.whl", True),
        ("a-1-py2.py3-none-any.whl", True),
        ("a-1-cp27-cp27m-manylinux1_x86_64.whl", False),
        ("a-1-cp27-cp27mu-win_amd64.whl", False),
        ("a-1-cp36-cp36m-manylinux1_x86_64.whl", False),
        ("a-1.tar.gz", False),
    ],
)
def test_wheels_that_python_2_can_use(filename, usable):
    assert is_usable_wheel(filename) is usable


def test_a_package_without_a_version_is_refused(index):
    with pytest.raises(UserError, match="'numpy>=1' has no version"):
        list(locked(["numpy>=1"], index[0]))


def test_a_version_without_a_file_for_python_2_is_refused():
    with pytest.raises(UserError, match=r"numpy==1\.17: the index has no file"):
        usable_hashes([file("numpy-1.17-cp37-cp37m-manylinux1_x86_64.whl")], "numpy", "1.17")


def test_a_name_that_the_index_has_not_is_the_users_mistake(index):
    with pytest.raises(UserError, match="no package is called 'nmupy'"):
        index_files("nmupy", index[0])


@pytest.mark.parametrize("answer", [(500, "down"), (200, "<html></html>"), (200, "{}"), (200, "[]")])
def test_an_index_that_answers_otherwise_is_one_line(index, answer):
    sources, answers = index
    answers["numpy"] = answer
    with pytest.raises(HostError) as caught:
        index_files("numpy", sources)
    assert "/numpy/" in caught.value.message and "\n" not in caught.value.message


def test_an_index_that_is_not_there_is_one_line_without_its_password():
    with pytest.raises(HostError, match="does not answer") as caught:
        index_files("numpy", Sources(index=Named(value="http://joe:secret@127.0.0.1:9/simple", by="test")))
    assert "secret" not in caught.value.message
    assert "PIP_INDEX_URL" in caught.value.hint


def test_a_folder_is_no_index_that_answers(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        index_files("numpy", Sources(index=Named(value=tmp_path.as_uri(), by="test")))


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
    sources, answers = index
    answers["six"] = (200, json.dumps({"files": [entry]}))
    with pytest.raises(UserError, match="the index has no file of it"):
        list(locked(["six==1.0"], sources))


@pytest.mark.parametrize("answer", ["", "[]", '{"files": 5}', "[" * 100_000, '{"files": "' + "x" * 2000 + '"}'])
def test_an_index_that_answers_nonsense_or_too_much_is_one_line(index, monkeypatch, answer):
    sources, answers = index
    answers["six"] = (200, answer)
    monkeypatch.setattr(python2_lock, "LIMIT", 1000)
    with pytest.raises(HostError, match=r"does not answer|answers with more"):
        list(locked(["six==1.0"], sources))
