// c10m doctor: looks at what c10m needs of this machine, and says how to mend what it lacks.
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/cloud/commands.h"
#include "src/host/host.h"

enum {
    FILES_MIN = 1024,          // below it c10m is no use at all
    FILES_GOOD = 65536,        // each connection takes one
    CLIENT_MS_MAX = 10 * 1000, // an AWS CLI takes seconds to say its version
    YEAR_MIN = 2025,           // when this program was young
    VERSION_BYTES_MAX = 200,
};

enum verdict { GOOD, WARNING, BAD };

struct finding {
    enum verdict verdict;
    char what[256]; // what was found
    char mend[400]; // "": nothing
};

struct examination {
    const struct options *options;
    struct finding *out;
};

static void say(struct finding *f, enum verdict verdict, const char *mend, const char *format, ...)
    PRINTF(4, 5);

static void
say(struct finding *f, enum verdict verdict, const char *mend, const char *format, ...)
{
    va_list args;
    f->verdict = verdict;
    snprintf(f->mend, sizeof(f->mend), "%s", verdict == GOOD ? "" : mend);
    va_start(args, format);
    vsnprintf(f->what, sizeof(f->what), format, args);
    va_end(args);
}

static bool
resolves_to_loopback(const char *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return false;
    bool is_loopback = found != NULL;
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)a->ai_addr;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a->ai_addr;
        is_loopback =
            is_loopback && (a->ai_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == 127
                                                    : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) != 0);
    }
    freeaddrinfo(found);
    return is_loopback;
}

// Clients that address a bucket or a region by host name need names below localhost.
static void
examine_names(const struct examination *e)
{
    static const char *const names[] = {"localhost", "sqs.us-east-1.localhost",
                                        "bucket.s3.localhost"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!resolves_to_loopback(names[i])) {
            say(e->out, i == 0 ? BAD : WARNING,
                i == 0 ? "add the line `127.0.0.1 localhost` to /etc/hosts"
                       : "install libnss-myhostname, which resolves all names below localhost, or "
                         "give clients a path-style endpoint (http://127.0.0.1:4566)",
                "%s does not resolve to this machine", names[i]);
            return;
        }
    say(e->out, GOOD, "", "localhost and the names below it resolve to this machine");
}

// c10m itself may be what listens there; then all is well.
static bool
answers_as_c10m(int fd)
{
    static const char ask[] = "GET /_c10m/health HTTP/1.1\r\nHost: localhost\r\n"
                              "Connection: close\r\n\r\n";
    char answer[2048];
    size_t len = 0;
    ssize_t n = write(fd, ask, sizeof(ask) - 1);
    while (n > 0 && len < sizeof(answer) - 1) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 2000) != 1)
            break;
        n = read(fd, answer + len, sizeof(answer) - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    answer[len] = 0;
    return strstr(answer, "\"status\":\"ok\",\"version\"") != NULL;
}

static void
examine_port(const struct examination *e)
{
    const struct socket_address *a = &e->options->cloud.address;
    const struct sockaddr *address = (const struct sockaddr *)a->storage;
    int one = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        say(e->out, BAD, "let this program open sockets", "no socket: %s", strerror(errno));
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, address, a->storage_len) == 0)
        say(e->out, GOOD, "", "%s is free", a->text);
    else if (errno == EADDRINUSE && connect(fd, address, a->storage_len) == 0) {
        bool is_ours = answers_as_c10m(fd);
        say(e->out, is_ours ? GOOD : BAD,
            "stop the other program, or choose another port with --listen",
            is_ours ? "c10m answers on %s" : "another program listens on %s", a->text);
    } else
        say(e->out, BAD, "choose an address of this machine and a port above 1023 with --listen",
            "cannot listen on %s: %s", a->text, strerror(errno));
    close(fd);
}

static void
examine_clock(const struct examination *e)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    say(e->out, utc.tm_year + 1900 < YEAR_MIN ? BAD : GOOD,
        "set the clock, and let systemd-timesyncd or chrony keep it: AWS's clients sign with the "
        "time, and 5 minutes of difference are too many",
        "the clock says %04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1,
        utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

static void
examine_files(const struct examination *e)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = limit.rlim_max = 0;
    unsigned long long files = limit.rlim_max;
    say(e->out,
        files < FILES_MIN    ? BAD
        : files < FILES_GOOD ? WARNING
                             : GOOD,
        "raise the limit: `ulimit -n 1048576` in this shell, LimitNOFILE=1048576 in a systemd "
        "unit, or a line `* - nofile 1048576` in /etc/security/limits.conf",
        "this process may open %llu files; each connection takes one", files);
}

static bool
can_unshare(int flags)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(flags) == 0 ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

// Services that run something on this machine put it into namespaces.
static void
examine_namespaces(const struct examination *e)
{
    bool can = can_unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                           CLONE_NEWUTS | CLONE_NEWIPC);
    const struct host_restriction *r = host_restriction_find(geteuid() == 0);
    char mend[sizeof(e->out->mend)];
    if (r != NULL)
        snprintf(mend, sizeof(mend),
                 "as root: `%s`. Only services that run programs of yours need it.", r->remedy);
    else
        snprintf(mend, sizeof(mend),
                 "this kernel has none, or a container keeps them from you: run it with these "
                 "rights. Only services that run programs of yours need them.");
    if (can)
        say(e->out, GOOD, "", "namespaces can be made");
    else
        say(e->out, WARNING, mend, "namespaces cannot be made here%s%s", r != NULL ? ": see " : "",
            r != NULL ? r->path : "");
}

