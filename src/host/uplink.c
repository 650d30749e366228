// Links networks with the internet, the network of public addresses.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "src/base/digest.h"
#include "src/host/network_ask.h"
#include "src/host/translation.h"

enum { LINK_BYTES = 16, LINK_NAME_HEX = 14, REQUEST_BYTES = 64 };

// The internet's end of a network's link: names of interfaces are short.
static void
link_name(struct str network, char out[LINK_BYTES])
{
    struct sha256 sum = sha256_of(network);
    for (int i = 0; i < LINK_NAME_HEX / 2; i++)
        snprintf(out + 1 + i * 2, 3, "%02x", sum.bytes[i]);
    *out = 'n';
}

static int
link_make(struct host *h, struct str name, const char *link, char *problem)
{
    char answer[HOST_LINE_BYTES], line[REQUEST_BYTES], path[64];
    struct network_status status;
    TRY(network_status_get(h, name, &status));
    if (!status.is_running)
        return network_say(problem, E_NOT_FOUND, "the network's holder does not run");
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", status.pid, status.net_fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return network_say(problem, E_IO, strerror(errno));
    int len = snprintf(line, sizeof(line), "link %s\n", link);
    int code = network_ask(h, NETWORK_INTERNET, (struct str){line, (size_t)len}, (struct str){0},
                           fd, answer, problem, NULL);
    close(fd);
    return code;
}

static int
internet_begin(struct host *h, char *problem)
{
    struct arena arena;
    struct buf rules;
    arena_init(&arena);
    buf_init(&rules, &arena, 0);
    translation_internet_begin(&rules);
    int code = network_rules(h, NETWORK_INTERNET, buf_str(&rules), problem);
    arena_fini(&arena);
    return code;
}

int
network_uplink(struct host *h, struct str name, char *problem)
{
    char answer[HOST_LINE_BYTES], link[LINK_BYTES];
    link_name(name, link);
    TRY(network_start(h, NETWORK_INTERNET, problem));
    TRY(internet_begin(h, problem));
    TRY(link_make(h, name, link, problem));
    return network_ask_line(h, name, problem, answer, "uplink\n");
}

int
network_uplink_del(struct host *h, struct str name, char *problem)
{
    char answer[HOST_LINE_BYTES], link[LINK_BYTES];
    link_name(name, link);
    int code = network_ask_line(h, NETWORK_INTERNET, problem, answer, "unlink %s\n", link);
    return code == E_NOT_FOUND ? OK : code;
}

typedef void bound_fn(const char *link, struct str address, struct buf *out);

static int
bind_address(struct host *h, const char *link, struct str address, bound_fn *fn, char *problem)
{
    struct arena arena;
    struct buf rules;
    arena_init(&arena);
    buf_init(&rules, &arena, 0);
    fn(link, address, &rules);
    int code = network_rules(h, NETWORK_INTERNET, buf_str(&rules), problem);
    arena_fini(&arena);
    return code;
}

int
network_public_add(struct host *h, struct str name, struct str address, char *problem)
{
    char answer[HOST_LINE_BYTES], link[LINK_BYTES];
    link_name(name, link);
    TRY(network_ask_line(h, name, problem, answer, "gateway " STR_FMT "/32\n", STR_ARG(address)));
    TRY(network_ask_line(h, NETWORK_INTERNET, problem, answer, "route " STR_FMT " %s\n",
                         STR_ARG(address), link));
    return bind_address(h, link, address, translation_internet_add, problem);
}

int
network_public_del(struct host *h, struct str name, struct str address, char *problem)
{
    char answer[HOST_LINE_BYTES], link[LINK_BYTES];
    link_name(name, link);
    TRY(network_ask_line(h, NETWORK_INTERNET, problem, answer, "unroute " STR_FMT " %s\n",
                         STR_ARG(address), link));
    TRY(bind_address(h, link, address, translation_internet_del, problem));
    return network_ask_line(h, name, problem, answer, "ungateway " STR_FMT "/32\n",
                            STR_ARG(address));
}
