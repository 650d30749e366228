// One API call on its way through the pipeline.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/auth/authorise.h"
#include "src/auth/credentials.h"
#include "src/auth/header_digest.h"
#include "src/auth/signed_body.h"
#include "src/auth/sigv4.h"
#include "src/cloud/cloud.h"
#include "src/cloud/fault.h"
#include "src/cloud/hosts.h"
#include "src/http/message.h"

struct call {
    struct cloud *cloud;
    struct arena *arena; // the request's
    struct kv *kv;
    const struct http_request *http;
    struct http_response *response;
    char request_id[UUID_BYTES + 1];
    const struct service *page_of; // whose CORS rule admitted the page behind it; NULL: none did

    // Filled by the stages, in this order (src/cloud/pipeline.c).
    enum wire_protocol protocol; // route
    struct sigv4 signature;      // read by route already: its scope names a query service
    enum sigv4_result signature_result;
    struct str signature_reason;
    const struct service *service;          // NULL: there is none such
    size_t service_index;                   // in service_registry
    void *state;                            // what the service's init made
    const struct wire_operation *operation; // NULL: the service has none such
    struct str operation_name;              // as the caller gave it
    struct str form;                        // query protocol: body or query string
    struct str body;                        // of the request; authenticate takes its chunks apart
    struct stream *stream;           // the body that the handler reads, checked; NULL: `body` is it
    struct signed_body *signed_body; // authenticate: what checks it; NULL: nothing does
    struct header_digest *digest;    // check digest: of the body by headers; NULL: nothing is asked
    struct principal principal;      // authenticate
    struct str region;
    struct host host;        // what the host stands for. route
    struct str path;         // REST: with the bucket that the host names in front. route
    struct str host_id;      // S3: the second id of the request; else absent. route
    bool is_inside;          // no client's: see src/cloud/invoke.h
    bool is_shed;            // sent away by admit
    int64_t asked_wait_ns;   // run: its time between call_begin_wait and call_end_wait
    bool is_admitted;        // counts in the cloud's budget
    const void *in;          // decode
    struct access *accesses; // authorise: one an action of the operation, in its order
    size_t access_count;
    void *out; // run
    struct fault fault;
};

// The host that the caller used, with its port.
struct str call_host(const struct call *c);
// Scheme, host and port that the caller used: "http://localhost:4566", for URLs in answers.
struct str call_endpoint(const struct call *c);
// arn:aws:SERVICE:REGION:ACCOUNT:resource, in the arena.
struct str call_arn(const struct call *c, struct str resource);
int64_t call_now_ms(const struct call *c); // service clock
// The address that the call came from, without its port; of one from inside, the service's name.
struct str call_source_ip(const struct call *c);
// Around a wait that the caller asked for, as by a long poll: meanwhile only its memory counts in
// the cloud's budget, and no log calls it slow for it.
void call_begin_wait(struct call *c);
void call_end_wait(struct call *c);
// What the operation asks of IAM; NULL: there is no operation, or it asks for nothing.
const struct action *call_actions(const struct call *c, size_t *count);
