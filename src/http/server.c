// Starting and draining the HTTP server over all loops.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/server.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "src/http/connection.h"
#include "src/http/tls.h"
#include "src/task/timer.h"

enum {
    HEAD_TIMEOUT_MS = 30 * 1000,
    IDLE_TIMEOUT_MS = 75 * 1000,
    CONNECTIONS_MAX = 100 * 1000,
};

struct http_server {
    struct runtime *rt;
    struct http_server_options options;
    struct tls *tls;
    struct listener *listener;
    struct http_shared shared;
    int loop_count;
    struct http_loop *loops;
    // Draining; touched on loop 0 only.
    int64_t deadline_ns;
    struct timer deadline;
    int answers_left;
    sem_t is_drained;
};

static void
set_defaults(struct http_server_options *o)
{
    if (o->head_timeout_ms == 0)
        o->head_timeout_ms = HEAD_TIMEOUT_MS;
    if (o->idle_timeout_ms == 0)
        o->idle_timeout_ms = IDLE_TIMEOUT_MS;
    if (o->connections_max == 0)
        o->connections_max = CONNECTIONS_MAX;
}

void
http_server_take(struct http_server *s, struct socket *accepted, void *origin)
{
    http_loop_accept(&s->loops[loop_index(socket_loop(accepted))], accepted, origin);
}

struct dropping {
    struct http_loop *loop;
    const void *origin;
};

static void
drop_on_loop(void *arg)
{
    struct dropping *d = arg;
    http_loop_drop(d->loop, d->origin);
    free(d);
}

void
http_server_drop(struct http_server *s, void *origin)
{
    for (int i = 0; i < s->loop_count; i++) {
        struct dropping *d = malloc(sizeof(*d));
        CHECK(d != NULL);
        *d = (struct dropping){&s->loops[i], origin};
        loop_post(runtime_loop(s->rt, i), drop_on_loop, d);
    }
}

static void
on_accept(void *arg, struct socket *accepted)
{
    http_server_take(arg, accepted, NULL);
}

// On loop 0. Loops answer at the end of all they are asked, and once more when they have drained:
// so with the last answer no loop knows this server any more.
static void
take_answer(void *arg)
{
    struct http_server *s = arg;
    if (--s->answers_left > 0)
        return;
    timer_disarm(&s->deadline);
    sem_post(&s->is_drained);
}

static void
send_answer(void *server)
{
    struct http_server *s = server;
    loop_post(runtime_loop(s->rt, 0), take_answer, s);
}

static void
init_loop(struct http_server *s, int index)
{
    struct http_loop *l = &s->loops[index];
    l->options = &s->options;
    l->loop = runtime_loop(s->rt, index);
    l->tls = s->tls;
    l->on_drained = send_answer;
    l->owner = s;
    l->shared = &s->shared;
    http_loop_init(l);
}

static void
server_release(struct http_server *s)
{
    for (int i = 0; i < s->loop_count; i++)
        http_loop_fini(&s->loops[i]);
    free(s->loops);
    tls_free(s->tls);
    sem_destroy(&s->is_drained);
    free(s);
}

static void
drain_loop(void *arg)
{
    struct http_loop *l = arg;
    http_loop_drain(l);
    send_answer(l->owner);
}

static void
cancel_loop(void *arg)
{
    struct http_loop *l = arg;
    http_loop_cancel(l);
    send_answer(l->owner);
}

static void
post_to_loops(struct http_server *s, void (*fn)(void *http_loop))
{
    s->answers_left += s->loop_count;
    for (int i = 0; i < s->loop_count; i++)
        loop_post(runtime_loop(s->rt, i), fn, &s->loops[i]);
}

static void
on_deadline(void *arg)
{
    post_to_loops(arg, cancel_loop);
}

static void
start_draining(void *arg)
{
    struct http_server *s = arg;
    timer_init(&s->deadline, runtime_loop(s->rt, 0), on_deadline, s);
    timer_arm(&s->deadline, s->deadline_ns);
    s->answers_left = s->loop_count;
    post_to_loops(s, drain_loop);
}

static int
start_serving(struct http_server *s, struct socket_address *address)
{
    const struct http_server_options *o = &s->options;
    if (o->tls)
        TRY(tls_new(s->rt, o->tls, o->log, &s->tls));
    s->loop_count = runtime_loop_count(s->rt);
    s->loops = calloc((size_t)s->loop_count, sizeof(*s->loops));
    CHECK(s->loops != NULL);
    for (int i = 0; i < s->loop_count; i++)
        init_loop(s, i);
    return listener_new(s->rt, address, on_accept, s, &s->listener);
}

int
http_server_new(struct runtime *rt, struct http_server_options *options, struct http_server **out)
{
    struct http_server *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->rt = rt;
    s->options = *options;
    set_defaults(&s->options);
    sem_init(&s->is_drained, 0, 0);
    int code = start_serving(s, &options->address);
    if (code != OK) {
        int error = errno;
        server_release(s);
        errno = error;
        return code;
    }
    *out = s;
    return OK;
}

void
http_server_free(struct http_server *s, int64_t deadline_ns)
{
    if (!s)
        return;
    CHECK(!loop_current());
    atomic_store_explicit(&s->shared.is_ending, true, memory_order_relaxed);
    // Takes every loop through a turn: what clients sent before this call is known when it drains.
    listener_free(s->listener);
    s->deadline_ns = deadline_ns;
    loop_post(runtime_loop(s->rt, 0), start_draining, s);
    while (sem_wait(&s->is_drained) != 0)
        CHECK(errno == EINTR);
    server_release(s);
}

struct tls_work {
    struct tls *tls;
    struct arena *arena;
    struct str *out;
    int code;
};

static void
reload_blocking(void *arg)
{
    struct tls_work *w = arg;
    w->code = tls_reload(w->tls);
}

int
http_server_tls_reload(struct http_server *s)
{
    struct tls_work w = {.tls = s->tls, .code = OK};
    if (s->tls)
        pool_run(s->rt, reload_blocking, &w);
    return w.code;
}

static void
print_ca_blocking(void *arg)
{
    struct tls_work *w = arg;
    w->code = tls_ca_pem(w->tls, w->arena, w->out);
}

int
http_server_ca_get(struct http_server *s, struct arena *arena, struct str *out)
{
    struct tls_work w = {s->tls, arena, out, E_NOT_FOUND};
    if (s->tls)
        pool_run(s->rt, print_ca_blocking, &w);
    return w.code;
}

void
http_server_stats_get(const struct http_server *s, struct http_server_stats *out)
{
    *out = (struct http_server_stats){
        .connections = atomic_load_explicit(&s->shared.connections, memory_order_relaxed)};
    for (int i = 0; i < s->loop_count; i++) {
        out->requests += atomic_load_explicit(&s->loops[i].requests, memory_order_relaxed);
        out->rejected += atomic_load_explicit(&s->loops[i].rejected, memory_order_relaxed);
    }
}
