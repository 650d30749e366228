// Counters per loop and operation, added up when somebody asks.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/metrics.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/cloud/cloud.h"

enum { STATUS_CLASSES = 6, BUCKETS = 12 };

// Upper bounds of the latency histogram; what is slower is in the last bucket, +Inf.
static const int64_t bucket_us[BUCKETS - 1] = {100,   250,    500,    1000,    2500,    5000,
                                               10000, 100000, 500000, 1000000, 20000000};

// Written by one loop only, so a plain add in two relaxed steps loses nothing.
struct slot {
    _Atomic uint64_t count[STATUS_CLASSES];
    _Atomic uint64_t bucket[BUCKETS];
    _Atomic uint64_t duration_ns;
};

struct metrics {
    size_t loop_count;
    size_t operation_count;     // over all services
    size_t first[SERVICES_MAX]; // a service's first operation among them
    struct slot *slots;         // by loop, then operation
};

// One operation over all loops.
struct total {
    uint64_t count[STATUS_CLASSES];
    uint64_t bucket[BUCKETS];
    uint64_t duration_ns;
    uint64_t requests;
};

static void
add(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

static uint64_t
read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static size_t
bucket_of(int64_t duration_ns)
{
    size_t i = 0;
    while (i < BUCKETS - 1 && duration_ns > bucket_us[i] * 1000)
        i++;
    return i;
}

static struct total
total_of(const struct metrics *m, size_t operation)
{
    struct total t = {0};
    for (size_t loop = 0; loop < m->loop_count; loop++) {
        const struct slot *s = &m->slots[loop * m->operation_count + operation];
        for (size_t i = 0; i < STATUS_CLASSES; i++)
            t.count[i] += read_counter(&s->count[i]);
        for (size_t i = 0; i < BUCKETS; i++)
            t.bucket[i] += read_counter(&s->bucket[i]);
        t.duration_ns += read_counter(&s->duration_ns);
    }
    for (size_t i = 0; i < STATUS_CLASSES; i++)
        t.requests += t.count[i];
    return t;
}

static void
print_type(struct buf *out, const char *name, const char *type)
{
    buf_print(out, "# TYPE %s %s\n", name, type);
}

static void
print_single(struct buf *out, const char *name, const char *type, uint64_t value)
{
    print_type(out, name, type);
    buf_print(out, "%s %llu\n", name, (unsigned long long)value);
}

static void
print_counts(const struct total *t, const char *labels, struct buf *out)
{
    for (int i = 0; i < STATUS_CLASSES; i++)
        if (t->count[i] > 0)
            buf_print(out, "c10m_requests_total{%s,status=\"%dxx\"} %llu\n", labels, i,
                      (unsigned long long)t->count[i]);
}

static void
print_latency(const struct total *t, const char *labels, struct buf *out)
{
    uint64_t below = 0;
    for (int i = 0; i < BUCKETS - 1; i++) {
        below += t->bucket[i];
        buf_print(out, "c10m_request_seconds_bucket{%s,le=\"%g\"} %llu\n", labels,
                  (double)bucket_us[i] / 1e6, (unsigned long long)below);
    }
    buf_print(out, "c10m_request_seconds_bucket{%s,le=\"+Inf\"} %llu\n", labels,
              (unsigned long long)t->requests);
    buf_print(out, "c10m_request_seconds_sum{%s} %.9f\n", labels, (double)t->duration_ns / 1e9);
    buf_print(out, "c10m_request_seconds_count{%s} %llu\n", labels,
              (unsigned long long)t->requests);
}

// Operations that were never called are left out: the models have thousands.
static void
print_operations(const struct metrics *m, struct buf *out,
                 void (*print)(const struct total *t, const char *labels, struct buf *out))
{
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        const struct wire_service *s = service_registry[i]->wire;
        for (size_t op = 0; op < s->operation_count; op++) {
            struct total t = total_of(m, m->first[i] + op);
            if (t.requests == 0)
                continue;
            struct str labels = arena_print(out->arena, "service=\"%s\",operation=\"%s\"", s->name,
                                            wire_text(s->model, s->operations[op].name));
            print(&t, arena_copy_z(out->arena, labels), out);
        }
    }
}

