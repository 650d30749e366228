// Attempts at parts of the kernel that namespaces do not divide.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/futex.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/hostile/hostile.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// Numbers of calls with arguments that would do nothing.
static enum outcome
none_works(const long *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        errno = 0;
        long result = syscall(numbers[i], 0, 0, 0, 0, 0, 0);
        if (errno != EPERM && errno != ENOSYS) {
            say("call %ld gave %ld, %s ", numbers[i], result, strerror(errno));
            return SUCCEEDED;
        }
    }
    say("%zu calls ", count);
    return failed(-1);
}

static enum outcome
keys(void)
{
    static const long numbers[] = {SYS_add_key, SYS_request_key, SYS_keyctl};
    return none_works(numbers, COUNT_OF(numbers));
}

static enum outcome
programs(void)
{
    static const long numbers[] = {SYS_bpf, SYS_perf_event_open, SYS_userfaultfd};
    return none_works(numbers, COUNT_OF(numbers));
}

static enum outcome
rings(void)
{
    static const long numbers[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register};
    return none_works(numbers, COUNT_OF(numbers));
}

static enum outcome
modules(void)
{
    static const long numbers[] = {SYS_init_module, SYS_finit_module, SYS_delete_module,
                                   SYS_kexec_load, SYS_kexec_file_load};
    return none_works(numbers, COUNT_OF(numbers));
}

static enum outcome
machine(void)
{
    static const long numbers[] = {SYS_reboot, SYS_swapon,        SYS_swapoff,  SYS_acct,
                                   SYS_iopl,   SYS_ioperm,        SYS_quotactl, SYS_vhangup,
                                   SYS_syslog, SYS_fanotify_init, SYS_kcmp};
    return none_works(numbers, COUNT_OF(numbers));
}

static enum outcome
clocks(void)
{
    struct timespec now;
    struct timex change = {.modes = ADJ_TICK, .tick = 10001};
    clock_gettime(CLOCK_REALTIME, &now);
    if (clock_settime(CLOCK_REALTIME, &now) == 0 || adjtimex(&change) >= 0)
        return SUCCEEDED;
    return failed(-1);
}

static enum outcome
names(void)
{
    if (sethostname("other", 5) == 0 || setdomainname("other", 5) == 0)
        return SUCCEEDED;
    return failed(-1);
}

// Made only, never connected: one would reach the machine that this one runs on.
static enum outcome
families(void)
{
    static const int numbers[] = {AF_VSOCK, AF_ALG, AF_BLUETOOTH, AF_KEY,
                                  AF_TIPC,  AF_XDP, AF_RDS,       AF_CAN};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (socket(numbers[i], SOCK_DGRAM, 0) >= 0 || socket(numbers[i], SOCK_STREAM, 0) >= 0 ||
            socket(numbers[i], SOCK_SEQPACKET, 0) >= 0 || socket(numbers[i], SOCK_RAW, 0) >= 0) {
            say("family %d ", numbers[i]);
            return SUCCEEDED;
        }
    return failed(-1);
}

static enum outcome
priority(void)
{
    struct sched_param fifo = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &fifo) == 0 || setpriority(PRIO_PROCESS, 0, -5) == 0)
        return SUCCEEDED;
    // The class of I/O that goes before all others.
    return failed(syscall(SYS_ioprio_set, 1, 0, 1 << 13));
}

static enum outcome
higher_limits(void)
{
    struct rlimit now;
    static const int resources[] = {RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING};
    for (size_t i = 0; i < COUNT_OF(resources); i++) {
        if (getrlimit(resources[i], &now) != 0 || now.rlim_max == RLIM_INFINITY)
            continue;
        now.rlim_max++;
        if (setrlimit(resources[i], &now) == 0)
            return SUCCEEDED;
    }
    return failed(-1);
}

#ifdef __x86_64__
// The numbers of the 32-bit calls are others: a filter that does not know them lets them pass.
static enum outcome
calls_of_32_bits(void)
{
    enum { UNSHARE_32 = 310 };
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"((long)UNSHARE_32), "b"((long)CLONE_NEWUSER)
                     : "memory", "r8", "r9", "r10", "r11");
    errno = (int)-result;
    return failed(result >= 0 ? 0 : -1);
}

static enum outcome
calls_of_x32(void)
{
    enum { X32 = 0x40000000 };
    return failed(syscall(X32 + SYS_unshare, CLONE_NEWUSER));
}
#endif

static const struct attempt all[] = {
    {"keyrings (keyctl, add_key)", "seccomp", keys, false, false},
    {"bpf, perf_event_open, userfaultfd", "seccomp", programs, false, false},
    {"io_uring", "seccomp: ENOSYS", rings, false, false},
    {"load modules and kernels", "seccomp", modules, false, false},
    {"reboot, swap, accounting, ports, quota, fanotify", "seccomp", machine, false, false},
    {"set clocks", "seccomp", clocks, false, false},
    {"set the host name", "no CAP_SYS_ADMIN", names, false, false},
    {"sockets that no network namespace divides (AF_VSOCK, AF_ALG ...)",
     "seccomp: only AF_UNIX, AF_INET, AF_INET6, AF_NETLINK and AF_PACKET", families, false, false},
    {"real-time scheduling, priority over the host", "no CAP_SYS_NICE in the first user namespace",
     priority, false, false},
    {"raise its own limits", "no CAP_SYS_RESOURCE", higher_limits, false, false},
#ifdef __x86_64__
    {"call by the 32-bit numbers", "seccomp kills other architectures", calls_of_32_bits, false,
     false},
    {"call by the x32 numbers", "seccomp kills other architectures", calls_of_x32, false, false},
#endif
};
const struct attempts kernel = ATTEMPTS("Reach parts of the kernel that all share", all);
