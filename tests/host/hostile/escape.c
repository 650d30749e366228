// Attempts to leave the sandbox, or to get rights over more than it.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/host/hostile/hostile.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const unsigned long namespaces[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                           CLONE_NEWNET,   CLONE_NEWUTS, CLONE_NEWIPC,
                                           CLONE_NEWCGROUP};

static enum outcome
new_namespaces(void)
{
    for (size_t i = 0; i < COUNT_OF(namespaces); i++) {
        if (failed(syscall(SYS_unshare, namespaces[i])) == SUCCEEDED)
            return SUCCEEDED;
        long pid = syscall(SYS_clone, namespaces[i] | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            return SUCCEEDED;
    }
    return STOPPED;
}

static enum outcome
new_namespace_by_clone3(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        _exit(0);
    return failed(pid);
}

static enum outcome
enter_namespaces(void)
{
    static const char *const names[] = {"user", "mnt", "net", "pid", "uts", "ipc", "cgroup"};
    char path[64];
    for (int pid = 1; pid < 3; pid++)
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd >= 0 && setns(fd, 0) == 0)
                return SUCCEEDED;
        }
    return failed(-1);
}

// The namespaces above ours, by descriptors of them.
static enum outcome
parent_namespace(void)
{
    enum { NS_GET_USERNS_CALL = 0xb701, NS_GET_PARENT_CALL = 0xb702 };
    int fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    int pid_fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (failed(ioctl(fd, NS_GET_PARENT_CALL)) == SUCCEEDED)
        return SUCCEEDED;
    return failed(ioctl(pid_fd, NS_GET_PARENT_CALL));
}

static enum outcome
mount_anything(void)
{
    static const char *const types[] = {"proc",    "sysfs", "tmpfs", "cgroup", "cgroup2",
                                        "overlay", "ext4",  "fuse",  "bpf",    "debugfs"};
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (mount("none", "/mnt", types[i], 0, "release_agent=/tmp/x") == 0)
            return SUCCEEDED;
    if (mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL) == 0 ||
        mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL) == 0 ||
        mount("/proc", "/mnt", NULL, MS_MOVE, NULL) == 0)
        return SUCCEEDED;
    return failed(-1);
}

static enum outcome
mount_newer_calls(void)
{
    const long results[] = {
        syscall(SYS_fsopen, "proc", 0),
        syscall(SYS_open_tree, AT_FDCWD, "/", 1),
        syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/mnt", 0),
        syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, "", 0),
        syscall(SYS_fspick, AT_FDCWD, "/", 0),
    };
    for (size_t i = 0; i < COUNT_OF(results); i++)
        if (results[i] >= 0)
            return SUCCEEDED;
    return failed(-1);
}

static enum outcome
uncover(void)
{
    static const char *const places[] = {"/proc/kcore", "/proc/meminfo", "/proc",
                                         "/dev",        "/tmp",          "/usr"};
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (umount2(places[i], MNT_DETACH) == 0)
            return SUCCEEDED;
    return failed(-1);
}

static enum outcome
change_root(void)
{
    return failed(syscall(SYS_pivot_root, "/", "/mnt"));
}

// The old way out of chroot: what is above the new root is the guest's own root still.
static enum outcome
break_chroot(void)
{
    mkdir("/tmp/cell", 0755);
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (chroot("/tmp/cell") != 0)
        return failed(-1);
    if (fchdir(fd) != 0)
        return failed(-1);
    for (int i = 0; i < 64; i++)
        if (chdir("..") != 0)
            return failed(-1);
    if (chroot(".") != 0)
        return failed(-1);
    return reads_word(told("HOSTILE_SECRET"));
}

// What runs there is the shim's, before it was the guest's: had it rights, they would be ours.
static enum outcome
trace_process_1(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 1};
    struct __user_cap_data_struct data[2] = {0};
    char line[256];
    uint64_t caps = ~UINT64_C(0);
    int filter = 0;
    FILE *f = fopen("/proc/1/status", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        (void)(sscanf(line, "Seccomp: %d", &filter) == 1);
    if (syscall(SYS_capget, &header, data) == 0)
        caps = data[0].permitted | (uint64_t)data[1].permitted << 32;
    bool is_traced = ptrace(PTRACE_ATTACH, 1, NULL, NULL) == 0;
    if (!is_traced)
        return failed(-1);
    say("traced: its capabilities are %llx, its filter %d ", (unsigned long long)caps, filter);
    bool is_harmless = filter == 2 && (caps & ~(UINT64_C(1) << CAP_KILL)) == 0;
    ptrace(PTRACE_DETACH, 1, NULL, NULL);
    return is_harmless ? STOPPED : SUCCEEDED;
}

static enum outcome
write_shim(void)
{
    static const char *const ways[] = {"/proc/1/exe", "/proc/self/exe"};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        int fd = open(ways[i], O_RDWR | O_CLOEXEC);
        if (fd >= 0 && write(fd, "#!", 2) == 2)
            return SUCCEEDED;
        if (open(ways[i], O_WRONLY | O_TRUNC | O_CLOEXEC) >= 0)
            return SUCCEEDED;
        (void)failed(-1);
    }
    return STOPPED;
}

