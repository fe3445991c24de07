"""The rows that the page holds are those of results.csv, in letters that end no script."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from orchestrator.report.embedded import embedded
from orchestrator.results.columns import COLUMNS, PACKED
from tests.make import row
from tests.unit.report.makers import EVIL


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_every_column_has_a_value_for_every_row():
    rows = [row(reason=EVIL, epoch_s=0.1), row(epoch_s=None, log_tail="not of the table")]
    text = embedded(rows, ["20261122-120000-abcd"])
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", text)
    found = unpacked(text)
    assert list(found["columns"]) == list(COLUMNS) and found["packed"] == list(PACKED)
    assert found["columns"]["epoch_s"] == [0.1, None] and found["columns"]["reason"][0] == EVIL
    assert text == embedded(rows, ["20261122-120000-abcd"])  # the same rows are the same page


@pytest.mark.parametrize(
    ("runs", "name"),
    [
        (["20261122-120000-abcd"], "keras-orchestrate-20261122-120000-abcd"),
        (["a", "b", "c"], "keras-orchestrate-a-and-2-more"),
        (["../../é.html\n"], "keras-orchestrate--..-.html-"),
        ([], "keras-orchestrate"),
    ],
)
def test_a_download_is_called_after_its_run(runs, name):
    assert unpacked(embedded([row()], runs))["name"] == name
