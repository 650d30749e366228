// Sandboxes of the host layer, measured; DIR holds shelf/code/first already.
//     guests exec DIR COUNT       lines "exec NANOSECONDS", to the guest's first instruction
//     guests functions DIR COUNT  lines "function NANOSECONDS", the same of prepared sandboxes
//     guests ssh DIR COUNT        lines "ssh NANOSECONDS", until the guest's port 22 is open
//     guests crowd DIR COUNT      so many with ssh servers at once: "ports" and "open" NANOSECONDS,
//                                 "guest PID" of each, "ready"; after a line "stopped" NANOSECONDS
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/host/function.h"
#include "src/host/image.h"
#include "src/host/tree.h"
#include "tests/bench/host_bench.h"

enum {
    SSH_PORT = 22,
    WAIT_MS_MAX = 30 * 1000,
    MEMORY_BYTES = 64 << 20,
    POOL = 10, // functions prepared at a time
    CONNECT_PAUSE_US = 200,
    CONNECT_TRIES = 100 * 1000,
    OBSERVER = 0, // the port from which others are watched
};

// Other programs' clock, which no namespace moves.
static int64_t
real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * BENCH_NS_PER_SECOND + t.tv_nsec;
}

static const char *const first_words[] = {"/srv/first"};
static const char *const ssh_words[] = {"/usr/sbin/dropbear", "-F", "-E", "-R", "-p", "22"};
static const char *const env[] = {"PATH=/usr/sbin:/usr/bin"};

static const struct str *
texts(struct bench *b, const char *const *words, size_t count)
{
    struct str *out = ARENA_ARRAY(&b->arena, count, struct str);
    for (size_t i = 0; i < count; i++)
        out[i] = str_of(words[i]);
    return out;
}

struct guest {
    struct bench *bench;
    struct str name;
    struct sandbox_mount mounts[IMAGE_MOUNTS + 1];
    struct sandbox_spec spec;
    char *disk;
};

// With a disk of its own and limits, as any instance.
static void
guest_make(struct bench *b, int number, struct guest *g)
{
    g->bench = b;
    g->name = arena_print(&b->arena, "g%d", number);
    g->disk = arena_copy_z(&b->arena, arena_print(&b->arena, "%s/disk-%d", b->dir, number));
    bench_must(b, image_mounts(b->host, g->disk, (uint32_t)number, &b->arena, g->mounts));
    g->mounts[IMAGE_MOUNTS] = (struct sandbox_mount){
        .kind = SANDBOX_READ_ONLY,
        .at = STR("/srv"),
        .outside = arena_print(&b->arena, "%s/shelf/code", b->dir),
    };
    g->spec = (struct sandbox_spec){
        .name = g->name,
        .hostname = g->name,
        .mounts = g->mounts,
        .mount_count = COUNT_OF(g->mounts),
        .args = texts(b, first_words, COUNT_OF(first_words)),
        .arg_count = COUNT_OF(first_words),
        .env = texts(b, env, COUNT_OF(env)),
        .env_count = COUNT_OF(env),
        .ids_row = (uint32_t)number,
        .limits = {.memory_bytes = MEMORY_BYTES, .cpu_millis = 1000, .pids = 64},
    };
}

static void
guest_end(struct guest *g)
{
    struct bench *b = g->bench;
    snprintf(b->problem, sizeof(b->problem), "a guest does not end");
    bench_must(b, sandbox_stop(b->host, g->name, 0));
    bench_must(b, sandbox_remove(b->host, g->name));
    bench_must(b, tree_remove(b->runtime, g->disk));
}

// What `first` has said in it, when it has ended.
static int64_t
first_said_ns(struct bench *b, struct str name)
{
    struct sandbox_status status;
    struct str text, rest;
    int64_t ns = 0, deadline_ns = deadline_in_ms(b->runtime, WAIT_MS_MAX);
    snprintf(b->problem, sizeof(b->problem), "a guest has said nothing");
    bench_must(b, sandbox_wait(b->host, name, deadline_ns, &status));
    bench_must(b, sandbox_console(b->host, name, 64, &b->arena, &text));
    bench_must(b, str_cut(text, '\n', &text, &rest) ? str_to_int64(text, &ns) : E_INVALID);
    return ns;
}

