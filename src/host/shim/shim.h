// The program that stands beside every sandbox: it makes it, keeps its console and its exit status.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A static program of its own, linked with musl, so that hundreds of them cost nearly nothing. It
// knows nothing of c10m but the specification that it is started with, and it outlives c10m:
// whoever comes next finds its control socket in the sandbox's directory (src/host/sandbox.h).
//
// The specification is a run of zero-terminated "key=value" texts on descriptor SPEC_FD; the keys
// are the table in spec.c. Descriptor REPORT_FD gets one line: "running PID" or "failed WHY".
enum { SPEC_FD = 3, REPORT_FD = 4 };

enum {
    ARGS_MAX = 256,
    MOUNTS_MAX = 32,
    CGROUPS_MAX = 12,
    WRITES_MAX = 24,
    RLIMITS_MAX = 16,
    SPEC_BYTES_MAX = 256 * 1024,
};

struct id_map {
    uint32_t outside; // what root of the guest is outside; 0 inside
    uint32_t count;   // 0: there is no map; a single id is the command's own
};

enum mount_kind { MOUNT_BIND, MOUNT_BIND_READ_ONLY, MOUNT_OVERLAY, MOUNT_TMPFS, MOUNT_SHELF };

// Paths outside are absolute; `at` is inside of the guest's root. `outside` of an overlay is its
// lower folder, of a tmpfs its size in bytes. A shelf is a folder that the guest does not see:
// process 1 keeps it, to mount folders of it later (order.c). `state` holds an overlay's folders
// upper and work, and belongs to the guest's root; where there is a disk, it is a folder of that.
struct mount_spec {
    enum mount_kind kind;
    const char *at;
    const char *outside;
    const char *state;
};

// What the shim hands to process 1: mounts that hang nowhere yet, by the row of their mount_spec,
// and files of the control groups that it is to join; -1: there is none.
struct layers {
    int outside[MOUNTS_MAX];
    int state[MOUNTS_MAX];
    int disk;
    int cgroups[CGROUPS_MAX];
};

struct rlimit_spec {
    int resource;
    uint64_t value;
};

struct cgroup_write {
    const char *path;
    const char *value;
};

struct spec {
    const char *dir; // of the sandbox: control, lock, exit, console
    const char *hostname;
    const char *cwd;
    const char *disk; // a file with the file system of the overlays' states; NULL: none
    const char *args[ARGS_MAX + 1];
    size_t arg_count;
    const char *env[ARGS_MAX + 1];
    size_t env_count;
    struct mount_spec mounts[MOUNTS_MAX]; // the first is the root
    size_t mount_count;
    const char *cgroups[CGROUPS_MAX]; // made, joined, and removed at the end
    size_t cgroup_count;
    struct cgroup_write writes[WRITES_MAX];
    size_t write_count;
    struct rlimit_spec rlimits[RLIMITS_MAX];
    size_t rlimit_count;
    struct id_map ids;
    uint64_t memory_bytes; // what the guest sees; 0: what the host has
    uint64_t cpus;
    uint64_t caps;           // capabilities that are kept, a bit each
    uint64_t console_bytes;  // the console keeps at least its last so many; 0: 64 KiB
    uint64_t uid, gid;       // inside, of the command
    uint64_t is_held;        // the command waits for an order
    uint64_t is_init;        // process 1 is the shim's: it reaps, and passes SIGTERM on
    uint64_t no_new_privs;   // for functions: no set-user-id program gains anything
    uint64_t is_own_network; // without net_fd: a network namespace with nothing but loopback
    uint64_t user_fd;        // namespaces to enter first, inherited descriptors; 0: none
    uint64_t net_fd;
    uint64_t seccomp_fd; // holds `filter`; 0: there is none
    void *filter;        // a BPF program, read when the specification is
    size_t filter_bytes;
};

// Fills the specification from the descriptor; texts live as long as the process. On failure *why
// is a sentence.
bool spec_read(int fd, struct spec *out, const char **why);

