// The development CA and its server certificate as files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/http/tls_ca.h"

// Opens dir/ca.pem, ca.key, server.pem and server.key, and makes those that are missing, broken or
// near their end; all are readable by their owner only. Several processes may call it at once. dir
// is made when only its last part is missing; NULL keeps both in memory. E_IO: errno says why.
MUST_USE int tls_store_open(const char *dir, int64_t wall_ms, struct tls_identity *ca,
                            struct tls_identity *server);
