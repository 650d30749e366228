// An engine's folder on the host, and the sandboxes that work in it.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/digest.h"
#include "src/base/encoding.h"
#include "src/host/file.h"
#include "src/host/image.h"
#include "src/host/network.h"
#include "src/host/tree.h"

enum {
    CONSOLE_BYTES = 1 << 20,
    TOOL_WORDS = 400,
    SECRET_BYTES = 16,
    WORK_CALL_MS = 2000, // so long a call waits for it; wishes wait as long
};

int
engine_fail(struct engine_run *r, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->problem, UNIT_PROBLEM_BYTES, format, args);
    va_end(args);
    return code;
}

char *
engine_path(const struct engine_run *r, const char *name)
{
    return arena_copy_z(r->arena, arena_print(r->arena, "%s/%s", r->dir, name));
}

int64_t
engine_owner(const struct engine_run *r)
{
    if (!r->host->is_root)
        return -1;
    return (int64_t)HOST_IDS_FIRST + (int64_t)r->ids_row * HOST_IDS_PER_GUEST + ENGINE_UID;
}

int
engine_folder_make(struct engine_run *r, const char *name)
{
    const char *path = engine_path(r, name);
    int64_t owner = engine_owner(r);
    int code = tree_make(path, 0700);
    if (code == OK && owner >= 0 && chown(path, (uid_t)owner, (gid_t)owner) != 0)
        code = E_IO;
    if (code != OK)
        return engine_fail(r, code, "the engine's folder %s cannot be made: %s", path,
                           strerror(errno));
    return OK;
}

int
engine_file(struct engine_run *r, const char *name, struct str text)
{
    const char *path = arena_copy_z(r->arena, arena_print(r->arena, "%s/etc/%s", r->dir, name));
    struct str old;
    // Most say what they said before, and need not wait for the disk.
    if (file_read(path, text.len, r->arena, &old) == OK && str_eq(old, text))
        return OK;
    int code = file_replace(path, text, 0644);
    if (code != OK)
        return engine_fail(r, code, "the file %s cannot be written: %s", path, strerror(errno));
    return OK;
}

int
engine_open(const struct engine_run *r, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
        .mode = flags & O_CREAT ? 0600 : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };
    int dir = open(r->files, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return -1;
    int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
    int error = errno;
    close(dir);
    errno = error;
    return fd;
}

int
engine_touch(struct engine_run *r, const char *path)
{
    int64_t owner = engine_owner(r);
    int fd = engine_open(r, path, O_WRONLY | O_CREAT);
    bool is_made =
        fd >= 0 && (owner < 0 || fchown(fd, (uid_t)owner, (gid_t)owner) == 0) && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return is_made ? OK : engine_fail(r, E_IO, "%s cannot be made: %s", path, strerror(errno));
}

int
engine_secret(struct engine_run *r, struct str *out)
{
    unsigned char random[SECRET_BYTES];
    char text[2 * SECRET_BYTES];
    const char *path = engine_path(r, "secret");
    int code = file_read(path, sizeof(text), r->arena, out);
    if (code == OK && out->len == sizeof(text))
        return OK;
    random_bytes(r->host->runtime, random, sizeof(random));
    hex_encode(random, sizeof(random), text);
    *out = arena_copy(r->arena, (struct str){text, sizeof(text)});
    code = file_replace(path, *out, 0600);
    return code == OK ? OK : engine_fail(r, code, "%s cannot be written", path);
}

void
engine_arg(struct engine_run *r, struct engine_command *c, const char *format, ...)
{
    va_list args;
    CHECK(c->arg_count < ENGINE_ARGS_MAX);
    va_start(args, format);
    c->args[c->arg_count++] = arena_print_v(r->arena, format, args);
    va_end(args);
}

struct str
engine_sandbox_name(const struct engine_run *r, bool is_tool)
{
    return arena_print(r->arena, "%s-" STR_FMT, is_tool ? "tool" : "engine", STR_ARG(r->name));
}

static int
mounts_make(struct engine_run *r, bool is_tool, struct sandbox_mount out[IMAGE_MOUNTS + 2])
{
    const char *disk = engine_path(r, is_tool ? "tool-disk" : "disk");
    int code = image_mounts(r->host, disk, r->ids_row, r->arena, out);
    if (code != OK)
        return engine_fail(r, code, "the engine's disk cannot be made: %s", strerror(errno));
    out[IMAGE_MOUNTS] = (struct sandbox_mount){
        .kind = SANDBOX_WRITABLE, .at = STR("/engine"), .outside = str_of(r->files)};
    out[IMAGE_MOUNTS + 1] = (struct sandbox_mount){.kind = SANDBOX_READ_ONLY,
                                                   .at = STR("/engine/etc"),
                                                   .outside = str_of(engine_path(r, "etc"))};
    return OK;
}

