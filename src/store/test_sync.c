// An acknowledged commit was synced: this program counts the syncs of the engine linked into it.
// SPDX-License-Identifier: Apache-2.0
#include "src/store/fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SYNC_NS = 10 * 1000 * 1000, ROUNDS = 10, WRITERS = 16 };

static _Atomic uint64_t begun, finished;

// In the place of the C library's, and slower, so that an answer that does not wait for it shows.
static int
sync_slowly(long number, int fd)
{
    atomic_fetch_add(&begun, 1);
    nanosleep(&(struct timespec){.tv_nsec = SYNC_NS}, NULL);
    int code = (int)syscall(number, fd);
    atomic_fetch_add(&finished, 1);
    return code;
}

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's are reserved
int
fdatasync(int fd)
{
    return sync_slowly(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    return sync_slowly(SYS_fsync, fd);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

static void
put_synced(struct fixture *f, size_t i)
{
    char key[16];
    snprintf(key, sizeof key, "key%02zu", i % 100);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t before = atomic_load(&begun);
        put(f, str_of(key), STR("value"));
        // One that began after the commit was submitted is over.
        CHECK(atomic_load(&finished) > before);
    }
}

static void
one_writer_is_synced(struct fixture *f)
{
    put_synced(f, 0);
}

static void
many_writers_are_synced(struct fixture *f)
{
    in_fibers(f, WRITERS, put_synced);
}

static void
test_one_writer_is_synced(void **state)
{
    in_fiber(*state, one_writer_is_synced);
}

static void
test_many_writers_are_synced(void **state)
{
    in_fiber(*state, many_writers_are_synced);
}

#define ON(kind, name) {kind " " #name, test_##name, fixture_setup, fixture_teardown, (void *)kind}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON("rocks:", one_writer_is_synced),
        ON("rocks:", many_writers_are_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
