// Requests about what passes: rules, splices, queues, flow records.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/host/holder/elastic.h"
#include "src/host/holder/request.h"

void
do_rules(struct request *r)
{
    unsigned long len;
    char *text = NULL;
    if (parse_number(r->words[1], RULES_BYTES_MAX, &len))
        text = calloc(1, len + 1);
    if (text == NULL || !request_read_rest(r, text, len)) {
        answer_error(r, "the rules");
    } else if (nft_run_cmd_from_buffer(r->holder->nft, text) == 0) {
        answer(r, "ok");
    } else {
        char line[512];
        snprintf(line, sizeof(line), "error %s", nft_ctx_get_error_buffer(r->holder->nft));
        answer(r, line);
    }
    free(text);
}

void
do_splice(struct request *r)
{
    struct in_addr loopback, address, source;
    const char *what = "the request";
    bool is_done = parse_bare_address(r->words[1], &loopback) &&
                   parse_bare_address(r->words[3], &address) &&
                   parse_bare_address(r->words[4], &source) && strlen(r->words[2]) < NAME_BYTES &&
                   elastic_add(r->holder, loopback, r->words[2], address, source, &what);
    answer_done(r, is_done, what);
}

void
do_unsplice(struct request *r)
{
    struct in_addr loopback;
    bool is_done = parse_bare_address(r->words[1], &loopback);
    if (is_done)
        elastic_del(r->holder, loopback);
    answer_done(r, is_done, "the request");
}

void
do_queue(struct request *r)
{
    unsigned long number, delay_us, loss_ppm;
    const char *what = "the request";
    bool is_done =
        parse_number(r->words[1], UINT16_MAX, &number) &&
        parse_number(r->words[2], UINT32_MAX, &delay_us) &&
        parse_number(r->words[3], 1000 * 1000, &loss_ppm) &&
        queue_set(r->holder, (uint16_t)number, (uint32_t)delay_us, (uint32_t)loss_ppm, &what);
    answer_done(r, is_done, what);
}

void
do_unqueue(struct request *r)
{
    unsigned long number;
    bool is_done = parse_number(r->words[1], UINT16_MAX, &number);
    if (is_done)
        queue_end(r->holder, (uint16_t)number);
    answer_done(r, is_done, "the request");
}

void
do_queues(struct request *r)
{
    unsigned long bits;
    bool is_done = parse_number(r->words[1], UINT64_MAX, &bits);
    if (is_done)
        queues_keep(r->holder, bits);
    answer_done(r, is_done, "the request");
}

static bool
send_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

static void
take_flows(struct request *r)
{
    struct flow_list list;
    char line[32];
    if (flows_take(r->holder, &list)) {
        snprintf(line, sizeof(line), "ok %zu", list.count);
        answer(r, line);
        // Whoever reads lines reads in whatever comes with them.
        if (request_read_rest(r, line, 1))
            (void)send_all(r->connection, list.items, list.count * sizeof(*list.items));
    } else {
        answer_error(r, "the flow records");
    }
    free(list.items);
}

void
do_flows(struct request *r)
{
    if (strcmp(r->words[1], "take") == 0) {
        take_flows(r);
        return;
    }
    bool is_done =
        strcmp(r->words[1], "start") == 0 ? flows_start(r->holder) : flows_stop(r->holder);
    answer_done(r, is_done, "the flow records");
}
