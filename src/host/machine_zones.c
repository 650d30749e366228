// What an operator sees of zones, and makes fail in them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/machine_zones.h"

#include <inttypes.h>
#include <stdio.h>

#include "src/host/host_records.h"
#include "src/host/machine_state.h"
#include "src/wire/json.h"
#include "src/wire/protocol.h"

void
zone_report_init(struct zone_report *r, struct arena *arena)
{
    *r = (struct zone_report){.arena = arena};
    r->end = &r->members;
}

static void
note_name(struct zone_report *r, struct str name)
{
    for (size_t i = 0; i < r->name_count; i++)
        if (str_eq(r->names[i], name))
            return;
    if (r->name_count < ZONE_REPORT_MAX)
        r->names[r->name_count++] = name;
}

static void
note_member(struct zone_report *r, const struct unit *u, struct str zone, struct str range)
{
    struct zone_member *m = arena_alloc(r->arena, sizeof(*m));
    *m = (struct zone_member){
        .zone = zone,
        .kind = u->kind,
        .name = u->name,
        .range = range,
        .is_up = u->state == UNIT_UP || u->state == UNIT_STOPPING,
        .applied_zones = u->applied_zones,
    };
    *r->end = m;
    r->end = &m->next;
    note_name(r, zone);
}

void
zone_report_add(struct zone_report *r, const struct unit *u)
{
    struct host_network_record network = {0};
    if (str_is_present(u->zone))
        note_member(r, u, u->zone, (struct str){0});
    if (!str_eq(u->kind, STR("network")) ||
        record_decode(&host_network_record_type, u->spec, r->arena, &network) != OK)
        return;
    for (size_t i = 0; i < network.subnets.count; i++)
        if (str_is_present(network.subnets.items[i].zone))
            note_member(r, u, network.subnets.items[i].zone, network.subnets.items[i].cidr);
}

static void
put_pair(const char *first, struct str a, const char *second, struct str b, const char *comma,
         struct buf *out)
{
    buf_print(out, "%s{\"%s\":", comma, first);
    json_put_string(out, a);
    buf_print(out, ",\"%s\":", second);
    json_put_string(out, b);
    buf_put_char(out, '}');
}

static void
put_members(const struct zone_report *r, struct str zone, bool are_ranges, struct buf *out)
{
    const char *comma = "";
    for (const struct zone_member *m = r->members; m != NULL; m = m->next) {
        if (!str_eq(m->zone, zone) || str_is_present(m->range) != are_ranges)
            continue;
        if (are_ranges)
            put_pair("network", m->name, "cidr", m->range, comma, out);
        else
            put_pair("kind", m->kind, "name", m->name, comma, out);
        comma = ",";
    }
}

static void
put_zone(const struct zone_report *r, const struct zones *z, struct str name, struct buf *out)
{
    buf_put(out, STR("{\"name\":"));
    json_put_string(out, name);
    buf_print(out, ",\"state\":\"%s\",\"subnets\":[", zone_state_name(zones_state(z, name)));
    put_members(r, name, true, out);
    buf_put(out, STR("],\"units\":["));
    put_members(r, name, false, out);
    buf_put(out, STR("]}"));
}

static void
put_way(const struct slow_way *w, struct buf *out)
{
    buf_put(out, STR("{\"between\":["));
    json_put_string(out, w->place);
    buf_put_char(out, ',');
    json_put_string(out, w->other);
    buf_print(out, "],\"delay_us\":%" PRIu32 ",\"loss_ppm\":%" PRIu32 "}", w->delay_us,
              w->loss_ppm);
}

// Every network that is up fails as it should, and nothing is up in a dead zone.
static bool
is_in_force(const struct zone_report *r, const struct zones *z)
{
    for (const struct zone_member *m = r->members; m != NULL; m = m->next) {
        bool is_dead = zones_state(z, m->zone) == ZONE_DEAD;
        if (m->is_up && (str_is_present(m->range) ? m->applied_zones != z->number : is_dead))
            return false;
    }
    return true;
}

static int
zones_body(struct kv_txn *txn, void *arg)
{
    return zones_get(txn, arg);
}

int
zone_report_put(struct zone_report *r, struct kv *kv, struct buf *out)
{
    struct zones *z = arena_alloc(r->arena, sizeof(*z));
    TRY(kv_run(kv, r->arena, zones_body, z));
    for (size_t i = 0; i < z->fault_count; i++)
        note_name(r, z->faults[i].place);
    buf_print(out, "{\"number\":%" PRId64 ",\"is_in_force\":%s,\"places\":[", z->number,
              is_in_force(r, z) ? "true" : "false");
    for (size_t i = 0; i < r->name_count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        put_zone(r, z, r->names[i], out);
    }
    buf_put(out, STR("],\"ways\":["));
    for (size_t i = 0; i < z->way_count; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        put_way(&z->ways[i], out);
    }
    buf_put(out, STR("]}"));
    return OK;
}

// -- what is to fail

struct failing {
    struct host_fault_record fault;
    enum zone_state state;
};

static int
fail_body(struct kv_txn *txn, void *arg)
{
    const struct failing *f = arg;
    const struct host_fault_record *r = &f->fault;
    if (str_is_present(r->place))
        return zones_set_state(txn, r->place, f->state);
    return zones_set_way(txn, r->between.items[0], r->between.items[1], (uint32_t)r->delay_us.value,
                         (uint32_t)r->loss_ppm.value);
}

static bool
is_number(const struct opt_long *n)
{
    return n->value >= 0 && n->value <= UINT32_MAX;
}

static int
read_fault(struct str json, struct arena *arena, struct failing *f, char *problem)
{
    struct wire_problem wrong = {0};
    const struct record_type *type = &host_fault_record_type;
    int code = wire_json_decode(type->model, type->shape, json, arena, &f->fault, &wrong);
    snprintf(problem, UNIT_PROBLEM_BYTES,
             "a JSON object is wanted, with place and state, or with between, delay_us and "
             "loss_ppm");
    bool is_place = str_is_present(f->fault.place);
    if (code != OK || is_place == (f->fault.between.count == 2) ||
        (!is_place && f->fault.between.count != 2))
        return E_INVALID;
    snprintf(problem, UNIT_PROBLEM_BYTES, "a state is healthy, cut or dead");
    if (is_place && zone_state_parse(f->fault.state, &f->state) != OK)
        return E_INVALID;
    snprintf(problem, UNIT_PROBLEM_BYTES, "a number is negative or too large");
    return is_number(&f->fault.delay_us) && is_number(&f->fault.loss_ppm) ? OK : E_INVALID;
}

int
machine_fail(struct machine *m, struct str json, struct arena *arena, char *problem)
{
    struct failing f = {0};
    TRY(read_fault(json, arena, &f, problem));
    int code = kv_run(m->options.kv, arena, fail_body, &f);
    if (code == E_INVALID)
        snprintf(
            problem, UNIT_PROBLEM_BYTES,
            "places are names of letters, digits and '-', at most %d long; a way leads between "
            "two of them, neither in the other, with at most %d us and 1000000 ppm",
            ZONE_NAME_BYTES_MAX, ZONES_DELAY_US_MAX);
    if (code == E_LIMIT)
        snprintf(problem, UNIT_PROBLEM_BYTES, "at most %d places and %d ways can fail",
                 ZONES_FAULTS_MAX, ZONES_WAYS_MAX);
    return code;
}
