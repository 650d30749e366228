// Tests of tls.h: what TLS clients see, and the files behind it.
// SPDX-License-Identifier: Apache-2.0
#include "src/http/tls.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/http/test_tls_client.h"
#include "src/http/tls_store.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

enum { SHORT_MS = 50, CLIENTS = 12 };

static const int64_t day_ms = 24 * 60 * 60 * 1000;

static struct fixture x;
static struct answer got;
static struct tls_client c;
static struct tls_options options;
static char dir[64], ca_path[96], certificate_path[96], key_path[96];

static void
start(const struct http_server_options *o)
{
    struct http_server_options with_tls = *o;
    with_tls.tls = &options;
    fixture_start(&x, &(struct runtime_options){.loops = 2}, &with_tls);
}

static int
setup_dir(void **state)
{
    snprintf(dir, sizeof(dir), "/tmp/c10m-test-tls-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", dir);
    snprintf(certificate_path, sizeof(certificate_path), "%s/server.pem", dir);
    snprintf(key_path, sizeof(key_path), "%s/server.key", dir);
    options = (struct tls_options){.dir = dir};
    return 0;
}

static int
setup(void **state)
{
    setup_dir(state);
    start(&(struct http_server_options){0});
    return 0;
}

static int
teardown_dir(void **state)
{
    static const char *const names[] = {"ca.pem", "ca.key", "server.pem", "server.key", "lock"};
    char path[128];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(dir), 0); // nothing else was left
    return 0;
}

static int
teardown(void **state)
{
    fixture_end(&x);
    return teardown_dir(state);
}

// The first connection makes the CA, so a client that wants to verify comes second.
static void
make_files(void)
{
    assert_int_equal(tls_files_prepare(dir, clock_wall_ms(x.rt)), OK);
}

static long
connect_to(const char *name)
{
    return tls_client_connect(&c, &x, &(struct tls_wish){.name = name, .ca_path = ca_path});
}

static void
expect_answer(struct str request, struct str body)
{
    tls_client_send(&c, request);
    tls_client_receive(&c, &got);
    assert_int_equal(got.status, 200);
    assert_int_equal(got.body_len, body.len);
    assert_memory_equal(got.body, body.ptr, body.len < sizeof(got.body) ? body.len : 0);
}

static void
tls_and_plain_text_share_the_port(void **state)
{
    struct client plain;
    assert_true(client_connect(&plain, &x));
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_wish wish = {.version = version};
        assert_int_not_equal(tls_client_connect(&c, &x, &wish), -1);
        assert_int_equal(SSL_version(c.ssl), version);
        for (int i = 0; i < 50; i++)
            expect_answer(STR(GET("/abc")), STR("/abc"));
        client_send(&plain, STR(GET("/plain")));
        client_receive(&plain, &got, true);
        assert_memory_equal(got.body, "/plain", 6);
        tls_client_close(&c);
    }
    client_close(&plain);
}

static void
old_versions_are_refused(void **state)
{
    assert_int_equal(tls_client_connect(&c, &x, &(struct tls_wish){.version = TLS1_1_VERSION}), -1);
    tls_client_close(&c);
}

static void
names_of_this_machine_are_vouched_for(void **state)
{
    static const char *const names[] = {"localhost",
                                        "127.0.0.1",
                                        "::1",
                                        "sqs.localhost",
                                        "SQS.LocalHost",
                                        "sqs.us-east-1.localhost",
                                        "a.b.c.d.localhost",
                                        "localhost.localstack.cloud",
                                        "s3.localhost.localstack.cloud",
                                        "bucket.s3.eu-west-1.localhost.localstack.cloud"};
    make_files();
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            if (connect_to(names[i]) != X509_V_OK)
                fail_msg("%s: %s", names[i],
                         X509_verify_cert_error_string(SSL_get_verify_result(c.ssl)));
            expect_answer(STR(GET("/a")), STR("/a"));
            tls_client_close(&c);
        }
}

static void
foreign_names_are_not(void **state)
{
    static const char *const names[] = {"example.com", "localhost.example.com", "localstack.cloud",
                                        "a..localhost"};
    make_files();
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(connect_to(names[i]), X509_V_ERR_HOSTNAME_MISMATCH);
        tls_client_close(&c);
    }
    assert_int_equal(connect_to("10.0.0.1"), X509_V_ERR_IP_ADDRESS_MISMATCH);
    tls_client_close(&c);
}

