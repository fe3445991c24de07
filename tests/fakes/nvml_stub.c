/* A libnvidia-ml.so.1 for tests: the C functions that nvidia-ml-py calls, answering from a text file.
   -DDRIVER=470 leaves out the functions that a driver of that branch does not have.

   $NVML_STUB_STATE holds lines "<gpu or -> <key> <value>"; a slice (MIG) is "<gpu>:<number>". A value is
     text or a number      as it is
     !15                   the call fails with NVML error 15; a key "all" does so for every call on the GPU
     steps:2:10,90         10 for 2 s, 90 for 2 s, and over again, by CLOCK_MONOTONIC
     ~40 VALUE             the same after 40 s, in which the call does not return
     ramp:150000           grows by 150000 a second, by CLOCK_MONOTONIC: a counter
   A key that is not there is "not supported". The file is read again whenever it has changed. The first nvmlInit of a
   process takes as long as the key "cold" says, and adds a line to the file of that name with ".inits" at its end. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef DRIVER
#define DRIVER 580
#endif
#define GPUS 16
#define SLICES 8
#define LINES 1024

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, TIMEOUT = 10,
       OTHER_VERSION = 25, UNKNOWN = 999 };
typedef unsigned long long u64;
typedef struct device { int index; } *Device;

/* The GPUs, and behind them SLICES places for each. */
static struct device devices[GPUS + GPUS * SLICES];
#define CARD(index) ((index) < GPUS ? (index) : ((index) - GPUS) / SLICES)
static int sessions;
static struct { int gpu; char key[32]; char value[192]; } lines[LINES];
static int count;
static struct timespec stamp;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static u64 wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static int load(void) {
    const char *path = getenv("NVML_STUB_STATE");
    struct stat info;
    if (!path || stat(path, &info)) return UNKNOWN;
    if (!memcmp(&stamp, &info.st_mtim, sizeof stamp)) return OK;
    FILE *file = fopen(path, "r");
    char text[320], gpu[16];
    if (!file) return UNKNOWN;
    for (count = 0; count < LINES && fgets(text, sizeof text, file);)
        if (sscanf(text, "%15s %31s %191[^\n]", gpu, lines[count].key, lines[count].value) == 3)
            lines[count++].gpu = *gpu == '-' ? -1 : strchr(gpu, ':') ? GPUS + atoi(gpu) * SLICES + atoi(strchr(gpu, ':') + 1) : atoi(gpu);
    fclose(file);
    stamp = info.st_mtim;
    return OK;
}

/* The value of a key as text; for the system gpu is -1. */
static int look_up(int gpu, const char *key, char *out, size_t size) {
    int result = UNSUPPORTED;
    if (!sessions) return UNINITIALIZED;
    pthread_mutex_lock(&lock);
    if (load()) result = UNKNOWN;
    for (int i = 0; i < count && result != UNKNOWN; i++) {
        if (lines[i].gpu != gpu && !(gpu >= 0 && lines[i].gpu == CARD(gpu) && !strcmp(lines[i].key, "all"))) continue;
        if ((strcmp(lines[i].key, key) && strcmp(lines[i].key, "all"))) continue;
        if (*lines[i].value == '!') { result = atoi(lines[i].value + 1); if (!strcmp(lines[i].key, "all")) break; }
        else { snprintf(out, size, "%s", lines[i].value); result = OK; }
    }
    pthread_mutex_unlock(&lock);
    if (result == OK && *out == '~') {
        double seconds = 0;
        int at = 0;
        sscanf(out, "~%lf %n", &seconds, &at);
        struct timespec pause = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
        nanosleep(&pause, 0);
        memmove(out, out + at, strlen(out + at) + 1);
    }
    return result;
}

static double evaluate(char *text, double t) {
    double seconds, rate;
    if (sscanf(text, "ramp:%lf", &rate) == 1) return t * rate;
    if (sscanf(text, "steps:%lf:", &seconds) != 1) return strtod(text, 0);
    char *values[64], *rest = strchr(strchr(text, ':') + 1, ':') + 1, *state = 0;
    int n = 0;
    for (char *word = strtok_r(rest, ",", &state); word && n < 64; word = strtok_r(0, ",", &state)) values[n++] = word;
    return n ? strtod(values[(u64)floor(t / seconds) % n], 0) : 0;
}

