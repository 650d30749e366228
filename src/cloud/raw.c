// Which route a request belongs to, and sockets of services.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/raw.h"

#include "src/cloud/cloud.h"
#include "src/cloud/hosts.h"
#include "src/cloud/passed.h"

static bool
label_fits(struct str label, struct str pattern)
{
    return label.len > 0 && (str_eq(pattern, STR("*")) || str_eq_nocase(label, pattern));
}

static bool
host_fits(struct str name, const char *pattern)
{
    struct str label, wanted, rest = str_of(pattern);
    if (pattern == NULL)
        return true;
    while (str_is_present(name) && str_is_present(rest)) {
        str_cut(name, '.', &label, &name);
        str_cut(rest, '.', &wanted, &rest);
        if (!label_fits(label, wanted))
            return false;
    }
    return !str_is_present(name) && !str_is_present(rest);
}

static bool
path_fits(struct str path, const char *pattern)
{
    struct str wanted = pattern ? str_of(pattern) : (struct str){0};
    if (pattern == NULL)
        return true;
    if (!str_ends(wanted, STR("/*")))
        return str_eq(path, wanted);
    return str_starts(path, str_slice(wanted, 0, wanted.len - 1));
}

void
cloud_add_route(struct cloud *cloud, const struct raw_route *route)
{
    CHECK(cloud->http == NULL && cloud->raw.route_count < RAW_ROUTES_MAX);
    cloud->raw.routes[cloud->raw.route_count++] = route;
}

const struct raw_route *
raw_route_find(const struct cloud *cloud, const struct http_request *request)
{
    if (cloud->raw.route_count == 0)
        return NULL;
    struct str name = host_name(http_request_header(request, STR("Host")));
    struct str labels = host_labels(name);
    for (size_t i = 0; i < cloud->raw.route_count; i++) {
        const struct raw_route *r = cloud->raw.routes[i];
        if (host_fits(str_is_present(labels) ? labels : name, r->host) &&
            path_fits(request->path, r->path) && (r->claims == NULL || r->claims(r->arg, request)))
            return r;
    }
    return NULL;
}

// -- listeners

static int
adopt(struct cloud *cloud, struct raw_listener *l, int fd)
{
    if (l->on_accept != NULL)
        return listener_adopt(cloud->runtime, fd, &l->bound, l->on_accept, l->arg, &l->listener);
    return datagram_adopt(cloud->runtime, fd, &l->bound, l->on_datagram, l->arg, &l->datagram);
}

static int
bind_own(struct cloud *cloud, struct raw_listener *l)
{
    TRY(socket_address_parse(str_of(l->address), &l->bound));
    if (l->on_accept != NULL)
        return listener_new(cloud->runtime, &l->bound, l->on_accept, l->arg, &l->listener);
    return datagram_new(cloud->runtime, &l->bound, l->on_datagram, l->arg, &l->datagram);
}

int
cloud_add_listener(struct cloud *cloud, struct raw_listener *listener)
{
    int fd = passed_socket_take(&cloud->passed, str_of(listener->name));
    CHECK((listener->on_accept == NULL) != (listener->on_datagram == NULL));
    CHECK(cloud->raw.listener_count < RAW_LISTENERS_MAX);
    listener->bound = (struct socket_address){0};
    if (fd >= 0)
        TRY(adopt(cloud, listener, fd));
    else if (listener->address != NULL)
        TRY(bind_own(cloud, listener));
    cloud->raw.listeners[cloud->raw.listener_count++] = listener;
    return OK;
}

void
raw_listeners_close(struct cloud *cloud)
{
    for (size_t i = 0; i < cloud->raw.listener_count; i++) {
        listener_free(cloud->raw.listeners[i]->listener);
        datagram_free(cloud->raw.listeners[i]->datagram);
    }
    cloud->raw.listener_count = 0;
}
