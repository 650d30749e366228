// Keys and tokens over several starts, and files that must not be trusted.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/keys.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/auth/credentials.h"
#include "src/cloud/private_file.h"

struct fixture {
    struct arena arena;
    char dir[64];
    struct cloud cloud;
    struct cloud_options options;
    char problem[512];
};

static const char *
path_of(struct fixture *f, const char *name)
{
    struct str path = arena_print(&f->arena, "%s/%s", f->dir, name);
    return arena_copy_z(&f->arena, path);
}

static void
fixture_init(struct fixture *f, const char *listen)
{
    *f = (struct fixture){.dir = "/tmp/c10m-test-keys-XXXXXX"};
    arena_init(&f->arena);
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(socket_address_parse(str_of(listen), &f->options.address), OK);
    f->options.seal_file = path_of(f, "root.key");
    f->options.admin_token_file = path_of(f, "admin-token");
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 1}, &f->cloud.runtime), OK);
    struct kv_options options = {.runtime = f->cloud.runtime, .log = &f->cloud.log};
    assert_int_equal(kv_open("mem:", &options, &f->cloud.kv, f->problem, sizeof(f->problem)), OK);
}

static void
fixture_fini(struct fixture *f)
{
    static const char *const names[] = {"root.key", "admin-token", "keys"};
    kv_close(f->cloud.kv);
    runtime_free(f->cloud.runtime);
    key_ring_free(f->cloud.keys);
    seal_free(f->cloud.seal);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(path_of(f, names[i]));
    assert_int_equal(rmdir(f->dir), 0); // nothing else was left there
    arena_fini(&f->arena);
}

static int
open_again(struct fixture *f)
{
    key_ring_free(f->cloud.keys);
    seal_free(f->cloud.seal);
    f->cloud.keys = NULL;
    f->cloud.seal = NULL;
    f->options.new_root_key[0] = 0;
    return keys_open(&f->cloud, &f->options, f->problem, sizeof(f->problem));
}

static bool
knows(struct fixture *f, const char *key, const char *secret)
{
    struct credential c;
    return credential_find(f->cloud.keys, &f->arena, str_of(key), &c) == OK &&
           str_eq(c.secret, str_of(secret));
}

static void
test_loopback(void **state)
{
    struct fixture f;
    fixture_init(&f, "127.0.0.1:0");
    assert_int_equal(open_again(&f), OK);
    assert_true(knows(&f, "test", "test"));
    assert_string_equal(f.options.new_root_key, "");
    f.options.root_keys = (struct text_list){{"111111111111:AKIA1:s1"}, 1};
    assert_int_equal(open_again(&f), OK);
    assert_true(knows(&f, "test", "test"));
    assert_true(knows(&f, "AKIA1", "s1"));
    f.options.development_keys = DEVELOPMENT_KEYS_OFF;
    assert_int_equal(open_again(&f), OK);
    assert_false(knows(&f, "test", "test"));
    assert_true(knows(&f, "AKIA1", "s1"));
    fixture_fini(&f);
}

// The first start makes a key and shows it; later ones know it.
static void
test_open_to_the_network(void **state)
{
    struct fixture f;
    fixture_init(&f, "0.0.0.0:0");
    assert_int_equal(open_again(&f), OK);
    assert_false(knows(&f, "test", "test"));
    struct str account, key, secret, text = arena_copy(&f.arena, str_of(f.options.new_root_key));
    str_cut(text, ':', &account, &text);
    str_cut(text, ':', &key, &secret);
    assert_true(str_eq(account, STR("000000000000")));
    assert_true(key.len == 20 && str_starts(key, STR("AKIA")) && secret.len == 40);
    const char *key_z = arena_copy_z(&f.arena, key), *secret_z = arena_copy_z(&f.arena, secret);
    assert_true(knows(&f, key_z, secret_z));
    assert_int_equal(open_again(&f), OK);
    assert_string_equal(f.options.new_root_key, "");
    assert_true(knows(&f, key_z, secret_z));
    assert_int_equal(unlink(f.options.seal_file), 0);
    assert_int_equal(open_again(&f), E_NOT_FOUND);
    assert_true(strstr(f.problem, f.options.seal_file) != NULL);
    fixture_fini(&f);
}

static void
test_development_keys_are_refused(void **state)
{
    struct fixture f;
    fixture_init(&f, "0.0.0.0:4566");
    f.options.development_keys = DEVELOPMENT_KEYS_ON;
    assert_int_equal(keys_check(&f.options, f.problem, sizeof(f.problem)), E_INVALID);
    assert_string_equal(f.problem,
                        "refusing to listen on 0.0.0.0:4566 with --development-keys: everybody "
                        "knows these keys; choose --listen 127.0.0.1:PORT or leave the option out");
    fixture_fini(&f);
}

static void
test_key_files(void **state)
{
    struct fixture f;
    fixture_init(&f, "127.0.0.1:0");
    const char *path = path_of(&f, "keys");
    f.options.root_key_files = (struct text_list){{path}, 1};
    assert_int_equal(open_again(&f), E_NOT_FOUND);
    assert_int_equal(private_file_add(path, STR("# two\n111111111111:A1:s1\n222222222222:A2:s2\n"),
                                      f.problem, sizeof(f.problem)),
                     OK);
    assert_int_equal(open_again(&f), OK);
    assert_true(knows(&f, "A1", "s1") && knows(&f, "A2", "s2"));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(open_again(&f), E_INVALID);
    assert_true(strstr(f.problem, "which holds a secret: chmod 600 it") != NULL);
    f.options.root_key_files.items[0] = f.dir;
    assert_int_equal(open_again(&f), E_INVALID);
    fixture_fini(&f);
}

static void
test_admin_token(void **state)
{
    struct fixture f;
    struct stat st;
    char first[ADMIN_TOKEN_BYTES_MAX + 1];
    fixture_init(&f, "127.0.0.1:0");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(admin_token_open(&f.cloud, &f.options, f.problem, sizeof(f.problem)), OK);
        assert_int_equal(strlen(f.cloud.admin_token), 64);
        if (i == 0)
            memcpy(first, f.cloud.admin_token, sizeof(first));
    }
    assert_string_equal(first, f.cloud.admin_token);
    assert_int_equal(stat(f.options.admin_token_file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(unlink(f.options.admin_token_file), 0);
    assert_int_equal(
        private_file_add(f.options.admin_token_file, STR("short\n"), f.problem, sizeof(f.problem)),
        OK);
    assert_int_equal(admin_token_open(&f.cloud, &f.options, f.problem, sizeof(f.problem)),
                     E_INVALID);
    assert_int_equal(
        private_file_add(f.options.admin_token_file, STR("other"), f.problem, sizeof(f.problem)),
        E_EXISTS);
    f.options.admin_token_file = "/nonexistent/token";
    assert_int_equal(admin_token_open(&f.cloud, &f.options, f.problem, sizeof(f.problem)),
                     E_NOT_FOUND);
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_open_to_the_network),
        cmocka_unit_test(test_development_keys_are_refused),
        cmocka_unit_test(test_key_files),
        cmocka_unit_test(test_admin_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