static int number(int gpu, const char *key, double t, double *out) {
    char text[192];
    int result = look_up(gpu, key, text, sizeof text);
    if (!result) *out = evaluate(text, t);
    return result;
}

#define GAUGE(key, type) \
    double value; int result; \
    if (!device || !out) return INVALID; \
    if (!(result = number(device->index, key, monotonic(), &value))) *out = (type)value; \
    return result

static void start_cold(void) {
    char path[512];
    double seconds = 0;
    if (number(-1, "cold", 0, &seconds)) return;
    snprintf(path, sizeof path, "%s.inits", getenv("NVML_STUB_STATE"));
    FILE *file = fopen(path, "a");
    if (file) { fprintf(file, "%d\n", getpid()); fclose(file); }
    usleep((useconds_t)(1e6 * seconds));
}
int nvmlInit_v2(void) {
    int before = __sync_fetch_and_add(&sessions, 1);
    double code = 0;
    if (!number(-1, "init", 0, &code) && code) { __sync_fetch_and_sub(&sessions, 1); return (int)code; }
    for (int i = 0; i < GPUS + GPUS * SLICES; i++) devices[i].index = i;
    if (!before) start_cold();
    return OK;
}
int nvmlInitWithFlags(unsigned flags) { (void)flags; return nvmlInit_v2(); }
int nvmlShutdown(void) { if (!sessions) return UNINITIALIZED; __sync_fetch_and_sub(&sessions, 1); return OK; }
const char *nvmlErrorString(int code) { return code == TIMEOUT ? "Timeout" : code == 15 ? "GPU is lost" : code == 18 ? "Driver/library version mismatch" : code == UNSUPPORTED ? "Not Supported" : "stub"; }
int nvmlSystemGetDriverVersion(char *out, unsigned size) { return look_up(-1, "driver", out, size); }
int nvmlSystemGetCudaDriverVersion(int *out) {
    double value;
    int result = number(-1, "cuda", 0, &value);
    if (!result) *out = (int)value;
    return result;
}
int nvmlSystemGetCudaDriverVersion_v2(int *out) { return nvmlSystemGetCudaDriverVersion(out); }
int nvmlDeviceGetCount_v2(unsigned *out) {
    double value;
    int result = number(-1, "count", 0, &value);
    if (!result) *out = (unsigned)value;
    return result;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device *out) {
    unsigned n;
    int result = nvmlDeviceGetCount_v2(&n);
    if (result) return result;
    if (index >= n) return INVALID;
    *out = &devices[index];
    return OK;
}
int nvmlDeviceGetName(Device device, char *out, unsigned size) { return look_up(device->index, "name", out, size); }
int nvmlDeviceGetUUID(Device device, char *out, unsigned size) { return look_up(device->index, "uuid", out, size); }
int nvmlDeviceGetMinorNumber(Device device, unsigned *out) { GAUGE("minor", unsigned); }
int nvmlDeviceGetCudaComputeCapability(Device device, int *major, int *minor) {
    char text[32];
    int result = look_up(device->index, "capability", text, sizeof text);
    if (!result && sscanf(text, "%d.%d", major, minor) != 2) return UNKNOWN;
    return result;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Device *out) {
    char text[192];
    for (int i = 0; i < GPUS + GPUS * SLICES; i++)
        if (!look_up(i, "uuid", text, sizeof text) && !strcmp(text, uuid)) { *out = &devices[i]; return OK; }
    return NOT_FOUND;
}
/* GPUs with the same "board" share one. */
int nvmlDeviceOnSameBoard(Device one, Device two, int *out) {
    double first, second;
    int result = number(one->index, "board", 0, &first);
    if (!result) result = number(two->index, "board", 0, &second);
    if (!result) *out = first == second;
    return result;
}
int nvmlDeviceGetPersistenceMode(Device device, unsigned *out) { GAUGE("persistence", unsigned); }
int nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned *out) { GAUGE("limit_mw", unsigned); }
int nvmlDeviceGetApplicationsClock(Device device, int type, unsigned *out) { (void)type; GAUGE("app_sm_mhz", unsigned); }
int nvmlDeviceGetCurrPcieLinkGeneration(Device device, unsigned *out) { GAUGE("pcie_generation", unsigned); }
int nvmlDeviceGetCurrPcieLinkWidth(Device device, unsigned *out) { GAUGE("pcie_width", unsigned); }
int nvmlDeviceGetVirtualizationMode(Device device, unsigned *out) { GAUGE("virtual", unsigned); }
int nvmlDeviceGetEccMode(Device device, unsigned *now, unsigned *pending) {
    double value;
    int result = number(device->index, "ecc", 0, &value);
    if (!result) *now = *pending = (unsigned)value;
    return result;
}
/* KB/s, which it looks at for 20 ms. */
int nvmlDeviceGetPcieThroughput(Device device, int counter, unsigned *out) {
    usleep(20000);
    GAUGE(counter ? "pcie_received" : "pcie_sent", unsigned);
}
/* Fields of power: 185 is the mean of the last second, 186 now. */
struct field { unsigned id, scope; long long stamp, latency; int kind, result; u64 value; };
int nvmlDeviceGetFieldValues(Device device, int n, struct field *out) {
    for (int i = 0; i < n; i++) {
        double value = 0;
        const char *key = out[i].id == 185 ? "power_average_mw" : out[i].id == 186 ? "power_now_mw" : "no such field";
        out[i].result = number(device->index, key, monotonic(), &value);
        out[i].kind = 1;
        out[i].value = (unsigned)value;
    }
    return OK;
}

