// Secondary indexes: other keys under which records are found, kept in the records' transactions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/record.h"

struct check;
struct seal;
struct page_scope;

// An index is declared as data: what its entries' keys are, and which record an entry means. An
// entry is a key without a value; what it says follows from the record alone, so that fsck can
// find what is missing or left behind, and mend it.
enum { INDEX_ENTRIES_MAX = 64 }; // of one record in one index

struct index_entries {
    struct str keys[INDEX_ENTRIES_MAX];
    size_t count;
};

struct index {
    const char *name;
    // Adds the keys of the record's entries, by index_add; none is fine. Same record, same keys.
    void (*entries)(struct arena *a, struct str record_key, const void *record,
                    struct index_entries *out);
    // The key of the record that an entry means. E_INVALID: it is no entry of this index.
    int (*target)(struct arena *a, struct str entry_key, struct str *record_key);
};
void index_add(struct index_entries *out, struct str key);

// Records of one type that have indexes: written and deleted by these two only.
struct indexed {
    const struct record_type *type;
    bool (*is_record)(struct arena *a, struct str key);
    // What a person calls the record, for fsck.
    struct str (*label)(struct arena *a, struct str record_key);
    const struct index *indexes;
    size_t count;
};
// In place of record_set and kv_del; the entries follow, also those of the record that was there.
MUST_USE int indexed_set(struct kv_txn *txn, const struct indexed *t, struct str key,
                         const void *record);
MUST_USE int indexed_del(struct kv_txn *txn, const struct indexed *t, struct str key);

// One page of a listing: which records the entries in [from, to) mean, in the entries' order.
struct index_page {
    struct str from, to;
    struct str after;    // where the page before ended, from its token; absent: the first page
    size_t limit;        // at least 1
    struct str *targets; // keys of records, `count` of them
    size_t count;
    struct str next; // where the next page begins; absent: this was the last
};
// Reads as hints (KV_SNAPSHOT): read the records themselves to be sure of them.
MUST_USE int index_page_read(struct kv_txn *txn, const struct index *index, struct index_page *p);
// The token of the next page, sealed (page_token.h); absent after the last page.
struct str index_page_token(const struct seal *seal, const struct page_scope *scope,
                            const struct index_page *p, int64_t now_ms, struct arena *arena);
// Begins the page that a token names; absent or empty: the first. E_INVALID: not of this scope.
MUST_USE int index_page_begin(const struct seal *seal, const struct page_scope *scope,
                              struct str token, struct arena *arena, struct index_page *p);

// For a service's check: every record in [from, to) has its entries, and every entry there its
// record. --repair adds and deletes entries.
MUST_USE int indexed_check(struct check *c, const struct indexed *t, struct str from,
                           struct str to);