// Even with its key.
static void
ca_cannot_vouch_for_others(void **state)
{
    static const struct {
        const char *name;
        int outcome;
    } cases[] = {{"a.localhost", X509_V_OK},
                 {"example.com", X509_V_ERR_PERMITTED_VIOLATION},
                 {"cloud", X509_V_ERR_PERMITTED_VIOLATION}};
    struct tls_identity ca = {0}, server = {0};
    assert_int_equal(tls_store_open(NULL, clock_wall_ms(x.rt), &ca, &server), OK);
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, ca.certificate);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        X509 *made;
        assert_int_equal(tls_name_make(&ca, &server, str_of(cases[i].name), &made), OK);
        X509_STORE_CTX *check = X509_STORE_CTX_new();
        assert_true(X509_STORE_CTX_init(check, trusted, made, NULL));
        X509_STORE_CTX_set_purpose(check, X509_PURPOSE_SSL_SERVER);
        assert_int_equal(X509_verify_cert(check), cases[i].outcome == X509_V_OK);
        assert_int_equal(X509_STORE_CTX_get_error(check), cases[i].outcome);
        X509_STORE_CTX_free(check);
        X509_free(made);
    }
    X509_STORE_free(trusted);
    tls_identity_fini(&ca);
    tls_identity_fini(&server);
}

static void
protocol_is_agreed_on(void **state)
{
    static const char *const cases[][2] = {
        {"h2,http/1.1", "h2"}, {"http/1.1,h2", "h2"}, {"http/1.1", "http/1.1"}, {NULL, ""}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const unsigned char *name;
        unsigned len;
        struct tls_wish wish = {.alpn = cases[i][0]};
        assert_int_not_equal(tls_client_connect(&c, &x, &wish), -1);
        SSL_get0_alpn_selected(c.ssl, &name, &len);
        assert_true(str_eq((struct str){(const char *)name, len}, str_of(cases[i][1])));
        tls_client_close(&c);
    }
    assert_int_equal(tls_client_connect(&c, &x, &(struct tls_wish){.alpn = "spdy/3"}), -1);
    tls_client_close(&c);
}

// What the first reads hold, and what OpenSSL has read ahead, is not lost.
static void
bytes_may_come_one_by_one(void **state)
{
    assert_int_not_equal(tls_client_connect(&c, &x, &(struct tls_wish){.piece = 1}), -1);
    expect_answer(STR(GET("/a")), STR("/a"));
    tls_client_send(&c, STR("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"));
    expect_answer(STR("hello"), STR("hello"));
    tls_client_close(&c);
}

static void
large_bodies_go_both_ways(void **state)
{
    assert_int_not_equal(tls_client_connect(&c, &x, &(struct tls_wish){0}), -1);
    for (int i = 0; i < 2; i++) {
        tls_client_send(&c,
                        STR("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n"));
        expect_answer((struct str){x.big, BIG_BYTES}, (struct str){x.big, BIG_BYTES});
    }
    // More in one record than one read of ours takes, and several requests in it.
    char many[300 * sizeof(GET("/n"))];
    size_t len = 0;
    for (int i = 0; i < 300; i++, len += strlen(GET("/n")))
        memcpy(many + len, GET("/n"), strlen(GET("/n")));
    tls_client_send(&c, (struct str){many, len});
    for (int i = 0; i < 300; i++) {
        tls_client_receive(&c, &got);
        assert_memory_equal(got.body, "/n", 2);
    }
    tls_client_close(&c);
}

static void
end_is_told(void **state)
{
    assert_int_not_equal(tls_client_connect(&c, &x, &(struct tls_wish){0}), -1);
    expect_answer(STR(GET("/close")), STR("/close"));
    char byte;
    assert_int_equal(tls_client_receive_some(&c, &byte, 1), 0);
    tls_client_close(&c);
}

static void
client_that_goes_away_cancels_its_handler(void **state)
{
    assert_int_not_equal(tls_client_connect(&c, &x, &(struct tls_wish){0}), -1);
    tls_client_send(&c, STR(GET("/sleep")));
    await_count(&x.waiting, 1);
    tls_client_close(&c);
    await_count(&x.cancelled, 1);
}

