/* A libcuda.so.1 for tests. The file "cuda" beside it holds lines "<call> <code>": the call fails with that code, or
   never returns ("hangs"), or kills its program ("dies"). The file "cuda.seen" gets CUDA_VISIBLE_DEVICES of who starts it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int answer(const char *call) {
    Dl_info info;
    char path[512], name[64], value[64];
    if (!dladdr((void *)answer, &info)) return 999;
    snprintf(path, sizeof path, "%.*s/cuda", (int)(strrchr(info.dli_fname, '/') - info.dli_fname), info.dli_fname);
    FILE *file = fopen(path, "r");
    int code = 0;
    while (file && fscanf(file, "%63s %63s", name, value) == 2) {
        if (strcmp(name, call)) continue;
        if (!strcmp(value, "hangs")) for (;;) pause();
        if (!strcmp(value, "dies")) abort();
        code = atoi(value);
    }
    if (file) fclose(file);
    if (!strcmp(call, "cuInit")) {
        strcat(path, ".seen");
        if ((file = fopen(path, "a"))) { fprintf(file, "%s\n", getenv("CUDA_VISIBLE_DEVICES")); fclose(file); }
    }
    return code;
}
int cuInit(unsigned flags) { (void)flags; return answer("cuInit"); }
int cuDeviceGet(int *out, int number) { *out = number; return answer("cuDeviceGet"); }
int cuDevicePrimaryCtxRetain(void **out, int device) { (void)device; *out = (void *)1; return answer("cuDevicePrimaryCtxRetain"); }
int cuCtxSetCurrent(void *context) { return context ? answer("cuCtxSetCurrent") : 201; }
int cuMemAlloc_v2(unsigned long long *out, size_t bytes) { *out = 4096; return bytes == 64 << 20 ? answer("cuMemAlloc_v2") : 1; }
int cuMemFree_v2(unsigned long long memory) { return memory == 4096 ? answer("cuMemFree_v2") : 1; }
int cuGetErrorName(int code, const char **out) {
    if (code == 4242) return 1;
    *out = code == 999 ? "CUDA_ERROR_UNKNOWN" : code == 304 ? "CUDA_ERROR_OPERATING_SYSTEM" : "CUDA_ERROR_OTHER";
    return 0;
}
