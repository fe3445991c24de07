"""A Slurm cluster of two nodes on this host, from Debian's packages, without systemd: real daemons, stub GPUs.

n1 has two stub K80s under driver 470, n2 one stub H100 under driver 580; both are this host. As a program it keeps such
a cluster for a shell until it is interrupted:  python -m tests.fakes.slurm_cluster /tmp/cluster
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fakes import nvml_host

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "gcc")
#: Of each node: both are this host, and a job of theirs may get as many cores as it has.
CPUS = max(2, len(os.sched_getaffinity(0)))
CONF = """\
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
CredType=cred/munge
CryptoType=crypto/munge
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
SlurmctldPort={ports[0]}
SlurmdParameters=config_overrides
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
GresTypes=gpu
ReturnToService=2
SlurmdTimeout=5
KillWait=3
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
NodeName=DEFAULT CPUs={cpus} RealMemory=4000
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} Gres=gpu:k80:2 Feature=k80
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} Gres=gpu:h100:1 Feature=h100
PartitionName=gpu Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=off
PartitionName=short Nodes=n1,n2 MaxTime=1 State=UP PriorityTier=1
"""
GRES = """\
NodeName=n1 Name=gpu Type=k80 File={folder}/fakegpu[0-1]
NodeName=n2 Name=gpu Type=h100 File={folder}/fakegpu2
"""
#: What a node's environment is on a real site: here both nodes are one host, and are told apart by Slurm's own name.
PYTHON = """\
#!/bin/sh
. {folder}/env.$SLURMD_NODENAME
exec {python} "$@"
"""


def missing() -> str:
    """Why no cluster can be started here; "" where one can."""
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=search_path()) is None]
    if lacking:
        return f"no {', '.join(lacking)} (Debian: slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge gcc)"
    return "" if os.getuid() == 0 else "device files for the stub GPUs can only be made by root"


def search_path() -> str:
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class SlurmCluster:
    """Daemons with folders, ports and keys of their own. `environment` is that of a login node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "python"
        self.ports = free_ports(3)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("run", "state", "log", "spool.n1", "spool.n2"):
            (folder / name).mkdir(parents=True, mode=0o755)
        folder.chmod(0o755)
        self._write_conf()
        (folder / "gres.conf").write_text(GRES.format(folder=folder))
        for minor in range(3):
            os.mknod(folder / f"fakegpu{minor}", 0o20666, os.makedev(240, minor))
        self.nodes = {"n1": self._node("n1", 470, nvml_host.k80()), "n2": self._node("n2", 580, h100())}
        self.python.write_text(PYTHON.format(folder=folder, python=sys.executable))
        self.python.chmod(0o755)

    def _write_conf(self, **changes: object) -> None:
        text = CONF.format(folder=self.folder, ports=self.ports, host=platform.node(), user="root", cpus=CPUS)
        text += "".join(f"{name}={value}\n" for name, value in changes.items())
        (self.folder / "slurm.conf").write_text(text)

    def _node(self, name: str, driver: int, state: nvml_host.State) -> nvml_host.StubHost:
        place = self.folder / name
        host = nvml_host.StubHost(nvml_host.build(place, driver), place, state)
        names = ("LD_LIBRARY_PATH", "NVML_STUB_STATE", "KERAS_ORCHESTRATE_LOCK_DIR", "PYTHONPATH")
        lines = [f"export {key}='{host.environment[key]}'\n" for key in names]
        (self.folder / f"env.{name}").write_text("".join(lines))
        return host

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM")}
        own = {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": search_path(), "PYTHONPATH": str(ROOT)}
        return {**kept, **own}

    def start(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        run, log = self.folder / "run", self.folder / "log"
        words = [f"--key-file={key}", f"--socket={run}/munge.sock", f"--pid-file={run}/munged.pid", "--force"]
        self._spawn("munged", [*words, f"--log-file={log}/munged.log", f"--seed-file={run}/seed", "--foreground"])
        self._until(lambda: (run / "munge.sock").exists(), "munged")
        self.start_controller()
        for name in ("n1", "n2"):
            self.start_node(name)
        self.wait_until_idle()

    def start_controller(self, **changes: object) -> None:
        self._write_conf(**changes)
        self._spawn("slurmctld", ["-D", "-f", str(self.folder / "slurm.conf")])
        self._until(lambda: "UP" in self.ask("scontrol", "ping"), "slurmctld")

    def start_node(self, name: str) -> None:
        self._spawn("slurmd", ["-D", "-f", str(self.folder / "slurm.conf"), "-N", name], name)

    def kill(self, name: str) -> None:
        """kill -9 of `slurmctld`, `n1` or `n2`."""
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()

    def wait_until_idle(self) -> None:
        self._until(lambda: self.ask("sinfo", "-h", "-N", "-p", "gpu", "-o", "%T").split() == ["idle"] * 2, "the nodes")

    def mend(self) -> None:
        """As it was at first, after a daemon was killed: an administrator's work."""
        self.ask("scancel", "--user=root")
        self._until(lambda: "*" not in self.ask("sinfo", "-h", "-N", "-p", "gpu", "-o", "%T"), "the nodes to answer")
        for name in ("n1", "n2"):
            self.ask("scontrol", "update", f"NodeName={name}", "State=RESUME")
        self.wait_until_idle()

    def ask(self, *argv: str) -> str:
        done = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def jobs(self, states: str = "all") -> list[list[str]]:
        """number, state, node, comment of every job."""
        return [line.split("|") for line in self.ask("squeue", "-h", "-t", states, "-o", "%i|%T|%N|%k").splitlines()]

    def stop(self) -> None:
        if "slurmctld" in self._daemons:
            self.ask("scancel", "--user=root")
        for name in ("n1", "n2", "slurmctld", "munged"):
            if name in self._daemons:
                self._daemons[name].terminate()
        for name in list(self._daemons):
            try:
                self._daemons[name].wait(10)
            except subprocess.TimeoutExpired:
                self._daemons[name].kill()
                self._daemons[name].wait()
            del self._daemons[name]

    def _spawn(self, program: str, words: list[str], name: str | None = None) -> None:
        path = shutil.which(program, path=search_path())
        assert path is not None, program
        with (self.folder / "log" / f"{name or program}.out").open("ab") as log:
            self._daemons[name or program] = subprocess.Popen(
                [path, *words], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _until(self, ready, what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            logs = "".join(path.read_text(errors="replace")[-1500:] for path in (self.folder / "log").iterdir())
            assert time.monotonic() < deadline, f"{what} did not get ready: {logs}"
            time.sleep(0.1)


@contextlib.contextmanager
def running() -> Iterator[SlurmCluster]:
    """A cluster in a folder of its own, which vanishes with it."""
    folder = Path(tempfile.mkdtemp(prefix="kbo-"))  # short: paths of sockets are bounded
    made = SlurmCluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def h100() -> nvml_host.State:
    """One H100 beside the K80s: with an id and a driver of its own."""
    state = nvml_host.h200(1) | {(0, "name"): "NVIDIA H100", (0, "mem_used"): 985 * 2**20}
    return state | {(0, "uuid"): "GPU-000000a0-cccc-dddd-eeee-000000000000"}


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background ignores the first
        signal.signal(number, signal.default_int_handler)
    cluster = SlurmCluster(Path(sys.argv[1]))
    with contextlib.suppress(KeyboardInterrupt):
        try:
            cluster.start()
            print(f"export SLURM_CONF={cluster.folder}/slurm.conf  # slurm.python: {cluster.python}", flush=True)
            signal.pause()
        finally:
            cluster.stop()