static void
what_is_no_handshake_is_refused(void **state)
{
    static const struct str inputs[] = {
        {"\x16garbage that is no TLS at all\r\n\r\n", 35},
        {"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10}, // a ClientHello of one byte
        {"\x16\x03\x01\xff\xff", 5},                      // longer than a record can be
    };
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        struct client plain;
        assert_true(client_connect(&plain, &x));
        client_send(&plain, inputs[i]);
        char bytes[64];
        while (recv(plain.fd, bytes, sizeof(bytes), 0) > 0)
            continue; // an alert
        client_close(&plain);
    }
    struct http_server_stats stats;
    http_server_stats_get(x.server, &stats);
    assert_int_equal(stats.rejected, COUNT_OF(inputs));
}

static void
many_may_be_the_first(void **state)
{
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(client_connect(&clients[i], &x));
        client_send(&clients[i], STR("\x16")); // certificates are made
    }
    assert_int_not_equal(tls_client_connect(&c, &x, &(struct tls_wish){0}), -1);
    expect_answer(STR(GET("/a")), STR("/a"));
    tls_client_close(&c);
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
}

static void
slow_handshake_is_ended(void **state)
{
    setup_dir(state);
    start(&(struct http_server_options){.head_timeout_ms = SHORT_MS});
    struct client plain;
    assert_true(client_connect(&plain, &x));
    client_send(&plain, STR("\x16\x03\x01"));
    client_expect_closed(&plain);
    client_close(&plain);
}

static void
server_without_tls_speaks_none(void **state)
{
    setup_dir(state);
    fixture_start(&x, &(struct runtime_options){.loops = 1}, &(struct http_server_options){0});
    assert_int_equal(tls_client_connect(&c, &x, &(struct tls_wish){0}), -1);
    tls_client_close(&c);
    struct arena arena;
    arena_init(&arena);
    struct str pem;
    assert_int_equal(http_server_ca_get(x.server, &arena, &pem), E_NOT_FOUND);
    assert_int_equal(http_server_tls_reload(x.server), OK);
    arena_fini(&arena);
}

static void
ca_may_be_kept_in_memory(void **state)
{
    setup_dir(state);
    options.dir = NULL;
    start(&(struct http_server_options){0});
    struct arena arena;
    arena_init(&arena);
    struct str pem;
    assert_int_equal(http_server_ca_get(x.server, &arena, &pem), OK);
    FILE *f = fopen(ca_path, "w");
    assert_true(f && fwrite(pem.ptr, 1, pem.len, f) == pem.len && fclose(f) == 0);
    arena_fini(&arena);
    assert_int_equal(connect_to("sqs.localhost"), X509_V_OK);
    tls_client_close(&c);
}

// -- files

static void
expect_private_file(const char *name)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static X509 *
read_certificate(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    X509 *x509 = PEM_read_X509(f, NULL, NULL, NULL);
    assert_non_null(x509);
    fclose(f);
    return x509;
}

static void
expect_changed(const char *path, int64_t wall_ms, bool is_changed)
{
    X509 *before = read_certificate(path);
    assert_int_equal(tls_files_prepare(dir, wall_ms), OK);
    X509 *after = read_certificate(path);
    assert_int_equal(X509_cmp(before, after) != 0, is_changed);
    X509_free(before);
    X509_free(after);
}

static const int64_t now_ms = 1790000000000;

static void
break_file(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_true(f && fputs("-----BEGIN CERTIFICATE-----\nAAAA\n", f) >= 0 && fclose(f) == 0);
}

static void
files_are_made_once_and_private(void **state)
{
    mode_t mask = umask(0);
    assert_int_equal(tls_files_prepare(dir, now_ms), OK);
    umask(mask);
    expect_private_file("ca.pem");
    expect_private_file("ca.key");
    expect_private_file("server.pem");
    expect_private_file("server.key");
    expect_changed(ca_path, now_ms, false);
    expect_changed(certificate_path, now_ms, false);
}

static void
files_are_renewed_before_they_end(void **state)
{
    assert_int_equal(tls_files_prepare(dir, now_ms), OK);
    expect_changed(certificate_path, now_ms + (TLS_SERVER_DAYS - 31) * day_ms, false);
    expect_changed(certificate_path, now_ms + (TLS_SERVER_DAYS - 29) * day_ms, true);
    expect_changed(ca_path, now_ms + (TLS_CA_DAYS - 401) * day_ms, false);
    expect_changed(ca_path, now_ms + (TLS_CA_DAYS - 399) * day_ms, true);
}

