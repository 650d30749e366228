// A load generator that signs, with a closed loop (each connection goes on when its answer came) or
// an open one (requests are due at a rate, whatever the server does; time counts from when they
// were due).
// SPDX-License-Identifier: Apache-2.0

// load MODE PORT CONNECTIONS SECONDS QUEUE-URL RATE MESSAGE-BYTES prints one JSON object. RATE 0: a
// closed loop. Mode fill sends SECONDS messages instead.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load.h"

enum {
    CONNECTIONS_MAX = 1024,
    ANSWER_BYTES_MAX = 64 * 1024,
    LATENCY_US_MAX = 4000000,
    FILL_SECONDS_MAX = 1800,
};

struct connection {
    int fd;
    enum step step; // of the request under way
    bool is_busy;
    int64_t due_us; // when its request was due
    size_t answer_len;
    struct str handles[BATCH_ENTRIES]; // into the answer
    size_t handle_count;
    char answer[ANSWER_BYTES_MAX];
};

struct load {
    struct requests requests;
    enum mode mode;
    int poller;
    double interval_us; // of an open loop; 0: a closed one
    double next_us;     // when the next request is due
    uint64_t messages_max;
    struct connection *idle[CONNECTIONS_MAX];
    size_t idle_count;
    uint64_t answers;
    uint64_t cycles; // messages that were sent, received and deleted
    uint64_t empty;  // receives that gave nothing
    uint64_t errors;
    uint32_t *latencies; // how many took so many microseconds
};

static int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
send_all(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0)
            fail("load: send");
        bytes = str_slice(bytes, (size_t)sent, bytes.len);
    }
}

static void
send_next(struct load *load, struct connection *c, int64_t due_us)
{
    bool shows_handles = c->step == STEP_DELETE;
    struct str request =
        request_next(&load->requests, c->step, c->handles, shows_handles ? c->handle_count : 0);
    c->answer_len = 0;
    c->due_us = due_us;
    c->is_busy = true;
    send_all(c->fd, request);
}

// Whether an answer in chunks has come to its end.
static bool
has_last_chunk(const struct connection *c)
{
    return c->answer_len >= 5 && memcmp(c->answer + c->answer_len - 5, "0\r\n\r\n", 5) == 0;
}

