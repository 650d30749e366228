// What the tests of blobs share: blobs in a store of either kind, and known contents.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/blob_head.h"
#include "src/store/fixture.h"

struct blob_fixture {
    struct fixture store; // first: in_fibers hands it on
    struct log quiet;     // broken contents are what is tested
    struct seal *seal;
    struct blobs *blobs;
    struct blobs_options options;
    char dir[2 * FIXTURE_PATH_MAX]; // of the files, below that of the store
    struct blob_id noted;           // by one function of a test for the next
    void *shared;                   // by a test with its fibers
    char *reference;                // random bytes to write and to compare with
};

enum { REFERENCE_BYTES = 5 * 1024 * 1024 };

// kind: "mem:" or "rocks:"; dir is a directory that exists.
struct blob_fixture *blob_fixture_open(const char *kind, const char *dir, struct blob_hook hook);
void blob_fixture_close(struct blob_fixture *g);
// Opens everything again, as the next start of the program would.
void blob_fixture_reopen(struct blob_fixture *g);
// For cmocka, with a directory of its own: *state is "mem:" or "rocks:" before, the fixture after.
int blob_fixture_setup(void **state);
int blob_fixture_teardown(void **state);
void blob_in_fiber(struct blob_fixture *g, void (*fn)(struct blob_fixture *g));

struct str reference(const struct blob_fixture *g, size_t len);

// In pieces of odd lengths, committed; in the arena.
struct blob_new *put_blob(struct blob_fixture *g, struct arena *arena, struct str data);
int link_blob(struct blob_fixture *g, const struct blob_new *blob);
int link_blob_again(struct blob_fixture *g, const struct blob_id *id);
int unlink_blob(struct blob_fixture *g, const struct blob_id *id);
// Put and linked.
struct blob_id make_blob(struct blob_fixture *g, struct str data);
// What blob_open or blob_read_at returns; E_CONFLICT: other data.
int compare_blob(struct blob_fixture *g, const struct blob_id *id, struct str data);
// Of everything that nothing links to; returns how many there were.
size_t collect_all(struct blob_fixture *g);

// Files below the directory of the blobs, and entries about blobs in the kv.
size_t count_files(const struct blob_fixture *g);
size_t count_records(struct blob_fixture *g);
// Of a published file.
void blob_path(const struct blob_fixture *g, const struct blob_id *id, char *out, size_t size);