static void
broken_files_are_made_again(void **state)
{
    assert_int_equal(tls_files_prepare(dir, now_ms), OK);
    X509 *ca = read_certificate(ca_path);
    break_file(certificate_path);
    assert_int_equal(tls_files_prepare(dir, now_ms), OK);
    X509_free(read_certificate(certificate_path));
    break_file(key_path);
    expect_changed(certificate_path, now_ms, true);
    expect_changed(ca_path, now_ms, false);
    assert_int_equal(unlink(ca_path), 0);
    expect_changed(certificate_path, now_ms, true); // of the new CA
    X509 *new_ca = read_certificate(ca_path);
    assert_true(X509_cmp(ca, new_ca) != 0);
    X509_free(new_ca);
    X509_free(ca);
}

static void
missing_parent_is_an_error(void **state)
{
    assert_int_equal(tls_files_prepare("/nonexistent/dir", now_ms), E_IO);
}

// -- an operator's certificate

static void
expect_operated(int expected)
{
    struct runtime *rt;
    struct tls *t = NULL;
    assert_int_equal(runtime_new(&(struct runtime_options){.loops = 1}, &rt), OK);
    options = (struct tls_options){.certificate_path = certificate_path, .key_path = key_path};
    assert_int_equal(tls_new(rt, &options, NULL, &t), expected);
    tls_free(t);
    runtime_free(rt);
}

static void
operators_files_are_checked_at_the_start(void **state)
{
    expect_operated(E_IO);
    assert_int_equal(tls_files_prepare(dir, now_ms), OK);
    expect_operated(OK);
    break_file(key_path);
    expect_operated(E_INVALID);
}

static bool
shows(const X509 *certificate)
{
    assert_int_not_equal(tls_client_connect(&c, &x, &(struct tls_wish){0}), -1);
    return X509_cmp(SSL_get0_peer_certificate(c.ssl), certificate) == 0;
}

static void
operators_certificate_is_read_again(void **state)
{
    setup_dir(state);
    assert_int_equal(tls_files_prepare(dir, now_ms), OK);
    X509 *first = read_certificate(certificate_path);
    options = (struct tls_options){.certificate_path = certificate_path, .key_path = key_path};
    start(&(struct http_server_options){0});
    assert_true(shows(first));
    struct tls_client open = c;
    assert_int_equal(unlink(certificate_path), 0);
    assert_int_equal(http_server_tls_reload(x.server), E_IO);
    assert_int_equal(tls_files_prepare(dir, now_ms), OK); // made again
    assert_true(shows(first));
    tls_client_close(&c);
    assert_int_equal(http_server_tls_reload(x.server), OK);
    assert_false(shows(first));
    tls_client_close(&c);
    c = open;
    expect_answer(STR(GET("/still")), STR("/still"));
    tls_client_close(&c);
    X509_free(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_OWN_START(name) cmocka_unit_test_teardown(name, teardown)
#define TEST_FILES(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown_dir)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls_and_plain_text_share_the_port),
        TEST(old_versions_are_refused),
        TEST(names_of_this_machine_are_vouched_for),
        TEST(foreign_names_are_not),
        TEST(ca_cannot_vouch_for_others),
        TEST(protocol_is_agreed_on),
        TEST(bytes_may_come_one_by_one),
        TEST(large_bodies_go_both_ways),
        TEST(end_is_told),
        TEST(client_that_goes_away_cancels_its_handler),
        TEST(what_is_no_handshake_is_refused),
        TEST(many_may_be_the_first),
        TEST_OWN_START(slow_handshake_is_ended),
        TEST_OWN_START(server_without_tls_speaks_none),
        TEST_OWN_START(ca_may_be_kept_in_memory),
        TEST_FILES(files_are_made_once_and_private),
        TEST_FILES(files_are_renewed_before_they_end),
        TEST_FILES(broken_files_are_made_again),
        TEST_FILES(missing_parent_is_an_error),
        TEST_FILES(operators_files_are_checked_at_the_start),
        TEST_OWN_START(operators_certificate_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
