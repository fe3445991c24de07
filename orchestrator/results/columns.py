"""The columns of result rows and epoch rows: names, types, order; and the table of metrics, one row per metric.

A metric is a figure made of the readings of a device. To add one, three things are written: the reading (in
host/nvidia/nvml.py for a GPU, in the probe of a launcher for the job's processes), the field of the sample in model.py,
and a row of METRICS. The columns, the types of the stored readings, the figures of jobs and epochs and the report's
tables of the devices follow from these.
"""

from __future__ import annotations

from typing import Literal

from orchestrator.model import Noun

#: What is made of the readings of one field. "Epochs" is the time from the begin of the first to the end of the last.
How = Literal[
    "mean",  # over the epochs, weighted with time
    "p50",  # what the readings did not exceed for 50 % of the time of the epochs
    "p95",
    "from",  # whose readings those are: "record", the driver's own, or "polls"
    "hz",  # how many polls a second there were, of any of its readings
    "readings",  # how many readings there are behind mean, p50 and p95
    "peak",  # the largest reading of the whole job
    "counter",  # how much a counter grew during the epochs
    "source",  # how the figure of the counter is known: "counter", or "integrated" from `rate`
    "share",  # growth of a counter of seconds during the epochs, in percent of their time
    "lack",  # what the job lacked, or how it slept, in the training of its steady epochs (host_figures.py)
    "reasons",  # names of the bits that were set in any reading of the whole job
    "slowed_s",  # seconds of the epochs in which the device slowed itself down
    "slowed_percent",
    "shared_s",  # seconds of the epochs in which a process that is not the job's was on the device
    "shared_percent",
    "sum",  # over all readings of the whole job
    "errors",  # the numbers of errors, of the whole job
    "own",  # the most memory of the job's own processes
    "shared",  # whether any reading of the whole job lists a process that is not the job's
]


class Metric(Noun, frozen=True):
    """One figure of a device, from its readings to the report.

    `field` is a field of GpuSample for a GPU, of Sample for the host. `rate`: a field whose integral over time stands
    in for a counter that the device lacks. `counter`: a field that counts what `field` is the rate of; where the device
    has it, the mean comes from it. `per_epoch`: epochs have this figure as well. `label` is how the device's table in
    the report names it: "" for the figure of a cell, other labels for the lines below it, None to leave it out.
    """

    column: str
    device: Literal["gpu", "host"]
    field: str
    how: How
    sql: str = "DOUBLE"
    rate: str = ""
    counter: str = ""
    per_epoch: bool = False
    unit: str = ""
    label: str | None = None


