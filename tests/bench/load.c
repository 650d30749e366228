// A closed-loop load generator: each connection signs a request, waits for its answer, goes on.
// SPDX-License-Identifier: Apache-2.0

// load bare|sts|sqs PORT CONNECTIONS SECONDS [QUEUE-URL] prints one JSON object.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/auth/sigv4.h"

enum {
    CONNECTIONS_MAX = 1024,
    ANSWER_BYTES_MAX = 32768,
    HANDLE_BYTES_MAX = 2048,
    LATENCY_US_MAX = 1000000,
    MESSAGE_BYTES = 100,
};

enum mode { MODE_BARE, MODE_STS, MODE_SQS };
enum step { STEP_SEND, STEP_RECEIVE, STEP_DELETE };

struct connection {
    int fd;
    enum step step; // of the request under way
    int64_t began_us;
    size_t answer_len;
    char answer[ANSWER_BYTES_MAX];
    char handle[HANDLE_BYTES_MAX];
};

struct load {
    enum mode mode;
    const char *queue_url;
    char host[32];
    char message[MESSAGE_BYTES + 1];
    int poller;
    struct arena arena; // of one request
    uint64_t requests;
    uint64_t cycles; // sent, received and deleted
    uint64_t empty;  // receives that gave nothing
    uint64_t errors;
    uint32_t latencies[LATENCY_US_MAX + 1]; // how many took so many microseconds
};

static int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct str
print_date(struct arena *arena)
{
    char *text = arena_alloc_bytes(arena, 17);
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    return (struct str){text, strftime(text, 17, "%Y%m%dT%H%M%SZ", &parts)};
}

static struct str
print_request(struct load *load, struct str service, struct str target, struct str content_type,
              struct str body)
{
    struct header headers[] = {
        {STR("Content-Type"), content_type},
        {STR("Host"), str_of(load->host)},
        {STR("X-Amz-Date"), print_date(&load->arena)},
        {STR("X-Amz-Target"), target}, // the last: left out when absent
    };
    struct http_request request = {
        .method = STR("POST"),
        .target = STR("/"),
        .path = STR("/"),
        .headers = headers,
        .header_count = COUNT_OF(headers) - !str_is_present(target),
        .body = body,
        .arena = &load->arena,
    };
    struct str authorization =
        sigv4_authorization(&request, STR("test"), STR("test"), STR("us-east-1"), service);
    struct buf out;
    buf_init(&out, &load->arena, 1024 + body.len);
    buf_put(&out, STR("POST / HTTP/1.1\r\n"));
    for (size_t i = 0; i < request.header_count; i++)
        buf_print(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(headers[i].name),
                  STR_ARG(headers[i].value));
    buf_print(&out, "Authorization: " STR_FMT "\r\nContent-Length: %zu\r\n\r\n",
              STR_ARG(authorization), body.len);
    buf_put(&out, body);
    return buf_str(&out);
}

static struct str
print_sqs(struct load *load, const struct connection *c)
{
    static const char *const OPERATIONS[] = {"SendMessage", "ReceiveMessage", "DeleteMessage"};
    struct arena *a = &load->arena;
    struct str body;
    if (c->step == STEP_SEND)
        body = arena_print(a, "{\"QueueUrl\":\"%s\",\"MessageBody\":\"%s\"}", load->queue_url,
                           load->message);
    else if (c->step == STEP_RECEIVE)
        body = arena_print(a, "{\"QueueUrl\":\"%s\"}", load->queue_url);
    else
        body = arena_print(a, "{\"QueueUrl\":\"%s\",\"ReceiptHandle\":\"%s\"}", load->queue_url,
                           c->handle);
    struct str target = arena_print(a, "AmazonSQS.%s", OPERATIONS[c->step]);
    return print_request(load, STR("sqs"), target, STR("application/x-amz-json-1.0"), body);
}

