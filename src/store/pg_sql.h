// The statements of the PostgreSQL back end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/store/pg_conn.h"

extern const char *const pg_sql[PG_STATEMENTS];
// By enum pg_right: gives whether it could be had.
extern const char *const pg_sql_right[];
// What every session begins with.
extern const char pg_sql_session[];
