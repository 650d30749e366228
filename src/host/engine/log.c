// An engine's output, as lines of c10m's log.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/engine/folder.h"
#include "src/host/file.h"

// At most so much a time: the next pass goes on.
enum { PASS_BYTES_MAX = 256 * 1024, LINE_BYTES_MAX = 2048, AT_BYTES_MAX = 64 };

// How far it was read: a file by its inode, since the shim renames it when it is full.
struct place {
    uint64_t inode;
    int64_t offset;
};

static struct place
place_read(struct engine_run *r)
{
    struct place p = {0};
    struct str text;
    if (file_read(engine_path(r, "log-at"), AT_BYTES_MAX, r->arena, &text) == OK &&
        sscanf(arena_copy_z(r->arena, text), "%" SCNu64 " %" SCNd64, &p.inode, &p.offset) != 2)
        p = (struct place){0};
    return p;
}

static void
line_log(const struct engine_run *r, const char *kind, struct str line)
{
    char quoted[LINE_BYTES_MAX];
    if (line.len > 0)
        log_event(r->host->log, LOG_INFO, "engine", "kind=%s name=" STR_FMT " line=%s", kind,
                  STR_ARG(r->name), log_quote(line, quoted, sizeof(quoted)));
}

// Whole lines; the rest of a file that is full (is_old) too. How many bytes they were.
static size_t
lines_log(const struct engine_run *r, const char *kind, struct str text, bool is_old)
{
    size_t done = 0;
    for (ptrdiff_t end; done < text.len; done += (size_t)end + 1) {
        struct str rest = str_slice(text, done, text.len);
        end = str_find_char(rest, '\n');
        if (end < 0 && !is_old && rest.len < PASS_BYTES_MAX)
            return done;
        if (end < 0)
            end = (ptrdiff_t)rest.len - 1;
        line_log(r, kind, str_slice(rest, 0, (size_t)end + (rest.ptr[end] != '\n')));
    }
    return done;
}

// Reads on in the file, the old one only when the place is there. Has that one more?
static bool
file_pass(struct engine_run *r, const char *kind, const char *name, bool is_old, struct place *at)
{
    struct stat status;
    struct str sandbox = engine_sandbox_name(r, false);
    char *path = arena_copy_z(r->arena, arena_print(r->arena, "%s/sandboxes/" STR_FMT "/%s",
                                                    r->host->dir, STR_ARG(sandbox), name));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_it = fd >= 0 && fstat(fd, &status) == 0 && (!is_old || status.st_ino == at->inode);
    if (is_it && status.st_ino != at->inode)
        *at = (struct place){.inode = status.st_ino};
    if (is_it && status.st_size > at->offset) {
        char *bytes = arena_alloc_bytes(r->arena, PASS_BYTES_MAX);
        ssize_t got = pread(fd, bytes, PASS_BYTES_MAX, at->offset);
        bool is_rest = is_old && at->offset + got == status.st_size;
        if (got > 0)
            at->offset += (int64_t)lines_log(r, kind, (struct str){bytes, (size_t)got}, is_rest);
    }
    bool has_more = is_it && is_old && at->offset < status.st_size;
    if (fd >= 0)
        close(fd);
    return has_more;
}

void
engine_log_pass(struct engine_run *r, const char *kind)
{
    char text[AT_BYTES_MAX];
    struct place at = place_read(r), old = at;
    if (!file_pass(r, kind, "console.old", true, &at))
        (void)file_pass(r, kind, "console", false, &at);
    if (at.inode == old.inode && at.offset == old.offset)
        return;
    int len = snprintf(text, sizeof(text), "%" PRIu64 " %" PRId64 "\n", at.inode, at.offset);
    if (file_replace(engine_path(r, "log-at"), (struct str){text, (size_t)len}, 0600) != OK)
        log_event(r->host->log, LOG_WARN, "engine_log_place_lost", "name=" STR_FMT,
                  STR_ARG(r->name));
}
