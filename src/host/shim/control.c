// The shim's life beside a running guest: its console, its control socket, its end.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

// Requests are lines, each answered by a line:
//   status     running PID
//   signal N   ok, or error WHY; to process 1
//   go         ok, or error WHY; the order is in the file of that name
//   wait       nothing until the end
// When the guest ends, every connection gets "exited CODE SIGNAL" and is closed.
enum {
    CONNECTIONS_MAX = 8,
    LINE_BYTES_MAX = 64,
    ANSWER_BYTES_MAX = 512,
    CONSOLE_BYTES_DEFAULT = 64 * 1024,
};

struct connection {
    int fd; // -1: free
    char line[LINE_BYTES_MAX];
    size_t len;
};

struct control {
    int listen_fd;
    int console_fd; // read end; -1 once the guest has closed it
    int log_fd;
    size_t log_bytes, log_bytes_max;
    pid_t guest;
    int guest_fd;
    int order_fd; // -1: its command was not held, or runs
    struct connection connections[CONNECTIONS_MAX];
};

// Two files: when the first is full it becomes the second.
static bool
log_open(struct control *c)
{
    c->log_fd = open("console", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat status;
    c->log_bytes = c->log_fd >= 0 && fstat(c->log_fd, &status) == 0 ? (size_t)status.st_size : 0;
    return c->log_fd >= 0;
}

static void
console_read(struct control *c)
{
    char bytes[4096];
    ssize_t got = read(c->console_fd, bytes, sizeof(bytes));
    if (got <= 0) {
        close(c->console_fd);
        c->console_fd = -1;
        return;
    }
    // A console that cannot be kept does not stop the guest.
    ssize_t kept = c->log_fd >= 0 ? write(c->log_fd, bytes, (size_t)got) : -1;
    c->log_bytes += kept > 0 ? (size_t)kept : 0;
    if (c->log_bytes < c->log_bytes_max)
        return;
    close(c->log_fd);
    (void)rename("console", "console.old");
    (void)log_open(c);
}

static bool
socket_open(struct control *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control"};
    unlink("control");
    c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return c->listen_fd >= 0 &&
           bind(c->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           listen(c->listen_fd, CONNECTIONS_MAX) == 0;
}

bool
control_open(const struct spec *s, int console_fd, struct control **out, const char **what)
{
    struct control *c = calloc(1, sizeof(*c));
    *what = "memory";
    if (c == NULL)
        return false;
    c->console_fd = console_fd;
    c->log_bytes_max = s->console_bytes ? s->console_bytes : CONSOLE_BYTES_DEFAULT;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        c->connections[i].fd = -1;
    *out = c;
    *what = "the console's file";
    if (!log_open(c))
        return false;
    *what = "the control socket";
    return socket_open(c);
}

static void
connection_end(struct connection *n)
{
    close(n->fd);
    n->fd = -1;
}

static void
connection_answer(struct connection *n, const char *line)
{
    // Who does not read its answers loses them.
    if (send(n->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        connection_end(n);
}

static const char *
go(struct control *c)
{
    const char *why = c->order_fd < 0 ? "it waits for no order" : order_give(c->order_fd, "go");
    if (c->order_fd >= 0)
        close(c->order_fd);
    c->order_fd = -1;
    return why;
}

static void
request(struct control *c, struct connection *n)
{
    char answer[ANSWER_BYTES_MAX];
    uint64_t number;
    if (strcmp(n->line, "status") == 0)
        snprintf(answer, sizeof(answer), "running %d\n", (int)c->guest);
    else if (strncmp(n->line, "signal ", 7) == 0 && text_to_u64(n->line + 7, &number))
        snprintf(answer, sizeof(answer), "%s\n",
                 kill(c->guest, (int)number) == 0 ? "ok" : "error no such signal");
    else if (strcmp(n->line, "go") == 0) {
        const char *why = go(c);
        snprintf(answer, sizeof(answer), why == NULL ? "ok\n" : "error %.400s\n", why);
    } else if (strcmp(n->line, "wait") == 0)
        return;
    else
        snprintf(answer, sizeof(answer), "error no such request\n");
    connection_answer(n, answer);
}

static void
connection_read(struct control *c, struct connection *n)
{
    ssize_t got = read(n->fd, n->line + n->len, sizeof(n->line) - 1 - n->len);
    if (got <= 0) {
        connection_end(n);
        return;
    }
    n->len += (size_t)got;
    n->line[n->len] = '\0';
    for (char *end; n->fd >= 0 && (end = strchr(n->line, '\n')) != NULL;) {
        *end = '\0';
        request(c, n);
        n->len -= (size_t)(end + 1 - n->line);
        memmove(n->line, end + 1, n->len + 1);
    }
    if (n->fd >= 0 && n->len == sizeof(n->line) - 1)
        connection_end(n);
}

static void
connection_accept(struct control *c)
{
    int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++)
        if (c->connections[i].fd < 0) {
            c->connections[i] = (struct connection){.fd = fd};
            return;
        }
    if (fd >= 0)
        close(fd);
}

static void
file_replace(const char *name, const char *text)
{
    char path[32];
    snprintf(path, sizeof(path), "%s.new", name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    if (is_written)
        (void)rename(path, name);
}

static void
guest_ended(struct control *c)
{
    char line[LINE_BYTES_MAX];
    int status = 0;
    waitpid(c->guest, &status, 0);
    snprintf(line, sizeof(line), "exited %d %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 0,
             WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    file_replace("exit", line);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (c->connections[i].fd >= 0)
            connection_answer(&c->connections[i], line);
}

void
control_serve(struct control *c, pid_t guest, int order_fd)
{
    enum { GUEST, LISTEN, CONSOLE, FIRST_CONNECTION, COUNT = FIRST_CONNECTION + CONNECTIONS_MAX };
    struct pollfd waits[COUNT];
    c->guest = guest;
    c->order_fd = order_fd;
    c->guest_fd = (int)syscall(SYS_pidfd_open, guest, 0U);
    for (bool has_ended = false; !has_ended;) {
        waits[GUEST] = (struct pollfd){c->guest_fd, POLLIN, 0};
        waits[LISTEN] = (struct pollfd){c->listen_fd, POLLIN, 0};
        waits[CONSOLE] = (struct pollfd){c->console_fd, POLLIN, 0};
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            waits[FIRST_CONNECTION + i] = (struct pollfd){c->connections[i].fd, POLLIN, 0};
        if (poll(waits, COUNT, -1) < 0)
            continue;
        if (waits[CONSOLE].revents)
            console_read(c);
        else
            has_ended = waits[GUEST].revents != 0; // what it has said is kept first
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            if (waits[FIRST_CONNECTION + i].revents)
                connection_read(c, &c->connections[i]);
        if (waits[LISTEN].revents)
            connection_accept(c);
    }
    guest_ended(c);
}
