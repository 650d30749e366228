// DNS messages, as far as a resolver for guests needs them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/dns.h"

enum {
    HEADER_BYTES = 12,
    LABEL_MAX = 63,
    FLAG_ANSWER = 0x8000,
    FLAG_CUT = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_RECURSION_AVAILABLE = 0x0080,
    OPCODE_SHIFT = 11,
    OPCODE_MASK = 0xf,
    CLASS_IN = 1,
    RECORD_BYTES = 10, // of a record behind its name
    ADDRESS_BYTES = 4,
    OPT_BYTES = 11,
    NAME_AT_QUESTION = 0xc000 | HEADER_BYTES,
};

struct reader {
    const unsigned char *at, *end;
};

static uint16_t
get16(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static unsigned char *
put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return at + 2;
}

static unsigned char *
put32(unsigned char *at, uint32_t value)
{
    return put16(put16(at, value >> 16), value & 0xffff);
}

static char
lower(unsigned char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// A label's characters; a dot or what is no visible character would make another name of it.
static bool
put_label(const unsigned char *label, size_t len, char *name, size_t *name_len)
{
    if (*name_len + (*name_len > 0) + len > DNS_NAME_MAX)
        return false;
    if (*name_len > 0)
        name[(*name_len)++] = '.';
    for (size_t i = 0; i < len; i++) {
        if (label[i] <= ' ' || label[i] >= 0x7f || label[i] == '.')
            return false;
        name[(*name_len)++] = lower(label[i]);
    }
    return true;
}

// A question is the first name in a message, so nothing is there yet to point back to.
static bool
read_name(struct reader *r, char *name)
{
    size_t name_len = 0;
    while (r->at < r->end) {
        size_t len = *r->at++;
        if (len == 0) {
            name[name_len] = '\0';
            return true;
        }
        if (len > LABEL_MAX || len > (size_t)(r->end - r->at) ||
            !put_label(r->at, len, name, &name_len))
            return false;
        r->at += len;
    }
    return false;
}

static bool
read_question(struct reader *r, struct dns_query *q)
{
    const unsigned char *begin = r->at;
    if (!read_name(r, q->name) || r->end - r->at < 4)
        return false;
    q->type = get16(r->at);
    q->class = get16(r->at + 2);
    r->at += 4;
    q->question = begin;
    q->question_bytes = (size_t)(r->at - begin);
    return true;
}

// The only record that a query has: OPT, whose name is the root.
static bool
read_opt(struct reader *r, struct dns_query *q)
{
    if (r->end - r->at < 1 + RECORD_BYTES || *r->at != 0 || get16(r->at + 1) != DNS_OPT)
        return false;
    size_t bytes = get16(r->at + 3), data = get16(r->at + 9);
    if (data > (size_t)(r->end - r->at - 1 - RECORD_BYTES))
        return false;
    q->has_edns = true;
    q->answer_bytes_max = bytes < DNS_UDP_BYTES       ? DNS_UDP_BYTES
                          : bytes > DNS_UDP_BYTES_MAX ? DNS_UDP_BYTES_MAX
                                                      : bytes;
    if (r->at[6] != 0)
        q->rcode = DNS_BAD_VERSION;
    return true;
}

int
dns_parse(struct str message, struct dns_query *out)
{
    const unsigned char *begin = (const unsigned char *)message.ptr;
    *out = (struct dns_query){.answer_bytes_max = DNS_UDP_BYTES};
    if (message.len < HEADER_BYTES || (get16(begin + 2) & FLAG_ANSWER))
        return E_INVALID;
    struct reader r = {begin + HEADER_BYTES, begin + message.len};
    uint16_t flags = get16(begin + 2);
    out->id = get16(begin);
    out->is_recursion_desired = flags & FLAG_RECURSION_DESIRED;
    if ((flags >> OPCODE_SHIFT & OPCODE_MASK) != 0) {
        out->rcode = DNS_NOT_IMPLEMENTED;
        return OK;
    }
    bool is_whole = get16(begin + 4) == 1 && get16(begin + 6) == 0 && get16(begin + 8) == 0 &&
                    get16(begin + 10) <= 1 && read_question(&r, out) &&
                    (get16(begin + 10) == 0 || read_opt(&r, out));
    if (!is_whole)
        out->rcode = DNS_FORMAT_ERROR;
    else if (out->rcode == DNS_NO_ERROR && out->class != CLASS_IN)
        out->rcode = DNS_NOT_IMPLEMENTED;
    return OK;
}

static unsigned char *
put_address(unsigned char *at, uint32_t address, uint32_t ttl_s)
{
    at = put16(at, NAME_AT_QUESTION);
    at = put16(at, DNS_A);
    at = put16(at, CLASS_IN);
    at = put32(at, ttl_s);
    at = put16(at, ADDRESS_BYTES);
    memcpy(at, &address, ADDRESS_BYTES);
    return at + ADDRESS_BYTES;
}

static unsigned char *
put_opt(unsigned char *at, enum dns_rcode rcode)
{
    *at++ = 0;
    at = put16(at, DNS_OPT);
    at = put16(at, DNS_UDP_BYTES_MAX);
    at = put32(at, (uint32_t)(rcode >> 4) << 24);
    return put16(at, 0);
}

size_t
dns_print(const struct dns_query *query, enum dns_rcode rcode, const uint32_t *addresses,
          size_t count, uint32_t ttl_s, unsigned char *out, size_t size)
{
    enum { ANSWER_BYTES = 2 + RECORD_BYTES + ADDRESS_BYTES };
    bool has_question = query->question != NULL;
    size_t fixed = HEADER_BYTES + query->question_bytes + OPT_BYTES;
    size_t room = has_question && size > fixed ? (size - fixed) / ANSWER_BYTES : 0;
    bool is_cut = count > room;
    unsigned flags = FLAG_ANSWER | FLAG_RECURSION_AVAILABLE | ((unsigned)rcode & 0xf);
    CHECK(size >= DNS_UDP_BYTES);
    flags |= query->is_recursion_desired ? FLAG_RECURSION_DESIRED : 0;
    flags |= is_cut ? FLAG_CUT : 0;
    unsigned char *at = put16(put16(out, query->id), flags);
    at = put16(at, has_question);
    at = put16(at, is_cut ? 0 : (unsigned)count);
    at = put16(put16(at, 0), query->has_edns);
    if (has_question)
        memcpy(at, query->question, query->question_bytes);
    at += query->question_bytes;
    for (size_t i = 0; i < count && !is_cut; i++)
        at = put_address(at, addresses[i], ttl_s);
    if (query->has_edns)
        at = put_opt(at, rcode);
    return (size_t)(at - out);
}
