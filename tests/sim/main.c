// Runs seeds: whole clouds with clients, faults and restarts under virtual time.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/plant.h"
#include "src/store/seal.h"
#include "tests/sim/crypto.h"
#include "tests/sim/failure.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

enum { STEPS_DEFAULT = 60000, EXIT_BAD_USAGE = 2 };

#ifdef C10M_PLANTS
enum plant plant_now;
#endif

struct settings {
    uint64_t seed, seeds, steps;
    size_t load; // COUNT_OF(loads): all in turn
    const char *trace_path;
    bool is_quiet;
};

// Of the run under way, for what a failure prints and leaves.
static uint64_t seed_now;
static char seal_path[64];

void
failure(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sim_trace("BROKEN %s", text);
    fprintf(stderr, "seed %llu: broken: %s\n", (unsigned long long)seed_now, text);
    fprintf(stderr, "again: ./dev sim --seed %llu --trace FILE\n", (unsigned long long)seed_now);
    (void)unlink(seal_path);
    _exit(EXIT_BROKEN);
}

static void
start_nodes(struct world *w, void (*node_main)(void *node))
{
    w->node_count = 1 + (unsigned)sim_random(CLOUDS_MAX);
    for (unsigned i = 0; i < w->node_count; i++) {
        w->nodes[i] = (struct node){.port = (uint16_t)(CLOUD_PORT_FIRST + i),
                                    .loops = 1 + (int)sim_random(3),
                                    .runs_twice = sim_chance(2),
                                    .world = w,
                                    .main = node_main};
        node_start(&w->nodes[i]);
        node_await_ready(&w->nodes[i]);
    }
}

static void
run_faults(struct world *w)
{
    uint64_t steps_then = sim_steps() + w->steps_max;
    while (sim_steps() < steps_then)
        faults_round(w);
    w->is_over = true;
    faults_end(w);
}

static void
stop_nodes(struct world *w)
{
    for (unsigned i = 0; i < w->node_count; i++)
        node_stop(&w->nodes[i]);
}

// As fsck does: what must hold between the keys of the store's modules and of all services.
static void
check_store(struct world *w)
{
    struct node checker = {.loops = 1, .world = w, .main = fsck_main};
    node_start(&checker);
    node_stop(&checker);
}

static void
sqs_world(void *arg)
{
    struct world *w = arg;
    start_nodes(w, cloud_main);
    struct sqs_load *load = sqs_load_start(w);
    faults_choose(w);
    run_faults(w);
    sqs_load_end(load);
    stop_nodes(w);
    check_store(w);
}

static void
ways_world(void *arg)
{
    struct world *w = arg;
    w->ways = ways_model_new();
    faults_choose(w);
    start_nodes(w, ways_main);
    run_faults(w);
    for (unsigned i = 0; i < w->node_count; i++)
        node_await_done(&w->nodes[i]);
    stop_nodes(w);
    ways_model_end(w->ways);
}

static const struct {
    const char *name;
    void (*world)(void *world);
} loads[] = {{"sqs", sqs_world}, {"ways", ways_world}};

static int
run_seed(const struct settings *s, uint64_t seed, int trace_fd)
{
    struct sim_totals totals, *out = &totals;
    struct world w = {.seed = seed, .seal_path = seal_path, .steps_max = s->steps};
    seed_now = seed;
    sim_begin(&(struct sim_options){.seed = seed, .trace_fd = trace_fd});
    sim_store_open();
    // Without a name they take turns.
    size_t load = s->load < COUNT_OF(loads) ? s->load : seed % COUNT_OF(loads);
    sim_run(loads[load].world, &w);
    uint64_t commits = sim_store_commits();
    sim_store_close();
    sim_end(out);
    if (!s->is_quiet)
        printf(
            "seed %llu: %s, %u process%s, %u kills, %u restarts, %u pauses, %llu commits, %.1f s "
            "simulated, %llu steps, trace of %llu lines %016llx\n",
            (unsigned long long)seed, loads[load].name, w.node_count, w.node_count == 1 ? "" : "es",
            w.kills, w.restarts, w.pauses, (unsigned long long)commits,
            (double)out->elapsed_ns / 1e9, (unsigned long long)out->steps,
            (unsigned long long)out->trace_lines, (unsigned long long)out->trace_hash);
    fflush(stdout);
    return 0;
}