/* On a card that is cut into slices (MIG) utilization is not told. */
static int is_cut(Device device) {
    double on = 0;
    return !number(device->index, "mig", 0, &on) && on;
}
struct rates { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(Device device, struct rates *out) {
    double gpu, memory, t = monotonic();
    if (is_cut(device)) return UNSUPPORTED;
    int result = number(device->index, "util", t, &gpu);
    if (!result) result = number(device->index, "util_mem", t, &memory);
    if (!result) { out->gpu = (unsigned)gpu; out->memory = (unsigned)memory; }
    return result;
}

struct memory { u64 total, free, used; };
int nvmlDeviceGetMemoryInfo(Device device, struct memory *out) {
    double total, used, t = monotonic();
    int result = number(device->index, "mem_total", t, &total);
    if (!result) result = number(device->index, "mem_used", t, &used);
    double reserved = 0;
    if (!result) number(device->index, "mem_reserved", t, &reserved);
    if (!result) { out->total = (u64)total; out->used = (u64)(used + reserved); out->free = out->total - out->used; }
    return result;
}

#if DRIVER >= 510
/* Version 2 tells what the driver keeps for itself (key "mem_reserved") from what is used; version 1 calls both used. */
struct memory_v2 { unsigned version; u64 total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(Device device, struct memory_v2 *out) {
    struct memory all;
    double reserved = 0;
    int result = nvmlDeviceGetMemoryInfo(device, &all);
    if (result) return result;
    number(device->index, "mem_reserved", monotonic(), &reserved);
    out->total = all.total; out->reserved = (u64)reserved; out->free = all.free; out->used = all.used - (u64)reserved;
    return OK;
}
#endif

int nvmlDeviceGetMigMode(Device device, unsigned *now, unsigned *pending) {
    double value;
    int result = number(device->index, "mig", 0, &value);
    if (!result) *now = *pending = (unsigned)value;
    return result;
}
int nvmlDeviceGetMaxMigDeviceCount(Device device, unsigned *out) { (void)device; *out = 7; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(Device device, unsigned number, Device *out) {
    char text[192];
    int place = GPUS + device->index * SLICES + (int)number;
    int result = number < SLICES ? look_up(place, "uuid", text, sizeof text) : INVALID;
    if (!result) *out = &devices[place];
    return result == UNSUPPORTED ? NOT_FOUND : result;
}
int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Device slice, Device *out) {
    if (slice->index < GPUS) return INVALID;
    *out = &devices[CARD(slice->index)];
    return OK;
}
int nvmlDeviceGetGpuInstanceId(Device device, unsigned *out) { GAUGE("instance", unsigned); }
int nvmlDeviceGetComputeMode(Device device, unsigned *out) { GAUGE("compute_mode", unsigned); }
int nvmlDeviceGetTemperature(Device device, int sensor, unsigned *out) { if (sensor) return INVALID; GAUGE("temp", unsigned); }
#if DRIVER >= 560
struct temperature { unsigned version; int sensor, value; };
int nvmlDeviceGetTemperatureV(Device device, struct temperature *out) {
    double value;
    int result = number(device->index, "temp", monotonic(), &value);
    if (!result) out->value = (int)value;
    return result;
}
#endif
int nvmlDeviceGetPowerUsage(Device device, unsigned *out) { GAUGE("power_mw", unsigned); }
int nvmlDeviceGetTotalEnergyConsumption(Device device, u64 *out) { GAUGE("energy_mj", u64); }
int nvmlDeviceGetClockInfo(Device device, int type, unsigned *out) { GAUGE(type == 2 ? "mem_mhz" : "sm_mhz", unsigned); }
int nvmlDeviceGetMaxClockInfo(Device device, int type, unsigned *out) { (void)type; GAUGE("max_sm_mhz", unsigned); }
int nvmlDeviceGetCurrentClocksThrottleReasons(Device device, u64 *out) { GAUGE("throttle", u64); }
#if DRIVER >= 535
int nvmlDeviceGetCurrentClocksEventReasons(Device device, u64 *out) { GAUGE("throttle", u64); }
#endif

/* "pid:bytes,pid:bytes", or "none". The first version of the call has smaller structs. */
struct process { unsigned pid; u64 memory; unsigned instance, compute; };
struct process_v1 { unsigned pid; u64 memory; };
static int processes(Device device, unsigned *n, void *out, size_t size) {
    char text[192], *state = 0;
    unsigned found = 0, room = *n;
    int result = look_up(device->index, "processes", text, sizeof text);
    if (result) return result;
    for (char *word = strtok_r(text, ",", &state); word; word = strtok_r(0, ",", &state)) {
        struct { struct process p; u64 more; } whole = {{0, 0, ~0u, ~0u}, 0};
#define one whole.p
        if (sscanf(word, "%u:%llu", &one.pid, &one.memory) != 2) continue;
        if (out && found < room) memcpy((char *)out + found * size, &whole, size);
        found++;
    }
#undef one
    *n = found;
    return found && (!out || room < found) ? TOO_SMALL : OK;
}
int nvmlDeviceGetComputeRunningProcesses(Device device, unsigned *n, struct process_v1 *out) { return processes(device, n, out, sizeof *out); }
#if DRIVER >= 450
int nvmlDeviceGetComputeRunningProcesses_v2(Device device, unsigned *n, struct process *out) { return processes(device, n, out, sizeof *out); }
#endif
#if DRIVER == 535
/* Before 535.98 the struct was longer than the name promises: all but the first number are garbage. */
int nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned *n, struct process *out) { return processes(device, n, out, sizeof *out + 8); }
#elif DRIVER >= 510
int nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned *n, struct process *out) { return processes(device, n, out, sizeof *out); }
#endif

