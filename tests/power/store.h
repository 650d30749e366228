// The store that the power and crash rings work on: pairs, blobs and boxes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/blob.h"
#include "src/store/kv.h"
#include "src/store/reaper.h"
#include "src/store/seal.h"

// Everything in it follows from a number. Pair i are two keys, set and deleted in one transaction
// which also counts. Blob i has a key that names it. Box i is a key and BOX_KEYS others, which the
// reaper deletes once that key is gone.
struct store {
    struct runtime *runtime;
    struct log log;
    struct kv *kv;
    struct seal *seal;
    struct blobs *blobs;
    struct background *background;
    struct reaper *reaper;
    char seal_path[600], blobs_dir[600];
};

enum { NUMBERS_MAX = 120000, BOX_KEYS = 30 };

// Says on stderr why not.
MUST_USE int store_open(struct store *s, const char *dir);
void store_close(struct store *s);

struct str pattern(struct arena *a, unsigned number, size_t len);
size_t value_bytes(unsigned number);
size_t blob_bytes(unsigned number);
struct str key(struct arena *a, const char *kind, unsigned number);
// The keys in box i, and all of them.
struct str box_key(struct arena *a, unsigned number, unsigned at);
void box_range(struct arena *a, unsigned number, struct str *from, struct str *to);
extern const struct str counter_key;

struct step {
    struct store *store;
    struct arena arena;
    unsigned number;
    const struct blob_new *blob;
    struct blob_id id;
};
// Bodies of one change each; arg is a struct step.
kv_body_fn pair_set_body, pair_del_body, blob_link_body, blob_unlink_body, box_add_body,
    box_del_body;

// Compares the store in dir with lines of standard input: "S 12" is about to set pair 12, "s 12"
// was acknowledged; d deletes it, b links blob 12, u unlinks it, k adds box 12, x deletes it. The
// exit status; what is wrong goes to standard output.
enum { EXIT_BROKEN = 1 };
int store_check(const char *dir, bool has_blobs);
