"""Which jobs ran while another run used the same device: it is known of records of any age, whatever they sampled."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.model import Row
from orchestrator.text import plural


def pairs(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """(job, the job of another run that was on its device when it began), the device being a GPU, or a host."""
    spans = [(str(row["started"]), str(row["ended"]), row) for row in rows if _timed(row)]
    spans.sort(key=lambda span: span[:2])
    found = []
    latest: dict[tuple[object, ...], tuple[str, str, Row]] = {}
    for span in spans:
        place = (span[2].get("host"), span[2].get("gpu_uuid"))
        before = latest.get(place)
        if before and before[1] > span[0] and before[2].get("run_id") != span[2].get("run_id"):
            found.append((span[2], before[2]))
        if before is None or span[1] > before[1]:
            latest[place] = span
    return found


def sentence(rows: Sequence[Row]) -> str:
    """How many jobs ran so, "" for none: what a reader must know before believing any figure."""
    hit = {(row.get("run_id"), row["job_id"]) for pair in pairs(rows) for row in pair}
    if not hit:
        return ""
    return (
        f"{plural(len(hit), 'job')} of {len(rows)} ran while another of these runs used the same device: their speeds "
        "are those of a shared machine. “What disturbed the measurements” names them."
    )


def _timed(row: Row) -> bool:
    return bool(row.get("started") and row.get("ended") and row.get("host"))
