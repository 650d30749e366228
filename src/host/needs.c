// What units need of each other.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/needs.h"

#include <stdio.h>

static bool
is_same(const struct worker_id *a, const struct worker_id *b)
{
    return strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0;
}

static bool
does_need(const struct worker *w, const struct worker_id *other)
{
    for (size_t i = 0; i < w->need_count; i++)
        if (is_same(&w->needs[i], other))
            return true;
    return false;
}

void
needs_note(struct worker *w)
{
    struct reconciler *r = w->reconciler;
    const struct unit *u = &w->unit;
    pthread_mutex_lock(&r->mutex);
    w->need_count = u->need_count;
    for (size_t i = 0; i < u->need_count; i++) {
        struct worker_id *id = &w->needs[i];
        snprintf(id->kind, sizeof(id->kind), STR_FMT, STR_ARG(u->needs[i].kind));
        snprintf(id->name, sizeof(id->name), STR_FMT, STR_ARG(u->needs[i].name));
    }
    pthread_mutex_unlock(&r->mutex);
}

static const struct worker *
find(const struct reconciler *r, const struct worker_id *id)
{
    const struct worker *w;
    LIST_FOREACH(w, &r->workers, link)
    if (is_same(&w->id, id))
        return w;
    return NULL;
}

static bool
knows_zones(const struct worker *need, const struct worker *w)
{
    return need->driver == NULL || need->driver->fail == NULL ||
           need->zones_seen >= w->zones.number;
}

static bool
is_up(const struct worker *w, const struct worker_id *id)
{
    const struct worker *need = find(w->reconciler, id);
    return need != NULL && need->is_up && knows_zones(need, w);
}

bool
needs_are_up(const struct worker *w, char *problem)
{
    struct reconciler *r = w->reconciler;
    const struct worker_id *missing = NULL;
    pthread_mutex_lock(&r->mutex);
    for (size_t i = 0; missing == NULL && i < w->need_count; i++)
        if (!is_up(w, &w->needs[i]))
            missing = &w->needs[i];
    pthread_mutex_unlock(&r->mutex);
    if (missing != NULL)
        snprintf(problem, UNIT_PROBLEM_BYTES, "it waits for the %s %s", missing->kind,
                 missing->name);
    return missing == NULL;
}

bool
needs_know_zones(const struct worker *w)
{
    struct reconciler *r = w->reconciler;
    bool do_know = true;
    pthread_mutex_lock(&r->mutex);
    for (size_t i = 0; i < w->need_count; i++) {
        const struct worker *need = find(r, &w->needs[i]);
        do_know = do_know && (need == NULL || !need->is_up || knows_zones(need, w));
    }
    pthread_mutex_unlock(&r->mutex);
    return do_know;
}

static void
wake_those_that_need(const struct worker *w)
{
    struct worker *other;
    LIST_FOREACH(other, &w->reconciler->workers, link)
    if (other->alert.fiber != NULL && does_need(other, &w->id))
        alert_raise(&other->alert);
}

void
needs_tell_zones(struct worker *w)
{
    struct reconciler *r = w->reconciler;
    pthread_mutex_lock(&r->mutex);
    bool is_news = w->zones_seen != w->zones.number;
    w->zones_seen = w->zones.number;
    if (is_news && w->driver != NULL && w->driver->fail != NULL)
        wake_those_that_need(w);
    pthread_mutex_unlock(&r->mutex);
}

bool
needs_are_busy(const struct worker *w, char *problem)
{
    struct reconciler *r = w->reconciler;
    struct worker *other;
    bool is_busy = false;
    pthread_mutex_lock(&r->mutex);
    LIST_FOREACH(other, &r->workers, link)
    {
        if (!other->may_be_up || !does_need(other, &w->id))
            continue;
        is_busy = true;
        snprintf(problem, UNIT_PROBLEM_BYTES, "the %s %s needs it still", other->id.kind,
                 other->id.name);
        break;
    }
    pthread_mutex_unlock(&r->mutex);
    return is_busy;
}

void
needs_tell(struct worker *w, bool is_up_now, bool may_be_up)
{
    struct reconciler *r = w->reconciler;
    struct worker *other;
    pthread_mutex_lock(&r->mutex);
    bool came_up = is_up_now && !w->is_up, went_down = !may_be_up && w->may_be_up;
    w->is_up = is_up_now;
    w->may_be_up = may_be_up;
    if (came_up || went_down)
        LIST_FOREACH(other, &r->workers, link)
    if (other->alert.fiber != NULL &&
        ((came_up && does_need(other, &w->id)) || (went_down && does_need(w, &other->id))))
        alert_raise(&other->alert);
    pthread_mutex_unlock(&r->mutex);
}
