// Messages: what a sender may put into one, and its digests.
// SPDX-License-Identifier: Apache-2.0
#include "services/sqs/message.h"

#include <endian.h>
#include <stdlib.h>

#include "src/base/digest.h"
#include "src/base/encoding.h"

enum { ID_TIME_BYTES = 6 }; // of a version 7 UUID

static const char not_for_this_queue[] =
    "Reason: The request include parameter that is not valid for this queue type.";

// The code point at *at, which moves behind it; the text is UTF-8 (the protocols check that).
static uint32_t
code_point_next(struct str s, size_t *at)
{
    unsigned char first = (unsigned char)s.ptr[(*at)++];
    if (first < 0x80)
        return first;
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    uint32_t point = first & (0x3f >> more);
    while (more-- > 0 && *at < s.len)
        point = point << 6 | ((unsigned char)s.ptr[(*at)++] & 0x3f);
    return point;
}

// https://www.w3.org/TR/REC-xml/#charsets
static bool
is_xml_char(uint32_t point)
{
    return point == 0x9 || point == 0xa || point == 0xd || (point >= 0x20 && point <= 0xd7ff) ||
           (point >= 0xe000 && point <= 0xfffd) || point >= 0x10000;
}

static int
text_check(struct call *c, struct str text, const char *what)
{
    size_t at = 0;
    while (at < text.len) {
        uint32_t point = code_point_next(text, &at);
        if (!is_xml_char(point))
            return fault(c, SQS_INVALID_MESSAGE_CONTENTS,
                         "Invalid binary character '#x%X' was found in the %s, the set of allowed "
                         "characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | "
                         "#x10000 to #x10FFFF",
                         point, what);
    }
    return OK;
}

int
chosen_id_check(struct call *c, struct str id, const char *parameter)
{
    bool is_valid = id.len > 0 && id.len <= GROUP_ID_MAX;
    for (size_t i = 0; i < id.len; i++)
        is_valid = is_valid && id.ptr[i] > ' ' && id.ptr[i] < 0x7f;
    if (!is_valid)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter %s is invalid. Reason: %s can only include "
                     "alphanumeric and punctuation characters. 1 to 128 in length.",
                     STR_ARG(id), parameter, parameter);
    return OK;
}

static int
parameter_missing(struct call *c, const char *parameter)
{
    return fault(c, FAULT_MISSING_PARAMETER, "The request must contain the parameter %s.",
                 parameter);
}

static int
delay_check(struct call *c, const struct queue *q, const struct message *m)
{
    if (!m->delay_s.is_present)
        return OK;
    if (q->record.is_fifo.value)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value %d for parameter DelaySeconds is invalid. %s", m->delay_s.value,
                     not_for_this_queue);
    if (m->delay_s.value < 0 || m->delay_s.value > DELAY_S_MAX)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be "
                     ">= 0 and <= 900.",
                     m->delay_s.value);
    return OK;
}

static struct str
content_id(struct arena *a, struct str body)
{
    struct sha256 digest = sha256_of(body);
    char *hex = arena_alloc_bytes(a, 2 * SHA256_BYTES);
    hex_encode(digest.bytes, SHA256_BYTES, hex);
    return (struct str){hex, 2 * SHA256_BYTES};
}

static int
fifo_check(struct call *c, const struct queue *q, struct message *m)
{
    if (!str_is_present(m->group_id))
        return parameter_missing(c, "MessageGroupId");
    if (str_is_present(m->deduplication_id)) {
        TRY(chosen_id_check(c, m->deduplication_id, "MessageDeduplicationId"));
        m->record.deduplication_id = m->deduplication_id;
    } else if (q->record.deduplicates_content.value) {
        m->record.deduplication_id = content_id(c->arena, m->body);
    } else {
        return fault(c, FAULT_INVALID_PARAMETER,
                     "The queue should either have ContentBasedDeduplication enabled or "
                     "MessageDeduplicationId provided explicitly");
    }
    return OK;
}

static int
ids_check(struct call *c, const struct queue *q, struct message *m)
{
    if (str_is_present(m->group_id))
        TRY(chosen_id_check(c, m->group_id, "MessageGroupId"));
    m->record.group_id = m->group_id;
    if (q->record.is_fifo.value)
        return fifo_check(c, q, m);
    if (str_is_present(m->deduplication_id))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Value " STR_FMT " for parameter MessageDeduplicationId is invalid. %s",
                     STR_ARG(m->deduplication_id), not_for_this_queue);
    return OK;
}

