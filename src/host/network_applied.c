// The record that was last applied to a network.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_applied.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/unit.h"

enum { PATH_BYTES = 4096, PROBLEM_BYTES = 512 };

static const char applied[] = "applied", in_doubt[] = "changing";

static void
path_of(const struct host *h, struct str name, const char *file, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/networks/" STR_FMT "/%s", h->dir, STR_ARG(name), file);
}

static int
fail(char *problem)
{
    snprintf(problem, PROBLEM_BYTES, "what was applied cannot be kept in its folder: %s",
             strerror(errno));
    return errno == ENOSPC ? E_FULL : E_IO;
}

void
network_applied_read(const struct host *h, struct str name, struct arena *arena,
                     struct host_network_record *out)
{
    char path[PATH_BYTES];
    struct stat status;
    *out = (struct host_network_record){0};
    path_of(h, name, applied, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size <= UNIT_SPEC_BYTES_MAX) {
        char *bytes = arena_alloc(arena, (size_t)status.st_size + 1);
        ssize_t got = read(fd, bytes, (size_t)status.st_size);
        struct str spec = {bytes, got > 0 ? (size_t)got : 0};
        if (record_decode(&host_network_record_type, spec, arena, out) != OK)
            *out = (struct host_network_record){0};
    }
    if (fd >= 0)
        close(fd);
}

int
network_applied_write(const struct host *h, struct str name, struct str spec, char *problem)
{
    char path[PATH_BYTES], new_path[PATH_BYTES + 8];
    path_of(h, name, applied, path);
    snprintf(new_path, sizeof(new_path), "%s.new", path);
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, spec.ptr, spec.len) == (ssize_t)spec.len;
    if (fd >= 0)
        close(fd);
    if (!is_written || rename(new_path, path) != 0)
        return fail(problem);
    path_of(h, name, in_doubt, path);
    unlink(path);
    return OK;
}

int
network_applied_doubt(const struct host *h, struct str name, char *problem)
{
    char path[PATH_BYTES];
    path_of(h, name, in_doubt, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(problem);
    close(fd);
    return OK;
}

bool
network_applied_is_known(const struct host *h, struct str name)
{
    char path[PATH_BYTES];
    path_of(h, name, in_doubt, path);
    bool is_in_doubt = access(path, F_OK) == 0;
    path_of(h, name, applied, path);
    return !is_in_doubt && access(path, F_OK) == 0;
}

void
network_applied_forget(const struct host *h, struct str name)
{
    char path[PATH_BYTES];
    path_of(h, name, applied, path);
    unlink(path);
}
