// Checks strings against the patterns of a model, in bounded time.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "src/wire/pattern_plain.h"
#include "src/wire/pattern_syntax.h"

enum {
    SLOTS_FIRST = 16,
    STEPS_MIN = 2000,      // of a match, and for each byte of the string:
    STEPS_PER_BYTE = 16,   // patterns of models need a few
    DEPTH_MAX = 250000,    // backtracking points that are open at a time
    HEAP_KIB_MAX = 32768,  // for those
    KEPT_FOR_BYTES = 4096, // after a longer string, that memory is given back
};

struct pattern_slot {
    const char *text; // in the model; NULL: free
    struct plain_part *parts;
    size_t part_count;
    bool is_plain;
    bool is_compiled;
    pcre2_code *code; // NULL: not compiled yet, or can not be
};

struct pattern_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

void
wire_patterns_init(struct wire_patterns *p)
{
    *p = (struct wire_patterns){0};
}

static void
free_matcher(struct wire_patterns *p)
{
    if (p->matcher == NULL)
        return;
    pcre2_match_data_free(p->matcher->data);
    pcre2_match_context_free(p->matcher->context);
    free(p->matcher);
    p->matcher = NULL;
}

void
wire_patterns_fini(struct wire_patterns *p)
{
    for (size_t i = 0; i < p->size; i++) {
        free(p->slots[i].parts);
        pcre2_code_free(p->slots[i].code);
    }
    free_matcher(p);
    free(p->slots);
    wire_patterns_init(p);
}

static void *
allocate(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    CHECK(memory != NULL);
    return memory;
}

// The pattern's slot, or a free one for it. Texts of models are constant: their address names them.
static struct pattern_slot *
find_slot(const struct wire_patterns *p, const char *text)
{
    size_t at = (size_t)(((uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
    while (p->slots[at & (p->size - 1)].text != NULL && p->slots[at & (p->size - 1)].text != text)
        at++;
    return &p->slots[at & (p->size - 1)];
}

static void
grow(struct wire_patterns *p)
{
    struct wire_patterns old = *p;
    p->size = old.size == 0 ? SLOTS_FIRST : 2 * old.size;
    p->slots = allocate(p->size, sizeof(p->slots[0]));
    for (size_t i = 0; i < old.size; i++) {
        if (old.slots[i].text != NULL)
            *find_slot(p, old.slots[i].text) = old.slots[i];
    }
    free(old.slots);
}

static struct pattern_slot *
get_slot(struct wire_patterns *p, const char *text)
{
    struct plain_pattern plain;
    if (2 * p->count >= p->size)
        grow(p);
    struct pattern_slot *slot = find_slot(p, text);
    if (slot->text != NULL)
        return slot;
    p->count++;
    slot->text = text;
    slot->is_plain = plain_parse(str_of(text), &plain);
    if (slot->is_plain) {
        slot->part_count = plain.count;
        slot->parts = allocate(plain.count, sizeof(slot->parts[0]));
        memcpy(slot->parts, plain.parts, plain.count * sizeof(slot->parts[0]));
    }
    return slot;
}

static pcre2_code *
compile(const char *text)
{
    int error;
    size_t error_at;
    struct arena arena;
    struct buf b;
    arena_init(&arena);
    buf_init(&b, &arena, 0);
    pattern_translate(str_of(text), &b);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    CHECK(context != NULL);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)b.ptr, b.len,
                                     PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
                                         PCRE2_ANCHORED | PCRE2_ENDANCHORED,
                                     &error, &error_at, context);
    pcre2_compile_context_free(context);
    arena_fini(&arena);
    return code;
}

static struct pattern_matcher *
get_matcher(struct wire_patterns *p)
{
    if (p->matcher != NULL)
        return p->matcher;
    p->matcher = allocate(1, sizeof(*p->matcher));
    p->matcher->data = pcre2_match_data_create(1, NULL);
    p->matcher->context = pcre2_match_context_create(NULL);
    CHECK(p->matcher->data != NULL && p->matcher->context != NULL);
    pcre2_set_depth_limit(p->matcher->context, DEPTH_MAX);
    pcre2_set_heap_limit(p->matcher->context, HEAP_KIB_MAX);
    return p->matcher;
}

static uint32_t
steps_for(struct str s)
{
    size_t steps = STEPS_MIN + STEPS_PER_BYTE * (s.len < UINT32_MAX / 32 ? s.len : UINT32_MAX / 32);
    return (uint32_t)steps;
}

static int
match_code(struct wire_patterns *p, const pcre2_code *code, struct str s)
{
    struct pattern_matcher *matcher = get_matcher(p);
    pcre2_set_match_limit(matcher->context, steps_for(s));
    int result = pcre2_match(code, (PCRE2_SPTR)(s.ptr == NULL ? "" : s.ptr), s.len, 0, 0,
                             matcher->data, matcher->context);
    if (s.len > KEPT_FOR_BYTES)
        free_matcher(p);
    if (result >= 0)
        return OK;
    bool is_limit = result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ||
                    result == PCRE2_ERROR_HEAPLIMIT;
    return is_limit ? E_LIMIT : E_INVALID;
}

int
wire_pattern_check(struct wire_patterns *p, const struct wire_model *m,
                   const struct wire_constraint *c, struct str s)
{
    if (c->pattern == 0)
        return OK;
    struct pattern_slot *slot = get_slot(p, wire_text(m, c->pattern));
    enum plain_answer answer =
        slot->is_plain ? plain_match(slot->parts, slot->part_count, s) : PLAIN_ASK;
    if (answer != PLAIN_ASK)
        return answer == PLAIN_YES ? OK : E_INVALID;
    if (!slot->is_compiled)
        slot->code = compile(slot->text);
    slot->is_compiled = true;
    return slot->code == NULL ? E_INVALID : match_code(p, slot->code, s);
}

bool
wire_pattern_compiles(const char *pattern)
{
    pcre2_code *code = compile(pattern);
    pcre2_code_free(code);
    return code != NULL;
}
