// The forms of a request target (RFC 9112 section 3.2).
// SPDX-License-Identifier: Apache-2.0
#include "src/http/target.h"

#include "src/http/grammar.h"

enum { PORT_DIGITS_MAX = 5 };

static const char ip_literal_bytes[] = "0123456789abcdefABCDEF:.";

// The byte after "[...]"; NULL when it is not closed, empty, or holds something else.
static const char *
skip_ip_literal(const char *at, const char *end)
{
    const char *from = at + 1;
    for (at = from; at < end && *at != ']'; at++)
        if (!memchr(ip_literal_bytes, *at, strlen(ip_literal_bytes)))
            return NULL;
    return at < end && at > from ? at + 1 : NULL;
}

static void
set_path(struct http_request *r, struct str path_and_query)
{
    str_cut(path_and_query, '?', &r->path, &r->query);
    if (r->path.len == 0)
        r->path = STR("/");
}

static bool
split_after_scheme(struct http_request *r, struct str rest, struct str *authority)
{
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
        len++;
    *authority = str_slice(rest, 0, len);
    if (len == 0 || rest.ptr[0] == ':' || !http_authority_is_valid(*authority))
        return false;
    set_path(r, str_slice(rest, len, rest.len));
    return true;
}

// The target without that scheme, in any case; absent when it has another one.
static struct str
after_scheme(struct str target, struct str scheme)
{
    if (!str_eq_nocase(str_slice(target, 0, scheme.len), scheme))
        return (struct str){0};
    return str_slice(target, scheme.len, target.len);
}

bool
http_authority_is_valid(struct str s)
{
    const char *end = s.ptr + s.len;
    const char *at = s.len > 0 && *s.ptr == '[' ? skip_ip_literal(s.ptr, end)
                                                : http_skip(s.ptr, end, HTTP_IS_HOST);
    if (!at || at == end)
        return at != NULL;
    if (*at++ != ':' || end - at > PORT_DIGITS_MAX)
        return false;
    while (at < end && http_is_digit(*at))
        at++;
    return at == end;
}

bool
http_target_split(struct http_request *r, struct str *authority)
{
    *authority = (struct str){0};
    if (r->target.ptr[0] == '/') {
        set_path(r, r->target);
        return true;
    }
    if (str_eq(r->target, STR("*")) && str_eq(r->method, STR("OPTIONS"))) {
        r->path = r->target;
        return true;
    }
    struct str rest = after_scheme(r->target, STR("http://"));
    if (!str_is_present(rest))
        rest = after_scheme(r->target, STR("https://"));
    return str_is_present(rest) && split_after_scheme(r, rest, authority);
}
