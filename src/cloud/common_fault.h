// Names and status of the errors that all services share, by the family of the protocol.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/cloud/fault.h"
#include "src/wire/model.h"

// `error` is one of enum common_fault. The service is NULL before it is known.
struct fault common_fault_of(int error, enum wire_protocol protocol, const struct wire_service *s);
