// Requests to a network's holder.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network_ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REQUEST_BYTES = 256 };

void
network_dir(const struct host *h, struct str name, char out[NETWORK_DIR_BYTES])
{
    CHECK(host_name_is_valid(name));
    snprintf(out, NETWORK_DIR_BYTES, "%s/networks/" STR_FMT, h->dir, STR_ARG(name));
}

int
network_say(char *problem, int code, const char *what)
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

int
network_ask(struct host *h, struct str name, struct str line, struct str data, int fd,
            char answer[HOST_LINE_BYTES], char *problem, struct socket **out)
{
    char dir[NETWORK_DIR_BYTES];
    struct socket *s;
    int64_t deadline_ns = deadline_in_ms(h->runtime, NETWORK_ANSWER_MS_MAX);
    network_dir(h, name, dir);
    int code = local_connect(loop_current(), dir, "control", &s);
    if (code != OK)
        return network_say(problem, code, "the network's holder does not run");
    code = send_request(s, line, data, fd, deadline_ns);
    if (code == OK)
        code = host_line_read(s, deadline_ns, answer);
    if (code != OK)
        network_say(problem, code, "the network's holder did not answer");
    else if (str_starts(str_of(answer), STR("error ")))
        code = network_say(problem, E_INVALID, answer + strlen("error "));
    else
        memmove(answer, answer + strlen("ok"), strlen(answer) - strlen("ok") + 1);
    if (code == OK && out != NULL)
        *out = s;
    else
        socket_free(s);
    return code == E_CLOSED ? E_NOT_FOUND : code;
}

int
network_ask_line(struct host *h, struct str name, char *problem, char answer[HOST_LINE_BYTES],
                 const char *format, ...)
{
    char line[REQUEST_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(line))
        return network_say(problem, E_INVALID, "the request is too long");
    return network_ask(h, name, (struct str){line, (size_t)len}, (struct str){0}, -1, answer,
                       problem, NULL);
}

int
network_take_fd(struct host *h, struct str name, const char *answer, int *out, char *problem)
{
    struct network_status status;
    int number;
    TRY(network_status_get(h, name, &status));
    if (!status.is_running || sscanf(answer, " %d", &number) != 1)
        return network_say(problem, E_INVALID, "the network's holder answers what it should not");
    int pid_fd = (int)syscall(SYS_pidfd_open, status.pid, 0U);
    *out = pid_fd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pid_fd, number, 0U);
    int error = errno;
    if (pid_fd >= 0)
        close(pid_fd);
    return *out >= 0 ? OK : network_say(problem, E_IO, strerror(error));
}
