// Units of the kind network.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/cidr.h"
#include "src/host/driver.h"
#include "src/host/firewall.h"
#include "src/host/host_records.h"
#include "src/host/network.h"
#include "src/host/network_faults.h"
#include "src/host/tree.h"

enum {
    NETWORK_SUBNETS_MAX = 200
}; // https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
enum { PATH_BYTES = 4096, END_LOOK_MS = 5, END_MS_MAX = 10 * 1000 };

// The record that was last applied lies in the network's folder, so that what it had and the new
// one has not can be taken away, by a later c10m too.
static const char applied_file[] = "applied";

struct applying {
    struct host *host;
    struct str name;
    const struct zones *zones;
    struct arena *arena;
    char *problem;
};

static void
path_of(const struct host *h, struct str name, const char *file, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/networks/" STR_FMT "/%s", h->dir, STR_ARG(name), file);
}

static int
refuse(const struct applying *a, const char *what, struct str value)
{
    snprintf(a->problem, UNIT_PROBLEM_BYTES, "the network's %s '" STR_FMT "' cannot be used", what,
             STR_ARG(value));
    return E_INVALID;
}

static bool
is_name(struct str name)
{
    return host_name_is_valid(name) && !(name.ptr[0] >= '0' && name.ptr[0] <= '9') &&
           name.ptr[0] != '-';
}

static bool
is_address(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') && text.ptr[i] != '.' && text.ptr[i] != '/')
            return false;
    return text.len > 0;
}

static int
check_subnet(const struct applying *a, const struct host_network_record *r, size_t at)
{
    const struct host_subnet_record *s = &r->subnets.items[at];
    struct cidr range, other;
    if (cidr_parse(s->cidr, &range) != OK)
        return refuse(a, "subnet", s->cidr);
    if (str_is_present(s->zone) && !zone_name_is_valid(s->zone))
        return refuse(a, "zone", s->zone);
    for (size_t i = 0; i < at; i++)
        if (cidr_parse(r->subnets.items[i].cidr, &other) == OK && cidr_overlaps(range, other))
            return refuse(a, "subnet, which overlaps with another,", s->cidr);
    return OK;
}

static int
check_group(const struct applying *a, const struct host_group_record *g)
{
    if (!is_name(g->name))
        return refuse(a, "group", g->name);
    for (size_t i = 0; i < g->rules.count; i++) {
        const struct host_rule_record *r = &g->rules.items[i];
        if (str_is_present(r->group) ? !is_name(r->group) : !is_address(r->cidr))
            return refuse(a, "rule for", str_is_present(r->group) ? r->group : r->cidr);
    }
    return OK;
}

// What will be part of commands.
static int
check(const struct applying *a, const struct host_network_record *r)
{
    for (size_t i = 0; i < r->groups.count; i++)
        TRY(check_group(a, &r->groups.items[i]));
    if (r->subnets.count > NETWORK_SUBNETS_MAX)
        return refuse(a, "number of subnets", STR("too many"));
    for (size_t i = 0; i < r->subnets.count; i++)
        TRY(check_subnet(a, r, i));
    for (size_t i = 0; i < r->ports.count; i++) {
        const struct host_port_record *p = &r->ports.items[i];
        // Rules know these names as others than guests'.
        if (!is_name(p->name) || str_eq(p->name, STR("lo")) || str_eq(p->name, STR("uplink")))
            return refuse(a, "port", p->name);
        if (!is_address(p->address))
            return refuse(a, "address", p->address);
        for (size_t k = 0; k < p->groups.count; k++)
            if (!is_name(p->groups.items[k]))
                return refuse(a, "group", p->groups.items[k]);
    }
    return OK;
}

static void
put_group(const struct host_group_record *g, struct arena *arena, struct buf *out)
{
    struct firewall_rule *rules = arena_alloc_array(arena, g->rules.count + 1, sizeof(*rules));
    for (size_t i = 0; i < g->rules.count; i++) {
        const struct host_rule_record *r = &g->rules.items[i];
        rules[i] = (struct firewall_rule){
            .is_egress = r->is_egress.value,
            .protocol = (uint8_t)r->protocol.value,
            .from = r->from.value,
            .to = r->to.value,
            .cidr = r->cidr,
            .group = r->group,
        };
    }
    firewall_group_set(g->name, rules, g->rules.count, out);
}

// The queues of slow ways that could be made, as bits; a->problem says why others could not.
static int
apply_queues(const struct applying *a, const struct host_network_record *r, uint64_t *out)
{
    uint64_t wanted = network_faults_queues(r, a->zones);
    int result = OK;
    *out = 0;
    for (size_t i = 0; i < a->zones->way_count; i++) {
        const struct slow_way *w = &a->zones->ways[i];
        if (!(wanted >> w->queue & 1))
            continue;
        int code =
            network_queue_set(a->host, a->name, w->queue, w->delay_us, w->loss_ppm, a->problem);
        if (code == OK)
            *out |= UINT64_C(1) << w->queue;
        else
            result = code;
    }
    return result;
}

// Runs commands and, as one change with them, brings what fails into force. Ways that this kernel
// cannot slow do not keep the rest from it.
static int
apply_commands(const struct applying *a, const struct host_network_record *r, struct buf *out)
{
    char problem[UNIT_PROBLEM_BYTES] = "";
    struct applying slow = *a;
    uint64_t queues;
    slow.problem = problem;
    int code = apply_queues(&slow, r, &queues);
    network_faults_put(r, a->zones, queues, out);
    TRY(network_rules(a->host, a->name, buf_str(out), a->problem));
    TRY(network_queues_keep(a->host, a->name, queues, a->problem));
    if (code != OK)
        snprintf(a->problem, UNIT_PROBLEM_BYTES, "%s", problem);
    return code;
}