static bool
is_attribute_name(struct str name)
{
    bool is_valid = name.len > 0 && name.len <= ATTRIBUTE_NAME_MAX && name.ptr[0] != '.' &&
                    name.ptr[name.len - 1] != '.' && str_find(name, STR("..")) < 0;
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        is_valid = is_valid && ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                                (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || ch == '.');
    }
    return is_valid && !str_eq_nocase(str_slice(name, 0, 4), STR("AWS.")) &&
           !str_eq_nocase(str_slice(name, 0, 7), STR("Amazon."));
}

static bool
is_of_type(struct str data_type, struct str type)
{
    return str_eq(data_type, type) ||
           (str_starts(data_type, type) && data_type.ptr[type.len] == '.');
}

static int
attribute_fault(struct call *c, struct str name, const char *what)
{
    return fault(c, FAULT_INVALID_PARAMETER, "The message attribute '" STR_FMT "' %s",
                 STR_ARG(name), what);
}

static bool
is_number(struct str s)
{
    char *end;
    char text[64];
    if (s.len == 0 || s.len >= sizeof(text) || s.ptr[0] == ' ')
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    strtod(text, &end);
    return end == text + s.len;
}

static int
attribute_value_check(struct call *c, const struct sqs_attribute_record *at)
{
    bool is_binary = is_of_type(at->data_type, STR("Binary"));
    struct str value = is_binary ? at->binary_value : at->string_value;
    if (!is_binary && !is_of_type(at->data_type, STR("String")) &&
        !is_of_type(at->data_type, STR("Number")))
        return attribute_fault(c, at->name,
                               "has an invalid message attribute type, the set of supported type "
                               "prefixes is Binary, Number, and String.");
    if (value.len == 0)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "The message attribute '" STR_FMT
                     "' must contain a non-empty message attribute value for message attribute "
                     "type '" STR_FMT "'.",
                     STR_ARG(at->name), STR_ARG(at->data_type));
    if (is_of_type(at->data_type, STR("Number")) && !is_number(value))
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Can't cast the value of message (user) attribute '" STR_FMT "' to a number.",
                     STR_ARG(at->name));
    return is_binary ? OK : text_check(c, value, "message attribute");
}

static int
attribute_read(struct call *c, struct str name, const struct sqs_message_attribute_value *value,
               struct sqs_attribute_record *out)
{
    *out = (struct sqs_attribute_record){.name = name, .data_type = value->DataType};
    if (is_of_type(value->DataType, STR("Binary")))
        out->binary_value = value->BinaryValue;
    else
        out->string_value = value->StringValue;
    if (!is_attribute_name(name))
        return attribute_fault(c, name,
                               "is invalid. Names can have up to 256 letters, digits, hyphens, "
                               "underscores and single dots, and must not begin with AWS. or "
                               "Amazon.");
    if (value->StringListValues.count > 0 || value->BinaryListValues.count > 0)
        return fault(c, SQS_UNSUPPORTED_OPERATION,
                     "Message attribute list values in SendMessage operation are not supported.");
    if (value->DataType.len > ATTRIBUTE_NAME_MAX)
        return attribute_fault(c, name, "has a data type of more than 256 bytes.");
    return attribute_value_check(c, out);
}

static int
attributes_read(struct call *c, struct message *m)
{
    const struct sqs_message_body_attribute_map *map = m->attributes;
    struct sqs_attribute_list_record *list = &m->record.attributes;
    if (map->count > MESSAGE_ATTRIBUTES_MAX)
        return fault(c, FAULT_INVALID_PARAMETER,
                     "Number of message attributes [%zu] exceeds the allowed maximum [%d].",
                     map->count, MESSAGE_ATTRIBUTES_MAX);
    if (map->count == 0)
        return OK;
    list->items = arena_alloc_array(c->arena, map->count, sizeof(list->items[0]));
    for (size_t i = 0; i < map->count; i++) {
        struct sqs_attribute_record *at = &list->items[i];
        TRY(attribute_read(c, map->items[i].key, &map->items[i].value, at));
        m->bytes += at->name.len + at->data_type.len + at->string_value.len + at->binary_value.len;
    }
    list->count = map->count;
    return OK;
}

