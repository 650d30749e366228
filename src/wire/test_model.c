// Operations by name.
// SPDX-License-Identifier: Apache-2.0
#include "src/wire/model.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "src/wire/test_model.h"

static void
test_operation_find(void **state)
{
    const struct wire_operation *op = wire_operation_find(&test_service, STR("DoNothing"));
    assert_ptr_equal(op, &test_operations[DO_NOTHING]);
    assert_int_equal(wire_operation_index(&test_service, op), DO_NOTHING);
    assert_null(wire_operation_find(&test_service, STR("Do")));
    assert_null(wire_operation_find(&test_service, STR("DoNothingMore")));
    assert_null(wire_operation_find(&test_service, STR("donothing")));
    assert_null(wire_operation_find(&test_service, STR("")));
    assert_null(wire_operation_find(&test_service, (struct str){0}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operation_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
