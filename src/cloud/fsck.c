// Checking a whole store.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/fsck.h"

#include <stdio.h>

#include "src/cloud/state.h"
#include "src/store/blob_upkeep.h"
#include "src/store/check.h"
#include "src/store/client_token.h"
#include "src/store/resource.h"
#include "src/store/tuple.h"

static bool
is_service(struct str name)
{
    for (size_t i = 0; service_registry[i] != NULL; i++)
        if (str_eq(name, str_of(service_registry[i]->wire->name)))
            return true;
    return false;
}

struct areas {
    struct arena arena;
    char last[64]; // an area is reported once
};

// The first element of every key names whose it is.
static int
area_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct areas *a = arg;
    struct tuple_reader r;
    struct str area;
    arena_reset(&a->arena);
    tuple_reader_init(&r, &a->arena, key);
    if (tuple_read_str(&r, &area) != OK) {
        check_report(c, false, "a key of %zu bytes is not one of c10m's", key.len);
        return OK;
    }
    if (str_eq(area, STR("c10m")) || str_eq(area, STR("blob")) || str_eq(area, STR("seal")) ||
        is_service(area))
        return OK;
    if (area.len < sizeof(a->last) && strncmp(a->last, area.ptr, area.len) == 0 &&
        a->last[area.len] == 0)
        return OK;
    snprintf(a->last, sizeof(a->last), STR_FMT, STR_ARG(area));
    check_report(c, false, "keys of \"" STR_FMT "\", which this c10m does not know", STR_ARG(area));
    return OK;
}

static int
timer_check(struct check *c, void *arg, struct str key, struct str value)
{
    struct areas *a = arg;
    struct alarm alarm;
    arena_reset(&a->arena);
    if (alarm_parse(&a->arena, key, &alarm) != OK) {
        if (c->is_repair)
            TRY(check_del(c, key));
        check_report(c, c->is_repair, "a timer cannot be read");
    } else if (!is_service(alarm.service) && !str_eq(alarm.service, STR(CLIENT_TOKEN_SERVICE))) {
        check_report(c, false, "a timer of \"" STR_FMT "\", which this c10m does not know",
                     STR_ARG(alarm.service));
    }
    return OK;
}

static int
store_check(struct check *c)
{
    struct areas a = {0};
    struct str from, to;
    struct arena keys;
    arena_init(&a.arena);
    arena_init(&keys);
    c->part = "store";
    int code = check_each(c, STR(""), STR("\xff"), area_check, &a);
    alarm_range(&keys, &from, &to);
    if (code == OK)
        code = check_each(c, from, to, timer_check, &a);
    arena_fini(&keys);
    arena_fini(&a.arena);
    return code;
}

struct running {
    struct fsck *fsck;
    struct cloud cloud;
    struct check check;
};

static int
check_main(void *arg)
{
    struct running *r = arg;
    TRY(store_check(&r->check));
    TRY(resource_check(&r->check));
    if (r->cloud.blobs != NULL)
        TRY(blobs_check(r->cloud.blobs, &r->check));
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        r->check.part = service_registry[i]->wire->name;
        if (service_registry[i]->check != NULL)
            TRY(service_registry[i]->check(&r->check));
    }
    return OK;
}

static int
seal_main(void *arg)
{
    struct running *r = arg;
    struct seal_options options = {
        .runtime = r->cloud.runtime, .kv = r->cloud.kv, .path = r->fsck->seal_file};
    return seal_open(&options, &r->cloud.seal, r->fsck->problem, r->fsck->problem_size);
}

static int
open_all(struct running *r)
{
    struct fsck *f = r->fsck;
    struct kv_options options = {.runtime = f->runtime, .log = f->log, .is_alone = true};
    r->cloud.runtime = f->runtime;
    r->cloud.log = *f->log;
    TRY(kv_open(f->store_url, &options, &r->cloud.kv, f->problem, f->problem_size));
    TRY(runtime_call(f->runtime, seal_main, r));
    struct cloud_options cloud_options = {.store_url = f->store_url, .keys_dir = f->data};
    TRY(state_open(&r->cloud, &cloud_options, f->problem, f->problem_size));
    r->cloud.aes = aes_new();
    r->cloud.data_keys = data_keys_new(r->cloud.seal, r->cloud.aes);
    return state_open_blobs(&r->cloud, f->problem, f->problem_size);
}

static int
run(struct running *r)
{
    struct fsck *f = r->fsck;
    TRY(open_all(r));
    r->check = (struct check){.kv = r->cloud.kv,
                              .runtime = f->runtime,
                              .reaper = r->cloud.reaper,
                              .data_keys = r->cloud.data_keys,
                              .is_repair = f->is_repair,
                              .print = f->print,
                              .print_arg = f->print_arg};
    int code = runtime_call(f->runtime, check_main, r);
    if (code != OK && *f->problem == 0)
        snprintf(f->problem, f->problem_size, "%s: cannot be checked to its end (%s)",
                 r->check.part, code_name(code));
    f->problems = r->check.problems;
    f->mended = r->check.mended;
    return code;
}

int
fsck_run(struct fsck *f)
{
    struct running r = {.fsck = f};
    int code = run(&r);
    state_stop(&r.cloud);
    state_close(&r.cloud);
    kv_close(r.cloud.kv);
    data_keys_free(r.cloud.data_keys);
    aes_free(r.cloud.aes);
    seal_free(r.cloud.seal);
    return code;
}