// Its end of the network, which is another unit's.
static int
network_enter(struct engine_run *r, struct network_fds *out)
{
    *out = (struct network_fds){0};
    if (!str_is_present(r->spec.network))
        return OK;
    if (!host_name_is_valid(r->spec.network) || !host_name_is_valid(r->spec.port))
        return engine_fail(r, E_INVALID, "the name of the engine's network is not valid");
    int code = network_port_open(r->host, r->spec.network, r->spec.port, out, r->problem);
    return code == E_NOT_FOUND ? E_AGAIN : code;
}

int
engine_sandbox_start(struct engine_run *r, const struct engine_command *c, bool is_tool)
{
    struct sandbox_mount mounts[IMAGE_MOUNTS + 2];
    struct network_fds net;
    TRY(mounts_make(r, is_tool, mounts));
    TRY(network_enter(r, &net));
    struct limits limits = r->spec.limits;
    struct stat status;
    limits.io_device = stat(r->dir, &status) == 0 ? status.st_dev : 0;
    struct sandbox_spec spec = {
        .name = engine_sandbox_name(r, is_tool),
        .hostname = r->name,
        .mounts = mounts,
        .mount_count = COUNT_OF(mounts),
        .args = c->args,
        .arg_count = c->arg_count,
        .env = c->env,
        .env_count = c->env_count,
        .cwd = STR("/engine"),
        .uid = ENGINE_UID,
        .gid = ENGINE_UID,
        .ids_row = r->ids_row,
        .rights = SANDBOX_FUNCTION,
        .limits = limits,
        .console_bytes = CONSOLE_BYTES,
        .user_fd = net.user_fd,
        .net_fd = net.net_fd,
    };
    int code = sandbox_start(r->host, &spec, r->problem, UNIT_PROBLEM_BYTES);
    network_fds_close(&net);
    return code;
}

// The last lines of what it printed, in one.
struct str
engine_last_words(struct engine_run *r, bool is_tool)
{
    struct str console = {0};
    if (sandbox_console(r->host, engine_sandbox_name(r, is_tool), TOOL_WORDS, r->arena, &console) !=
        OK)
        return STR("");
    char *text = arena_copy_z(r->arena, console);
    for (size_t i = 0; i < console.len; i++)
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    return str_trim((struct str){text, console.len});
}

static int
tool_end(struct engine_run *r)
{
    struct str name = engine_sandbox_name(r, true);
    TRY(sandbox_stop(r->host, name, 0));
    return sandbox_remove(r->host, name);
}

static int
tool_result(struct engine_run *r, const struct engine_command *c,
            const struct sandbox_status *status)
{
    if (status->state == SANDBOX_EXITED && status->code == 0 && status->signal == 0)
        return OK;
    struct str words = engine_last_words(r, true);
    return engine_fail(r, E_IO, STR_FMT " ended with %d: " STR_FMT, STR_ARG(c->args[0]),
                       status->code, STR_ARG(words));
}

int
engine_tool(struct engine_run *r, const struct engine_command *c, int64_t limit_ms)
{
    struct sandbox_status status = {0};
    // One that an earlier c10m has begun.
    TRY(tool_end(r));
    TRY(engine_sandbox_start(r, c, true));
    int code = sandbox_wait(r->host, engine_sandbox_name(r, true),
                            deadline_in_ms(r->host->runtime, limit_ms), &status);
    if (code == OK)
        code = tool_result(r, c, &status);
    else
        (void)engine_fail(r, code, STR_FMT ": %s", STR_ARG(c->args[0]), code_name(code));
    int ended = tool_end(r);
    return code != OK ? code : ended;
}

// A program that is a step of making the engine, which may take longer than a call: it goes on
// while nobody waits for it, and the next call, or the next c10m, finds it by the file "work".
static struct str
work_digest(struct engine_run *r, const struct engine_command *c)
{
    struct buf text;
    buf_init(&text, r->arena, 1024);
    for (size_t i = 0; i < c->arg_count; i++)
        buf_print(&text, STR_FMT "%c", STR_ARG(c->args[i]), '\0');
    for (size_t i = 0; i < c->env_count; i++)
        buf_print(&text, STR_FMT "%c", STR_ARG(c->env[i]), '\0');
    struct sha256 digest = sha256_of(buf_str(&text));
    char hex[2 * sizeof(digest.bytes)];
    hex_encode(digest.bytes, sizeof(digest.bytes), hex);
    return arena_copy(r->arena, (struct str){hex, sizeof(hex)});
}

bool
engine_has_work(struct engine_run *r)
{
    return access(engine_path(r, "work"), F_OK) == 0;
}

int
engine_work_drop(struct engine_run *r)
{
    int code = tool_end(r);
    if (code != OK)
        return engine_fail(r, code, "what made its copy cannot be ended: %s", code_name(code));
    if (engine_has_work(r) && unlink(engine_path(r, "work")) != 0)
        return engine_fail(r, E_IO, "%s: %s", engine_path(r, "work"), strerror(errno));
    return OK;
}

