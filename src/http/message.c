// Looks into requests and fills responses.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/message.h"

struct status_text {
    int status;
    const char *text;
};

// RFC 9110 section 15, and RFC 6585 for 428-431.
static const struct status_text status_texts[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

static bool
has_line_break(struct str s)
{
    return str_find_char(s, '\r') >= 0 || str_find_char(s, '\n') >= 0;
}

struct str
http_request_header(const struct http_request *r, struct str name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        const struct header *h = &r->headers[i];
        if (h->name.len == name.len && str_eq_nocase(h->name, name))
            return h->value;
    }
    return (struct str){0};
}

void
http_response_add(struct http_response *r, struct str name, struct str value)
{
    CHECK(r->header_count < COUNT_OF(r->headers));
    // A line break from a handler would let its client write headers and bodies of other responses.
    CHECK(!has_line_break(name) && !has_line_break(value));
    r->headers[r->header_count++] = (struct header){name, value};
}

void
http_response_extend(struct http_response *r, const struct header *headers, size_t count)
{
    CHECK(r->more_count == 0);
    for (size_t i = 0; i < count; i++)
        CHECK(!has_line_break(headers[i].name) && !has_line_break(headers[i].value));
    r->more = headers;
    r->more_count = count;
}

const char *
http_status_text(int status)
{
    if (status == 200)
        return "OK";
    for (size_t i = 0; i < COUNT_OF(status_texts); i++)
        if (status_texts[i].status == status)
            return status_texts[i].text;
    return "Unknown";
}
