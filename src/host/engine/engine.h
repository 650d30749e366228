// Engines: databases, caches and proxies of others, each in a sandbox of its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/driver.h"

// An engine is a unit whose kind is one of those below, and whose spec is the record Engine
// (records.json). Its driver does all of it by the record alone: creates, starts, adopts and stops
// it, and when the record of a running engine changes it reconfigures it, lets it follow another
// primary, or promotes it. What can only change at a start waits for the next one. Programs are the
// host's (default image): where one is missing, the unit fails with a sentence that names its
// Debian package.
//
//     kind       program          settings are                     replicas
//     postgres   PostgreSQL 15    rows of postgresql.conf          streaming
//     mariadb    MariaDB 10.11    rows of [mariadbd]               by GTID
//     redis      Redis 7          rows of redis.conf               yes
//     memcached  memcached        long options: "memory-limit"     no
//     haproxy    HAProxy 2.6      one: "config", the whole text    no
//
// Members of the record:
//     network, port         its end of that network, which its unit needs; absent: loopback only
//     tcp_port              inside, on all addresses; absent: the engine's usual one
//     admin, admin_password a user that may do what AWS's master user may; absent: only c10m gets
//                           in (Redis: the password alone)
//     replication_password  of the user "replicator"; absent: nobody may follow
//     primary_host, _port   absent: it takes writes. Else it is a replica of that one
enum {
    ENGINE_NAME_BYTES_MAX = 48, // of the unit
    ENGINE_SETTINGS_MAX = 512,
    ENGINE_UID = 999, // inside
};

// The host's log gets the engines' output, a line each: event=engine kind= name= line=.
void haproxy_driver_new(struct host *h, struct unit_driver *out);
void mariadb_driver_new(struct host *h, struct unit_driver *out);
void memcached_driver_new(struct host *h, struct unit_driver *out);
void postgres_driver_new(struct host *h, struct unit_driver *out);
void redis_driver_new(struct host *h, struct unit_driver *out);

// The folder of its unix sockets on the host, in the arena.
struct str engine_run_dir(struct host *h, struct str name, struct arena *arena);