static int
exec_main(void *arg)
{
    struct bench *b = arg;
    struct guest *guests = ARENA_ARRAY(&b->arena, (size_t)b->amount, struct guest);
    for (int i = 0; i < b->amount; i++) {
        struct guest *g = &guests[i];
        guest_make(b, i, g);
        int64_t begun_ns = real_ns();
        bench_must(b, sandbox_start(b->host, &g->spec, b->problem, sizeof(b->problem)));
        printf("exec %" PRId64 "\n", first_said_ns(b, g->name) - begun_ns);
    }
    // Not between them: for seconds ext4 steps over every inode that was just deleted.
    for (int i = 0; i < b->amount; i++)
        guest_end(&guests[i]);
    return OK;
}

static int
functions_main(void *arg)
{
    struct bench *b = arg;
    const struct str args[] = {STR("/var/task/first")};
    const struct function_pool_options options = {
        .host = b->host,
        .name = STR("bench"),
        .args = args,
        .arg_count = COUNT_OF(args),
        .env = texts(b, env, COUNT_OF(env)),
        .env_count = COUNT_OF(env),
        .shelf = arena_print(&b->arena, "%s/shelf", b->dir),
        .limits = {.memory_bytes = MEMORY_BYTES, .cpu_millis = 1000, .pids = 64},
        .prepared = POOL,
    };
    const struct function_start start = {.code = STR("code")};
    struct function_pool *pool = function_pool_new(&options);
    for (int i = 0; i < b->amount; i++) {
        struct function f;
        if (i % POOL == 0)
            bench_must(b, function_pool_fill(pool, b->problem));
        int64_t begun_ns = real_ns();
        bench_must(b, function_take(pool, &start, &f, b->problem));
        printf("function %" PRId64 "\n", first_said_ns(b, str_of(f.name)) - begun_ns);
        bench_must(b, function_end(pool, &f));
    }
    bench_must(b, function_pool_clear(pool));
    function_pool_free(pool);
    return OK;
}

// -- ssh servers

static bool
is_open(struct str address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(SSH_PORT)};
    char text[INET_ADDRSTRLEN];
    snprintf(text, sizeof(text), STR_FMT, STR_ARG(address));
    inet_pton(AF_INET, text, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
    close(fd);
    return is_connected;
}

// A child in the observer's namespaces that ends when all guests from number `first` on have their
// port open, and writes when that was.
static pid_t
watch(struct bench *b, const struct network_fds *observer, int first, int count, int out_fd)
{
    pid_t pid = bench_fork_in(observer);
    if (pid != 0)
        return pid;
    for (int i = first, tries = 0; i < first + count; i++)
        while (!is_open(bench_address(b, i)))
            if (tries++ == CONNECT_TRIES || usleep(CONNECT_PAUSE_US) != 0)
                _exit(1);
    int64_t now_ns = real_ns();
    _exit(write(out_fd, &now_ns, sizeof(now_ns)) != sizeof(now_ns));
}

static void
read_now(void *arg)
{
    int64_t *said = arg;
    int fd = (int)*said;
    if (read(fd, said, sizeof(*said)) != sizeof(*said))
        *said = -1;
}

// When a child's `watch` has seen them all. In the pool, so that fibers go on.
static int64_t
watched_ns(struct bench *b, pid_t pid, const int pipe_fds[2])
{
    int64_t said = pipe_fds[0];
    close(pipe_fds[1]);
    pool_run(b->runtime, read_now, &said);
    close(pipe_fds[0]);
    waitpid(pid, NULL, 0);
    snprintf(b->problem, sizeof(b->problem), "a port does not open");
    bench_must(b, said < 0 ? E_TIMEOUT : OK);
    return said;
}

static void
ssh_guest_make(struct bench *b, int number, const struct network_fds *fds, struct guest *g)
{
    guest_make(b, number, g);
    g->spec.args = texts(b, ssh_words, COUNT_OF(ssh_words));
    g->spec.arg_count = COUNT_OF(ssh_words);
    g->spec.user_fd = fds->user_fd;
    g->spec.net_fd = fds->net_fd;
}

static void
network_begin(struct bench *b, struct network_fds *observer)
{
    struct buf rules = bench_rules(b);
    bench_network_make(b, BENCH_NET);
    bench_group_set(&rules, SSH_PORT);
    bench_apply(b, &rules);
    *observer = bench_port_make(b, OBSERVER);
}

