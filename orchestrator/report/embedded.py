"""The rows of all jobs inside the page, from which it makes its downloads: one file that was mailed is enough."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Sequence

import msgspec

from orchestrator.model import Row
from orchestrator.results.columns import COLUMNS, PACKED


def embedded(rows: Sequence[Row], run_ids: Sequence[str]) -> str:
    """The columns of results.csv, compressed, in letters that end no script.

    `name` is what a download is called; `packed` names the columns whose text is JSON.
    """
    columns = {name: [row.get(name) for row in rows] for name in COLUMNS}
    document = {"name": _name(run_ids), "packed": PACKED, "columns": columns}
    return base64.b64encode(gzip.compress(msgspec.json.encode(document), mtime=0)).decode()


def _name(run_ids: Sequence[str]) -> str:
    """A file name for these runs, whoever named them."""
    first = re.sub(r"[^\w.-]+", "-", run_ids[0], flags=re.ASCII).lstrip(".")[:80] if run_ids else ""
    more = f"and-{len(run_ids) - 1}-more" if len(run_ids) > 1 else ""
    return "-".join(filter(None, ["keras-orchestrate", first, more]))