static int
system_attributes_read(struct call *c, struct message *m)
{
    const struct sqs_message_body_system_attribute_map *map = m->system_attributes;
    for (size_t i = 0; i < map->count; i++) {
        struct str name = map->items[i].key;
        if (!str_eq(name, STR("AWSTraceHeader")))
            return fault(c, FAULT_INVALID_PARAMETER,
                         "Message system attribute name '" STR_FMT "' is invalid.", STR_ARG(name));
        const struct sqs_message_system_attribute_value *value = &map->items[i].value;
        if (!str_eq(value->DataType, STR("String")) || value->StringValue.len == 0 ||
            str_is_present(value->BinaryValue) || value->StringListValues.count > 0 ||
            value->BinaryListValues.count > 0)
            return fault(c, FAULT_INVALID_PARAMETER,
                         "The message system attribute '" STR_FMT
                         "' has an invalid message attribute type, only String is supported.",
                         STR_ARG(name));
        m->record.trace_header = value->StringValue;
    }
    return OK;
}

int
message_check(struct call *c, const struct queue *q, struct message *m)
{
    m->record = (struct sqs_message_record){
        .body = m->body,
        .sent_ms = OPT_LONG(call_now_ms(c)),
        .sender_id = c->principal.user_id,
    };
    m->bytes = m->body.len;
    if (m->body.len == 0)
        return parameter_missing(c, "MessageBody");
    TRY(text_check(c, m->body, "message body"));
    TRY(delay_check(c, q, m));
    TRY(ids_check(c, q, m));
    TRY(attributes_read(c, m));
    TRY(system_attributes_read(c, m));
    if (m->bytes > (size_t)q->record.message_bytes_max.value)
        return fault(
            c, FAULT_INVALID_PARAMETER,
            "One or more parameters are invalid. Reason: Message must be shorter than %lld "
            "bytes.",
            (long long)q->record.message_bytes_max.value);
    return OK;
}

struct message_id
message_id_new(struct runtime *rt)
{
    struct message_id id;
    uint64_t time = htobe64((uint64_t)clock_service_ms(rt) << 16);
    random_bytes(rt, id.bytes, MESSAGE_ID_BYTES);
    memcpy(id.bytes, &time, ID_TIME_BYTES);
    // RFC 9562: version and variant.
    id.bytes[6] = (char)((id.bytes[6] & 0x0f) | 0x70);
    id.bytes[8] = (char)((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

struct str
message_id_print(struct arena *a, const struct message_id *id)
{
    static const int parts[] = {4, 2, 2, 2, 6};
    char *text = arena_alloc_bytes(a, UUID_BYTES), *to = text;
    const char *from = id->bytes;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (i > 0)
            *to++ = '-';
        hex_encode(from, (size_t)parts[i], to);
        to += 2 * parts[i];
        from += parts[i];
    }
    return (struct str){text, UUID_BYTES};
}

static struct str
md5_print(struct arena *a, struct md5 digest)
{
    char *hex = arena_alloc_bytes(a, 2 * MD5_BYTES);
    hex_encode(digest.bytes, MD5_BYTES, hex);
    return (struct str){hex, 2 * MD5_BYTES};
}

struct str
message_body_md5(struct arena *a, struct str body)
{
    return md5_print(a, md5_of(body));
}

static int
attribute_cmp(const void *a, const void *b)
{
    const struct sqs_attribute_record *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

static void
md5_add_sized(struct md5_stream *s, struct str bytes)
{
    uint32_t size = __builtin_bswap32((uint32_t)bytes.len);
    md5_stream_add(s, (struct str){(const char *)&size, sizeof(size)});
    md5_stream_add(s, bytes);
}

static void
md5_add_attribute(struct md5_stream *s, struct str name, struct str data_type, struct str value,
                  bool is_binary)
{
    md5_add_sized(s, name);
    md5_add_sized(s, data_type);
    md5_stream_add(s, is_binary ? STR("\2") : STR("\1"));
    md5_add_sized(s, value);
}

struct str
message_attributes_md5(struct arena *a, struct sqs_attribute_list_record *attributes)
{
    struct md5_stream s;
    if (attributes->count == 0)
        return (struct str){0};
    qsort(attributes->items, attributes->count, sizeof(attributes->items[0]), attribute_cmp);
    md5_stream_init(&s);
    for (size_t i = 0; i < attributes->count; i++) {
        const struct sqs_attribute_record *at = &attributes->items[i];
        bool is_binary = str_is_present(at->binary_value);
        md5_add_attribute(&s, at->name, at->data_type,
                          is_binary ? at->binary_value : at->string_value, is_binary);
    }
    return md5_print(a, md5_stream_end(&s));
}

struct str
message_system_md5(struct arena *a, struct str trace_header)
{
    struct md5_stream s;
    if (!str_is_present(trace_header))
        return (struct str){0};
    md5_stream_init(&s);
    md5_add_attribute(&s, STR("AWSTraceHeader"), STR("String"), trace_header, false);
    return md5_print(a, md5_stream_end(&s));
}
