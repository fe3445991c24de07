"""What is made of the answer of a program that starts CUDA; tests/stubgpu/test_cuda.py starts one."""

from __future__ import annotations

import pytest

from orchestrator.host.nvidia.cuda_trial import REMEDIES, REMEDY, judged


@pytest.mark.parametrize("code", REMEDIES)
def test_each_known_error_has_a_remedy_of_its_own(code):
    seen, mend = judged(b'{"call": "cuInit", "code": %d, "name": "WHY"}' % code, 0)
    assert (seen, mend) == (f"cuInit says WHY ({code})", REMEDIES[code])


@pytest.mark.parametrize("output", [b"", b"{", b"[1]", b"\xff"])
def test_no_answer_is_a_program_that_died(output):
    assert judged(output, -11) == ("a program that starts CUDA died of it (exit code -11)", REMEDY)


def test_names_of_a_strange_library_are_harmless_text():
    seen, mend = judged(b'{"call": "cuInit", "code": 5, "name": "\\u001b[2J"}', 0)
    assert "\x1b" not in seen
    assert mend == REMEDY
