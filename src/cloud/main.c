// c10m: picks the subcommand.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "src/cloud/commands.h"
#include "src/cloud/upkeep.h"
#include "src/cloud/version.h"

static const struct {
    const char *name;
    int (*run)(const struct options *options, char **argv);
    const char *what;
} commands[] = {
    {"serve", serve, "Runs the cloud in the foreground until SIGTERM or SIGINT."},
    {"supervise", supervise,
     "Runs `c10m serve` with the same options, and starts it again when it dies: after 0.1 s,\n"
     "then twice as long each time up to 10 s, from the beginning after a minute without trouble.\n"
     "Gives up when the first one cannot start. SIGTERM and SIGINT end both."},
    {"doctor", doctor,
     "Looks at what c10m needs of this machine: names, port, data directory, clock, limits,\n"
     "namespaces, and AWS's clients; says how to mend what is missing. Of the options --listen "
     "and\n"
     "--data count. The exit status is 1 when something is bad."},
    {"ca", ca,
     "Makes the development CA of a data directory if there is none yet, and prints the path of\n"
     "its certificate: what clients must trust. Of the options only --data counts."},
};

// With options of their own.
static const char *const upkeep_names[] = {"backup", "restore", "fsck"};

static int
usage_error(const char *problem)
{
    fprintf(stderr, "c10m: %s\n", problem);
    return EXIT_USAGE;
}

static int
run_command(size_t index, int argc, char **argv)
{
    struct options options;
    char problem[1024];
    if (options_parse(argc, argv, &options, problem, sizeof(problem)) != OK)
        return usage_error(problem);
    if (!options.wants_help)
        return commands[index].run(&options, argv + 1);
    options_print_serve_help(commands[index].name, commands[index].what);
    return 0;
}

static int
print_help(void)
{
    options_print_help();
    return 0;
}

static int
print_version(void)
{
    puts("c10m " C10M_VERSION);
    return 0;
}

int
main(int argc, char **argv)
{
    char problem[1024];
    if (argc < 2)
        return usage_error(
            "a command is wanted: serve, supervise, backup, restore, fsck, doctor or ca; see "
            "c10m --help");
    for (size_t i = 0; i < COUNT_OF(upkeep_names); i++)
        if (strcmp(argv[1], upkeep_names[i]) == 0)
            return upkeep(argc - 1, argv + 1);
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(i, argc - 1, argv + 1);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    snprintf(problem, sizeof(problem), "'%s' is not a command; see c10m --help", argv[1]);
    return usage_error(problem);
}
