"""What the preflight says of the nodes of a cluster."""

from __future__ import annotations

from orchestrator import __version__
from orchestrator.executors.slurm import doctor
from orchestrator.executors.slurm.doctor import Seen


def test_a_node_with_other_code_is_in_the_way():
    seen = Seen(node="n1", orchestrator="0.0.1", workloads_sha256="b" * 64)
    levels = {check.what: check.level for check in doctor.judged(seen, "a" * 64, 3)}
    assert levels == {"n1: orchestrator, and 3 more of its kind": "bad", "n1: workloads/": "bad"}
    good = Seen(node="n1", orchestrator=__version__, workloads_sha256="a" * 64)
    assert {check.level for check in doctor.judged(good, "a" * 64, 0)} == {"ok"}


def test_images_that_differ_between_nodes_are_in_the_way():
    first = Seen(node="n1", orchestrator="", workloads_sha256="", images={"s": "sha256:1", "t": "sha256:3"})
    other = Seen(node="n2", orchestrator="", workloads_sha256="", images={"s": "sha256:2", "t": "sha256:3"})
    (check,) = doctor.different_images([first, other])
    assert (check.level, check.what, check.seen) == ("bad", "image of s", "n1 sha256:1, n2 sha256:2")
