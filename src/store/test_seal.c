// Tests of the root key and of what is sealed with it.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/seal.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/digest.h"
#include "src/base/encoding.h"
#include "src/store/fixture.h"

enum { SECRET_BYTES_MAX = 70, PROBLEM_BYTES = 512 };

static struct str
str_of_bytes(const void *bytes, size_t len)
{
    return (struct str){bytes, len};
}

static void
key_path(const struct fixture *f, char out[2 * FIXTURE_PATH_MAX])
{
    snprintf(out, 2 * FIXTURE_PATH_MAX, "%s/root.key", f->dir);
}

static int
open_key(struct fixture *f, bool is_made, struct seal **out, char problem[PROBLEM_BYTES])
{
    char path[2 * FIXTURE_PATH_MAX];
    key_path(f, path);
    struct seal_options options = {
        .runtime = f->runtime, .kv = f->kv, .path = path, .is_made = is_made};
    problem[0] = 0;
    return seal_open(&options, out, problem, PROBLEM_BYTES);
}

static void
check_refused(struct fixture *f, bool is_made, int expected, const char *said)
{
    char problem[PROBLEM_BYTES];
    struct seal *s;
    int code = open_key(f, is_made, &s, problem);
    if (code != expected || strstr(problem, said) == NULL)
        print_error("%s: %s\n", code_name(code), problem);
    CHECK(code == expected && strstr(problem, said) != NULL);
}

static void
write_key(const struct fixture *f, const void *bytes, size_t len, mode_t mode)
{
    char path[2 * FIXTURE_PATH_MAX];
    key_path(f, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && fchmod(fd, mode) == 0);
    close(fd);
}

