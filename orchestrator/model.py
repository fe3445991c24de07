"""The nouns that every step shares. Frozen data, no behaviour beyond derived properties."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

#: Tells a person one line about what is going on.
Say = Callable[[str], None]
#: One row of a table: column -> value.
Row = dict[str, Any]
#: One event of a job, as the job wrote it: any JSON object. `results.job_events` gives its fields their types.
RawEvent = dict[str, object]

Status = Literal["ok", "failed", "timeout", "oom", "cancelled", "unsupported", "excluded"]
#: Statuses of jobs that were never meant to run here; they do not make a run fail.
NOT_RUN: frozenset[str] = frozenset({"unsupported", "excluded"})
#: Statuses of the rows of jobs that have no result yet, in a run that still goes on: one that waits, and one that runs.
#: No record has them.
PENDING, RUNNING = "pending", "running"
UNFINISHED: frozenset[str] = frozenset({PENDING, RUNNING})

DeviceKind = Literal["cpu", "gpu"]
Variant = Literal["faithful", "modern"]
#: What a job times: training, calls of an untrained model, or the tokens that one makes.
Mode = Literal["train", "predict", "generate"]
#: That of a job: an `own` one is somebody's file as it stands, with no settings of ours.
JobVariant = Literal["faithful", "modern", "own"]
#: The scale of a job that runs what its file says; what that is, is in the file alone.
OWN_SCALE = "own"
#: The folder of the models of today, below that of the workloads.
MODELS = "models"
#: That of what runs without Keras.
NATIVES = "native"
#: A name that is also part of folder, image and container names, hence no dots.
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*\Z", max_length=60)]
#: One part of a path, from a file that anybody may have written: it names something inside its folder, or nothing.
PathPart = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=200)]
#: "2024-03"; "" where nobody knows.
Month = Annotated[str, Meta(pattern=r"^((19|20)\d\d-(0[1-9]|1[0-2]))?\Z")]
Positive = Annotated[int, Meta(ge=1)]
#: The most that a plan takes of what it multiplies, or hands on to a job: beyond, there is a slip of the finger (at a
#: minute each, so many jobs would take ten weeks).
MOST_JOBS, MOST_EPOCHS, MOST_THREADS, MOST_SECONDS = 100_000, 10_000, 4096, 366 * 24 * 3600
Epochs = Annotated[int, Meta(ge=1, le=MOST_EPOCHS)]
Threads = Annotated[int, Meta(ge=1, le=MOST_THREADS)]
Seconds = Annotated[int, Meta(ge=1, le=MOST_SECONDS)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
#: Settings of a job by name; both are parts of the names of folders and containers.
Axes = dict[
    Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}\Z")],
    Annotated[str, Meta(pattern=r"^-?[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")],
]
#: What somebody's script gets on its command line: a program takes no NUL, and the system bounds all of them.
Arguments = Annotated[list[Annotated[str, Meta(pattern=r"^[^\0]*\Z", max_length=4096)]], Meta(max_length=256)]


#: How the name of a backend ends that is a library without Keras (Stack.natives).
NATIVE = "-native"


def is_native(backend: str) -> bool:
    """Whether a backend is a library without Keras."""
    return backend.endswith(NATIVE)


def library_of(backend: str) -> str:
    """The library of a backend, by Keras' name for it: `torch` of torch, and of torch-native."""
    return backend.removesuffix(NATIVE)


