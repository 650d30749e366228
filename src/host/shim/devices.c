// A guest's own /dev, /proc and /sys.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

// What its own file systems in memory are measured by when its memory has no limit.
enum { MEMORY_BYTES_DEFAULT = 512 << 20, SMALL_BYTES = 1 << 20 };

static const char *const nodes[DEVICE_NODES] = {"null", "zero", "full", "random", "urandom", "tty"};

static const char *const links[][2] = {
    {"/proc/self/fd", "/dev/fd"},       {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
    {"pts/ptmx", "/dev/ptmx"},          {"/proc/1/fd/1", "/dev/console"},
};

// What would tell of the host, or let root of the host do harm, is hidden behind /dev/null.
static const char *const hidden[] = {
    "/proc/kcore",       "/proc/keys",          "/proc/kmsg",
    "/proc/sched_debug", "/proc/sysrq-trigger", "/proc/timer_list",
};

bool
devices_open(struct devices *out, const char **what)
{
    const char *const none[] = {NULL};
    char path[32];
    for (size_t i = 0; i < DEVICE_NODES; i++) {
        snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
        *what = nodes[i];
        out->nodes[i] = mount_clone(path, false);
        if (out->nodes[i] < 0)
            return false;
    }
    *what = "/proc";
    out->proc = mount_new("proc", none);
    return out->proc >= 0;
}

static bool
tmpfs_at(const char *at, uint64_t bytes, const char *mode)
{
    int fd = mount_memory(bytes, mode);
    bool is_there = fd >= 0 && folder_make(at) && mount_attach(fd, at);
    if (fd >= 0)
        close(fd);
    return is_there;
}

static bool
file_new(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    size_t len = strlen(text);
    bool is_written = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    if (fd >= 0)
        close(fd);
    return is_written;
}

static bool
nodes_make(const struct devices *d)
{
    char path[32];
    for (size_t i = 0; i < DEVICE_NODES; i++) {
        snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
        if (!file_new(path, "") || !mount_attach(d->nodes[i], path))
            return false;
        close(d->nodes[i]);
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (symlink(links[i][0], links[i][1]) != 0)
            return false;
    return true;
}

static bool
terminals_make(void)
{
    const char *const options[] = {"newinstance", "", "ptmxmode", "0666", "mode", "0620", NULL};
    int fd = mount_new("devpts", options);
    bool is_there = fd >= 0 && folder_make("/dev/pts") && mount_attach(fd, "/dev/pts");
    if (fd >= 0)
        close(fd);
    return is_there;
}

// Of the guest's memory, also where no control group counts it.
static bool
memory_at(const struct spec *s, const char *at, uint64_t part, const char *mode)
{
    uint64_t bytes = s->memory_bytes != 0 ? s->memory_bytes : MEMORY_BYTES_DEFAULT;
    return tmpfs_at(at, bytes / part, mode);
}

static bool
dev_make(const struct spec *s, const struct devices *d)
{
    return tmpfs_at("/dev", SMALL_BYTES, "0755") && nodes_make(d) && terminals_make() &&
           memory_at(s, "/dev/shm", 2, "1777");
}

// Clones a file that we made over one of the kernel's.
static bool
cover(const char *with, const char *path)
{
    int fd = mount_clone(with, false);
    bool is_covered = fd >= 0 && (mount_attach(fd, path) || errno == ENOENT);
    if (fd >= 0)
        close(fd);
    return is_covered;
}

static bool
memory_show(const struct spec *s)
{
    char text[512];
    unsigned long long kib = s->memory_bytes / 1024;
    if (kib == 0)
        return true;
    snprintf(text, sizeof(text),
             "MemTotal:       %llu kB\nMemFree:        %llu kB\nMemAvailable:   %llu kB\n"
             "Buffers:        0 kB\nCached:         0 kB\nSwapCached:     0 kB\n"
             "SwapTotal:      0 kB\nSwapFree:       0 kB\nShmem:          0 kB\n",
             kib, kib, kib);
    return file_new("/dev/.meminfo", text) && cover("/dev/.meminfo", "/proc/meminfo");
}

// The first n processors of the host's list, since programs read model and flags there.
static bool
cpuinfo_copy(uint64_t n)
{
    FILE *in = fopen("/proc/cpuinfo", "re");
    FILE *out = fopen("/dev/.cpuinfo", "we");
    char line[4096];
    uint64_t seen = 0;
    while (in != NULL && out != NULL && fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, "processor", 9) == 0 && ++seen > n)
            break;
        fputs(line, out);
    }
    bool is_done = in != NULL && out != NULL;
    if (in != NULL)
        fclose(in);
    return out != NULL && fclose(out) == 0 && is_done;
}

static bool
cpus_show(const struct spec *s)
{
    char range[32] = "0\n";
    if (s->cpus == 0)
        return true;
    if (s->cpus > 1)
        snprintf(range, sizeof(range), "0-%llu\n", (unsigned long long)s->cpus - 1);
    return cpuinfo_copy(s->cpus) && cover("/dev/.cpuinfo", "/proc/cpuinfo") &&
           folder_make("/sys/devices/system/cpu") &&
           file_new("/sys/devices/system/cpu/online", range) &&
           file_new("/sys/devices/system/cpu/possible", range) &&
           file_new("/sys/devices/system/cpu/present", range);
}

static bool
proc_make(const struct devices *d)
{
    if (!folder_make("/proc") || !mount_attach(d->proc, "/proc"))
        return false;
    close(d->proc);
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (!cover("/dev/null", hidden[i]))
            return false;
    return true;
}

bool
devices_make(const struct spec *s, const struct devices *d, const char **what)
{
    *what = "/dev";
    if (!dev_make(s, d))
        return false;
    *what = "/proc";
    if (!proc_make(d) || !memory_show(s))
        return false;
    *what = "/sys";
    return tmpfs_at("/sys", SMALL_BYTES, "0755") && cpus_show(s) &&
           memory_at(s, "/tmp", 2, "1777") && memory_at(s, "/run", 5, "0755");
}