static void
hkdf_is_that_of_the_rfc(void **state)
{
    // RFC 5869, A.1 and A.3, first block.
    uint8_t secret[22], salt[13], info[10], key[32], expected[32];
    memset(secret, 0x0b, sizeof secret);
    CHECK(hex_decode(STR("000102030405060708090a0b0c"), salt, sizeof salt) == OK);
    CHECK(hex_decode(STR("f0f1f2f3f4f5f6f7f8f9"), info, sizeof info) == OK);
    CHECK(hex_decode(STR("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"),
                     expected, sizeof expected) == OK);
    hkdf_sha256(str_of_bytes(salt, sizeof salt), str_of_bytes(secret, sizeof secret),
                str_of_bytes(info, sizeof info), key);
    assert_memory_equal(key, expected, sizeof key);
    CHECK(hex_decode(STR("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
                     expected, sizeof expected) == OK);
    hkdf_sha256((struct str){0}, str_of_bytes(secret, sizeof secret), STR(""), key);
    assert_memory_equal(key, expected, sizeof key);
}

static void
secrets_come_back(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    struct seal *s = seal_new(f->runtime), *other = seal_new(f->runtime);
    char secret[SECRET_BYTES_MAX];
    memset(secret, 'x', sizeof secret);
    for (size_t len = 0; len <= sizeof secret; len++) {
        struct str text = {secret, len}, out = {0};
        struct str sealed = seal_encode(s, STR("keys"), STR("AKIA"), text, &arena);
        struct str again = seal_encode(s, STR("keys"), STR("AKIA"), text, &arena);
        CHECK(sealed.len == len + SEAL_EXTRA_BYTES && !str_eq(sealed, again));
        CHECK(len < 8 || str_find(sealed, text) < 0);
        CHECK(seal_decode(s, STR("keys"), STR("AKIA"), sealed, &arena, &out) == OK);
        CHECK(str_eq(out, text));
        CHECK(seal_decode(s, STR("tokens"), STR("AKIA"), sealed, &arena, &out) == E_INVALID);
        CHECK(seal_decode(s, STR("keys"), STR("AKIB"), sealed, &arena, &out) == E_INVALID);
        CHECK(seal_decode(s, STR("keys"), STR(""), sealed, &arena, &out) == E_INVALID);
        CHECK(seal_decode(other, STR("keys"), STR("AKIA"), sealed, &arena, &out) == E_INVALID);
    }
    seal_free(s);
    seal_free(other);
    arena_fini(&arena);
}

static void
every_flipped_bit_shows(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    struct seal *s = seal_new(f->runtime);
    struct str out = {0};
    struct str sealed = seal_encode(s, STR("p"), STR("b"), STR("a secret of 24 bytes ..."), &arena);
    char *bytes = arena_alloc_bytes(&arena, sealed.len);
    memcpy(bytes, sealed.ptr, sealed.len);
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        int code =
            seal_decode(s, STR("p"), STR("b"), (struct str){bytes, sealed.len}, &arena, &out);
        CHECK(code == E_INVALID || (code == E_NEWER && bit < 8));
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        CHECK(seal_decode(s, STR("p"), STR("b"), str_slice(sealed, 0, len), &arena, &out) ==
              E_INVALID);
    CHECK(!str_is_present(out));
    seal_free(s);
    arena_fini(&arena);
}

// The functions of OpenSSL that seal.c uses are the old ones: the new ones must agree.
static void
sealed_is_what_evp_decrypts(struct fixture *f)
{
    struct arena arena;
    arena_init(&arena);
    uint8_t root[ROOT_KEY_BYTES] = "0123456789abcdef0123456789abcde", key[32];
    write_key(f, root, sizeof root, 0600);
    char problem[PROBLEM_BYTES];
    struct seal *s;
    CHECK(open_key(f, false, &s, problem) == OK);
    struct str secret = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    struct str sealed = seal_encode(s, STR("keys"), STR("AKIA"), secret, &arena);
    const unsigned char *at = (const unsigned char *)sealed.ptr + 1;
    hkdf_sha256((struct str){0}, str_of_bytes(root, sizeof root), STR("keys"), key);
    struct sha256 own = hmac_sha256(str_of_bytes(key, sizeof key), str_of_bytes(at, 12));

    unsigned char out[64], tag[16];
    int len, end;
    memcpy(tag, at + 24 + secret.len, sizeof tag);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    CHECK(EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, own.bytes, at + 12) == 1);
    CHECK(EVP_DecryptUpdate(c, NULL, &len, (const unsigned char *)"AKIA", 4) == 1);
    CHECK(EVP_DecryptUpdate(c, out, &len, at + 24, (int)secret.len) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1);
    CHECK(EVP_DecryptFinal_ex(c, out + len, &end) == 1);
    CHECK(str_eq(str_of_bytes(out, secret.len), secret));
    EVP_CIPHER_CTX_free(c);
    seal_free(s);
    arena_fini(&arena);
}

static void
key_is_made_once_and_kept(struct fixture *f)
{
    char path[2 * FIXTURE_PATH_MAX], problem[PROBLEM_BYTES];
    struct arena arena;
    struct seal *s;
    struct stat st;
    arena_init(&arena);
    key_path(f, path);
    check_refused(f, false, E_NOT_FOUND, "No such file");
    CHECK(open_key(f, true, &s, problem) == OK);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_size == ROOT_KEY_BYTES);
    struct str sealed = seal_encode(s, STR("p"), STR(""), STR("secret"), &arena), out;
    seal_free(s);
    fixture_reopen(f);
    CHECK(open_key(f, true, &s, problem) == OK);
    CHECK(seal_decode(s, STR("p"), STR(""), sealed, &arena, &out) == OK);
    CHECK(str_eq(out, STR("secret")));
    seal_free(s);
    arena_fini(&arena);
}

