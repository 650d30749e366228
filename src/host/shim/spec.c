// Reads the specification: zero-terminated "key=value" texts.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

// Cuts text at the first separator; NULL when there is none.
static char *
cut(char *text, char separator)
{
    char *at = strchr(text, separator);
    if (at != NULL)
        *at++ = '\0';
    return at;
}

static bool
add_arg(struct spec *s, char *value)
{
    if (s->arg_count == ARGS_MAX)
        return false;
    s->args[s->arg_count++] = value;
    return true;
}

static bool
add_env(struct spec *s, char *value)
{
    if (s->env_count == ARGS_MAX)
        return false;
    s->env[s->env_count++] = value;
    return true;
}

// Fields are separated by '\n', which no path of ours holds.
static bool
add_mount(struct spec *s, enum mount_kind kind, char *value)
{
    if (s->mount_count == MOUNTS_MAX)
        return false;
    struct mount_spec *m = &s->mounts[s->mount_count++];
    char *outside = cut(value, '\n');
    if (outside == NULL)
        return false;
    *m = (struct mount_spec){.kind = kind, .at = value, .outside = outside};
    m->state = cut(outside, '\n');
    return (kind == MOUNT_OVERLAY) == (m->state != NULL);
}

static bool
add_bind(struct spec *s, char *value)
{
    return add_mount(s, MOUNT_BIND, value);
}

static bool
add_bind_read_only(struct spec *s, char *value)
{
    return add_mount(s, MOUNT_BIND_READ_ONLY, value);
}

static bool
add_overlay(struct spec *s, char *value)
{
    return add_mount(s, MOUNT_OVERLAY, value);
}

static bool
add_shelf(struct spec *s, char *value)
{
    return add_mount(s, MOUNT_SHELF, value);
}

static bool
add_tmpfs(struct spec *s, char *value)
{
    return add_mount(s, MOUNT_TMPFS, value);
}

static bool
add_cgroup(struct spec *s, char *value)
{
    if (s->cgroup_count == CGROUPS_MAX)
        return false;
    s->cgroups[s->cgroup_count++] = value;
    return true;
}

static bool
add_write(struct spec *s, char *value)
{
    char *text = cut(value, '\n');
    if (s->write_count == WRITES_MAX || text == NULL)
        return false;
    s->writes[s->write_count++] = (struct cgroup_write){value, text};
    return true;
}

static bool
add_rlimit(struct spec *s, char *value)
{
    uint64_t resource, limit;
    char *text = cut(value, '\n');
    if (s->rlimit_count == RLIMITS_MAX || text == NULL || !text_to_u64(value, &resource) ||
        !text_to_u64(text, &limit))
        return false;
    s->rlimits[s->rlimit_count++] = (struct rlimit_spec){(int)resource, limit};
    return true;
}

static bool
set_ids(struct spec *s, char *value)
{
    uint64_t outside, count;
    char *text = cut(value, '\n');
    if (text == NULL || !text_to_u64(value, &outside) || !text_to_u64(text, &count) ||
        outside > UINT32_MAX || count > UINT32_MAX)
        return false;
    s->ids = (struct id_map){(uint32_t)outside, (uint32_t)count};
    return true;
}

// One of add, text and number says where a key's value goes.
static const struct key {
    const char *name;
    bool (*add)(struct spec *s, char *value);
    size_t text;
    size_t number;
} keys[] = {
    {"arg", .add = add_arg},
    {"bind", .add = add_bind},
    {"bind_read_only", .add = add_bind_read_only},
    {"caps", .number = offsetof(struct spec, caps)},
    {"cgroup", .add = add_cgroup},
    {"cgroup_write", .add = add_write},
    {"console_bytes", .number = offsetof(struct spec, console_bytes)},
    {"cpus", .number = offsetof(struct spec, cpus)},
    {"cwd", .text = offsetof(struct spec, cwd)},
    {"dir", .add = NULL}, // offset 0: see set
    {"disk", .text = offsetof(struct spec, disk)},
    {"env", .add = add_env},
    {"gid", .number = offsetof(struct spec, gid)},
    {"held", .number = offsetof(struct spec, is_held)},
    {"hostname", .text = offsetof(struct spec, hostname)},
    {"ids", .add = set_ids},
    {"init", .number = offsetof(struct spec, is_init)},
    {"memory_bytes", .number = offsetof(struct spec, memory_bytes)},
    {"net_fd", .number = offsetof(struct spec, net_fd)},
    {"no_new_privs", .number = offsetof(struct spec, no_new_privs)},
    {"overlay", .add = add_overlay},
    {"own_network", .number = offsetof(struct spec, is_own_network)},
    {"rlimit", .add = add_rlimit},
    {"seccomp_fd", .number = offsetof(struct spec, seccomp_fd)},
    {"shelf", .add = add_shelf},
    {"tmpfs", .add = add_tmpfs},
    {"uid", .number = offsetof(struct spec, uid)},
    {"user_fd", .number = offsetof(struct spec, user_fd)},
};

static bool
set(struct spec *s, const struct key *key, char *value)
{
    if (key->add != NULL)
        return key->add(s, value);
    if (key->number != 0)
        return text_to_u64(value, (uint64_t *)((char *)s + key->number));
    *(const char **)((char *)s + key->text) = value;
    return true;
}

static bool
add_line(struct spec *s, char *line)
{
    char *value = cut(line, '=');
    for (size_t i = 0; value != NULL && i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i].name, line) == 0)
            return set(s, &keys[i], value);
    return false;
}

// From the start of a file; NULL: it is empty or there is no memory. Ends with a zero.
static char *
read_all(int fd, size_t *len)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_size <= 0 || status.st_size > SPEC_BYTES_MAX)
        return NULL;
    *len = (size_t)status.st_size;
    char *bytes = calloc(1, *len + 1);
    if (bytes != NULL && pread(fd, bytes, *len, 0) != (ssize_t)*len) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

bool
spec_read(int fd, struct spec *out, const char **why)
{
    size_t len;
    char *text = read_all(fd, &len);
    *out = (struct spec){.cwd = "/", .hostname = "guest"};
    *why = "the specification cannot be read";
    if (text == NULL)
        return false;
    for (char *line = text, *next; line < text + len; line = next) {
        next = line + strlen(line) + 1; // add_line cuts the line into pieces
        *why = line;
        if (!add_line(out, line))
            return false;
    }
    *why = "the filter cannot be read";
    if (out->seccomp_fd != 0)
        out->filter = read_all((int)out->seccomp_fd, &out->filter_bytes);
    if (out->seccomp_fd != 0 && out->filter == NULL)
        return false;
    *why = "the specification names no directory, root or command";
    return out->dir != NULL && out->mount_count > 0 && out->arg_count > 0;
}