static bool
is_complete(struct connection *c)
{
    c->answer[c->answer_len] = 0;
    char *end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return false;
    char *length = strcasestr(c->answer, "\r\ncontent-length:");
    if (length == NULL || length > end)
        return has_last_chunk(c);
    size_t bytes = (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
    return c->answer_len >= bytes;
}

static void
step_on(struct load *load, struct connection *c)
{
    switch (c->step) {
    case STEP_SEND:
        if (load->mode == MODE_SQS || load->mode == MODE_BATCH)
            c->step = STEP_RECEIVE;
        break;
    case STEP_RECEIVE:
        c->handle_count =
            handles_find(c->answer, c->handles, load->mode == MODE_BATCH ? BATCH_ENTRIES : 1);
        if (c->handle_count > 0)
            c->step = STEP_DELETE;
        else
            load->empty++; // asks again
        break;
    default:
        load->cycles += c->handle_count;
        c->step = STEP_SEND;
        break;
    }
}

static void
count_answer(struct load *load, struct connection *c)
{
    int64_t took_us = now_us() - c->due_us;
    load->latencies[took_us < LATENCY_US_MAX ? took_us : LATENCY_US_MAX]++;
    load->answers++;
    if (strncmp(c->answer, "HTTP/1.1 200", 12) == 0)
        return;
    if (load->errors++ == 0)
        fprintf(stderr, "load: %.300s\n", c->answer);
}

static void
read_answer(struct load *load, struct connection *c)
{
    size_t room = sizeof(c->answer) - 1 - c->answer_len;
    ssize_t got = recv(c->fd, c->answer + c->answer_len, room, 0);
    if (got <= 0) {
        fprintf(stderr, "load: the server closed a connection\n");
        exit(1);
    }
    c->answer_len += (size_t)got;
    if (!is_complete(c))
        return;
    count_answer(load, c);
    c->is_busy = false;
    step_on(load, c);
    if (load->interval_us > 0)
        load->idle[load->idle_count++] = c;
    else
        send_next(load, c, now_us());
}

static void
connection_open(struct load *load, struct connection *c, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail("load: connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(load->poller, EPOLL_CTL_ADD, c->fd, &event) != 0)
        fail("load: epoll_ctl");
    if (load->interval_us > 0)
        load->idle[load->idle_count++] = c;
    else
        send_next(load, c, now_us());
}

// Sends what is due and finds an idle connection; the rest waits, and its time counts.
static void
send_due(struct load *load)
{
    int64_t now = now_us();
    while (load->interval_us > 0 && load->idle_count > 0 && load->next_us <= (double)now) {
        send_next(load, load->idle[--load->idle_count], (int64_t)load->next_us);
        load->next_us += load->interval_us;
    }
}

static bool
is_filled(const struct load *load)
{
    return load->messages_max > 0 && load->answers * BATCH_ENTRIES >= load->messages_max;
}

static void
run_until(struct load *load, int64_t deadline_us)
{
    while (now_us() < deadline_us && !is_filled(load)) {
        struct epoll_event events[64];
        send_due(load);
        // An open loop keeps its core busy, so that nothing is sent late.
        int wait_ms = load->interval_us > 0 ? 0 : 100;
        int count = epoll_wait(load->poller, events, COUNT_OF(events), wait_ms);
        for (int i = 0; i < count; i++)
            read_answer(load, events[i].data.ptr);
    }
}

static int
latency_us(const struct load *load, double part)
{
    uint64_t wanted = (uint64_t)((double)load->answers * part);
    uint64_t seen = 0;
    for (int us = 0; us <= LATENCY_US_MAX; us++) {
        seen += load->latencies[us];
        if (seen > wanted)
            return us;
    }
    return LATENCY_US_MAX;
}

static enum mode
parse_mode(const char *word)
{
    static const char *const NAMES[] = {"bare", "sts", "sqs", "batch", "send", "fill"};
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        if (strcmp(word, NAMES[i]) == 0)
            return (enum mode)i;
    fprintf(stderr, "load: there is no mode %s\n", word);
    exit(2);
}

static void
print_result(const struct load *load, double seconds)
{
    printf("{\"requests\":%llu,\"cycles\":%llu,\"empty\":%llu,\"errors\":%llu,\"seconds\":%.3f,"
           "\"p50_us\":%d,\"p99_us\":%d,\"p999_us\":%d}\n",
           (unsigned long long)load->answers, (unsigned long long)load->cycles,
           (unsigned long long)load->empty, (unsigned long long)load->errors, seconds,
           latency_us(load, 0.5), latency_us(load, 0.99), latency_us(load, 0.999));
}

static int
run(struct load *load, char **arguments)
{
    struct connection *connections = calloc(CONNECTIONS_MAX, sizeof(*connections));
    size_t count = strtoul(arguments[3], NULL, 10);
    double seconds = strtod(arguments[4], NULL), rate = strtod(arguments[6], NULL);
    CHECK(connections != NULL && count > 0 && count <= CONNECTIONS_MAX);
    load->mode = parse_mode(arguments[1]);
    if (load->mode == MODE_FILL) {
        load->messages_max = (uint64_t)seconds;
        seconds = FILL_SECONDS_MAX;
    }
    load->interval_us = rate > 0 ? 1e6 / rate : 0;
    requests_init(&load->requests, load->mode, arguments[2], arguments[5],
                  strtoul(arguments[7], NULL, 10));
    int64_t began_us = now_us();
    load->next_us = (double)began_us;
    for (size_t i = 0; i < count; i++)
        connection_open(load, &connections[i], (uint16_t)strtoul(arguments[2], NULL, 10));
    run_until(load, began_us + (int64_t)(seconds * 1e6));
    print_result(load, (double)(now_us() - began_us) / 1e6);
    requests_fini(&load->requests);
    free(connections);
    return load->errors == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: load bare|sts|sqs|batch|send|fill PORT CONNECTIONS SECONDS "
                        "QUEUE-URL RATE MESSAGE-BYTES\n");
        return 2;
    }
    struct load *load = calloc(1, sizeof(*load));
    CHECK(load != NULL);
    load->latencies = calloc(LATENCY_US_MAX + 1, sizeof(load->latencies[0]));
    CHECK(load->latencies != NULL);
    load->poller = epoll_create1(0);
    int status = run(load, argv);
    free(load->latencies);
    free(load);
    return status;
}
