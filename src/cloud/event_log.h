// The way of records to who has subscribed: through the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/event.h"
#include "src/store/kv.h"

struct cloud;

enum { EVENT_LOG_BATCH = 100, EVENT_SUBSCRIBER_NAME_MAX = 32 };

// Appends the record of a call to the log of every subscriber that wants it, in one transaction,
// before the answer leaves; without a subscriber that wants it nothing is printed and nothing
// written. What goes wrong is logged: the call has happened. In the call's fiber.
void event_log_append(struct cloud *cloud, const struct api_event *event);

// Starts the fibers that hand records on. The store is open, the services have subscribed.
void event_log_start(struct cloud *cloud);
