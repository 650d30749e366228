// The fibers' side of the HTTP client; see client.h.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/client.h"

#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "src/http/client_state.h"
#include "src/http/grammar.h"

enum {
    CONNECTIONS_MAX = 256,
    HOST_CONNECTIONS_MAX = 32,
    IDLE_CONNECTIONS_MAX = 64,
    CONNECT_TIMEOUT_MS = 10 * 1000,
    READ_TIMEOUT_MS = 60 * 1000,
    PIECE_BYTES = 64 * 1024,
};

// -- the upload: a fiber that reads ahead by one piece

static bool
is_wanted(const struct client_exchange *x)
{
    return !x->is_done && x->out_code == OK;
}

static int
pump_pieces(struct client_exchange *x)
{
    size_t n = 1;
    while (n > 0 && is_wanted(x)) {
        TRY(stream_read(x->upload, x->out, PIECE_BYTES, &n));
        x->out_start = 0;
        x->out_end = n;
        x->is_out_done = n == 0;
        client_loop_unpause(x);
        while (x->out_start < x->out_end && is_wanted(x))
            TRY(fiber_park(DEADLINE_NEVER, FIBER_CANCELLABLE));
    }
    return OK;
}

static void
pump(void *arg)
{
    struct client_exchange *x = arg;
    x->out_code = pump_pieces(x);
    if (x->out_code != OK)
        client_loop_unpause(x);
    x->pump = NULL;
    client_exchange_wake(x);
}

static int
start_pump(struct client_exchange *x)
{
    if (x->upload == NULL)
        return OK;
    x->out = malloc(PIECE_BYTES);
    CHECK(x->out != NULL);
    return fiber_start(x->home->loop, "upload", pump, x, &x->pump);
}

static void
stop_pump(struct client_exchange *x)
{
    x->waiter = fiber_self();
    if (x->pump != NULL)
        fiber_cancel(x->pump);
    while (x->pump != NULL)
        CHECK(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE) == OK);
    x->waiter = NULL;
    stream_close(x->upload);
}

// -- the exchange

// What libcurl says of an exchange that failed. What it does not name, the socket did.
static int
code_of(const struct client_exchange *x)
{
    if (x->out_code != OK)
        return x->out_code;
    if (x->is_head_too_large)
        return E_LIMIT;
    switch (x->result) {
    case CURLE_OK:
        return OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return E_INVALID;
    case CURLE_OPERATION_TIMEDOUT:
        return E_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return E_CLOSED;
    default:
        return E_IO;
    }
}

static void
exchange_free(struct client_exchange *x)
{
    x->home->client->curl.slist_free_all(x->lines);
    free(x->in);
    free(x->out);
    free(x);
}

// The handle was given to the loop.
static void
exchange_close(struct stream *stream)
{
    struct client_exchange *x = (struct client_exchange *)stream;
    stop_pump(x);
    client_loop_remove(x);
    exchange_free(x);
}

static int
await(struct client_exchange *x, int64_t deadline_ns)
{
    x->waiter = fiber_self();
    int code = fiber_park(deadline_ns, FIBER_CANCELLABLE);
    x->waiter = NULL;
    return code;
}

static size_t
take_in(struct client_exchange *x, void *out, size_t size)
{
    size_t held = x->in_end - x->in_start, n = held < size ? held : size;
    memcpy(out, x->in + x->in_start, n);
    x->in_start += n;
    if (x->in_start < x->in_end)
        return n;
    x->in_start = x->in_end = 0;
    if (x->is_in_paused)
        client_loop_unpause(x);
    return n;
}

static int
exchange_read(struct stream *stream, void *out, size_t size, size_t *got)
{
    struct client_exchange *x = (struct client_exchange *)stream;
    int64_t deadline_ns = deadline_in_ms(loop_runtime(x->home->loop), x->read_timeout_ms);
    *got = 0;
    while (x->in_start == x->in_end && !x->is_done)
        TRY(await(x, deadline_ns));
    if (x->in_start == x->in_end)
        return code_of(x);
    *got = take_in(x, out, size);
    return OK;
}

