// Zones of this machine.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/zones.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "src/host/faults.h"
#include "src/host/firewall.h"
#include "src/host/network.h"
#include "src/host/sandbox.h"

enum { RANGE_BYTES = 20, WAYS_MAX = 1024 };

// A range of a network, or a sandbox (without a range).
struct member {
    char name[HOST_NAME_BYTES_MAX + 1];
    char range[RANGE_BYTES];
    LIST_ENTRY(member) link;
};

struct zone {
    char name[ZONE_NAME_BYTES_MAX + 1];
    enum zone_state state;
    LIST_HEAD(, member) members;
    LIST_ENTRY(zone) link;
};

// Its number is its queue's, in every network.
struct way {
    const struct zone *zone, *other;
    uint32_t delay_us, loss_ppm;
    bool is_slow;
};

struct zones {
    struct host *host;
    pthread_mutex_t turn; // of the lists; one change at a time is made by `is_busy`
    bool is_busy;
    LIST_HEAD(, zone) zones;
    size_t member_count;
    struct way ways[WAYS_MAX];
    size_t way_count;
};

enum { TURN_MS = 1 };

// Changes wait for each other, and others may read meanwhile.
static int
turn_take(struct zones *z)
{
    for (;;) {
        pthread_mutex_lock(&z->turn);
        bool was_busy = z->is_busy;
        z->is_busy = true;
        pthread_mutex_unlock(&z->turn);
        if (!was_busy)
            return OK;
        TRY(fiber_sleep_until(deadline_in_ms(z->host->runtime, TURN_MS)));
    }
}

static int
turn_give(struct zones *z, int code)
{
    pthread_mutex_lock(&z->turn);
    z->is_busy = false;
    pthread_mutex_unlock(&z->turn);
    return code;
}

struct zones *
zones_new(struct host *h)
{
    struct zones *z = calloc(1, sizeof(*z));
    CHECK(z != NULL && pthread_mutex_init(&z->turn, NULL) == 0);
    z->host = h;
    return z;
}

void
zones_free(struct zones *z)
{
    if (z == NULL)
        return;
    while (!LIST_EMPTY(&z->zones)) {
        struct zone *zone = LIST_FIRST(&z->zones);
        while (!LIST_EMPTY(&zone->members)) {
            struct member *m = LIST_FIRST(&zone->members);
            LIST_REMOVE(m, link);
            free(m);
        }
        LIST_REMOVE(zone, link);
        free(zone);
    }
    pthread_mutex_destroy(&z->turn);
    free(z);
}

static struct zone *
zone_find(struct zones *z, struct str name)
{
    struct zone *zone;
    LIST_FOREACH(zone, &z->zones, link)
    if (str_eq(str_of(zone->name), name))
        return zone;
    return NULL;
}

static int
member_add(struct zones *z, struct str zone_name, struct str name, struct str range, char *problem,
           struct zone **out)
{
    struct zone *zone = zone_find(z, zone_name);
    snprintf(problem, HOST_PROBLEM_BYTES,
             "the name of the zone or of what lies there is not valid");
    if (!host_name_is_valid(zone_name) || zone_name.len > ZONE_NAME_BYTES_MAX ||
        !host_name_is_valid(name))
        return E_INVALID;
    snprintf(problem, HOST_PROBLEM_BYTES, "there is too much in zones");
    if (z->member_count == ZONES_MEMBERS_MAX)
        return E_LIMIT;
    pthread_mutex_lock(&z->turn);
    if (zone == NULL) {
        zone = calloc(1, sizeof(*zone));
        CHECK(zone != NULL);
        snprintf(zone->name, sizeof(zone->name), STR_FMT, STR_ARG(zone_name));
        LIST_INSERT_HEAD(&z->zones, zone, link);
    }
    struct member *m = calloc(1, sizeof(*m));
    CHECK(m != NULL);
    snprintf(m->name, sizeof(m->name), STR_FMT, STR_ARG(name));
    snprintf(m->range, sizeof(m->range), STR_FMT, STR_ARG(range));
    LIST_INSERT_HEAD(&zone->members, m, link);
    z->member_count++;
    pthread_mutex_unlock(&z->turn);
    *out = zone;
    return OK;
}

typedef void print_fn(struct zones *z, struct zone *zone, const struct member *m, struct buf *out,
                      const void *arg);