static struct str
print_next(struct load *load, const struct connection *c)
{
    switch (load->mode) {
    case MODE_BARE:
        return STR("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    case MODE_STS:
        return print_request(load, STR("sts"), (struct str){0},
                             STR("application/x-www-form-urlencoded"),
                             STR("Action=GetCallerIdentity&Version=2011-06-15"));
    case MODE_SQS:
        break;
    }
    return print_sqs(load, c);
}

static void
send_next(struct load *load, struct connection *c)
{
    arena_reset(&load->arena);
    struct str request = print_next(load, c);
    c->answer_len = 0;
    c->began_us = now_us();
    if (send(c->fd, request.ptr, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        load->errors++;
}

// Bytes of the whole answer, or 0 while it is not complete.
static size_t
answer_bytes(struct connection *c)
{
    c->answer[c->answer_len] = 0;
    char *end = strstr(c->answer, "\r\n\r\n");
    if (end == NULL)
        return 0;
    char *length = strcasestr(c->answer, "\r\ncontent-length:");
    if (length == NULL || length > end)
        return 0;
    size_t bytes = (size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
    return c->answer_len >= bytes ? bytes : 0;
}

// Copies the receipt handle of the only message; false when there is none.
static bool
take_handle(struct connection *c)
{
    static const char MARK[] = "\"ReceiptHandle\":\"";
    char *from = strstr(c->answer, MARK);
    char *to = from == NULL ? NULL : strchr(from + sizeof(MARK) - 1, '"');
    if (to == NULL)
        return false;
    snprintf(c->handle, sizeof(c->handle), "%.*s", (int)(to - from) - (int)sizeof(MARK) + 1,
             from + sizeof(MARK) - 1);
    return true;
}

static void
step_on(struct load *load, struct connection *c)
{
    switch (c->step) {
    case STEP_SEND:
        c->step = STEP_RECEIVE;
        break;
    case STEP_RECEIVE:
        if (take_handle(c))
            c->step = STEP_DELETE;
        else
            load->empty++; // asks again
        break;
    case STEP_DELETE:
        c->step = STEP_SEND;
        load->cycles++;
        break;
    }
}

static void
count_answer(struct load *load, struct connection *c)
{
    int64_t took_us = now_us() - c->began_us;
    load->latencies[took_us < LATENCY_US_MAX ? took_us : LATENCY_US_MAX]++;
    load->requests++;
    if (strncmp(c->answer, "HTTP/1.1 200", 12) == 0)
        return;
    if (load->errors++ == 0)
        fprintf(stderr, "load: %.300s\n", c->answer);
}

static bool
read_answer(struct load *load, struct connection *c)
{
    size_t room = sizeof(c->answer) - 1 - c->answer_len;
    ssize_t got = recv(c->fd, c->answer + c->answer_len, room, 0);
    if (got <= 0)
        return false;
    c->answer_len += (size_t)got;
    if (answer_bytes(c) == 0)
        return true;
    count_answer(load, c);
    if (load->mode == MODE_SQS)
        step_on(load, c);
    send_next(load, c);
    return true;
}

static void
open_connection(struct load *load, struct connection *c, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("load: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(load->poller, EPOLL_CTL_ADD, c->fd, &event) != 0)
        abort();
    send_next(load, c);
}

static void
run_until(struct load *load, int64_t deadline_us)
{
    while (now_us() < deadline_us) {
        struct epoll_event events[64];
        int count = epoll_wait(load->poller, events, COUNT_OF(events), 100);
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (!read_answer(load, c)) {
                fprintf(stderr, "load: the server closed a connection\n");
                exit(1);
            }
        }
    }
}

static int
latency_us(const struct load *load, double part)
{
    uint64_t wanted = (uint64_t)((double)load->requests * part);
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
    if (strcmp(word, "bare") == 0)
        return MODE_BARE;
    return strcmp(word, "sts") == 0 ? MODE_STS : MODE_SQS;
}

int
main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: load bare|sts|sqs PORT CONNECTIONS SECONDS [QUEUE-URL]\n");
        return 2;
    }
    struct load *load = calloc(1, sizeof(*load));
    struct connection *connections = calloc(CONNECTIONS_MAX, sizeof(*connections));
    CHECK(load != NULL && connections != NULL);
    size_t count = strtoul(argv[3], NULL, 10);
    CHECK(count > 0 && count <= CONNECTIONS_MAX);
    load->mode = parse_mode(argv[1]);
    load->queue_url = argc > 5 ? argv[5] : "";
    snprintf(load->host, sizeof(load->host), "127.0.0.1:%s", argv[2]);
    memset(load->message, 'm', MESSAGE_BYTES);
    load->poller = epoll_create1(0);
    arena_init(&load->arena);

    int64_t began_us = now_us();
    for (size_t i = 0; i < count; i++)
        open_connection(load, &connections[i], (uint16_t)strtoul(argv[2], NULL, 10));
    run_until(load, began_us + (int64_t)(strtod(argv[4], NULL) * 1e6));
    double seconds = (double)(now_us() - began_us) / 1e6;
    printf("{\"requests\":%llu,\"cycles\":%llu,\"empty\":%llu,\"errors\":%llu,\"seconds\":%.3f,"
           "\"p50_us\":%d,\"p99_us\":%d}\n",
           (unsigned long long)load->requests, (unsigned long long)load->cycles,
           (unsigned long long)load->empty, (unsigned long long)load->errors, seconds,
           latency_us(load, 0.5), latency_us(load, 0.99));
    int status = load->errors == 0 ? 0 : 1;
    arena_fini(&load->arena);
    free(connections);
    free(load);
    return status;
}
