// What a sandbox may use and do: control groups, limits, capabilities, system calls.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

enum { CAPABILITIES = 41, REMOVE_TRIES = 200, REMOVE_PAUSE_NS = 5 * 1000 * 1000 };

bool
cgroups_make(const struct spec *s, const char **what)
{
    for (size_t i = 0; i < s->cgroup_count; i++) {
        *what = s->cgroups[i];
        if (mkdir(s->cgroups[i], 0755) != 0 && errno != EEXIST)
            return false;
    }
    for (size_t i = 0; i < s->write_count; i++) {
        *what = s->writes[i].path;
        if (!file_write(s->writes[i].path, s->writes[i].value))
            return false;
    }
    return true;
}

bool
cgroups_open(const struct spec *s, int fds[CGROUPS_MAX], const char **what)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < s->cgroup_count; i++) {
        *what = s->cgroups[i];
        snprintf(path, sizeof(path), "%s/tasks", s->cgroups[i]);
        fds[i] = open(path, O_WRONLY | O_CLOEXEC);
        snprintf(path, sizeof(path), "%s/cgroup.procs", s->cgroups[i]);
        if (fds[i] < 0) // version 2
            fds[i] = open(path, O_WRONLY | O_CLOEXEC);
        if (fds[i] < 0)
            return false;
    }
    return true;
}

// A thread that moves itself by "0" in `tasks` (version 1) does so at once; any other way the
// kernel waits until no process of the machine forks, for milliseconds. The right to do so is that
// of who has opened the file.
bool
cgroups_join(const struct spec *s, int fds[CGROUPS_MAX], const char **what)
{
    for (size_t i = 0; i < s->cgroup_count; i++) {
        *what = s->cgroups[i];
        if (write(fds[i], "0", 1) != 1)
            return false;
        close(fds[i]);
        fds[i] = -1;
    }
    return true;
}

bool
cgroups_limit_disk(const struct spec *s, int disk_fd, const char **what)
{
    struct stat status;
    char text[128];
    *what = "the limits of the disk";
    if (fstat(disk_fd, &status) != 0)
        return false;
    for (size_t i = 0; i < s->write_count; i++) {
        const struct cgroup_write *w = &s->writes[i];
        const char *limit = strchr(w->value, ' '); // "MAJOR:MINOR ..."
        if (limit == NULL ||
            (strstr(w->path, "/blkio.throttle.") == NULL && strstr(w->path, "/io.max") == NULL))
            continue;
        snprintf(text, sizeof(text), "%u:%u%s", major(status.st_dev), minor(status.st_dev), limit);
        if (!file_write(w->path, text))
            return false;
    }
    return true;
}

static void
cgroup_kill(const char *cgroup)
{
    char path[PATH_MAX], line[16];
    uint64_t pid;
    snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (text_to_u64(line, &pid) && pid > 1)
            kill((pid_t)pid, SIGKILL);
    }
    if (f != NULL)
        fclose(f);
}

void
cgroups_remove(const struct spec *s)
{
    struct timespec pause = {.tv_nsec = REMOVE_PAUSE_NS};
    for (size_t i = 0; i < s->cgroup_count; i++)
        // The kernel takes a moment to let go of what has ended.
        for (int n = 0; rmdir(s->cgroups[i]) != 0 && errno == EBUSY && n < REMOVE_TRIES; n++) {
            cgroup_kill(s->cgroups[i]);
            nanosleep(&pause, NULL);
        }
}

// Programs also count the processors that they may run on. Which ones is left to chance, so that
// guests spread over the machine.
static void
cpus_choose(uint64_t count)
{
    struct timespec now;
    cpu_set_t all, some;
    CPU_ZERO(&some);
    if (count == 0 || sched_getaffinity(0, sizeof(all), &all) != 0 ||
        (uint64_t)CPU_COUNT(&all) <= count)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int skip = (int)(now.tv_nsec / 1000 % CPU_COUNT(&all));
    for (unsigned cpu = 0; count > 0; cpu = (cpu + 1) % CPU_SETSIZE)
        if (CPU_ISSET(cpu, &all) && skip-- <= 0) {
            CPU_SET(cpu, &some);
            count--;
        }
    (void)sched_setaffinity(0, sizeof(some), &some);
}

bool
limits_set(const struct spec *s, const char **what)
{
    cpus_choose(s->cpus);
    *what = "setrlimit";
    for (size_t i = 0; i < s->rlimit_count; i++) {
        struct rlimit limit = {s->rlimits[i].value, s->rlimits[i].value};
        if (setrlimit(s->rlimits[i].resource, &limit) != 0)
            return false;
    }
    return true;
}

static bool
caps_keep(uint64_t keep)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    for (unsigned long cap = 0; cap < CAPABILITIES; cap++)
        if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EINVAL)
            return false;
    for (int i = 0; i < 2; i++) {
        uint32_t word = (uint32_t)(keep >> (32 * i));
        data[i] = (struct __user_cap_data_struct){word, word, 0};
    }
    return syscall(SYS_capset, &header, data) == 0;
}

static bool
seccomp_set(const struct spec *s)
{
    struct sock_fprog program = {
        (unsigned short)(s->filter_bytes / sizeof(struct sock_filter)),
        s->filter,
    };
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &program) == 0;
}

static bool
ids_set(const struct spec *s)
{
    gid_t gid = (gid_t)s->gid;
    uid_t uid = (uid_t)s->uid;
    // A map of a single id, made without privileges, allows no setgroups.
    if (s->ids.count > 1 && setgroups(0, NULL) != 0)
        return false;
    return setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

bool
privileges_drop_init(const struct spec *s)
{
    return (s->filter == NULL || seccomp_set(s)) && caps_keep(UINT64_C(1) << CAP_KILL);
}

bool
privileges_drop(const struct spec *s, const char **what)
{
    *what = "seccomp";
    // Before the capabilities go, since without no_new_privs a filter needs one of them.
    if (s->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0)
        return false;
    if (s->filter != NULL && !seccomp_set(s))
        return false;
    *what = "setresuid";
    if (!ids_set(s))
        return false;
    *what = "capset";
    // Changing from root to another user took them already; a single id was never root.
    return (s->ids.count > 1 && s->uid != 0) || caps_keep(s->uid == 0 ? s->caps : 0);
}
