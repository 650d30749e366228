// What the load generator sends: signed requests, and what it reads in their answers.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/load.h"

static const char *const OPERATIONS[STEPS] = {"SendMessage", "ReceiveMessage", "DeleteMessage"};

void
requests_init(struct requests *r, enum mode mode, const char *port, const char *queue_url,
              size_t message_bytes)
{
    *r = (struct requests){.mode = mode, .queue_url = queue_url};
    snprintf(r->host, sizeof(r->host), "127.0.0.1:%s", port);
    r->message = malloc(message_bytes + 1);
    CHECK(r->message != NULL);
    memset(r->message, 'm', message_bytes);
    r->message[message_bytes] = 0;
    arena_init(&r->arena);
    arena_init(&r->kept_arena);
}

void
requests_fini(struct requests *r)
{
    arena_fini(&r->arena);
    arena_fini(&r->kept_arena);
    free(r->message);
}

static void
take_date(struct requests *r)
{
    char date[sizeof(r->kept_date)];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &parts);
    if (strcmp(date, r->kept_date) == 0)
        return;
    memcpy(r->kept_date, date, sizeof(date));
    memset(r->kept, 0, sizeof(r->kept));
    arena_reset(&r->kept_arena);
}

static struct str
print_request(struct requests *r, struct str service, struct str target, struct str content_type,
              struct str body)
{
    struct header headers[] = {
        {STR("Content-Type"), content_type},
        {STR("Host"), str_of(r->host)},
        {STR("X-Amz-Date"), str_of(r->kept_date)},
        {STR("X-Amz-Target"), target}, // the last: left out when absent
    };
    struct http_request request = {
        .method = STR("POST"),
        .target = STR("/"),
        .path = STR("/"),
        .headers = headers,
        .header_count = COUNT_OF(headers) - !str_is_present(target),
        .body = body,
        .arena = &r->arena,
    };
    struct str authorization =
        sigv4_authorization(&request, STR("test"), STR("test"), STR("us-east-1"), service);
    struct buf out;
    buf_init(&out, &r->arena, 1024 + body.len);
    buf_put(&out, STR("POST / HTTP/1.1\r\n"));
    for (size_t i = 0; i < request.header_count; i++)
        buf_print(&out, STR_FMT ": " STR_FMT "\r\n", STR_ARG(headers[i].name),
                  STR_ARG(headers[i].value));
    buf_print(&out, "Authorization: " STR_FMT "\r\nContent-Length: %zu\r\n\r\n",
              STR_ARG(authorization), body.len);
    buf_put(&out, body);
    return buf_str(&out);
}

static void
put_send_entry(struct requests *r, struct buf *body)
{
    buf_print(body, ",\"MessageBody\":\"%s\"", r->message);
}

static void
put_entries(struct requests *r, enum step step, const struct str *handles, size_t count,
            struct buf *body)
{
    buf_put(body, STR(",\"Entries\":["));
    for (size_t i = 0; i < count; i++) {
        buf_print(body, "%s{\"Id\":\"%zu\"", i > 0 ? "," : "", i);
        if (step == STEP_SEND)
            put_send_entry(r, body);
        else
            buf_print(body, ",\"ReceiptHandle\":\"" STR_FMT "\"", STR_ARG(handles[i]));
        buf_put_char(body, '}');
    }
    buf_put_char(body, ']');
}

static struct str
print_sqs(struct requests *r, enum step step, const struct str *handles, size_t count)
{
    bool is_batch = r->mode == MODE_BATCH || r->mode == MODE_FILL;
    struct buf body;
    buf_init(&body, &r->arena, 4096);
    buf_print(&body, "{\"QueueUrl\":\"%s\"", r->queue_url);
    if (step == STEP_RECEIVE && is_batch)
        buf_print(&body, ",\"MaxNumberOfMessages\":%d", BATCH_ENTRIES);
    else if (step != STEP_RECEIVE && is_batch)
        put_entries(r, step, handles, step == STEP_SEND ? BATCH_ENTRIES : count, &body);
    else if (step == STEP_SEND)
        put_send_entry(r, &body);
    else if (step == STEP_DELETE)
        buf_print(&body, ",\"ReceiptHandle\":\"" STR_FMT "\"", STR_ARG(handles[0]));
    buf_put_char(&body, '}');
    const char *suffix = is_batch && step != STEP_RECEIVE ? "Batch" : "";
    struct str target = arena_print(&r->arena, "AmazonSQS.%s%s", OPERATIONS[step], suffix);
    return print_request(r, STR("sqs"), target, STR("application/x-amz-json-1.0"), buf_str(&body));
}

static struct str
print_next(struct requests *r, enum step step, const struct str *handles, size_t count)
{
    switch (r->mode) {
    case MODE_BARE:
        return STR("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    case MODE_STS:
        return print_request(r, STR("sts"), (struct str){0},
                             STR("application/x-www-form-urlencoded"),
                             STR("Action=GetCallerIdentity&Version=2011-06-15"));
    default:
        return print_sqs(r, step, handles, count);
    }
}

struct str
request_next(struct requests *r, enum step step, const struct str *handles, size_t handle_count)
{
    arena_reset(&r->arena);
    take_date(r);
    if (handle_count > 0)
        return print_next(r, step, handles, handle_count);
    if (!str_is_present(r->kept[step]))
        r->kept[step] = arena_copy(&r->kept_arena, print_next(r, step, handles, 0));
    return r->kept[step];
}

// Past the name, the colon and spaces, which some servers print.
static char *
value_of(char *at, size_t name_len)
{
    at += name_len;
    while (*at == ':' || *at == ' ')
        at++;
    return *at == '"' ? at + 1 : NULL;
}

size_t
handles_find(char *answer, struct str *out, size_t max)
{
    static const char NAME[] = "\"ReceiptHandle\"";
    size_t count = 0;
    char *at = answer;
    while (count < max && (at = strstr(at, NAME)) != NULL) {
        at = value_of(at, sizeof(NAME) - 1);
        char *end = at == NULL ? NULL : strchr(at, '"');
        if (end == NULL || end - at >= HANDLE_BYTES_MAX)
            break;
        out[count++] = (struct str){at, (size_t)(end - at)};
        at = end;
    }
    return count;
}
