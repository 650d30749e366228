// What an operator and tests see of the machine, and ask of it.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>

#include "src/base/timestamp.h"
#include "src/host/functions.h"
#include "src/host/host_records.h"
#include "src/host/machine_state.h"
#include "src/host/machine_zones.h"
#include "src/wire/json.h"
#include "src/wire/protocol.h"

enum { UNITS_PER_PAGE = 64, JSON_DEPTH_MAX = 16, REMOVED = -1 };

static const char *const desired_names[] = {
    [UNIT_RUN] = "run",
    [UNIT_STOP] = "stop",
    [UNIT_GONE] = "gone",
};

struct page {
    bool is_first;
    struct unit_id after; // absent kind: from the first
    struct unit_id ids[UNITS_PER_PAGE];
    size_t count;
    struct unit units[UNITS_PER_PAGE];
};

static int
page_body(struct kv_txn *txn, void *arg)
{
    struct page *p = arg;
    p->count = 0;
    int code = unit_list(txn, str_is_present(p->after.kind) ? &p->after : NULL, p->ids,
                         UNITS_PER_PAGE, &p->count);
    if (code != OK)
        return code;
    for (size_t i = 0; i < p->count; i++)
        TRY(unit_get(txn, p->ids[i].kind, p->ids[i].name, &p->units[i]));
    return OK;
}

static void
put_text(struct buf *out, const char *name, struct str value)
{
    buf_print(out, ",\"%s\":", name);
    json_put_string(out, value);
}

