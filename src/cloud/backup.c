// Backups of a whole c10m: its store, its blobs and the keys that read them.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/backup.h"

#include <limits.h>
#include <stdio.h>

#include "src/cloud/admin.h"
#include "src/store/blob_upkeep.h"
#include "src/store/tree.h"
#include "src/wire/form.h"
#include "src/wire/json.h"

enum { PROBLEM_BYTES_MAX = 1024, PARAMETERS_MAX = 8 };

struct copying {
    struct backup *backup;
    int code;
};

static int
paths_print(struct backup *b, const char *name, char from[PATH_MAX], char to[PATH_MAX])
{
    if ((size_t)snprintf(from, PATH_MAX, "%s/%s", b->data, name) < PATH_MAX &&
        (size_t)snprintf(to, PATH_MAX, "%s/%s", b->dir, name) < PATH_MAX)
        return OK;
    snprintf(b->problem, b->problem_size, "the name of the directory is too long");
    return E_INVALID;
}

// What is not there was not used yet.
static int
copy(struct backup *b, const char *name, int (*fn)(struct tree_copy *t), struct tree_copy *t)
{
    char from[PATH_MAX], to[PATH_MAX];
    TRY(paths_print(b, name, from, to));
    t->from = from;
    t->to = to;
    t->problem = b->problem;
    t->problem_size = b->problem_size;
    int code = fn(t);
    t->from = t->to = NULL;
    return code == E_NOT_FOUND ? OK : code;
}

static int
copy_files(struct backup *b)
{
    static const char *const drafts[] = {"tmp", NULL};
    struct tree_copy blobs = {.skip = drafts, .may_link = true}, other = {0};
    TRY(copy(b, "root.key", tree_copy_file, &other));
    TRY(copy(b, "tls", tree_copy, &other));
    TRY(copy(b, "blobs", tree_copy, &blobs));
    b->blob_files = blobs.files;
    b->blob_bytes = blobs.bytes;
    return OK;
}

static void
copy_in_pool(void *arg)
{
    struct copying *c = arg;
    c->code = copy_files(c->backup);
}

static int
make(struct backup *b)
{
    struct copying c = {.backup = b};
    TRY(kv_backup(b->kv, b->dir, b->problem, b->problem_size));
    pool_run(b->runtime, copy_in_pool, &c);
    TRY(c.code);
    return kv_backup_end(b->dir, b->problem, b->problem_size);
}

int
backup_make(struct backup *b)
{
    if (b->blobs != NULL)
        blobs_hold(b->blobs);
    int code = make(b);
    if (b->blobs != NULL)
        blobs_release(b->blobs);
    return code;
}

// E_INVALID: not given, or no absolute path.
static int
directory_parse(const struct http_request *request, const char **out)
{
    struct form form = {0};
    if (!str_is_present(request->query))
        return E_INVALID;
    TRY(form_parse(request->arena, request->query, PARAMETERS_MAX, &form));
    if (form.count != 1 || !str_eq(form.pairs[0].name, STR("to")) ||
        !str_starts(form.pairs[0].value, STR("/")) ||
        memchr(form.pairs[0].value.ptr, 0, form.pairs[0].value.len) != NULL)
        return E_INVALID;
    *out = arena_copy_z(request->arena, form.pairs[0].value);
    return OK;
}

static void
answer_made(const struct backup *b, const struct http_request *request,
            struct http_response *response)
{
    struct buf out;
    buf_init(&out, request->arena, 256);
    buf_put(&out, STR("{\"backup\":"));
    json_put_string(&out, str_of(b->dir));
    buf_print(&out, ",\"blobs\":%llu,\"blob_bytes\":%llu}\n", (unsigned long long)b->blob_files,
              (unsigned long long)b->blob_bytes);
    response->status = 200;
    response->body = buf_str(&out);
    http_response_add(response, STR("Content-Type"), STR("application/json"));
}

void
admin_backup(struct cloud *cloud, const struct http_request *request,
             struct http_response *response)
{
    char problem[PROBLEM_BYTES_MAX] = "";
    struct backup b = {.runtime = cloud->runtime,
                       .kv = cloud->kv,
                       .blobs = cloud->blobs,
                       .data = cloud->keys_dir,
                       .problem = problem,
                       .problem_size = sizeof(problem)};
    if (cloud->keys_dir == NULL) {
        admin_answer_text(request, response, 409,
                          "This c10m keeps nothing on disk, not even the root key that a backup "
                          "would need: it was started with --ephemeral.");
        return;
    }
    if (directory_parse(request, &b.dir) != OK) {
        admin_answer_text(request, response, 400,
                          "A backup wants the parameter to=DIRECTORY, an absolute path of this "
                          "machine where nothing is yet.");
        return;
    }
    int code = backup_make(&b);
    log_event(&cloud->log, code == OK ? LOG_INFO : LOG_WARN, "backup", "to=%s code=%s blobs=%llu",
              b.dir, code_name(code), (unsigned long long)b.blob_files);
    if (code == OK)
        answer_made(&b, request, response);
    else
        admin_answer_text(request, response,
                          code == E_INVALID || code == E_EXISTS ? 409
                          : code == E_FULL                      ? 507
                                                                : 500,
                          *problem ? problem : code_name(code));
}
