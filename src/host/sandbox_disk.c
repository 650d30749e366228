// What a unit of the kind sandbox boots from and writes to.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/sandbox_disk.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/disk.h"
#include "src/host/file.h"
#include "src/host/image.h"
#include "src/host/image_store.h"
#include "src/host/tree.h"

// Below disks/NAME: "image" holds the id of its image ("" when there is no such file: the default
// image), "root" and "usr" the changes, or "disk" is a file system that has both.
static char *
path_of(const struct host *h, struct str name, const char *file, struct arena *arena)
{
    return arena_copy_z(arena,
                        arena_print(arena, "%s/disks/" STR_FMT "%s", h->dir, STR_ARG(name), file));
}

static int
fail(const struct sandbox_disk *d, int code, const char *what)
{
    snprintf(d->problem, UNIT_PROBLEM_BYTES, "%s", what);
    return code;
}

// E_NOT_FOUND: it has none but the default one.
static int
image_noted(const struct host *h, struct str name, struct arena *arena, char out[IMAGE_ID_BYTES])
{
    struct str id;
    TRY(file_read(path_of(h, name, "/image", arena), IMAGE_ID_BYTES, arena, &id));
    if (id.len != IMAGE_ID_BYTES - 1)
        return E_IO;
    memcpy(out, id.ptr, id.len);
    out[id.len] = '\0';
    return OK;
}

static int
snapshot_take(const struct sandbox_disk *d, char out[IMAGE_ID_BYTES])
{
    struct host *h = d->host;
    struct str other = d->record->snapshot_of;
    char id[IMAGE_ID_BYTES];
    struct stat status;
    if (!host_name_is_valid(other) || image_noted(h, other, d->arena, id) != OK)
        return fail(d, E_INVALID,
                    "only of a sandbox that has an image of its own, not of the "
                    "default image, a snapshot can be taken");
    const char *dir = path_of(h, other, "/root", d->arena);
    const char *upper = arena_copy_z(d->arena, arena_print(d->arena, "%s/upper", dir));
    if (access(path_of(h, other, "/disk", d->arena), F_OK) == 0 || stat(upper, &status) != 0)
        return fail(d, E_INVALID, "a snapshot of a sandbox with a limited disk is not built");
    const struct image_snapshot snapshot = {
        .sandbox = other,
        .id = id,
        .dir = dir,
        .ids_row = h->is_root ? (status.st_uid - HOST_IDS_FIRST) / HOST_IDS_PER_GUEST : 0,
    };
    return image_snapshot(h, &snapshot, out, d->problem);
}

static int
image_make(const struct sandbox_disk *d, char out[IMAGE_ID_BYTES])
{
    const struct host_sandbox_record *r = d->record;
    struct str wanted = r->image;
    if (str_is_present(wanted)) {
        snprintf(out, IMAGE_ID_BYTES, STR_FMT, STR_ARG(wanted));
        if (wanted.len == IMAGE_ID_BYTES - 1 && image_hold(d->host, out, d->unit->name) == OK)
            return OK;
    }
    if (str_is_present(r->tarball))
        TRY(image_import(d->host, arena_copy_z(d->arena, r->tarball), out, d->problem));
    else if (str_is_present(r->snapshot_of))
        TRY(snapshot_take(d, out));
    else
        return fail(d, E_NOT_FOUND, "there is no such image, and no tarball to make it from");
    if (str_is_present(wanted) && !str_eq(wanted, str_of(out)))
        return fail(d, E_INVALID, "the tarball is not that of the image");
    return OK;
}

static bool
is_of_image(const struct host_sandbox_record *r)
{
    return str_is_present(r->image) || str_is_present(r->tarball) || str_is_present(r->snapshot_of);
}

// Held before it is noted, so that what is noted is there.
static int
image_find(const struct sandbox_disk *d, char out[IMAGE_ID_BYTES])
{
    struct host *h = d->host;
    int code = image_noted(h, d->unit->name, d->arena, out);
    if (code != E_NOT_FOUND)
        return code == OK ? OK : fail(d, code, "which image it has cannot be read");
    *out = '\0';
    if (!is_of_image(d->record))
        return OK;
    TRY(image_make(d, out));
    code = image_hold(h, out, d->unit->name);
    if (code == OK)
        code = file_replace(path_of(h, d->unit->name, "/image", d->arena), str_of(out), 0600);
    return code == OK ? OK : fail(d, code, "its image cannot be held");
}

static int
file_system_make(const struct sandbox_disk *d, struct str *disk)
{
    static const char *const states[] = {"root", "usr"};
    const struct host_sandbox_record *r = d->record;
    const char *path = path_of(d->host, d->unit->name, "/disk", d->arena);
    bool is_there = access(path, F_OK) == 0;
    if (!is_there && (r->disk_bytes.value <= 0 || !d->host->can_limit_disks))
        return OK;
    const struct disk_order order = {
        .path = path,
        .bytes = (uint64_t)r->disk_bytes.value,
        .files = r->disk_files.value > 0 ? (uint64_t)r->disk_files.value : 0,
        .states = states,
        .state_count = COUNT_OF(states),
        .ids_row = (uint32_t)d->unit->ids_row,
    };
    TRY(disk_make(d->host, &order, d->problem));
    *disk = str_of(path);
    return OK;
}

static int
root_make(const struct sandbox_disk *d, const char *image, struct sandbox_mount *out, size_t *count)
{
    uint32_t row = (uint32_t)d->unit->ids_row;
    const char *dir = path_of(d->host, d->unit->name, "", d->arena);
    *count = *image != '\0' ? 1 : IMAGE_MOUNTS;
    if (*image == '\0')
        return image_mounts(d->host, dir, row, d->arena, out);
    dir = path_of(d->host, d->unit->name, "/root", d->arena);
    return image_root(d->host, image, dir, row, d->arena, out);
}

int
sandbox_disk_make(const struct sandbox_disk *d, struct sandbox_mount *out, size_t *count,
                  struct str *disk)
{
    static const struct str states[] = {{"root", 4}, {"usr", 3}};
    const char *dir = path_of(d->host, d->unit->name, "", d->arena);
    char image[IMAGE_ID_BYTES];
    *disk = (struct str){0};
    if (tree_make(dir, 0711) != OK)
        return fail(d, E_IO, "the sandbox's folder of disks cannot be made");
    TRY(image_find(d, image));
    TRY(file_system_make(d, disk));
    int code = root_make(d, image, out, count);
    if (code != OK)
        return fail(d, code, "the sandbox's disk cannot be made");
    for (size_t i = 0; str_is_present(*disk) && i < *count; i++)
        out[i].state = states[i];
    return OK;
}

int
sandbox_disk_remove(struct host *h, struct str name)
{
    struct arena arena;
    char image[IMAGE_ID_BYTES];
    size_t removed;
    arena_init(&arena);
    // Once its folder is gone nobody knows any more what it held.
    int code = image_noted(h, name, &arena, image);
    bool has_image = code == OK;
    if (has_image)
        code = image_release(h, image, name);
    if (code == OK || code == E_NOT_FOUND)
        code = tree_remove(h->runtime, path_of(h, name, "", &arena));
    if (code == OK && has_image)
        code = image_collect(h, &removed);
    arena_fini(&arena);
    return code;
}
