// A sandbox's specification as its shim reads it.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/sandbox_spec.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>

enum { TEXT_BYTES_MAX = 128 * 1024 };

// What root of a guest may do inside. Not among them: mounting (it could uncover what we covered),
// making devices, and its network's addresses, which are the network's.
static const int guest_caps[] = {
    CAP_CHOWN,      CAP_DAC_OVERRIDE,     CAP_DAC_READ_SEARCH, CAP_FOWNER,      CAP_FSETID,
    CAP_KILL,       CAP_SETGID,           CAP_SETUID,          CAP_SETPCAP,     CAP_SETFCAP,
    CAP_SYS_CHROOT, CAP_NET_BIND_SERVICE, CAP_NET_RAW,         CAP_AUDIT_WRITE, CAP_SYS_PTRACE,
    CAP_SYS_NICE,   CAP_IPC_LOCK,         CAP_LEASE,
};

static uint64_t
caps_of(enum sandbox_rights rights)
{
    uint64_t caps = 0;
    for (size_t i = 0; rights == SANDBOX_GUEST && i < COUNT_OF(guest_caps); i++)
        caps |= UINT64_C(1) << guest_caps[i];
    return caps;
}

static bool
is_clean(struct str text)
{
    return str_is_present(text) && text.len <= TEXT_BYTES_MAX && str_find_char(text, '\0') < 0;
}

static bool
is_path(struct str path)
{
    return is_clean(path) && path.len > 0 && path.len <= SANDBOX_PATH_MAX && path.ptr[0] == '/' &&
           str_find_char(path, '\n') < 0;
}

static void
put_text(struct buf *out, const char *key, struct str value)
{
    buf_print(out, "%s=" STR_FMT, key, STR_ARG(value));
    buf_put_char(out, '\0');
}

static void
put_number(struct buf *out, const char *key, uint64_t value)
{
    buf_print(out, "%s=%" PRIu64, key, value);
    buf_put_char(out, '\0');
}

// A folder of the host, or a name on the disk.
static bool
is_state(const struct sandbox_mount *m, bool has_disk)
{
    return m->kind != SANDBOX_OVERLAY ||
           (has_disk ? host_name_is_valid(m->state) : is_path(m->state));
}

static bool
put_mount(const struct sandbox_mount *m, bool has_disk, struct buf *out)
{
    static const char *const keys[] = {
        [SANDBOX_READ_ONLY] = "bind_read_only",
        [SANDBOX_WRITABLE] = "bind",
        [SANDBOX_OVERLAY] = "overlay",
        [SANDBOX_TMPFS] = "tmpfs",
        [SANDBOX_SHELF] = "shelf",
    };
    if (!is_path(m->at) || (m->kind != SANDBOX_TMPFS && !is_path(m->outside)) ||
        !is_state(m, has_disk))
        return false;
    buf_print(out, "%s=" STR_FMT "\n", keys[m->kind], STR_ARG(m->at));
    if (m->kind == SANDBOX_TMPFS)
        buf_print(out, "%" PRIu64, m->bytes_max);
    else
        buf_put(out, m->outside);
    if (m->kind == SANDBOX_OVERLAY)
        buf_print(out, "\n" STR_FMT, STR_ARG(m->state));
    buf_put_char(out, '\0');
    return true;
}

static bool
put_list(const char *key, const struct str *items, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_clean(items[i]))
            return false;
        put_text(out, key, items[i]);
    }
    return true;
}

static int
refuse(char *problem, size_t problem_size, const char *what)
{
    snprintf(problem, problem_size, "the sandbox's %s cannot be used", what);
    return E_INVALID;
}

static void
put_numbers(const struct host *h, const struct sandbox_spec *s, struct buf *out)
{
    uint64_t cpus = (s->limits.cpu_millis + 999) / 1000;
    put_number(out, "uid", s->uid);
    put_number(out, "gid", s->gid);
    put_number(out, "caps", caps_of(s->rights));
    put_number(out, "no_new_privs", s->rights == SANDBOX_FUNCTION);
    put_number(out, "init", !s->is_init_given);
    put_number(out, "held", s->is_held);
    put_number(out, "memory_bytes", s->limits.memory_bytes);
    put_number(out, "cpus", cpus);
    put_number(out, "console_bytes", s->console_bytes);
    put_number(out, "own_network", s->net_fd <= 0);
    if (h->seccomp_fd >= 0)
        put_number(out, "seccomp_fd", SHIM_SECCOMP_FD);
    if (s->user_fd > 0)
        put_number(out, "user_fd", SHIM_USER_FD);
    if (s->net_fd > 0)
        put_number(out, "net_fd", SHIM_NET_FD);
    if (h->is_root) {
        buf_print(out, "ids=%u\n%u", HOST_IDS_FIRST + s->ids_row * HOST_IDS_PER_GUEST,
                  HOST_IDS_PER_GUEST);
        buf_put_char(out, '\0');
    }
}

int
sandbox_spec_print(const struct host *h, const struct sandbox_spec *s, const char *dir,
                   struct buf *out, char *problem, size_t problem_size)
{
    if (s->mount_count == 0 || s->mount_count > SANDBOX_MOUNTS_MAX)
        return refuse(problem, problem_size, "number of mounts");
    if (!is_clean(s->hostname))
        return refuse(problem, problem_size, "host name");
    if (s->ids_row >= HOST_GUESTS_MAX)
        return refuse(problem, problem_size, "row of ids");
    if (s->is_held && s->is_init_given)
        return refuse(problem, problem_size, "process 1");
    put_text(out, "dir", str_of(dir));
    put_text(out, "hostname", s->hostname);
    if (str_is_present(s->cwd))
        put_text(out, "cwd", s->cwd);
    if (str_is_present(s->disk) && (!h->is_root || !is_path(s->disk)))
        return refuse(problem, problem_size, "disk");
    if (str_is_present(s->disk))
        put_text(out, "disk", s->disk);
    for (size_t i = 0; i < s->mount_count; i++)
        if (!put_mount(&s->mounts[i], str_is_present(s->disk), out))
            return refuse(problem, problem_size, "mount");
    if (s->arg_count == 0 || !put_list("arg", s->args, s->arg_count, out))
        return refuse(problem, problem_size, "command");
    if (!put_list("env", s->env, s->env_count, out))
        return refuse(problem, problem_size, "environment");
    put_numbers(h, s, out);
    cgroups_print(&h->cgroups, h->tag, s->name, &s->limits, out);
    return OK;
}