static int
ssh_main(void *arg)
{
    struct bench *b = arg;
    struct network_fds observer;
    network_begin(b, &observer);
    struct network_fds fds = bench_port_make(b, 1);
    for (int i = 0; i < b->amount; i++) {
        struct guest g;
        int pipe_fds[2];
        bench_must(b, pipe(pipe_fds) == 0 ? OK : E_IO);
        ssh_guest_make(b, i, &fds, &g);
        pid_t pid = watch(b, &observer, 1, 1, pipe_fds[1]);
        int64_t begun_ns = real_ns();
        bench_must(b, sandbox_start(b->host, &g.spec, b->problem, sizeof(b->problem)));
        printf("ssh %" PRId64 "\n", watched_ns(b, pid, pipe_fds) - begun_ns);
        guest_end(&g);
    }
    bench_must(b, network_stop(b->host, BENCH_NET, b->problem));
    return OK;
}

// -- many at once

struct crowd {
    struct bench *bench;
    struct guest *guests;
    int count, under_way;
    struct fiber *waiter;
};

struct member {
    struct crowd *crowd;
    int number;
    bool is_ending;
};

static void
member_run(void *arg)
{
    struct member *m = arg;
    struct crowd *c = m->crowd;
    struct bench *b = c->bench;
    struct guest *g = &c->guests[m->number];
    char problem[HOST_PROBLEM_BYTES];
    if (m->is_ending) {
        guest_end(g);
    } else {
        int code = sandbox_start(b->host, &g->spec, problem, sizeof(problem));
        memcpy(b->problem, problem, sizeof(problem));
        bench_must(b, code);
    }
    if (--c->under_way == 0)
        fiber_wake(c->waiter);
}

// All of them side by side, each in a fiber.
static void
crowd_run(struct crowd *c, bool is_ending)
{
    struct member *members = ARENA_ARRAY(&c->bench->arena, (size_t)c->count, struct member);
    c->waiter = fiber_self();
    c->under_way = c->count;
    for (int i = 0; i < c->count; i++) {
        members[i] = (struct member){c, i, is_ending};
        bench_must(c->bench, fiber_start(loop_current(), "guest", member_run, &members[i], NULL));
    }
    while (c->under_way > 0)
        bench_must(c->bench, fiber_park(INT64_MAX, FIBER_UNCANCELLABLE));
}

static void
crowd_tell(struct crowd *c)
{
    struct bench *b = c->bench;
    for (int i = 0; i < c->count; i++) {
        struct sandbox_status status;
        bench_must(b, sandbox_status_get(b->host, c->guests[i].name, &status));
        printf("guest %d\n", status.pid);
    }
    printf("ready\n");
    fflush(stdout);
    (void)getchar();
}

static void
crowd_ports(struct crowd *c)
{
    int64_t begun_ns = bench_now_ns();
    for (int i = 0; i < c->count; i++) {
        struct network_fds fds = bench_port_make(c->bench, i + 1);
        ssh_guest_make(c->bench, i, &fds, &c->guests[i]);
    }
    bench_tell("ports", begun_ns);
}

static int
crowd_main(void *arg)
{
    struct bench *b = arg;
    struct crowd c = {.bench = b, .count = (int)b->amount};
    struct network_fds observer;
    int pipe_fds[2];
    bench_must(b, pipe(pipe_fds) == 0 ? OK : E_IO);
    c.guests = ARENA_ARRAY(&b->arena, (size_t)c.count, struct guest);
    network_begin(b, &observer);
    crowd_ports(&c);
    int64_t begun_ns = real_ns();
    crowd_run(&c, false);
    // Only now: it would take a core from them.
    pid_t pid = watch(b, &observer, 1, c.count, pipe_fds[1]);
    printf("open %" PRId64 "\n", watched_ns(b, pid, pipe_fds) - begun_ns);
    crowd_tell(&c);
    begun_ns = bench_now_ns();
    crowd_run(&c, true);
    bench_tell("stopped", begun_ns);
    bench_must(b, network_stop(b->host, BENCH_NET, b->problem));
    return OK;
}

static const struct bench_mode modes[] = {
    {"exec", exec_main},
    {"functions", functions_main},
    {"ssh", ssh_main},
    {"crowd", crowd_main},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, modes, COUNT_OF(modes));
}
