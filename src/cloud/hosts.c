// Reads Host headers.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/hosts.h"

#include <stdio.h>

#include "src/cloud/service.h"

// The second name is one that resolves to 127.0.0.1 all over the world, with all below it.
static const char *const own_names[] = {"localhost", "localhost.localstack.cloud"};

static bool
ends_nocase(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq_nocase(str_slice(s, s.len - suffix.len, s.len), suffix);
}

// What stands before ".own"; false: the name is not below it.
static bool
cut_own_name(struct str name, struct str own, struct str *before)
{
    if (name.len < own.len + 2 || !ends_nocase(name, own) ||
        name.ptr[name.len - own.len - 1] != '.')
        return false;
    *before = str_slice(name, 0, name.len - own.len - 1);
    return true;
}

static bool
is_own_name(struct str name)
{
    struct str before;
    for (size_t i = 0; i < COUNT_OF(own_names); i++)
        if (str_eq_nocase(name, str_of(own_names[i])) ||
            cut_own_name(name, str_of(own_names[i]), &before))
            return true;
    return false;
}

static bool
read_address(struct str name, unsigned port, struct socket_address *out)
{
    char text[sizeof(out->text)];
    int len = snprintf(text, sizeof(text), STR_FMT ":%u", STR_ARG(name), port);
    return len > 0 && (size_t)len < sizeof(text) && socket_address_parse(str_of(text), out) == OK;
}

static bool
is_own_address(struct str name, const struct socket_address *listen)
{
    struct socket_address a;
    if (!read_address(name, listen->port, &a))
        return false;
    bool is_any = str_starts(str_of(listen->text), STR("0.0.0.0:")) ||
                  str_starts(str_of(listen->text), STR("[::]:"));
    return a.is_loopback || is_any ||
           (a.storage_len == listen->storage_len &&
            memcmp(a.storage, listen->storage, a.storage_len) == 0);
}

static bool
is_listed(struct str name, const struct text_list *allowed)
{
    struct str before;
    for (size_t i = 0; i < allowed->count; i++) {
        struct str item = str_of(allowed->items[i]);
        if (str_starts(item, STR("*.")) ? cut_own_name(name, str_slice(item, 2, item.len), &before)
                                        : str_eq_nocase(name, item))
            return true;
    }
    return false;
}

static bool
names_service(struct str label)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if (host_means(label, service_registry[i]))
            return true;
    return false;
}

// "a.b.c" gives "a.b" and "c".
static struct str
take_last_label(struct str *name)
{
    size_t at = name->len;
    while (at > 0 && name->ptr[at - 1] != '.')
        at--;
    struct str label = str_slice(*name, at, name->len);
    *name = str_slice(*name, 0, at > 0 ? at - 1 : 0);
    return label;
}

struct str
host_name(struct str authority)
{
    size_t end = authority.len;
    while (end > 0 && authority.ptr[end - 1] >= '0' && authority.ptr[end - 1] <= '9')
        end--;
    if (end > 0 && authority.ptr[end - 1] == ':')
        authority = str_slice(authority, 0, end - 1);
    bool ends_in_dot = str_ends(authority, STR("."));
    return str_slice(authority, 0, authority.len - ends_in_dot);
}

struct str
host_labels(struct str name)
{
    struct str labels = {0};
    for (size_t i = 0; i < COUNT_OF(own_names) && labels.len == 0; i++)
        cut_own_name(name, str_of(own_names[i]), &labels);
    return labels;
}

bool
host_is_allowed(struct str authority, const struct socket_address *listen,
                const struct text_list *allowed)
{
    // As clients say it that were pointed here.
    if (str_eq(authority, str_of(listen->text)))
        return true;
    struct str name = host_name(authority);
    return is_own_name(name) || is_own_address(name, listen) || is_listed(name, allowed);
}

bool
host_means(struct str label, const struct service *s)
{
    return label.len > 0 && (str_eq_nocase(label, str_of(s->wire->name)) ||
                             str_eq_nocase(label, str_of(s->wire->signing_name)));
}

void
host_read(struct str authority, struct host *out)
{
    struct str rest = host_labels(host_name(authority));
    *out = (struct host){0};
    out->labels = rest;
    struct str last = take_last_label(&rest);
    if (names_service(last)) {
        *out = (struct host){.service = last, .labels = rest};
        return;
    }
    struct str before = take_last_label(&rest);
    if (names_service(before))
        *out = (struct host){.service = before, .region = last, .labels = rest};
}
