// Backups of a whole c10m: its store, its blobs and the keys that read them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/cloud.h"

// A backup is a data directory of its own: store/, blobs/, root.key, tls/ and, last, c10m.json,
// without which it does not count. It holds the state of one moment, with every blob that this
// state links to; calls go on meanwhile. Blobs are further names of the same files where the file
// system allows that. Who has a backup has the root key: it is as secret as the data.
struct backup {
    struct runtime *runtime;
    struct kv *kv;
    struct blobs *blobs; // NULL: nobody changes them
    const char *data;    // the data directory, or where the keys of another store lie
    const char *dir;     // made or empty
    char *problem;       // gets a sentence
    size_t problem_size;
    uint64_t blob_files, blob_bytes; // filled in
};

// From a fiber; takes long. E_INVALID: something is in dir; E_FULL, E_IO. What is in dir after a
// failure is no backup.
MUST_USE int backup_make(struct backup *b);

// POST /_c10m/backup?to=DIRECTORY: in the server's own file system, an absolute path. 200 when the
// backup is durable and whole.
void admin_backup(struct cloud *cloud, const struct http_request *request,
                  struct http_response *response);
