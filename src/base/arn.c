// Amazon Resource Names: arn:partition:service:region:account:resource.
// SPDX-License-Identifier: Apache-2.0
#include "src/base/arn.h"

int
arn_parse(struct str text, struct arn *out)
{
    struct str arn, rest;
    struct arn parts;
    if (text.len > ARN_BYTES_MAX || !str_cut(text, ':', &arn, &rest) || !str_eq(arn, STR("arn")) ||
        !str_cut(rest, ':', &parts.partition, &rest) ||
        !str_cut(rest, ':', &parts.service, &rest) || !str_cut(rest, ':', &parts.region, &rest) ||
        !str_cut(rest, ':', &parts.account, &parts.resource))
        return E_INVALID;
    if (parts.partition.len == 0 || parts.service.len == 0 || parts.resource.len == 0)
        return E_INVALID;
    *out = parts;
    return OK;
}

struct str
arn_print(struct arena *arena, const struct arn *arn)
{
    return arena_print(arena, "arn:" STR_FMT ":" STR_FMT ":" STR_FMT ":" STR_FMT ":" STR_FMT,
                       STR_ARG(arn->partition), STR_ARG(arn->service), STR_ARG(arn->region),
                       STR_ARG(arn->account), STR_ARG(arn->resource));
}
