"""The caller's environment: every variable that this product reads, and what it does with each.

docs/HOSTS.md has the same list for people; a test compares the two, and looks for reads of any other variable. What is
not in it is handed on as it is to the tools that are started (docker, uv, pip, git), and to no job.
"""

from __future__ import annotations

from orchestrator.model import Noun


class Variables(Noun, frozen=True):
    """Variables that are treated alike. `names` may end in `*`."""

    names: tuple[str, ...]
    #: What is done with them, in words.
    use: str


#: Where pip and uv get packages from. `stacks/indexes.py` obeys them for environments and for images.
PIP_SOURCES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST"),
    *("PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY"),
)
UV_SOURCES = (
    *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX"),
    "UV_INSECURE_HOST",
)
#: Settings of what is installed and where. A stack is its lock, whoever installs it.
CHOICES = (
    *("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "PIP_REQUIREMENT", "PIP_NO_BINARY", "PIP_ONLY_BINARY", "PIP_PRE"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PLATFORM", "PIP_PYTHON_VERSION", "PIP_IGNORE_INSTALLED"),
    *("UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION"),
    *("UV_NO_BINARY", "UV_NO_BUILD", "UV_TORCH_BACKEND", "UV_NO_VERIFY_HASHES", "UV_SYSTEM_PYTHON"),
)
#: Certificate authorities, in pip's own order; a setting `cert` of pip.conf comes after PIP_CERT.
CA_BUNDLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY")

#: What decides which packages an interpreter has that was found (--python): user's packages, modules of a cluster.
FOUND = ("PYTHONPATH", "PYTHONUSERBASE", "EBPYTHONPREFIXES", "LD_LIBRARY_PATH", "CUDA_HOME")

VARIABLES = (
    Variables(
        PIP_SOURCES,
        "obeyed for virtual environments (also where uv makes them) and for image builds, on top of pip.conf. What a "
        "build cannot reach (a file:// index, PIP_NO_INDEX, a client's certificate) is refused",
    ),
    Variables(
        (*UV_SOURCES, "UV_INDEX_STRATEGY"),
        "obeyed like pip's, also for images and Python 2. Two variables that name different main indexes are refused",
    ),
    Variables(
        ("PIP_CONFIG_FILE", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME"),
        "say where pip.conf lies; its settings of the same names as above are obeyed",
    ),
    Variables(("UV_CONFIG_FILE", "UV_NO_CONFIG"), "uv's own configuration files are not read, and it is said so"),
    Variables(CHOICES, "not obeyed, and it is said so: what is installed is what the stack's lock says"),
    Variables(
        ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CLIENT_CERT"),
        "certificates for package indexes and image builds, after PIP_CERT; downloads of data take SSL_CERT_FILE",
    ),
    Variables(
        PROXIES,
        "obeyed in either spelling by downloads, environments and image builds; kept out of jobs. ALL_PROXY stands in "
        "for HTTP_PROXY and HTTPS_PROXY in a build",
    ),
    Variables(
        ("GIT_*",),
        "kept from the git that reads the product's own commit, as they mean another repository; GIT_CONFIG_* is not",
    ),
    Variables(
        ("XDG_CACHE_HOME", "HOME"),
        "where the cache lies: environments, data, compiled code. No place, a relative one, or one where others can "
        "write is refused",
    ),
    Variables(("XDG_STATE_HOME",), "where the key lies that tells the user's own runs from others (SECURITY.md)"),
    Variables(("KERAS_HOME",), "searched for data sets, as Keras does"),
    Variables(
        ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
        "which engine is asked, and how, as the docker program understands them; what cannot be served is refused",
    ),
    Variables(
        ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"),
        "the GPUs that a run may use, by number in the order of the PCI bus or by UUID, and it is said so; on a "
        "cluster's node the GPU that the job was granted. Each job gets its own GPU in them",
    ),
    Variables(
        ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
        "the same for AMD's GPUs, as ROCm reads them; CUDA_VISIBLE_DEVICES, too, where a host has no other GPUs",
    ),
    Variables(("ROCM_PATH", "ROCM_HOME"), "where AMD SMI's library is looked for, which tells of AMD's GPUs"),
    Variables(
        ("SLURM_JOB_ID", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_CPUS_ON_NODE"),
        "on a cluster's node: what the job was granted",
    ),
    Variables(
        ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURMD_NODENAME", "SLURM_CLUSTER_NAME"),
        "on a cluster's node: what the job was granted, and where",
    ),
    Variables(
        ("APPTAINER_*", "APPTAINERENV_*", "SINGULARITY_*", "SINGULARITYENV_*"),
        "kept out, as they change what a job gets; but for CACHEDIR, TMPDIR, CONFIGDIR and the registry's credentials",
    ),
    Variables(("KERAS_ORCHESTRATE_LOCK_DIR",), "where the leases of GPUs lie, for users who share a host"),
    Variables(("KERAS_ORCHESTRATE_CACHES",), "set for jobs: the folders of compiled code"),
    Variables(("NO_COLOR",), "no colours in a terminal"),
    Variables(
        FOUND,
        "handed on to the jobs of --python and recorded with it, as they decide which packages it has (`module load`); "
        "to no other job, but for the folder in which LD_LIBRARY_PATH has CUDA's part of the driver (libcuda.so.1)",
    ),
    Variables(("CONDA_PREFIX", "VIRTUAL_ENV"), "doctor says what the environments of these names could serve for"),
    Variables(("PATH",), "where programs are looked for; a job as a process has it, too"),
    Variables(("COLUMNS",), "the width of tables; without it that of the terminal, and in a pipe none"),
    Variables(
        ("KERAS_ORCHESTRATE_KERAS_DATASETS", "KERAS_ORCHESTRATE_PACKAGES", "DATA_*"),
        "set for a script of one's own: what Keras has downloaded before, its packages, and each --data by its name",
    ),
    Variables(
        ("CUBLAS_WORKSPACE_CONFIG", "TF_USE_LEGACY_KERAS", "XLA_FLAGS"),
        "set for jobs, by a stack's file or by --deterministic, and recorded; the caller's own reach no job",
    ),
    Variables(
        ("KERAS_BACKEND", "MPLBACKEND", "TF_CPP_MIN_LOG_LEVEL"),
        "set for jobs: the backend; pictures that need no screen; TensorFlow without its remarks",
    ),
    Variables(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC"),
        "set for jobs, from --threads; a workload that is started by hand obeys them",
    ),
)
