// GetCallerIdentity.
// SPDX-License-Identifier: Apache-2.0
#include "services/sts/sts_api.h"

#include "src/cloud/call.h"

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
int
sts_get_caller_identity(struct call *c, const struct sts_get_caller_identity_request *in,
                        struct sts_get_caller_identity_response *out)
{
    out->Account = c->principal.account;
    out->Arn = c->principal.arn;
    out->UserId = c->principal.user_id;
    return OK;
}