// What of a guest's limits will hold: asked by making a control group and removing it again.
static void
examine_limits(const struct examination *e)
{
    static const struct limits all = {
        .memory_bytes = 1, .cpu_millis = 1, .pids = 1, .io_bytes_per_second = 1};
    struct arena arena;
    struct cgroups groups;
    char tag[32];
    arena_init(&arena);
    snprintf(tag, sizeof(tag), "doctor-%d", (int)getpid());
    cgroups_find(&groups, tag);
    struct str missing = cgroups_unenforced(&groups, &all, &arena);
    if (missing.len == 0)
        say(e->out, GOOD, "", "all limits of guests can be enforced");
    else
        say(e->out, WARNING,
            "run it as root, or delegate a control group to this user (systemd: Delegate=yes). "
            "Only services that run programs of yours need it.",
            "no control group enforces these limits of guests: " STR_FMT, STR_ARG(missing));
    cgroups_fini(&groups);
    arena_fini(&arena);
}

// The program that keeps a network loads them.
static void
examine_networks(const struct examination *e)
{
    static const char *const libraries[] = {"libmnl.so.0", "libnftables.so.1"};
    for (size_t i = 0; i < COUNT_OF(libraries); i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_LOCAL);
        if (library == NULL) {
            say(e->out, WARNING,
                "install libmnl0 and libnftables1. Only services that make networks need them.",
                "there is no %s", libraries[i]);
            return;
        }
        dlclose(library);
    }
    say(e->out, GOOD, "", "networks' libraries are there");
}

static void
examine_data(const struct examination *e)
{
    const char *data = e->options->data;
    struct stat s;
    if (stat(data, &s) != 0)
        say(e->out, GOOD, "", "%s will be made", data);
    else if (!S_ISDIR(s.st_mode) || access(data, R_OK | W_OK | X_OK) != 0)
        say(e->out, BAD, "choose a directory that you own with --data", "%s is not usable", data);
    else
        say(e->out, GOOD, "", "%s can be written to", data);
}

// What a program prints, its first line, within CLIENT_MS_MAX. False: it is not on PATH.
static bool
first_line(const char *program, const char *option, char *out, size_t size)
{
    int ends[2], status;
    size_t len = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execlp(program, program, option, NULL);
        _exit(127);
    }
    close(ends[1]);
    struct pollfd p = {.fd = ends[0], .events = POLLIN};
    while (child > 0 && len < size - 1 && poll(&p, 1, CLIENT_MS_MAX) == 1) {
        ssize_t n = read(ends[0], out + len, size - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    close(ends[0]);
    out[len] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0 && len > 0;
}

static void
examine_aws(const struct examination *e)
{
    char version[VERSION_BYTES_MAX];
    if (!first_line("aws", "--version", version, sizeof(version)))
        say(e->out, WARNING,
            "eval \"$(./dev env)\" puts the project's own on PATH; or pip install awscli",
            "there is no AWS CLI on PATH");
    else if (strncmp(version, "aws-cli/1.", strlen("aws-cli/1.")) == 0)
        say(e->out, WARNING,
            "use the aws of `./dev env`, or pass --endpoint-url: version 1 ignores "
            "AWS_ENDPOINT_URL for SQS in the older regions and would call AWS itself",
            "aws is version 1: %s", version);
    else
        say(e->out, GOOD, "", "aws: %s", version);
}

static void
examine_endpoint(const struct examination *e)
{
    const char *url = getenv("AWS_ENDPOINT_URL");
    say(e->out, url != NULL ? GOOD : WARNING,
        "eval \"$(./dev env)\", or set AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        url != NULL ? "AWS_ENDPOINT_URL is %.200s" : "AWS_ENDPOINT_URL is not set%.0s",
        url != NULL ? url : "");
}

static void
examine_other_client(const struct examination *e, const char *program, const char *option,
                     const char *sdk)
{
    char version[VERSION_BYTES_MAX];
    bool is_there = first_line(program, option, version, sizeof(version));
    say(e->out, GOOD, "", is_there ? "%s: %s" : "%s is not on PATH; only its SDK needs it (%s)",
        program, is_there ? version : sdk);
}

static void
examine_node(const struct examination *e)
{
    examine_other_client(e, "node", "--version", "JavaScript");
}

static void
examine_go(const struct examination *e)
{
    examine_other_client(e, "go", "version", "Go");
}

static void
examine_java(const struct examination *e)
{
    examine_other_client(e, "java", "-version", "Java");
}

static const struct {
    const char *name;
    void (*examine)(const struct examination *e);
} examinations[] = {
    {"names", examine_names},   {"port", examine_port},         {"data", examine_data},
    {"clock", examine_clock},   {"files", examine_files},       {"namespaces", examine_namespaces},
    {"limits", examine_limits}, {"networks", examine_networks}, {"endpoint", examine_endpoint},
    {"aws", examine_aws},       {"node", examine_node},         {"go", examine_go},
    {"java", examine_java},
};

int
doctor(const struct options *options, char **argv)
{
    static const char *const words[] = {[GOOD] = "ok", [WARNING] = "warning", [BAD] = "bad"};
    int counts[3] = {0};
    for (size_t i = 0; i < COUNT_OF(examinations); i++) {
        struct finding f = {0};
        examinations[i].examine(&(struct examination){options, &f});
        counts[f.verdict]++;
        printf("%-8s %-11s %s\n", words[f.verdict], examinations[i].name, f.what);
        if (*f.mend != 0)
            printf("%-8s %-11s -> %s\n", "", "", f.mend);
        fflush(stdout);
    }
    printf("%d ok, %d warnings, %d bad\n", counts[GOOD], counts[WARNING], counts[BAD]);
    return counts[BAD] > 0 ? EXIT_BAD_START : 0;
}