// All rules anew, in the place of those that were, as one change: nothing passes between.
static int
apply_rules(const struct applying *a, const struct host_network_record *r)
{
    struct buf out;
    buf_init(&out, a->arena, 4096);
    buf_put(&out, STR("add table inet c10m\ndelete table inet c10m\n"));
    firewall_begin(&out);
    for (size_t i = 0; i < r->groups.count; i++)
        firewall_group_make(r->groups.items[i].name, &out);
    for (size_t i = 0; i < r->groups.count; i++)
        put_group(&r->groups.items[i], a->arena, &out);
    for (size_t i = 0; i < r->ports.count; i++) {
        const struct host_port_record *p = &r->ports.items[i];
        struct str address, bits;
        if (!str_cut(p->address, '/', &address, &bits))
            address = p->address;
        firewall_port_add(p->name, address, p->groups.items, p->groups.count, &out);
    }
    return apply_commands(a, r, &out);
}

static bool
has_port(const struct host_network_record *r, struct str name)
{
    for (size_t i = 0; i < r->ports.count; i++)
        if (str_eq(r->ports.items[i].name, name))
            return true;
    return false;
}

static int
apply_ports(const struct applying *a, const struct host_network_record *before,
            const struct host_network_record *r)
{
    struct network_fds fds;
    for (size_t i = 0; i < before->ports.count; i++)
        if (!has_port(r, before->ports.items[i].name))
            TRY(network_port_del(a->host, a->name, before->ports.items[i].name, a->problem));
    for (size_t i = 0; i < r->ports.count; i++) {
        const struct host_port_record *p = &r->ports.items[i];
        struct network_port port = {p->name, p->address, p->gateway, p->mac};
        if (has_port(before, p->name))
            continue;
        TRY(network_port_add(a->host, a->name, &port, &fds, a->problem));
        network_fds_close(&fds);
    }
    return OK;
}

static void
applied_read(const struct applying *a, struct host_network_record *out)
{
    char path[PATH_BYTES];
    struct stat status;
    path_of(a->host, a->name, applied_file, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size <= UNIT_SPEC_BYTES_MAX) {
        char *bytes = arena_alloc(a->arena, (size_t)status.st_size + 1);
        ssize_t got = read(fd, bytes, (size_t)status.st_size);
        struct str spec = {bytes, got > 0 ? (size_t)got : 0};
        if (record_decode(&host_network_record_type, spec, a->arena, out) != OK)
            *out = (struct host_network_record){0};
    }
    if (fd >= 0)
        close(fd);
}

static int
applied_write(const struct applying *a, struct str spec)
{
    char path[PATH_BYTES], new_path[PATH_BYTES + 8];
    path_of(a->host, a->name, applied_file, path);
    snprintf(new_path, sizeof(new_path), "%s.new", path);
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written = fd >= 0 && write(fd, spec.ptr, spec.len) == (ssize_t)spec.len;
    if (fd >= 0)
        close(fd);
    if (is_written && rename(new_path, path) == 0)
        return OK;
    snprintf(a->problem, UNIT_PROBLEM_BYTES, "what was applied cannot be kept in its folder: %s",
             strerror(errno));
    return errno == ENOSPC ? E_FULL : E_IO;
}

static int
open_door(const struct applying *a, const struct host_network_record *r)
{
    const struct host_door *d = a->host->door;
    if (d == NULL)
        return OK;
    return d->open(d->arg, a->host, a->name, r->addresses.items, r->addresses.count, a->problem);
}

static int
read_record(const struct applying *a, struct str spec, struct host_network_record *out)
{
    snprintf(a->problem, UNIT_PROBLEM_BYTES, "the network's record cannot be read");
    TRY(record_decode(&host_network_record_type, spec, a->arena, out));
    return check(a, out);
}

// Makes the running network what the record says, whatever of it is so already.
static int
apply_record(const struct applying *a, struct str spec)
{
    struct host_network_record before = {0}, r = {0};
    TRY(read_record(a, spec, &r));
    applied_read(a, &before);
    for (size_t i = 0; i < r.addresses.count; i++)
        TRY(network_address_add(a->host, a->name, r.addresses.items[i], a->problem));
    TRY(apply_ports(a, &before, &r));
    TRY(apply_rules(a, &r));
    TRY(open_door(a, &r));
    return applied_write(a, spec);
}

static int
apply_faults(const struct applying *a, struct str spec)
{
    struct host_network_record r = {0};
    struct buf out;
    TRY(read_record(a, spec, &r));
    buf_init(&out, a->arena, 4096);
    return apply_commands(a, &r, &out);
}

static int
apply(int (*fn)(const struct applying *a, struct str spec), void *arg, const struct unit *u,
      char *problem)
{
    struct arena arena;
    arena_init(&arena);
    struct applying a = {arg, u->name, u->zones, &arena, problem};
    int code = fn(&a, u->spec);
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
    char path[PATH_BYTES];
    path_of(h, u->name, applied_file, path);
    unlink(path); // of the holder before
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
stop(void *arg, const struct unit *u, char *problem)
{
    struct host *h = arg;
    int64_t deadline_ns = deadline_in_ms(h->runtime, END_MS_MAX);
    if (h->door != NULL)
        h->door->close(h->door->arg, u->name);
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
