// Runs a command again and again that ends in the program `first`, in some sandbox or none:
//     runs COUNT COMMAND...       prints "exec NANOSECONDS" each time, until its first instruction
// SPDX-License-Identifier: Apache-2.0
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long
real_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

// What the command has printed as a number; -1: it failed.
static long long
run(char **words)
{
    posix_spawn_file_actions_t actions;
    char text[64];
    ssize_t got, len = 0;
    int out[2], status;
    pid_t pid;
    if (pipe(out) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    posix_spawn_file_actions_addclose(&actions, out[1]);
    int error = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    while (error == 0 && (got = read(out[0], text + len, sizeof(text) - 1 - (size_t)len)) > 0)
        len += got;
    close(out[0]);
    if (error != 0 || waitpid(pid, &status, 0) != pid || status != 0 || len == 0)
        return -1;
    text[len] = '\0';
    return strtoll(text, NULL, 10);
}

int
main(int argc, char **argv)
{
    long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    if (count < 1) {
        fprintf(stderr, "usage: runs COUNT COMMAND...\n");
        return 2;
    }
    for (long i = 0; i < count; i++) {
        long long begun_ns = real_ns(), first_ns = run(argv + 2);
        if (first_ns < begun_ns)
            return 1;
        printf("exec %lld\n", first_ns - begun_ns);
    }
    return 0;
}