// -- the request

static bool
is_all(struct str s, int classes)
{
    return http_skip(s.ptr, s.ptr + s.len, classes) == s.ptr + s.len;
}

// What would let a caller's text become other headers, or another request.
static bool
is_valid(const struct http_client_request *r)
{
    struct str method = str_of(r->method), url = str_of(r->url);
    bool is_url = str_starts(url, STR("http://")) || str_starts(url, STR("https://"));
    if (method.len == 0 || !is_all(method, HTTP_IS_TOKEN) || !is_url ||
        !is_all(url, HTTP_IS_TARGET))
        return false;
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].name.len == 0 || !is_all(r->headers[i].name, HTTP_IS_TOKEN) ||
            !is_all(r->headers[i].value, HTTP_IS_VALUE))
            return false;
    return true;
}

static void
add_line(struct client_exchange *x, const char *line)
{
    x->lines = x->home->client->curl.slist_append(x->lines, line);
    CHECK(x->lines != NULL);
}

// ';' in place of ':' is libcurl's word for a header without a value, ':' alone for none at all.
static void
add_lines(struct client_exchange *x, const struct http_client_request *r)
{
    bool has_type = false;
    for (size_t i = 0; i < r->header_count; i++) {
        const struct header *h = &r->headers[i];
        struct str line = arena_print(x->arena, STR_FMT "%s" STR_FMT, STR_ARG(h->name),
                                      h->value.len > 0 ? ": " : ";", STR_ARG(h->value));
        add_line(x, arena_copy_z(x->arena, line));
        has_type |= str_eq_nocase(h->name, STR("Content-Type"));
    }
    if (!has_type)
        add_line(x, "Content-Type:");
    add_line(x, "Accept:");
}

static void
set_body(struct client_exchange *x, const struct curl *c, const struct http_client_request *r)
{
    if (r->stream != NULL) {
        c->easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
        c->easy_setopt(x->easy, CURLOPT_READFUNCTION, client_on_upload);
        c->easy_setopt(x->easy, CURLOPT_READDATA, x);
        c->easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->stream->length);
    } else if (r->body.len > 0 || strcmp(r->method, "POST") == 0) {
        c->easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        c->easy_setopt(x->easy, CURLOPT_POSTFIELDS, r->body.len > 0 ? r->body.ptr : "");
    } else if (strcmp(r->method, "HEAD") == 0) {
        c->easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    }
    c->easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

// Nothing of the environment counts: no proxies, no .netrc.
static void
set_options(struct client_exchange *x, const struct curl *c)
{
    const struct http_client_options *o = &x->home->client->options;
    c->easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    c->easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    c->easy_setopt(x->easy, CURLOPT_PROXY, "");
    c->easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    c->easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L);
    c->easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->problem);
    c->easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
    c->easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, client_on_header);
    c->easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    c->easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, client_on_body);
    c->easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    c->easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->lines);
    if (o->ca_path != NULL)
        c->easy_setopt(x->easy, CURLOPT_CAINFO, o->ca_path);
}

static struct client_exchange *
exchange_new(struct client_loop *home, struct arena *arena, const struct http_client_request *r)
{
    const struct curl *c = &home->client->curl;
    struct client_exchange *x = calloc(1, sizeof(*x));
    CHECK(x != NULL);
    *x = (struct client_exchange){
        .stream = {.read = exchange_read, .close = exchange_close},
        .home = home,
        .arena = arena,
        .easy = c->easy_init(),
        .length = STREAM_LENGTH_UNKNOWN,
        .read_timeout_ms = r->read_timeout_ms > 0 ? r->read_timeout_ms : READ_TIMEOUT_MS,
        .in = malloc(HTTP_CLIENT_BUFFER_BYTES),
        .upload = r->stream,
    };
    CHECK(x->in != NULL && x->easy != NULL);
    add_lines(x, r);
    set_options(x, c);
    set_body(x, c, r);
    c->easy_setopt(x->easy, CURLOPT_URL, r->url);
    return x;
}