/* The driver's buffer: the last 100 readings, one per 166 ms (or "buffer_us") on a fixed grid. Its stamps are the wall
   clock's, and "stamp_us" is added to them. */
struct sample { u64 time; union { double d; unsigned u; u64 all; } value; };
int nvmlDeviceGetSamples(Device device, int type, u64 since, unsigned *kind, unsigned *n, struct sample *out) {
    char text[192];
    unsigned found = 0, room = *n;
    if (type != 1 || is_cut(device)) return UNSUPPORTED;
    int result = look_up(device->index, "buffer", text, sizeof text);
    if (result) return result;
    double every = 166000;
    number(device->index, "buffer_us", 0, &every);
    double shift = 0;
    number(device->index, "stamp_us", 0, &shift);
    u64 period = (u64)every, now = wall_us(), newest = now / period * period;
    *kind = 1;
    for (int i = 99; i >= 0; i--) {
        u64 t = newest - i * period;
        u64 stamp = (u64)((long long)t + (long long)shift);
        if (stamp <= since) continue;
        double value;
        if (out && found < room) {
            if ((result = number(device->index, "util", monotonic() - (now - t) / 1e6, &value))) return result;
            out[found].time = stamp;
            out[found].value.u = (unsigned)value;
        }
        found++;
    }
    if (!found) return NOT_FOUND;
    *n = out && found > room ? room : found;
    return OK;
}

