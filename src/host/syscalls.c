// The system calls that guests may not make.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/syscalls.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// What reaches for the whole machine, or is a large and rarely used part of the kernel that
// namespaces do not divide. EPERM, as without the right to it.
static const int forbidden[] = {
    SCMP_SYS(acct),
    SCMP_SYS(add_key),
    SCMP_SYS(bpf),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_settime),
    SCMP_SYS(delete_module),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(finit_module),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fspick),
    SCMP_SYS(init_module),
    SCMP_SYS(ioperm),
    SCMP_SYS(iopl),
    SCMP_SYS(kcmp),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(kexec_load),
    SCMP_SYS(keyctl),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(move_mount),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(open_tree),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(pivot_root),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(reboot),
    SCMP_SYS(request_key),
    SCMP_SYS(setns),
    SCMP_SYS(settimeofday),
    SCMP_SYS(stime),
    SCMP_SYS(swapoff),
    SCMP_SYS(swapon),
    SCMP_SYS(syslog),
    SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(vhangup),
};

// io_uring has been a way around filters and a source of holes; programs do without it when told
// that it is not there. So do they without clone3, whose flags a filter cannot see.
static const int missing[] = {
    SCMP_SYS(clone3),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

static const unsigned long namespaces[] = {
    CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
    CLONE_NEWUTS,  CLONE_NEWIPC, CLONE_NEWCGROUP,
};

// Families of sockets that network namespaces divide, or that are refused there. Others reach
// beyond (AF_VSOCK: the machine that this one runs on) or are more of the kernel than guests need.
static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

static bool
is_allowed(int family)
{
    for (size_t i = 0; i < COUNT_OF(families); i++)
        if (families[i] == family)
            return true;
    return false;
}

static int
add_families(scmp_filter_ctx filter)
{
    const uint32_t action = SCMP_ACT_ERRNO(EAFNOSUPPORT);
    int result =
        seccomp_rule_add(filter, action, SCMP_SYS(socket), 1, SCMP_A0_32(SCMP_CMP_GT, AF_PACKET));
    for (int family = 0; family < AF_PACKET && result == 0; family++)
        if (!is_allowed(family))
            result = seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
                                      SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)family));
    return result;
}

static int
add_rules(scmp_filter_ctx filter)
{
    int result = add_families(filter);
    for (size_t i = 0; i < COUNT_OF(forbidden) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
    for (size_t i = 0; i < COUNT_OF(missing) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), missing[i], 0);
    // New namespaces would bring back every right that was taken away, over parts of the kernel.
    for (size_t i = 0; i < COUNT_OF(namespaces) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    return result;
}

int
seccomp_filter_new(int *out)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int fd = memfd_create("c10m-filter", MFD_CLOEXEC);
    bool is_made =
        filter != NULL && fd >= 0 && add_rules(filter) == 0 && seccomp_export_bpf(filter, fd) == 0;
    seccomp_release(filter);
    if (is_made) {
        *out = fd;
        return OK;
    }
    if (fd >= 0)
        close(fd);
    return E_IO;
}
