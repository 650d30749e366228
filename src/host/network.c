// Talks to the holders of networks.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/host/line.h"
#include "src/host/program.h"

enum { DIR_BYTES = 4096, ANSWER_MS_MAX = 10 * 1000, REQUEST_BYTES = 256 };

static void
dir_of(const struct host *h, struct str name, char out[DIR_BYTES])
{
    CHECK(host_name_is_valid(name));
    snprintf(out, DIR_BYTES, "%s/networks/" STR_FMT, h->dir, STR_ARG(name));
}

static int
say(char *problem, int code, const char *what)
{
    snprintf(problem, HOST_PROBLEM_BYTES, "%s", what);
    return code;
}

static int
send_request(struct socket *s, struct str line, struct str data, int fd, int64_t deadline_ns)
{
    const struct str parts[] = {line, data};
    if (fd < 0)
        return socket_write_all(s, parts, data.len > 0 ? 2 : 1, deadline_ns);
    TRY(socket_wait(s, SOCKET_WRITABLE, deadline_ns));
    return local_send_fd(s, line, fd);
}

// A request and its answer without "ok ".
static int
ask(struct host *h, struct str name, struct str line, struct str data, int fd,
    char answer[HOST_LINE_BYTES], char *problem)
{
    char dir[DIR_BYTES];
    struct socket *s;
    int64_t deadline_ns = deadline_in_ms(h->runtime, ANSWER_MS_MAX);
    dir_of(h, name, dir);
    int code = local_connect(loop_current(), dir, "control", &s);
    if (code != OK)
        return say(problem, code, "the network's holder does not run");
    code = send_request(s, line, data, fd, deadline_ns);
    if (code == OK)
        code = host_line_read(s, deadline_ns, answer);
    socket_free(s);
    if (code != OK)
        return say(problem, code == E_CLOSED ? E_NOT_FOUND : code,
                   "the network's holder did not answer");
    if (str_starts(str_of(answer), STR("error ")))
        return say(problem, E_INVALID, answer + strlen("error "));
    memmove(answer, answer + strlen("ok"), strlen(answer) - strlen("ok") + 1);
    return OK;
}

static int ask_line(struct host *h, struct str name, char *problem, char answer[HOST_LINE_BYTES],
                    const char *format, ...) PRINTF(5, 6);

static int
ask_line(struct host *h, struct str name, char *problem, char answer[HOST_LINE_BYTES],
         const char *format, ...)
{
    char line[REQUEST_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(line))
        return say(problem, E_INVALID, "the request is too long");
    return ask(h, name, (struct str){line, (size_t)len}, (struct str){0}, -1, answer, problem);
}

static int
holder_start(struct host *h, const char *dir, char *problem)
{
    char line[HOST_LINE_BYTES];
    struct socket *report;
    int report_fd, dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || local_pair(loop_current(), &report, &report_fd) != OK) {
        if (dir_fd >= 0)
            close(dir_fd);
        return say(problem, E_IO, strerror(errno));
    }
    int fds[] = {dir_fd, report_fd};
    struct spawn spawn = {
        .program_fd = h->holder_fd, .name = "c10m-net", .fds = fds, .fd_count = COUNT_OF(fds)};
    int code = spawn_detached(h->runtime, &spawn);
    close(dir_fd);
    close(report_fd);
    if (code == OK)
        code = host_line_read(report, deadline_in_ms(h->runtime, ANSWER_MS_MAX), line);
    socket_free(report);
    if (code != OK)
        return say(problem, code, "the network's holder did not start (is libnftables installed?)");
    if (str_starts(str_of(line), STR("running ")))
        return OK;
    return say(problem, E_INVALID, line);
}

