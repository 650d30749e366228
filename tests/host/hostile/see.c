// Attempts to see, signal and read what is the host's.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/host/hostile/hostile.h"

static enum outcome
signal_host(void)
{
    return failed(kill((pid_t)told_number("HOSTILE_HOST_PID"), SIGUSR1));
}

static enum outcome
pidfd_host(void)
{
    return failed(syscall(SYS_pidfd_open, told_number("HOSTILE_HOST_PID"), 0));
}

// Names of what runs: ours are the shim's and those of the command.
static enum outcome
list_host(void)
{
    char path[300], name[64] = "";
    int count = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
        int fd = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        ssize_t got = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
        if (fd >= 0)
            close(fd);
        name[got > 0 ? got : 0] = '\0';
        count += got > 0;
        if (got > 0 && strncmp(name, "c10m-shim", 9) != 0 && strncmp(name, "hostile", 7) != 0 &&
            strncmp(name, "sh", 2) != 0 && strncmp(name, "sleep", 5) != 0)
            return SUCCEEDED;
    }
    say("%d processes, all the guest's own ", count);
    return count > 0 ? STOPPED : SUCCEEDED;
}

static enum outcome
read_secret(void)
{
    return reads_word(told("HOSTILE_SECRET"));
}

// From wherever a process of the guest has its root, folder or files.
static enum outcome
read_by_proc(void)
{
    static const char *const ways[] = {"root", "cwd", "exe", "fd/0", "fd/3", "task/1/root"};
    char path[PATH_MAX];
    for (int pid = 1; pid < 4; pid++)
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
            snprintf(path, sizeof(path), "/proc/%d/%s%s", pid, ways[i], told("HOSTILE_SECRET"));
            if (holds_word(path))
                return SUCCEEDED;
            snprintf(path, sizeof(path), "/proc/%d/%s/../../../../../../..%s", pid, ways[i],
                     told("HOSTILE_SECRET"));
            if (holds_word(path))
                return SUCCEEDED;
        }
    return STOPPED;
}

static enum outcome
follow_link(void)
{
    if (symlink(told("HOSTILE_SECRET"), "/tmp/link") != 0 && errno != EEXIST)
        return failed(-1);
    return reads_word("/tmp/link");
}

// Whether a descriptor of a process of ours is none that the guest should have.
static bool
is_foreign(const char *path)
{
    char target[PATH_MAX];
    struct stat status;
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len < 0)
        return false;
    target[len] = '\0';
    bool is_own = strncmp(target, "pipe:", 5) == 0 || strcmp(target, "/dev/null") == 0 ||
                  strncmp(target, "/proc/", 6) == 0;
    if (!is_own)
        say("%s is %s ", path, target);
    return !is_own && stat(path, &status) == 0;
}

static enum outcome
leaked_descriptors(void)
{
    char folder[64], path[400];
    for (int pid = 1; pid < 4; pid++) {
        snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
        DIR *d = opendir(folder);
        for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
            snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
            if (e->d_name[0] != '.' && is_foreign(path))
                return SUCCEEDED;
        }
        if (d != NULL)
            closedir(d);
    }
    return STOPPED;
}

static enum outcome
abstract_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = told("HOSTILE_ABSTRACT");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path + 1, name, strlen(name));
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    return failed(connect(fd, (struct sockaddr *)&address, len));
}

static enum outcome
control_socket(void)
{
    static const char *const places[] = {"control", "/control", "/proc/1/cwd/control",
                                         "/run/control"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", places[i]);
        if (failed(connect(fd, (struct sockaddr *)&address, sizeof(address))) == SUCCEEDED)
            return SUCCEEDED;
        close(fd);
    }
    return STOPPED;
}

// A descriptor through the console, as through a socket that the host reads.
static enum outcome
pass_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec data = {&fd, 1};
    struct msghdr m = {.msg_iov = &data,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_len = CMSG_LEN(sizeof(int));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return failed(sendmsg(STDERR_FILENO, &m, MSG_NOSIGNAL));
}

static enum outcome
shared_memory(void)
{
    return failed(shmget((key_t)told_number("HOSTILE_SHM_KEY"), 1, 0));
}

static enum outcome
kernel_log(void)
{
    return failed(syscall(SYS_syslog, 3, "", 0));
}

static enum outcome
hidden_files(void)
{
    static const char *const files[] = {"/proc/kcore",      "/proc/keys",        "/proc/kmsg",
                                        "/proc/timer_list", "/proc/sched_debug", "/dev/kmsg",
                                        "/dev/mem",         "/dev/vda",          "/dev/sda"};
    char byte;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        int fd = open(files[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && read(fd, &byte, 1) > 0) {
            say("%s ", files[i]);
            return SUCCEEDED;
        }
    }
    return STOPPED;
}

static enum outcome
kernel_addresses(void)
{
    char line[256] = "";
    FILE *f = fopen("/proc/kallsyms", "re");
    bool is_read = f != NULL && fgets(line, sizeof(line), f) != NULL;
    if (is_read && strncmp(line, "0000000000000000", 16) != 0)
        return SUCCEEDED;
    say(is_read ? "all zero " : "unreadable ");
    return STOPPED;
}

static enum outcome
write_host_programs(void)
{
    // In the guest it may; the test looks at the host's own afterwards.
    int fd = open("/usr/bin/true", O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return failed(fd);
    say("its own copy ");
    return write(fd, "#!/bin/sh\n", 10) == 10 ? STOPPED : failed(-1);
}

static const struct attempt all[] = {
    {"signal a process of the host", "pid namespace", signal_host, false, false},
    {"open a process of the host by pidfd", "pid namespace", pidfd_host, false, false},
    {"list processes of the host", "pid namespace with a /proc of its own", list_host, false,
     false},
    {"read a file of the host by its path",
     "mount namespace, pivot_root; images hold none of the host's own files", read_secret, false,
     false},
    {"read it by /proc/PID/root, cwd, exe and fd",
     "what is there is the guest's own; process 1 has left the host's root before", read_by_proc,
     false, false},
    {"read it by a symbolic link", "mount namespace: links lead to the guest's own root",
     follow_link, false, false},
    {"find descriptors that were left open",
     "all are close-on-exec; process 1 closes what it inherited", leaked_descriptors, false, false},
    {"connect to an abstract socket of the host", "network namespace", abstract_socket, false,
     false},
    {"connect to the shim's control socket",
     "it lies in the sandbox's folder, which the guest does not see", control_socket, false, false},
    {"pass a descriptor to the host by the console", "the console is a pipe", pass_descriptor,
     false, false},
    {"attach shared memory of the host", "ipc namespace", shared_memory, false, false},
    {"read the kernel's log", "seccomp", kernel_log, false, false},
    {"read /proc/kcore, keys, kmsg, timer_list, /dev/mem, disks",
     "covered by /dev/null; a /dev with seven nodes", hidden_files, false, false},
    {"learn addresses of the kernel", "no CAP_SYSLOG in the first user namespace", kernel_addresses,
     false, false},
    {"write to programs of the host", "overlayfs: the guest's copy changes", write_host_programs,
     true, false},
};
const struct attempts see = ATTEMPTS("See, signal and read what is the host's", all);
