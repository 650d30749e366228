// What passes through a network: queues that hold it, records that count it.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "src/host/flow_record.h"
#include "src/host/network_ask.h"

int
network_queue_set(struct host *h, struct str name, uint16_t number, uint32_t delay_us,
                  uint32_t loss_ppm, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "queue %u %u %u\n", number, delay_us,
                            loss_ppm);
}

int
network_queue_end(struct host *h, struct str name, uint16_t number, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "unqueue %u\n", number);
}

int
network_queues_keep(struct host *h, struct str name, uint64_t bits, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "queues %llu\n", (unsigned long long)bits);
}

int
network_flows_start(struct host *h, struct str name, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "flows start\n");
}

int
network_flows_stop(struct host *h, struct str name, char *problem)
{
    char answer[HOST_LINE_BYTES];
    return network_ask_line(h, name, problem, answer, "flows stop\n");
}

static int
read_all(struct socket *s, char *out, size_t len, int64_t deadline_ns)
{
    while (len > 0) {
        ptrdiff_t got = socket_read(s, out, len);
        if (got == E_AGAIN) {
            TRY(socket_wait(s, SOCKET_READABLE, deadline_ns));
            continue;
        }
        if (got <= 0)
            return got < 0 ? (int)got : E_CLOSED;
        out += got;
        len -= (size_t)got;
    }
    return OK;
}

int
network_flows_take(struct host *h, struct str name, struct arena *arena, struct flow_record **out,
                   size_t *count, char *problem)
{
    char answer[HOST_LINE_BYTES];
    struct socket *s;
    int64_t deadline_ns = deadline_in_ms(h->runtime, NETWORK_ANSWER_MS_MAX);
    const struct str go = STR("\n");
    size_t number = 0;
    TRY(network_ask(h, name, STR("flows take\n"), (struct str){0}, -1, answer, problem, &s));
    int code = E_INVALID;
    if (sscanf(answer, " %zu", &number) == 1 && number <= (size_t)2 * FLOWS_MAX) {
        *out = arena_alloc_array(arena, number + 1, sizeof(**out));
        code = socket_write_all(s, &go, 1, deadline_ns);
    }
    if (code == OK)
        code = read_all(s, (char *)*out, number * sizeof(**out), deadline_ns);
    socket_free(s);
    if (code != OK)
        return network_say(problem, code, "the network's holder did not tell its flow records");
    *count = number;
    return OK;
}