#: In the order of the columns. Each device has one metric with the label "".
METRICS: tuple[Metric, ...] = (
    Metric("gpu_util_mean", "gpu", "util", "mean", per_epoch=True, unit="%", label=""),
    Metric("gpu_util_p50", "gpu", "util", "p50", unit="%", label="median"),
    Metric("gpu_util_p95", "gpu", "util", "p95", unit="%", label="95th"),
    Metric("gpu_samples_n", "gpu", "util", "readings", sql="BIGINT", per_epoch=True, unit="readings", label="n ="),
    Metric("gpu_util_source", "gpu", "util", "from", sql="VARCHAR"),
    Metric("gpu_sample_hz", "gpu", "t", "hz", unit="Hz"),
    Metric("gpu_mem_peak_mb", "gpu", "mem_mb", "peak", unit="MiB", label="memory peak"),
    Metric("gpu_mem_job_mb", "gpu", "processes", "own", unit="MiB", label="of it the job's"),
    Metric("gpu_power_mean_w", "gpu", "power_w", "mean", counter="energy_j", per_epoch=True, unit="W", label="power"),
    Metric("gpu_power_average_w", "gpu", "power_w", "mean", unit="W"),
    Metric("gpu_power_instant_w", "gpu", "power_now_w", "mean", unit="W"),
    Metric("gpu_power_instant_max_w", "gpu", "power_now_w", "peak", unit="W", label="power at most"),
    Metric("energy_j", "gpu", "energy_j", "counter", rate="power_w", per_epoch=True, unit="J", label="energy"),
    Metric("energy_source", "gpu", "energy_j", "source", sql="VARCHAR", rate="power_w"),
    Metric("gpu_sm_active", "gpu", "sm_active", "mean", per_epoch=True, unit="%", label="SMs busy"),
    Metric("gpu_sm_occupancy", "gpu", "sm_occupancy", "mean", unit="%", label="occupancy"),
    Metric("gpu_tensor_active", "gpu", "tensor_active", "mean", unit="%", label="tensor cores"),
    Metric("gpu_dram_active", "gpu", "dram_active", "mean", unit="%", label="memory bandwidth"),
    Metric("gpu_pcie_sent_mib_s", "gpu", "pcie_sent_mib_s", "mean", unit="MiB/s", label="sent by PCIe"),
    Metric("gpu_pcie_received_mib_s", "gpu", "pcie_received_mib_s", "mean", unit="MiB/s", label="received by PCIe"),
    Metric("sm_clock_mean", "gpu", "sm_mhz", "mean", unit="MHz", label="clock"),
    Metric("gpu_temp_max_c", "gpu", "temp_c", "peak", unit="°C"),
    Metric("throttle_reasons", "gpu", "throttle", "reasons", sql="VARCHAR", label="throttled"),
    Metric("gpu_xids", "gpu", "xids", "errors", sql="VARCHAR", label="errors (Xid)"),
    Metric("gpu_ecc_corrected", "gpu", "ecc_corrected", "sum", sql="BIGINT", label="memory errors, corrected"),
    Metric("gpu_ecc_uncorrected", "gpu", "ecc_uncorrected", "sum", sql="BIGINT", label="memory errors, not corrected"),
    Metric("gpu_shared", "gpu", "processes", "shared", sql="BOOLEAN", label="shared with other processes"),
    Metric("gpu_throttled_s", "gpu", "throttle", "slowed_s", per_epoch=True, unit="s"),
    Metric("gpu_throttled_percent", "gpu", "throttle", "slowed_percent", unit="%"),
    Metric("gpu_shared_s", "gpu", "processes", "shared_s", per_epoch=True, unit="s"),
    Metric("gpu_shared_percent", "gpu", "processes", "shared_percent", unit="%"),
    Metric("cpu_util_mean", "host", "cpu_s", "share", unit="%", label=""),
    Metric("rss_peak_mb", "host", "rss_mb", "peak", unit="MiB", label="peak"),
    Metric("core_clock_mean", "host", "core_mhz", "mean", unit="MHz", label="clock"),
    Metric("lost_s", "host", "wait_s", "lack", per_epoch=True, unit="s", label="lacked"),
    Metric("lost_percent", "host", "wait_s", "lack", per_epoch=True, unit="%"),
    Metric("disturbed", "host", "wait_s", "lack", sql="VARCHAR", per_epoch=True),
    Metric("disturbed_epochs", "host", "wait_s", "lack", sql="BIGINT"),
    Metric("wait_s", "host", "wait_s", "lack", per_epoch=True, unit="s"),
    Metric("others_s", "host", "busy_s", "lack", per_epoch=True, unit="s"),
    Metric("throttled_s", "host", "throttled_s", "lack", per_epoch=True, unit="s"),
    Metric("steal_s", "host", "steal_s", "lack", per_epoch=True, unit="s"),
    Metric("idle_s", "host", "cpu_s", "lack", per_epoch=True, unit="s", label="slept"),
    Metric("idle_percent", "host", "cpu_s", "lack", per_epoch=True, unit="%"),
    Metric("slept", "host", "cpu_s", "lack", sql="BOOLEAN", per_epoch=True),
)
GPU_METRICS = tuple(metric for metric in METRICS if metric.device == "gpu")
HOST_METRICS = tuple(metric for metric in METRICS if metric.device == "host")
#: Those of an epoch, the number of readings last.
EPOCH_METRICS = tuple(sorted((m for m in METRICS if m.per_epoch), key=lambda metric: metric.how == "readings"))

#: The columns that are numbers, by their SQL type; metrics have their own, and all others are text.
WHOLE = frozenset(
    {
        *("cores", "threads", "seed", "repeat", "epochs", "batch_size", "train", "validation", "parameters"),
        *("latency_n", "predict_batch"),
        *("exit_code", "epoch_s_n", "epoch", "asked_epochs", "asked_batch_size", "asked_steps", "samples", "batches"),
    }
)
REAL = frozenset(
    {
        *("start_s", "import_s", "data_s", "build_s", "steady_s", "validated_s", "exit_s"),
        *("wall_s", "setup_s", "first_epoch_s", "epoch_s", "epoch_s_min", "epoch_s_max", "validation_s"),
        *("epoch_s_article", "samples_per_s", "accuracy", "val_accuracy", "loss", "val_loss", "process_rss_peak_mb"),
        *("cpu_quota", "memory_gib", "elapsed", "train_s", "acc", "val_acc"),
        *("latency_ms", "latency_p95_ms", "latency_p99_ms", "first_answer_s", "tokens_per_s"),
        *("batch_latency_ms", "batch_latency_p95_ms", "predicted_per_s"),
        *("input_wait_share", "cpu_energy_j"),
        *("first_output_mean", "first_output_std", "learned", "product_error", "convolution_error"),
    }
)


