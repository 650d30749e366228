// Host headers, friendly and hostile.
// SPDX-License-Identifier: Apache-2.0
#include "src/cloud/hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/cloud/service.h"

static void
check(const char *listen, const struct text_list *allowed, const char *authority, bool is_allowed)
{
    struct socket_address address;
    assert_int_equal(socket_address_parse(str_of(listen), &address), OK);
    if (host_is_allowed(str_of(authority), &address, allowed) != is_allowed)
        fail_msg("%s on %s", authority, listen);
}

static void
test_names(void **state)
{
    static const struct {
        const char *authority;
        bool is_allowed;
    } rows[] = {
        {"localhost", true},
        {"localhost:4566", true},
        {"LocalHost:1", true},
        {"localhost.", true},
        {"sqs.us-east-1.localhost:4566", true},
        {"a.localhost.", true},
        {"localhost.localstack.cloud:4566", true},
        {"sqs.eu-west-1.localhost.localstack.cloud", true},
        {"127.0.0.1", true},
        {"127.0.0.1:4566", true},
        {"127.9.8.7:80", true},
        {"[::1]:4566", true},
        {"[::1]", true},
        // What rebinding would use, and what looks like ours.
        {"evil.example", false},
        {"evil.example:4566", false},
        {"localhost.evil.example", false},
        {"evillocalhost", false},
        {"evil.localstack.cloud", false},
        {"xlocalhost.localstack.cloud", false},
        {"127.0.0.1.evil.example", false},
        {"127.0.0.1.nip.io:4566", false},
        {".localhost", false},
        {".", false},
        {"", false},
        {":4566", false},
        {"0.0.0.0:4566", false},
        {"10.0.0.1:4566", false},
        {"[::2]:4566", false},
        {"2130706433", false},
        {"0x7f.1", false},
        {"localhost:4566:4566", false},
        {"localhost@evil.example", false},
    };
    struct text_list none = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check("127.0.0.1:4566", &none, rows[i].authority, rows[i].is_allowed);
}

static void
test_own_addresses(void **state)
{
    struct text_list none = {0};
    check("10.1.2.3:4566", &none, "10.1.2.3:4566", true);
    check("10.1.2.3:4566", &none, "10.1.2.3", true);
    check("10.1.2.3:4566", &none, "10.1.2.4:4566", false);
    check("0.0.0.0:4566", &none, "10.1.2.4:4566", true);
    check("0.0.0.0:4566", &none, "[fd00::1]:4566", true);
    check("[::]:4566", &none, "10.1.2.4", true);
    check("[::]:4566", &none, "evil.example", false);
    check("0.0.0.0:4566", &none, "10.1.2.4.evil.example", false);
}

static void
test_listed_names(void **state)
{
    struct text_list listed = {{"cloud.example", "*.apps.example"}, 2};
    check("127.0.0.1:4566", &listed, "cloud.example:4566", true);
    check("127.0.0.1:4566", &listed, "CLOUD.example", true);
    check("127.0.0.1:4566", &listed, "a.cloud.example", false);
    check("127.0.0.1:4566", &listed, "a.b.apps.example", true);
    check("127.0.0.1:4566", &listed, "apps.example", false);
    check("127.0.0.1:4566", &listed, "xapps.example", false);
}

static void
test_services(void **state)
{
    static const struct {
        const char *authority, *service, *region, *labels;
    } rows[] = {
        {"fake.eu-west-1.localhost:4566", "fake", "eu-west-1", ""},
        {"FAKE.eu-west-1.LOCALHOST", "FAKE", "eu-west-1", ""},
        {"fake.localhost", "fake", "", ""},
        {"fake.mars-1.localhost.localstack.cloud:4566", "fake", "mars-1", ""},
        {"a.b.fake.eu-west-1.localhost.localstack.cloud", "fake", "eu-west-1", "a.b"},
        {"a.b.fake.localhost", "fake", "", "a.b"},
        {"fake.fake.localhost", "fake", "", "fake"},
        {"localhost", "", "", ""},
        {"localhost.localstack.cloud", "", "", ""},
        {"eu-west-1.localhost", "", "", "eu-west-1"},
        {"fake.a.b.localhost", "", "", "fake.a.b"},
        {"fakes.eu-west-1.localhost", "", "", "fakes.eu-west-1"},
        {"my.bucket.localhost:4566", "", "", "my.bucket"},
        {"fake.eu-west-1.evil.example", "", "", ""},
        {"..localhost", "", "", "."},
        {"127.0.0.1:4566", "", "", ""},
        {"", "", "", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct host host;
        host_read(str_of(rows[i].authority), &host);
        assert_true(str_eq(host.service, str_of(rows[i].service)));
        assert_true(str_eq(host.region, str_of(rows[i].region)));
        assert_true(str_eq(host.labels, str_of(rows[i].labels)));
        assert_int_equal(host_means(host.service, service_registry[0]), *rows[i].service != 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_own_addresses),
        cmocka_unit_test(test_listed_names),
        cmocka_unit_test(test_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
