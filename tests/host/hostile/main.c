// A guest that tries what it must not: runs every attempt and says how each went.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/hostile/hostile.h"

// Only tests run it, and only in sandboxes of theirs:
//   hostile table          the attempts, as a table of the documentation
//   hostile run            all of them; then a line "END ..."
//   hostile run-network    those that need a network, and no others
//   hostile NAME           one
static const struct attempts *const chapters[] = {&exhaust, &see, &escape, &kernel, &network};
enum { CHAPTERS = sizeof(chapters) / sizeof(chapters[0]) };

const char *
told(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

long
told_number(const char *name)
{
    return strtol(told(name), NULL, 10);
}

void
say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    fflush(stdout);
}

enum outcome
failed(long result)
{
    if (result >= 0)
        return SUCCEEDED;
    say("%s ", strerror(errno));
    return STOPPED;
}

bool
holds_word(const char *path)
{
    static char bytes[65536];
    const char *word = told("HOSTILE_WORD");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    if (fd >= 0)
        close(fd);
    return got > 0 && *word != '\0' && memmem(bytes, (size_t)got, word, strlen(word)) != NULL;
}

enum outcome
reads_word(const char *path)
{
    errno = 0;
    return holds_word(path) ? SUCCEEDED : failed(-1);
}

static bool
is_asked(const struct attempt *a)
{
    bool is_root = geteuid() == 0, has_network = *told("HOSTILE_NETWORK") != '\0';
    return (is_root || !a->needs_root) && (has_network || !a->needs_network);
}

// What is neither is taken for a success: whatever it was did not stop it.
static enum outcome
attempt_run(const struct attempt *a)
{
    int status = 0;
    say("  %s: ", a->name);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        alarm(ATTEMPT_SECONDS_MAX);
        _exit((int)a->run());
    }
    if (pid < 0) {
        say("fork: %s\n", strerror(errno));
        return SUCCEEDED;
    }
    waitpid(pid, &status, 0);
    kill(-pid, SIGKILL); // what it has left behind
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    enum outcome outcome = WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status) : STOPPED;
    if (WIFSIGNALED(status))
        say("killed by signal %d ", WTERMSIG(status));
    say("-> %s\n", outcome == STOPPED     ? "stopped"
                   : outcome == UNLIMITED ? "not limited here"
                                          : "SUCCEEDED");
    return outcome;
}

static int
run(const char *name, bool needs_network)
{
    int counts[UNLIMITED + 1] = {0};
    for (size_t i = 0; i < CHAPTERS; i++)
        for (size_t k = 0; k < chapters[i]->count; k++) {
            const struct attempt *a = &chapters[i]->all[k];
            if (name != NULL ? strcmp(name, a->name) != 0
                             : !is_asked(a) || (needs_network && !a->needs_network))
                continue;
            counts[attempt_run(a)]++;
        }
    say("END %d stopped, %d succeeded, %d not limited\n", counts[STOPPED], counts[SUCCEEDED],
        counts[UNLIMITED]);
    return counts[SUCCEEDED] > 0;
}

static int
table(void)
{
    for (size_t i = 0; i < CHAPTERS; i++) {
        printf("\n## %s\n\n| attempt | what stops it |\n|---|---|\n", chapters[i]->title);
        for (size_t k = 0; k < chapters[i]->count; k++)
            printf("| %s | %s |\n", chapters[i]->all[k].name, chapters[i]->all[k].stopped_by);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const char *verb = argc == 2 ? argv[1] : "";
    if (strcmp(verb, "table") == 0)
        return table();
    if (strcmp(verb, "has-admin") == 0) // see escape.c: what it was made to be
        return access("/proc/self/uid_map", F_OK);
    bool is_network = strcmp(verb, "run-network") == 0;
    return run(strcmp(verb, "run") == 0 || is_network ? NULL : verb, is_network);
}