static void
put_needs(const struct unit *u, struct buf *out)
{
    buf_put(out, STR(",\"needs\":["));
    for (size_t i = 0; i < u->need_count; i++) {
        buf_put(out, i > 0 ? STR(",{\"kind\":") : STR("{\"kind\":"));
        json_put_string(out, u->needs[i].kind);
        put_text(out, "name", u->needs[i].name);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

// A network's holds no secrets, unlike others'.
static void
open_network(const struct machine *m, struct unit *u, struct arena *arena)
{
    if (!str_eq(u->kind, STR("network")) || m->seal == NULL || unit_open(m->seal, u, arena) != OK)
        u->spec = (struct str){0};
}

static void
put_spec(const struct unit *u, struct buf *out)
{
    const struct record_type *type = driver_spec(u->kind);
    struct host_network_record r = {0};
    if (!str_is_present(u->spec) || record_decode(type, u->spec, out->arena, &r) != OK)
        return;
    buf_put(out, STR(",\"spec\":"));
    wire_json_encode(type->model, type->shape, &r, out);
}

// Without its spec, which may hold secrets, but for a network's.
static void
put_unit(const struct unit *u, struct buf *out)
{
    char since[TIMESTAMP_ISO_BYTES];
    buf_put(out, STR("{\"kind\":"));
    json_put_string(out, u->kind);
    put_text(out, "name", u->name);
    put_text(out, "desired", str_of(desired_names[u->desired]));
    put_text(out, "state", str_of(unit_state_name(u->state)));
    put_text(out, "problem", u->problem);
    if (str_is_present(u->zone))
        put_text(out, "zone", u->zone);
    if (u->changed_ms != 0) {
        timestamp_print_iso(u->changed_ms, since);
        put_text(out, "since", (struct str){since, sizeof(since)});
    }
    buf_print(out,
              ",\"restarts\":%s,\"failures\":%" PRId64 ",\"want_version\":%" PRId64
              ",\"applied_version\":%" PRId64 ",\"ids_row\":%" PRId32,
              u->restarts ? "true" : "false", u->failures, u->want_version, u->applied_version,
              u->ids_row);
    put_needs(u, out);
    put_spec(u, out);
    buf_put_char(out, '}');
}

static void
put_machine(struct machine *m, struct buf *out)
{
    char problem[UNIT_PROBLEM_BYTES];
    pthread_mutex_lock(&m->mutex);
    const struct host *h = m->host;
    snprintf(problem, sizeof(problem), "%s", m->problem);
    pthread_mutex_unlock(&m->mutex);
    buf_print(out, "{\"opened\":%s", h != NULL ? "true" : "false");
    put_text(out, "problem", str_of(problem));
    if (h != NULL) {
        buf_print(out, ",\"root\":%s", h->is_root ? "true" : "false");
        put_text(out, "limits_unenforced", host_limits_unenforced(h, out->arena));
    }
    if (h != NULL) {
        buf_put(out, STR(",\"pools\":"));
        functions_print(functions_of(m->drivers, m->driver_count), out);
    }
    buf_put(out, STR(",\"units\":["));
}

int
machine_print(struct machine *m, struct buf *out)
{
    struct page *page = arena_alloc(out->arena, sizeof(*page));
    struct zone_report zones;
    bool is_first = true;
    int code = OK;
    *page = (struct page){0};
    zone_report_init(&zones, out->arena);
    put_machine(m, out);
    while (code == OK) {
        code = kv_run(m->options.kv, out->arena, page_body, page);
        for (size_t i = 0; code == OK && i < page->count; i++) {
            if (!is_first)
                buf_put_char(out, ',');
            is_first = false;
            open_network(m, &page->units[i], out->arena);
            put_unit(&page->units[i], out);
            zone_report_add(&zones, &page->units[i]);
            page->after = page->ids[i];
        }
    }
    if (code != E_NOT_FOUND)
        return code;
    buf_put(out, STR("],\"zones\":"));
    TRY(zone_report_put(&zones, m->options.kv, out));
    buf_put(out, STR("}\n"));
    return OK;
}

struct wishing {
    struct unit_wish wish;
    struct unit_id needs[UNIT_NEEDS_MAX];
    struct str spec; // JSON
    struct arena *arena;
    char *problem;
};

static int
refuse(struct wishing *w, const char *format, struct str value)
{
    char quoted[128];
    snprintf(w->problem, UNIT_PROBLEM_BYTES, format, log_quote(value, quoted, sizeof(quoted)));
    return E_INVALID;
}

static int
read_desired(struct wishing *w, struct json_reader *r)
{
    struct str text;
    TRY(json_read_string(r, &text));
    for (size_t i = 0; i < COUNT_OF(desired_names); i++)
        if (str_eq(text, str_of(desired_names[i]))) {
            w->wish.desired = (enum unit_desired)i;
            return OK;
        }
    return refuse(w, "desired is run, stop or gone, not %s", text);
}

static int
read_need(struct wishing *w, struct json_reader *r)
{
    struct str key;
    bool more;
    if (w->wish.need_count == UNIT_NEEDS_MAX)
        return E_INVALID;
    struct unit_id *id = &w->needs[w->wish.need_count++];
    TRY(json_object_begin(r));
    for (;;) {
        TRY(json_object_next(r, &more, &key));
        if (!more)
            return OK;
        TRY(json_read_string(r, str_eq(key, STR("kind")) ? &id->kind : &id->name));
    }
}

static int
read_needs(struct wishing *w, struct json_reader *r)
{
    bool more;
    TRY(json_array_begin(r));
    for (;;) {
        TRY(json_array_next(r, &more));
        if (!more)
            return OK;
        TRY(read_need(w, r));
    }
}

static int
read_member(struct wishing *w, struct json_reader *r, struct str key)
{
    if (str_eq(key, STR("kind")))
        return json_read_string(r, &w->wish.kind);
    if (str_eq(key, STR("name")))
        return json_read_string(r, &w->wish.name);
    if (str_eq(key, STR("zone")))
        return json_read_string(r, &w->wish.zone);
    if (str_eq(key, STR("desired")))
        return read_desired(w, r);
    if (str_eq(key, STR("needs")))
        return read_needs(w, r);
    if (str_eq(key, STR("restarts"))) {
        w->wish.restarts = json_peek(r) == JSON_TRUE;
        return json_read_literal(r);
    }
    if (!str_eq(key, STR("spec")))
        return refuse(w, "there is no member %s", key);
    const char *begin = r->at;
    TRY(json_skip(r));
    w->spec = (struct str){begin, (size_t)(r->at - begin)};
    return OK;
}

static int
read_wish(struct wishing *w, struct str json)
{
    struct json_reader r;
    struct str key;
    bool more;
    json_reader_init(&r, json, w->arena, JSON_DEPTH_MAX);
    snprintf(w->problem, UNIT_PROBLEM_BYTES, "a JSON object with kind, name and desired is wanted");
    TRY(json_object_begin(&r));
    for (;;) {
        TRY(json_object_next(&r, &more, &key));
        if (!more)
            return json_end(&r);
        TRY(read_member(w, &r, key));
    }
}

static int
read_spec(struct wishing *w, const struct seal *seal, const struct record_type *type)
{
    const struct unit_id id = {w->wish.kind, w->wish.name};
    struct wire_problem problem = {0};
    void *record = arena_alloc(w->arena, type->model->shapes[type->shape].c_size);
    if (!str_is_present(w->spec))
        return w->wish.desired == UNIT_RUN ? refuse(w, "%s needs a spec", w->wish.kind) : OK;
    if (wire_json_decode(type->model, type->shape, w->spec, w->arena, record, &problem) != OK)
        return refuse(w, "the spec: %s", problem.message);
    if (unit_spec(seal, &id, type, record, w->arena, &w->wish.spec) != OK)
        return refuse(w, "the spec of %s is too long", w->wish.name);
    return OK;
}

static int
wish_body(struct kv_txn *txn, void *arg)
{
    return unit_want(txn, &((struct wishing *)arg)->wish);
}

int
machine_wish(struct machine *m, struct str json, struct arena *arena, char *problem)
{
    struct wishing w = {.arena = arena, .problem = problem};
    if (read_wish(&w, json) != OK)
        return E_INVALID;
    const struct record_type *type = driver_spec(w.wish.kind);
    if (type == NULL)
        return refuse(&w, "there is no kind %s", w.wish.kind);
    if (!host_name_is_valid(w.wish.name))
        return refuse(&w, "the name %s is not valid", w.wish.name);
    if (str_is_present(w.wish.zone) && !zone_name_is_valid(w.wish.zone))
        return refuse(&w, "the zone %s is not valid", w.wish.zone);
    for (size_t i = 0; i < w.wish.need_count; i++)
        if (driver_spec(w.needs[i].kind) == NULL || !host_name_is_valid(w.needs[i].name))
            return refuse(&w, "there can be no unit %s to need", w.needs[i].name);
    w.wish.needs = w.needs;
    TRY(read_spec(&w, m->seal, type));
    return kv_run(m->options.kv, arena, wish_body, &w);
}
