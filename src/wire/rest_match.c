// Which operation a REST request means.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/protocol.h"

#include "src/wire/rest_path.h"

// Whether the query string has the parameter. Names of AWS's need no escape, so they are compared
// as sent. An absent value: any.
static bool
query_has(struct str query, struct str name, struct str value)
{
    struct str pair, sent_name, sent_value;
    for (bool more = query.len > 0; more;) {
        more = str_cut(query, '&', &pair, &query);
        if (!str_cut(pair, '=', &sent_name, &sent_value))
            sent_value = STR("");
        if (str_eq(sent_name, name) && (!str_is_present(value) || str_eq(sent_value, value)))
            return true;
    }
    return false;
}

// Whether all of "uploads&select-type=2" is in the query string.
static bool
query_has_all(struct str query, struct str wanted)
{
    struct str pair, name, value;
    for (bool more = wanted.len > 0; more;) {
        more = str_cut(wanted, '&', &pair, &wanted);
        if (!str_cut(pair, '=', &name, &value))
            value = (struct str){0};
        if (!query_has(query, name, value))
            return false;
    }
    return true;
}

static bool
is_meant(const struct wire_model *m, const struct wire_operation *op, const struct wire_request *r)
{
    struct str none;
    const char *uri = wire_text(m, op->uri);
    const char *query = strchr(uri, '?');
    return str_eq(r->method, str_of(wire_text(m, op->method))) &&
           rest_path_match(uri, r->path, (struct str){0}, &none) &&
           (query == NULL || query_has_all(r->query, str_of(query + 1))) &&
           query_has_all(r->query, str_of(wire_text(m, op->guard_query))) &&
           (op->guard_header == 0 ||
            str_is_present(wire_request_header(r, str_of(wire_text(m, op->guard_header)))));
}

const struct wire_operation *
wire_rest_match(const struct wire_service *s, const struct wire_request *request)
{
    for (size_t i = 0; s->routes != NULL && i < s->operation_count; i++) {
        const struct wire_operation *op = &s->operations[s->routes[i]];
        if (is_meant(s->model, op, request))
            return op;
    }
    return NULL;
}
