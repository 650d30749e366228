// Zones for the operator's page: what lies in each, and what fails there.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/unit.h"

enum { ZONE_REPORT_MAX = 256 }; // zones; what lies in more of them is not reported

struct zone_member {
    struct str zone, kind, name;
    struct str range; // of a network; else absent
    bool is_up;
    int64_t applied_zones;
    struct zone_member *next;
};

struct zone_report {
    struct arena *arena;
    struct str names[ZONE_REPORT_MAX];
    size_t name_count;
    struct zone_member *members, **end;
};

void zone_report_init(struct zone_report *r, struct arena *arena);
// The unit's strings live as long as the report; a network's spec is open.
void zone_report_add(struct zone_report *r, const struct unit *u);
// From a fiber, as JSON. What kv_run returns.
MUST_USE int zone_report_put(struct zone_report *r, struct kv *kv, struct buf *out);