/* What a card reports: the key "events" lists "<type>:<data>" or "<type>:<data>:<instance>", and what is added after a
   set was registered is given to it, each once. */
struct event { Device device; u64 type, data; unsigned instance, compute; };
struct set { Device device; u64 wanted; int given; };
static int events(Device device, int from, u64 wanted, struct event *out) {
    char text[192], *state = 0;
    int n = 0;
    if (look_up(device->index, "events", text, sizeof text)) return 0;
    for (char *word = strtok_r(text, ",", &state); word; word = strtok_r(0, ",", &state)) {
        struct event one = {device, 0, 0, ~0u, ~0u};
        if (sscanf(word, "%llu:%llu:%u", &one.type, &one.data, &one.instance) < 2) continue;
        if (n++ == from && out) { *out = one; return one.type & wanted ? 1 : 2; }
    }
    return out ? 0 : n;
}
int nvmlDeviceGetSupportedEventTypes(Device device, u64 *out) { GAUGE("event_types", u64); }
int nvmlEventSetCreate(struct set **out) { return (*out = calloc(1, sizeof **out)) ? OK : UNKNOWN; }
int nvmlEventSetFree(struct set *set) { free(set); return OK; }
int nvmlDeviceRegisterEvents(Device device, u64 types, struct set *set) {
    double known = 0;
    int result = number(device->index, "event_types", 0, &known);
    if (result || (types & ~(u64)known)) return UNSUPPORTED;
    set->device = device; set->wanted = types; set->given = events(device, 0, types, 0);
    return OK;
}
int nvmlEventSetWait_v2(struct set *set, struct event *out, unsigned ms) {
    for (int result; set->device && (result = events(set->device, set->given, set->wanted, out));) {
        set->given++;
        if (result == 1) return OK;
    }
    usleep(1000 * ms);
    return TIMEOUT;
}

#if DRIVER >= 520
/* GPM: means of what the counters did between two samples, as nvml.h says. Key "gpm" of a card that has them, "gpm_<number>" of a metric. */
struct sample_gpm { int index; double t; };
struct support { unsigned version, supported; };
struct metric { unsigned id; int result; double value; const char *names[3]; };
struct metrics { unsigned version, n; struct sample_gpm *first, *second; struct metric of[]; };
int nvmlGpmQueryDeviceSupport(Device device, struct support *out) {
    double value = 0;
    if (out->version != 1) return OTHER_VERSION;
    int result = number(device->index, "gpm", 0, &value);
    out->supported = !result && value;
    return OK;
}
int nvmlGpmSampleAlloc(struct sample_gpm **out) { return (*out = calloc(1, sizeof **out)) ? OK : UNKNOWN; }
int nvmlGpmSampleFree(struct sample_gpm *sample) { free(sample); return OK; }
static int gpm_sample(int index, struct sample_gpm *out) {
    double value = 0;
    int result = number(CARD(index), "gpm", 0, &value);
    if (result || !value) return result ? result : UNSUPPORTED;
    out->index = index; out->t = monotonic();
    return OK;
}
int nvmlGpmSampleGet(Device device, struct sample_gpm *out) { return is_cut(device) ? UNSUPPORTED : gpm_sample(device->index, out); }
int nvmlGpmMigSampleGet(Device device, unsigned instance, struct sample_gpm *out) {
    for (int i = GPUS + device->index * SLICES; i < GPUS + (device->index + 1) * SLICES; i++) {
        double value = 0;
        if (!number(i, "instance", 0, &value) && (unsigned)value == instance) return gpm_sample(i, out);
    }
    return INVALID;
}
int nvmlGpmMetricsGet(struct metrics *out) {
    if (out->version != 1) return OTHER_VERSION;
    if (!out->first || !out->second || out->second->t <= out->first->t || out->first->index != out->second->index) return INVALID;
    for (unsigned i = 0; i < out->n; i++) {
        char key[32];
        double sum = 0, value = 0;
        snprintf(key, sizeof key, "gpm_%u", out->of[i].id);
        for (int part = 0; part < 20; part++) {
            double t = out->first->t + (out->second->t - out->first->t) * (part + 0.5) / 20;
            out->of[i].result = number(out->first->index, key, t, &value);
            sum += value;
        }
        out->of[i].value = sum / 20;
    }
    return OK;
}
#endif