static void
start_cut_short_is_repeated(struct fixture *f)
{
    char path[2 * FIXTURE_PATH_MAX + 8], problem[PROBLEM_BYTES];
    struct seal *s;
    snprintf(path, sizeof path, "%s/root.key.new", f->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    CHECK(fd >= 0 && write(fd, "half", 4) == 4);
    close(fd);
    CHECK(open_key(f, true, &s, problem) == OK);
    seal_free(s);
    CHECK(open_key(f, false, &s, problem) == OK); // of mode 0600 and the right length
    seal_free(s);
}

static void
wrong_files_are_refused(struct fixture *f)
{
    static const uint8_t bytes[ROOT_KEY_BYTES + 1] = {1};
    char path[2 * FIXTURE_PATH_MAX];
    key_path(f, path);
    write_key(f, bytes, ROOT_KEY_BYTES - 1, 0600);
    check_refused(f, true, E_INVALID, "has 31 bytes, and must have 32");
    write_key(f, bytes, ROOT_KEY_BYTES + 1, 0600);
    check_refused(f, true, E_INVALID, "has 33 bytes");
    write_key(f, bytes, 0, 0600);
    check_refused(f, true, E_INVALID, "has 0 bytes");
    write_key(f, bytes, ROOT_KEY_BYTES, 0640);
    check_refused(f, true, E_INVALID, "mode 640");
    write_key(f, bytes, ROOT_KEY_BYTES, 0604);
    check_refused(f, true, E_INVALID, "chmod 600");
    CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0);
    check_refused(f, true, E_INVALID, "is not a file");
    CHECK(rmdir(path) == 0 && mkfifo(path, 0600) == 0);
    check_refused(f, true, E_INVALID, "is not a file");
}

static void
another_key_is_refused(struct fixture *f)
{
    static const uint8_t bytes[ROOT_KEY_BYTES] = {1};
    char path[2 * FIXTURE_PATH_MAX], kept[2 * FIXTURE_PATH_MAX + 8], problem[PROBLEM_BYTES];
    struct seal *s;
    key_path(f, path);
    snprintf(kept, sizeof kept, "%s.kept", path);
    CHECK(open_key(f, true, &s, problem) == OK);
    seal_free(s);
    CHECK(rename(path, kept) == 0);
    check_refused(f, true, E_NOT_FOUND, "put it back from a backup");
    CHECK(access(path, F_OK) != 0); // and none was made
    write_key(f, bytes, sizeof bytes, 0600);
    check_refused(f, true, E_INVALID, "is not the root key that this store was used with");
    CHECK(rename(kept, path) == 0);
    CHECK(open_key(f, true, &s, problem) == OK);
    seal_free(s);
}

static void
prepared_key_is_the_one_that_is_opened(struct fixture *f)
{
    char path[2 * FIXTURE_PATH_MAX], problem[PROBLEM_BYTES];
    struct stat first, again;
    struct seal *s;
    key_path(f, path);
    CHECK(seal_prepare(f->runtime, path) == OK && stat(path, &first) == 0);
    CHECK(first.st_size == ROOT_KEY_BYTES && (first.st_mode & 0777) == 0600);
    CHECK(open_key(f, false, &s, problem) == OK);
    CHECK(seal_prepare(f->runtime, path) == OK && stat(path, &again) == 0);
    CHECK(first.st_ino == again.st_ino);
    seal_free(s);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        in_fiber(*state, name);                                                                    \
    }

IN_FIBER(secrets_come_back)
IN_FIBER(every_flipped_bit_shows)
IN_FIBER(sealed_is_what_evp_decrypts)
IN_FIBER(key_is_made_once_and_kept)
IN_FIBER(start_cut_short_is_repeated)
IN_FIBER(wrong_files_are_refused)
IN_FIBER(another_key_is_refused)
IN_FIBER(prepared_key_is_the_one_that_is_opened)

#define ON(name, kind)                                                                             \
    {#name " " kind, test_##name, fixture_setup, fixture_teardown, (void *)(kind)}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_is_that_of_the_rfc),
        ON(secrets_come_back, "mem:"),
        ON(every_flipped_bit_shows, "mem:"),
        ON(sealed_is_what_evp_decrypts, "mem:"),
        ON(key_is_made_once_and_kept, "rocks:"),
        ON(start_cut_short_is_repeated, "rocks:"),
        ON(wrong_files_are_refused, "rocks:"),
        ON(another_key_is_refused, "rocks:"),
        ON(prepared_key_is_the_one_that_is_opened, "rocks:"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
