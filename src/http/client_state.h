// The inside of the HTTP client, for the files client*.c only.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "src/http/client.h"
#include "src/http/curl.h"
#include "src/task/timer.h"

// What the requests of one loop share. Its multi handle is only used outside of fibers: libcurl and
// what lies below take more stack than a fiber has.
struct client_loop {
    struct http_client *client;
    struct loop *loop;
    CURLM *multi; // NULL before the first request
    struct timer timer;
};

struct http_client {
    struct runtime *rt;
    struct http_client_options options;
    pthread_mutex_t mutex; // while it is loaded
    atomic_bool is_loaded;
    struct curl curl;
    struct client_loop loops[RUNTIME_LOOPS_MAX];
};

// One request and its response. Belongs to the fiber that asked.
struct client_exchange {
    struct stream stream; // of the response
    struct client_loop *home;
    struct arena *arena; // the caller's; for the head
    CURL *easy;
    struct curl_slist *lines;
    struct fiber *waiter; // who waits for the loop's side, NULL: nobody
    char problem[CURL_ERROR_SIZE];

    int status;
    struct header *headers;
    size_t header_count;
    size_t head_bytes;
    bool is_head_done;
    bool is_head_too_large;
    bool is_done; // no more will come
    bool is_removed;
    CURLcode result; // then
    int64_t length;  // of the body; STREAM_LENGTH_UNKNOWN
    int64_t read_timeout_ms;

    char *in; // of the body, not read yet: [in_start, in_end)
    size_t in_start, in_end;
    bool is_in_paused;

    struct stream *upload; // NULL: none
    struct fiber *pump;    // reads it; NULL: has ended
    char *out;             // of it, not sent yet: [out_start, out_end)
    size_t out_start, out_end;
    bool is_out_paused;
    bool is_out_done;
    int out_code; // why the upload failed
};

// On the loop of the exchange, from a fiber: the work is done outside of it, soon.
void client_loop_add(struct client_exchange *x);
void client_loop_remove(struct client_exchange *x); // parks until nothing refers to it
void client_loop_unpause(struct client_exchange *x);
// On that loop: closes idle connections and all else.
void client_loop_fini(struct client_loop *l);

// libcurl's callbacks of an exchange.
size_t client_on_header(char *line, size_t one, size_t len, void *exchange);
size_t client_on_body(char *bytes, size_t one, size_t len, void *exchange);
size_t client_on_upload(char *out, size_t one, size_t size, void *exchange);

// Wakes whoever waits for it.
void client_exchange_wake(struct client_exchange *x);