// In a child, so that what OpenSSL keeps of killed clouds goes with each seed.
static int
run_apart(const struct settings *s, uint64_t seed, int trace_fd)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit(run_seed(s, seed, trace_fd));
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status))
        fprintf(stderr, "seed %llu: broken: ended by signal %d\n", (unsigned long long)seed,
                WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BROKEN;
}

// The one real file of a simulation: clouds read their root key from it. It is the same each time.
static void
make_seal(void)
{
    static const char key[ROOT_KEY_BYTES] = "the root key of all simulations";
    (void)snprintf(seal_path, sizeof(seal_path), "/tmp/c10m-sim-%d.key", getpid());
    int fd = open(seal_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, key, sizeof(key)) == sizeof(key));
    (void)close(fd);
}

static int
usage(void)
{
    fprintf(stderr,
            "usage: sim --seed N [--seeds COUNT] [--steps N] [--load sqs|ways] [--trace FILE]\n"
            "           [--quiet]\n");
    return EXIT_BAD_USAGE;
}

static bool
parse_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *text != 0 && *end == 0;
}

static bool
parse_load(const char *name, size_t *out)
{
    for (*out = 0; *out < COUNT_OF(loads); ++*out)
        if (strcmp(loads[*out].name, name) == 0)
            return true;
    return false;
}

// Only the program that has them knows their names.
static bool
parse_plant(const char *name)
{
#ifdef C10M_PLANTS
    static const char *const names[] = {
        "none",         "lost-wakeup", "expired-lease", "forgotten-timer",
        "early-outbox", "stale-claim", "left-flight"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        plant_now = (enum plant)i;
        return true;
    }
#endif
    return false;
}

static bool
parse(int argc, char **argv, struct settings *s)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},  {"seeds", required_argument, NULL, 'n'},
        {"steps", required_argument, NULL, 'l'}, {"trace", required_argument, NULL, 't'},
        {"quiet", no_argument, NULL, 'q'},       {"load", required_argument, NULL, 'w'},
        {"plant", required_argument, NULL, 'p'}, {0},
    };
    bool is_good = true;
    for (int c; is_good && (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 's')
            is_good = parse_number(optarg, &s->seed);
        else if (c == 'n')
            is_good = parse_number(optarg, &s->seeds);
        else if (c == 'l')
            is_good = parse_number(optarg, &s->steps);
        else if (c == 'w')
            is_good = parse_load(optarg, &s->load);
        else if (c == 'p')
            is_good = parse_plant(optarg);
        else if (c == 't')
            s->trace_path = optarg;
        else if (c == 'q')
            s->is_quiet = true;
        else
            is_good = false;
    }
    return is_good && optind == argc;
}

int
main(int argc, char **argv)
{
    struct settings s = {.seed = 1, .seeds = 1, .steps = STEPS_DEFAULT, .load = COUNT_OF(loads)};
    if (!parse(argc, argv, &s))
        return usage();
    int trace_fd = -1;
    crypto_move_outside();
    if (s.trace_path) {
        trace_fd = open(s.trace_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (trace_fd < 0) {
            fprintf(stderr, "sim: cannot write %s\n", s.trace_path);
            return EXIT_BAD_USAGE;
        }
    }
    make_seal();
    int status = 0;
    for (uint64_t i = 0; i < s.seeds && status == 0; i++)
        status =
            s.seeds == 1 ? run_seed(&s, s.seed, trace_fd) : run_apart(&s, s.seed + i, trace_fd);
    (void)unlink(seal_path);
    return status;
}
