// Blobs: contents of any size, written once, read by range, encrypted.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/kv.h"
#include "src/store/seal.h"

// A blob has a random id and a record in the kv, its head, which is the truth about it: how long it
// is, the key of its contents, and how many links lead to it. What no link leads to is garbage and
// goes with blob_collect. Contents of up to BLOB_INLINE_BYTES_MAX stay in the kv under a key of
// their own; longer ones are files.
//
// Contents are AES-256-GCM under a key of the blob's own, in chunks of BLOB_CHUNK_BYTES with their
// tags; each is bound to its blob, its place and whether it is the last. So a broken, cut,
// exchanged or reordered chunk is reported, never given out, and a range costs only the chunks that
// it touches. A kv is opened by one process at a time, and so are its blobs.
struct blobs;

enum {
    BLOB_ID_BYTES = 16,
    BLOB_CHUNK_BYTES = 16 * 1024, // as stored; 16 of them are the tag
    BLOB_CHUNK_DATA_BYTES = BLOB_CHUNK_BYTES - 16,
    // What a stream holds in memory; so writes and reads of this many bytes cost the fewest steps.
    BLOB_STREAM_CHUNKS = 3,
    BLOB_STREAM_DATA_BYTES = BLOB_STREAM_CHUNKS * BLOB_CHUNK_DATA_BYTES,
    BLOB_INLINE_BYTES_MAX = 16 * 1024,
    BLOB_STREAMS_MAX_DEFAULT = 1000,     // open at once, in and out; a file descriptor each
    BLOB_COLLECT_MAX = 256,              // per blob_collect
    BLOB_LINK_MS_MAX = 60 * 60 * 1000,   // from commit to link
    BLOB_MEMORY_BYTES_MAX = 1024 << 20u, // of all blobs that are kept in memory
};

struct blob_id {
    uint8_t bytes[BLOB_ID_BYTES];
};

// For crash tests: called before each step that changes something on disk, with its name.
struct blob_hook {
    void (*fn)(void *arg, const char *step); // may be NULL
    void *arg;
};

struct blobs_options {
    struct runtime *runtime;
    const struct log *log; // broken contents are an event
    struct kv *kv;
    const struct seal *seal;
    const char *dir;             // made at the first file, mode 0700; NULL: in memory, for "mem:"
    uint64_t disk_reserve_bytes; // 0: KV_DISK_RESERVE_BYTES_DEFAULT
    size_t streams_max;          // 0: BLOB_STREAMS_MAX_DEFAULT
    struct blob_hook hook;
};

// All must outlive the blobs. Removes what writers left that a crash cut short. E_IO.
MUST_USE int blobs_open(const struct blobs_options *options, struct blobs **out, char *problem,
                        size_t problem_size);
// No stream is open any more. NULL is accepted.
void blobs_close(struct blobs *b);

// A blob on its way in. Used by one fiber at a time.
struct blob_put;
// E_LIMIT: too many streams.
MUST_USE int blob_put_begin(struct blobs *b, struct blob_put **out);
// Returns when the stream has room again, so that a sender is slowed to the speed of the disk.
// E_FULL, E_IO; then only blob_put_cancel is of use.
MUST_USE int blob_put_write(struct blob_put *p, struct str data);
// What blob_link needs; in the arena given to blob_put_commit.
struct blob_new {
    struct blob_id id;
    uint64_t size;
    struct str head;     // private to the blobs
    struct str contents; // sealed, when they are to stay in the kv; absent: durable already
};
// Ends p, whatever it returns. From a fiber. E_FULL, E_IO, E_UNKNOWN; E_NOT_FOUND: it took longer
// than BLOB_LINK_MS_MAX.
MUST_USE int blob_put_commit(struct blob_put *p, struct arena *arena, struct blob_new *out);
// Ends p and forgets what was written. NULL is accepted.
void blob_put_cancel(struct blob_put *p);

// In the transaction that makes the blob belong to something: one more link. E_NOT_FOUND: it was
// collected since, BLOB_LINK_MS_MAX after its commit.
MUST_USE int blob_link(struct blobs *b, struct kv_txn *txn, const struct blob_new *blob);
// One more for a blob that something else is linked to, for copies. E_NOT_FOUND.
MUST_USE int blob_link_again(struct blobs *b, struct kv_txn *txn, const struct blob_id *id);
// One less. With the last it is garbage; who has it open can read on. E_NOT_FOUND: no link is left.
MUST_USE int blob_unlink(struct blobs *b, struct kv_txn *txn, const struct blob_id *id);

// Used by one fiber at a time.
struct blob_reader;
// From a fiber. E_NOT_FOUND; E_LIMIT: too many streams; E_INVALID: the head is broken or the
// contents are missing; E_NEWER; E_IO.
MUST_USE int blob_open(struct blobs *b, const struct blob_id *id, struct blob_reader **out);
uint64_t blob_size(const struct blob_reader *r);
// Fills out with [offset, offset + len), as far as the blob goes: *got bytes. E_INVALID: broken
// there, and out holds nothing to use. E_IO.
MUST_USE int blob_read_at(struct blob_reader *r, uint64_t offset, void *out, size_t len,
                          size_t *got);
void blob_close(struct blob_reader *r); // NULL is accepted

// Removes garbage that is due at wall time now_ms, at most limit (1..BLOB_COLLECT_MAX) blobs; none
// during blobs_hold (blob_upkeep.h).
// *out: how many; call again when it is the limit. From a fiber. What fails is tried again by the
// next call.
MUST_USE int blob_collect(struct blobs *b, int64_t now_ms, size_t limit, size_t *out);
