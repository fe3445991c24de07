"""Standard streams that are closed, full, left by their reader, or poor in letters."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading

import pytest

from orchestrator import streams
from tests.conftest import ROOT


def printing(program: str, redirection: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python that secures its streams and goes on with `program`, as a shell with `redirection` starts it."""
    code = f"import os, sys; from orchestrator import streams; streams.secure(); {program}"
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=60,
    )


def test_a_closed_stream_is_opened_so_that_no_file_takes_its_number(tmp_path):
    program = f"file = open({str(tmp_path / 'record')!r}, 'w'); print('lost'); print('lost', file=sys.stderr)"
    answer = printing(f"{program}; file.close(); sys.exit(7)", "<&- >&- 2>&-")
    assert (answer.returncode, answer.stdout, answer.stderr) == (7, "", "")
    assert (tmp_path / "record").read_text() == ""


@pytest.mark.parametrize("redirection", [">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full", "2>&1 >&- | true"])
def test_what_cannot_be_written_changes_neither_the_way_nor_the_end(redirection):
    lots = "[print('x' * 9999, file=f) for f in (sys.stdout, sys.stderr) for _ in range(99)]"
    program = f"{lots}; os.write(os.open('/dev/null', os.O_WRONLY), b'on'); sys.exit(7)"
    answer = printing(program, redirection)
    assert answer.returncode == (0 if "|" in redirection else 7)
    assert "Traceback" not in answer.stderr and "Exception ignored" not in answer.stderr


def test_a_full_disk_is_told_once_and_a_reader_that_is_gone_is_not(monkeypatch):
    monkeypatch.setattr(sys, "stdout", streams.opened(os.open("/dev/full", os.O_WRONLY)))
    print("lost")
    assert streams.take_loss() == "No space left on device"
    assert streams.take_loss() == ""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stdout", streams.opened(writer))
    print("lost")
    assert streams.take_loss() == ""
    os.close(writer)


def test_letters_that_an_encoding_lacks_are_replaced():
    reader, writer = os.pipe()
    stream = streams.opened(writer, "latin-1")
    stream.write("é … ─ ± \u4e2d \udce9\n")
    os.close(writer)
    assert os.read(reader, 99).decode("latin-1") == "é ... - ± \\u4e2d \\udce9\n"
    os.close(reader)


def test_a_pipe_that_another_process_has_made_impatient_is_waited_for():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    got = bytearray()

    def read():
        while piece := os.read(reader, 65536):
            got.extend(piece)

    stream = streams.opened(writer)
    thread = threading.Thread(target=read)
    thread.start()
    stream.write("x" * 500_000 + "\n")
    os.close(writer)
    thread.join()
    os.close(reader)
    assert len(got) == 500_001


def test_streams_that_somebody_has_replaced_stay(capsys):
    before = sys.stdout, sys.stderr
    streams.secure()
    assert (sys.stdout, sys.stderr) == before
    assert streams.take_loss() == ""
