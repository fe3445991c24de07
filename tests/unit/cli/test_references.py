"""Others' figures on a terminal."""

from __future__ import annotations

import json

from orchestrator.cli.references import references_text
from orchestrator.report.published import sources


def test_a_source_is_told_with_hardware_what_is_comparable_and_every_figure():
    page = next(source for source in sources() if source.name == "keras-io-2024")
    lines = list(references_text(page))
    assert lines[0] == "keras-io-2024: Keras 3 benchmarks"
    text = " ".join(" ".join(lines).split())
    assert "Hardware: NVIDIA A100" in text and "Not comparable: None of its models" in text
    (line,) = [line for line in lines if "BERT, fit" in line and "JAX" in line]
    assert line.split()[-3:] == ["3", "32", "222.37"]
    assert len(lines) - lines.index(next(line for line in lines if "──" in line)) - 1 == len(page.figures)


def test_programs_get_all_of_it(orchestrate):
    found = json.loads(orchestrate("list", "references", "--json").stdout)["references"]
    assert [each["name"] for each in found] == [source.name for source in sources()]
    assert sum(len(each["figures"]) for each in found) == sum(len(source.figures) for source in sources())
    assert "lee-2017" in orchestrate("list", "references").stdout