int
network_start(struct host *h, struct str name, char *problem)
{
    char dir[DIR_BYTES];
    struct network_status status;
    TRY(network_status_get(h, name, &status));
    if (status.is_running)
        return OK;
    dir_of(h, name, dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return say(problem, errno == ENOSPC ? E_FULL : E_IO, strerror(errno));
    return holder_start(h, dir, problem);
}

int
network_stop(struct host *h, struct str name, char *problem)
{
    char answer[HOST_LINE_BYTES];
    int code = ask(h, name, STR("end\n"), (struct str){0}, -1, answer, problem);
    return code == E_NOT_FOUND ? OK : code;
}

int
network_status_get(struct host *h, struct str name, struct network_status *out)
{
    char answer[HOST_LINE_BYTES], problem[HOST_PROBLEM_BYTES];
    *out = (struct network_status){0};
    int code = ask(h, name, STR("status\n"), (struct str){0}, -1, answer, problem);
    if (code == E_NOT_FOUND)
        return OK;
    TRY(code);
    out->is_running = sscanf(answer, " pid=%d user=%d net=%d ports=%zu splices=%zu", &out->pid,
                             &out->user_fd, &out->net_fd, &out->ports, &out->splices) == 5;
    return out->is_running ? OK : E_INVALID;
}

int
network_address_add(struct host *h, struct str name, struct str address, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return ask_line(h, name, problem, answer, "gateway " STR_FMT "\n", STR_ARG(address));
}

// A namespace that the holder has open.
static int
namespace_open(int pid, int number)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int
network_port_add(struct host *h, struct str name, const struct network_port *port,
                 struct network_fds *out, char *problem)
{
    char answer[HOST_LINE_BYTES];
    struct network_status status;
    int number;
    if (!host_name_is_valid(port->name) || port->name.len > NETWORK_PORT_NAME_MAX)
        return say(problem, E_INVALID, "the port's name is not valid");
    TRY(ask_line(h, name, problem, answer, "port " STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT "\n",
                 STR_ARG(port->name), STR_ARG(port->address), STR_ARG(port->gateway),
                 STR_ARG(port->mac)));
    TRY(network_status_get(h, name, &status));
    if (!status.is_running || sscanf(answer, " %d", &number) != 1)
        return say(problem, E_INVALID, "the network's holder answers what it should not");
    out->net_fd = namespace_open(status.pid, number);
    out->user_fd = status.user_fd >= 0 ? namespace_open(status.pid, status.user_fd) : 0;
    if (out->net_fd > 0 && out->user_fd >= 0)
        return OK;
    say(problem, E_IO, strerror(errno));
    network_fds_close(out);
    return E_IO;
}

void
network_fds_close(struct network_fds *fds)
{
    if (fds->net_fd > 0)
        close(fds->net_fd);
    if (fds->user_fd > 0)
        close(fds->user_fd);
    *fds = (struct network_fds){0};
}

int
network_port_del(struct host *h, struct str name, struct str port, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return ask_line(h, name, problem, answer, "unport " STR_FMT "\n", STR_ARG(port));
}

int
network_rules(struct host *h, struct str name, struct str commands, char *problem)
{
    char line[REQUEST_BYTES], answer[HOST_LINE_BYTES];
    int len = snprintf(line, sizeof(line), "rules %zu\n", commands.len);
    return ask(h, name, (struct str){line, (size_t)len}, commands, -1, answer, problem);
}

int
network_listen(struct host *h, struct str name, struct str address, uint16_t port, int *out,
               char *problem)
{
    char answer[HOST_LINE_BYTES];
    struct network_status status;
    int number;
    TRY(ask_line(h, name, problem, answer, "listen " STR_FMT " %u\n", STR_ARG(address), port));
    TRY(network_status_get(h, name, &status));
    if (!status.is_running || sscanf(answer, " %d", &number) != 1)
        return say(problem, E_INVALID, "the network's holder answers what it should not");
    int pid_fd = (int)syscall(SYS_pidfd_open, status.pid, 0U);
    *out = pid_fd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pid_fd, number, 0U);
    int error = errno;
    if (pid_fd >= 0)
        close(pid_fd);
    return *out >= 0 ? OK : say(problem, E_IO, strerror(error));
}

int
network_splice_add(struct host *h, struct str name, struct str splice, int listen_fd,
                   struct str address, uint16_t port, struct str source, char *problem)
{
    char line[REQUEST_BYTES], answer[HOST_LINE_BYTES];
    int len = snprintf(line, sizeof(line), "splice " STR_FMT " " STR_FMT " %u " STR_FMT "\n",
                       STR_ARG(splice), STR_ARG(address), port, STR_ARG(source));
    if (len < 0 || (size_t)len >= sizeof(line))
        return say(problem, E_INVALID, "the request is too long");
    return ask(h, name, (struct str){line, (size_t)len}, (struct str){0}, listen_fd, answer,
               problem);
}

int
network_splice_del(struct host *h, struct str name, struct str splice, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return ask_line(h, name, problem, answer, "unsplice " STR_FMT "\n", STR_ARG(splice));
}
