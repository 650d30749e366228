// The interpreters behind one face: what the ring calls for each protocol.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/wire/protocol.h"

// One message with what its interpreter needs to know.
struct codec_call {
    const struct wire_service *service;
    const struct wire_operation *operation;
    enum wire_protocol protocol;
    struct arena *arena;
    struct str request_id;
};

struct codec {
    const char *name; // as botocore's models have it; json's with its version
    // Which operation a request means; NULL: none.
    const struct wire_operation *(*route)(const struct codec_call *c,
                                          const struct wire_request *request);
    int (*decode)(const struct codec_call *c, const struct wire_request *request, void *out,
                  struct wire_problem *problem);
    void (*encode)(const struct codec_call *c, const void *in, struct wire_response *response);
    void (*encode_error)(const struct codec_call *c, const struct wire_error_text *e,
                         struct wire_response *response);
};

// By enum wire_protocol.
enum { CODEC_COUNT = WIRE_RPC_V2_CBOR + 1 };
extern const struct codec codecs[CODEC_COUNT];
