// Compares pages' requests with rules, and tells the browser.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/cors.h"

// -- rules

// A pattern with at most one '*'.
static bool
fits(struct str s, struct str pattern, bool (*equal)(struct str a, struct str b))
{
    ptrdiff_t star = str_find_char(pattern, '*');
    if (star < 0)
        return equal(s, pattern);
    size_t before = (size_t)star, after = pattern.len - before - 1;
    return s.len >= before + after &&
           equal(str_slice(s, 0, before), str_slice(pattern, 0, before)) &&
           equal(str_slice(s, s.len - after, s.len), str_slice(pattern, before + 1, pattern.len));
}

static bool
fits_any(struct str s, const struct cors_words *patterns, bool (*equal)(struct str a, struct str b))
{
    for (size_t i = 0; i < patterns->count; i++)
        if (fits(s, patterns->items[i], equal))
            return true;
    return false;
}

static bool
headers_fit(struct str headers, const struct cors_words *patterns)
{
    struct str name;
    while (str_is_present(headers) && headers.len > 0) {
        str_cut(headers, ',', &name, &headers);
        name = str_trim(name);
        if (name.len > 0 && !fits_any(name, patterns, str_eq_nocase))
            return false;
    }
    return true;
}

bool
cors_request_read(const struct http_request *request, struct cors_request *out)
{
    struct str asked = http_request_header(request, STR("Access-Control-Request-Method"));
    *out = (struct cors_request){
        .origin = http_request_header(request, STR("Origin")),
        .method = request->method,
        .is_preflight = str_eq(request->method, STR("OPTIONS")) && str_is_present(asked),
    };
    if (out->is_preflight) {
        out->method = asked;
        out->headers = http_request_header(request, STR("Access-Control-Request-Headers"));
    }
    return str_is_present(out->origin);
}

const struct cors_rule *
cors_rule_find(const struct cors_rules *rules, const struct cors_request *r)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct cors_rule *rule = &rules->items[i];
        if (fits_any(r->origin, &rule->origins, str_eq) &&
            fits_any(r->method, &rule->methods, str_eq) && headers_fit(r->headers, &rule->headers))
            return rule;
    }
    return NULL;
}

// -- answers

static bool
is_for_everybody(const struct cors_rule *rule)
{
    for (size_t i = 0; i < rule->origins.count; i++)
        if (str_eq(rule->origins.items[i], STR("*")))
            return true;
    return false;
}

static void
add_words(struct http_response *response, struct str name, const struct cors_words *words,
          struct arena *arena)
{
    struct buf list;
    if (words->count == 0)
        return;
    buf_init(&list, arena, 128);
    for (size_t i = 0; i < words->count; i++) {
        buf_put(&list, i > 0 ? STR(", ") : STR(""));
        buf_put(&list, words->items[i]);
    }
    http_response_add(response, name, buf_str(&list));
}

static void
add_preflight(const struct cors_rule *rule, const struct cors_request *r, struct arena *arena,
              struct http_response *response)
{
    add_words(response, STR("Access-Control-Allow-Methods"), &rule->methods, arena);
    if (str_is_present(r->headers))
        http_response_add(response, STR("Access-Control-Allow-Headers"), r->headers);
    if (rule->max_age_s >= 0)
        http_response_add(response, STR("Access-Control-Max-Age"),
                          arena_print(arena, "%lld", (long long)rule->max_age_s));
}

void
cors_add_headers(const struct cors_rule *rule, const struct cors_request *r, struct arena *arena,
                 struct http_response *response)
{
    bool is_for_all = is_for_everybody(rule);
    http_response_add(response, STR("Access-Control-Allow-Origin"),
                      is_for_all ? STR("*") : r->origin);
    if (rule->allows_credentials && !is_for_all)
        http_response_add(response, STR("Access-Control-Allow-Credentials"), STR("true"));
    add_words(response, STR("Access-Control-Expose-Headers"), &rule->exposed, arena);
    http_response_add(response, STR("Vary"),
                      STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
    if (r->is_preflight)
        add_preflight(rule, r, arena, response);
}
