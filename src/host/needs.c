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

static bool
is_up(const struct reconciler *r, const struct worker_id *id)
{
    struct worker *w;
    LIST_FOREACH(w, &r->workers, link)
    if (is_same(&w->id, id))
        return w->is_up;
    return false;
}

bool
needs_are_up(const struct worker *w, char *problem)
{
    struct reconciler *r = w->reconciler;
    const struct worker_id *missing = NULL;
    pthread_mutex_lock(&r->mutex);
    for (size_t i = 0; missing == NULL && i < w->need_count; i++)
        if (!is_up(r, &w->needs[i]))
            missing = &w->needs[i];
    pthread_mutex_unlock(&r->mutex);
    if (missing != NULL)
        snprintf(problem, UNIT_PROBLEM_BYTES, "it waits for the %s %s", missing->kind,
                 missing->name);
    return missing == NULL;
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
