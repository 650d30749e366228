// Folders with all that is in them.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/tree.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FDS_MAX = 16, WALKS_MAX = 64 };

struct removal {
    const char *dir;
    int code;
};

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    // The work folder of an overlay holds one that nobody may read, not even its owner. When it is
    // not empty the next walk gets at what it holds.
    if (kind == FTW_DNR)
        (void)chmod(path, 0700);
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

static void
remove_all(void *arg)
{
    struct removal *r = arg;
    int result = -1;
    for (int i = 0; i < WALKS_MAX && result != 0; i++) {
        result = nftw(r->dir, remove_one, FDS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        if (result != 0 && errno != ENOTEMPTY)
            break;
    }
    r->code = result == 0 || errno == ENOENT ? OK : E_IO;
}

int
tree_remove(struct runtime *rt, const char *dir)
{
    struct removal r = {.dir = dir};
    pool_run(rt, remove_all, &r);
    return r.code;
}

int
tree_make(const char *dir, unsigned mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", dir);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        if (mkdir(path, mode) != 0 && errno != EEXIST)
            return errno == ENOSPC ? E_FULL : E_IO;
    }
    return mkdir(path, mode) == 0 || errno == EEXIST ? OK : errno == ENOSPC ? E_FULL : E_IO;
}
