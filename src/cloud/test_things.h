// Services whose handlers read and make streams: the tables of the REST tests, as S3 and as a
// service of REST-JSON. The registry of these programs holds only them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/service.h"
#include "src/cloud/test_exchange.h"

// PutThing reads its body to the end, and answers what the last read did; of a key "large" it
// checks each byte. GetThing answers as many bytes as its key says.
// DeleteThings does nothing. Everybody may call them, S3's with digests in headers (Content-MD5).
//
// Pages of others: in the box "open" of S3, http://app.test may GET, and origins below .app.test
// may also PUT, with headers x-..., and read x-amz-request-id; in "any" everybody may GET.
extern const struct service *const things_s3, *const things_depot;

// Before a cloud is started: fills the tables. For cmocka_run_group_tests.
int things_setup(void **state);
// The same, with a cloud that serves them until the group's end.
extern struct fixture things_cloud;
int things_cloud_setup(void **state);
int things_cloud_teardown(void **state);
// Bytes that PutThing took in until their end was seen, since this was asked last.
size_t things_taken(void);
// The bytes of a large thing, from one of them on.
void thing_fill(char *out, size_t from, size_t n);
