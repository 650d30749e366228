// Resources by ARN and by tag: one index of an account's region over all services.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/resource.h"

#include "src/base/digest.h"
#include "src/store/check.h"
#include "src/store/tuple.h"

// A long value stands in keys by its beginning and digest, so that they stay short.
enum { VALUE_BYTES_MAX = 256, VALUE_START_BYTES = 128 };

static struct tuple
place_tuple(struct arena *a, const char *kind, struct str account, struct str region)
{
    struct tuple t = tuple_shared(a, kind);
    tuple_add_str(&t, account);
    tuple_add_str(&t, region);
    return t;
}

static struct str
resource_key(struct arena *a, const struct arn *arn)
{
    struct tuple t = place_tuple(a, "resource", arn->account, arn->region);
    tuple_add_str(&t, arn->service);
    tuple_add_str(&t, arn->resource);
    return tuple_key(&t);
}

static struct str
value_in_key(struct arena *a, struct str value)
{
    if (value.len <= VALUE_BYTES_MAX)
        return value;
    struct sha256 digest = sha256_of(value);
    struct buf out;
    buf_init(&out, a, VALUE_START_BYTES + SHA256_BYTES);
    buf_put(&out, str_slice(value, 0, VALUE_START_BYTES));
    buf_put(&out, (struct str){(const char *)digest.bytes, SHA256_BYTES});
    return buf_str(&out);
}

static struct tuple
tagged_tuple(struct arena *a, struct str account, struct str region, struct str key)
{
    struct tuple t = place_tuple(a, "tagged", account, region);
    tuple_add_str(&t, key);
    return t;
}

// E_INVALID: not of that kind. The elements after it.
static int
kind_read(struct tuple_reader *r, struct arena *a, struct str key, const char *kind)
{
    struct str area, element;
    tuple_reader_init(r, a, key);
    if (tuple_read_str(r, &area) != OK || tuple_read_str(r, &element) != OK)
        return E_INVALID;
    return str_eq(area, STR("c10m")) && str_eq(element, str_of(kind)) ? OK : E_INVALID;
}

int
resource_parse(struct arena *a, struct str key, struct arn *out)
{
    struct tuple_reader r;
    out->partition = STR("aws");
    TRY(kind_read(&r, a, key, "resource"));
    if (tuple_read_str(&r, &out->account) != OK || tuple_read_str(&r, &out->region) != OK ||
        tuple_read_str(&r, &out->service) != OK || tuple_read_str(&r, &out->resource) != OK)
        return E_INVALID;
    return OK;
}

static bool
is_resource_key(struct arena *a, struct str key)
{
    struct arn arn;
    return resource_parse(a, key, &arn) == OK;
}

static struct str
resource_label(struct arena *a, struct str key)
{
    struct arn arn;
    CHECK(resource_parse(a, key, &arn) == OK);
    return arn_print(a, &arn);
}

static void
tag_entries(struct arena *a, struct str key, const void *record, struct index_entries *out)
{
    const struct store_resource_record *r = record;
    struct arn arn;
    CHECK(resource_parse(a, key, &arn) == OK);
    for (size_t i = 0; i < r->tags.count; i++) {
        struct tuple t = tagged_tuple(a, arn.account, arn.region, r->tags.items[i].key);
        tuple_add_str(&t, value_in_key(a, r->tags.items[i].value));
        tuple_add_str(&t, arn.service);
        tuple_add_str(&t, arn.resource);
        index_add(out, tuple_key(&t));
    }
}

static int
tag_target(struct arena *a, struct str entry, struct str *key)
{
    struct tuple_reader r;
    struct arn arn;
    struct str element;
    TRY(kind_read(&r, a, entry, "tagged"));
    if (tuple_read_str(&r, &arn.account) != OK || tuple_read_str(&r, &arn.region) != OK ||
        tuple_read_str(&r, &element) != OK || tuple_read_str(&r, &element) != OK ||
        tuple_read_str(&r, &arn.service) != OK || tuple_read_str(&r, &arn.resource) != OK)
        return E_INVALID;
    *key = resource_key(a, &arn);
    return OK;
}

// The records themselves, for listings of them by page.
static int
arn_target(struct arena *a, struct str entry, struct str *key)
{
    *key = entry;
    return is_resource_key(a, entry) ? OK : E_INVALID;
}

static const struct index by_tag = {"tagged", tag_entries, tag_target};
static const struct index by_arn = {"resource", NULL, arn_target};
const struct index *const resource_by_tag = &by_tag;
const struct index *const resource_by_arn = &by_arn;

static const struct indexed resource_indexed = {
    .type = &store_resource_record_type,
    .is_record = is_resource_key,
    .label = resource_label,
    .indexes = &by_tag,
    .count = 1,
};

int
resource_set(struct kv_txn *txn, const struct arn *arn, const struct store_tag_list_record *tags)
{
    struct store_resource_record record = {.tags = *tags};
    CHECK(tags->count <= TAGS_MAX);
    return indexed_set(txn, &resource_indexed, resource_key(kv_txn_arena(txn), arn), &record);
}

int
resource_del(struct kv_txn *txn, const struct arn *arn)
{
    return indexed_del(txn, &resource_indexed, resource_key(kv_txn_arena(txn), arn));
}

int
resource_get(struct kv_txn *txn, const struct arn *arn, struct store_resource_record *out)
{
    return record_get(txn, &store_resource_record_type, resource_key(kv_txn_arena(txn), arn),
                      KV_SERIALIZABLE, out);
}

void
resource_range(struct arena *a, struct str account, struct str region, struct str service,
               struct str *from, struct str *to)
{
    struct tuple t = place_tuple(a, "resource", account, region);
    if (str_is_present(service))
        tuple_add_str(&t, service);
    tuple_range(&t, a, from, to);
}

void
resource_tagged_range(struct arena *a, struct str account, struct str region, struct str key,
                      struct str value, struct str *from, struct str *to)
{
    struct tuple t = tagged_tuple(a, account, region, key);
    if (str_is_present(value))
        tuple_add_str(&t, value_in_key(a, value));
    tuple_range(&t, a, from, to);
}

void
resource_range_all(struct arena *a, struct str *from, struct str *to)
{
    struct tuple t = tuple_shared(a, "resource");
    tuple_range(&t, a, from, to);
}

int
resource_check(struct check *c)
{
    struct arena a;
    struct str from, to, end;
    arena_init(&a);
    struct tuple t = tuple_shared(&a, "tagged");
    resource_range_all(&a, &from, &end);
    tuple_range(&t, &a, &end, &to);
    int code = indexed_check(c, &resource_indexed, from, to);
    arena_fini(&a);
    return code;
}