static int
work_begin(struct engine_run *r, const struct engine_command *c, struct str digest)
{
    TRY(engine_work_drop(r));
    TRY(engine_data_clear(r));
    if (file_replace(engine_path(r, "work"), digest, 0600) != OK)
        return engine_fail(r, E_IO, "%s cannot be written", engine_path(r, "work"));
    return engine_sandbox_start(r, c, true);
}

int
engine_work(struct engine_run *r, const struct engine_command *c, const char *what)
{
    struct sandbox_status status;
    struct str noted = {0}, digest = work_digest(r, c), name = engine_sandbox_name(r, true);
    (void)!file_read(engine_path(r, "work"), 2 * SHA256_BYTES, r->arena, &noted);
    int code = sandbox_status_get(r->host, name, &status);
    if (code != OK)
        return engine_fail(r, code, "%s does not say how it is", what);
    if (!str_eq(noted, digest) || status.state == SANDBOX_ABSENT || status.state == SANDBOX_LOST)
        TRY(work_begin(r, c, digest));
    code = sandbox_wait(r->host, name, deadline_in_ms(r->host->runtime, WORK_CALL_MS), &status);
    if (code == E_TIMEOUT)
        return engine_fail(r, E_AGAIN, "%s is being made", what);
    if (code != OK) // this call has to end, the work has not
        return engine_fail(r, code, "%s: %s", what, code_name(code));
    code = tool_result(r, c, &status);
    int dropped = engine_work_drop(r);
    return code != OK ? code : dropped;
}

int
engine_data_clear(struct engine_run *r)
{
    int code = tree_remove(r->host->runtime, r->files);
    if (code != OK)
        return engine_fail(r, code, "%s cannot be removed", r->files);
    TRY(engine_folder_make(r, "files"));
    TRY(engine_folder_make(r, "files/run"));
    TRY(engine_folder_make(r, "files/etc")); // the place of a mount
    return engine_folder_make(r, "files/data");
}

// A copy that is on disk before it is seen under its name, unless there is one by now.
static int
copy_keep(struct engine_run *r, const char *from, const char *to)
{
    char *fresh = engine_path(r, "template.new");
    const struct tree_clone copy = {.from = from, .to = fresh, .uid = -1, .gid = -1};
    TRY(tree_remove(r->host->runtime, fresh));
    TRY(tree_clone(r->host->runtime, &copy));
    TRY(tree_sync(r->host->runtime, fresh));
    if (rename(fresh, to) == 0)
        return OK;
    return errno == EEXIST || errno == ENOTEMPTY ? tree_remove(r->host->runtime, fresh) : E_IO;
}

static char *
template_path(struct engine_run *r, const char *name, const char *end)
{
    return arena_copy_z(r->arena,
                        arena_print(r->arena, "%s/templates/%s%s", r->host->dir, name, end));
}

// The spare copy, or one that is made now.
static int
template_take(struct engine_run *r, const char *name)
{
    int64_t owner = engine_owner(r);
    const struct tree_clone copy = {.from = template_path(r, name, ""),
                                    .to = engine_path(r, "files/data"),
                                    .uid = owner,
                                    .gid = owner};
    if (rmdir(copy.to) != 0)
        return E_IO;
    if (rename(template_path(r, name, ".spare"), copy.to) == 0)
        return owner < 0 ? OK : tree_own(r->host->runtime, copy.to, owner);
    TRY(tree_clone(r->host->runtime, &copy));
    return tree_sync(r->host->runtime, r->dir);
}

int
engine_template(struct engine_run *r, const char *name, int (*fill)(struct engine_run *r))
{
    char *template = template_path(r, name, "");
    int code = tree_make(template_path(r, "", ""), 0700);
    if (code == OK && access(template, F_OK) != 0) {
        TRY(fill(r)); // E_AGAIN: comes again
        code = copy_keep(r, engine_path(r, "files/data"), template);
    } else if (code == OK) {
        TRY(engine_work_drop(r)); // another engine was sooner
        TRY(engine_data_clear(r));
        code = template_take(r, name);
    }
    if (code != OK)
        return engine_fail(r, code, "the template %s cannot be used: %s", template,
                           strerror(errno));
    return OK;
}

void
engine_spare_make(struct engine_run *r, const char *name)
{
    char *template = template_path(r, name, ""), *spare = template_path(r, name, ".spare");
    if (access(template, F_OK) != 0 || access(spare, F_OK) == 0)
        return;
    int lock = open(template_path(r, name, ".lock"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    // One of the engines of that kind makes it.
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0 && access(spare, F_OK) != 0 &&
        copy_keep(r, template, spare) != OK)
        log_event(r->host->log, LOG_WARN, "engine_spare_failed", "template=%s", name);
    if (lock >= 0)
        close(lock);
}
