/* Stands in for libturbojpeg.so.0: hands everything on to the real library (REAL), but crashes on images that hold the marker, as a decoder
   with a defect would, and takes its time if the test asks for it. Compiled by CrashingDecoder. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *find(const char *name)
{
    static void *library;
    if (library == NULL)
        library = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
    return dlsym(library, name);
}

void *tjInitDecompress(void)
{
    return ((void *(*)(void))find("tjInitDecompress"))();
}

int tjDestroy(void *handle)
{
    return ((int (*)(void *))find("tjDestroy"))(handle);
}

int tjDecompressHeader3(void *handle, const unsigned char *bytes, unsigned long size, int *width, int *height, int *sampling, int *space)
{
    return ((int (*)(void *, const unsigned char *, unsigned long, int *, int *, int *, int *))find("tjDecompressHeader3"))(
        handle, bytes, size, width, height, sampling, space);
}

int tjDecompress2(
    void *handle, const unsigned char *bytes, unsigned long size, unsigned char *pixels, int width, int pitch, int height, int format, int flags)
{
    const char *pause = getenv("TEST_DECODER_MICROSECONDS");
    if (pause != NULL)
        usleep((useconds_t)atoi(pause));
    if (memmem(bytes, size, MARKER, strlen(MARKER)) != NULL)
        *(volatile int *)NULL = 0;
    return ((int (*)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int))find("tjDecompress2"))(
        handle, bytes, size, pixels, width, pitch, height, format, flags);
}
