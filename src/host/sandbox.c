// Starting sandboxes, and talking to the shims that stand beside them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/line.h"
#include "src/host/program.h"
#include "src/host/sandbox_spec.h"
#include "src/host/tree.h"

enum {
    START_MS_MAX = 10 * 1000,
    ANSWER_MS_MAX = 5 * 1000,
    DIR_BYTES = 4096,
    LOST_RETRY_MS = 5,
    LOST_TRIES = 200,
    ORDER_BYTES_MAX = 64 * 1024,
};

static void
dir_of(const struct host *h, struct str name, char out[DIR_BYTES])
{
    snprintf(out, DIR_BYTES, "%s/sandboxes/" STR_FMT, h->dir, STR_ARG(name));
}

int
sandbox_state_make(const struct host *h, const char *dir, uint32_t ids_row)
{
    static const char *const parts[] = {"", "/upper", "/work"};
    uid_t owner = HOST_IDS_FIRST + ids_row * HOST_IDS_PER_GUEST;
    char path[DIR_BYTES + 8];
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        snprintf(path, sizeof(path), "%s%s", dir, parts[i]);
        if ((mkdir(path, 0755) != 0 && errno != EEXIST) ||
            (h->is_root && lchown(path, owner, owner) != 0))
            return errno == ENOSPC ? E_FULL : E_IO;
    }
    return OK;
}

// The specification as a file in memory.
static int
spec_file(const struct host *h, const struct sandbox_spec *spec, const char *dir, int *out,
          char *problem, size_t problem_size)
{
    struct arena arena;
    struct buf lines;
    arena_init(&arena);
    buf_init(&lines, &arena, 4096);
    int code = sandbox_spec_print(h, spec, dir, &lines, problem, problem_size);
    if (code == OK) {
        *out = memfd_create("c10m-sandbox", MFD_CLOEXEC);
        if (*out < 0 || write(*out, lines.ptr, lines.len) != (ssize_t)lines.len)
            code = E_IO;
    }
    arena_fini(&arena);
    return code;
}

static int
shim_start(struct host *h, const struct sandbox_spec *spec, int spec_fd, struct socket **report)
{
    int report_fd;
    TRY(local_pair(loop_current(), report, &report_fd));
    int fds[] = {spec_fd, report_fd, h->seccomp_fd >= 0 ? h->seccomp_fd : spec_fd, spec->user_fd,
                 spec->net_fd};
    struct spawn spawn = {
        .program_fd = h->shim_fd,
        .name = "c10m-shim",
        .fds = fds,
        .fd_count = spec->net_fd > 0 ? COUNT_OF(fds) : COUNT_OF(fds) - 2,
    };
    int code = spawn_detached(h->runtime, &spawn);
    int error = errno;
    close(report_fd);
    errno = error;
    return code;
}

// What the shim reports: "running PID" or "failed WHY".
static int
report_read(struct socket *report, struct host *h, char *problem, size_t problem_size)
{
    char line[HOST_LINE_BYTES];
    int code = host_line_read(report, deadline_in_ms(h->runtime, START_MS_MAX), line);
    if (code == OK && str_starts(str_of(line), STR("running ")))
        return OK;
    if (code != OK)
        snprintf(line, sizeof(line), "failed its shim said nothing (%s)", code_name(code));
    snprintf(problem, problem_size, "the sandbox did not start: %s", line + strlen("failed "));
    if (code != OK)
        return code == E_TIMEOUT ? E_TIMEOUT : E_IO;
    return str_starts(str_of(line), STR("failed lock: ")) ? E_EXISTS : E_INVALID;
}

