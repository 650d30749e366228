// What was wrong with an input: its kind and sentence first, its path while the walk returns.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/problem.h"

int
problem_set(struct wire_problem *p, struct arena *arena, enum wire_problem_kind kind,
            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    p->message = arena_print_v(arena, format, args);
    va_end(args);
    p->kind = kind;
    p->path = STR("");
    p->member = STR("");
    return E_INVALID;
}

static void
put_before(struct wire_problem *p, struct arena *arena, struct str step)
{
    const char *dot = p->path.len == 0 ? "" : ".";
    p->path = arena_print(arena, STR_FMT "%s" STR_FMT, STR_ARG(step), dot, STR_ARG(p->path));
}

void
problem_in_member(struct wire_problem *p, struct arena *arena, const char *name)
{
    if (p->kind == WIRE_PROBLEM_NONE)
        return;
    if (p->member.len == 0)
        p->member = str_of(name);
    // AWS prints the getter's name: QueueUrl is queueUrl, DBName is dBName.
    char *step = arena_copy_z(arena, str_of(name));
    if (step[0] >= 'A' && step[0] <= 'Z')
        step[0] |= 0x20;
    put_before(p, arena, str_of(step));
}

void
problem_in_item(struct wire_problem *p, struct arena *arena, size_t index)
{
    if (p->kind != WIRE_PROBLEM_NONE)
        put_before(p, arena, arena_print(arena, "%zu.member", index + 1));
}

void
problem_in_key(struct wire_problem *p, struct arena *arena, struct str key)
{
    if (p->kind != WIRE_PROBLEM_NONE)
        put_before(p, arena, arena_print(arena, STR_FMT ".member", STR_ARG(key)));
}

int
problem_of_code(struct wire_problem *p, struct arena *arena, int code, const char *syntax)
{
    if (p->kind != WIRE_PROBLEM_NONE)
        return E_INVALID;
    if (code == E_LIMIT)
        return problem_set(
            p, arena, WIRE_PROBLEM_DEPTH,
            "The request is nested deeper than %d levels or has more than %d elements",
            WIRE_DEPTH_MAX, WIRE_ITEMS_MAX);
    return problem_set(p, arena, WIRE_PROBLEM_SYNTAX, "%s", syntax);
}
