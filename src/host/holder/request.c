// Answers to requests, and their words.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/holder/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void
answer(struct request *r, const char *text)
{
    char line[1024];
    size_t len = (size_t)snprintf(line, sizeof(line) - 1, "%s", text);
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[len] = '\n';
    (void)send(r->connection, line, len + 1, MSG_NOSIGNAL);
}

void
answer_error(struct request *r, const char *what)
{
    char line[512];
    snprintf(line, sizeof(line), "error %s: %s", what, strerror(errno));
    answer(r, line);
}

void
answer_fd(struct request *r, int fd)
{
    char line[32];
    snprintf(line, sizeof(line), "ok %d", fd);
    answer(r, line);
}

bool
parse_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;
    errno = EINVAL;
    if (*text < '0' || *text > '9')
        return false;
    *out = strtoul(text, &end, 10);
    return *end == '\0' && *out <= max;
}

bool
parse_bare_address(const char *text, struct in_addr *address)
{
    errno = EINVAL;
    return inet_pton(AF_INET, text, address) == 1;
}

bool
parse_address(char *text, struct in_addr *address, unsigned *bits)
{
    unsigned long number = 32;
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (!parse_number(slash + 1, 32, &number))
            return false;
    }
    *bits = (unsigned)number;
    return parse_bare_address(text, address);
}

bool
parse_mac(const char *text, uint8_t mac[6])
{
    int used = 0;
    errno = EINVAL;
    return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3],
                  &mac[4], &mac[5], &used) == 6 &&
           text[used] == '\0';
}

void
answer_done(struct request *r, bool is_done, const char *what)
{
    if (is_done)
        answer(r, "ok");
    else
        answer_error(r, what);
}

bool
request_read_rest(struct request *r, char *out, size_t len)
{
    size_t have = r->rest_len < len ? r->rest_len : len;
    memcpy(out, r->rest, have);
    while (have < len) {
        ssize_t got = recv(r->connection, out + have, len - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}