static enum outcome
write_settings(void)
{
    static const char *const files[] = {
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/panic",
        "/proc/sys/kernel/sysrq",

        "/proc/sys/kernel/ns_last_pid",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/randomize_va_space",
        "/proc/sys/kernel/threads-max",
        "/proc/sys/kernel/unprivileged_bpf_disabled",
        "/proc/sys/vm/overcommit_memory",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/fs/file-max",
        "/proc/sys/fs/suid_dumpable",
        "/proc/sys/user/max_user_namespaces",
        "/proc/sysrq-trigger",
        "/proc/sys/net/netfilter/nf_conntrack_max",
        "/proc/sys/fs/binfmt_misc/register",
    };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char text[128];
        // What is written is what stands there, in case that it works.
        int in = open(files[i], O_RDONLY | O_CLOEXEC);
        ssize_t got = in < 0 ? 0 : read(in, text, sizeof(text));
        int fd = open(files[i], O_WRONLY | O_CLOEXEC);
        struct stat status;
        bool is_null = fd >= 0 && fstat(fd, &status) == 0 && S_ISCHR(status.st_mode);
        if (fd >= 0 && !is_null && write(fd, text, got > 0 ? (size_t)got : 1) > 0) {
            say("%s ", files[i]);
            return SUCCEEDED;
        }
    }
    return failed(-1);
}

static enum outcome
write_own_maps(void)
{
    static const char *const files[][2] = {
        {"/proc/self/uid_map", "0 0 1"},       {"/proc/self/gid_map", "0 0 1"},
        {"/proc/1/uid_map", "0 0 4294967295"}, {"/proc/self/timens_offsets", "monotonic 1000 0"},
        {"/proc/self/oom_score_adj", "-1000"}, {"/proc/1/oom_score_adj", "-1000"},
    };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, files[i][1], strlen(files[i][1])) > 0) {
            say("%s ", files[i][0]);
            return SUCCEEDED;
        }
    }
    return failed(-1);
}

static enum outcome
control_groups(void)
{
    char line[4096];
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strstr(line, " - cgroup") != NULL)
            return SUCCEEDED;
    f = fopen("/proc/self/cgroup", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strstr(line, "c10m") != NULL || strstr(line, "/..") != NULL)
            return SUCCEEDED; // it sees where it is
    say("none is mounted, its own path is / ");
    return STOPPED;
}

static enum outcome
devices(void)
{
    static const unsigned numbers[][2] = {{8, 0}, {254, 0}, {7, 0}, {1, 1}, {10, 200}, {10, 229}};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        dev_t device = makedev(numbers[i][0], numbers[i][1]);
        if (mknod("/srv/block", S_IFBLK | 0666, device) == 0 ||
            mknod("/srv/char", S_IFCHR | 0666, device) == 0 ||
            mknod("/dev/char", S_IFCHR | 0666, device) == 0)
            return SUCCEEDED;
    }
    return failed(-1);
}

static enum outcome
other_devices(void)
{
    static const char *const names[] = {"/dev/kvm",  "/dev/net/tun",      "/dev/fuse",
                                        "/dev/vda",  "/dev/loop-control", "/dev/mem",
                                        "/dev/port", "/dev/vsock",        "/dev/vhost-net"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (open(names[i], O_RDONLY | O_CLOEXEC) >= 0)
            return SUCCEEDED;
    return failed(-1);
}

static enum outcome
file_handles(void)
{
    struct {
        struct file_handle head;
        char bytes[128];
    } handle = {.head = {.handle_bytes = 8, .handle_type = 1}};
    int id;
    if (name_to_handle_at(AT_FDCWD, "/", &handle.head, &id, 0) == 0)
        return SUCCEEDED;
    handle.head = (struct file_handle){.handle_bytes = 8, .handle_type = 1};
    memcpy(handle.bytes, "\2\0\0\0\0\0\0\0", 8); // the root of most file systems
    return failed(open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY));
}

static enum outcome
terminal_input(void)
{
    char key = 'x';
    for (int fd = 0; fd < 3; fd++)
        if (ioctl(fd, TIOCSTI, &key) == 0)
            return SUCCEEDED;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    return fd < 0 ? failed(fd) : failed(ioctl(fd, TIOCSTI, &key));
}

static enum outcome
other_ids(void)
{
    if (setresuid(200000, 200000, 200000) == 0 || setresgid(200000, 200000, 200000) == 0)
        return SUCCEEDED;
    return failed(chown("/tmp", 200000, 200000));
}

static enum outcome
more_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    if (syscall(SYS_capset, &header, data) == 0)
        return SUCCEEDED;
    return failed(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
}

