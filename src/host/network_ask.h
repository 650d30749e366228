// Requests to a network's holder (src/host/holder/holder.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "src/host/line.h"
#include "src/host/network.h"

enum { NETWORK_DIR_BYTES = 4096, NETWORK_ANSWER_MS_MAX = 10 * 1000 };

void network_dir(const struct host *h, struct str name, char out[NETWORK_DIR_BYTES]);
// Writes the sentence and returns the code.
int network_say(char *problem, int code, const char *what);
// A line, what follows it and a descriptor (-1: none). *out: the connection, whose answer was read
// up to its first line, "ok " taken away; NULL: closes it.
MUST_USE int network_ask(struct host *h, struct str name, struct str line, struct str data, int fd,
                         char answer[HOST_LINE_BYTES], char *problem, struct socket **out);
MUST_USE int network_ask_line(struct host *h, struct str name, char *problem,
                              char answer[HOST_LINE_BYTES], const char *format, ...) PRINTF(5, 6);
// A descriptor of the holder's that it answered; the caller closes it.
MUST_USE int network_take_fd(struct host *h, struct str name, const char *answer, int *out,
                             char *problem);