static void
print_store(const struct cloud *cloud, struct buf *out)
{
    struct kv_stats stats;
    kv_stats_get(cloud->kv, &stats);
    print_single(out, "c10m_kv_commits_total", "counter", stats.commits);
    print_single(out, "c10m_kv_batches_total", "counter", stats.batches);
    print_single(out, "c10m_kv_conflicts_total", "counter", stats.conflicts);
    print_single(out, "c10m_kv_cold_reads_total", "counter", stats.cold_reads);
}

static void
print_budget(const struct cloud *cloud, struct buf *out)
{
    print_single(out, "c10m_requests_in_flight", "gauge", atomic_load(&cloud->budget.requests));
    print_single(out, "c10m_bytes_in_flight", "gauge", atomic_load(&cloud->budget.bytes));
    print_single(out, "c10m_requests_waiting", "gauge", atomic_load(&cloud->budget.waiting));
    uint64_t shed = 0;
    for (int i = 0; i < runtime_loop_count(cloud->runtime); i++)
        shed += atomic_load(&cloud->gates[i].shed);
    print_single(out, "c10m_requests_shed_total", "counter", shed);
}

static void
print_fibers(const struct cloud *cloud, struct buf *out)
{
    struct fiber_stats stats;
    fiber_stats_get(cloud->runtime, &stats);
    print_single(out, "c10m_fibers_live", "gauge", stats.live);
    print_single(out, "c10m_fibers_live_max", "gauge", stats.live_max);
    print_single(out, "c10m_fiber_stacks", "gauge", stats.stacks);
    print_single(out, "c10m_fiber_switches_total", "counter", stats.switches);
}

static void
print_http(const struct cloud *cloud, struct buf *out)
{
    struct http_server_stats stats;
    http_server_stats_get(cloud->http, &stats);
    print_single(out, "c10m_http_connections", "gauge", stats.connections);
    print_single(out, "c10m_http_requests_total", "counter", stats.requests);
    print_single(out, "c10m_http_rejected_total", "counter", stats.rejected);
}

// Second field of /proc/self/statm, in pages. 0 where there is no such file.
static uint64_t
resident_bytes(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof(text));
    close(fd);
    struct str size, rest, pages;
    int64_t count;
    if (len <= 0 || !str_cut((struct str){text, (size_t)len}, ' ', &size, &rest))
        return 0;
    str_cut(rest, ' ', &pages, &rest);
    return str_to_int64(pages, &count) == OK ? (uint64_t)(count * sysconf(_SC_PAGESIZE)) : 0;
}

struct metrics *
metrics_new(const struct cloud *cloud)
{
    struct metrics *m = calloc(1, sizeof(*m));
    CHECK(m != NULL);
    m->loop_count = (size_t)runtime_loop_count(cloud->runtime);
    for (size_t i = 0; service_registry[i] != NULL; i++) {
        CHECK(i < SERVICES_MAX);
        m->first[i] = m->operation_count;
        m->operation_count += service_registry[i]->wire->operation_count;
    }
    m->slots = calloc(m->loop_count * m->operation_count + 1, sizeof(*m->slots));
    CHECK(m->slots != NULL);
    return m;
}

void
metrics_free(struct metrics *m)
{
    if (m == NULL)
        return;
    free(m->slots);
    free(m);
}

void
metrics_record(struct metrics *m, int loop, size_t service, size_t operation, int status,
               int64_t duration_ns)
{
    CHECK(status >= 0 && status / 100 < STATUS_CLASSES);
    struct slot *s = &m->slots[(size_t)loop * m->operation_count + m->first[service] + operation];
    add(&s->count[status / 100], 1);
    add(&s->bucket[bucket_of(duration_ns)], 1);
    add(&s->duration_ns, (uint64_t)duration_ns);
}

void
metrics_print(const struct cloud *cloud, struct buf *out)
{
    print_type(out, "c10m_requests_total", "counter");
    print_operations(cloud->metrics, out, print_counts);
    print_type(out, "c10m_request_seconds", "histogram");
    print_operations(cloud->metrics, out, print_latency);
    print_store(cloud, out);
    print_budget(cloud, out);
    print_fibers(cloud, out);
    print_http(cloud, out);
    print_single(out, "process_resident_memory_bytes", "gauge", resident_bytes());
}
