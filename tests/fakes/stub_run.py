"""Stands in for workloads/run.py: behaves well or badly by the workload's name, in any Python, without Keras."""

import json
import os
import signal
import sys
import threading
import time


def clock():
    """CLOCK_MONOTONIC where Python knows it; tests with Python 2.7 only need it to grow."""
    return getattr(time, "monotonic", time.time)()


def flags(argv):
    return dict(zip([a[2:] for a in argv[0::2]], argv[1::2]))


def exit_with_starter():
    def wait():
        while os.read(0, 4096):
            pass
        os._exit(130)

    thread = threading.Thread(target=wait)
    thread.daemon = True
    thread.start()


class Writer(object):
    def __init__(self, out, attempt):
        self.file = open(os.path.join(out, "events.jsonl"), "a")
        self.attempt = attempt

    def write(self, event, **fields):
        self.raw(json.dumps(dict(fields, event=event, t=clock(), attempt=self.attempt)) + "\n")

    def raw(self, text):
        self.file.write(text)
        self.file.flush()


def prepare(writer, options):
    import hashlib

    with open(options["data"], "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    writer.write("start", job=options["job"], python=sys.version.split()[0], pid=os.getpid())
    writer.write("data", sha256=digest, kind=options["data-kind"], train=[64, 784], validation=[32, 784])
    writer.write(
        "ready", framework_version="1.0", keras_version="2.0.8", parameters=10, image_data_format="channels_last"
    )


def call(writer, options, seconds=0.05):
    """Times of calls: they are said, and not taken; as many as a 99th percentile needs, with a tail."""
    prepare(writer, options)
    time.sleep(seconds)
    for batch in (1, int(options["batch-size"])):
        for way, took in (("predict_on_batch", 0.004), ("predict", 0.008)):
            times = [took] * 480 + [3 * took] * 20
            writer.write("calls", way=way, batch=batch, seconds=times, first_s=0.5, warm_ups=10, span_s=sum(times))
    writer.write("output", way="predict_on_batch", shape=[[1, 2]], size=2, norm=1.0, values=[0.5, 0.5])


def train(writer, options, seconds=0.05):
    prepare(writer, options)
    begun = clock()
    for epoch in range(1, int(options["epochs"]) + 1):
        writer.write("epoch_begin", epoch=epoch)
        time.sleep(seconds)
        figures = dict(loss=1.0 / epoch, acc=0.9, val_loss=1.0 / epoch, val_acc=0.9)
        writer.write(
            "epoch_end",
            epoch=epoch,
            train_s=seconds,
            validation_s=0.01,
            elapsed_s=clock() - begun,
            batches=2,
            samples=64,
            **figures
        )


def keep_busy(count):
    """So many children that compute for as long as this process lives."""
    starter = os.getpid()
    for _ in range(count):
        if os.fork() == 0:
            while os.getppid() == starter:
                pass
            os._exit(0)


def compute(writer, options, asleep, seconds=1.2):
    """Epochs that keep one core busy; each begins with `asleep` of its time asleep, and tells what it really used."""
    train(writer, dict(options, epochs=0))
    for epoch in range(1, int(options["epochs"]) + 1):
        begun, used = clock(), time.process_time()
        time.sleep(asleep * seconds)
        while clock() - begun < seconds:
            pass
        took, used = clock() - begun, time.process_time() - used
        figures = dict(loss=1.0 / epoch, acc=0.9, val_loss=1.0 / epoch, val_acc=0.9)
        writer.write(
            "epoch_end", epoch=epoch, train_s=took, validation_s=0.0, elapsed_s=took, samples=64, used_s=used, **figures
        )


def finish(writer):
    writer.write("end", elapsed_s=0.2, rss_peak_mb=10.0, metrics={})


def main(argv):
    workload, options = argv[0], flags([a for a in argv[1:] if a != "--lease"])
    if "--lease" in argv:
        exit_with_starter()
    writer = Writer(options["out"], int(options["attempt"]))
    if workload == "dice":
        workload = thrown(int(options["seed"]))
    if workload == "told":
        print(json.dumps({"argv": sys.argv, "environment": dict(os.environ)}))
    if workload == "exit1":
        print("about to fail")
        sys.exit(1)
    if workload == "silent":
        sys.exit(0)
    if workload == "raises":
        writer.write("error", type="ValueError", message="planted <b>fault</b>", traceback="...")
        sys.exit(1)
    if workload == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if workload == "hang":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        train(writer, options)
        time.sleep(600)
    if workload in ("burn", "doze", "crowd"):
        if workload == "crowd":
            keep_busy(3)
        compute(writer, options, asleep=0.5 if workload == "doze" else 0.0)
        return finish(writer)
    if workload == "slow":
        train(writer, options, seconds=1.0)
        return finish(writer)
    if workload.startswith("daemon"):
        escape_into_a_session(600)
        if workload == "daemon":
            train(writer, options)
            time.sleep(600)
    if workload == "flood":
        writer.raw('{"event": "x", "t": 1}\n' * 1500000)
    if workload == "filler":
        with open(os.path.join(options["out"], "filler"), "wb") as file:
            while True:
                file.write(b"x" * 65536)
                file.flush()
    if workload == "bomb":
        bomb()
    if workload == "memory":
        hog = []
        while True:
            hog.append(bytearray(16 * 2**20))
    if workload.startswith("exclusive"):
        alone_on_gpu(os.path.dirname(options["data"]))
    if workload == "garbage":
        writer.raw("not json\n\x00\xff\n[1, 2]\n" + "{" * 100000 + "\n")
        os.write(1, b"\xff\xfe\x00 binary \x1b[31m on stdout\n" * 1000)
    if workload == "longline":
        for _ in range(100):
            os.write(1, b"x" * 2**20)
        writer.raw("y" * (3 * 2**20) + "\n")
    if workload == "linked":
        path = os.path.join(options["out"], "events.jsonl")
        os.unlink(path)
        os.symlink("../job.json", path)
        sys.exit(0)
    if workload == "setuid":
        leave_identity(options["out"])
    if workload == "hostile":
        hostile(options["out"])
    timed = train if options.get("mode", "train") == "train" else call
    timed(writer, options, 1.5 if workload.startswith("long") else 0.05)
    if workload in ("held", "setuid"):
        wait_for_release(options["out"])
    if workload == "cutoff":
        writer.raw('{"event": "end", "t": 1')
        sys.exit(0)
    finish(writer)
    if workload == "squatter":
        squat(os.path.dirname(options["out"]))


def squat(folder):
    """Takes the place of what is recorded next: a process can, as its folder is its own."""
    for name in ("result.json", "manifest.json", "events.jsonl"):
        os.mkdir(os.path.join(folder, name))
    os.unlink(os.path.join(folder, "samples.jsonl"))
    os.symlink("/etc/passwd", os.path.join(folder, "samples.jsonl"))


def wait_for_release(out):
    """Until a test puts the file `go` beside the events."""
    while not os.path.exists(os.path.join(out, "go")):
        time.sleep(0.01)


def leave_identity(out):
    """A shell that gives the job's identity to whoever can reach it."""
    import shutil

    os.chmod(out, 0o777)
    shutil.copy("/bin/sh", os.path.join(out, "shell"))
    os.chmod(os.path.join(out, "shell"), 0o6755)


def alone_on_gpu(folder):
    """Fails if another job is on this one's GPU."""
    import atexit

    mark = os.path.join(folder, os.environ["CUDA_VISIBLE_DEVICES"] + ".in-use")
    os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    atexit.register(os.remove, mark)


def thrown(seed):
    """A behaviour by chance, the same for the same seed: half of the jobs are good, one in twenty hangs."""
    import random

    faults = ["exit1", "raises", "silent", "killed", "garbage", "cutoff", "daemon_short", "longline", "memory", "hang"]
    draw = random.Random(seed)
    return "good" if draw.random() < 0.5 else draw.choice(faults)


def escape_into_a_session(seconds):
    """A grandchild that has left the job's session and process group, and whose parent is gone."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(seconds)
        os._exit(0)


def bomb():
    """Forks until it is refused."""
    count = 0
    try:
        while count < 5000:
            if os.fork() == 0:
                time.sleep(600)
                os._exit(0)
            count += 1
    except OSError as error:
        print("refused after %d processes: %s" % (count, error))
        sys.exit(4)


def refused(what, attempt, won):
    """Notes what succeeds although it must not."""
    try:
        attempt()
    except Exception:
        return
    won.append(what)


def system_call(name, *arguments):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


def connect(address):
    import socket

    socket.create_connection(address, 1).close()


def found(path):
    os.stat(path)


def hostile(out):
    """Everything that a job must not be able to do; each success is told in the log and fails the job."""
    won = []
    for path in ("/etc/owned", "/workloads/owned", "/owned", "/data/owned", "/usr/bin/owned", "/sys/owned"):
        refused("wrote " + path, lambda: open(path, "w").close(), won)
    refused("changed the data", lambda: open("/data/mnist.npz", "ab").close(), won)
    refused("network", lambda: connect(("192.0.2.1", 80)), won)
    refused("the host's own network", lambda: connect(("127.0.0.1", 22)), won)
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/out/../job.json", "/out/../../../plan.json"):
        refused("saw " + path, lambda: found(path), won)
    for path in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/proc/kcore", "/proc/sysrq-trigger"):
        refused("opened " + path, lambda: os.read(os.open(path, os.O_RDWR), 1), won)
    refused("made a device", lambda: os.mknod(os.path.join(out, "disk"), 0o60666, os.makedev(8, 0)), won)
    refused("mounted", lambda: system_call("mount", b"none", b"/tmp", b"tmpfs", 0, None), won)
    refused("made namespaces", lambda: system_call("unshare", 0x10000000), won)
    refused("loaded a kernel module", lambda: system_call("syscall", 175, 0, 0, 0), won)
    refused("set the clock", lambda: system_call("settimeofday", b"\0" * 16, None), won)
    refused("became root", lambda: os.setuid(0), won)
    refused("gave itself a file of root's", lambda: os.chown(os.path.join(out, "events.jsonl"), 0, 0), won)
    refused("hard link to a file outside", lambda: os.link("/workloads/run.py", os.path.join(out, "hard")), won)
    if os.getuid() == 0 or os.geteuid() == 0:
        won.append("root")
    if len([name for name in os.listdir("/proc") if name.isdigit()]) > 10:
        won.append("processes of the host: %s" % os.listdir("/proc"))
    names = [name for name in os.environ if "SECRET" in name or "PROXY" in name.upper()]
    won.extend("environment: " + name for name in names)
    set_traps(out)
    if won:
        print(", ".join(won))
        sys.exit(3)


def set_traps(out):
    """For whoever reads, changes owners in, or removes this folder."""
    os.symlink("/etc/passwd", os.path.join(out, "link"))
    os.symlink("../job.json", os.path.join(out, "beside"))
    os.symlink("../../../plan.json", os.path.join(out, "up"))
    os.symlink("../..", os.path.join(out, "folder"))
    os.mkfifo(os.path.join(out, "fifo"))
    os.mkdir(os.path.join(out, "locked"))
    open(os.path.join(out, "locked", "file"), "w").close()
    os.chmod(os.path.join(out, "locked"), 0)
    os.mkdir(os.path.join(out, "deep"))
    os.chdir(os.path.join(out, "deep"))
    for _ in range(1500):  # longer than any path may be, deeper than Python recurses
        os.mkdir("deep")
        os.chdir("deep")
    os.chdir("/")


if __name__ == "__main__":
    main(sys.argv[1:])