// -- the client

struct loading {
    struct http_client *client;
    int code;
};

static void
load_blocking(void *arg)
{
    struct loading *l = arg;
    struct http_client *c = l->client;
    pthread_mutex_lock(&c->mutex);
    l->code = atomic_load(&c->is_loaded) ? OK : curl_load(&c->curl);
    if (l->code == OK)
        atomic_store(&c->is_loaded, true);
    pthread_mutex_unlock(&c->mutex);
}

static int
load(struct http_client *c)
{
    struct loading l = {.client = c, .code = OK};
    if (!atomic_load(&c->is_loaded))
        pool_run(c->rt, load_blocking, &l);
    return l.code;
}

// The outcome, once there is one: of a head that is complete, whatever happens later.
static int
await_head(struct client_exchange *x, int64_t deadline_ns)
{
    while (!x->is_head_done && !x->is_done)
        TRY(await(x, deadline_ns));
    if (x->is_head_done)
        return OK;
    int code = code_of(x);
    return code == OK ? E_CLOSED : code;
}

static const char *
explain(const struct client_exchange *x, struct arena *arena)
{
    const char *text = x->problem;
    if (*text == 0 && x->is_done)
        text = x->home->client->curl.easy_strerror(x->result);
    return arena_copy_z(arena, str_of(text));
}

int
http_client_send(struct http_client *c, struct arena *arena,
                 const struct http_client_request *request, struct http_client_response *out)
{
    *out = (struct http_client_response){0};
    CHECK(fiber_self() != NULL);
    int code = is_valid(request) ? load(c) : E_INVALID;
    if (code != OK) {
        stream_close(request->stream);
        return code;
    }
    struct client_loop *home = &c->loops[loop_index(loop_current())];
    struct client_exchange *x = exchange_new(home, arena, request);
    client_loop_add(x);
    code = start_pump(x);
    if (code == OK)
        code = await_head(x, request->deadline_ns);
    if (code != OK) {
        out->problem = explain(x, arena);
        exchange_close(&x->stream);
        return code;
    }
    x->stream.length = x->length;
    *out = (struct http_client_response){
        .status = x->status,
        .headers = x->headers,
        .header_count = x->header_count,
        .stream = &x->stream,
    };
    return OK;
}

static void
set_defaults(struct http_client_options *o)
{
    if (o->connections_max == 0)
        o->connections_max = CONNECTIONS_MAX;
    if (o->host_connections_max == 0)
        o->host_connections_max = HOST_CONNECTIONS_MAX;
    if (o->idle_connections_max == 0)
        o->idle_connections_max = IDLE_CONNECTIONS_MAX;
    if (o->connect_timeout_ms == 0)
        o->connect_timeout_ms = CONNECT_TIMEOUT_MS;
}

struct http_client *
http_client_new(struct runtime *rt, const struct http_client_options *options)
{
    struct http_client *c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    c->rt = rt;
    c->options = *options;
    set_defaults(&c->options);
    pthread_mutex_init(&c->mutex, NULL);
    for (int i = 0; i < runtime_loop_count(rt); i++) {
        c->loops[i].client = c;
        c->loops[i].loop = runtime_loop(rt, i);
    }
    return c;
}

struct ending {
    struct client_loop *loop;
    sem_t is_over;
};

static void
end_loop(void *arg)
{
    struct ending *e = arg;
    client_loop_fini(e->loop);
    sem_post(&e->is_over);
}

static void
end_loops_blocking(void *arg)
{
    struct http_client *c = arg;
    struct ending e;
    sem_init(&e.is_over, 0, 0);
    for (int i = 0; i < runtime_loop_count(c->rt); i++) {
        e.loop = &c->loops[i];
        loop_post(e.loop->loop, end_loop, &e);
        while (sem_wait(&e.is_over) != 0)
            continue;
    }
    sem_destroy(&e.is_over);
}

void
http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    if (atomic_load(&c->is_loaded))
        pool_run(c->rt, end_loops_blocking, c);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}
