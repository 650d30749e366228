// libcurl's multi interface on a loop: its sockets and its timer.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/client_state.h"
#include <stdlib.h>

#include "src/task/watch.h"

enum { NS_PER_MS = 1000 * 1000 };

static const struct curl *
curl_of(const struct client_loop *l)
{
    return &l->client->curl;
}

// -- what libcurl tells

static void
finish_exchanges(struct client_loop *l)
{
    CURLMsg *m;
    int left;
    while ((m = curl_of(l)->multi_info_read(l->multi, &left))) {
        struct client_exchange *x;
        if (m->msg != CURLMSG_DONE)
            continue;
        CHECK(curl_of(l)->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK);
        x->is_done = true;
        x->result = m->data.result;
        client_exchange_wake(x);
    }
}

static void
act(struct client_loop *l, curl_socket_t fd, int events)
{
    int running;
    CHECK(curl_of(l)->multi_socket_action(l->multi, fd, events, &running) == CURLM_OK);
    finish_exchanges(l);
}

static void
on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

// A socket of libcurl's, for as long as it wants to know of it.
struct client_socket {
    struct client_loop *home;
    curl_socket_t fd;
    struct watch *watch;
};

static void
on_ready(void *arg, unsigned events)
{
    const struct client_socket *s = arg; // act may free it
    act(s->home, s->fd,
        (events & SOCKET_READABLE ? CURL_CSELECT_IN : 0) |
            (events & SOCKET_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static unsigned
events_of(int what)
{
    return (what & CURL_POLL_IN ? SOCKET_READABLE : 0u) |
           (what & CURL_POLL_OUT ? SOCKET_WRITABLE : 0u);
}

static void
forget_socket(struct client_socket *s)
{
    if (s == NULL)
        return;
    watch_free(s->watch);
    free(s);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *loop, void *known)
{
    struct client_loop *l = loop;
    struct client_socket *s = known;
    if (what == CURL_POLL_REMOVE) {
        forget_socket(s);
        return 0;
    }
    if (s != NULL) {
        watch_change(s->watch, events_of(what));
        return 0;
    }
    s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    *s = (struct client_socket){.home = l, .fd = fd};
    if (watch_new(l->loop, fd, events_of(what), on_ready, s, &s->watch) != OK) {
        free(s);
        return -1;
    }
    return curl_of(l)->multi_assign(l->multi, fd, s) == CURLM_OK ? 0 : -1;
}

static int
on_timeout_wanted(CURLM *multi, long ms, void *loop)
{
    struct client_loop *l = loop;
    if (ms < 0)
        timer_disarm(&l->timer);
    else
        timer_arm(&l->timer, clock_mono_ns(loop_runtime(l->loop)) + ms * (int64_t)NS_PER_MS);
    return 0;
}

static void
start_multi(struct client_loop *l)
{
    const struct curl *c = curl_of(l);
    const struct http_client_options *o = &l->client->options;
    timer_init(&l->timer, l->loop, on_timer, l);
    l->multi = c->multi_init();
    CHECK(l->multi != NULL);
    c->multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    c->multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    c->multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    c->multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    c->multi_setopt(l->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    c->multi_setopt(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, o->connections_max);
    c->multi_setopt(l->multi, CURLMOPT_MAX_HOST_CONNECTIONS, o->host_connections_max);
    c->multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, o->idle_connections_max);
}

// -- what fibers ask for, on the loop's own stack

static void
add(void *arg)
{
    struct client_exchange *x = arg;
    struct client_loop *l = x->home;
    if (l->multi == NULL)
        start_multi(l);
    CHECK(curl_of(l)->multi_add_handle(l->multi, x->easy) == CURLM_OK);
}

static void
remove_handle(void *arg)
{
    struct client_exchange *x = arg;
    struct client_loop *l = x->home;
    CHECK(curl_of(l)->multi_remove_handle(l->multi, x->easy) == CURLM_OK);
    curl_of(l)->easy_cleanup(x->easy);
    x->is_removed = true;
    client_exchange_wake(x);
}

static void
unpause(void *arg)
{
    struct client_exchange *x = arg;
    int mask = CURLPAUSE_CONT;
    if (x->is_done)
        return;
    if (x->is_in_paused && x->in_start < x->in_end)
        mask |= CURLPAUSE_RECV;
    else
        x->is_in_paused = false;
    if (x->is_out_paused && x->out_start == x->out_end && !x->is_out_done)
        mask |= CURLPAUSE_SEND;
    else
        x->is_out_paused = false;
    (void)curl_of(x->home)->easy_pause(x->easy, mask);
    finish_exchanges(x->home);
}

void
client_loop_add(struct client_exchange *x)
{
    loop_post(x->home->loop, add, x);
}

void
client_loop_remove(struct client_exchange *x)
{
    x->waiter = fiber_self();
    loop_post(x->home->loop, remove_handle, x);
    while (!x->is_removed)
        CHECK(fiber_park(DEADLINE_NEVER, FIBER_UNCANCELLABLE) == OK);
    x->waiter = NULL;
}

void
client_loop_unpause(struct client_exchange *x)
{
    loop_post(x->home->loop, unpause, x);
}

void
client_loop_fini(struct client_loop *l)
{
    if (l->multi == NULL)
        return;
    CHECK(curl_of(l)->multi_cleanup(l->multi) == CURLM_OK);
    timer_disarm(&l->timer);
    l->multi = NULL;
}
