// SQL for a PostgreSQL that runs as an engine, through the socket in its folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/engine/kind.h"

enum { POSTGRES_PORT = 5432 };
uint16_t postgres_port(const struct engine_run *r);
// As its superuser; several statements are one transaction. The first value of the last result,
// absent when there is none, is in the arena. E_AGAIN: it takes no connections; E_IO: it refuses. A
// fiber parks.
MUST_USE int postgres_sql(struct engine_run *r, struct str sql, struct str *out);
// 'text' as a literal, and "text" as a name.
struct str postgres_quote(struct engine_run *r, struct str text, char quote);
