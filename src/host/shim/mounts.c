// From the host's root to the guest's.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

// A folder that every host has: in the guest's mount namespace our scratch folder hides it. Layers
// are open by then, so they may well lie below it.
#define SCRATCH "/tmp"
#define DISK SCRATCH "/disk"
enum { LAYER_PATH_MAX = 64, STATE_PATH_MAX = 128, SCRATCH_BYTES = 1 << 20 };

static bool
scratch_make(void)
{
    // What the host mounts from now on is not the guest's.
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    int fd = mount_memory(SCRATCH_BYTES, "0755");
    return fd >= 0 && mount_attach(fd, SCRATCH) && close(fd) == 0 &&
           mkdir(SCRATCH "/root", 0755) == 0;
}

static bool
layer_attach(int fd, size_t row, const char *name, char path[LAYER_PATH_MAX])
{
    snprintf(path, LAYER_PATH_MAX, SCRATCH "/%zu-%s", row, name);
    return mkdir(path, 0755) == 0 && mount_attach(fd, path);
}

static int
overlay_new(const struct mount_spec *m, const struct layers *l, size_t row)
{
    char lower[LAYER_PATH_MAX], state[STATE_PATH_MAX];
    char upper[STATE_PATH_MAX + 8], work[STATE_PATH_MAX + 8];
    if (!layer_attach(l->outside[row], row, "lower", lower))
        return -1;
    if (l->disk >= 0)
        snprintf(state, sizeof(state), DISK "/%s", m->state);
    else if (!layer_attach(l->state[row], row, "state", state))
        return -1;
    snprintf(upper, sizeof(upper), "%s/upper", state);
    snprintf(work, sizeof(work), "%s/work", state);
    // Without privileges overlayfs keeps its notes in attributes of users.
    const char *const options[] = {"source",  "c10m", "lowerdir",  lower, "upperdir", upper,
                                   "workdir", work,   "userxattr", "",    NULL};
    return mount_new("overlay", options);
}

static int
mount_build(const struct spec *s, const struct layers *l, size_t row)
{
    const struct mount_spec *m = &s->mounts[row];
    uint64_t bytes;
    switch (m->kind) {
    case MOUNT_OVERLAY:
        return overlay_new(m, l, row);
    case MOUNT_TMPFS:
        return text_to_u64(m->outside, &bytes) ? mount_memory(bytes, "0755") : -1;
    default:
        return fcntl(l->outside[row], F_DUPFD_CLOEXEC, 0);
    }
}

static bool
root_enter(int fd)
{
    return mount_attach(fd, SCRATCH "/root") && chdir(SCRATCH "/root") == 0 &&
           syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
           chdir("/") == 0;
}

// By now every path is the guest's own, symbolic links too.
static bool
mount_place(const struct mount_spec *m, int fd)
{
    struct stat status;
    // A single file is laid over one that is there.
    bool is_file = fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode);
    return (is_file || folder_make(m->at)) && mount_attach(fd, m->at);
}

// It hangs where a file system of ours will cover it (devices.c): only who has it open gets there.
static bool
shelf_keep(const struct mount_spec *m, int *shelf_fd)
{
    if (m->kind == MOUNT_SHELF)
        *shelf_fd = open(m->at, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return m->kind != MOUNT_SHELF || *shelf_fd >= 0;
}

bool
mounts_make(const struct spec *s, struct layers *l, int *shelf_fd, const char **what)
{
    int built[MOUNTS_MAX] = {0};
    struct devices devices;
    if (!devices_open(&devices, what))
        return false;
    *what = "the scratch folder";
    if (!scratch_make())
        return false;
    *what = "the disk";
    if (l->disk >= 0 && (mkdir(DISK, 0755) != 0 || !mount_attach(l->disk, DISK)))
        return false;
    for (size_t i = 0; i < s->mount_count; i++) {
        *what = s->mounts[i].at;
        built[i] = mount_build(s, l, i);
        if (built[i] < 0)
            return false;
    }
    layers_close(s, l);
    *what = "pivot_root";
    if (!root_enter(built[0]))
        return false;
    for (size_t i = 1; i < s->mount_count; i++) {
        *what = s->mounts[i].at;
        if (!mount_place(&s->mounts[i], built[i]) || !shelf_keep(&s->mounts[i], shelf_fd))
            return false;
    }
    for (size_t i = 0; i < s->mount_count; i++)
        close(built[i]);
    return devices_make(s, &devices, what);
}
