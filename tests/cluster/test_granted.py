"""What a node is granted is what is used: typed GPUs, slices, neighbours that are hidden, on a real Slurm.

A site's Slurm names a slice in CUDA_VISIBLE_DEVICES, and its control groups hide what others were granted; here the
script that starts Python on the node does both, by the number that Slurm has granted.
"""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.fakes import nvml_host

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SLICES = ["MIG-11111111-aaaa-bbbb-cccc-000000000000", "MIG-22222222-aaaa-bbbb-cccc-000000000000"]


@contextlib.contextmanager
def site(cluster, *lines: str):
    """The first node, whose jobs live as these lines of shell say; what each was granted stands in a file."""
    start = cluster.folder / "env.n1"
    before = start.read_text()
    noted = cluster.folder / "granted"
    noted.unlink(missing_ok=True)
    ours = [*lines, f'echo "$SLURM_JOB_ID ${{SLURM_JOB_GPUS-none}}" >> {noted}', ""]
    start.write_text(before + "\n".join(ours))
    try:
        yield noted
    finally:
        start.write_text(before)


def granted(noted) -> list[int]:
    """The number of the GPU of each Slurm job that asked for one."""
    found = dict(line.split() for line in noted.read_text().splitlines())
    return sorted(int(number) for number in found.values())


def finished(user, *words: str) -> list[dict]:
    user.config.write_text(json.dumps(json.loads(user.config.read_text()) | {"device": "gpu"}))
    code, rows, said = user.finish(user.run("--workload", "exclusive_*", *words, "--threads", "1", "--json"))
    assert (code, {row["status"] for row in rows}) == (0, {"ok"}), said
    assert {row["host"] for row in rows} == {"n1"}
    return rows


@pytest.fixture
def typed(user):
    """Asks for GPUs by the type that the site gave them: `--gres=gpu:k80:1`."""
    config = json.loads(user.config.read_text())
    config["slurm"]["gpu_type"] = "k80"
    user.config.write_text(json.dumps(config))
    return user


def test_a_slice_that_was_granted_is_used_and_never_its_card_or_its_neighbour(cluster, typed):
    """Also `doctor` says what jobs there will get."""
    state = nvml_host.h200(1) | {(0, "mig"): 1}
    host = nvml_host.StubHost(cluster.nodes["n2"].library, cluster.folder / "cut", state)
    for number, uuid in enumerate(SLICES):
        host.set(f"0:{number}", uuid=uuid, name="NVIDIA H200 MIG 1g.18gb", mem_total=2**34, mem_used=0)
        host.set(f"0:{number}", instance=number, processes="none")
    names = ("LD_LIBRARY_PATH", "NVML_STUB_STATE")
    lines = [f"export {name}='{host.environment[name]}'" for name in names]
    first, second = SLICES
    lines.append(f'case "$SLURM_JOB_GPUS" in 0) CUDA_VISIBLE_DEVICES={first};; 1) CUDA_VISIBLE_DEVICES={second};; esac')
    with site(cluster, *lines, "export CUDA_VISIBLE_DEVICES") as noted:
        rows = finished(typed, "--stack", "stub-today")
        assert [row["gpu_name"] for row in rows] == ["NVIDIA H200 MIG 1g.18gb"] * 2
        assert sorted(row["gpu_uuid"] for row in rows) == [SLICES[number] for number in granted(noted)]
        assert all(f"CUDA_VISIBLE_DEVICES={row['gpu_uuid']}" in row["command"] for row in rows)


def test_where_neighbours_are_hidden_numbers_begin_anew_and_the_granted_card_is_used(cluster, typed):
    host = cluster.nodes["n1"]
    uuids = [host.state[number, "uuid"] for number in (0, 1)]
    for number in (0, 1):
        own = {(0, key): value for (gpu, key), value in host.state.items() if gpu == number}
        everywhere = {place: value for place, value in host.state.items() if place[0] not in (0, 1)}
        state = everywhere | own | {("-", "count"): 1}
        nvml_host.StubHost(host.library, cluster.folder / f"alone-{number}", state)
    hidden = f"export NVML_STUB_STATE={cluster.folder}/alone-$SLURM_JOB_GPUS/state CUDA_VISIBLE_DEVICES=0"
    with site(cluster, f'[ -z "$SLURM_JOB_GPUS" ] || {hidden}') as noted:
        rows = finished(typed, "--stack", "stub-old")
        assert sorted(row["gpu_uuid"] for row in rows) == [uuids[number] for number in granted(noted)]
