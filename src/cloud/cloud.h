// A whole c10m: everything that one process holds hangs on this struct.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/base/log.h"
#include "src/cloud/budget.h"
#include "src/cloud/event.h"
#include "src/cloud/gate.h"
#include "src/cloud/metrics.h"
#include "src/cloud/passed.h"
#include "src/cloud/rates.h"
#include "src/cloud/raw.h"
#include "src/cloud/service.h"
#include "src/cloud/statistics.h"
#include "src/cloud/text_list.h"
#include "src/http/client.h"
#include "src/http/server.h"
#include "src/http/tls.h"
#include "src/store/alarm.h"
#include "src/store/data_key.h"
#include "src/store/outbox.h"
#include "src/store/reaper.h"
#include "src/store/seal.h"
#include "src/wire/pattern.h"

struct guests;
struct key_cache;
struct machine;

enum { SERVICES_MAX = 256, ADMIN_TOKEN_BYTES_MIN = 32, ADMIN_TOKEN_BYTES_MAX = 256 };
enum { SLOW_REQUEST_MS_DEFAULT = 1000 };

struct cloud {
    struct runtime *runtime;
    struct log log;
    struct kv *kv;
    // What services share for their state (src/cloud/state.h).
    struct background *background;
    struct jobs_options jobs;
    struct reaper *reaper;
    struct alarms *alarms;
    struct outbox *outbox;
    struct clock_keeper *clock;
    // NULL on a store that processes share: files of one would be of no use to the others.
    struct blobs *blobs;
    struct machine *machine; // what runs here; NULL: nothing can (src/cloud/state.h)
    bool powers_off;         // at the end, what runs is stopped; else it goes on
    const char *data;        // the data directory that the store is in; NULL: it is elsewhere
    const char *keys_dir;    // where root key and TLS keys lie; NULL: nothing is on disk
    struct guests *guests;   // what guests of networks ask of us
    struct http_server *http;
    struct http_client *client;         // for what services ask of others
    void *service_states[SERVICES_MAX]; // by index in service_registry
    struct metrics *metrics;
    struct key_cache *key_caches[RUNTIME_LOOPS_MAX];  // one per loop
    struct wire_patterns patterns[RUNTIME_LOOPS_MAX]; // of the models, as each loop compiled them
    struct key_ring *keys;
    struct seal *seal; // with the root key
    struct aes *aes;
    struct data_keys *data_keys;                // of services
    SLIST_HEAD(, event_subscriber) subscribers; // see cloud_subscribe
    // What services registered beyond their operations (src/cloud/raw.h).
    struct {
        const struct raw_route *routes[RAW_ROUTES_MAX];
        size_t route_count;
        struct raw_listener *listeners[RAW_LISTENERS_MAX];
        size_t listener_count;
    } raw;
    struct passed_sockets passed;
    struct statistics *statistics;
    struct budget budget;
    struct gate gates[RUNTIME_LOOPS_MAX]; // one per loop
    struct rates rates;
    struct socket_address address; // that it listens on
    struct text_list allow_hosts, allow_origins;
    struct tls_options tls;
    char admin_token[ADMIN_TOKEN_BYTES_MAX + 1]; // "": nobody has it
    int64_t started_ns;                          // monotonic
    int64_t slow_ns;                             // calls that take longer are logged
};

enum development_keys { DEVELOPMENT_KEYS_BY_ADDRESS, DEVELOPMENT_KEYS_ON, DEVELOPMENT_KEYS_OFF };

struct cloud_options {
    struct socket_address address; // port 0 is filled in
    const char *store_url;         // "rocks:DIR" or "mem:"
    int loops;                     // 0: one per core
    enum log_level log_level;
    int log_fd;
    bool run_twice; // see struct kv_options
    // Who may ask: keys of the form ACCOUNT:KEY:SECRET, and files of such.
    struct text_list root_keys, root_key_files;
    enum development_keys development_keys; // by address: on loopback only
    const char *boot_id_file;               // see struct machine_options
    const char *keys_dir;                   // of root key and TLS keys; NULL: the data directory
    const char *seal_file;                  // the key of sealed secrets; NULL: one that is not kept
    const char *admin_token_file;           // made when missing; NULL: nobody has the token
    struct text_list allow_hosts, allow_origins;
    struct passed_sockets passed;     // for services' listeners; taken from here when they are used
    struct tls_options tls;           // dir NULL: a development CA in memory
    struct text_list operation_rates; // "sqs:SendMessage=100", see src/cloud/rates.h
    int64_t request_timeout_ms;       // struct http_server_options.head_timeout_ms
    int slow_request_ms;              // slower calls are logged; 0: the default
    int account_rate;                 // calls a second of one account; 0: any number
    int requests_max, memory_mib_max; // under way at once; 0: the budget's defaults
    struct event_subscriber *subscriber; // of a program that holds the cloud; NULL: none
    // Filled in when one was made: ACCOUNT:KEY:SECRET, to be shown this once.
    char new_root_key[128];
};

// Opens the store, starts services, listens. On failure `problem` says in one line what to do.
// E_INVALID: the options do not fit each other; else what the store or the server returned.
MUST_USE int cloud_new(struct cloud_options *options, struct cloud **out, char *problem,
                       size_t problem_size);
enum { POWER_OFF_SECONDS_MAX = 50 };
// Drains within KV_TXN_MS_MAX and a little, powers off within POWER_OFF_SECONDS_MAX where it is
// told to, then frees everything. NULL is accepted.
void cloud_free(struct cloud *cloud);

// From now on the subscriber is asked about every call, and gets the records that it wants, with
// what an earlier process left of them. Before the server listens: from a service's init, at most
// EVENT_SUBSCRIBERS_MAX in all. It lives as long as the cloud.
void cloud_subscribe(struct cloud *cloud, struct event_subscriber *subscriber);
