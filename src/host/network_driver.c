// Units of the kind network.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "src/host/driver.h"
#include "src/host/network.h"
#include "src/host/network_applied.h"
#include "src/host/network_commands.h"
#include "src/host/network_faults.h"
#include "src/host/network_public.h"
#include "src/host/network_record.h"
#include "src/host/network_steps.h"
#include "src/host/tree.h"

enum { PATH_BYTES = 4096, END_LOOK_MS = 5, END_MS_MAX = 10 * 1000 };

struct applying {
    struct host *host;
    struct str name;
    const struct zones *zones;
    struct arena *arena;
    char *problem;
    struct host_network_record before, record;
};

static void
path_of(const struct host *h, struct str name, const char *file, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/networks/" STR_FMT "/%s", h->dir, STR_ARG(name), file);
}

static bool
has_text(const struct host_text_list_record *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i], text))
            return true;
    return false;
}

static int
apply_addresses(struct applying *a)
{
    const struct host_text_list_record *before = &a->before.addresses;
    const struct host_text_list_record *now = &a->record.addresses;
    for (size_t i = 0; i < before->count; i++)
        if (!has_text(now, before->items[i]))
            TRY(network_address_del(a->host, a->name, before->items[i], a->problem));
    for (size_t i = 0; i < now->count; i++)
        TRY(network_address_add(a->host, a->name, now->items[i], a->problem));
    return OK;
}

// A port's guest is in it, and knows it by its addresses.
static int
check_ports(const struct applying *a)
{
    for (size_t i = 0; i < a->before.ports.count; i++) {
        const struct host_port_record *was = &a->before.ports.items[i];
        const struct host_port_record *is = network_record_port(&a->record, was->name);
        if (is == NULL || (str_eq(is->address, was->address) && str_eq(is->gateway, was->gateway) &&
                           str_eq(is->mac, was->mac)))
            continue;
        snprintf(a->problem, UNIT_PROBLEM_BYTES,
                 "the port " STR_FMT " is there with other addresses: take it away first",
                 STR_ARG(is->name));
        return E_INVALID;
    }
    return OK;
}

static int
apply_ports(struct applying *a)
{
    const struct host_port_list_record *before = &a->before.ports, *now = &a->record.ports;
    struct network_fds fds;
    for (size_t i = 0; i < before->count; i++)
        if (network_record_port(&a->record, before->items[i].name) == NULL)
            TRY(network_port_del(a->host, a->name, before->items[i].name, a->problem));
    for (size_t i = 0; i < now->count; i++) {
        const struct host_port_record *p = &now->items[i];
        struct network_port port = {p->name, p->address, p->gateway, p->mac};
        if (network_record_port(&a->before, p->name) != NULL)
            continue;
        TRY(network_port_add(a->host, a->name, &port, &fds, a->problem));
        network_fds_close(&fds);
    }
    return OK;
}

// The rules, each step as one change, the last one with what fails. `before` NULL: all anew.
static int
apply_steps(struct applying *a, const struct host_network_record *before)
{
    static const struct host_network_record none;
    struct host_network_record step, from = before != NULL ? *before : none;
    for (bool is_anew = before == NULL;; is_anew = false, from = step) {
        struct buf commands;
        buf_init(&commands, a->arena, 4096);
        bool has_more = network_step(&from, &a->record, a->arena, &step);
        if (is_anew)
            network_commands_put(&step, &commands);
        else
            network_commands_change(&from, &step, &commands);
        if (!has_more)
            return network_faults_apply(a->host, a->name, &a->record, a->zones, &commands,
                                        a->problem);
        TRY(network_rules(a->host, a->name, buf_str(&commands), a->problem));
    }
}

// What differs, or all where it is not known what is there.
static int
apply_rules(struct applying *a)
{
    bool is_known = network_applied_is_known(a->host, a->name);
    TRY(network_applied_doubt(a->host, a->name, a->problem));
    if (is_known && apply_steps(a, &a->before) == OK)
        return OK;
    return apply_steps(a, NULL);
}

static int
apply_flows(struct applying *a)
{
    return a->record.has_flows.value ? network_flows_start(a->host, a->name, a->problem)
                                     : network_flows_stop(a->host, a->name, a->problem);
}

static bool
has_loopback(const struct host_network_record *r, struct str address)
{
    for (size_t i = 0; i < r->elastics.count; i++)
        if (str_eq(r->elastics.items[i].loopback, address))
            return true;
    return false;
}

static int
apply_splices(struct applying *a)
{
    const struct host_elastic_list_record *before = &a->before.elastics;
    const struct host_elastic_list_record *now = &a->record.elastics;
    for (size_t i = 0; i < before->count; i++) {
        struct str loopback = before->items[i].loopback;
        if (str_is_present(loopback) && !has_loopback(&a->record, loopback))
            TRY(network_splice_del(a->host, a->name, loopback, a->problem));
    }
    for (size_t i = 0; i < now->count; i++) {
        const struct host_elastic_record *e = &now->items[i];
        const struct host_port_record *p = network_record_port(&a->record, e->port);
        if (str_is_present(e->loopback))
            TRY(network_splice_add(a->host, a->name, e->loopback, p->name, network_port_address(p),
                                   a->problem));
    }
    return OK;
}

