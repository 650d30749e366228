// Talks to the holders of networks.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/host/network_ask.h"
#include "src/host/program.h"

enum { REQUEST_BYTES = 256, INTERNET_TRIES = 50, INTERNET_TRY_MS = 10 };

// user_fd < 0: the holder makes a user namespace by itself, or needs none.
static int
holder_start(struct host *h, const char *dir, int user_fd, char *problem)
{
    char line[HOST_LINE_BYTES];
    struct socket *report;
    int report_fd, dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || local_pair(loop_current(), &report, &report_fd) != OK) {
        if (dir_fd >= 0)
            close(dir_fd);
        return network_say(problem, E_IO, strerror(errno));
    }
    int fds[] = {dir_fd, report_fd, user_fd};
    struct spawn spawn = {.program_fd = h->holder_fd,
                          .name = "c10m-net",
                          .fds = fds,
                          .fd_count = COUNT_OF(fds) - (user_fd < 0)};
    int code = spawn_detached(h->runtime, &spawn);
    close(dir_fd);
    close(report_fd);
    if (code == OK)
        code = host_line_read(report, deadline_in_ms(h->runtime, NETWORK_ANSWER_MS_MAX), line);
    socket_free(report);
    if (code != OK)
        return network_say(problem, code,
                           "the network's holder did not start (is libnftables installed?)");
    if (str_starts(str_of(line), STR("running ")))
        return OK;
    return network_say(problem, E_INVALID, line);
}

// A namespace that the holder has open.
static int
namespace_open(int pid, int number)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
    return open(path, O_RDONLY | O_CLOEXEC);
}

// Of a user's networks, one that runs.
static bool
any_network_find(struct host *h, struct network_status *out)
{
    char path[NETWORK_DIR_BYTES];
    struct dirent *e;
    bool is_found = false;
    snprintf(path, sizeof(path), "%s/networks", h->dir);
    DIR *d = opendir(path);
    while (d != NULL && !is_found && (e = readdir(d)) != NULL) {
        struct str name = str_of(e->d_name);
        is_found = host_name_is_valid(name) && !str_eq(name, NETWORK_INTERNET) &&
                   network_status_get(h, name, out) == OK && out->is_running;
    }
    if (d != NULL)
        closedir(d);
    return is_found;
}

// Of the network that runs: an ordinary user's share one.
static int
user_namespace_open(const struct network_status *status, int *out, char *problem)
{
    *out = status->is_running && status->user_fd >= 0 ? namespace_open(status->pid, status->user_fd)
                                                      : -1;
    return *out < 0 ? network_say(problem, E_IO, "the networks' user namespace cannot be opened")
                    : OK;
}

// Another fiber may be starting it.
static int
internet_find(struct host *h, struct network_status *out, char *problem)
{
    int code = E_AGAIN;
    for (int i = 0; i < INTERNET_TRIES && code != OK; i++) {
        code = network_start(h, NETWORK_INTERNET, problem);
        if (code != OK)
            TRY(fiber_sleep_until(deadline_in_ms(h->runtime, INTERNET_TRY_MS)));
    }
    TRY(code);
    return network_status_get(h, NETWORK_INTERNET, out);
}

// *out -1: the holder makes one by itself, or needs none.
static int
user_namespace_get(struct host *h, struct str name, int *out, char *problem)
{
    struct network_status status;
    bool is_first = str_eq(name, NETWORK_INTERNET);
    *out = -1;
    if (h->is_root || (is_first && !any_network_find(h, &status)))
        return OK;
    if (!is_first)
        TRY(internet_find(h, &status, problem));
    return user_namespace_open(&status, out, problem);
}