int
sandbox_start(struct host *h, const struct sandbox_spec *spec, char *problem, size_t problem_size)
{
    char dir[DIR_BYTES];
    struct socket *report = NULL;
    int spec_fd = -1;
    CHECK(host_name_is_valid(spec->name));
    dir_of(h, spec->name, dir);
    snprintf(problem, problem_size, "the sandbox's folder %s cannot be made", dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return errno == ENOSPC ? E_FULL : E_IO;
    int code = spec_file(h, spec, dir, &spec_fd, problem, problem_size);
    if (code == OK) {
        code = shim_start(h, spec, spec_fd, &report);
        if (code != OK)
            snprintf(problem, problem_size, "the sandbox's shim cannot be started: %s",
                     strerror(errno));
    }
    if (code == OK)
        code = report_read(report, h, problem, problem_size);
    if (report != NULL)
        socket_free(report);
    if (spec_fd >= 0)
        close(spec_fd);
    return code;
}

// Nothing of it has to outlive the machine's next start.
static int
file_put(const char *path, struct str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len;
    if (fd >= 0)
        close(fd);
    return is_written ? OK : errno == ENOSPC ? E_FULL : E_IO;
}

// A request to the shim and its answer. E_NOT_FOUND: there is no shim (any more).
static int
ask(struct host *h, struct str name, struct str request, int64_t deadline_ns,
    char line[HOST_LINE_BYTES])
{
    char dir[DIR_BYTES];
    struct socket *s;
    CHECK(host_name_is_valid(name));
    dir_of(h, name, dir);
    TRY(local_connect(loop_current(), dir, "control", &s));
    int code = socket_write_all(s, &request, 1, deadline_ns);
    if (code == OK)
        code = host_line_read(s, deadline_ns, line);
    socket_free(s);
    return code == E_CLOSED ? E_NOT_FOUND : code;
}

// "exited CODE SIGNAL"
static bool
exit_parse(const char *line, struct sandbox_status *out)
{
    *out = (struct sandbox_status){.state = SANDBOX_EXITED};
    return sscanf(line, "exited %d %d", &out->code, &out->signal) == 2;
}

// Without a shim: what it left says how the guest ended.
static int
status_left(struct host *h, struct str name, struct sandbox_status *out)
{
    char dir[DIR_BYTES], path[DIR_BYTES + 8], line[HOST_LINE_BYTES];
    dir_of(h, name, dir);
    *out = (struct sandbox_status){.state = SANDBOX_ABSENT};
    snprintf(path, sizeof(path), "%s/lock", dir);
    if (access(path, F_OK) != 0)
        return OK;
    snprintf(path, sizeof(path), "%s/exit", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (fd >= 0)
        close(fd);
    line[got > 0 ? got : 0] = '\0';
    if (got <= 0 || !exit_parse(line, out))
        out->state = SANDBOX_LOST;
    return OK;
}

int
sandbox_status_get(struct host *h, struct str name, struct sandbox_status *out)
{
    char line[HOST_LINE_BYTES];
    int code = ask(h, name, STR("status\n"), deadline_in_ms(h->runtime, ANSWER_MS_MAX), line);
    if (code == E_NOT_FOUND)
        return status_left(h, name, out);
    TRY(code);
    *out = (struct sandbox_status){.state = SANDBOX_RUNNING};
    if (sscanf(line, "running %d", &out->pid) == 1 || exit_parse(line, out))
        return OK;
    return E_INVALID;
}

int
sandbox_wait(struct host *h, struct str name, int64_t deadline_ns, struct sandbox_status *out)
{
    char line[HOST_LINE_BYTES];
    int code = ask(h, name, STR("wait\n"), deadline_ns, line);
    if (code == E_NOT_FOUND)
        return status_left(h, name, out);
    TRY(code);
    return exit_parse(line, out) ? OK : E_INVALID;
}

int
sandbox_signal(struct host *h, struct str name, int signal_number)
{
    char request[32], line[HOST_LINE_BYTES];
    snprintf(request, sizeof(request), "signal %d\n", signal_number);
    TRY(ask(h, name, str_of(request), deadline_in_ms(h->runtime, ANSWER_MS_MAX), line));
    return str_eq(str_of(line), STR("ok")) ? OK : E_NOT_FOUND;
}

// Has the shim ended too? It holds its lock until everything is cleared away.
static bool
shim_is_gone(struct host *h, struct str name)
{
    char dir[DIR_BYTES], path[DIR_BYTES + 8];
    dir_of(h, name, dir);
    snprintf(path, sizeof(path), "%s/lock", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_gone = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return is_gone;
}

static int
shim_wait(struct host *h, struct str name)
{
    for (int i = 0; i < LOST_TRIES; i++) {
        if (shim_is_gone(h, name))
            return OK;
        TRY(fiber_sleep_until(deadline_in_ms(h->runtime, LOST_RETRY_MS)));
    }
    return E_TIMEOUT;
}

// What a shim that was killed has left: its guest's processes, and the control groups.
static int
groups_sweep(struct host *h, struct str name)
{
    for (int i = 0; cgroup_sweep(&h->cgroups, h->tag, name) == E_AGAIN; i++) {
        if (i == LOST_TRIES)
            return E_TIMEOUT;
        TRY(fiber_sleep_until(deadline_in_ms(h->runtime, LOST_RETRY_MS)));
    }
    return OK;
}

int
sandbox_stop(struct host *h, struct str name, int64_t grace_ms)
{
    struct sandbox_status status;
    int code = sandbox_signal(h, name, grace_ms > 0 ? SIGTERM : SIGKILL);
    if (code == OK)
        code = sandbox_wait(
            h, name, deadline_in_ms(h->runtime, grace_ms > 0 ? grace_ms : ANSWER_MS_MAX), &status);
    if (code == E_TIMEOUT && grace_ms > 0)
        return sandbox_stop(h, name, 0);
    if (code != OK && code != E_NOT_FOUND)
        return code;
    TRY(shim_wait(h, name));
    return groups_sweep(h, name);
}

int
sandbox_go(struct host *h, struct str name, const struct sandbox_order *o, char *problem,
           size_t problem_size)
{
    char dir[DIR_BYTES], path[DIR_BYTES + 8], line[HOST_LINE_BYTES];
    struct arena arena;
    struct buf texts;
    arena_init(&arena);
    buf_init(&texts, &arena, 1024);
    buf_put_char(&texts, '\0');
    if (str_is_present(o->folder)) {
        buf_print(&texts, "mount=" STR_FMT "\n" STR_FMT, STR_ARG(o->at), STR_ARG(o->folder));
        buf_put_char(&texts, '\0');
    }
    for (size_t i = 0; i < o->env_count; i++) {
        buf_print(&texts, "env=" STR_FMT, STR_ARG(o->env[i]));
        buf_put_char(&texts, '\0');
    }
    dir_of(h, name, dir);
    snprintf(path, sizeof(path), "%s/go", dir);
    snprintf(problem, problem_size, "the sandbox's order cannot be written");
    int code = texts.len > ORDER_BYTES_MAX ? E_LIMIT : file_put(path, buf_str(&texts));
    arena_fini(&arena);
    if (code == OK)
        code = ask(h, name, STR("go\n"), deadline_in_ms(h->runtime, START_MS_MAX), line);
    if (code == OK && !str_eq(str_of(line), STR("ok"))) {
        snprintf(problem, problem_size, "the sandbox's command cannot run: %s", line);
        code = E_INVALID;
    }
    return code;
}

int
sandbox_freeze(struct host *h, struct str name, bool is_frozen)
{
    return cgroup_freeze(&h->cgroups, h->tag, name, is_frozen);
}

static int
file_append(const char *path, struct buf *out)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    int code = fstat(fd, &status) == 0 ? OK : E_IO;
    if (code == OK) {
        char *bytes = buf_reserve(out, (size_t)status.st_size);
        ssize_t got = pread(fd, bytes, (size_t)status.st_size, 0);
        code = got < 0 ? E_IO : OK;
        out->len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return code;
}

int
sandbox_console(struct host *h, struct str name, size_t limit, struct arena *arena, struct str *out)
{
    static const char *const files[] = {"console.old", "console"};
    char dir[DIR_BYTES], path[DIR_BYTES + 16];
    struct buf text;
    int code = E_NOT_FOUND;
    CHECK(host_name_is_valid(name));
    dir_of(h, name, dir);
    buf_init(&text, arena, 4096);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        int one = file_append(path, &text);
        if (one == E_IO)
            return E_IO;
        code = one == OK ? OK : code;
    }
    *out = buf_str(&text);
    if (out->len > limit)
        *out = str_slice(*out, out->len - limit, out->len);
    return code;
}

int
sandbox_remove(struct host *h, struct str name)
{
    char dir[DIR_BYTES];
    CHECK(host_name_is_valid(name));
    dir_of(h, name, dir);
    if (!shim_is_gone(h, name))
        return E_EXISTS;
    TRY(groups_sweep(h, name));
    return tree_remove(h->runtime, dir);
}
