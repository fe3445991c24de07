"""Runs inside the trial container, under the Python of any stack: one JSON document says what the container got.

The launcher passes the text of this file to `python -c`; its arguments are the paths to read and the folder to write.
"""

import json
import os
import resource
import sys

READ_ONLY = 1  # ST_RDONLY of statvfs


def text(path):
    # type: (str) -> str
    try:
        with open(path) as file:
            return file.read()
    except (IOError, OSError):
        return ""


def first(*paths):
    # type: (*str) -> str
    """The content of the first of these files that is there."""
    return next((found for found in map(text, paths) if found), "").strip()


def unreadable(path):
    # type: (str) -> list[tuple[str, str]]
    """(path, reason) of what cannot be read of a file or a folder."""
    try:
        if not os.path.isdir(path):
            with open(path, "rb") as file:
                file.read(1)
            return []
        return [found for name in sorted(os.listdir(path)) for found in unreadable(os.path.join(path, name))]
    except (IOError, OSError) as error:
        return [(path, str(error.strerror))]


def unwritable(folder):
    # type: (str) -> list[tuple[str, str]]
    """(folder, reason) if nothing can be written there; what it writes stays, and shows outside who a job is there."""
    try:
        with open(os.path.join(folder, "trial"), "w") as file:
            file.write("x")
    except (IOError, OSError) as error:
        return [(folder, str(error.strerror))]
    return []


def size(path):
    # type: (str) -> int
    """MiB of the file system at `path`; 0 where there is none of its own."""
    if os.stat(path).st_dev == os.stat("/").st_dev:
        return 0
    disk = os.statvfs(path)
    return disk.f_blocks * disk.f_frsize // 2**20


def report(paths, out):
    # type: (list[str], str) -> dict[str, object]
    status = dict(line.split(":\t", 1) for line in text("/proc/self/status").splitlines() if ":\t" in line)
    interfaces = [line.split(":")[0].strip() for line in text("/proc/net/dev").splitlines()[2:]]
    return {
        "boot": first("/proc/sys/kernel/random/boot_id"),
        "uids": first("/proc/self/uid_map"),
        "user": os.getuid(),
        "cores": status.get("Cpus_allowed_list", ""),
        "capabilities": status.get("CapBnd", ""),
        "no_new_privileges": status.get("NoNewPrivs", ""),
        "memory": first("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        "swap": first("/sys/fs/cgroup/memory.swap.max", "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"),
        "processes": first("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"),
        "read_only": bool(os.statvfs("/").f_flag & READ_ONLY),
        "interfaces": interfaces,
        "core_bytes": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "shm_mb": size("/dev/shm"),
        "tmp_mb": size("/tmp"),
        "unreadable": [found for path in paths for found in unreadable(path)],
        "unwritable": unwritable(out),
    }


if __name__ == "__main__":
    print(json.dumps(report(sys.argv[1:-1], sys.argv[-1])))
