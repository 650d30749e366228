// What an engine's kind does: the part of a driver that differs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/engine/engine.h"
#include "src/host/network.h"
#include "src/host/sandbox.h"

// The record, read.
struct engine_setting {
    struct str name, value;
};

struct engine_spec {
    struct str network, port; // absent: nothing but loopback
    uint16_t tcp_port;        // 0: the usual one
    struct str admin, admin_password, replication_password;
    struct str primary_host;
    uint16_t primary_port;
    const struct engine_setting *settings;
    size_t setting_count;
    struct limits limits;
};
// E_NEWER, E_INVALID. Texts are in the arena.
MUST_USE int engine_spec_read(struct arena *arena, struct str bytes, struct engine_spec *out);
// The same record with digests, keyed by the secret, in place of passwords: to see a change by.
MUST_USE int engine_spec_digest(struct arena *arena, struct str bytes, struct str secret,
                                struct str *out);

// An engine's folder on the host, "engines/NAME", holds:
//     files/     mounted as /engine, belongs to ENGINE_UID of the guest: data/, run/
//     etc/       its configuration, which the guest only reads
//     disk/      what the guest changes elsewhere (image_mounts); tool-disk/ of its tools
//     secret     engine_secret
//     made       data/ is complete; holds the machine's start in which its owners were last set
//     work       engine_work goes on: the digest of its command
//     applied    the spec as the running engine has it, by engine_spec_digest
//     log-at     how far its console was passed on
struct engine_run {
    struct host *host;
    struct str name;
    uint32_t ids_row; // as in struct sandbox_spec
    struct engine_spec spec;
    struct arena *arena;
    const char *dir;   // absolute
    const char *files; // "dir/files"
    char *problem;     // UNIT_PROBLEM_BYTES
};

enum { ENGINE_ARGS_MAX = 64 };
struct engine_command {
    struct str args[ENGINE_ARGS_MAX]; // args[0] is the program's path
    size_t arg_count;
    struct str env[8];
    size_t env_count;
};

// All run in a fiber and may wait; they return a code and a sentence in run->problem.
struct engine_kind {
    const char *kind;
    const char *program;  // on the host and in the guest
    const char *package;  // Debian's, that has it
    const char *template; // what engine_template is called with; NULL: nothing
    // Fills data/, by engine_template or engine_work. NULL: it stays empty. E_AGAIN: it goes on.
    int (*create)(struct engine_run *r);
    // Writes its files below etc/ (and data/) from the spec: before every start and change.
    int (*configure)(struct engine_run *r);
    int (*command)(struct engine_run *r, struct engine_command *out);
    // Asks it once. E_AGAIN: not yet.
    int (*ready)(struct engine_run *r);
    // Of a running one whose files are written. NULL: only at the next start.
    int (*reconfigure)(struct engine_run *r);
    int (*replicate)(struct engine_run *r); // now follows spec.primary_host
    int (*promote)(struct engine_run *r);   // returns when it takes writes
    int stop_signal;
    int stop_ms; // then it is killed
};
extern const struct engine_kind engine_postgres, engine_mariadb, engine_redis, engine_memcached,
    engine_haproxy;

// For kinds ------------------------------------------------------------------------------------

// Prints the sentence, returns the code.
int engine_fail(struct engine_run *r, int code, const char *format, ...) PRINTF(3, 4);
// A file in etc/, which the guest only reads. E_IO, E_FULL.
MUST_USE int engine_file(struct engine_run *r, const char *path, struct str text);
// A random text of letters and digits that is this engine's, and that its guest does not get to see
// but in its own configuration.
MUST_USE int engine_secret(struct engine_run *r, struct str *out);
// An empty file below files/. E_IO.
MUST_USE int engine_touch(struct engine_run *r, const char *path);
void engine_arg(struct engine_run *r, struct engine_command *c, const char *format, ...)
    PRINTF(3, 4);
// Runs a program in a sandbox with the engine's files and network until it ends well. E_IO: it
// failed, and the problem is the end of what it printed; E_TIMEOUT.
MUST_USE int engine_tool(struct engine_run *r, const struct engine_command *c, int64_t limit_ms);
// The same for what fills data/, which is empty when it begins, and may take longer than a call of
// a driver: E_AGAIN with a sentence of which `what` is the subject, while it goes on. Called again
// with the same command, also by the next c10m, it waits on; with another, it begins anew.
MUST_USE int engine_work(struct engine_run *r, const struct engine_command *c, const char *what);
// data/ from the template of that name, which fill makes in data/ when there is none yet.
MUST_USE int engine_template(struct engine_run *r, const char *name,
                             int (*fill)(struct engine_run *r));
// A setting of the spec, absent when it is not there.
struct str engine_setting_find(const struct engine_run *r, struct str name);
bool engine_is_replica(const struct engine_run *r);
// A line without control characters: what may stand in a line of a configuration file.
bool engine_text_is_plain(struct str text);
// Lower case letters, digits, '_' and one more: what a setting may be called.
bool engine_name_is_plain(struct str name, char also);
// Sends a request to a socket in run/ and reads until the answer ends with `end`, the peer closes
// or limit bytes are there: the answer is in the arena.
struct engine_talk {
    const char *socket;
    struct str request;
    struct str end; // absent: when the peer closes
    bool ends;      // the peer is told that nothing more is asked
    size_t limit;
    int64_t limit_ms;
};
MUST_USE int engine_ask(struct engine_run *r, const struct engine_talk *talk, struct str *out);
