// Runs seeds: whole clouds with clients, faults and restarts under virtual time.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/failure.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

enum { STEPS_DEFAULT = 60000, EXIT_BAD_USAGE = 2 };

struct settings {
    uint64_t seed, seeds, steps;
    const char *trace_path;
    bool is_quiet;
};

// Of the run under way, for the line that a failure prints.
static uint64_t seed_now;

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
    _exit(EXIT_BROKEN);
}

static void
world_main(void *arg)
{
    struct world *w = arg;
    w->node_count = 1 + (unsigned)sim_random(CLOUDS_MAX);
    for (unsigned i = 0; i < w->node_count; i++) {
        w->nodes[i] = (struct node){.port = (uint16_t)(CLOUD_PORT_FIRST + i),
                                    .loops = 1 + (int)sim_random(3),
                                    .runs_twice = sim_chance(2)};
        node_start(&w->nodes[i]);
        node_await_ready(&w->nodes[i]);
    }
    struct sqs_load *load = sqs_load_start(w);
    faults_choose(w);
    uint64_t steps_then = sim_steps() + w->steps_max;
    while (sim_steps() < steps_then)
        faults_round(w);
    w->is_over = true;
    faults_end(w);
    sqs_load_end(load);
    for (unsigned i = 0; i < w->node_count; i++)
        node_stop(&w->nodes[i]);
}

static void
run_seed(const struct settings *s, uint64_t seed, int trace_fd, struct sim_totals *out)
{
    struct world w = {.seed = seed, .steps_max = s->steps};
    seed_now = seed;
    sim_begin(&(struct sim_options){.seed = seed, .trace_fd = trace_fd});
    sim_store_open();
    sim_run(world_main, &w);
    uint64_t commits = sim_store_commits();
    sim_store_close();
    sim_end(out);
    if (!s->is_quiet)
        printf("seed %llu: %u cloud%s, %u kills, %u restarts, %u pauses, %llu commits, %.1f s "
               "simulated, %llu steps, trace of %llu lines %016llx\n",
               (unsigned long long)seed, w.node_count, w.node_count == 1 ? "" : "s", w.kills,
               w.restarts, w.pauses, (unsigned long long)commits, (double)out->elapsed_ns / 1e9,
               (unsigned long long)out->steps, (unsigned long long)out->trace_lines,
               (unsigned long long)out->trace_hash);
    fflush(stdout);
}

static int
usage(void)
{
    fprintf(stderr, "usage: sim --seed N [--seeds COUNT] [--steps N] [--trace FILE] [--quiet]\n");
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
parse(int argc, char **argv, struct settings *s)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},  {"seeds", required_argument, NULL, 'n'},
        {"steps", required_argument, NULL, 'l'}, {"trace", required_argument, NULL, 't'},
        {"quiet", no_argument, NULL, 'q'},       {0},
    };
    bool is_good = true;
    for (int c; is_good && (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == 's')
            is_good = parse_number(optarg, &s->seed);
        else if (c == 'n')
            is_good = parse_number(optarg, &s->seeds);
        else if (c == 'l')
            is_good = parse_number(optarg, &s->steps);
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
    struct settings s = {.seed = 1, .seeds = 1, .steps = STEPS_DEFAULT};
    if (!parse(argc, argv, &s))
        return usage();
    int trace_fd = -1;
    if (s.trace_path) {
        trace_fd = open(s.trace_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (trace_fd < 0) {
            fprintf(stderr, "sim: cannot write %s\n", s.trace_path);
            return EXIT_BAD_USAGE;
        }
    }
    for (uint64_t i = 0; i < s.seeds; i++) {
        struct sim_totals totals;
        run_seed(&s, s.seed + i, trace_fd, &totals);
    }
    return 0;
}
