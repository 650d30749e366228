// Starts the guest's process 1 in its namespaces.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/host/shim/shim.h"

// Three processes make a guest:
//   the shim     has the host's rights: control groups, folders, mapped layers
//   the parent   enters the network's namespaces, and gives the guest its ids there
//   process 1    waits until both are done, then builds its world and runs the command
// `go` is a socket pair between shim and process 1; what fails there comes back as a sentence.
struct birth {
    const struct spec *spec;
    int console_fd;
    int go[2];    // [0] the shim's end
    int born[2];  // a pipe: the parent tells process 1's id, or why there is none
    int order[2]; // of what is held; [0] the shim's end
    pid_t parent;
};

// The new process becomes the caller's sibling, with the caller's exit signal.
static pid_t
clone_sibling(uint64_t flags)
{
    struct clone_args args = {.flags = flags | CLONE_PARENT};
    return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static bool
console_take(int fd)
{
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return setsid() >= 0 && null_fd >= 0 && dup2(null_fd, 0) == 0 && dup2(fd, 1) == 1 &&
           dup2(fd, 2) == 2;
}

// Ends with the shim: a guest that nobody watches would be lost. Changing ids clears this.
static bool
end_with_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

// Where only one id can be had, it is the command's, which then has no root: servers that refuse to
// be root run too. The rights to build a guest come with its user namespace.
static bool
is_single(const struct spec *s)
{
    return s->ids.count <= 1;
}

static bool
root_become(const struct spec *s, const char **what)
{
    uid_t uid = is_single(s) ? (uid_t)s->uid : 0;
    gid_t gid = is_single(s) ? (gid_t)s->gid : 0;
    *what = "becoming root of the guest";
    return setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0 && end_with_parent();
}

static bool
names_make(const struct spec *s, const char **what)
{
    *what = "the host name";
    return unshare(CLONE_NEWCGROUP) == 0 && sethostname(s->hostname, strlen(s->hostname)) == 0;
}

static bool
world_make(const struct birth *b, struct layers *l, int *shelf_fd, const char **what)
{
    const struct spec *s = b->spec;
    if (!root_become(s, what) || !names_make(s, what))
        return false;
    if (is_single(s) && !layers_open(s, -1, l, what))
        return false;
    if (!mounts_make(s, l, shelf_fd, what))
        return false;
    *what = "the console";
    return console_take(b->console_fd);
}

static _Noreturn void
process_1(const struct birth *b)
{
    struct layers layers;
    const char *what;
    int shelf_fd = -1;
    close(b->go[0]);
    if (b->order[0] >= 0)
        close(b->order[0]);
    if (!layers_receive(b->go[1], &layers))
        _exit(127);
    if (!cgroups_join(b->spec, layers.cgroups, &what) ||
        !world_make(b, &layers, &shelf_fd, &what)) {
        dprintf(b->go[1], "%s: %s", what, strerror(errno));
        _exit(127);
    }
    if (b->spec->is_init)
        init_run(b->spec, b->go[1], b->order[1], shelf_fd);
    command_exec(b->spec, b->go[1]);
}

static bool
map_write(pid_t pid, const char *name, uint64_t inside, uint32_t outside, uint32_t count)
{
    char path[64], text[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    snprintf(text, sizeof(text), "%u %u %u", (uint32_t)inside, outside, count);
    return file_write(path, text);
}

static bool
maps_write(const struct spec *s, pid_t pid)
{
    char path[64];
    const struct id_map *map = &s->ids;
    if (!is_single(s))
        return map_write(pid, "uid_map", 0, map->outside, map->count) &&
               map_write(pid, "gid_map", 0, map->outside, map->count);
    // Whoever we are there now, and nobody else. Without privileges that is only allowed without
    // setgroups.
    snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
    return file_write(path, "deny") && map_write(pid, "uid_map", s->uid, geteuid(), 1) &&
           map_write(pid, "gid_map", s->gid, getegid(), 1);
}

static bool
namespaces_enter(const struct spec *s, const char **what)
{
    *what = "the network's namespaces";
    return (s->user_fd == 0 || setns((int)s->user_fd, CLONE_NEWUSER) == 0) &&
           (s->net_fd == 0 || setns((int)s->net_fd, CLONE_NEWNET) == 0);
}

static _Noreturn void
parent_run(const struct birth *b)
{
    const struct spec *s = b->spec;
    uint64_t flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;
    const char *what;
    pid_t pid = -1;
    if (s->is_own_network)
        flags |= CLONE_NEWNET;
    if (namespaces_enter(s, &what)) {
        what = "the guest's namespaces";
        pid = clone_sibling(flags);
    }
    if (pid < 0)
        dprintf(b->born[1], "%s: %s", what, strerror(errno));
    if (pid == 0)
        process_1(b);
    if (pid > 0 && !maps_write(s, pid)) {
        dprintf(b->born[1], "the guest's ids: %s", strerror(errno));
        kill(pid, SIGKILL);
    } else if (pid > 0) {
        dprintf(b->born[1], "%d", (int)pid);
    }
    _exit(0);
}

// The id of process 1, which the parent has made the shim's child; 0 and why.
static pid_t
parent_wait(const struct birth *b, char *why, size_t why_size)
{
    uint64_t pid;
    int status;
    close(b->born[1]);
    ssize_t got = read(b->born[0], why, why_size - 1);
    close(b->born[0]);
    waitpid(b->parent, &status, 0);
    why[got > 0 ? got : 0] = '\0';
    if (text_to_u64(why, &pid))
        return (pid_t)pid;
    if (got <= 0)
        snprintf(why, why_size, "the parent of the guest ended without a word");
    return 0;
}

// Nobody but the host's root has more than one id to give, and may map layers.
static bool
layers_map(const struct spec *s, pid_t pid, struct layers *out, const char **what)
{
    char path[64];
    const struct spec none = {0};
    if (is_single(s))
        return layers_open(&none, -1, out, what);
    *what = "the guest's user namespace";
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    int user_fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_mapped = user_fd >= 0 && layers_open(s, user_fd, out, what);
    if (user_fd >= 0)
        close(user_fd);
    return is_mapped;
}

// Lets process 1 go on, and waits until it runs the command: then its end of `go` is closed.
static bool
release(const struct birth *b, pid_t pid, char *why, size_t why_size)
{
    struct layers layers;
    const char *what = "the guest's first word";
    bool is_free = layers_map(b->spec, pid, &layers, &what) &&
                   (layers.disk < 0 || cgroups_limit_disk(b->spec, layers.disk, &what)) &&
                   cgroups_open(b->spec, layers.cgroups, &what) && layers_send(b->go[0], &layers);
    if (!is_free) {
        snprintf(why, why_size, "%s: %s", what, strerror(errno));
        return false;
    }
    int disk_fd = layers.disk;
    layers.disk = -1;
    layers_close(b->spec, &layers);
    ssize_t got = read(b->go[0], why, why_size - 1);
    why[got > 0 ? got : 0] = '\0';
    if (disk_fd >= 0) {
        disk_spare_keep(disk_fd);
        close(disk_fd);
    }
    return got == 0;
}

struct birth *
guest_begin(const struct spec *s, int console_fd)
{
    struct birth *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return NULL;
    *b = (struct birth){.spec = s, .console_fd = console_fd, .order = {-1, -1}};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->go) != 0 ||
        pipe2(b->born, O_CLOEXEC) != 0 || (s->is_held && !order_socket(b->order)))
        return NULL;
    b->parent = fork();
    if (b->parent == 0)
        parent_run(b);
    return b->parent > 0 ? b : NULL;
}

pid_t
guest_start(struct birth *b, int *order_fd, char *why, size_t why_size)
{
    pid_t pid = parent_wait(b, why, why_size);
    close(b->go[1]);
    if (b->order[1] >= 0)
        close(b->order[1]);
    *order_fd = b->order[0];
    if (pid > 0 && !release(b, pid, why, why_size)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        pid = 0;
    }
    close(b->go[0]);
    return pid;
}
