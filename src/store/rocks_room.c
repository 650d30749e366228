// Room on the disk of RocksDB: how much there is, and getting back what deletions left.
// SPDX-License-Identifier: Apache-2.0
#include <sys/statvfs.h>

#include "src/store/rocks.h"

enum {
    ASKED_EVERY_NS = 100 * 1000 * 1000,
    ASKED_EVERY_BYTES = 4 * 1024 * 1024,
    RECLAIMED_EVERY_NS = 1000 * 1000 * 1000,
    SUGGESTIONS = 5, // a flush takes a while, and what it writes is to be among what is suggested
};

static void
ask(struct rocks *r, int64_t now_ns)
{
    struct statvfs fs;
    r->asked_ns = now_ns;
    r->bytes_since = 0;
    r->free_bytes = statvfs(r->dir.store_path, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

void
rocks_room_init(struct rocks *r)
{
    ask(r, clock_mono_ns(r->runtime));
}

static void
note_failure(const struct rocks *r, char *error)
{
    char quoted[512];
    if (error == NULL)
        return;
    log_event(r->log, LOG_WARN, "store_reclaim_failed", "error=%s",
              log_quote(str_of(error), quoted, sizeof(quoted)));
    rocksdb_free(error);
}

static void
flush(const struct rocks *r)
{
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 0);
    rocksdb_flush(r->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    note_failure(r, error);
}

// What was deleted stays on disk until its files are rewritten, which the engine does as more is
// written. So when nothing may be written any more it has to be told: first to put the deletions
// into files, then to rewrite what they are about.
static void
reclaim(struct rocks *r, int64_t now_ns)
{
    char *error = NULL;
    if (now_ns - r->reclaimed_ns < RECLAIMED_EVERY_NS || r->free_bytes < ROCKS_COMPACTION_BYTES_MAX)
        return;
    if (!r->has_deleted && r->suggestions_left == 0)
        return;
    r->reclaimed_ns = now_ns;
    if (r->has_deleted) {
        flush(r);
        r->has_deleted = false;
        r->suggestions_left = SUGGESTIONS;
        return;
    }
    r->suggestions_left--;
    rocksdb_suggest_compact_range(r->db, NULL, 0, NULL, 0, &error);
    note_failure(r, error);
}

bool
rocks_has_room(struct backend *b, size_t bytes, bool is_growth)
{
    struct rocks *r = (struct rocks *)b;
    int64_t now_ns = clock_mono_ns(r->runtime);
    if (now_ns - r->asked_ns >= ASKED_EVERY_NS || r->bytes_since >= ASKED_EVERY_BYTES)
        ask(r, now_ns);
    uint64_t kept = is_growth ? r->reserve_bytes : data_dir_start_bytes(r->reserve_bytes);
    bool has_room = r->free_bytes >= kept + r->bytes_since + bytes;
    if (!has_room)
        reclaim(r, now_ns);
    return has_room;
}

bool
rocks_has_reserve(const struct rocks *r, const char *path)
{
    struct statvfs fs;
    return statvfs(path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize >= r->reserve_bytes;
}
