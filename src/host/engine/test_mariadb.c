// Tests of MariaDB as an engine, with the real one.
// SPDX-License-Identifier: Apache-2.0
#include "src/host/engine/fixture.h"

#define SQL(row, sql)                                                                              \
    "mariadb --no-defaults -h 10.0.1." row " -u boss -psecret -N -e \"" sql "\" 2>&1"

static struct subject
mariadb_new(struct fixture *f, const char *name, int row)
{
    struct subject s = subject_new(f, "mariadb", name, row);
    s.record.admin = STR("boss");
    s.record.admin_password = STR("secret");
    s.record.replication_password = STR("a secret");
    return s;
}

static void
runs_and_keeps_what_is_written(struct fixture *f)
{
    subject_network(f);
    struct subject one = mariadb_new(f, "one", 4), *all[] = {&one};
    struct host_setting_record settings[] = {{STR("max-connections"), STR("33")},
                                             {STR("innodb-buffer-pool-size"), STR("24M")}};
    one.record.settings.items = settings;
    one.record.settings.count = 2;
    subject_up(&one);
    subject_client(f, SQL("4", "create database d; create table d.t (n int); insert into d.t "
                               "values (1)"));
    subject_kill(&one);
    subject_up(&one);
    assert_true(str_starts(subject_client(f, SQL("4", "select n from d.t")), STR("1\n")));
    subjects_adopt(f, all, 1);
    subject_hear(f, SQL("4", "select @@max_connections"), "33");
    settings[0].value = STR("44");
    subject_change(&one);
    subject_hear(f, SQL("4", "select @@max_connections"), "44");
    // Nobody comes in from outside as its root.
    subject_client(f, "! mariadb --no-defaults -h 10.0.1.4 -u root -e 'select 1' 2>&1");
    settings[0].value = STR("many'");
    subject_refuses(&one, "the setting max-connections is none of MariaDB's");
    subject_stop(&one);
    subject_gone(&one);
    subject_network_end(f);
}

static void
a_replica_is_promoted(struct fixture *f)
{
    subject_network(f);
    struct subject one = mariadb_new(f, "one", 4), two = mariadb_new(f, "two", 5);
    struct subject three = mariadb_new(f, "three", 6);
    two.record.primary_host = three.record.primary_host = STR("10.0.1.4");
    subject_up(&one);
    subject_client(f, SQL("4", "create database d; create table d.t (n int); insert into d.t "
                               "values (1)"));
    subject_up(&two);
    subject_up(&three);
    subject_client(f, SQL("4", "insert into d.t values (7)"));
    subject_hear(f, SQL("5", "select concat('n', n) from d.t where n = 1"), "n1");
    subject_hear(f, SQL("5", "select concat('n', n) from d.t where n = 7"), "n7");
    subject_hear(f, SQL("6", "select concat('n', n) from d.t where n = 7"), "n7");
    subject_client(f, "! " SQL("5", "insert into d.t values (8)"));
    subject_kill(&one);
    two.record.primary_host = (struct str){0};
    subject_change(&two);
    subject_client(f, SQL("5", "insert into d.t values (9)"));
    three.record.primary_host = STR("10.0.1.5");
    subject_change(&three);
    subject_hear(f, SQL("6", "select concat('n', n) from d.t where n = 9"), "n9");
    // So does the old primary, which had nothing that the others had not.
    one.record.primary_host = STR("10.0.1.5");
    subject_up(&one);
    subject_hear(f, SQL("4", "select concat('n', n) from d.t where n = 9"), "n9");
    subject_gone(&three);
    subject_gone(&two);
    subject_gone(&one);
    subject_network_end(f);
}

#define IN_FIBER(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        fixture_run(*state, name);                                                                 \
    }
IN_FIBER(runs_and_keeps_what_is_written)
IN_FIBER(a_replica_is_promoted)

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(runs_and_keeps_what_is_written),
        TEST(a_replica_is_promoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
