// How long a program takes from its start to its first answered request.
// SPDX-License-Identifier: Apache-2.0

// start PORT COUNT PROGRAM [ARG...] prints the microseconds of each start, and kills the program
// after it. A `%` in an argument becomes the number of the start, which gives each a directory of
// its own.
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ARGUMENTS_MAX = 32,
    PATH_BYTES_MAX = 4096,
    START_SECONDS_MAX = 10,
    ASK_EVERY_NS = 100 * 1000, // asking without a rest would take a core from what is measured
};

static const char REQUEST[] = "GET /_c10m/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

static int64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
print_numbered(const char *argument, int number, char *out)
{
    const char *mark = strchr(argument, '%');
    if (mark == NULL)
        snprintf(out, PATH_BYTES_MAX, "%s", argument);
    else
        snprintf(out, PATH_BYTES_MAX, "%.*s%d%s", (int)(mark - argument), argument, number,
                 mark + 1);
}

static pid_t
start(char **arguments, int number)
{
    static char texts[ARGUMENTS_MAX][PATH_BYTES_MAX];
    char *words[ARGUMENTS_MAX + 1] = {0};
    pid_t pid;
    for (int i = 0; arguments[i] != NULL && i < ARGUMENTS_MAX; i++) {
        print_numbered(arguments[i], number, texts[i]);
        words[i] = texts[i];
    }
    if (words[0] == NULL || posix_spawn(&pid, words[0], NULL, NULL, words, environ) != 0) {
        perror("start");
        exit(1);
    }
    return pid;
}

// True when a 200 came back.
static int
ask(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char answer[1024] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int is_good = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                  write(fd, REQUEST, sizeof(REQUEST) - 1) > 0 &&
                  read(fd, answer, sizeof(answer) - 1) > 0 && strstr(answer, " 200 ") != NULL;
    if (fd >= 0)
        close(fd);
    return is_good;
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: start PORT COUNT PROGRAM [ARG...]\n");
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    int count = (int)strtol(argv[2], NULL, 10);
    for (int i = 0; i < count; i++) {
        int64_t began = now_us();
        pid_t pid = start(argv + 3, i);
        while (!ask(port)) {
            nanosleep(&(struct timespec){.tv_nsec = ASK_EVERY_NS}, NULL);
            if (now_us() - began > START_SECONDS_MAX * 1000000LL) {
                fprintf(stderr, "start: no answer within %d s\n", START_SECONDS_MAX);
                kill(pid, SIGKILL);
                return 1;
            }
        }
        printf("%lld\n", (long long)(now_us() - began));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return 0;
}
