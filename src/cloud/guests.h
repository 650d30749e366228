// What guests of networks ask of c10m itself: their metadata, the cloud's API, names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/message.h"

struct cloud;
struct host_door;

// In every network that runs, c10m answers on sockets that the network's holder keeps:
//   169.254.169.254:80    instance metadata (guest_metadata_fn)
//   169.254.169.254:4566  the cloud's API and routes, as on c10m's own address, without /_c10m
//   169.254.169.253:53 and the third address of each range of the network's own (10.0.1.1/24:
//   10.0.1.2), UDP and TCP: names (guest_names_fn). localhost.localstack.cloud and all below it is
//   the API's address; what nobody knows is refused, since guests have no way to other resolvers.
enum { GUESTS_API_PORT = 4566 };
#define GUESTS_ADDRESS "169.254.169.254"

// Who asks. Nobody can send from an address that is not his port's.
struct guest {
    struct str network, address;
};

// In the request's fiber; as a raw route's (raw.h).
typedef void guest_metadata_fn(void *arg, const struct guest *guest,
                               const struct http_request *request, struct http_response *response);
// In a fiber; may wait a little. The name is in lower case; addresses are in the network's byte
// order, at most max. OK, also with none: the name is there, but has no address; E_NOT_FOUND: there
// is no such name, for certain; E_CLOSED: not ours to know; anything else is a failure.
typedef int guest_names_fn(void *arg, const struct guest *guest, struct str name, uint32_t *out,
                           size_t max, size_t *count);

// From a service's init; one each.
void guests_set_metadata(struct cloud *cloud, guest_metadata_fn *fn, void *arg);
void guests_set_names(struct cloud *cloud, guest_names_fn *fn, void *arg);

struct guests;
struct guests *guests_new(struct cloud *cloud);
const struct host_door *guests_door(const struct guests *g);
// The server is there: until then guests' connections are closed.
void guests_start(struct guests *g);
// From outside the loops, before the server ends: no socket of a network is answered any more.
void guests_stop(struct guests *g);
void guests_free(struct guests *g); // stopped. NULL is accepted
// True when the request came from a guest and was answered here: metadata, and what is not for
// guests.
bool guests_answer(struct cloud *cloud, const struct http_request *request,
                   struct http_response *response);
