"""A job that is a process may write beside its output folder, as it is its caller: it costs no other job its row."""

from __future__ import annotations

from tests.fakes.runs import Bench, rows_of


def test_what_a_process_puts_in_the_place_of_records_costs_nobody_a_row(tmp_path):
    bench = Bench(tmp_path, ["squatter", "good"])
    code, stdout, stderr = bench.finish(*bench.run("--json"))
    assert {row["workload"]: row["status"] for row in rows_of(stdout)} == {"squatter": "ok", "good": "ok"}, stderr
    assert code == 0
    assert bench.finish("verify")[0] == 0