// Writes commands about a range and runs them in its network.
static int
run(struct zones *z, struct zone *zone, const struct member *m, print_fn *fn, const void *arg,
    char *problem)
{
    struct arena arena;
    struct buf out;
    arena_init(&arena);
    buf_init(&out, &arena, 0);
    faults_begin(&out);
    fn(z, zone, m, &out, arg);
    int code = network_rules(z->host, str_of(m->name), buf_str(&out), problem);
    arena_fini(&arena);
    return code;
}

static bool
is_range_of(const struct member *m, const char *network)
{
    return m->range[0] != '\0' && strcmp(m->name, network) == 0;
}

// Deleting what is not there would be refused, so it is added before.
static void
put_state(struct zones *z, struct zone *zone, const struct member *m, struct buf *out,
          const void *arg)
{
    faults_cut(str_of(m->range), out);
    if (*(const enum zone_state *)arg == ZONE_HEALTHY)
        faults_heal(str_of(m->range), out);
}

static void
put_new(struct zones *z, struct zone *zone, const struct member *m, struct buf *out,
        const void *arg)
{
    struct member *other;
    LIST_FOREACH(other, &zone->members, link)
    if (is_range_of(other, m->name))
        faults_together_add(str_of(m->range), str_of(other->range), out);
    put_state(z, zone, m, out, &zone->state);
}

int
zones_add_range(struct zones *z, struct str zone_name, struct str network, struct str range,
                char *problem)
{
    struct zone *zone;
    TRY(firewall_cidr_check(range, problem));
    TRY(turn_take(z));
    int code = member_add(z, zone_name, network, range, problem, &zone);
    if (code == OK)
        code = run(z, zone, LIST_FIRST(&zone->members), put_new, NULL, problem);
    return turn_give(z, code);
}

int
zones_add_sandbox(struct zones *z, struct str zone_name, struct str sandbox, char *problem)
{
    struct zone *zone;
    TRY(turn_take(z));
    return turn_give(z, member_add(z, zone_name, sandbox, STR(""), problem, &zone));
}

void
zones_forget(struct zones *z, struct str name)
{
    struct zone *zone;
    if (turn_take(z) != OK)
        return;
    pthread_mutex_lock(&z->turn);
    LIST_FOREACH(zone, &z->zones, link)
    {
        for (struct member *m = LIST_FIRST(&zone->members), *next; m != NULL; m = next) {
            next = LIST_NEXT(m, link);
            if (!str_eq(str_of(m->name), name))
                continue;
            LIST_REMOVE(m, link);
            free(m);
            z->member_count--;
        }
    }
    pthread_mutex_unlock(&z->turn);
    (void)turn_give(z, OK);
}

static int
state_apply(struct zones *z, struct zone *zone, enum zone_state state, char *problem)
{
    struct member *m;
    // First the network, so that nobody hears the guests end.
    LIST_FOREACH(m, &zone->members, link)
    if (m->range[0] != '\0')
        TRY(run(z, zone, m, put_state, &state, problem));
    snprintf(problem, HOST_PROBLEM_BYTES, "a sandbox of the zone does not end");
    LIST_FOREACH(m, &zone->members, link)
    if (m->range[0] == '\0' && state == ZONE_DEAD)
        TRY(sandbox_stop(z->host, str_of(m->name), 0));
    return OK;
}

int
zones_set(struct zones *z, struct str name, enum zone_state state, char *problem)
{
    TRY(turn_take(z));
    struct zone *zone = zone_find(z, name);
    snprintf(problem, HOST_PROBLEM_BYTES, "nothing lies in this zone");
    if (zone == NULL)
        return turn_give(z, E_NOT_FOUND);
    pthread_mutex_lock(&z->turn);
    zone->state = state; // before its sandboxes end, so that they are not started again
    pthread_mutex_unlock(&z->turn);
    return turn_give(z, state_apply(z, zone, state, problem));
}

bool
zones_is_dead(struct zones *z, struct str name)
{
    pthread_mutex_lock(&z->turn);
    const struct zone *zone = zone_find(z, name);
    bool is_dead = zone != NULL && zone->state == ZONE_DEAD;
    pthread_mutex_unlock(&z->turn);
    return is_dead;
}

// -- slow ways

static void
put_way(struct zones *z, struct zone *zone, const struct member *m, struct buf *out,
        const void *arg)
{
    const struct way *w = arg;
    const struct member *other;
    uint16_t queue = (uint16_t)(w - z->ways);
    LIST_FOREACH(other, &w->other->members, link)
    {
        if (!is_range_of(other, m->name))
            continue;
        faults_slow(str_of(m->range), str_of(other->range), queue, out);
        faults_slow(str_of(other->range), str_of(m->range), queue, out);
        if (w->is_slow)
            continue;
        faults_slow_end(str_of(m->range), str_of(other->range), queue, out);
        faults_slow_end(str_of(other->range), str_of(m->range), queue, out);
    }
}