// A program with the right to all, by its file's attribute: the bounding set has none of it.
static enum outcome
program_with_capabilities(void)
{
    struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                                .data = {{~0U, 0}, {~0U, 0}}};
    static char bytes[1 << 20];
    char path[] = "/srv/hostile-copy";
    int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), status = 0;
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    ssize_t got = in < 0 ? -1 : read(in, bytes, sizeof(bytes));
    if (out < 0 || got < 0 || write(out, bytes, (size_t)got) != got)
        return failed(-1);
    close(out);
    if (setxattr(path, "security.capability", &caps, sizeof(caps), 0) != 0)
        return failed(-1);
    pid_t pid = fork();
    if (pid == 0) {
        execl(path, path, "has-admin", NULL);
        say("exec: %s ", strerror(errno));
        _exit(9);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? SUCCEEDED : STOPPED;
}

// What overlayfs notes for itself: the test looks at the folder below, and starts the guest anew.
static enum outcome
overlay_attributes(void)
{
    static const char *const names[] = {"trusted.overlay.redirect", "trusted.overlay.opaque",
                                        "security.overlay.redirect"};
    const char *target = told("HOSTILE_SECRET");
    mkdir("/srv/redirect", 0755);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (setxattr("/srv/redirect", names[i], target, strlen(target), 0) == 0)
            return SUCCEEDED;
    (void)setxattr("/srv/redirect", "user.overlay.redirect", target, strlen(target), 0);
    (void)setxattr("/srv/redirect", "user.overlay.metacopy", "", 0, 0);
    return failed(-1);
}

static enum outcome
immutable_file(void)
{
    int flags = FS_IMMUTABLE_FL, fd = open("/srv/forever", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? failed(fd) : failed(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

// No attempt ends here: what is made is for whoever has to remove it.
static enum outcome
folder_without_end(void)
{
    char name[201];
    memset(name, 'd', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    if (mkdir("/srv/deep", 0700) != 0 || chdir("/srv/deep") != 0)
        return failed(-1);
    for (int i = 0; i < 60; i++)
        if (mkdir(name, 0700) != 0 || chdir(name) != 0)
            return failed(-1);
    say("made ");
    return STOPPED;
}

static const struct attempt all[] = {
    {"make namespaces by unshare and clone", "seccomp", new_namespaces, false, false},
    {"make a namespace by clone3", "seccomp: ENOSYS, since a filter cannot see its flags",
     new_namespace_by_clone3, false, false},
    {"enter namespaces by setns", "seccomp", enter_namespaces, false, false},
    {"get a namespace above by ioctl", "the kernel gives none that the caller is not in",
     parent_namespace, false, false},
    {"mount file systems, bind, move and remount", "no CAP_SYS_ADMIN", mount_anything, false,
     false},
    {"mount by fsopen, open_tree, move_mount", "seccomp", mount_newer_calls, false, false},
    {"unmount what covers files of the host",
     "no CAP_SYS_ADMIN; mounts of a more privileged namespace are locked", uncover, false, false},
    {"pivot_root", "seccomp", change_root, false, false},
    {"break out of a chroot", "pivot_root: above the guest's root there is nothing", break_chroot,
     true, false},
    {"trace process 1, which the shim has made",
     "process 1 has given up its rights, and is filtered, before the command begins; a function "
     "may not trace it",
     trace_process_1, false, false},
    {"write to /proc/self/exe and to the shim's program",
     "ETXTBSY; the program is sealed in memory, mode 0500", write_shim, false, false},
    {"write core_pattern, modprobe, sysrq and other settings",
     "they belong to the host's root, who is nobody in the guest", write_settings, false, false},
    {"rewrite maps of ids, offsets of time, the OOM score",
     "the kernel lets each be written once, or with CAP_SYS_RESOURCE", write_own_maps, false,
     false},
    {"find control groups, a release_agent", "none is mounted; cgroup namespace", control_groups,
     false, false},
    {"make device nodes", "no CAP_MKNOD in the first user namespace", devices, false, false},
    {"open /dev/kvm, tun, fuse, loop, mem, vsock", "a /dev with seven nodes", other_devices, false,
     false},
    {"open files by handles", "seccomp", file_handles, false, false},
    {"type into the host's terminal (TIOCSTI)",
     "no terminal: the console is a pipe, in a session of its own", terminal_input, false, false},
    {"become, or give files to, ids outside of its own", "user namespace: they are not in its map",
     other_ids, false, false},
    {"take more capabilities", "the kernel; the bounding set is as small", more_capabilities, false,
     false},
    {"run a program whose file has all capabilities",
     "the bounding set; no_new_privs for functions", program_with_capabilities, false, false},
    {"forge attributes of overlayfs",
     "no CAP_SYS_ADMIN; those of users are refused or escaped by overlayfs", overlay_attributes,
     false, false},
    {"make a file that nobody can remove", "no CAP_LINUX_IMMUTABLE in the first user namespace",
     immutable_file, false, false},
    {"make folders deeper than a path is long", "removal goes by descriptors (src/host/tree.c)",
     folder_without_end, true, false},
};
const struct attempts escape = ATTEMPTS("Leave the sandbox", all);