def _typed(*names: str) -> dict[str, str]:
    return {name: "BIGINT" if name in WHOLE else "DOUBLE" if name in REAL else "VARCHAR" for name in names}


#: name -> SQL type; the order is the order of the columns in every file.
COLUMNS: dict[str, str] = {
    **_typed("run_id", "job_id", "workload", "variant", "stack", "backend", "framework_version", "keras_version"),
    **_typed("python", "launcher", "device", "gpu_name", "gpu_uuid", "driver", "image_digest", "packages_sha256"),
    **_typed("workloads_sha256"),
    **_typed("data_sha256", "data_kind", "host", "machine", "cluster", "cpu", "cores", "cpu_quota"),
    **_typed("memory_gib", "os", "kernel", "virtualization", "threads", "seed", "repeat", "scale", "epochs"),
    **_typed("batch_size", "train", "validation", "parameters", "image_data_format"),
    **_typed("status", "reason", "exit_code", "started", "ended", "wall_s", "setup_s", "first_epoch_s"),
    **_typed("epoch_s", "epoch_s_n", "epoch_s_min", "epoch_s_max", "validation_s", "epoch_s_article", "samples_per_s"),
    # Where the time of a job went: start, import, data, build, first epoch (above), then these.
    **_typed("start_s", "import_s", "data_s", "build_s", "steady_s", "validated_s", "exit_s"),
    **_typed("accuracy", "val_accuracy", "loss", "val_loss", "cache"),
    **{metric.column: metric.sql for metric in METRICS},
    **_typed("process_rss_peak_mb", "gpu_trouble", "command"),
    # Of files of one's own: what was asked of them, what they were seen to do, and whose stack it was.
    **_typed("file", "asked_epochs", "asked_batch_size", "asked_steps", "asked_arguments", "samples", "batches"),
    **_typed("first_output_mean", "first_output_std", "learned", "packages", "network"),
    **_typed("released", "found", "arrays", "settings", "fits"),
    # How exact float32 products were, relative; whether the same results were asked for; what decided how it computed.
    **_typed("product_error", "convolution_error"),
    "deterministic": "BOOLEAN",
    **_typed("computing"),
    # Without training: a call at batch 1 (or a token) in the fastest way, the same at `predict_batch`, and all ways.
    **_typed("mode", "latency_ms", "latency_p95_ms", "latency_p99_ms", "latency_n", "latency_way", "first_answer_s"),
    **_typed("predict_batch", "batch_latency_ms", "batch_latency_p95_ms", "batch_way", "predicted_per_s"),
    **_typed("tokens_per_s", "calls", "outputs"),
    # What the run varied (`batch_size=32 precision=float32`, "" for nothing), and what came of it where that is known.
    **_typed("axes", "axes_got"),
    # The share of its steady epochs, validation apart, in which the training waited for batches, where that was seen.
    **_typed("input_wait_share"),
    # What the processors of the host counted over all epochs, and how that is known, or why it is not.
    **_typed("cpu_energy_j", "cpu_energy_source"),
}
#: Columns whose text is JSON: lists and objects for programs, one field for tables.
PACKED = ("arrays", "settings", "fits", "computing", "calls", "outputs")
EPOCH_COLUMNS: dict[str, str] = {
    **_typed("run_id", "job_id", "workload", "variant", "stack", "backend", "device", "repeat"),
    **_typed("epoch", "elapsed", "train_s", "validation_s", "loss", "acc", "val_loss", "val_acc"),
    **{metric.column: metric.sql for metric in EPOCH_METRICS},
}

#: Columns that are fields of the job, of an epoch's event, of the fingerprint.
JOB_FIELDS = (
    *("workload", "variant", "stack", "backend", "device", "repeat", "scale"),
    *("epochs", "batch_size", "train", "validation", "seed", "threads", "mode"),
)
EPOCH_FIELDS = ("epoch", "train_s", "validation_s", "loss", "acc", "val_loss", "val_acc")
FINGERPRINT_FIELDS = (
    *("launcher", "gpu_name", "gpu_uuid", "driver", "image_digest", "packages_sha256", "workloads_sha256"),
    *("data_sha256", "data_kind", "host", "machine", "cluster", "cpu", "cores", "cpu_quota", "virtualization"),
    "gpu_trouble",
)