int
network_start(struct host *h, struct str name, char *problem)
{
    char dir[NETWORK_DIR_BYTES];
    struct network_status status;
    int user_fd;
    TRY(network_status_get(h, name, &status));
    if (status.is_running)
        return OK;
    network_dir(h, name, dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return network_say(problem, errno == ENOSPC ? E_FULL : E_IO, strerror(errno));
    TRY(user_namespace_get(h, name, &user_fd, problem));
    int code = holder_start(h, dir, user_fd, problem);
    if (user_fd >= 0)
        close(user_fd);
    return code;
}

static int
holder_end(struct host *h, struct str name, char *problem)
{
    char answer[HOST_LINE_BYTES];
    int code = network_ask(h, name, STR("end\n"), (struct str){0}, -1, answer, problem, NULL);
    return code == E_NOT_FOUND ? OK : code;
}

int
network_stop(struct host *h, struct str name, char *problem)
{
    struct network_status status;
    TRY(holder_end(h, name, problem));
    if (str_eq(name, NETWORK_INTERNET) || any_network_find(h, &status))
        return OK;
    return holder_end(h, NETWORK_INTERNET, problem);
}

int
network_status_get(struct host *h, struct str name, struct network_status *out)
{
    char answer[HOST_LINE_BYTES], problem[HOST_PROBLEM_BYTES];
    *out = (struct network_status){0};
    int code = network_ask(h, name, STR("status\n"), (struct str){0}, -1, answer, problem, NULL);
    if (code == E_NOT_FOUND)
        return OK;
    TRY(code);
    out->is_running =
        sscanf(answer, " pid=%d user=%d net=%d ports=%zu splices=%zu refused=%zu", &out->pid,
               &out->user_fd, &out->net_fd, &out->ports, &out->splices, &out->refused) == 6;
    return out->is_running ? OK : E_INVALID;
}

int
network_address_add(struct host *h, struct str name, struct str address, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "gateway " STR_FMT "\n", STR_ARG(address));
}

int
network_address_del(struct host *h, struct str name, struct str address, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "ungateway " STR_FMT "\n", STR_ARG(address));
}

// The namespaces of a port whose number the holder has answered.
static int
port_open(struct host *h, struct str name, const char *answer, struct network_fds *out,
          char *problem)
{
    struct network_status status;
    int number;
    TRY(network_status_get(h, name, &status));
    if (!status.is_running || sscanf(answer, " %d", &number) != 1)
        return network_say(problem, E_INVALID, "the network's holder answers what it should not");
    out->net_fd = namespace_open(status.pid, number);
    out->user_fd = status.user_fd >= 0 ? namespace_open(status.pid, status.user_fd) : 0;
    if (out->net_fd > 0 && out->user_fd >= 0)
        return OK;
    network_say(problem, E_IO, strerror(errno));
    network_fds_close(out);
    return E_IO;
}

int
network_port_add(struct host *h, struct str name, const struct network_port *port,
                 struct network_fds *out, char *problem)
{
    char answer[HOST_LINE_BYTES];
    if (!host_name_is_valid(port->name) || port->name.len > NETWORK_PORT_NAME_MAX)
        return network_say(problem, E_INVALID, "the port's name is not valid");
    TRY(network_ask_line(
        h, name, problem, answer, "port " STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT "\n",
        STR_ARG(port->name), STR_ARG(port->address), STR_ARG(port->gateway), STR_ARG(port->mac)));
    return port_open(h, name, answer, out, problem);
}

int
network_port_open(struct host *h, struct str name, struct str port, struct network_fds *out,
                  char *problem)
{
    char answer[HOST_LINE_BYTES];
    int code = network_ask_line(h, name, problem, answer, "find " STR_FMT "\n", STR_ARG(port));
    if (code != OK)
        return code == E_INVALID ? E_NOT_FOUND : code;
    return port_open(h, name, answer, out, problem);
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
    return network_ask_line(h, name, problem, answer, "unport " STR_FMT "\n", STR_ARG(port));
}

int
network_rules(struct host *h, struct str name, struct str commands, char *problem)
{
    char line[REQUEST_BYTES], answer[HOST_LINE_BYTES];
    int len = snprintf(line, sizeof(line), "rules %zu\n", commands.len);
    return network_ask(h, name, (struct str){line, (size_t)len}, commands, -1, answer, problem,
                       NULL);
}

int
network_listen(struct host *h, struct str name, struct str address, uint16_t port, int *out,
               char *problem)
{
    char answer[HOST_LINE_BYTES];
    TRY(network_ask_line(h, name, problem, answer, "listen " STR_FMT " %u\n", STR_ARG(address),
                         port));
    return network_take_fd(h, name, answer, out, problem);
}

int
network_datagram(struct host *h, struct str name, struct str address, uint16_t port, int *out,
                 char *problem)
{
    char answer[HOST_LINE_BYTES];
    TRY(network_ask_line(h, name, problem, answer, "datagram " STR_FMT " %u\n", STR_ARG(address),
                         port));
    return network_take_fd(h, name, answer, out, problem);
}

int
network_splice_add(struct host *h, struct str name, struct str loopback, struct str port,
                   struct str port_address, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer,
                            "splice " STR_FMT " " STR_FMT " " STR_FMT " %s\n", STR_ARG(loopback),
                            STR_ARG(port), STR_ARG(port_address), NETWORK_SPLICE_SOURCE);
}

int
network_splice_del(struct host *h, struct str name, struct str loopback, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "unsplice " STR_FMT "\n", STR_ARG(loopback));
}