static int
open_door(struct applying *a)
{
    const struct host_door *d = a->host->door;
    const struct host_text_list_record *own = &a->record.addresses;
    if (d == NULL)
        return OK;
    return d->open(d->arg, a->host, a->name, own->items, own->count, a->problem);
}

// Makes the running network what the record says, whatever of it is so already. What is let in
// comes last, and what is no longer the network's own goes first.
static int
apply_record(struct applying *a, struct str spec)
{
    network_applied_read(a->host, a->name, a->arena, &a->before);
    TRY(check_ports(a));
    TRY(apply_addresses(a));
    TRY(apply_ports(a));
    TRY(network_public_withdraw(a->host, a->name, &a->before, &a->record, a->problem));
    TRY(network_public_apply(a->host, a->name, &a->record, a->problem));
    TRY(apply_rules(a));
    TRY(apply_flows(a));
    TRY(open_door(a));
    TRY(network_applied_write(a->host, a->name, spec, a->problem));
    TRY(network_public_fail(a->host, a->zones, a->problem));
    return apply_splices(a);
}

static int
apply_faults(struct applying *a, struct str spec)
{
    struct buf commands;
    buf_init(&commands, a->arena, 4096);
    TRY(network_faults_apply(a->host, a->name, &a->record, a->zones, &commands, a->problem));
    return network_public_fail(a->host, a->zones, a->problem);
}

static int
apply(int (*fn)(struct applying *a, struct str spec), void *arg, const struct unit *u,
      char *problem)
{
    struct arena arena;
    arena_init(&arena);
    struct applying a = {
        .host = arg, .name = u->name, .zones = u->zones, .arena = &arena, .problem = problem};
    int code = network_record_read(u->spec, &arena, &a.record, problem);
    if (code == OK)
        code = fn(&a, u->spec);
    arena_fini(&arena);
    return code;
}

static int
change(void *arg, const struct unit *u, char *problem)
{
    return apply(apply_record, arg, u, problem);
}

static int
fail(void *arg, const struct unit *u, char *problem)
{
    return apply(apply_faults, arg, u, problem);
}

static int
probe(void *arg, const struct unit *u, enum unit_seen *out, char *problem)
{
    struct host *h = arg;
    struct network_status status;
    char path[PATH_BYTES];
    int code = network_status_get(h, u->name, &status);
    if (code != OK) {
        snprintf(problem, UNIT_PROBLEM_BYTES, "the network's holder does not answer (%s)",
                 code_name(code));
        return code;
    }
    if (status.refused > 0)
        snprintf(problem, UNIT_PROBLEM_BYTES,
                 "%zu port(s) of its addresses on this machine cannot be opened there",
                 status.refused);
    path_of(h, u->name, "", path);
    *out = status.is_running         ? UNIT_SEEN_UP
           : access(path, F_OK) == 0 ? UNIT_SEEN_LOST
                                     : UNIT_SEEN_NOTHING;
    return OK;
}

static int
start(void *arg, const struct unit *u, char *problem)
{
    struct host *h = arg;
    network_applied_forget(h, u->name); // of the holder before
    TRY(network_start(h, u->name, problem));
    return change(arg, u, problem);
}

// The holder has its lock until it has ended.
static bool
holder_is_gone(const struct host *h, struct str name)
{
    char path[PATH_BYTES];
    path_of(h, name, "lock", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_gone = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return is_gone;
}

static int
withdraw_all(struct host *h, const struct unit *u, char *problem)
{
    struct arena arena;
    struct host_network_record before;
    const struct host_network_record none = {0};
    struct network_status status;
    arena_init(&arena);
    int code = network_status_get(h, u->name, &status);
    if (code == OK && status.is_running) {
        network_applied_read(h, u->name, &arena, &before);
        code = network_public_withdraw(h, u->name, &before, &none, problem);
    }
    arena_fini(&arena);
    return code;
}

static int
stop(void *arg, const struct unit *u, char *problem)
{
    struct host *h = arg;
    int64_t deadline_ns = deadline_in_ms(h->runtime, END_MS_MAX);
    if (h->door != NULL)
        h->door->close(h->door->arg, u->name);
    TRY(withdraw_all(h, u, problem));
    TRY(network_stop(h, u->name, problem));
    while (!holder_is_gone(h, u->name)) {
        snprintf(problem, UNIT_PROBLEM_BYTES, "the network's holder does not end");
        if (clock_mono_ns(h->runtime) > deadline_ns)
            return E_TIMEOUT;
        TRY(fiber_sleep_until(deadline_in_ms(h->runtime, END_LOOK_MS)));
    }
    return OK;
}

static int
remove_all(void *arg, const struct unit *u, char *problem)
{
    struct host *h = arg;
    char path[PATH_BYTES];
    path_of(h, u->name, "", path);
    snprintf(problem, UNIT_PROBLEM_BYTES, "the network's folder cannot be removed");
    return tree_remove(h->runtime, path);
}

void
network_driver_new(struct host *h, struct unit_driver *out)
{
    *out = (struct unit_driver){
        .probe = probe,
        .start = start,
        .adopt = change, // what is so already stays so; the door is opened
        .change = change,
        .fail = fail,
        .stop = stop,
        .remove = remove_all,
        .arg = h,
    };
}