class Noun(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all nouns: immutable, strict about unknown fields (kw_only is not inherited)."""


class Backend(Noun, frozen=True, kw_only=True):
    """One way to run Keras inside a stack: its name and the environment that selects it."""

    name: Name
    title: str
    #: The distribution whose version is the "framework version" of a result, per device kind.
    package: dict[DeviceKind, str]
    env: dict[str, str] = {}
    #: Its gpu package brings CUDA along, so it also works in an image that lacks the stack's `cuda` files.
    own_cuda: bool = False
    #: The month of the newest of Keras and this backend, where another backend made that of the stack a later one.
    released: Month = ""
    #: Whose GPUs its code is for: `NVIDIA` (CUDA), or `AMD` (ROCm).
    gpu_maker: str = "NVIDIA"


class Deviation(Noun, frozen=True, kw_only=True):
    """One known difference from the article, printed in the report."""

    what: str
    article: str
    here: str
    why: str
    #: Only for this device kind or backend, else for the whole stack.
    device: DeviceKind | None = None
    backend: str | None = None


class Base(Noun, frozen=True, kw_only=True):
    """A base image: pulled by digest, or made from Debian's packages."""

    tag: str
    digest: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    suite: str
    mirror: str = "http://deb.debian.org/debian"
    #: The versions of Python that this release of Debian has; [] where nobody has said so.
    pythons: list[str] = []
    #: Whether the digest was seen to pull by the people who pinned it.
    verified: bool = False

    @property
    def reference(self) -> str:
        return f"{self.tag}@{self.digest}"


class CacheVolume(Noun, frozen=True, kw_only=True):
    """A volume that outlives jobs: compiled code. Whether it was warm is recorded."""

    name: Name
    path: str
    why: str
    #: Only for jobs on this kind of device.
    device: DeviceKind | None = None


class Source(Noun, frozen=True, kw_only=True):
    """A Python package built from a source archive, because no package index has it."""

    name: str
    file: str
    sha256: Sha256


class Ptx(Noun, frozen=True, kw_only=True):
    """Code that a driver translates at start, for GPUs from this compute capability on; older ones do not know it."""

    compute_capability: str
    min_driver: str


class GpuNeeds(Noun, frozen=True, kw_only=True):
    """What the CUDA code of an image asks of the host: driver version, compute capability (lowest, highest)."""

    cuda: str
    min_driver: str
    #: ["3.0", "6.2"]; one entry alone is the lowest, without an upper end.
    compute_capability: Annotated[list[str], Meta(min_length=1, max_length=2)]
    #: The compute capabilities that it has machine code for; empty where nobody has read it.
    native: list[str] = []
    #: What serves newer GPUs; None where nothing does.
    ptx: Ptx | None = None


class Measured(Noun, frozen=True, kw_only=True):
    """What an image was seen to take, as docker/sizes.py writes it.

    `mb`: MiB on an engine; `shared_mb` of them are layers that any image of its base, Python and Debian packages has.
    `seconds`: of its build with all layers and downloads, its base image being there; None where nobody timed one.
    """

    mb: Positive
    shared_mb: Positive
    seconds: Positive | None = None


class Declared(Noun, frozen=True, kw_only=True):
    """What is known beforehand of a workload on a stack, and told instead of measured against others.

    `measured`: the largest relative difference of its losses to those of other stacks; None where nothing runs.
    """

    workload: Name
    why: str
    #: Whether it runs at all. What does not is planned as `unsupported`, with `why`.
    runs: bool = True
    measured: Annotated[float, Meta(gt=0)] | None = None


class ImageVariant(Noun, frozen=True, kw_only=True):
    """What differs between the cpu and the gpu image of one stack."""

    build_packages: list[str] = []
    apt_packages: list[str] = []
    #: soname -> existing soname, linked in the library folder of the final image.
    links: dict[str, str] = {}
    env: dict[str, str] = {}
    #: Libraries and headers that the image must get from outside PyPI and Debian.
    cuda: list[str] = []
    #: "8.0": the CUDA tool kit whose libraries the image needs; absent for cpu images.
    cuda_version: str | None = None
    #: What the image asks of a GPU and its driver; by backend where one differs from the rest.
    gpu_needs: GpuNeeds | None = None
    backend_needs: dict[str, GpuNeeds] = {}
    sources: list[Source] = []
    #: Files of its packages that nothing in the image loads, below site-packages; they are left out.
    unused: list[str] = []
    #: A package index with wheels that PyPI lacks.
    index: str | None = None
    #: Whether it was seen to build and run.
    verified: bool = False
    measured: Measured | None = None

    @property
    def cuda_files(self) -> list[str]:
        """Where the entries of `cuda` lie below docker/cuda/<version>/ and, in the image, /opt/cuda/."""
        return [f"include/{name}" if name.endswith(".h") else f"lib/{name}" for name in self.cuda]

    @property
    def outside_files(self) -> list[str]:
        """Everything below docker/cuda/<version>/: libraries, headers, source archives."""
        return self.cuda_files + [f"src/{source.file}" for source in self.sources]


class Found(Noun, frozen=True, kw_only=True):
    """An environment that was there before the run, as a probe inside it told (stacks/found/). Nobody can rebuild it.

    `place`: an interpreter's path, of a virtual environment its own link; or an image's name. `sha256`: of an
    interpreter that of its packages in order, of an image its id.
    """

    kind: Literal["python", "image"]
    place: str
    sha256: Sha256
    #: "python==3.11.7", "keras==3.15.1", ...
    packages: list[str] = []
    #: What the interpreter is called in an image.
    program: str = "python"
    #: What its jobs get of the caller's environment, as far as it decides which packages there are.
    env: dict[str, str] = {}
    #: The packages that were put beside it (--with), to the hash; "" for none.
    lock: str = ""


class OwnStack(Noun, frozen=True, kw_only=True):
    """The file that somebody's own stack is, and its lock: where they lie, and what was in them (plan/own_stack.py)."""

    path: str
    sha256: Sha256
    #: The shipped stack whose images, backends and environment it has, but for the packages.
    like: Name
    lock: str
    lock_sha256: Sha256
    #: "jax==0.10.2", ...: what the lock names.
    packages: list[str] = []


class Stack(Noun, frozen=True, kw_only=True):
    """One dependency configuration = one image per device kind."""

    name: Name
    title: str
    #: The month in which the newest of Keras and the backends that it pins was released.
    released: Month = ""
    #: Whether it stands for one of the article's: its figures beside ours, its differences, then against now.
    article: bool = False
    #: Of records that were written before stacks had a month. Nothing reads it.
    era: str | None = None
    python: str
    keras: str
    base: str
    backends: list[Backend]
    #: Those of its backends whose library also runs without Keras, as a contender of its own (plan/natives.py).
    natives: list[Name] = []
    images: dict[DeviceKind, ImageVariant]
    caches: list[CacheVolume] = []
    deviations: list[Deviation] = []
    #: Of an environment that is used as it was found, instead of made.
    found: Found | None = None
    #: None for the stacks of the catalog.
    own: OwnStack | None = None
    #: The stack whose images it has, but for the packages, where the file says so that it is (docker/eras/).
    like: Name | None = None
    #: Workloads that do not take the steps of others here, or cannot run.
    declared: list[Declared] = []

    def image(self, device: DeviceKind, version: str) -> str:
        """The name of its image for a kind of device."""
        return self.found.place if self.found else image_name(self.name, device, version)

    @property
    def keras_major(self) -> int:
        """2 of "2.15.0"; 0 of a version that is no number."""
        major = self.keras.partition(".")[0]
        return int(major) if major.isdecimal() else 0

    def released_with(self, backend: str) -> str:
        """The month in which the newest of Keras and this backend was released; "" where nobody knows."""
        mine = next((each.released for each in self.backends if each.name == backend), "")
        return mine or self.released

    @property
    def plain(self) -> list[Backend]:
        """Its libraries without Keras."""
        return [
            msgspec.structs.replace(b, name=f"{b.name}{NATIVE}", title=f"plain {b.title}", env={})
            for b in self.backends
            if b.name in self.natives
        ]

    def backend(self, name: str) -> Backend:
        return next(b for b in (*self.backends, *self.plain) if b.name == name)

    def needs(self, backend: str) -> GpuNeeds | None:
        """What the gpu image asks of the host for this backend; None where nothing is known of it."""
        image = self.images.get("gpu")
        return image.backend_needs.get(backend, image.gpu_needs) if image else None

    def caches_for(self, device: DeviceKind) -> list[CacheVolume]:
        return [cache for cache in self.caches if cache.device in (None, device)]


def image_name(stack: str, device: DeviceKind, version: str) -> str:
    """keras-orchestrate/<stack>:<version>-<cpu|gpu>."""
    return f"keras-orchestrate/{stack}:{version}-{device}"


class Scale(Noun, frozen=True, kw_only=True):
    """How much of a workload is run. Sizes in samples; `timeout_s` bounds one job."""

    epochs: Epochs
    train: Positive
    validation: Positive
    timeout_s: Seconds = 3600


class OwnFile(Noun, frozen=True, kw_only=True):
    """Somebody's own Keras script or module, and what was read of it without running it (plan/own.py).

    `sha256` is over the file and the Python files that lie with it.
    """

    path: str
    sha256: Sha256
    contract: Literal["script", "module"]
    #: The arguments of its build() and data() that have a plain default, with that: what can be varied of it.
    parameters: dict[str, bool | int | float | str] = {}
    #: What its inline metadata (PEP 723) asks for: requirements, and versions of Python.
    packages: list[str] = []
    python: str | None = None
    #: Where its folder is not shown to a container, as all of the caller's home lies in it: what is, by path below it.
    alone: list[str] = []
    #: It is none of somebody's: a model of workloads/models/, which comes with the project.
    shipped: bool = False
    #: The parts of Keras that it uses and that not every Keras has (plan/needs.py).
    needs: list[str] = []


class Layer(Noun, frozen=True, kw_only=True):
    """The packages that a file of one's own asked for beside a stack's, as they were locked (stacks/layers.py).

    `asked`: its requirements; `base`: the hash of what the stack has; both without secrets, as `lock` is, which is ""
    where the stack has all of it.
    """

    workload: Name
    stack: Name
    asked: list[str]
    base: Sha256
    lock: str = ""

    @property
    def sha256(self) -> str | None:
        """What tells these packages from others; None where there are none."""
        return hashlib.sha256(self.lock.encode()).hexdigest() if self.lock else None


class Workload(Noun, frozen=True, kw_only=True):
    """One script and its parameters at each scale. Of a file of one's own, only what it declares is known."""

    name: Name
    title: str
    #: CNN, RNN or MLP: reports rank the models of one kind among themselves as well.
    kind: str = ""
    dataset: Name | None = None
    batch_size: Positive | None = None
    parameters: Positive | None = None
    scales: dict[str, Scale] = {}
    #: None for the workloads of the catalog.
    own: OwnFile | None = None
    #: By scale, the least validation accuracy on real data that counts as having learned; no entry: not judged.
    learned: dict[str, Annotated[float, Meta(gt=0, le=1)]] = {}
    #: Whether it gives the logits of next tokens, and says how many it makes (GENERATE in its file).
    generates: bool = False
    #: Whether fit() gets a generator of its file instead of arrays.
    makes_batches: bool = False
    unit: str = "samples"
    note: str = ""

    @property
    def brought(self) -> OwnFile | None:
        """The file of one's own that it is; None for what comes with the project."""
        return None if self.own is None or self.own.shipped else self.own


class DataFile(Noun, frozen=True, kw_only=True):
    """A data set as one file on the host, as a job will see it."""

    dataset: Name
    path: str
    sha256: Sha256
    kind: Literal["official", "given", "synthetic", "generated", "own"]
    #: The file's name inside the job.
    name: PathPart


#: What is known beforehand of the data of a file of one's own: nothing.
OWN_DATA = DataFile(dataset="own", path="", sha256="0" * 64, kind="own", name="own")
#: What a model of the project makes up itself, from the seed.
GENERATED_DATA = DataFile(dataset="generated", path="", sha256="0" * 64, kind="generated", name="generated")


class Job(Noun, frozen=True, kw_only=True):
    """The unit of scheduling, recording and resuming."""

    workload: Name
    variant: JobVariant = "faithful"
    stack: Name
    backend: Name
    device: DeviceKind
    repeat: Positive
    scale: str
    #: How much is run. None is what a file of one's own does by itself; `steps` bounds the batches of its epochs.
    epochs: Epochs | None = None
    batch_size: Positive | None = None
    train: Positive | None = None
    validation: Positive | None = None
    steps: Positive | None = None
    #: What a file of one's own finds in sys.argv, behind its path.
    arguments: Arguments = []
    #: The settings that the run varies, by name (plan/axes.py); batch size and threads stand in their fields, too.
    axes: Axes = {}
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    threads: Threads
    timeout_s: Seconds
    #: Its library is asked for the same results each time.
    deterministic: bool = False
    #: None for a file that brings its data.
    dataset: Name | None = None
    #: Without training, `batch_size` is that of the calls in batches.
    mode: Mode = "train"

    @property
    def id(self) -> str:
        """Unique in a run; also the folder's and (with the run's id) the container's name."""
        parts = [self.workload, self.stack, self.backend, self.device, str(self.repeat)]
        if self.variant == "modern":
            parts.insert(1, self.variant)
        if self.mode != "train":
            parts.insert(1, self.mode)
        parts[-1:-1] = [f"{name}-{value}" for name, value in self.axes.items()]
        return ".".join(parts)

    @property
    def axes_text(self) -> str:
        """`batch_size=32 precision=float32`, as columns have it; "" where nothing is varied."""
        return " ".join(f"{name}={value}" for name, value in self.axes.items())

    @property
    def cell(self) -> tuple[str, ...]:
        """What repeats share: workload, variant, stack, backend, device kind; the mode where it is not training, and
        what is varied, if anything is.
        """
        mode = () if self.mode == "train" else (self.mode,)
        varied = (self.axes_text,) if self.axes else ()
        return (self.workload, self.variant, self.stack, self.backend, self.device, *mode, *varied)


class Skip(Noun, frozen=True, kw_only=True):
    """A planned job that will not be launched, with the reason; it still gives one row.

    `unsupported`: this host cannot run it; `excluded`: the user left it out; `failed`: what it needs
    (its image, its data) could not be made ready.
    """

    job: Job
    status: Literal["unsupported", "excluded", "failed"]
    reason: str


class Unavailable(Noun, frozen=True, kw_only=True):
    """Why planned jobs cannot run. It concerns the jobs that agree with every field that is not None."""

    status: Literal["unsupported", "failed"]
    reason: str
    stack: str | None = None
    backend: str | None = None
    dataset: str | None = None
    workload: str | None = None

    def concerns(self, job: Job) -> bool:
        wanted = (self.stack, self.backend, self.dataset, self.workload)
        has = (job.stack, library_of(job.backend), job.dataset, job.workload)
        return all(want in (None, name) for want, name in zip(wanted, has, strict=True))


class Plan(Noun, frozen=True, kw_only=True):
    """Everything a run will do, in order; written before the first job starts."""

    run_id: PathPart
    created: str
    config: dict[str, Any]
    seed: int
    #: What a resumed run must take over beside its configuration: launcher, root, keras_spec. And the command as typed,
    #: and `owner`: whose it is (run/owner.py).
    setup: dict[str, str | None] = {}
    jobs: list[Job]
    skipped: list[Skip] = []
    data: dict[str, DataFile] = {}
    #: What the run has beside the catalog: files and environments of one's own.
    workloads: list[Workload] = []
    stacks: list[Stack] = []
    #: What those files have beside the packages of their stacks.
    layers: list[Layer] = []
    #: When the newest of Keras and backend was released, by "stack/backend".
    released: dict[str, Month] = {}

    @property
    def planned(self) -> list[Job]:
        return [*self.jobs, *(skip.job for skip in self.skipped)]

    @property
    def own(self) -> dict[str, OwnFile]:
        """The files of one's own, by workload."""
        return {workload.name: workload.own for workload in self.workloads if workload.own}

    def data_of(self, job: Job) -> DataFile:
        """The data set that a job reads; one of kind `own` or `generated` where its file brings what it needs."""
        return data_of(job, self.data, self.own)


def data_of(job: Job, data: Mapping[str, DataFile], own: Mapping[str, OwnFile]) -> DataFile:
    """The data set that a job reads, of those at hand; what its file brings where it reads none."""
    if job.dataset is not None:
        return data[job.dataset]
    file = own.get(job.workload)
    return GENERATED_DATA if file and file.shipped else OWN_DATA


class Device(Noun, frozen=True, kw_only=True):
    """What one job may use at a time: a set of CPU cores, or one GPU."""

    kind: DeviceKind
    name: str
    cores: list[int] = []
    uuid: str | None = None
    driver: str | None = None
    #: Position in the driver's order, and the number in /dev/nvidia<minor> or /dev/dri/renderD<minor>.
    index: int | None = None
    minor: int | None = None
    memory_mb: int | None = None
    #: "3.7"
    compute_capability: str | None = None
    #: The newest CUDA that the driver serves: "11.4".
    cuda: str | None = None
    #: The cores near it, empty where the machine does not tell; and the UUID of the first GPU on its board, where
    #: several share one.
    near: list[int] = []
    board: str | None = None
    #: Of a slice (MIG): the UUID of its card, and its number there.
    parent: str | None = None
    part: int | None = None
    #: How it is set up, in words: power limit, persistence, ECC, compute mode, clocks, PCIe, virtualization.
    state: dict[str, str] = {}
    #: Why no job can run on this GPU although it answers, in words.
    unusable: str = ""
    #: What its maker's runtime calls it, where that is not its UUID.
    runtime_name: str | None = None
    #: Strangers' processes that were on it when it was claimed; only with --allow-busy.
    busy: str = ""

    @property
    def maker(self) -> str:
        """Who made this GPU: `NVIDIA` or `AMD`."""
        return maker_of(self.uuid or "")

    @property
    def place(self) -> str:
        """A GPU's number as people and NVIDIA's tools write it: `0`, and `0:1` for slice 1 of it; of AMD's, `amd0`."""
        number = f"{self.index}" if self.part is None else f"{self.index}:{self.part}"
        return f"amd{number}" if self.maker == "AMD" else number


#: How this program's UUIDs of AMD's cards begin: the driver's look like any others.
AMD_CARDS = "AMD-"


def maker_of(uuid: str) -> str:
    """Who made the GPU of this UUID."""
    return "AMD" if uuid.startswith(AMD_CARDS) else "NVIDIA"


class GpuProcess(Noun, frozen=True, kw_only=True, omit_defaults=True):
    """A process that computes on a GPU. `job` is the id on its command line where it is a job of ours."""

    pid: int
    memory_mb: float | None = None
    job: str | None = None
    command: str | None = None


class GpuEvents(Noun, frozen=True, kw_only=True):
    """What a GPU reported by itself: numbers of errors (Xid), and how many errors of its memory there were."""

    xids: list[int] = []
    ecc_corrected: int = 0
    ecc_uncorrected: int = 0


class GpuSample(Noun, frozen=True, kw_only=True, omit_defaults=True):
    """One reading of one GPU. A metric that the card or driver lacks is None, never 0.

    `t` is CLOCK_MONOTONIC in seconds. `kind` tells a reading that was asked for now ("poll") from one out of
    what the driver or the card has recorded itself ("buffer"), which is of the time since the entry before it.
    """

    t: float
    uuid: str
    kind: Literal["poll", "buffer"] = "poll"
    util: float | None = None
    mem_util: float | None = None
    mem_mb: float | None = None
    #: Over the last second on cards since Ampere, and at this moment.
    power_w: float | None = None
    power_now_w: float | None = None
    temp_c: float | None = None
    sm_mhz: float | None = None
    mem_mhz: float | None = None
    #: NVML's bit mask of clock event ("throttle") reasons.
    throttle: int | None = None
    #: The card's own energy counter, joules since the driver was loaded.
    energy_j: float | None = None
    #: Percent of the time: multiprocessors, warps of them, tensor cores, the card's memory (GPM, from Hopper on).
    sm_active: float | None = None
    sm_occupancy: float | None = None
    tensor_active: float | None = None
    dram_active: float | None = None
    #: Traffic on the bus, MiB/s.
    pcie_sent_mib_s: float | None = None
    pcie_received_mib_s: float | None = None
    #: Errors since the last sample that has these (GpuEvents).
    xids: list[int] | None = None
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None
    processes: list[GpuProcess] | None = None
    #: Set in the last sample of a GPU that fell off the bus.
    lost: str | None = None


class Sample(Noun, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One reading of one device at one time. A metric that the device lacks is None, never 0.

    `t` is CLOCK_MONOTONIC in seconds, the clock of the job's events on the same host. The first fields are the job's
    (`Usage`), the others those of its cores (`CoreUse`), whoever used them.
    """

    t: float
    device: str
    cpu_s: float | None = None
    rss_mb: float | None = None
    wait_s: float | None = None
    throttled_s: float | None = None
    busy_s: float | None = None
    steal_s: float | None = None
    core_mhz: float | None = None


class Usage(Noun, frozen=True, kw_only=True):
    """What a running job has used: processor seconds so far, resident memory now (MiB); and what it lacked so far.

    `wait_s`: seconds that its threads were ready to run and had no core, added up. `throttled_s`: seconds that a CPU
    quota held it back, added up over cores.
    """

    cpu_s: float
    rss_mb: float
    wait_s: float | None = None
    throttled_s: float | None = None
    #: The cores that a CPU quota of its group, or of one around it, allows.
    cpu_quota: float | None = None


class CoreUse(Noun, frozen=True, kw_only=True):
    """Cores since the host was started: seconds that anybody used them, or the hypervisor took; their clock now."""

    busy_s: float
    steal_s: float
    core_mhz: float | None = None


class Launch(Noun, frozen=True, kw_only=True):
    """What will be started for a job: the command to type, and the image it runs in, if any."""

    launcher: str
    command: list[str]
    image: str | None = None
    image_digest: str | None = None
    dockerfile_sha256: str | None = None
    keras_spec: str | None = None
    #: Points of a job's confinement that its runtime cannot give, each with the reason.
    unconfined: list[str] = []


class Exit(Noun, frozen=True, kw_only=True):
    """How a launched job ended, as its launcher saw it."""

    code: int | None = None
    timed_out: bool = False
    oom: bool = False
    cancelled: bool = False
    #: Why it could not even start, in words for people.
    error: str | None = None


class Fingerprint(Noun, frozen=True, kw_only=True):
    """What makes two results comparable."""

    launcher: str
    image: str | None = None
    image_digest: str | None = None
    dockerfile_sha256: str | None = None
    #: What replaced the Keras of the lock, as the user named it.
    keras_spec: str | None = None
    #: Of what a file of one's own has beside the packages of its stack.
    packages_sha256: str | None = None
    workloads_sha256: str
    data_sha256: str
    data_kind: str
    host: str
    #: The cluster whose node the host is, None for a host of its own.
    cluster: str | None = None
    cpu: str
    cores: int
    memory_mb: int
    os: str
    #: A hash that tells this machine from others of its name; what it runs under; the cores that a CPU quota allows.
    machine: str | None = None
    virtualization: str | None = None
    cpu_quota: float | None = None
    threads: int
    pinned_cores: list[int] = []
    cache: dict[str, str] = {}
    gpu_name: str | None = None
    gpu_uuid: str | None = None
    driver: str | None = None
    compute_capability: str | None = None
    #: How the GPU is set up (Device.state).
    gpu_state: dict[str, str] = {}
    #: How the GPU was handed to the job, and why so.
    gpu_route: str | None = None
    #: Strangers' processes on the GPU when the job began (--allow-busy).
    gpu_busy: str | None = None
    #: Why this job ran on the CPU of a host that has a GPU, or a driver that does not answer.
    gpu_trouble: str | None = None
    orchestrator: str
    #: Of the checkout, or in words why git did not tell; None outside a checkout.
    commit: str | None = None
    command: list[str] = []
    #: What of a job's confinement the runtime could not give, and why.
    unconfined: list[str] = []


class CpuEnergy(Noun, frozen=True, kw_only=True, omit_defaults=True):
    """What the processors of a job's host counted between two readings, whoever used them.

    `begin_t` and `end_t` are CLOCK_MONOTONIC in seconds, at the first epoch's begin and at the last one's end or soon
    after. `trouble`: why nothing is known.
    """

    begin_t: float | None = None
    end_t: float | None = None
    joules: float | None = None
    trouble: str = ""


class Result(Noun, frozen=True, kw_only=True):
    """Exactly one for every planned job, whatever happened.

    `started` and `ended` are wall-clock stamps (ISO 8601, UTC); `launched_t` and `exited_t` the
    same moments on CLOCK_MONOTONIC, seconds. `start` to `error` hold the events that the job reported, with all of
    their fields; whoever calculates with them reads them through `results.job_events`.
    """

    run_id: str
    job: Job
    status: Status
    reason: str = ""
    exit_code: int | None = None
    started: str | None = None
    ended: str | None = None
    launched_t: float | None = None
    exited_t: float | None = None
    attempt: Positive = 1
    fingerprint: Fingerprint | None = None
    start: RawEvent = {}
    data: RawEvent = {}
    ready: RawEvent = {}
    phases: dict[str, float] = {}
    epochs: list[RawEvent] = []
    #: Of a file of one's own that trains more than one model: one event for each further one.
    fits: list[RawEvent] = []
    #: Without training: the times of calls, and what they gave.
    calls: list[RawEvent] = []
    outputs: list[RawEvent] = []
    end: RawEvent = {}
    error: RawEvent = {}
    bad_event_lines: int = 0
    #: None where nobody asked, or the job ran on another host than its orchestrator.
    cpu_energy: CpuEnergy | None = None


#: How the reason begins of a row whose record could not be read, or never was.
DAMAGED, NEWER, NO_RECORD = "damaged record", "written by a newer version", "no result on record"


def without_record(row: Row) -> bool:
    """Whether a row says nothing of its job but that there is no record that this version can read."""
    return row.get("launcher") is None and str(row.get("reason") or "").startswith((DAMAGED, NEWER, NO_RECORD))


def to_json(value: Any) -> bytes:
    """Indented JSON, one trailing newline: what every record on disk looks like.

    Bytes of file names that are no text are written as their codes.
    """
    try:
        compact = msgspec.json.encode(value)
    except UnicodeEncodeError:
        compact = msgspec.json.encode(_as_text(msgspec.to_builtins(value)))
    return _STEERING.sub(_as_code, msgspec.json.format(compact, indent=1)) + b"\n"


#: What JSON may hold as it is, and a terminal may obey that shows the file: further control characters, and those that
#: turn the direction of letters.
_STEERING = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


def _as_code(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list) else value


class Host(Noun, frozen=True, kw_only=True):
    """What a result must say about the machine it was made on."""

    name: str
    cpu: str
    cores: list[int]
    memory_mb: int
    os: str
    machine: str | None = None
    virtualization: str | None = None
    #: The cores that a CPU quota allows this process and its jobs, None without a quota.
    cpu_quota: float | None = None
    gpus: list[Device] = []
    #: How many the driver lists, also where a choice leaves fewer; 0 where nobody asked.
    gpu_count: int = 0
    #: Why no GPU was found, in words.
    no_gpu: str = ""
    #: GPUs that are listed and do not answer: their error, by number.
    silent_gpus: dict[str, str] = {}
    #: Which of the host's GPUs the caller's environment leaves to this run, in words; "" where it says nothing.
    gpu_choice: str = ""
    #: What is wrong with the GPUs or their driver, or with what the environment says of them; what mends it, and whose
    #: cards it is about.
    gpu_trouble: str = ""
    gpu_mend: str = ""
    gpu_maker: str = "NVIDIA"
