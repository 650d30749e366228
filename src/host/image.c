// The default image: the host's /usr and a made root around it.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/tree.h"

enum { PATH_BYTES = 4096, COPY_BYTES = 64 * 1024 };

static const struct {
    const char *path;
    unsigned mode;
} folders[] = {
    {"", 0755},          {"etc", 0755},      {"etc/alternatives", 0755},
    {"root", 0700},      {"home", 0755},     {"usr", 0755},
    {"var", 0755},       {"var/lib", 0755},  {"var/log", 0755},
    {"var/cache", 0755}, {"var/tmp", 01777}, {"opt", 0755},
    {"var/task", 0755},  {"srv", 0755},      {"mnt", 0755},
    {"proc", 0755},      {"sys", 0755},      {"dev", 0755},
    {"run", 0755},       {"tmp", 01777},
};

static const char *const links[][2] = {
    {"usr/bin", "bin"},
    {"usr/sbin", "sbin"},
    {"usr/lib", "lib"},
    {"usr/lib64", "lib64"},
    {"../run", "var/run"},
    {"../usr/lib/os-release", "etc/os-release"},
    {"../proc/self/mounts", "etc/mtab"},
};

static const struct {
    const char *path, *text;
} files[] = {
    {"etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
                   "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                   "engine:x:999:999:engine:/engine:/usr/sbin/nologin\n"
                   "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
    {"etc/group",
     "root:x:0:\ndaemon:x:1:\ntty:x:5:\nusers:x:100:\nengine:x:999:\nnogroup:x:65534:\n"},
    {"etc/shells", "/bin/sh\n/bin/bash\n"},
    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"},
    {"etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
    {"etc/resolv.conf", ""},
    {"etc/profile", "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"},
};

// Files of the host's /etc that say nothing of it but where its libraries are.
static const char *const copies[] = {"etc/ld.so.cache", "etc/ld.so.conf"};

static int
file_put(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && write(fd, bytes, len) == (ssize_t)len;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (is_written)
        return OK;
    return error == ENOSPC ? E_FULL : E_IO;
}

static int
file_copy(const char *from, const char *to)
{
    char bytes[COPY_BYTES];
    ssize_t got;
    int code = OK, in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return OK; // not every system has it
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    code = out < 0 ? E_IO : OK;
    while (code == OK && (got = read(in, bytes, sizeof(bytes))) > 0)
        code = write(out, bytes, (size_t)got) == got ? OK : E_IO;
    close(in);
    if (out >= 0)
        close(out);
    return code;
}

static int
link_put(const char *target, const char *path)
{
    return symlink(target, path) == 0 || errno == EEXIST ? OK : E_IO;
}

// Many programs of /usr are links to /etc/alternatives and from there back into /usr.
static int
alternatives_copy(const char *root)
{
    char path[PATH_BYTES], target[PATH_BYTES];
    DIR *d = opendir("/etc/alternatives");
    int code = OK;
    for (struct dirent *e; d != NULL && code == OK && (e = readdir(d)) != NULL;) {
        ssize_t len = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
        if (len <= 0)
            continue;
        target[len] = '\0';
        snprintf(path, sizeof(path), "%s/etc/alternatives/%s", root, e->d_name);
        code = link_put(target, path);
    }
    if (d != NULL)
        closedir(d);
    return code;
}

static int
root_fill(const char *root)
{
    char path[PATH_BYTES], from[PATH_BYTES];
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        snprintf(path, sizeof(path), "%s/%s", root, folders[i].path);
        TRY(tree_make(path, 0755));
        if (chmod(path, folders[i].mode) != 0)
            return E_IO;
    }
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        snprintf(path, sizeof(path), "%s/%s", root, links[i][1]);
        TRY(link_put(links[i][0], path));
    }
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", root, files[i].path);
        TRY(file_put(path, files[i].text, strlen(files[i].text)));
    }
    for (size_t i = 0; i < COUNT_OF(copies); i++) {
        snprintf(from, sizeof(from), "/%s", copies[i]);
        snprintf(path, sizeof(path), "%s/%s", root, copies[i]);
        TRY(file_copy(from, path));
    }
    return alternatives_copy(root);
}

int
image_default_make(struct host *h, char *problem, size_t problem_size)
{
    char root[PATH_BYTES];
    snprintf(root, sizeof(root), "%s/images/default", h->dir);
    int code = root_fill(root);
    if (code != OK)
        snprintf(problem, problem_size, "the default image in %s cannot be made: %s", root,
                 strerror(errno));
    return code;
}

int
image_mounts(struct host *h, const char *dir, uint32_t ids_row, struct arena *arena,
             struct sandbox_mount out[IMAGE_MOUNTS])
{
    char *root = arena_copy_z(arena, arena_print(arena, "%s/root", dir));
    char *usr = arena_copy_z(arena, arena_print(arena, "%s/usr", dir));
    TRY(tree_make(dir, 0711));
    TRY(sandbox_state_make(h, root, ids_row));
    TRY(sandbox_state_make(h, usr, ids_row));
    out[0] = (struct sandbox_mount){
        .kind = SANDBOX_OVERLAY,
        .at = STR("/"),
        .outside = arena_print(arena, "%s/images/default", h->dir),
        .state = str_of(root),
    };
    out[1] = (struct sandbox_mount){
        .kind = SANDBOX_OVERLAY,
        .at = STR("/usr"),
        .outside = STR("/usr"),
        .state = str_of(usr),
    };
    return OK;
}