static int
way_apply(struct zones *z, struct zone *zone, const struct way *w, char *problem)
{
    struct member *m;
    uint16_t queue = (uint16_t)(w - z->ways);
    LIST_FOREACH(m, &zone->members, link)
    {
        struct str network = str_of(m->name);
        if (m->range[0] == '\0')
            continue;
        TRY(network_queue_set(z->host, network, queue, w->delay_us, w->loss_ppm, problem));
        TRY(run(z, zone, m, put_way, w, problem));
    }
    // Only when no range leads there any more.
    LIST_FOREACH(m, &zone->members, link)
    if (m->range[0] != '\0' && !w->is_slow)
        TRY(network_queue_end(z->host, str_of(m->name), queue, problem));
    return OK;
}

static struct way *
way_get(struct zones *z, const struct zone *zone, const struct zone *other)
{
    for (size_t i = 0; i < z->way_count; i++)
        if (z->ways[i].zone == zone && z->ways[i].other == other)
            return &z->ways[i];
    if (z->way_count == WAYS_MAX)
        return NULL;
    struct way *w = &z->ways[z->way_count++];
    *w = (struct way){.zone = zone, .other = other};
    return w;
}

int
zones_slow(struct zones *z, struct str name, struct str other_name, uint32_t delay_us,
           uint32_t loss_ppm, char *problem)
{
    bool is_in_order = str_cmp(name, other_name) < 0; // a way has one name, whoever asks
    TRY(turn_take(z));
    struct zone *zone = zone_find(z, is_in_order ? name : other_name);
    struct zone *other = zone_find(z, is_in_order ? other_name : name);
    snprintf(problem, HOST_PROBLEM_BYTES, "nothing lies in one of the zones, or they are the same");
    if (zone == NULL || other == NULL || zone == other)
        return turn_give(z, E_NOT_FOUND);
    pthread_mutex_lock(&z->turn);
    struct way *w = way_get(z, zone, other);
    if (w != NULL)
        *w = (struct way){zone, other, delay_us, loss_ppm, delay_us > 0 || loss_ppm > 0};
    pthread_mutex_unlock(&z->turn);
    snprintf(problem, HOST_PROBLEM_BYTES, "there are too many slow ways");
    return turn_give(z, w == NULL ? E_LIMIT : way_apply(z, zone, w, problem));
}

// -- the report

static void
print_members(const struct zone *zone, bool are_ranges, struct buf *out)
{
    const struct member *m;
    const char *comma = "";
    LIST_FOREACH(m, &zone->members, link)
    {
        if ((m->range[0] != '\0') != are_ranges)
            continue;
        if (are_ranges)
            buf_print(out, "%s{\"network\":\"%s\",\"range\":\"%s\"}", comma, m->name, m->range);
        else
            buf_print(out, "%s\"%s\"", comma, m->name);
        comma = ",";
    }
}

void
zones_print(struct zones *z, struct buf *out)
{
    static const char *const names[] = {"healthy", "cut", "dead"};
    const struct zone *zone;
    const char *comma = "";
    pthread_mutex_lock(&z->turn);
    buf_put(out, STR("{\"zones\":["));
    LIST_FOREACH(zone, &z->zones, link)
    {
        buf_print(out, "%s{\"name\":\"%s\",\"state\":\"%s\",\"ranges\":[", comma, zone->name,
                  names[zone->state]);
        print_members(zone, true, out);
        buf_put(out, STR("],\"sandboxes\":["));
        print_members(zone, false, out);
        buf_put(out, STR("]}"));
        comma = ",";
    }
    buf_put(out, STR("],\"slow\":["));
    comma = "";
    for (size_t i = 0; i < z->way_count; i++) {
        const struct way *w = &z->ways[i];
        if (!w->is_slow)
            continue;
        buf_print(out, "%s{\"between\":[\"%s\",\"%s\"],\"delay_us\":%u,\"loss_ppm\":%u}", comma,
                  w->zone->name, w->other->name, w->delay_us, w->loss_ppm);
        comma = ",";
    }
    buf_put(out, STR("]}"));
    pthread_mutex_unlock(&z->turn);
}
