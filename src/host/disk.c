// Disks of guests: file systems in files.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "src/host/network.h"
#include "src/host/program.h"
#include "src/host/sandbox.h"
#include "src/host/tree.h"

enum { PATH_BYTES = 4096, KIB = 1024 };

static const char *
program_find(void)
{
    static const char *const places[] = {"/usr/sbin/mke2fs", "/sbin/mke2fs"};
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

bool
disk_can_limit(const struct host *h)
{
    int fd =
        h->is_root && program_find() != NULL ? open("/dev/loop-control", O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

// What it holds at first, as a folder, which mke2fs copies with owners and modes.
static int
first_make(struct host *h, const struct disk_order *o, const char *dir)
{
    char path[PATH_BYTES + 64];
    TRY(tree_make(dir, 0711));
    for (size_t i = 0; i < o->state_count; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, o->states[i]);
        TRY(sandbox_state_make(h, path, o->ids_row));
    }
    return OK;
}

// No blocks are kept for root; tables of inodes are written when they are first used.
static int
file_system_make(struct host *h, const struct disk_order *o, const char *dir, const char *path)
{
    char size[32], files[32];
    const char *program = program_find();
    int fd = program == NULL ? -1 : open(program, O_RDONLY | O_CLOEXEC);
    snprintf(size, sizeof(size), "%" PRIu64 "k", o->bytes / KIB);
    snprintf(files, sizeof(files), "%" PRIu64, o->files);
    const char *const args[] = {
        "-q", "-F", "-t", "ext4", "-m", "0",  "-E", "lazy_itable_init=1,lazy_journal_init=1",
        "-d", dir,  path, size,   NULL, NULL, NULL};
    const char *with_files[COUNT_OF(args)];
    size_t count = 0;
    if (o->files != 0) {
        with_files[count++] = "-N";
        with_files[count++] = files;
    }
    for (size_t i = 0; args[i] != NULL; i++)
        with_files[count++] = args[i];
    with_files[count] = NULL;
    struct spawn spawn = {.program_fd = fd, .name = "mke2fs", .args = with_files};
    int code = fd < 0 ? E_IO : spawn_detached(h->runtime, &spawn);
    if (fd >= 0)
        close(fd);
    return code;
}

static int
make(struct host *h, const struct disk_order *o, const char *dir, const char *path)
{
    TRY(first_make(h, o, dir));
    TRY(file_system_make(h, o, dir, path));
    return rename(path, o->path) == 0 ? OK : E_IO;
}

int
disk_make(struct host *h, const struct disk_order *o, char *problem)
{
    char dir[PATH_BYTES], path[PATH_BYTES];
    snprintf(problem, HOST_PROBLEM_BYTES, "a disk has %d bytes at least", DISK_BYTES_MIN);
    if (access(o->path, F_OK) == 0)
        return OK;
    if (o->bytes < DISK_BYTES_MIN)
        return E_INVALID;
    snprintf(dir, sizeof(dir), "%s.first", o->path);
    snprintf(path, sizeof(path), "%s.new", o->path);
    int code = tree_remove(h->runtime, path); // of a c10m that was killed
    if (code == OK)
        code = make(h, o, dir, path);
    if (code != OK)
        snprintf(problem, HOST_PROBLEM_BYTES, "the disk %.300s cannot be made: %s", o->path,
                 errno != 0 ? strerror(errno) : "mke2fs failed");
    int removed = tree_remove(h->runtime, dir);
    return code != OK ? code : removed;
}
