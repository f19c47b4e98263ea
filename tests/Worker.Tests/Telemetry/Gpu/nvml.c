/* A management library with one GPU at 0000:2A:00.0, whose every answer is another number: shows that arguments and structures of nvml.h arrive
   where they belong. Built by the test: gcc -shared -fPIC -nostdlib */
typedef struct { unsigned int gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct nvmlDevice *nvmlDevice_t;

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6 };

static char gpu;

static int same(const char *a, const char *b) {
    for (; *a && *a == *b; a++, b++) {}
    return *a == *b;
}

static int is(nvmlDevice_t device) { return (void *)device == (void *)&gpu; }

int nvmlInit_v2(void) { return OK; }

int nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *device) {
    if (!same(id, "0000:2A:00.0")) return NOT_FOUND;
    *device = (nvmlDevice_t)(void *)&gpu;
    return OK;
}

int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned int length) {
    static const char uuid[] = "GPU-01234567-89ab-cdef-0123-456789abcdef";
    if (!is(device) || length < sizeof uuid) return INVALID;
    for (unsigned int i = 0; i < sizeof uuid; i++) text[i] = uuid[i];
    return OK;
}

int nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *value) {
    value->gpu = 73, value->memory = 21;
    return is(device) ? OK : INVALID;
}

int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *value) {
    value->total = 150754820096ULL, value->free = 140000000000ULL, value->used = 10754820096ULL;
    return is(device) ? OK : INVALID;
}

int nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts) { return *milliwatts = 412345, is(device) ? OK : INVALID; }

int nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *milliwatts) { return *milliwatts = 700000, is(device) ? OK : INVALID; }

int nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) { return *millijoules = 9876543210123ULL, is(device) ? OK : INVALID; }

int nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned int *degrees) { return *degrees = 61, is(device) && sensor == 0 ? OK : INVALID; }

int nvmlDeviceGetClockInfo(nvmlDevice_t device, int type, unsigned int *megahertz) {
    return type == 1 ? (*megahertz = 1980, is(device) ? OK : INVALID) : NOT_SUPPORTED;
}

/* The newer name of the call is absent, as with older drivers. 0x44: power cap, hardware thermal. */
int nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons) { return *reasons = 0x44, is(device) ? OK : INVALID; }

int nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int type, int counter, unsigned long long *count) {
    if (!is(device) || counter != 0) return INVALID;
    if (type == 1) return NOT_SUPPORTED;
    *count = 12;
    return OK;
}
