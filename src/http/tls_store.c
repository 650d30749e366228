// Reads, makes and writes the certificates of the development CA.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/tls_store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, DIR_MODE = 0700, FILE_MODE = 0600 };

struct store {
    const char *dir; // NULL: nothing is read or written
    int64_t wall_ms;
};

static int
print_path(const struct store *s, const char *name, const char *suffix, char out[PATH_BYTES])
{
    int len = snprintf(out, PATH_BYTES, "%s/%s%s", s->dir, name, suffix);
    if (len < PATH_BYTES)
        return OK;
    errno = ENAMETOOLONG;
    return E_IO;
}

// A key of ours is never encrypted; without this OpenSSL would ask on the terminal.
static int
refuse_password(char *out, int size, int is_writing, void *arg)
{
    return -1;
}

static void
read_identity(const struct store *s, const char *certificate, const char *key,
              struct tls_identity *out)
{
    char path[PATH_BYTES];
    BIO *in = print_path(s, certificate, "", path) == OK ? BIO_new_file(path, "r") : NULL;
    if (in)
        out->certificate = PEM_read_bio_X509(in, NULL, refuse_password, NULL);
    BIO_free(in);
    in = print_path(s, key, "", path) == OK ? BIO_new_file(path, "r") : NULL;
    if (in)
        out->key = PEM_read_bio_PrivateKey(in, NULL, refuse_password, NULL);
    BIO_free(in);
}

static bool
write_and_sync(int fd, struct str bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = write(fd, bytes.ptr + done, bytes.len - done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

// The name holds the old bytes or the new ones, whatever happens.
static int
replace_file(const struct store *s, const char *name, struct str bytes)
{
    char path[PATH_BYTES], fresh[PATH_BYTES];
    TRY(print_path(s, name, "", path));
    TRY(print_path(s, name, ".new", fresh));
    if (unlink(fresh) != 0 && errno != ENOENT)
        return E_IO;
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return E_IO;
    bool is_written = write_and_sync(fd, bytes);
    close(fd);
    return is_written && rename(fresh, path) == 0 ? OK : E_IO;
}

static int
write_bio(const struct store *s, const char *name, BIO *bytes)
{
    char *at;
    long len = BIO_get_mem_data(bytes, &at);
    return replace_file(s, name, (struct str){at, (size_t)len});
}

// The key first: a certificate without its key is made again at the next start.
static int
write_identity(const struct store *s, const char *certificate, const char *key,
               const struct tls_identity *i)
{
    if (!s->dir)
        return OK;
    BIO *key_pem = BIO_new(BIO_s_secmem()), *certificate_pem = BIO_new(BIO_s_mem());
    int code = E_INVALID;
    if (PEM_write_bio_PKCS8PrivateKey(key_pem, i->key, NULL, NULL, 0, NULL, NULL) &&
        PEM_write_bio_X509(certificate_pem, i->certificate))
        code = write_bio(s, key, key_pem);
    if (code == OK)
        code = write_bio(s, certificate, certificate_pem);
    BIO_free(key_pem);
    BIO_free(certificate_pem);
    return code;
}

static int
open_ca(const struct store *s, struct tls_identity *ca)
{
    if (s->dir)
        read_identity(s, "ca.pem", "ca.key", ca);
    if (tls_identity_is_good(ca, s->wall_ms, TLS_CA_DAYS_LEFT_MIN))
        return OK;
    tls_identity_fini(ca);
    TRY(tls_ca_make(s->wall_ms, ca));
    return write_identity(s, "ca.pem", "ca.key", ca);
}

static int
open_server(const struct store *s, const struct tls_identity *ca, struct tls_identity *server)
{
    if (s->dir)
        read_identity(s, "server.pem", "server.key", server);
    if (tls_identity_is_good(server, s->wall_ms, TLS_SERVER_DAYS_LEFT_MIN) &&
        tls_is_issued_by(server->certificate, ca))
        return OK;
    tls_identity_fini(server);
    TRY(tls_server_make(ca, s->wall_ms, server));
    return write_identity(s, "server.pem", "server.key", server);
}

static int
open_both(const struct store *s, struct tls_identity *ca, struct tls_identity *server)
{
    struct tls_identity new_ca = {0}, new_server = {0};
    int code = open_ca(s, &new_ca);
    if (code == OK)
        code = open_server(s, &new_ca, &new_server);
    if (code != OK) {
        tls_identity_fini(&new_ca);
        tls_identity_fini(&new_server);
        return code;
    }
    *ca = new_ca;
    *server = new_server;
    return OK;
}

// One process at a time, until the descriptor is closed.
static int
lock_dir(const struct store *s, int *out)
{
    char path[PATH_BYTES];
    if (mkdir(s->dir, DIR_MODE) != 0 && errno != EEXIST)
        return E_IO;
    TRY(print_path(s, "lock", "", path));
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return E_IO;
    while (flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            close(fd);
            return E_IO;
        }
    }
    *out = fd;
    return OK;
}

int
tls_store_open(const char *dir, int64_t wall_ms, struct tls_identity *ca,
               struct tls_identity *server)
{
    struct store s = {dir, wall_ms};
    if (!dir)
        return open_both(&s, ca, server);
    int lock;
    TRY(lock_dir(&s, &lock));
    int code = open_both(&s, ca, server);
    int error = errno;
    close(lock);
    errno = error;
    return code;
}