// guest.c. guest_begin starts process 1, which waits; guest_start lets it go on and returns when
// the command runs: its id (a child of the caller), or 0 with a sentence in `why`. Meanwhile the
// caller makes what is the shim's. Its output goes to the console, a pipe. What is held gets its
// order by *order_fd; else -1.
struct birth;
struct birth *guest_begin(const struct spec *s, int console_fd); // NULL: see errno
pid_t guest_start(struct birth *b, int *order_fd, char *why, size_t why_size);

// layers.c. The folders of the host that the guest is made of. With a map of ids only the host's
// root can open them, as the guest's ids see them; without one, process 1 does so in its own mount
// namespace, as the user that it is.
bool layers_open(const struct spec *s, int user_fd, struct layers *out, const char **what);
void layers_close(const struct spec *s, struct layers *l);
bool layers_send(int socket, const struct layers *l);
bool layers_receive(int socket, struct layers *out);

// disk.c. The host's root mounts the file of a disk, by a loop device that ends with the mount; -1.
int disk_open(const char *path, const char **what);
// When the guest's overlays are mounted: what it needs for its next start.
void disk_spare_keep(int disk_fd);

// mounts.c. In the guest's process 1: leaves the host's root for the guest's. On failure: what and
// errno. *shelf_fd is -1 when there is no shelf.
bool mounts_make(const struct spec *s, struct layers *l, int *shelf_fd, const char **what);

// devices.c. /dev, /sys, and what of /proc tells of the host: opened while the host's root is in
// sight, hung up when the guest's is.
enum { DEVICE_NODES = 6 };
struct devices {
    int nodes[DEVICE_NODES];
    int proc;
};
bool devices_open(struct devices *out, const char **what);
bool devices_make(const struct spec *s, const struct devices *d, const char **what);

// attach.c. Small steps on mounts as descriptors.
int mount_new(const char *type, const char *const *options); // key, value or "", ..., NULL; -1
int mount_memory(uint64_t bytes, const char *mode);          // a tmpfs; -1
int mount_clone(const char *path, bool is_recursive);        // -1
bool mount_attach(int fd, const char *at);
bool folder_make(const char *path); // with the folders above it

// limits.c
bool cgroups_make(const struct spec *s, const char **what);
bool cgroups_open(const struct spec *s, int fds[CGROUPS_MAX], const char **what);
bool cgroups_join(const struct spec *s, int fds[CGROUPS_MAX], const char **what); // and closes them
// The limits of I/O for the device of the guest's disk too: what it writes there is not seen as its
// own on the host's.
bool cgroups_limit_disk(const struct spec *s, int disk_fd, const char **what);
void cgroups_remove(const struct spec *s); // what is still in them is killed
bool limits_set(const struct spec *s, const char **what);
bool privileges_drop(const struct spec *s, const char **what);
// Of process 1, which stays whose it is: what is left to it is to pass signals on.
bool privileges_drop_init(const struct spec *s);

// init.c. Process 1: runs the command, reaps, ends when it ends. The argument gets errno of a
// failed start.
// order_fd and shelf_fd: of a command that is held; else -1.
_Noreturn void init_run(const struct spec *s, int report_fd, int order_fd, int shelf_fd);
_Noreturn void command_exec(const struct spec *s, int report_fd);

// control.c. Serves console and control socket until the guest's process 1 has ended.
struct control;
bool control_open(const struct spec *s, int console_fd, struct control **out, const char **what);
void control_serve(struct control *c, pid_t guest, int order_fd);

// order.c. One message: zero-terminated "mount=AT\nNAME" (a folder of the shelf) and "env=..."
// texts. Answered by a sentence when the command could not be run, else by the end of the socket.
enum { ORDER_BYTES_MAX = 64 * 1024 };
bool order_socket(int fds[2]);
// The shim's side: the order is a file; NULL or why it failed.
const char *order_give(int order_fd, const char *file);
// Process 1's side: waits for it, mounts, and adds to the specification.
bool order_take(int order_fd, int shelf_fd, struct spec *s, const char **what);

// text.c
bool text_to_u64(const char *text, uint64_t *out);
// Whole file, for small ones of proc and cgroup.
bool file_write(const char *path, const char *text);
