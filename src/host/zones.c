// What is made to fail in zones and between them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/zones.h"

#include "src/host/host.h"
#include "src/host/host_records.h"
#include "src/store/tuple.h"

// Key: ("host", "zones"). Value: the record Zones.

enum { PPM = 1000 * 1000 };

static const char *const state_names[] = {
    [ZONE_HEALTHY] = "healthy",
    [ZONE_CUT] = "cut",
    [ZONE_DEAD] = "dead",
};

struct str
zones_key(struct arena *arena)
{
    struct tuple t;
    tuple_init(&t, arena);
    tuple_add_str(&t, STR("host"));
    tuple_add_str(&t, STR("zones"));
    return tuple_key(&t);
}

bool
zone_name_is_valid(struct str name)
{
    return host_name_is_valid(name) && name.len <= ZONE_NAME_BYTES_MAX;
}

// A digit more is another region: us-east-1, us-east-10a.
bool
zone_lies_in(struct str zone, struct str place)
{
    if (!str_is_present(zone) || !str_starts(zone, place))
        return false;
    return zone.len == place.len || !(zone.ptr[place.len] >= '0' && zone.ptr[place.len] <= '9');
}

enum zone_state
zones_state(const struct zones *z, struct str zone)
{
    enum zone_state worst = ZONE_HEALTHY;
    for (size_t i = 0; i < z->fault_count; i++)
        if (zone_lies_in(zone, z->faults[i].place) && z->faults[i].state > worst)
            worst = z->faults[i].state;
    return worst;
}

const char *
zone_state_name(enum zone_state state)
{
    return state_names[state];
}

int
zone_state_parse(struct str name, enum zone_state *out)
{
    for (size_t i = 0; i < COUNT_OF(state_names); i++)
        if (str_eq(name, str_of(state_names[i]))) {
            *out = (enum zone_state)i;
            return OK;
        }
    return E_NOT_FOUND;
}

static int
zones_of_record(const struct host_zones_record *r, struct zones *out)
{
    if (r->faults.count > ZONES_FAULTS_MAX || r->ways.count > ZONES_WAYS_MAX)
        return E_IO;
    out->number = r->number.value;
    for (size_t i = 0; i < r->faults.count; i++) {
        const struct host_place_fault_record *f = &r->faults.items[i];
        if (f->state.value < 0 || f->state.value > ZONE_DEAD)
            return E_IO;
        out->faults[out->fault_count++] =
            (struct place_fault){f->place, (enum zone_state)f->state.value};
    }
    for (size_t i = 0; i < r->ways.count; i++) {
        const struct host_way_record *w = &r->ways.items[i];
        out->ways[out->way_count++] =
            (struct slow_way){w->place, w->other, (uint32_t)w->delay_us.value,
                              (uint32_t)w->loss_ppm.value, (uint8_t)w->queue.value};
    }
    return OK;
}

int
zones_get(struct kv_txn *txn, struct zones *out)
{
    struct host_zones_record r = {0};
    *out = (struct zones){0};
    int code =
        record_get(txn, &host_zones_record_type, zones_key(kv_txn_arena(txn)), KV_SERIALIZABLE, &r);
    if (code == E_NOT_FOUND)
        return OK;
    TRY(code);
    return zones_of_record(&r, out);
}

static int
zones_set(struct kv_txn *txn, const struct zones *z)
{
    struct host_place_fault_record faults[ZONES_FAULTS_MAX];
    struct host_way_record ways[ZONES_WAYS_MAX];
    for (size_t i = 0; i < z->fault_count; i++)
        faults[i] =
            (struct host_place_fault_record){z->faults[i].place, {z->faults[i].state, true}};
    for (size_t i = 0; i < z->way_count; i++)
        ways[i] = (struct host_way_record){
            .place = z->ways[i].place,
            .other = z->ways[i].other,
            .delay_us = {z->ways[i].delay_us, true},
            .loss_ppm = {z->ways[i].loss_ppm, true},
            .queue = {z->ways[i].queue, true},
        };
    struct host_zones_record r = {
        .number = {z->number + 1, true},
        .faults = {faults, z->fault_count},
        .ways = {ways, z->way_count},
    };
    return record_set(txn, &host_zones_record_type, zones_key(kv_txn_arena(txn)), &r);
}

int
zones_set_state(struct kv_txn *txn, struct str place, enum zone_state state)
{
    struct zones z;
    size_t at = 0;
    if (!zone_name_is_valid(place))
        return E_INVALID;
    TRY(zones_get(txn, &z));
    while (at < z.fault_count && !str_eq(z.faults[at].place, place))
        at++;
    if (at == ZONES_FAULTS_MAX)
        return E_LIMIT;
    z.faults[at] = (struct place_fault){place, state};
    z.fault_count += at == z.fault_count;
    if (state == ZONE_HEALTHY)
        z.faults[at] = z.faults[--z.fault_count];
    return zones_set(txn, &z);
}

// A number that no other way has, so that the others keep theirs.
static uint8_t
queue_choose(const struct zones *z)
{
    uint64_t used = 0;
    uint8_t queue = 0;
    for (size_t i = 0; i < z->way_count; i++)
        used |= UINT64_C(1) << z->ways[i].queue;
    while (used >> queue & 1)
        queue++;
    return queue;
}

int
zones_set_way(struct kv_txn *txn, struct str place, struct str other, uint32_t delay_us,
              uint32_t loss_ppm)
{
    struct zones z;
    size_t at = 0;
    bool is_in_order = str_cmp(place, other) < 0; // a way has one name, whoever asks
    struct str first = is_in_order ? place : other, last = is_in_order ? other : place;
    if (!zone_name_is_valid(place) || !zone_name_is_valid(other) || delay_us > ZONES_DELAY_US_MAX ||
        loss_ppm > PPM || zone_lies_in(first, last) || zone_lies_in(last, first))
        return E_INVALID;
    TRY(zones_get(txn, &z));
    while (at < z.way_count && !(str_eq(z.ways[at].place, first) && str_eq(z.ways[at].other, last)))
        at++;
    if (at == ZONES_WAYS_MAX)
        return E_LIMIT;
    if (at == z.way_count) {
        z.ways[at] = (struct slow_way){.place = first, .other = last, .queue = queue_choose(&z)};
        z.way_count++;
    }
    z.ways[at].delay_us = delay_us;
    z.ways[at].loss_ppm = loss_ppm;
    if (delay_us == 0 && loss_ppm == 0)
        z.ways[at] = z.ways[--z.way_count];
    return zones_set(txn, &z);
}
